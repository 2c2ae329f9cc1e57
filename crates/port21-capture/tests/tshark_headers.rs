//! Frame by frame against the tshark of this machine: the numbers of the packets, and what each carries.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use port21_capture::{Capture, Decoder, Transport};
use port21_testkit::{manifest, note, shared};

/// Where we differ, by capture and frame (0: all of them), and why ours is right.
const KNOWN: &[(&str, u64, &str)] = &[
    (
        "libpcap/shb-option-too-long.pcapng",
        0,
        "tshark refuses the file for an option; the packet behind it is sound",
    ),
    (
        "gopacket/test901-le.pcapng",
        0,
        "tshark stops at a section of version 2; the section after it is version 1",
    ),
    (
        "suricata-verify/bug-6875-fuzz.pcap",
        2,
        "tshark shows a packet of -99345354 s and then gives up; its header is noise",
    ),
    ("zeek/fragmented-1.pcap", 3, "the fragment ends beyond the datagram's last one; tshark cuts it to fit"),
    (
        "tcpdump/tcp_header_heapoverflow.pcap",
        1,
        "the TCP header is cut within its ports, of which tshark shows one",
    ),
    ("zeek/ip-discarder-truncated-tcp-oob.pcapng", 1, "no byte of the TCP header was captured"),
    ("arkime/arkime_synthetic.pcap", 618, "VXLAN-GPE, which is not decoded here"),
    ("arkime/arkime_synthetic.pcap", 619, "VXLAN-GPE, which is not decoded here"),
    (
        "arkime/arkime_synthetic.pcap",
        623,
        "6081 is its source port, and Geneve is named by the destination's",
    ),
];

/// Tunnels that tshark looks into and that are not decoded here.
const NOT_LOOKED_INTO: [&str; 2] = ["teredo", "gtp"];

/// What a frame carries in its innermost header: for TCP ends, sequence number, flags and payload length.
type Frames<Text> = BTreeMap<u64, Text>;

fn ours(path: &Path) -> Option<Frames<String>> {
    let mut capture = Capture::open(path).ok()?;
    let mut decoder = Decoder::default();
    let mut frames = BTreeMap::new();
    while let Some(packet) = capture.next_packet() {
        let decoded = decoder.decode(&packet);
        let ends = decoded.addresses.map_or(String::new(), |(from, to)| format!("{from} {to}"));
        let text = match decoded.transport {
            Some(Transport::Tcp(tcp)) => format!(
                "tcp {ends} {} {} seq {} flags {:#06x} length {}",
                tcp.source_port, tcp.destination_port, tcp.sequence, tcp.flags.0, tcp.payload_length
            ),
            Some(Transport::Udp { source_port, destination_port, .. }) => {
                format!("udp {ends} {source_port} {destination_port}")
            }
            _ => String::new(),
        };
        frames.insert(packet.number, text);
    }
    Some(frames)
}

const FIELDS: [&str; 13] = [
    "frame.number",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.seq_raw",
    "tcp.flags",
    "tcp.len",
    "udp.srcport",
    "udp.dstport",
];

fn tshark(path: &Path) -> Frames<Option<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "tcp.desegment_tcp_streams:FALSE", "-T", "fields", "-E", "occurrence=l", "-r"]);
    command.arg(path).args(FIELDS.iter().flat_map(|field| ["-e", field]));
    let output = command.output().expect("tshark is installed");
    String::from_utf8_lossy(&output.stdout).lines().map(frame).collect()
}

/// One line of tshark's; `None` instead of what it found in a tunnel that is not decoded here.
fn frame(line: &str) -> (u64, Option<String>) {
    let fields: Vec<&str> = line.split('\t').collect();
    let protocols: Vec<&str> = fields[1].split(':').collect();
    let position = |names: &[&str]| {
        protocols.iter().rposition(|protocol| names.contains(protocol)).map_or(0, |at| at + 1)
    };
    let (ip, tcp, udp) = (position(&["ip", "ipv6"]), position(&["tcp"]), position(&["udp"]));
    // What an ICMP message quotes is not what the packet carries.
    let quoted =
        protocols.iter().position(|name| name.starts_with("icmp")).is_some_and(|at| at < tcp.max(udp));
    let ends = match protocols.get(ip.saturating_sub(1)) {
        Some(&"ipv6") => format!("{} {}", fields[4], fields[5]),
        _ => format!("{} {}", fields[2], fields[3]),
    };
    let [number, .., from, to, sequence, flags, length, udp_from, udp_to] = fields[..] else {
        panic!("{line}")
    };
    let text = if quoted || ip > tcp.max(udp) {
        String::new()
    } else if tcp > udp {
        format!("tcp {ends} {from} {to} seq {sequence} flags {flags} length {length}")
    } else if udp > 0 {
        format!("udp {ends} {udp_from} {udp_to}")
    } else {
        String::new()
    };
    let known = !protocols.iter().any(|name| NOT_LOOKED_INTO.contains(name));
    (number.parse().unwrap(), known.then_some(text))
}

/// Frames of one capture, and where we differ.
fn compare(path: &Path, name: &str) -> (u64, Vec<String>) {
    let Some(ours) = ours(path) else { return (0, Vec::new()) };
    let theirs = tshark(path);
    let numbers: BTreeSet<u64> = ours.keys().chain(theirs.keys()).copied().collect();
    let differs = |number: &&u64| match (ours.get(number), theirs.get(number)) {
        (Some(_), Some(None)) => false,
        (Some(mine), Some(Some(other))) => mine != other,
        _ => true,
    };
    let known = |number: u64| KNOWN.iter().any(|(file, at, _)| *file == name && [0, number].contains(at));
    let wrong = numbers.iter().filter(differs).filter(|number| !known(**number));
    let wrong = wrong
        .map(|number| format!("{name} #{number}: {:?}, tshark {:?}", ours.get(number), theirs.get(number)));
    (numbers.len() as u64, wrong.collect())
}

#[test]
fn every_wild_frame_has_tshark_s_number_and_headers() {
    let Some(shared) = shared() else {
        note("headers of wild captures: none compared with tshark, ../shared/captures is not there");
        return;
    };
    let files: Vec<String> = manifest(&shared).into_iter().map(|(file, _)| file).collect();
    let halves: Vec<(u64, Vec<String>)> = std::thread::scope(|scope| {
        let (first, second) = files.split_at(files.len() / 2);
        let workers = [first, second].map(|half| {
            let shared = &shared;
            scope.spawn(move || {
                half.iter()
                    .map(|file| {
                        compare(&shared.join("captures").join(file), file.trim_start_matches("wild/"))
                    })
                    .collect::<Vec<_>>()
            })
        });
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let frames: u64 = halves.iter().map(|(frames, _)| frames).sum();
    let wrong: Vec<String> = halves.into_iter().flat_map(|(_, wrong)| wrong).collect();
    note(&format!(
        "headers of wild captures: {frames} frames compared with tshark, {} differences listed",
        KNOWN.len()
    ));
    assert!(wrong.is_empty(), "{} of {frames}:\n{}", wrong.len(), wrong.join("\n"));
}

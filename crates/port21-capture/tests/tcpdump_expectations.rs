//! Packet by packet against the outputs that tcpdump's own tests expect of its captures.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};

use port21_capture::{Capture, Decoder, Flags, Segment, Transport};
use port21_testkit::{note, shared};

/// At least this part of the packets must agree, in 1/1000.
const AGREEMENT: usize = 995;

/// Packets of which tcpdump says something else, and why ours is right.
const KNOWN: &[(&str, u64, &str)] = &[];

/// What tcpdump prints of each packet of one of its tests, the lines of one packet joined.
fn printed(path: &Path) -> Vec<(u64, String)> {
    let mut packets: Vec<(u64, String)> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        // Five columns and two spaces; lines that go on begin with a tab or four spaces.
        let numbered = line.split_at_checked(5).filter(|(_, rest)| rest.starts_with("  "));
        let number = numbered.and_then(|(start, rest)| Some((start.trim().parse().ok()?, rest)));
        match (number, packets.last_mut()) {
            (Some((number, rest)), _) => packets.push((number, rest.to_string())),
            (None, Some((_, text))) => *text = format!("{text} {}", line.trim()),
            (None, None) => panic!("{}: {line}", path.display()),
        }
    }
    packets
}

/// The capture that an output belongs to: "x-v.out" and "x.out" are of "x.pcap".
fn capture(folder: &Path, output: &Path) -> PathBuf {
    let stem = output.file_stem().unwrap().to_str().unwrap();
    let named = |stem: &str| folder.join(format!("{stem}.pcap"));
    [stem, stem.trim_end_matches("-v"), stem.trim_end_matches("-e")]
        .into_iter()
        .map(named)
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no capture for {stem}"))
}

/// Ends and the rest of the innermost "A.1 > B.2: rest", if the packet is no ICMP message that quotes another.
fn transport(text: &str) -> Option<(String, &str)> {
    if text.contains(": ICMP") {
        return None;
    }
    let (at, _) =
        text.rmatch_indices(" > ").find(|(at, _)| port(text[..*at].rsplit(' ').next().unwrap()).is_some())?;
    let from = text[..at].rsplit(' ').next()?;
    let (to, rest) = text[at + 3..].split_once(": ")?;
    let ((from, from_port), (to, to_port)) = (port(from)?, port(to)?);
    Some((format!("{from} {from_port} {to} {to_port}"), rest))
}

/// "10.0.0.1.21" and "fe80::1.21" as address and port.
fn port(end: &str) -> Option<(&str, u16)> {
    let (address, port) = end.rsplit_once('.')?;
    (address.contains(':') || address.matches('.').count() == 3).then_some(())?;
    Some((address, port.parse().ok()?))
}

/// What of a segment tcpdump shows: flags as letters, and the payload's length.
fn told(segment: &Segment<'_>, rest: &str) -> String {
    let length = format!("length {}", segment.payload_length);
    if rest.starts_with("tcp ") {
        return format!("tcp {}", segment.payload_length);
    }
    let letters =
        [(Flags::FIN, 'F'), (Flags::SYN, 'S'), (Flags::RST, 'R'), (Flags::PSH, 'P'), (Flags::ACK, '.')];
    let set: String =
        letters.iter().filter(|(flag, _)| segment.flags.contains(*flag)).map(|(_, letter)| *letter).collect();
    format!("Flags [{set}] {length}")
}

/// The same of what tcpdump printed.
fn shown(rest: &str) -> String {
    if let Some(length) = rest.strip_prefix("tcp ") {
        return format!("tcp {length}");
    }
    let flags = rest.split(',').next().unwrap();
    let length = rest.rsplit_once(", length ").unwrap().1;
    let digits: String = length.chars().take_while(char::is_ascii_digit).collect();
    format!("{flags} length {digits}")
}

fn compare(capture: &Path, printed: &[(u64, String)]) -> Vec<(u64, String)> {
    let mut capture = Capture::open(capture).unwrap();
    let mut decoder = Decoder::default();
    let mut wrong = Vec::new();
    let mut printed = printed.iter();
    while let Some(packet) = capture.next_packet() {
        let Some((number, text)) = printed.next() else {
            wrong.push((packet.number, "tcpdump has no such packet".to_string()));
            continue;
        };
        let decoded = decoder.decode(&packet);
        let ends =
            |from, to| decoded.addresses.map(|(a, b)| format!("{a} {from} {b} {to}")).unwrap_or_default();
        let (ours, theirs) = match (decoded.transport, transport(text)) {
            (Some(Transport::Tcp(segment)), Some((other, rest))) => (
                format!("{} {}", ends(segment.source_port, segment.destination_port), told(&segment, rest)),
                format!("{other} {}", shown(rest)),
            ),
            (Some(Transport::Udp { source_port, destination_port, .. }), Some((other, _))) => {
                (ends(source_port, destination_port), other)
            }
            (Some(Transport::Tcp(_) | Transport::Udp { .. }), None) => ("TCP or UDP".into(), "none".into()),
            // Of a header that is cut, tcpdump shows the ports.
            (_, Some((_, rest))) if rest.trim() == "[|tcp]" => (String::new(), String::new()),
            (_, Some((other, _))) => ("none".into(), other),
            (_, None) => (String::new(), String::new()),
        };
        if ours != theirs || *number != packet.number {
            wrong.push((packet.number, format!("{ours}, tcpdump {theirs}")));
        }
    }
    wrong.extend(printed.map(|(number, text)| (*number, format!("only tcpdump has it: {text}"))));
    wrong
}

#[test]
fn packets_are_what_tcpdump_expects_them_to_be() {
    let Some(shared) = shared() else {
        note("tcpdump's expectations: none compared, ../shared/captures is not there");
        return;
    };
    let mut outputs: Vec<PathBuf> = std::fs::read_dir(shared.join("captures/expected/tcpdump"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    outputs.sort();
    let (mut packets, mut differ, mut unlisted) = (0, 0, Vec::new());
    for output in outputs {
        let capture = capture(&shared.join("captures/wild/tcpdump"), &output);
        let name = output.file_name().unwrap().to_str().unwrap();
        let printed = printed(&output);
        packets += printed.len();
        for (number, what) in compare(&capture, &printed) {
            differ += 1;
            if !KNOWN.iter().any(|(file, packet, _)| *file == name && *packet == number) {
                unlisted.push(format!("{name} #{number}: {what}"));
            }
        }
    }
    note(&format!("tcpdump's expectations: {} of {packets} packets agree", packets - differ));
    assert!(unlisted.is_empty(), "{}", unlisted.join("\n"));
    assert!(packets > 0 && (packets - differ) * 1000 >= packets * AGREEMENT);
}

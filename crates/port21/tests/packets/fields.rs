//! Every field stands where Wireshark says that it stands, and says what Wireshark says.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use port21_capture::dissect::{Dissection, Field, dissect};
use port21_capture::{Capture, Decoder};
use port21_testkit::{manifest, note, shared};

use super::recorded;

/// Place and value of fields by their name, in the order of the packet.
type Fields = BTreeMap<String, Vec<(usize, usize, String)>>;

/// What an attribute of an XML element says.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// What tshark says of every packet, checksums verified.
fn tshark(path: &Path) -> Vec<Fields> {
    let mut command = Command::new("tshark");
    for protocol in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    let output = command.arg("-n").arg("-r").arg(path).args(["-T", "pdml"]).output().expect("tshark runs");
    let mut packets = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.trim() == "<packet>" {
            packets.push(Fields::new());
        }
        let (Some(packet), Some(name)) = (packets.last_mut(), attribute(line, "name")) else { continue };
        let number = |name| attribute(line, name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let value = attribute(line, "show").unwrap_or_default().to_owned();
        packet.entry(name.to_owned()).or_default().push((number("pos"), number("size"), value));
    }
    packets
}

/// Our value as tshark's `show` has it, where it is a number, a status or an address; `None`: not compared.
fn comparable(field: &Field) -> Option<String> {
    match field.filter {
        "ip.src" | "ip.dst" | "ipv6.src" | "ipv6.dst" | "eth.src" | "eth.dst" => Some(field.value.clone()),
        "tcp.checksum.status" | "ip.checksum.status" | "udp.checksum.status" => Some(
            match field.value.as_str() {
                "Bad" => "0",
                "Good" => "1",
                "Unverified" => "2",
                _ => "3",
            }
            .into(),
        ),
        "ip.ttl"
        | "ip.len"
        | "tcp.seq_raw"
        | "tcp.ack_raw"
        | "tcp.srcport"
        | "tcp.dstport"
        | "udp.srcport"
        | "udp.dstport"
        | "udp.length"
        | "tcp.window_size_value"
        | "tcp.urgent_pointer"
        | "ipv6.plen"
        | "ipv6.hlim"
        | "tcp.options.mss_val"
        | "tcp.options.wscale.shift"
        | "tcp.options.timestamp.tsval"
        | "tcp.options.timestamp.tsecr"
        | "ip.frag_offset"
        | "vlan.id"
        | "vlan.priority" => Some(field.value.clone()),
        "ip.hdr_len" | "tcp.hdr_len" => field.value.split(' ').next().map(str::to_owned),
        _ => None,
    }
}

fn ours(dissection: &Dissection) -> Vec<&Field> {
    fn collect<'a>(field: &'a Field, found: &mut Vec<&'a Field>) {
        found.push(field);
        field.children.iter().for_each(|child| collect(child, found));
    }
    let mut found = Vec::new();
    dissection.layers.iter().for_each(|layer| collect(layer, &mut found));
    found
}

/// Compares all packets of a capture; gives how many fields were compared, and what differs.
fn compare(path: &Path) -> (usize, Vec<String>) {
    let theirs = tshark(path);
    let mut capture = Capture::open(path).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut index = 0;
    while let Some(packet) = capture.next_packet() {
        let Some(theirs) = theirs.get(index) else { break };
        index += 1;
        let dissection = dissect(&packet);
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for field in ours(&dissection)
            .into_iter()
            .filter(|field| !field.filter.is_empty() && field.length > 0 || field.filter.ends_with(".status"))
        {
            let at = seen.entry(field.filter).or_default();
            let Some(found) = theirs.get(field.filter).and_then(|all| all.get(*at)) else { continue };
            *at += 1;
            // Data of what tshark takes apart further, and layers whose extent it counts otherwise.
            if dissection.layers.iter().any(|layer| std::ptr::eq(layer, field)) {
                continue;
            }
            compared += 1;
            let place_differs = field.length > 0 && (field.offset, field.length) != (found.0, found.1);
            let value_differs = comparable(field).is_some_and(|value| value != found.2);
            if place_differs || value_differs {
                let (name, number) = (path.display(), packet.number);
                wrong.push(format!(
                    "{name} #{number} {}: {:?}, tshark {found:?}",
                    field.filter,
                    (field.offset, field.length, &field.value)
                ));
            }
        }
    }
    (compared, wrong)
}

#[test]
fn fields_of_recorded_captures_are_those_of_tshark() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in recorded() {
        let (count, different) = compare(&path);
        compared += count;
        wrong.extend(different);
    }
    note(&format!("tshark, fields with their places: {compared} compared, {} differ", wrong.len()));
    assert!(compared > 20_000, "{compared}");
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
}

/// Packets taken apart of each wild capture.
const MOST: u64 = 3000;

#[test]
fn fields_of_wild_captures_lie_within_their_packet_and_layer() {
    let Some(shared) = shared() else {
        note("fields of wild captures: none taken apart, ../shared/captures is not there");
        return;
    };
    let mut packets = 0_u64;
    for (file, _) in manifest(&shared) {
        let Ok(mut capture) = Capture::open(&shared.join("captures").join(&file)) else { continue };
        let mut decoder = Decoder::default();
        while let Some(packet) = capture.next_packet() {
            if packet.number > MOST {
                break;
            }
            packets += 1;
            let dissection = dissect(&packet);
            let mut end = 0;
            for layer in &dissection.layers {
                assert!(lies_within(layer, end, packet.data.len()), "{file} #{}: {layer:#?}", packet.number);
                end = layer.end();
            }
            // Both readers stop for the same reason, or one of them at a place that the other does not look at.
            let stopped = decoder.decode(&packet).stopped;
            if stopped.is_some() && !dissection.fragment {
                assert!(dissection.stopped.is_some(), "{file} #{}: {stopped:?}", packet.number);
            }
        }
    }
    note(&format!("fields of wild captures: {packets} packets taken apart"));
}

fn lies_within(field: &Field, from: usize, to: usize) -> bool {
    let within = from <= field.offset && field.end() <= to;
    within && field.children.iter().all(|child| lies_within(child, field.offset, field.end()))
}

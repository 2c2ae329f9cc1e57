//! Wireshark's verdicts on each segment (`tcp.analysis.*`), asked of tshark itself, on the wild captures and on our own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use port21_testkit::note;
use serde_json::Value;

use super::{AGREEMENT, Case, assert_listed, cases, explained};

/// tshark's field behind `tcp.analysis.`, and our list.
const FLAGS: [(&str, &str); 15] = [
    ("retransmission", "retransmissions"),
    ("fast_retransmission", "fast_retransmissions"),
    ("spurious_retransmission", "spurious_retransmissions"),
    ("out_of_order", "out_of_order"),
    ("duplicate_ack", "duplicate_acks"),
    ("lost_segment", "lost_segments"),
    ("ack_lost_segment", "acked_unseen"),
    ("keep_alive", "keep_alives"),
    ("keep_alive_ack", "keep_alive_acks"),
    ("zero_window", "zero_windows"),
    ("zero_window_probe", "zero_window_probes"),
    ("zero_window_probe_ack", "zero_window_probe_acks"),
    ("window_update", "window_updates"),
    ("window_full", "window_full"),
    ("reused_ports", "reused_ports"),
];

/// The flags of one packet.
type Verdict = BTreeSet<&'static str>;

#[test]
fn verdicts_on_every_segment_agree() {
    let version = Command::new("tshark").arg("--version").output();
    if !version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(" 4.0.")) {
        note("tshark, segments: none compared, tshark 4.0 is not there");
        return;
    }
    let (mut compared, mut flagged, mut captures, mut different) = (0, 0, 0, BTreeSet::new());
    for case in own_cases().iter().chain(cases()) {
        let ours = verdicts_of_ours(case);
        let theirs = verdicts_of_tshark(case);
        captures += 1;
        compared += theirs.len();
        flagged += theirs.values().filter(|verdict| !verdict.is_empty()).count();
        for (packet, verdict) in theirs {
            if ours.get(&packet).unwrap_or(&Verdict::new()) != &verdict {
                different.insert((case.name.clone(), format!("#{packet}")));
            }
        }
    }
    assert!(compared > 0, "nothing was compared");
    note(&format!("tshark, segments: {compared} in {captures} captures, {flagged} of them flagged"));
    // Without the folder of wild captures, what is listed of them cannot be found.
    if port21_testkit::shared().is_none() {
        assert!(different.is_empty(), "{different:#?}");
        return;
    }
    let (agreeing, compared) = assert_listed("segments", compared, different);
    assert!(agreeing * 1000 >= compared * AGREEMENT, "{agreeing} of {compared}");
}

/// The captures of this repository.
fn own_cases() -> Vec<Case> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["tests/captures", "samples"] {
        let entries = std::fs::read_dir(repository.join(folder)).expect("a folder of captures");
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    files.sort();
    files
        .into_iter()
        .map(|capture| Case {
            name: format!("own/{}", capture.file_name().unwrap().to_string_lossy()),
            report: explained(&capture),
            tshark: capture.clone(),
            capture,
        })
        .collect()
}

fn verdicts_of_ours(case: &Case) -> BTreeMap<u64, Verdict> {
    let mut found: BTreeMap<u64, Verdict> = BTreeMap::new();
    for connection in case.connections() {
        for (theirs, ours) in FLAGS {
            for packet in connection["quality"][ours].as_array().unwrap() {
                found.entry(packet.as_u64().unwrap()).or_default().insert(theirs);
            }
        }
    }
    found
}

/// tshark's verdict on each segment of our control and data connections.
fn verdicts_of_tshark(case: &Case) -> BTreeMap<u64, Verdict> {
    let streams: BTreeSet<u64> =
        case.connections().iter().filter_map(|connection: &&Value| connection["stream"].as_u64()).collect();
    let mut command = Command::new("tshark");
    command.args(["-n", "-Y", "tcp", "-T", "fields", "-e", "frame.number", "-e", "tcp.stream"]);
    for (name, _) in FLAGS {
        command.args(["-e", &format!("tcp.analysis.{name}")]);
    }
    let output = command.arg("-r").arg(&case.capture).output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let segment = |line: &str| {
        let mut fields = line.split('\t');
        let packet = fields.next()?.parse().ok()?;
        // Of a segment in a quoted packet or a tunnel, the last one counts.
        let stream = fields.next()?.rsplit(',').next()?.parse().ok()?;
        let verdict = FLAGS.iter().zip(fields).filter(|(_, value)| !value.is_empty()).map(|(flag, _)| flag.0);
        streams.contains(&stream).then(|| (packet, verdict.collect()))
    };
    text.lines().filter_map(segment).collect()
}

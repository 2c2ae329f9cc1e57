//! Captures made by others: every one is read to a report or to one clear error, never to a panic, a hang or silence.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use port21_testkit::{Program, assert_conforms, manifest, note, shared};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Files that hold no packet that could be read, and why: these and no others are refused.
const REFUSED: [(&str, &str); 3] = [
    ("wild/libpcap/pcap-invalid-version-1.pcap", "pcap of a major version that does not exist"),
    ("wild/libpcap/pcapng-invalid-vers-1.pcapng", "pcapng of a version that does not exist"),
    ("wild/pcapplusplus/solaris.snoop", "snoop, another format"),
];

/// Runs one command on one file; gives its standard output unless it refuses the file, as it should.
fn run(arguments: &[&str], path: &Path, refused: bool) -> Option<Vec<u8>> {
    let output = PORT21.run(&[arguments, &[path.to_str().unwrap()]].concat());
    let talk = String::from_utf8_lossy(&output.stderr);
    let name = path.display();
    assert!(!talk.contains("panicked"), "{arguments:?} {name}: {talk}");
    if refused {
        assert_eq!(output.status.code(), Some(3), "{arguments:?} {name}: {talk}");
        assert_eq!(talk.lines().count(), 1, "{arguments:?} {name}: one sentence, not: {talk}");
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{arguments:?} {name}: {talk}");
    assert!(!output.stdout.is_empty(), "{arguments:?} {name}: silence");
    Some(output.stdout)
}

/// Fails if text for people has control characters other than line ends, or a time or name that went wrong.
fn assert_readable(file: &str, output: &[u8]) {
    let text = std::str::from_utf8(output).unwrap_or_else(|error| panic!("{file}: {error}"));
    let strange = |c: &char| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c);
    assert_eq!(text.chars().find(strange), None, "{file}: a control character");
    assert!(text.lines().count() > 1, "{file}: {text}");
    for wrong in ["NaN", "inf ", "Some(", "None", " 1 packets", " in 1 places", " -0."] {
        assert!(!text.contains(wrong), "{file} says {wrong:?}");
    }
}

#[test]
fn every_wild_capture_is_read_or_refused_in_one_sentence() {
    let Some(shared) = shared() else {
        note("wild captures: none read, ../shared/captures is not there");
        return;
    };
    let (mut read, mut packets, mut sessions) = (0, 0, 0);
    for (file, _) in manifest(&shared) {
        let path = shared.join("captures").join(&file);
        let refused = REFUSED.iter().any(|(name, _)| *name == file);
        if let Some(output) = run(&["explain", "--format", "json"], &path, refused) {
            let report: Value =
                serde_json::from_slice(&output).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_conforms(&file, &report);
            packets += report["totals"]["packets"].as_u64().unwrap();
            sessions += report["sessions"].as_array().unwrap().len();
            read += 1;
        }
        for format in ["text", "markdown"] {
            if let Some(output) = run(&["explain", "--format", format], &path, refused) {
                assert_readable(&file, &output);
            }
        }
    }
    note(&format!(
        "wild captures: {read} read ({packets} packets, {sessions} FTP sessions), {} refused as they should be",
        REFUSED.len()
    ));
    assert_eq!(read + REFUSED.len(), 137, "the folder holds 137 captures");
}

/// The manifest's fifth column is what capinfos counts.
#[test]
fn every_packet_of_a_wild_capture_is_counted() {
    let Some(shared) = shared() else {
        note("wild captures: none counted, ../shared/captures is not there");
        return;
    };
    let text = std::fs::read_to_string(shared.join("captures/MANIFEST.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        // "?/?": capinfos could not read it, so it has not counted.
        if fields[5] == "?/?" || REFUSED.iter().any(|(name, _)| *name == fields[0]) {
            continue;
        }
        let report = PORT21.explain_file(&shared.join("captures").join(fields[0]));
        let packets = fields[4].parse::<u64>().unwrap();
        if report["totals"]["packets"] != packets {
            wrong.push(format!("{}: {packets} packets, found {}", fields[0], report["totals"]["packets"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

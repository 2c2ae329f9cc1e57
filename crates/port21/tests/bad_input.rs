//! Inputs that are no captures, or not to their end: one clear sentence, the right exit code, and whatever can be read.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};

use port21_testkit::{Network, Program, assert_conforms, pattern};
use serde_json::Value;
use tempfile::TempDir;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// "An input could not be read at all."
const UNREADABLE: i32 = 3;

fn write(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Fails unless every command refuses `path` with exit code 3 and one sentence that names it.
fn assert_refused(path: &Path) -> String {
    let name = path.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("out");
    let runs: [&[&str]; 5] = [
        &["explain", name],
        &["explain", "--format", "json", name],
        &["answer", name],
        &["follow", name, "--stream", "0"],
        &["extract", name, "-o", into.to_str().unwrap()],
    ];
    let mut sentence = String::new();
    for arguments in runs {
        let output = PORT21.run(arguments);
        let talk = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(UNREADABLE), "{arguments:?}: {talk}");
        assert_eq!(talk.lines().count(), 1, "{arguments:?} says more than one sentence: {talk}");
        assert!(talk.contains(path.file_name().unwrap().to_str().unwrap()), "{talk} does not name the file");
        assert!(!talk.contains("panicked"), "{talk}");
        sentence = talk;
    }
    sentence
}

/// A whole session with one transfer, and its capture.
fn capture() -> Vec<u8> {
    let network = Network::new();
    network.ftp().retrieve("file.bin", 50_001, &pattern(1, 5000)).quit();
    network.pcap()
}

/// The report of `bytes`, which must be readable in part, and say so: of the compression and of the capture in it, at most.
fn explain_in_part(bytes: &[u8]) -> Value {
    let output = PORT21.run_with_input(&["explain", "--format", "json", "-"], bytes);
    let talk = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{talk}");
    assert!(!talk.contains("panicked"), "{talk}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_conforms("a damaged capture", &report);
    let problems = report["captures"][0]["problems"].as_array().unwrap();
    assert!((1..=2).contains(&problems.len()), "{problems:#?}");
    let strict = PORT21.run_with_input(&["explain", "--strict", "--format", "json", "-"], bytes);
    assert_eq!(strict.status.code(), Some(1), "with --strict, a problem counts");
    report
}

/// Offsets of the record headers of a pcap file.
fn records(pcap: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (24, Vec::new());
    while at < pcap.len() {
        found.push(at);
        at += 16 + u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
    }
    found
}

/// Fails unless the command refuses its arguments with exit code 2 and a sentence that holds `reason`, and writes nothing.
fn assert_arguments_refused(arguments: &[&str], reason: &str) {
    let output = PORT21.run(arguments);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}: {talk}");
    assert!(talk.contains(reason), "{arguments:?}: {talk}");
}

#[test]
fn session_that_the_capture_does_not_hold_is_a_wrong_argument() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "one.pcap", &capture());
    let (path, into) = (path.to_str().unwrap(), folder.path().join("out"));
    for format in ["text", "json", "jsonl", "markdown", "zeek", "eve"] {
        let arguments = ["explain", "--session", "2", "--format", format, path];
        assert_arguments_refused(&arguments, "no session 2: the capture holds 1 FTP session");
    }
    assert_arguments_refused(&["packets", "--session", "2", path], "no session 2");
    assert_arguments_refused(
        &["extract", "--session", "2", path, "-o", into.to_str().unwrap()],
        "no session 2",
    );
    assert!(!into.exists(), "a folder was made for nothing");
}

#[test]
fn option_of_another_format_is_a_wrong_argument() {
    assert_arguments_refused(&["explain", "--zeek-json", "never-read.pcap"], "--format zeek");
}

#[test]
fn empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let sentence = assert_refused(&write(&folder, "empty.pcap", b""));
    assert!(sentence.contains("empty"), "{sentence}");
}

#[test]
fn text_file() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&write(
        &folder,
        "notes.txt",
        b"USER alice\r\nPASS secret\r\nthis is no capture at all\r\n",
    ));
}

#[test]
fn directory() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("folder");
    std::fs::create_dir(&inner).unwrap();
    let sentence = assert_refused(&inner);
    assert!(sentence.contains("director") || sentence.contains("folder"), "{sentence}");
}

#[test]
fn missing_file() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&folder.path().join("nowhere.pcap"));
}

#[test]
fn file_cut_inside_its_own_header() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(&write(&folder, "cut.pcap", &capture()[..10]));
}

#[test]
fn three_hundred_megabytes_of_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.pcap");
    std::fs::File::create(&path).unwrap().set_len(300 << 20).unwrap();
    assert_refused(&path);
}

#[test]
fn three_hundred_megabytes_of_zeros_behind_a_capture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("allocated.pcap");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/ftp-lab.pcap"), &path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(300 << 20).unwrap();
    let report = PORT21.explain_file(&path);
    assert_eq!(report["totals"]["packets"], 310);
    let problems = report["captures"][0]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0]["text"].as_str().unwrap().contains("nothing but zeros"), "{problems:#?}");
}

#[test]
fn random_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..5 {
        assert_refused(&write(&folder, "random.bin", &pattern(seed, 100_000)));
    }
}

#[test]
fn formats_of_others() {
    let folder = tempfile::tempdir().unwrap();
    for (name, magic) in
        [("a.snoop", b"snoop\0\0\0".as_slice()), ("a.zip", b"PK\x03\x04"), ("a.png", b"\x89PNG\r\n\x1a\n")]
    {
        assert_refused(&write(&folder, name, &[magic, &pattern(1, 500)].concat()));
    }
}

#[test]
fn compressed_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"this is no capture either, however well it is packed").unwrap();
    assert_refused(&write(&folder, "text.gz", &encoder.finish().unwrap()));
}

#[test]
fn capture_without_packets_is_a_capture() {
    let report = PORT21.explain(&Network::new());
    assert_eq!(report["totals"]["packets"], 0);
    assert_eq!(report["captures"][0]["problems"], serde_json::json!([]));
}

#[test]
fn capture_without_ftp_says_so() {
    let network = Network::new();
    network.udp("10.0.0.1:1000", "10.0.0.2:2000", b"hello");
    let output = PORT21.run_with_input(&["explain", "-"], &network.pcap());
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("FTP"), "{text}");
}

#[test]
fn cut_inside_a_record_header_keeps_everything_before() {
    let pcap = capture();
    let last = *records(&pcap).last().unwrap();
    let report = explain_in_part(&pcap[..last + 7]);
    assert_eq!(report["totals"]["packets"], records(&pcap).len() - 1);
    assert_eq!(report["sessions"][0]["transfers"][0]["bytes"], 5000);
    assert_eq!(report["captures"][0]["problems"][0]["packet"], records(&pcap).len() - 1);
}

#[test]
fn cut_inside_a_packet_keeps_everything_before() {
    let pcap = capture();
    let report = explain_in_part(&pcap[..pcap.len() - 5]);
    assert_eq!(report["sessions"][0]["transfers"][0]["bytes"], 5000);
}

#[test]
fn record_of_four_gigabytes_keeps_everything_before() {
    let pcap = capture();
    let records = records(&pcap);
    let mut broken = pcap.clone();
    let at = records[records.len() - 3];
    broken[at + 8..at + 16].fill(0xff);
    let report = explain_in_part(&broken);
    assert_eq!(report["totals"]["packets"], records.len() - 3);
    assert_eq!(report["sessions"][0]["transfers"][0]["complete"], true);
}

#[test]
fn record_of_four_gigabytes_at_the_beginning_is_one_sentence() {
    let mut pcap = capture();
    pcap[32..40].fill(0xff);
    let report = explain_in_part(&pcap);
    assert_eq!(report["totals"]["packets"], 0);
}

#[test]
fn compressed_capture_that_is_cut_keeps_what_can_be_unpacked() {
    let pcap = capture();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(&pcap).unwrap();
    let packed = encoder.finish().unwrap();
    let report = explain_in_part(&packed[..packed.len() - 300]);
    assert!(report["totals"]["packets"].as_u64().unwrap() > 20);
    assert_eq!(report["sessions"][0]["transfers"][0]["bytes"], 5000);
}

#[test]
fn noise_behind_a_capture_does_not_hide_it() {
    let report = explain_in_part(&[capture(), pattern(9, 1000)].concat());
    assert_eq!(report["sessions"][0]["transfers"][0]["complete"], true);
}

#[test]
fn random_damage_never_stops_the_program() {
    let pcap = capture();
    for seed in 0..150u64 {
        let mut broken = pcap.clone();
        for pair in pattern(seed, 60).chunks_exact(3) {
            let at = 24 + (usize::from(pair[0]) << 8 | usize::from(pair[1])) % (broken.len() - 24);
            broken[at] = pair[2];
        }
        let output = PORT21.run_with_input(&["explain", "--format", "json", "-"], &broken);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "seed {seed}: {talk}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_conforms(&format!("damage of seed {seed}"), &report);
    }
}

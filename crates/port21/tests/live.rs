//! Inputs that come slowly or still grow: sessions are told as they end.

#![cfg(unix)]
// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use port21_testkit::{Network, Program, Side, pattern};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Two sessions after each other, and where in the file the second begins.
fn two_sessions() -> (Vec<u8>, usize) {
    let network = Network::new();
    network.ftp().retrieve("first.bin", 50_001, &pattern(1, 3000)).quit();
    let first = network.pcap().len();
    let ftp = network.ftp_between("10.0.0.3:40000", "10.0.0.2:21");
    ftp.login("bob", "secret").retrieve("second.bin", 50_002, &pattern(2, 3000)).quit();
    (network.pcap(), first)
}

fn id(line: &str) -> u64 {
    serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap()
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn session_is_told_while_the_pipe_stays_open() {
    let (pcap, first) = two_sessions();
    for format in ["jsonl", "eve"] {
        let mut running = PORT21.start(&["explain", "--format", format, "-"]);
        running.give(&pcap[..first]);
        let line = running.line();
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
        let ended = running.give(&pcap[first..]).close_input().end();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.talk);
        assert!(!ended.lines.is_empty());
    }
}

#[test]
fn what_comes_in_pieces_is_told_as_what_comes_at_once() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.retrieve("first.bin", 50_001, &pattern(1, 3000)).quit();
    let first = network.pcap().len();
    // A retransmission that is late for a session told already opens no connection of its own.
    ftp.control.fin(Side::Responder).ack(Side::Initiator);
    network.ftp_between("10.0.0.3:40000", "10.0.0.2:21").login("bob", "secret").quit();
    let pcap = network.pcap();
    let at_once = PORT21.run_with_input(&["explain", "--format", "jsonl", "-"], &pcap);
    let at_once = String::from_utf8(at_once.stdout).unwrap();

    let mut running = PORT21.start(&["explain", "--format", "jsonl", "-"]);
    assert_eq!(id(&running.give(&pcap[..first]).line()), 1);
    let ended = running.give(&pcap[first..]).close_input().end();
    assert_eq!(ended.lines, [at_once.lines().last().unwrap()]);
}

#[test]
fn sessions_of_a_growing_file_are_told_as_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pcap");
    let (pcap, first) = two_sessions();
    std::fs::write(&path, b"").unwrap();
    let mut running = PORT21.start(&["explain", "--follow", "--format", "jsonl", path.to_str().unwrap()]);
    // First in the middle of the header, then of a record.
    append(&path, &pcap[..10]);
    append(&path, &pcap[10..first + 21]);
    assert_eq!(id(&running.line()), 1);
    append(&path, &pcap[first + 21..]);
    assert_eq!(id(&running.line()), 2);
    let ended = running.signal("TERM").end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.talk);
    assert_eq!((ended.lines, ended.talk), (Vec::new(), String::new()));
}

#[test]
fn followed_file_is_told_whole_when_a_signal_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pcap");
    let (pcap, first) = two_sessions();
    std::fs::write(&path, &pcap[..first]).unwrap();
    let mut running = PORT21.start(&["explain", "--follow", path.to_str().unwrap()]);
    assert!(running.line().ends_with("growing.pcap   sessions as they end; totals are at the end"));
    assert_eq!(running.line(), "");
    assert!(running.line().starts_with("Session 1 "));
    let ended = running.signal("INT").end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.talk);
    let last = ended.lines.iter().rfind(|line| line.contains("growing.pcap")).unwrap();
    assert!(last.contains("1 FTP session   1 transfer"), "{last}");
    assert_eq!(ended.talk, "");
}

#[test]
fn file_that_becomes_shorter_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pcap");
    let (pcap, first) = two_sessions();
    std::fs::write(&path, &pcap[..first]).unwrap();
    let mut running = PORT21.start(&["explain", "--follow", "--format", "jsonl", path.to_str().unwrap()]);
    running.line();
    std::fs::write(&path, b"").unwrap();
    let ended = running.end();
    assert!(ended.talk.contains("shorter than what was read of it"), "{}", ended.talk);
}

#[test]
fn compressed_file_cannot_be_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.pcap.gz");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&two_sessions().0).unwrap();
    std::fs::write(&path, encoder.finish().unwrap()).unwrap();
    let output = PORT21.run(&["explain", "--follow", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.contains("growing.pcap.gz is compressed"), "{talk}");
}

#[test]
fn only_one_file_can_be_followed() {
    let output = PORT21.run(&["explain", "--follow", "a.pcap", "b.pcap"]);
    assert_eq!(output.status.code(), Some(2));
}

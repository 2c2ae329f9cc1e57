//! Signals and closed pipes: the program ends quietly, and nothing that it leaves behind looks whole without being it.

#![cfg(unix)]
// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use port21_testkit::{Ended, Network, Program, assert_conforms, pattern, wait_until};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// A whole session, then one under way.
fn capture() -> Vec<u8> {
    let network = Network::new();
    network.ftp().retrieve("file.bin", 50_001, &pattern(1, 3000)).quit();
    network.ftp_between("10.0.0.3:40000", "10.0.0.2:21").login("bob", "secret");
    network.pcap()
}

fn assert_died_quietly(ended: &Ended, signal: i32) {
    assert_eq!(ended.status.signal(), Some(signal), "{}: {}", ended.status, ended.talk);
    assert_eq!(ended.talk, "");
}

#[test]
fn lines_are_whole_when_a_signal_comes() {
    for (name, signal) in [("TERM", SIGTERM), ("INT", SIGINT)] {
        let mut running = PORT21.start(&["explain", "--format", "jsonl", "-"]);
        running.give(&capture()).line();
        let ended = running.signal(name).end();
        assert_died_quietly(&ended, signal);
        assert_eq!(ended.lines.len(), 1, "the session under way");
        let session: Value = serde_json::from_str(&ended.lines[0]).unwrap();
        assert_eq!(session["logins"][0]["user"], "bob");
    }
}

#[test]
fn report_is_whole_and_says_that_a_signal_ended_it() {
    let mut running = PORT21.start(&["explain", "--format", "json", "-"]);
    let mut text = running.give(&capture()).line();
    let ended = running.signal("TERM").end();
    assert_died_quietly(&ended, SIGTERM);
    text.push_str(&ended.lines.concat());
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_conforms("a capture that a signal ended", &report);
    assert_eq!(report["totals"]["sessions"], 2);
    let problem = report["captures"][0]["problems"][0]["text"].as_str().unwrap();
    assert!(problem.contains("ended by a signal"), "{problem}");
}

#[test]
fn second_signal_ends_at_once() {
    let mut running = PORT21.start(&["explain", "--format", "jsonl", "-"]);
    running.give(&capture()).line();
    // Whichever comes too late finds nothing left to end.
    let process = running.id();
    let twice = format!("kill -s TERM {process}; kill -s TERM {process} 2>/dev/null; true");
    assert!(Command::new("sh").args(["-c", &twice]).status().unwrap().success());
    assert_died_quietly(&running.end(), SIGTERM);
}

#[test]
fn closed_pipe_is_no_failure() {
    let network = Network::new();
    for port in 40_000..40_400 {
        network.ftp_between(&format!("10.0.0.1:{port}"), "10.0.0.2:21").login("alice", "secret").quit();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.pcap");
    std::fs::write(&path, network.pcap()).unwrap();
    for format in ["text", "json", "jsonl", "markdown", "zeek", "eve"] {
        let mut running = PORT21.start(&["explain", "--format", format, path.to_str().unwrap()]);
        running.line();
        let ended = running.hang_up().end();
        assert_eq!((ended.status.code(), ended.talk.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn signal_before_anything_was_read_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("out");
    for arguments in [
        &["explain", "-"][..],
        &["answer", "-"],
        &["follow", "-", "--stream", "0"],
        &["extract", "-", "-o", into.to_str().unwrap()],
    ] {
        let mut running = PORT21.start(arguments);
        let ended = running.signal("TERM").end();
        assert_died_quietly(&ended, SIGTERM);
        assert!(ended.lines.is_empty() && !into.exists(), "{arguments:?}");
    }
}

#[test]
fn files_cut_by_a_signal_say_so_and_so_does_the_manifest() {
    let network = Network::new();
    network.ftp().retrieve("small.bin", 50_001, &pattern(1, 3000)).retrieve(
        "large.bin",
        50_002,
        &pattern(2, 2 << 20),
    );
    let pcap = network.pcap();
    let folder = tempfile::tempdir().unwrap();
    let (pipe, into) = (folder.path().join("pipe"), folder.path().join("out"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut running = PORT21.start(&["extract", pipe.to_str().unwrap(), "-o", into.to_str().unwrap()]);
    // The first pass reads it all, and the second is half way when the signal comes.
    writer(&pipe).write_all(&pcap).unwrap();
    wait_until("the first pass ends", || into.join("manifest.json.partial").exists());
    let mut second = writer(&pipe);
    second.write_all(&pcap[..pcap.len() / 2]).unwrap();
    let ended = running.signal("TERM").end();
    assert_died_quietly(&ended, SIGTERM);

    let manifest: Value = serde_json::from_reader(File::open(into.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["partial"], true);
    let [small, large] = &manifest["files"].as_array().unwrap()[..] else { panic!("{manifest}") };
    assert_eq!((&small["partial"], &small["complete"]), (&false.into(), &true.into()));
    assert_eq!((&large["partial"], &large["complete"]), (&true.into(), &false.into()));
    assert!(large["incomplete_because"].as_str().unwrap().contains("signal"), "{large}");
    let written = into.join(large["written"].as_str().unwrap());
    assert!(!written.exists());
    let partial = std::fs::read(format!("{}.partial", written.display())).unwrap();
    assert_eq!(large["bytes"], partial.len());
    assert!(!partial.is_empty() && pattern(2, 2 << 20).starts_with(&partial));
}

/// Waits for the program to open the pipe.
fn writer(pipe: &Path) -> File {
    OpenOptions::new().write(true).open(pipe).unwrap()
}

//! Large generated captures against the generator's own record of what it wrote.
//!
//! The generator is a program of its own outside the repository (`../shared/tools/genpcap.rs`, standard library only),
//! so it shares no line with what is tested; where it is not there, there is nothing to compare.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod truth;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use port21_testkit::{Program, note, shared};
use serde_json::Value;

use truth::{Tally, differences};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// The compiled generator, where its source is.
fn generator() -> Option<&'static Path> {
    static GENERATOR: OnceLock<Option<PathBuf>> = OnceLock::new();
    let compile = || {
        let source = shared()?.join("tools/genpcap.rs");
        if !source.exists() {
            return None;
        }
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("genpcap");
        let status = Command::new("rustc")
            .args(["-O", "--edition", "2021", "-o"])
            .args([&program, &source])
            .status()
            .expect("rustc runs");
        assert!(status.success(), "the generator compiles");
        Some(program)
    };
    GENERATOR.get_or_init(compile).as_deref()
}

/// Generates, explains and compares; fails on the first differences.
fn compare(workload: &str, scale: &str, seed: &str) {
    let Some(generator) = generator() else {
        note("generated captures: none compared, ../shared/tools/genpcap.rs is not there");
        return;
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (pcap, truth) = (folder.path().join("capture.pcap"), folder.path().join("truth.jsonl"));
    let status = Command::new(generator)
        .args([workload, "--scale", scale, "--seed", seed, "--out"])
        .arg(&pcap)
        .arg("--truth")
        .arg(&truth)
        .status()
        .expect("the generator runs");
    assert!(status.success());
    let arguments = ["explain", "--show-passwords", "--format", "jsonl", pcap.to_str().unwrap()];
    let output = PORT21.run(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut ours = by_ends(lines(&String::from_utf8(output.stdout).unwrap()), |session| {
        let end = |end: &Value| format!("{}:{}", end["address"].as_str().unwrap(), end["port"]);
        (end(&session["client"]), end(&session["server"]))
    });
    let text = std::fs::read_to_string(&truth).unwrap();
    let theirs = lines(&text).into_iter().filter(|line| line["type"] == "ftp_session");
    let theirs = by_ends(theirs.collect(), |session| {
        let end = |name: &str| session[name].as_str().unwrap().to_string();
        (end("client"), end("server"))
    });

    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    for (ends, sessions) in theirs {
        let captured = sessions.into_iter().filter(truth::was_captured).collect::<Vec<_>>();
        let mut found = ours.remove(&ends).unwrap_or_default();
        // A control connection of which the capture holds a handshake or a greeting is rightly told of.
        found.retain(truth::has_dialogue);
        if captured.len() != found.len() {
            wrong.push(format!("{ends:?}: {} sessions, found {}", captured.len(), found.len()));
            continue;
        }
        for (session, found) in captured.iter().zip(&found) {
            tally.sessions += 1;
            let differences = differences(session, found, &mut tally);
            wrong.extend(
                differences.into_iter().map(|text| format!("session {} {ends:?}: {text}", session["id"])),
            );
        }
    }
    wrong.extend(ours.keys().map(|ends| format!("{ends:?}: nobody wrote this session")));
    assert!(tally.sessions > 0 && tally.transfers > 0, "nothing was compared");
    let summary = format!("generated {workload}, scale {scale}, seed {seed}: {tally}");
    note(&format!("{summary}, {} differences", wrong.len()));
    wrong.truncate(30);
    assert!(wrong.is_empty(), "{summary}\n{}", wrong.join("\n"));
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

type Ends = (String, String);

fn by_ends(sessions: Vec<Value>, ends: impl Fn(&Value) -> Ends) -> BTreeMap<Ends, Vec<Value>> {
    let mut grouped: BTreeMap<Ends, Vec<Value>> = BTreeMap::new();
    for session in sessions {
        grouped.entry(ends(&session)).or_default().push(session);
    }
    grouped
}

#[test]
fn bulk_transfers_agree_with_their_truth() {
    compare("bulk", "0.02", "1");
}

#[test]
fn many_small_sessions_agree_with_their_truth() {
    compare("chatter", "0.02", "1");
}

#[test]
fn ftp_among_other_traffic_agrees_with_its_truth() {
    compare("mixed", "0.02", "1");
}

#[test]
fn damaged_capture_agrees_with_its_truth() {
    compare("damaged", "0.02", "1");
}

#[test]
fn captures_that_begin_in_the_middle_of_reordered_transfers_agree_with_their_truth() {
    for seed in ["4", "5", "6", "7", "8", "10"] {
        compare("damaged", "0.02", seed);
    }
    compare("damaged", "0.1", "5");
}

#[test]
fn other_seeds_agree_with_their_truth() {
    for seed in ["2", "3"] {
        for (workload, scale) in
            [("bulk", "0.005"), ("chatter", "0.005"), ("mixed", "0.005"), ("damaged", "0.01")]
        {
            compare(workload, scale, seed);
        }
    }
}

//! What fuzzing has found worth keeping, given to the same entrances by an ordinary test.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../../fuzz/src/lib.rs"]
mod entrances;

use std::fs;
use std::path::{Path, PathBuf};

use port21_testkit::{Program, note};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Every committed input of a target, in the order of their names.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{target} has inputs");
    inputs
}

/// Gives every input to its entrance, which panics where something does not hold.
fn replay(target: &str, entrance: fn(&[u8])) {
    let inputs = corpus(target);
    for input in &inputs {
        println!("{}", input.display());
        entrance(&fs::read(input).unwrap());
    }
    note(&format!("fuzzing: {} inputs of {target} replayed", inputs.len()));
}

#[test]
fn captures_are_read() {
    replay("capture", entrances::capture);
}

#[test]
fn packets_are_decoded() {
    replay("decode", entrances::decode);
}

#[test]
fn segments_are_followed() {
    replay("tcp", entrances::tcp);
}

#[test]
fn control_text_is_read() {
    replay("control", entrances::control);
}

#[test]
fn conversations_are_followed() {
    replay("dialogue", entrances::dialogue);
}

#[test]
fn sessions_answer_whatever_comes() {
    replay("session", entrances::session);
}

#[test]
fn clients_ask_and_are_answered_whatever_comes() {
    replay("client", entrances::client);
}

#[test]
fn listings_are_read() {
    replay("listing", entrances::listing);
}

#[test]
fn files_are_reported() {
    replay("report", entrances::report);
}

#[test]
fn the_program_writes_what_it_reads() {
    const FORMATS: [&str; 5] = ["text", "markdown", "json", "jsonl", "eve"];
    for (input, format) in corpus("report").iter().zip(FORMATS.iter().cycle()) {
        let name = input.to_str().unwrap();
        let output = PORT21.run(&["explain", "--format", format, name]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{name} as {format}: {said}");
    }
}

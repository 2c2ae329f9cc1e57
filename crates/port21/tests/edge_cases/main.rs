//! Cases in which other analysers of FTP go wrong, each as a capture that the test builds.
//!
//! Rows are numbered as in the survey of analysers that the project keeps; each test's comment names its row and
//! what the others say (Wireshark 4.0.17, Zeek 2026-08, Suricata 7.0.10, tcpflow 1.6.1).

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod announcements;
mod dialogue;
mod passages;
mod protection;
mod streams;
mod transfers;
mod trouble;

use port21_testkit::{Network, Program};
use serde_json::Value;
use sha2::{Digest, Sha256};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

fn explain(network: &Network) -> Value {
    PORT21.explain(network)
}

/// The report's only session.
fn only_session(report: &Value) -> &Value {
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1, "one session in {report:#}");
    &sessions[0]
}

/// The only transfer of the only session.
fn only_transfer(report: &Value) -> &Value {
    let transfers = only_session(report)["transfers"].as_array().unwrap();
    assert_eq!(transfers.len(), 1, "one transfer in {transfers:#?}");
    &transfers[0]
}

/// Each exchange as "VERB argument: code code", one a line; "-" stands for a command that is not there.
fn dialogue(session: &Value) -> Vec<String> {
    let exchanges = session["exchanges"].as_array().unwrap();
    exchanges
        .iter()
        .map(|exchange| {
            let mut line = match exchange["command"]["verb"].as_str() {
                None => "-".to_string(),
                Some(verb) => verb.to_string(),
            };
            if let Some(argument) = exchange["command"]["argument"].as_str() {
                line = format!("{line} {argument}");
            }
            let codes: Vec<String> = exchange["replies"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reply| reply["code"].as_u64().map_or("?".into(), |code| code.to_string()))
                .collect();
            format!("{line}: {}", codes.join(" "))
        })
        .collect()
}

/// Fails unless `transfer` holds exactly `bytes`, and says so.
fn assert_whole(transfer: &Value, bytes: &[u8]) {
    assert_eq!(transfer["bytes"], bytes.len(), "{transfer:#}");
    assert_eq!(transfer["sha256"], sha256(bytes), "{transfer:#}");
    assert_eq!(transfer["missing"], serde_json::json!([]), "{transfer:#}");
    assert_eq!(transfer["incomplete_because"], Value::Null, "{transfer:#}");
    assert_eq!(transfer["complete"], true, "{transfer:#}");
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Codes of all findings, of the sessions and of none.
fn findings(report: &Value) -> Vec<&Value> {
    let of = |value: &'_ Value| value["findings"].as_array().map(|list| list.len()).unwrap_or(0);
    let sessions = report["sessions"].as_array().unwrap();
    let mut found = Vec::new();
    for holder in sessions.iter().chain([report]) {
        found.extend((0..of(holder)).map(|index| &holder["findings"][index]));
    }
    found
}

/// Whether some finding rests on packet `number`.
fn finding_at(report: &Value, number: u64) -> Option<&Value> {
    findings(report)
        .into_iter()
        .find(|finding| finding["packets"].as_array().unwrap().iter().any(|packet| packet == number))
}

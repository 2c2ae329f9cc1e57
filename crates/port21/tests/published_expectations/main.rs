//! What the owners of captures publish as expected: Zeek's logs, Arkime's session, the bytes that a fuzzer sent.
//!
//! (What Suricata expects is compared beside the writer of its event format.)

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod zeek;

use std::collections::BTreeSet;
use std::path::PathBuf;

use port21_testkit::{Program, manifest, note, shared};
use serde_json::{Value, json};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// The folder of captures, or a note that it is not there.
fn captures(of: &str) -> Option<PathBuf> {
    let folder = shared().map(|shared| shared.join("captures"));
    if folder.is_none() {
        note(&format!("{of}: none compared, ../shared/captures is not there"));
    }
    folder
}

fn explain(path: &std::path::Path) -> Value {
    let arguments = ["explain", "--show-passwords", "--format", "json", path.to_str().unwrap()];
    let output = PORT21.run(&arguments);
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn arkime_session_agrees() {
    let Some(captures) = captures("Arkime's session") else { return };
    let text = std::fs::read_to_string(captures.join("expected/arkime/ftp.test")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let expected = &expected["sessions3"][0]["body"];
    let report = explain(&captures.join("wild/arkime/ftp.pcap"));
    let session = &report["sessions"][0];
    let control = &session["control"];
    assert_eq!(control["community_id"], expected["network"]["community_id"]);
    assert_eq!(
        session["client"],
        json!({"address": expected["source"]["ip"], "port": expected["source"]["port"]})
    );
    assert_eq!(control["packets"]["initiator"], expected["source"]["packets"]);
    assert_eq!(control["packets"]["responder"], expected["destination"]["packets"]);
    assert_eq!(control["bytes"]["initiator"], expected["client"]["bytes"]);
    assert_eq!(control["bytes"]["responder"], expected["server"]["bytes"]);
    assert_eq!(control["initial_sequence"]["initiator"], expected["tcpseq"]["src"]);
    assert_eq!(session["greeting"]["lines"], expected["ftp"]["banner"]);
    assert_eq!(json!([session["logins"][0]["user"]]), expected["user"]);
    let exchanges = session["exchanges"].as_array().unwrap();
    let commands: BTreeSet<&str> =
        exchanges.iter().filter_map(|exchange| exchange["command"]["verb"].as_str()).collect();
    assert_eq!(json!(commands), expected["ftp"]["command"]);
    let replies = exchanges.iter().flat_map(|exchange| exchange["replies"].as_array().unwrap());
    let codes: BTreeSet<String> =
        replies.chain([&session["greeting"]]).map(|reply| reply["code"].to_string()).collect();
    assert_eq!(json!(codes), expected["ftp"]["responseCode"]);
}

/// The fuzzer's seeds are sent byte by byte: the client's side of the stream must be them.
#[test]
fn fuzzing_seeds_are_recovered_from_their_captures() {
    let Some(captures) = captures("fuzzing seeds") else { return };
    /// Its capture ends before the seed does, says the manifest.
    const LONGER: &str = "BFTPD-seed_4";
    let mut compared = 0;
    for (file, _) in manifest(&shared().unwrap()) {
        let Some(name) = file.strip_prefix("wild/profuzzbench/").and_then(|name| name.strip_suffix(".pcap"))
        else {
            continue;
        };
        let (server, seed) = name.split_once('-').unwrap();
        let raw = captures.join(format!("expected/profuzzbench/{server}/in-ftp/{seed}.raw"));
        let sent = std::fs::read(&raw).unwrap_or_else(|error| panic!("{}: {error}", raw.display()));
        let path = captures.join(&file);
        let arguments = [
            "follow",
            path.to_str().unwrap(),
            "--stream",
            "0",
            "--as",
            "raw",
            "--side",
            "client",
            "--show-passwords",
        ];
        let output = PORT21.run(&arguments);
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        if name == LONGER {
            assert!(!output.stdout.is_empty() && sent.starts_with(&output.stdout), "{file}");
        } else {
            assert!(output.stdout == sent, "{file}: {:?}", String::from_utf8_lossy(&output.stdout));
        }
        compared += 1;
    }
    note(&format!("fuzzing seeds: {compared} client streams are byte for byte what was sent"));
    assert!(compared > 10);
}

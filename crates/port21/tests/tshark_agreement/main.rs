//! Packet by packet against what tshark says of the same captures.
//!
//! tshark 4.0.17 shows the first line of each segment and joins no segments; what it says of the captures made by others
//! is kept beside them. Each place where we differ is listed in [`known`] with the reason why ours is right: a
//! difference that is not listed fails, and so does a listed one that no longer occurs.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod flags;
mod known;
mod requests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use port21_testkit::{Program, manifest, note, shared};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// At least this part of the requests and reply codes that tshark shows must agree, in 1/1000.
const AGREEMENT: usize = 995;

/// An FTP capture, what tshark says of it, and our report.
struct Case {
    /// Path inside the folder of captures, without "wild/".
    name: String,
    capture: PathBuf,
    tshark: PathBuf,
    report: Value,
}

impl Case {
    /// The lines of tshark's file with this ending, where there is one.
    fn lines(&self, ending: &str) -> Option<Vec<Vec<String>>> {
        let mut path = self.tshark.clone().into_os_string();
        path.push(ending);
        let text = std::fs::read(Path::new(&path)).ok()?;
        let text = String::from_utf8_lossy(&text);
        Some(text.lines().skip(1).map(|line| line.split('\t').map(str::to_string).collect()).collect())
    }

    fn sessions(&self) -> &[Value] {
        self.report["sessions"].as_array().unwrap()
    }

    /// The control and data connections of all sessions.
    fn connections(&self) -> Vec<&Value> {
        let mut found = Vec::new();
        for session in self.sessions() {
            found.push(&session["control"]);
            found.extend(session["transfers"].as_array().unwrap().iter().map(|transfer| &transfer["data"]));
            found.extend(session["unused_data_connections"].as_array().unwrap());
        }
        found.retain(|connection| !connection.is_null());
        found
    }
}

/// Every capture of which tshark's view is kept; none without the folder.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(explain_all)
}

fn explain_all() -> Vec<Case> {
    let Some(shared) = shared() else {
        note("tshark's view of wild captures: none compared, ../shared/captures is not there");
        return Vec::new();
    };
    let captures = shared.join("captures");
    let with_ftp = manifest(&shared).into_iter().filter(|(_, content)| content.starts_with("[ftp]"));
    with_ftp
        .map(|(file, _)| {
            let name = file.strip_prefix("wild/").unwrap().to_string();
            let capture = captures.join(&file);
            let report = explained(&capture);
            Case { tshark: captures.join("tshark").join(name.replace('/', "__")), name, report, capture }
        })
        .collect()
}

/// Our report of a capture.
fn explained(capture: &Path) -> Value {
    let output = PORT21.run(&[
        "explain",
        "--show-passwords",
        "--format",
        "json",
        capture.to_str().expect("a path in UTF-8"),
    ]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{}: {error}: {}", capture.display(), String::from_utf8_lossy(&output.stderr))
    })
}

/// Compares what was found to differ with the list: both ways. Gives back how many of `compared` agree, and out of how many:
/// pieces of lines are no requests, and do not count.
fn assert_listed(kind: &str, compared: usize, different: BTreeSet<(String, String)>) -> (usize, usize) {
    if compared == 0 {
        return (0, 0);
    }
    let places = |difference: &known::Difference| {
        let capture = difference.capture.to_string();
        difference
            .places
            .split_whitespace()
            .map(move |place| (capture.clone(), place.to_string()))
            .collect::<Vec<_>>()
    };
    let of_kind = || known::DIFFERENCES.iter().filter(|difference| difference.kind == kind);
    let listed: BTreeSet<(String, String)> = of_kind().flat_map(places).collect();
    let pieces = of_kind().filter(|difference| difference.piece).flat_map(places).count();
    let new: Vec<_> = different.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&different).collect();
    let agreeing = compared - different.len();
    let compared = compared - pieces;
    note(&format!(
        "tshark, {kind}: {agreeing} of {compared} agree, each of the {} others is explained; {pieces} pieces of lines",
        compared - agreeing
    ));
    assert!(new.is_empty(), "{} {kind} differ and are not listed:\n{new:#?}", new.len());
    assert!(gone.is_empty(), "listed, but no longer different:\n{gone:#?}");
    (agreeing, compared)
}

/// tshark's conversations: packets in each direction of every connection that carries FTP.
#[test]
fn packets_of_each_connection_agree() {
    let (mut compared, mut different) = (0, BTreeSet::new());
    for case in cases() {
        let Some(lines) = case.lines(".conv.txt") else { continue };
        let conversations: Vec<Vec<&str>> = lines
            .iter()
            .map(|line| line[0].split_whitespace().collect())
            .filter(|words: &Vec<&str>| words.get(1) == Some(&"<->"))
            .collect();
        for connection in case.connections() {
            let end = |name: &str| {
                let end = &connection[name];
                format!("{}:{}", end["address"].as_str().unwrap(), end["port"])
            };
            let (initiator, responder) = (end("initiator"), end("responder"));
            let packets = [
                connection["packets"]["initiator"].to_string(),
                connection["packets"]["responder"].to_string(),
            ];
            // ADDRESS <-> ADDRESS, then frames and bytes leftwards, then rightwards.
            let agrees = conversations.iter().any(|words| {
                let (left, right) = (words[3], words[6]);
                (words[0] == initiator
                    && words[2] == responder
                    && [right, left] == [&packets[0], &packets[1]])
                    || (words[0] == responder
                        && words[2] == initiator
                        && [left, right] == [&packets[0], &packets[1]])
            });
            compared += 1;
            if !agrees {
                different.insert((case.name.clone(), format!("stream:{}", connection["stream"])));
            }
        }
    }
    assert_listed("connections", compared, different);
}

/// tshark's exported FTP objects: each is one of our transfers, with the same bytes.
#[test]
fn exported_files_agree() {
    let (mut compared, mut different) = (0, BTreeSet::new());
    for case in cases() {
        let Some(lines) = case.lines(".objects.tsv") else { continue };
        for object in lines {
            // tshark puts "(1)" into the name of a second file of the same name.
            let name = object[0].replace("(1)", "").replace("(2)", "");
            let agrees =
                case.sessions().iter().flat_map(|session| session["transfers"].as_array().unwrap()).any(
                    |transfer| {
                        transfer["path"].as_str().is_some_and(|path| path.ends_with(&name))
                            && transfer["bytes"].as_u64() == object[1].parse().ok()
                            && transfer["sha256"] == object[2].as_str()
                            && transfer["complete"] == true
                    },
                );
            compared += 1;
            if !agrees {
                different.insert((case.name.clone(), object[0].clone()));
            }
        }
    }
    assert_listed("objects", compared, different);
}

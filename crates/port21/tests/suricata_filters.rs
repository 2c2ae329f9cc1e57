//! The checks that Suricata's own tests make on its events, made on ours: where they differ, the reason is listed.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;

use port21_testkit::{Program, note, shared};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Folder of the test below `expected/suricata-verify`, and the capture below `wild/suricata-verify`.
const TESTS: [(&str, &str); 14] = [
    ("ftp/ftp-upload-active", "ftp-upload-active"),
    ("ftp/ftp-upload-passive", "ftp-upload-passive"),
    ("ftp/ftp-download-active", "ftp-download-active"),
    ("ftp/ftp-download-passive", "ftp-download-passive"),
    ("ftp/ftp-too-long-response", "ftp-too-long-response"),
    ("ftp/ftp-too-long-command", "ftp-too-long-command"),
    ("ftp/ftp-too-long-command-first", "ftp-too-long-command-first"),
    ("ftp/ftp-too-long-command-buffered", "ftp-too-long-command-buffered"),
    ("ftp/ftp-too-long-command-higher-limit", "ftp-too-long-command-higher-limit"),
    ("ftp-epsv", "ftp-epsv"),
    ("bug-4877", "bug-4877"),
    ("output-eve-ftp-data", "output-eve-ftp-data"),
    ("firewall/ruletype-firewall-116-ftp-all-data-ipv4", "ftp-all-data-ipv4"),
    ("firewall/ruletype-firewall-118-ftp-stou-no-filename-active", "ftp-stou-no-filename-active"),
];

/// Keys that are not compared, and why.
const NOT_COMPARED: [(&str, &str); 2] = [
    ("fileinfo.stored", "port21 writes files with extract, so its events say that none is stored"),
    ("ip_v", "a field of version 8; the events are those of version 7"),
];

/// Checks that do not hold, and why ours is right: test, number of the check among those compared, reason.
const DIFFERENT: [(&str, usize, &str); 5] = [
    ("ftp/ftp-too-long-command", 0, LONGER_LINES),
    ("ftp/ftp-too-long-command", 2, LONGER_LINES),
    ("ftp/ftp-too-long-command-first", 0, LONGER_LINES),
    ("firewall/ruletype-firewall-118-ftp-stou-no-filename-active", 1, NAME_IN_REPLY),
    ("firewall/ruletype-firewall-118-ftp-stou-no-filename-active", 2, NAME_IN_REPLY),
];

const LONGER_LINES: &str =
    "Suricata cuts lines at 4,096 bytes unless told otherwise; port21 keeps 8,192, so none is cut";
const NAME_IN_REPLY: &str =
    "the reply to STOU, \"125 FILE: ftpd.lk2m3y98\", tells the name, so it is not <stou>";

/// How many events match, and what they must match.
#[derive(Debug, Default)]
struct Check {
    count: usize,
    matches: Vec<(String, String)>,
}

/// Reads the `filter` checks out of a test.yaml; of YAML this understands what these files use.
fn checks(text: &str) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    let mut in_match = false;
    for line in text.lines().map(|line| line.split(" #").next().unwrap().trim()) {
        let Some((key, value)) = line.trim_start_matches("- ").split_once(':') else { continue };
        let value = value.trim().trim_matches('"').to_owned();
        match (key, checks.last_mut()) {
            ("filter", _) => {
                checks.push(Check::default());
                in_match = false;
            }
            ("match", _) => in_match = true,
            ("count", Some(check)) => check.count = value.parse().unwrap(),
            (key, Some(check)) if in_match && !line.starts_with('#') => {
                check.matches.push((key.to_owned(), value));
            }
            _ => {}
        }
    }
    let compared = |check: &Check| {
        let kinds = ["ftp", "ftp_data", "fileinfo", "flow", "anomaly"];
        check.matches.iter().any(|(key, value)| key == "event_type" && kinds.contains(&value.as_str()))
    };
    checks.into_iter().filter(compared).collect()
}

fn look_up<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(event, |value, key| value.get(key))
}

fn matches(event: &Value, key: &str, expected: &str) -> bool {
    if NOT_COMPARED.iter().any(|(name, _)| *name == key) {
        return true;
    }
    if key == "not-has-key" {
        return look_up(event, expected).is_none();
    }
    if let Some(path) = key.strip_suffix(".__len") {
        let length = look_up(event, path).and_then(Value::as_str).map(str::len);
        return length == expected.parse().ok();
    }
    match look_up(event, key) {
        Some(Value::String(text)) => text == expected,
        Some(other) => serde_json::from_str(expected).is_ok_and(|expected: Value| *other == expected),
        None => false,
    }
}

#[test]
fn suricatas_own_checks_hold() {
    let Some(shared) = shared() else {
        note("suricata-verify: not compared, its captures are not here");
        return;
    };
    let captures = shared.join("captures");
    let (mut held, mut different) = (0, Vec::new());
    for (test, capture) in TESTS {
        let text = fs::read_to_string(captures.join("expected/suricata-verify").join(test).join("test.yaml"))
            .unwrap();
        let capture = captures.join("wild/suricata-verify").join(format!("{capture}.pcap"));
        let output = PORT21.run(&["explain", "--format", "eve", capture.to_str().unwrap()]);
        let events: Vec<Value> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for (number, check) in checks(&text).iter().enumerate() {
            let all =
                |event: &&Value| check.matches.iter().all(|(key, expected)| matches(event, key, expected));
            let count = events.iter().filter(all).count();
            if count == check.count {
                held += 1;
            } else {
                different.push((
                    test,
                    number,
                    format!("{count} instead of {}: {:?}", check.count, check.matches),
                ));
            }
        }
    }
    let listed =
        |test: &str, number: usize| DIFFERENT.iter().any(|(name, at, _)| *name == test && *at == number);
    let new: Vec<_> = different.iter().filter(|(test, number, _)| !listed(test, *number)).collect();
    note(&format!("suricata-verify: {held} checks hold, {} do not and are listed", DIFFERENT.len()));
    assert!(new.is_empty(), "not listed: {new:#?}");
    assert_eq!(different.len(), DIFFERENT.len(), "listed, but no longer different");
}

#[test]
fn checks_are_read_as_they_are_written() {
    let text = "checks:\n  - filter:\n      requires:\n        min-version: 7\n      count: 2\n      match:\n        \
                event_type: ftp\n        # a remark: nothing\n        ftp.command: \"RETR\"\n- filter:\n    count: 1\n    \
                match:\n      event_type: alert\n";
    let checks = checks(text);
    assert_eq!(checks.len(), 1, "alerts are not compared");
    assert_eq!(checks[0].count, 2);
    let expected = [("event_type", "ftp"), ("ftp.command", "RETR")];
    assert_eq!(checks[0].matches, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

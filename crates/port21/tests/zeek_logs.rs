//! Our Zeek logs beside those that Zeek's own tests expect, cell by cell.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use port21_testkit::{Program, note, shared};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Test of Zeek's, its capture, and which logs to compare. Tests that log other commands than Zeek does unless told
/// otherwise have an `ftp.log` that cannot be compared.
const TESTS: [(&str, &str, &[&str]); 8] = [
    ("scripts.base.protocols.ftp.ftp-ipv4", "ipv4.pcap", &["conn", "ftp"]),
    ("scripts.policy.protocols.ftp.bruteforce", "bruteforce.pcap", &["ftp"]),
    ("scripts.base.protocols.ftp.ftp-password-pass-command", "ftp-password-pass-command.pcap", &["conn"]),
    ("scripts.base.protocols.ftp.ftp-max-command-length", "fake-long-commands.pcap", &["conn"]),
    ("scripts.base.protocols.ftp.ftp-max-pending-commands", "fake-server-delays-all.pcap", &["conn"]),
    ("scripts.base.protocols.ftp.ftp-missing-reply-code", "ftp-missing-reply-code.pcap", &["conn"]),
    ("core.tcp.large-file-reassembly", "bigtransfer.pcap", &["conn", "files"]),
    ("scripts.base.protocols.ftp.gridftp", "globus-url-copy.pcap", &["conn"]),
];

/// Columns that are not compared, and why.
const NOT_COMPARED: [(&str, &str); 7] = [
    ("ts", "the expectations have it blanked out"),
    ("uid", "random in Zeek"),
    ("fuid", "random in Zeek"),
    ("duration", "Zeek leaves out the last acknowledgment, and rounds in other places"),
    ("mime_type", "port21 does not look into files"),
    ("analyzers", "of Zeek's own machinery"),
    ("sha256", "Zeek hashes only if told to"),
];

/// Cells that differ (test, log, column), and why.
const DIFFERENT: [(&str, &str, &str, &str); 9] = [
    ("ftp-max-command-length", "conn", "history", "X: Zeek gave up the analysis; port21 goes on"),
    ("ftp-missing-reply-code", "conn", "service", "Zeek takes back that it is FTP when a reply has no code"),
    ("large-file-reassembly", "files", "filename", "port21 knows the name from the command"),
    ("large-file-reassembly", "files", "total_bytes", "port21 takes it from SIZE"),
    ("gridftp", "conn", "service", "Zeek names GridFTP and the TLS that is inside ADAT"),
    ("gridftp", "conn", "conn_state", "Zeek stops following GridFTP's data"),
    ("gridftp", "conn", "history", "Zeek stops following GridFTP's data"),
    ("gridftp", "conn", "orig_bytes", "Zeek stops following GridFTP's data"),
    ("gridftp", "conn", "resp_bytes", "Zeek stops following GridFTP's data"),
];

/// Columns that count packets differ with the above.
const COUNTS_OF_GRIDFTP: [&str; 4] = ["orig_pkts", "resp_pkts", "orig_ip_bytes", "resp_ip_bytes"];

type Row = BTreeMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    let text = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let fields = text.lines().find_map(|line| line.strip_prefix("#fields\t")).unwrap();
    let fields: Vec<&str> = fields.split('\t').collect();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let cells = line.split('\t').map(str::to_owned);
            fields.iter().map(|field| (*field).to_owned()).zip(cells).collect()
        })
        .collect()
}

/// Lines by the ends of their connection, and by their place among the lines of that connection: sessions that overlap may end
/// in another order than Zeek's.
fn keyed(rows: Vec<Row>) -> BTreeMap<(String, usize), Row> {
    let mut keyed = BTreeMap::new();
    for row in rows {
        let ends =
            ["id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"].map(|column| row[column].clone()).join(" ");
        let place = keyed.range((ends.clone(), 0)..=(ends.clone(), usize::MAX)).count();
        keyed.insert((ends, place), row);
    }
    keyed
}

#[test]
fn logs_agree_with_zeeks_own() {
    let Some(shared) = shared() else {
        note("zeek: logs not compared, its captures are not here");
        return;
    };
    let captures = shared.join("captures");
    let (mut cells, mut different) = (0, BTreeSet::new());
    for (test, capture, logs) in TESTS {
        let folder = tempfile::tempdir().unwrap();
        let capture = captures.join("wild/zeek").join(capture);
        let arguments =
            ["explain", "--format", "zeek", "-o", folder.path().to_str().unwrap(), capture.to_str().unwrap()];
        assert!(PORT21.run(&arguments).status.success(), "{test}");
        for log in logs {
            let name = format!("{log}.log");
            let expected = keyed(rows(&captures.join("expected/zeek/Baseline").join(test).join(&name)));
            let ours = keyed(rows(&folder.path().join(&name)));
            assert!(*log != "ftp" || ours.len() == expected.len(), "{test}: {} lines", ours.len());
            for (key, row) in expected {
                let our_row = ours.get(&key).unwrap_or_else(|| panic!("{test} {log}: no {key:?}"));
                for (column, cell) in row {
                    if NOT_COMPARED.iter().any(|(name, _)| *name == column) {
                        continue;
                    }
                    cells += 1;
                    if our_row.get(&column) != Some(&cell) {
                        let short = test.rsplit('.').next().unwrap().to_owned();
                        different.insert((short, (*log).to_owned(), column));
                    }
                }
            }
        }
    }
    different
        .retain(|(test, _, column)| !(test == "gridftp" && COUNTS_OF_GRIDFTP.contains(&column.as_str())));
    let listed: BTreeSet<_> = DIFFERENT
        .iter()
        .map(|(test, log, column, _)| ((*test).to_owned(), (*log).to_owned(), (*column).to_owned()))
        .collect();
    note(&format!("zeek: {cells} cells of its logs compared, {} kinds of difference listed", listed.len()));
    assert_eq!(different, listed, "left: what differs; right: what is listed");
}

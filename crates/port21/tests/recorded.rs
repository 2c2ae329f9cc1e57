//! Captures recorded by us of other people's servers and clients (`tests/captures/record*.sh`), and the sample: against
//! the files that were really transferred, and packet by packet against the tshark of this machine.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use port21_testkit::{Program, note};
use serde_json::{Value, json};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures")
}

fn explain(name: &str) -> Value {
    PORT21.explain_file(&folder().join(format!("{name}.pcap")))
}

/// SHA-256 of a file as `sha256sum` gave it when the captures were recorded.
fn recorded_hash(name: &str) -> String {
    let lists = ["files.sha256", "files-proftpd.sha256"];
    let text = lists.map(|list| std::fs::read_to_string(folder().join(list)).unwrap()).concat();
    let line = text.lines().find(|line| line.ends_with(name)).unwrap();
    line.split_whitespace().next().unwrap().to_string()
}

fn only_transfer(report: &Value) -> &Value {
    assert_eq!(report["totals"]["transfers"], 1, "{:#}", report["totals"]);
    &report["sessions"][0]["transfers"][0]
}

#[test]
fn one_file_comes_out_the_same_in_every_mode() {
    for (name, mode) in [
        ("curl-passive", "passive"),
        ("curl-active", "active"),
        ("curl-ipv6-passive", "extended-passive"),
        ("curl-ipv6-active", "extended-active"),
    ] {
        let report = explain(name);
        let transfer = only_transfer(&report);
        assert_eq!(json!([transfer["mode"], transfer["pairing"]]), json!([mode, "exact"]), "{name}");
        assert_eq!(json!([transfer["bytes"], transfer["expected_bytes"]]), json!([18_800, 18_800]), "{name}");
        assert_eq!(transfer["sha256"], recorded_hash("lines.txt"), "{name}");
        assert_eq!(transfer["complete"], true, "{name}");
        assert_eq!(transfer["path"], "/lines.txt", "{name}");
        assert_eq!(report["sessions"][0]["logins"][0]["outcome"], "accepted", "{name}");
    }
}

#[test]
fn upload_has_the_directory_in_its_path() {
    let report = explain("curl-upload");
    let transfer = only_transfer(&report);
    assert_eq!(json!([transfer["verb"], transfer["direction"]]), json!(["STOR", "upload"]));
    assert_eq!(transfer["path"], "/incoming/upload.txt");
    assert_eq!(transfer["sha256"], recorded_hash("upload.txt"));
    assert_eq!(transfer["complete"], true);
}

#[test]
fn resumed_download_starts_at_its_offset() {
    let report = explain("curl-resume");
    let transfer = only_transfer(&report);
    assert_eq!(
        json!([transfer["restart_offset"], transfer["bytes"], transfer["complete"]]),
        json!([10_000, 8800, true])
    );
}

#[test]
fn tls_hides_the_dialogue_and_is_named() {
    let report = explain("curl-tls");
    let session = &report["sessions"][0];
    assert_eq!(session["protocol"], "ftps-explicit");
    assert_eq!(session["exchanges"].as_array().unwrap().len(), 1);
    assert_eq!(session["exchanges"][0]["command"]["argument"], "SSL");
    assert_eq!(session["tls"]["version"], "TLS 1.3");
    assert_eq!(session["logins"], json!([]));
}

#[test]
fn listings_of_vsftpd_are_read() {
    let report = explain("lftp-listing");
    let transfers = report["sessions"][0]["transfers"].as_array().unwrap();
    assert_eq!(transfers.len(), 3);
    let names = |index: usize| {
        let entries = transfers[index]["listing"]["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((names(0), names(1)), (vec!["incoming", "lines.txt"], vec!["incoming", "lines.txt"]));
    assert_eq!(transfers[0]["listing"]["entries"][1]["size"], 18_800);
    assert_eq!(transfers[2]["sha256"], recorded_hash("upload.txt"));
}

/// Of each transfer of a capture of proftpd: verb, mode, path, bytes, and whether it is whole and paired exactly.
fn transfers_of_proftpd(name: &str) -> (Value, Vec<Value>) {
    let report = explain(name);
    let transfers = report["sessions"][0]["transfers"].as_array().unwrap();
    let rows = transfers.iter().map(|transfer| {
        let sure = transfer["complete"] == true && transfer["pairing"] == "exact";
        json!([transfer["verb"], transfer["mode"], transfer["path"], transfer["bytes"], sure])
    });
    (Value::from(transfers.clone()), rows.collect())
}

#[test]
fn folder_fetched_by_ncftp_is_whole() {
    let (transfers, rows) = transfers_of_proftpd("ncftp-get");
    assert_eq!(
        rows,
        [
            json!(["MLSD", "passive", "/Berichte älter", 407, true]),
            json!(["RETR", "passive", "/Berichte älter/bytes.bin", 3000, true]),
            json!(["RETR", "passive", "/Berichte älter/notes.txt", 12, true]),
        ]
    );
    assert_eq!(transfers[1]["sha256"], recorded_hash("bytes.bin"));
    assert_eq!(transfers[2]["sha256"], recorded_hash("notes.txt"));
    let (transfers, rows) = transfers_of_proftpd("ncftp-put");
    assert_eq!(rows, [json!(["STOR", "active", "/upload \"a\".txt", 5000, true])]);
    assert_eq!(transfers[0]["sha256"], recorded_hash("upload \"a\".txt"));
}

#[test]
fn session_of_ftplib_keeps_its_folders_modes_and_offsets_apart() {
    let (transfers, rows) = transfers_of_proftpd("ftplib-session");
    assert_eq!(
        rows,
        [
            json!(["MLSD", "passive", "/Berichte älter", 651, true]),
            json!(["NLST", "passive", "/Berichte älter", 22, true]),
            // Two line ends have become CR LF.
            json!(["RETR", "passive", "/Berichte älter/notes.txt", 14, true]),
            json!(["RETR", "passive", "/table one.txt", 10_500, true]),
            json!(["RETR", "active", "/table one.txt", 6500, true]),
            json!(["STOR", "active", "/in two parts.bin", 12, true]),
            json!(["APPE", "active", "/in two parts.bin", 11, true]),
            json!(["RETR", "active", "/a \"quoted\" folder/whole.bin", 23, true]),
        ]
    );
    assert_eq!(transfers[3]["sha256"], recorded_hash("table one.txt"));
    assert_eq!(transfers[4]["restart_offset"], 4000);
}

/// What tshark says of `path`: of each packet with a field of `fields`, the fields' values.
fn tshark(path: &Path, filter: &str, fields: &[&str]) -> BTreeMap<u64, Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r"]).arg(path).args(["-Y", filter, "-T", "fields", "-e", "frame.number"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark runs; ./check installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| {
            let mut values = line.split('\t');
            (values.next().unwrap().parse().unwrap(), values.map(str::to_string).collect())
        })
        .collect()
}

/// Every capture of ours.
fn captures() -> Vec<PathBuf> {
    let mut found = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/ftp-lab.pcap")];
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pcap") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn numbers(list: &Value) -> BTreeSet<u64> {
    list.as_array().into_iter().flatten().map(|number| number.as_u64().unwrap()).collect()
}

/// Text as tshark has it, which reads requests as ASCII where RFC 2640, section 2.2, says UTF-8: U+FFFD for each other byte.
fn as_ascii(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

#[test]
fn tshark_sees_the_same_requests_and_replies() {
    let (mut commands, mut replies) = (0, 0);
    for path in captures() {
        let output = PORT21.run(&["explain", "--show-passwords", "--format", "json", path.to_str().unwrap()]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Behind AUTH, tshark 4.0 takes TLS records for requests.
        let secured = report["sessions"][0]["tls"]["first_packet"].as_u64().unwrap_or(u64::MAX);
        let mut ours: BTreeMap<u64, [String; 3]> = BTreeMap::new();
        for session in report["sessions"].as_array().unwrap() {
            let exchanges = session["exchanges"].as_array().unwrap();
            for command in exchanges.iter().map(|exchange| &exchange["command"]) {
                let text = |name: &str| command[name].as_str().unwrap_or_default().to_string();
                for packet in numbers(&command["packets"]) {
                    ours.insert(packet, [text("verb"), as_ascii(&text("argument")), String::new()]);
                    commands += 1;
                }
            }
            let answers = exchanges.iter().flat_map(|exchange| exchange["replies"].as_array().unwrap());
            for reply in answers.chain([&session["greeting"]]) {
                replies += 1;
                // tshark gives a code to the lines that have one: the first and the last.
                let packets = numbers(&reply["packets"]);
                for packet in [packets.first(), packets.last()].into_iter().flatten() {
                    ours.insert(*packet, [String::new(), String::new(), reply["code"].to_string()]);
                }
            }
        }
        let fields = ["ftp.request.command", "ftp.request.arg", "ftp.response.code"];
        let theirs = tshark(&path, "ftp.request.command or ftp.response.code", &fields);
        let theirs: BTreeMap<u64, [String; 3]> = theirs
            .into_iter()
            .filter(|(packet, _)| *packet < secured)
            .map(|(packet, values)| (packet, values.try_into().unwrap()))
            .collect();
        assert_eq!(ours, theirs, "{}", path.display());
    }
    assert!(commands > 60 && replies > 60, "{commands} requests, {replies} replies");
    note(&format!("live tshark: {commands} requests and {replies} replies of our own captures agree"));
}

/// Our list in `quality`, and tshark's name for what it holds.
const FLAGS: [(&str, &str); 10] = [
    ("retransmissions", "tcp.analysis.retransmission"),
    ("out_of_order", "tcp.analysis.out_of_order"),
    ("duplicate_acks", "tcp.analysis.duplicate_ack"),
    ("lost_segments", "tcp.analysis.lost_segment"),
    ("acked_unseen", "tcp.analysis.ack_lost_segment"),
    ("keep_alives", "tcp.analysis.keep_alive"),
    ("zero_windows", "tcp.analysis.zero_window"),
    ("window_updates", "tcp.analysis.window_update"),
    ("window_full", "tcp.analysis.window_full"),
    ("reused_ports", "tcp.analysis.reused_ports"),
];

/// The lists of `quality` carry tshark's names, so they hold tshark's packets.
#[test]
fn tshark_flags_the_same_segments() {
    let fields: Vec<&str> = ["tcp.stream"].into_iter().chain(FLAGS.iter().map(|(_, field)| *field)).collect();
    for path in captures() {
        let flagged = tshark(&path, "tcp.analysis.flags", &fields);
        let report = PORT21.explain_file(&path);
        let sessions = report["sessions"].as_array().unwrap().iter();
        let connections = sessions.flat_map(|session| {
            let transfers = session["transfers"].as_array().unwrap().iter().map(|transfer| &transfer["data"]);
            let unused = session["unused_data_connections"].as_array().unwrap();
            [&session["control"]].into_iter().chain(transfers).chain(unused)
        });
        for connection in connections.filter(|connection| !connection.is_null()) {
            let stream = connection["stream"].to_string();
            for (place, (list, field)) in FLAGS.iter().enumerate() {
                let theirs =
                    flagged.iter().filter(|(_, values)| values[0] == stream && !values[place + 1].is_empty());
                let theirs: BTreeSet<u64> = theirs.map(|(packet, _)| *packet).collect();
                assert_eq!(
                    numbers(&connection["quality"][*list]),
                    theirs,
                    "{}: stream {stream}: {field}",
                    path.display()
                );
            }
        }
    }
}

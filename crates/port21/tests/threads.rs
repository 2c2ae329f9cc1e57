//! The number of threads changes nothing in the output, byte for byte, in any format.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;

use port21_testkit::{Network, Program, Side, chatter, pattern};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// More sessions than a batch holds, some of them open at the same time, with transfers of many lengths: some fit into
/// what is kept of a beginning, some are handed to other threads in many pieces, two are cut short.
fn busy() -> Vec<u8> {
    let network = Network::new();
    let sessions: Vec<_> = (0..60u16)
        .map(|number| {
            let client = format!("10.0.{}.1:{}", number % 7, 40_000 + number * 100);
            network.ftp_between(&client, &format!("10.1.0.{}:21", number % 5 + 1))
        })
        .collect();
    for (ftp, number) in sessions.iter().zip(0..) {
        ftp.login(if number % 3 == 0 { "anonymous" } else { "alice" }, "secret").say("TYPE I", "200 ok");
        let length = [0, 17, 3000, 70_000, 300_000][number % 5];
        ftp.retrieve(&format!("file{number}"), 50_000 + number as u16, &pattern(number as u64, length));
    }
    for (ftp, number) in sessions.iter().zip(0u16..) {
        if number % 20 == 7 {
            ftp.passive(51_000 + number).ask("STOR cut");
            let data = ftp.connect_to_server(51_000 + number);
            ftp.reply("150 go on");
            data.send(Side::Initiator, pattern(9, 150_000)).reset(Side::Initiator);
            ftp.reply("426 cut");
        }
        if number % 4 != 1 {
            ftp.quit();
        }
    }
    network.wait_milliseconds(90_000);
    // Told of the same data connection, one server sends the other a file.
    let (from, to) = (
        network.ftp_between("10.0.0.9:40000", "10.1.0.1:21"),
        network.ftp_between("10.0.0.9:40001", "10.1.0.2:21"),
    );
    from.login("alice", "secret");
    to.login("alice", "secret").say("PASV", "227 Entering Passive Mode (10,1,0,2,200,1)").ask("STOR copy");
    from.say("PORT 10,1,0,2,200,1", "200 ok").ask("RETR original");
    let data = network.connect("10.1.0.1:20", "10.1.0.2:51201");
    to.reply("150 waiting");
    from.reply("150 sending");
    data.send(Side::Initiator, pattern(77, 200_000)).close(Side::Initiator);
    to.reply("226 stored").quit();
    from.reply("226 sent").quit();
    network.pcap()
}

/// What `explain` writes for `format` with so many threads: all files of a folder, or standard output.
fn told(capture: &Path, folder: &Path, format: &[&str], threads: &str) -> Vec<(String, Vec<u8>)> {
    let capture = capture.to_str().unwrap();
    let logs = folder.join(format!("{}-{threads}", format.concat()));
    let place = logs.to_str().unwrap();
    let mut arguments = vec!["explain", "--threads", threads, "--format"];
    arguments.extend(format);
    if format.contains(&"zeek") {
        arguments.extend(["-o", place]);
    }
    arguments.push(capture);
    let output = PORT21.run(&arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut all = vec![("standard output".to_owned(), output.stdout)];
    if let Ok(files) = fs::read_dir(&logs) {
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        all.extend(files.iter().map(|path| (name(path), fs::read(path).unwrap())));
    }
    all
}

#[test]
fn output_does_not_depend_on_the_number_of_threads() {
    is_the_same_for_any_number_of_threads(&busy());
}

#[test]
fn nor_where_much_is_said_and_little_transferred() {
    is_the_same_for_any_number_of_threads(&chatter());
}

fn is_the_same_for_any_number_of_threads(packets: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("some.pcap");
    fs::write(&capture, packets).unwrap();
    let formats: [&[&str]; 9] = [
        &["jsonl"],
        &["jsonl", "--no-hash"],
        &["jsonl", "--summary"],
        &["json"],
        &["text"],
        &["text", "--summary"],
        &["markdown"],
        &["zeek"],
        &["eve"],
    ];
    for format in formats {
        let one = told(&capture, folder.path(), format, "1");
        let written: usize = one.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(written > 500, "{format:?} writes only {written} bytes");
        for threads in ["2", "3", "8"] {
            let several = told(&capture, folder.path(), format, threads);
            assert!(several == one, "{format:?} differs with {threads} threads");
        }
    }
}

#[test]
fn every_transfer_is_found_with_any_number_of_threads() {
    let capture = busy();
    for threads in ["1", "2", "8"] {
        let report = PORT21.explain_bytes(&capture, &["--threads", threads]);
        assert_eq!(report["totals"]["sessions"], 62);
        let transfers: Vec<_> = report["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|s| s["transfers"].as_array().unwrap())
            .collect();
        assert_eq!(transfers.len(), 65);
        let hashed = transfers.iter().filter(|transfer| transfer["sha256"].is_string()).count();
        assert_eq!(hashed, 65, "{threads} threads");
        let linked = transfers.iter().filter(|transfer| !transfer["counterpart"].is_null()).count();
        assert_eq!(linked, 2, "both halves of the server-to-server transfer, with {threads} threads");
    }
}

//! Each limit, made tiny: it bites, the report counts what it left out, and names the option that would have kept it.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use port21_testkit::{Network, Program, Side, pattern};
use serde_json::Value;
use sha2::{Digest, Sha256};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// The report under `--option limit`, which must count `count` losses under that option's name.
#[track_caller]
fn bites(network: &Network, option: &str, limit: usize, count: u64) -> Value {
    let limit = limit.to_string();
    let report = PORT21.explain_bytes(&network.pcap(), &[option, &limit]);
    let told = report["totals"]["dropped"].as_array().unwrap();
    let found: Vec<&Value> = told
        .iter()
        .filter(|loss| loss["what"].as_str().unwrap().split(['(', ')', ',', ' ']).any(|word| word == option))
        .collect();
    assert_eq!(found.len(), 1, "{option} is named once in {told:#?}");
    assert_eq!(found[0]["count"], count, "{told:#?}");
    report
}

/// A session with so many files of `length` bytes.
fn session(files: u16, length: usize) -> Network {
    let network = Network::new();
    let ftp = network.ftp();
    for file in 0..files {
        ftp.retrieve(&format!("file{file}"), 50_000 + file, &pattern(u64::from(file), length));
    }
    ftp.quit();
    network
}

#[test]
fn connections() {
    let network = Network::new();
    for port in 1..=5 {
        network.connect(&format!("10.0.0.1:{port}"), "10.0.0.2:80");
    }
    bites(&network, "--max-connections", 2, 3);
}

/// A stream of which the first byte is missing, and then every second segment.
fn full_of_holes() -> Network {
    let network = Network::new();
    let connection = network.ftp().control;
    connection.write(Side::Responder, pattern(1, 2000));
    for start in [100, 300, 500, 700] {
        connection.emit(Side::Responder, start..start + 100);
    }
    network
}

#[test]
fn what_waits_behind_holes() {
    for (option, limit) in [
        ("--max-stream-waiting-bytes", 250),
        ("--max-waiting-bytes", 250),
        ("--max-stream-waiting-segments", 2),
        ("--max-waiting-segments", 2),
    ] {
        bites(&full_of_holes(), option, limit, 2);
    }
}

#[test]
fn what_retransmissions_are_compared_with() {
    let network = Network::new();
    let connection = network.connect("10.0.0.1:40000", "10.0.0.2:80");
    connection.server("0123456789").server("0123456789").server("0123456789");
    bites(&network, "--max-history-bytes", 20, 10);
}

#[test]
fn exchanges_of_a_session() {
    let report = bites(&session(1, 10), "--max-exchanges", 3, 5);
    assert_eq!(report["sessions"][0]["exchanges"].as_array().unwrap().len(), 3);
    assert!(report["sessions"][0]["notes"].to_string().contains("5 more commands and replies were not kept"));
}

#[test]
fn replies_to_a_command() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("NOOP", "200 one").reply("200 two").reply("200 three");
    let report = bites(&network, "--max-replies", 1, 2);
    assert_eq!(report["sessions"][0]["exchanges"][2]["replies"].as_array().unwrap().len(), 1);
}

#[test]
fn commands_without_an_answer() {
    let network = Network::new();
    let ftp = network.ftp();
    for _ in 0..5 {
        ftp.ask("NOOP");
    }
    bites(&network, "--max-unanswered", 2, 3);
}

#[test]
fn bytes_of_a_line() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say(&format!("CWD {}", "x".repeat(100)), "250 done");
    let report = bites(&network, "--max-line-bytes", 50, 1);
    assert_eq!(report["sessions"][0]["exchanges"][2]["command"]["truncated_from"], 104);
}

#[test]
fn bytes_of_a_session_and_of_all() {
    for option in ["--max-session-bytes", "--max-sessions-bytes"] {
        // Enough for the first two commands and their replies.
        bites(&session(1, 10), option, 2500, 7);
    }
}

/// What is no longer told has no effects either: no reply answers an earlier command, and no connection is its data.
#[test]
fn what_is_behind_the_end_of_a_session_is_not_taken_for_something_else() {
    for (option, limit) in [("--max-exchanges", 3), ("--max-session-bytes", 3500)] {
        let report = PORT21.explain_bytes(&session(5, 1000).pcap(), &[option, &limit.to_string()]);
        let told = &report["sessions"][0];
        assert!(told["dropped_exchanges"].as_u64().unwrap() > 10, "{option}");
        assert_eq!(told["exchanges"].as_array().unwrap().len(), 3, "{option}");
        let replies = told["exchanges"].as_array().unwrap().iter().map(|exchange| &exchange["replies"]);
        assert!(replies.into_iter().all(|replies| replies.as_array().unwrap().len() <= 1), "{option}");
        assert!(told["unused_data_connections"].as_array().unwrap().len() <= 1, "{option}");
        let codes: Vec<_> = told["findings"].as_array().unwrap().iter().map(|found| &found["code"]).collect();
        assert_eq!(codes, ["password-in-clear", "protocol-oddity"], "{option}");
    }
}

/// The beginnings of many short files are not all kept until the session is over.
#[test]
fn many_short_files_do_not_fill_what_a_session_may_take_up() {
    let (files, length) = (120, 10_000);
    let report = PORT21.explain_bytes(&session(files, length).pcap(), &["--max-session-bytes", "1200000"]);
    assert_eq!(report["totals"]["dropped"], Value::Array(Vec::new()));
    let transfers = report["sessions"][0]["transfers"].as_array().unwrap();
    assert_eq!(transfers.len(), usize::from(files));
    for (transfer, seed) in transfers.iter().zip(0..) {
        let sum = Sha256::digest(pattern(seed, length));
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(transfer["sha256"], sum);
    }
}

#[test]
fn remarks_on_a_session() {
    let network = Network::new();
    let ftp = network.ftp();
    for _ in 0..5 {
        ftp.say("PORT nonsense", "501 what?");
    }
    bites(&network, "--max-notes", 2, 3);
}

#[test]
fn sizes_of_files() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("TYPE I", "200 binary");
    for file in 0..5 {
        ftp.say(&format!("SIZE file{file}"), "213 10");
    }
    bites(&network, "--max-sizes", 2, 3);
}

#[test]
fn data_connections_of_a_session() {
    let report = bites(&session(5, 10), "--max-data-connections", 2, 3);
    let transfers = report["sessions"][0]["transfers"].as_array().unwrap();
    assert_eq!(transfers.iter().filter(|transfer| transfer["data"].is_null()).count(), 3);
}

/// A session with one listing of 2,000 lines, longer than what is kept of everything.
fn listing() -> Network {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_000).ask("NLST");
    let lines: String =
        (0..2_000).map(|line| format!("a file with a long name, number {line:06}\r\n")).collect();
    let data = ftp.connect_to_server(50_000);
    data.send(Side::Responder, lines).close(Side::Responder);
    ftp.reply("150 here it comes").reply("226 done").quit();
    network
}

#[test]
fn bytes_and_entries_of_a_listing() {
    for (option, limit) in [("--max-listing-bytes", 70_000), ("--max-listing-entries", 100)] {
        let report = bites(&listing(), option, limit, 1);
        assert_eq!(report["sessions"][0]["transfers"][0]["listing"]["truncated"], true);
    }
}

#[test]
fn announcements() {
    let network = Network::new();
    let ftp = network.ftp();
    for port in 50_000..50_005 {
        ftp.passive(port);
    }
    bites(&network, "--max-announcements", 2, 3);
}

/// Behind one address and port, as many clients announce it: those that were answered are no loss.
#[test]
fn answered_announcements_of_one_port_are_no_loss() {
    let network = Network::new();
    for client in 1..=70 {
        let ftp = network.ftp_between(&format!("10.0.1.{client}:40000"), "10.0.0.2:21");
        ftp.login("bob", "secret").retrieve("file", 50_000, b"x");
    }
    let report = PORT21.explain(&network);
    assert_eq!(report["totals"]["dropped"], Value::Array(Vec::new()));
    let sessions = report["sessions"].as_array().unwrap();
    assert!(sessions.iter().all(|session| session["transfers"][0]["pairing"] == "exact"));
}

/// A session that goes on, and between the same hosts connections that nobody announces.
fn strangers() -> Network {
    let network = Network::new();
    let ftp = network.ftp();
    for port in 50_000..50_005 {
        ftp.connect_to_server(port).send(Side::Responder, pattern(7, 1000)).close(Side::Responder);
        network.wait_milliseconds(10_000);
    }
    network.connect("10.0.0.9:1", "10.0.0.8:2");
    network
}

#[test]
fn connections_that_do_not_show_what_they_are() {
    bites(&strangers(), "--max-strangers", 2, 3);
    bites(&strangers(), "--max-stranger-bytes", 0, 5);
}

#[test]
fn sessions_that_wait_for_their_connections() {
    let network = Network::new();
    for session in 0..3 {
        let ftp = network.ftp_between(&format!("10.0.0.1:{}", 40_000 + session * 100), "10.0.0.2:21");
        ftp.login("bob", "secret").passive(50_000 + session).ask("RETR file");
        ftp.connect_to_server(50_000 + session);
        ftp.quit();
        network.wait_milliseconds(10_000);
    }
    network.connect("10.0.0.9:1", "10.0.0.8:2");
    bites(&network, "--max-waiting-sessions", 1, 2);
}

#[test]
fn sessions_with_rejected_logins() {
    let network = Network::new();
    for session in 0..3 {
        let ftp = network.ftp_between(&format!("10.0.0.1:{}", 40_000 + session), "10.0.0.2:21");
        ftp.say("USER bob", "331 password?").say("PASS wrong", "530 no").quit();
    }
    bites(&network, "--max-rejected-sessions", 1, 2);
}

#[test]
fn names_from_dns() {
    let network = Network::new();
    for host in 1..=5 {
        network.resolve("10.0.0.1:5353", "ftp.example.com", &format!("10.0.1.{host}"));
    }
    bites(&network, "--max-names", 2, 3);
}

#[test]
fn questions_of_dns() {
    let network = Network::new();
    for client in 1..=5 {
        network.resolve(&format!("10.0.0.{client}:5353"), "ftp.example.com", "10.0.1.1").forget_last();
    }
    bites(&network, "--max-questions", 2, 3);
}

#[test]
fn dns_over_tcp() {
    let network = Network::new();
    network.connect("10.0.0.1:40000", "10.0.0.53:53").client(b"\x01\0 the beginning of a long message");
    bites(&network, "--max-message-bytes", 10, 1);
}

/// A dialogue in which a reply acknowledges a command that the capture shows late.
#[test]
fn lines_that_wait_for_the_other_side() {
    let network = Network::new();
    let ftp = network.ftp();
    let command = ftp.control.write(Side::Initiator, "NOOP\r\n");
    for _ in 0..3 {
        let reply = ftp.control.write(Side::Responder, "200 done\r\n");
        let offset = command.end as i64;
        let bytes = "200 done\r\n";
        ftp.control.segment(Side::Responder).at(reply.start as i64).bytes(bytes).acknowledging(offset).emit();
    }
    bites(&network, "--max-waiting-line-bytes", 300, 2);
}

/// What a flood of SYNs costs is other SYNs, not the conversations that go on.
#[test]
fn a_flood_of_syns_does_not_end_a_session() {
    let network = Network::new();
    let ftp = network.ftp();
    for port in 1..=50 {
        network.connection(&format!("10.0.0.9:{port}"), "10.0.0.2:21").syn();
    }
    ftp.say("PWD", "257 \"/\"").quit();
    let report = bites(&network, "--max-connections", 10, 41);
    assert_eq!(report["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(report["sessions"][0]["exchanges"].as_array().unwrap().len(), 4);
}

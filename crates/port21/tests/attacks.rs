//! Captures that are made to cost more than they weigh. Each is so large that work which grows with its square would not come
//! to an end while anybody waits for the test; what is asserted is that all of it was read, or counted as left out.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use port21_testkit::{Connection, Network, Program, Side};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Repetitions: their square is four hundred million.
const MANY: usize = 20_000;

/// The same where each takes a connection.
const STRANGERS: usize = 2_000;

/// How many commands go into one batch of segments.
const BATCH: usize = 100;

/// Says `MANY` commands, a hundred at a time, each answered by `answer`.
fn say_many(control: &Connection, command: impl Fn(usize) -> String, answer: &str) {
    for batch in 0..MANY / BATCH {
        let commands: String = (0..BATCH).map(|index| command(batch * BATCH + index) + "\r\n").collect();
        control.client(commands);
        if !answer.is_empty() {
            control.server(format!("{answer}\r\n").repeat(BATCH));
        }
    }
}

fn only_session(report: &Value) -> &Value {
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1);
    &sessions[0]
}

fn exchanges(report: &Value) -> usize {
    only_session(report)["exchanges"].as_array().unwrap().len()
}

/// How much was left out at a limit whose option is named.
fn dropped(report: &Value, option: &str) -> u64 {
    let told = report["totals"]["dropped"].as_array().unwrap();
    let named = |loss: &&Value| loss["what"].as_str().unwrap().contains(option);
    told.iter().find(named).map_or(0, |loss| loss["count"].as_u64().unwrap())
}

#[test]
fn announcements_that_are_refused() {
    let network = Network::new();
    say_many(&network.ftp().control, |_| "PORT 10,0,0,1,9,9".into(), "500 no");
    assert_eq!(exchanges(&PORT21.explain(&network)), MANY + 2);
}

#[test]
fn announcements_that_nobody_answers() {
    let network = Network::new();
    let port = |index: usize| format!("PORT 10,0,0,1,{},{}", 4 + index % 60_000 / 256, index % 256);
    say_many(&network.ftp().control, port, "200 done");
    assert_eq!(exchanges(&PORT21.explain(&network)), MANY + 2);
}

#[test]
fn transfers_that_share_one_announcement() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.active(50_000);
    say_many(&ftp.control, |index| format!("RETR file{index}"), "150 go\r\n226 done");
    let report = PORT21.explain(&network);
    assert_eq!(only_session(&report)["transfers"].as_array().unwrap().len(), MANY);
}

#[test]
fn transfers_that_are_refused_or_aborted() {
    let network = Network::new();
    let command = |index: usize| if index.is_multiple_of(2) { "RETR file".into() } else { "ABOR".into() };
    let ftp = network.ftp();
    ftp.active(50_000);
    say_many(&ftp.control, command, "550 no");
    assert_eq!(exchanges(&PORT21.explain(&network)), MANY + 3);
}

#[test]
fn passwords_without_a_user() {
    let network = Network::new();
    let control = network.connect("10.0.0.1:40000", "10.0.0.2:21");
    control.server("220 ready\r\n");
    say_many(&control, |index| format!("PASS {index}"), "530 no");
    let report = PORT21.explain(&network);
    assert_eq!(only_session(&report)["logins"].as_array().unwrap().len(), MANY);
}

#[test]
fn commands_without_answers() {
    let network = Network::new();
    say_many(&network.ftp().control, |_| "NOOP".into(), "");
    assert_eq!(dropped(&PORT21.explain(&network), "--max-unanswered"), MANY as u64 - 1024);
}

#[test]
fn answers_without_commands() {
    let network = Network::new();
    let control = network.ftp().control;
    (0..MANY / BATCH).for_each(|_| {
        control.server("500 what?\r\n".repeat(BATCH));
    });
    // The last command could have been meant by all of them.
    assert_eq!(dropped(&PORT21.explain(&network), "--max-replies"), MANY as u64 - 255);
}

#[test]
fn connections_that_nobody_announced_beside_announcements() {
    let network = Network::new();
    let ftp = network.ftp();
    for index in 0..STRANGERS {
        let stranger = network.connect(&format!("10.0.0.1:{}", 1024 + index), "10.0.0.2:30000");
        stranger.send(Side::Responder, b"something");
        ftp.passive(1024 + index as u16);
    }
    assert_eq!(exchanges(&PORT21.explain(&network)), STRANGERS + 2);
}

#[test]
fn sessions_that_wait_for_one_connection_that_never_ends() {
    let network = Network::new();
    network.connect("10.0.0.1:7", "10.0.0.2:7").send(Side::Responder, b"something");
    for index in 0..STRANGERS {
        let control = network.connect(&format!("10.0.0.1:{}", 1024 + index), "10.0.0.2:21");
        control.write(Side::Initiator, "lost");
        control.server("220 ready\r\n").client("QUIT\r\n").close(Side::Responder);
    }
    let report = PORT21.explain(&network);
    assert_eq!(report["sessions"].as_array().unwrap().len(), STRANGERS);
    assert!(dropped(&report, "--max-waiting-sessions") > 500, "{:#}", report["totals"]);
}

#[test]
fn a_listing_of_very_many_entries() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_000).ask("MLSD");
    let mut lines = String::new();
    for index in 0..150_000 {
        write!(lines, "type=file; {index}\r\n").unwrap();
    }
    ftp.connect_to_server(50_000).send(Side::Responder, lines).close(Side::Responder);
    ftp.reply("150 here it comes").reply("226 done").quit();
    let report = PORT21.explain(&network);
    let listing = &only_session(&report)["transfers"][0]["listing"];
    assert_eq!(
        (listing["entries"].as_array().unwrap().len(), &listing["truncated"]),
        (100_000, &Value::Bool(true))
    );
    assert_eq!(dropped(&report, "--max-listing-entries"), 1);
}

#[test]
fn a_line_without_end() {
    let network = Network::new();
    let ftp = network.ftp();
    network.acknowledges(false);
    ftp.control.client(vec![b'A'; 20_000_000]);
    let report = PORT21.explain(&network);
    let command = &only_session(&report)["exchanges"][2]["command"];
    assert_eq!(command["truncated_from"], 20_000_000);
    assert_eq!(dropped(&report, "--max-line-bytes"), 1);
}

/// One segment far ahead makes a hole of gigabytes: it is stated, and no zeros are hashed for it.
#[test]
fn holes_of_gigabytes() {
    let network = Network::new();
    for index in 0..500 {
        let ftp = network.ftp_between(&format!("10.0.0.1:{}", 1024 + index * 2), "10.0.0.2:21");
        ftp.login("bob", "secret").passive(20_000 + index).ask("RETR file");
        let data = ftp.connect_to_server(20_000 + index);
        ftp.reply("150 go");
        data.segment(Side::Responder).at(1 << 30).bytes(b"far away").emit();
        data.segment(Side::Responder).at((1 << 30) + 8).finish().emit();
        ftp.reply("226 done").quit();
    }
    let report = PORT21.explain(&network);
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 500);
    for session in sessions {
        let transfer = &session["transfers"][0];
        assert_eq!((&transfer["bytes"], &transfer["sha256"]), (&Value::from((1u64 << 30) + 8), &Value::Null));
    }
}

/// Fifty megabytes out of fifty kilobytes, and the same once more around it: only the outer shell is taken off.
#[test]
fn archives_that_swell() {
    let header =
        [0xd4c3_b2a1_u32, 0x0200_0400, 0, 0, 0xffff_0000, 0x0100_0000].map(u32::to_be_bytes).concat();
    let record = [&[1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0][..], &[0; 1024]].concat();
    let shell = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let once = shell(&[header, record.repeat(50_000)].concat());
    assert!(once.len() < 300_000, "{}", once.len());
    assert_eq!(PORT21.explain_bytes(&once, &[])["captures"][0]["packets"], 50_000);
    let twice = PORT21.run_with_input(&["explain", "-"], &shell(&once));
    assert_eq!(twice.status.code(), Some(3), "an archive in an archive is no capture");
}

//! `port21 follow`: what was said, by whom, in which packet, and what is hidden or missing.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use port21_testkit::{Network, Program, Side};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Standard output and what was said on standard error; fails unless the exit code is `code`.
fn follow(network: &Network, arguments: &[&str], code: i32) -> (Vec<u8>, String) {
    let arguments = [&["follow", "-"], arguments].concat();
    let output = PORT21.run_with_input(&arguments, &network.pcap());
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{talk}");
    (output.stdout, talk)
}

/// A session of alice, who uploads a file that reads like a login.
fn session() -> Network {
    let network = Network::new();
    network.ftp().store("script.txt", 50_001, b"PASS the salt\r\n").quit();
    network
}

#[test]
fn text_says_who_spoke_in_which_packet_and_hides_the_password() {
    let (out, talk) = follow(&session(), &["--stream", "0"], 0);
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("Stream 0   10.0.0.1:40000 -> 10.0.0.2:21\n       #4 <- 220 ready\n"), "{text}");
    assert!(text.contains(" -> PASS <hidden>\n") && !text.contains("secret"), "{text}");
    assert_eq!(talk, "", "the text says it itself");
}

#[test]
fn raw_bytes_keep_their_places_where_the_password_is_hidden() {
    let (out, talk) = follow(&session(), &["--stream", "0", "--as", "raw", "--side", "client"], 0);
    assert!(String::from_utf8(out).unwrap().starts_with("USER alice\r\nPASS ******\r\nPASV\r\n"));
    assert!(talk.contains("--show-passwords"), "{talk}");
}

#[test]
fn passwords_are_shown_on_demand_and_then_nothing_is_said() {
    let arguments = ["--stream", "0", "--as", "raw", "--side", "client", "--show-passwords"];
    let (out, talk) = follow(&session(), &arguments, 0);
    assert!(String::from_utf8(out).unwrap().contains("PASS secret\r\n"));
    assert_eq!(talk, "");
}

#[test]
fn side_without_passwords_is_not_said_to_hide_any() {
    let (_, talk) = follow(&session(), &["--stream", "0", "--as", "raw", "--side", "server"], 0);
    assert_eq!(talk, "");
}

#[test]
fn bytes_of_a_file_are_never_hidden() {
    let (out, talk) = follow(&session(), &["--stream", "1", "--as", "raw"], 0);
    assert_eq!((out.as_slice(), talk.as_str()), (&b"PASS the salt\r\n"[..], ""));
}

#[test]
fn json_has_offset_packet_and_bytes() {
    let (out, _) = follow(&session(), &["--stream", "0", "--as", "json"], 0);
    let text = String::from_utf8(out).unwrap();
    let runs: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&runs[0]["from"], &runs[0]["packet"], &runs[0]["offset"]),
        (&"server".into(), &4.into(), &0.into())
    );
    assert_eq!(runs[0]["bytes"], "3232302072656164790d0a");
    let commands = runs.iter().filter(|run| run["from"] == "client");
    let texts: String = commands.map(|run| run["text"].as_str().unwrap()).collect();
    assert!(texts.starts_with("USER alice\r\nPASS ******\r\n"), "{texts}");
}

#[test]
fn hexadecimal_shows_offset_digits_and_text() {
    let (out, _) = follow(&session(), &["--stream", "1", "--as", "hex"], 0);
    let text = String::from_utf8(out).unwrap();
    let line = text.lines().nth(1).unwrap();
    assert!(line.starts_with("-> 00000000  50 41 53 53 20 74 68 65 20 73 61 6c 74 0d 0a"), "{line}");
    assert!(line.contains("|PASS the salt.. |  #"), "{line}");
}

/// A stream of which the capture misses bytes 4 to 8.
fn with_hole() -> Network {
    let network = Network::new();
    let connection = network.connect("10.0.0.1:1025", "10.0.0.2:80");
    connection.send(Side::Initiator, b"abcd");
    connection.write(Side::Initiator, b"efgh");
    connection.emit(Side::Initiator, 4..8);
    network.forget_last();
    connection.send(Side::Initiator, b"ij").close(Side::Initiator);
    network
}

#[test]
fn hole_is_told_in_text_and_zeros_in_raw() {
    let (out, _) = follow(&with_hole(), &["--stream", "0"], 0);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("-> [4 bytes missing in the capture after #4]\n"), "{text}");
    let (out, talk) = follow(&with_hole(), &["--stream", "0", "--as", "raw"], 0);
    assert_eq!(out, b"abcd\0\0\0\0ij");
    assert!(talk.contains("misses 4 bytes"), "{talk}");
    follow(&with_hole(), &["--stream", "0", "--strict"], 1);
}

#[test]
fn terminal_never_sees_what_a_peer_sent() {
    let network = Network::new();
    network.connect("10.0.0.1:1025", "10.0.0.2:80").send(Side::Initiator, b"\x1b[2Jx\xff\r\n");
    let (out, _) = follow(&network, &["--stream", "0"], 0);
    assert!(String::from_utf8(out).unwrap().ends_with(" -> \\x1b[2Jx\\xff\n"));
}

#[test]
fn stream_that_does_not_exist_is_a_wrong_argument() {
    let (_, talk) = follow(&session(), &["--stream", "7"], 2);
    assert!(talk.contains("streams 0 to 1"), "{talk}");
}

//! The order of things: what comes twice, early, late, or without its beginning.

use port21_testkit::{Ftp, Network, Side, pattern};
use serde_json::{Value, json};

use crate::{PORT21, assert_whole, dialogue, explain, only_session, only_transfer, sha256};

/// Row 16. Zeek and Suricata give two files and no offset; Wireshark loses the second half. Nobody joins them.
#[test]
fn resumed_transfer_knows_its_offset() {
    let network = Network::new();
    let ftp = network.ftp();
    let bytes = pattern(16, 4600);
    ftp.say("TYPE I", "200 ok").passive(50_016).ask("RETR file.txt");
    let data = ftp.connect_to_server(50_016);
    ftp.reply("150 Opening BINARY mode data connection for file.txt (4600 bytes).");
    data.send(Side::Responder, &bytes[..1000]).reset(Side::Responder);
    ftp.reply("426 Connection reset")
        .passive(50_017)
        .say("REST 1000", "350 restarting at 1000")
        .ask("RETR file.txt");
    let data = ftp.connect_to_server(50_017);
    ftp.reply("150 opening");
    data.send(Side::Responder, &bytes[1000..]).close(Side::Responder);
    ftp.reply("226 done").quit();
    let report = explain(&network);
    let transfers = only_session(&report)["transfers"].as_array().unwrap();
    assert_eq!(transfers.len(), 2);
    let [first, second] = [&transfers[0], &transfers[1]];
    assert_eq!(
        json!([first["bytes"], first["complete"], first["restart_offset"]]),
        json!([1000, false, null])
    );
    assert_eq!(first["expected_bytes"], 4600);
    assert_eq!(first["sha256"], sha256(&bytes[..1000]));
    assert_eq!(second["restart_offset"], 1000);
    assert_eq!(second["path"], "file.txt");
    assert_whole(second, &bytes[1000..]);
}

/// Row 17. Wireshark exports the first file only.
#[test]
fn ends_used_three_times_are_three_connections() {
    let network = Network::new();
    let ftp = network.ftp();
    for round in 0..3u32 {
        ftp.passive(50_017).ask(&format!("RETR file-{round}"));
        let numbers = [1_000_000 * (round + 1), 77_000_000 * (round + 1)];
        let data = network.connection_numbered("10.0.0.1:40555", "10.0.0.2:50017", numbers).handshake();
        ftp.reply("150 opening");
        data.send(Side::Responder, pattern(u64::from(round), 3000)).close(Side::Responder);
        ftp.reply("226 done");
    }
    let report = explain(&network);
    let transfers = only_session(&report)["transfers"].as_array().unwrap();
    assert_eq!(transfers.len(), 3);
    for (round, transfer) in transfers.iter().enumerate() {
        assert_eq!(transfer["path"], format!("file-{round}"));
        assert_whole(transfer, &pattern(round as u64, 3000));
    }
}

/// Row 20. Zeek gives partial connections no analyzer; Suricata does not recognise the protocol.
#[test]
fn session_that_began_before_the_capture() {
    let network = Network::new();
    let ftp = network.ftp();
    let before = network.last();
    ftp.retrieve("file.txt", 50_020, &pattern(20, 4600)).quit();
    for _ in 0..before {
        network.forget(1);
    }
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(session["server"]["port"], 21);
    assert_eq!(session["client"]["port"], 40_000);
    assert_eq!(session["greeting"], Value::Null);
    assert_eq!(session["control"]["handshake"]["syn"], Value::Null);
    assert_eq!(session["control"]["initial_sequence"], json!({"initiator": null, "responder": null}));
    assert_eq!(dialogue(session), ["PASV: 227", "RETR file.txt: 150 226", "QUIT: 221"]);
    assert_whole(only_transfer(&report), &pattern(20, 4600));
}

/// Row 20, harder: the first packet is a reply of the server.
#[test]
fn capture_that_begins_with_a_reply() {
    let network = Network::new();
    let ftp = network.ftp();
    let before = network.last() + 2;
    ftp.retrieve("file.txt", 50_020, &pattern(20, 4600)).quit();
    for _ in 0..before {
        network.forget(1);
    }
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(session["server"]["port"], 21);
    assert_eq!(dialogue(session), ["-: 227", "RETR file.txt: 150 226", "QUIT: 221"]);
    assert_whole(only_transfer(&report), &pattern(20, 4600));
}

/// Row 21. All peers are right here.
#[test]
fn completion_reply_before_the_end_of_the_data() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_021).ask("RETR file.txt");
    let data = ftp.connect_to_server(50_021);
    let bytes = pattern(21, 4600);
    ftp.reply("150 opening");
    data.send(Side::Responder, &bytes[..2000]);
    ftp.reply("226 done");
    data.send(Side::Responder, &bytes[2000..]).close(Side::Responder);
    let report = explain(&network);
    assert_eq!(only_transfer(&report)["closing_reply"]["code"], 226);
    assert_whole(only_transfer(&report), &bytes);
}

/// Row 21, further: even the data connection is seen only after it.
#[test]
fn data_connection_seen_after_the_completion_reply() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_021).ask("RETR file.txt").reply("150 opening").reply("226 done");
    let data = ftp.connect_to_server(50_021);
    data.send(Side::Responder, pattern(21, 4600)).close(Side::Responder);
    ftp.quit();
    assert_whole(only_transfer(&explain(&network)), &pattern(21, 4600));
}

/// Beside row 21: the data connection is seen before it is announced, as two taps with skewed clocks show it.
#[test]
fn data_connection_seen_before_its_announcement() {
    let network = Network::new();
    let ftp = network.ftp();
    let data = ftp.connect_to_server(50_021);
    data.send(Side::Responder, pattern(21, 4600)).close(Side::Responder);
    ftp.passive(50_021).say("RETR file.txt", "150 opening").reply("226 done").quit();
    let report = explain(&network);
    assert_eq!(only_transfer(&report)["pairing"], "late");
    assert_whole(only_transfer(&report), &pattern(21, 4600));
}

/// Row 29. Suricata with several threads lost the file of a plain session in 8 of 20 runs.
#[test]
fn same_report_for_any_number_of_threads() {
    let network = Network::new();
    let sessions: Vec<_> = (0..12)
        .map(|number| {
            let ftp = network.ftp_between(&format!("10.0.1.{number}:40000"), &format!("10.0.2.{number}:21"));
            ftp.login("alice", "secret");
            ftp
        })
        .collect();
    for (number, ftp) in sessions.iter().enumerate() {
        ftp.store("up", 50_000, &pattern(number as u64, 3000));
    }
    for (number, ftp) in sessions.iter().enumerate().rev() {
        ftp.retrieve("down", 50_001, &pattern(100 + number as u64, 3000)).quit();
    }
    let pcap = network.pcap();
    let output = |threads: &str| {
        let arguments = ["explain", "--format", "json", "--threads", threads, "-"];
        PORT21.run_with_input(&arguments, &pcap).stdout
    };
    let one = output("1");
    assert!(!one.is_empty());
    for threads in ["1", "2", "3", "8"] {
        assert!(output(threads) == one, "{threads} threads give another report than one");
    }
    let report = PORT21.explain(&network);
    let transfers = report["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|session| session["transfers"].as_array().unwrap());
    assert_eq!(transfers.filter(|transfer| transfer["complete"] == true).count(), 24);
}

/// Beside the rows: one side of the conversation is not in the capture at all.
#[test]
fn one_direction_only_is_reported_as_far_as_it_goes() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.quit();
    // Frames of the server are those whose source address ends in 2; they alternate, so they are found by trial.
    let total = network.last();
    let pcap = network.pcap();
    let mut at = 24;
    let mut from_server = Vec::new();
    for number in 1..=total {
        let length = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
        if pcap[at + 16 + 29] == 2 {
            from_server.push(number);
        }
        at += 16 + length;
    }
    for number in from_server.into_iter().rev() {
        network.forget(number);
    }
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(dialogue(session), ["USER alice: ", "PASS <hidden>: ", "QUIT: "]);
    assert_eq!(session["logins"][0]["outcome"], "unknown");
}

/// Two sessions between the same hosts, the first of which the tap has not seen from its beginning: its STOR, and the data
/// connection, whose announcement is not in the capture.
fn stored_beside_another(network: &Network) -> (Ftp, Ftp) {
    let first = network.ftp();
    first.passive(50_020);
    let before = network.last();
    first.ask("STOR mine");
    (0..before).for_each(|_| {
        network.forget(1);
    });
    let data = first.connect_to_server(50_020);
    first.reply("150 go");
    data.send(Side::Initiator, pattern(20, 4600)).close(Side::Initiator);
    (first, network.ftp_between("10.0.0.1:41000", "10.0.0.2:21"))
}

/// What of the transfers of a session was paired how.
fn pairings(session: &Value) -> Vec<Value> {
    let transfers = session["transfers"].as_array().unwrap().iter();
    transfers.map(|transfer| json!([transfer["argument"], transfer["pairing"], transfer["bytes"]])).collect()
}

#[test]
fn data_from_before_a_login_is_not_that_session_s() {
    let network = Network::new();
    let (_, second) = stored_beside_another(&network);
    // Something of the second is missing too, so that it may have had transfers that nobody saw.
    second.login("bob", "secret").say("TYPE I", "200 ok");
    network.forget(network.last() - 3);
    let report = PORT21.explain(&network);
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        let expected = if session["client"]["port"] == 40_000 {
            vec![json!(["mine", "guessed", 4600])]
        } else {
            Vec::new()
        };
        assert_eq!(pairings(session), expected);
    }
}

/// A session has one transfer at a time: a connection that carried data when a transfer was asked for is another session's,
/// and the other connection that fits is the transfer's.
#[test]
fn data_under_way_when_a_transfer_is_asked_for_is_not_that_transfer_s() {
    let network = Network::new();
    let ftp = network.ftp();
    let before = network.last();
    let other = network.connect("10.0.0.1:45000", "10.0.0.2:50001");
    other.send(Side::Responder, pattern(1, 3000));
    network.wait_milliseconds(500);
    ftp.ask("RETR mine");
    (0..before).for_each(|_| {
        network.forget(1);
    });
    let data = network.connect("10.0.0.1:45001", "10.0.0.2:50002");
    ftp.reply("150 go");
    data.send(Side::Responder, pattern(20, 4600)).close(Side::Responder);
    other.send(Side::Responder, pattern(2, 3000)).close(Side::Responder);
    ftp.quit();
    let report = PORT21.explain(&network);
    assert_eq!(pairings(only_session(&report)), [json!(["mine", "guessed", 4600])]);
}

#[test]
fn what_may_have_been_another_session_s_is_not_guessed_when_that_one_is_over() {
    let network = Network::new();
    let (first, second) = stored_beside_another(&network);
    let logged_in = network.last();
    second.login("bob", "secret").say("TYPE I", "200 ok");
    // Of the second session only the last command is seen: it may have been logged in for long.
    (logged_in..network.last() - 4).for_each(|_| {
        network.forget(logged_in + 1);
    });
    first.quit();
    network.wait_milliseconds(10_000);
    second.quit();
    let report = PORT21.explain(&network);
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        let guessed = pairings(session).iter().any(|pairing| pairing[1] == "guessed");
        assert!(!guessed, "{session:#}");
    }
}

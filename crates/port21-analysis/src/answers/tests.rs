//! The laboratory's own facts, and what stays true where a capture shows less or something else.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::answer;
use crate::report::*;
use crate::sample::{self, connection, download, endpoint, exchange, greeted, laboratory, reply};

/// The answer to one question as scripts see it.
fn answered(session: &Session, question: u64) -> Value {
    let all = serde_json::to_value(answer(session, "test.pcap")).unwrap();
    let answers = all["answers"].as_array().unwrap();
    answers.iter().find(|answer| answer["question"] == question).unwrap().clone()
}

fn facts(session: &Session, question: u64) -> Value {
    answered(session, question)["facts"].clone()
}

fn prose(session: &Session, question: u64) -> String {
    answered(session, question)["answer"].as_str().unwrap().to_owned()
}

/// A session of passive mode with one download and one login of a named user.
fn passive() -> Session {
    let mut session = greeted();
    session.logins = vec![sample::login("alice", "<hidden>", [10, 12, 13], 230)];
    session.exchanges = vec![
        exchange(10, "USER", Some("alice"), &[(11, 331, "password?")]),
        exchange(12, "PASS", Some("<hidden>"), &[(13, 230, "welcome")]),
        exchange(157, "PASV", None, &[(159, 227, "Entering Passive Mode (203,0,113,9,195,80)")]),
        exchange(160, "RETR", Some("notes.txt"), &[(161, 150, "here"), (180, 226, "done")]),
    ];
    session.transfers = vec![download(&session)];
    session
}

/// A session that AUTH TLS has hidden.
fn encrypted() -> Session {
    let mut session = greeted();
    session.protocol = Protocol::FtpsExplicit;
    session.exchanges = vec![exchange(10, "AUTH", Some("TLS"), &[(11, 234, "go on")])];
    session.tls = Some(Tls {
        auth_packet: Some(10),
        first_packet: Some(13),
        version: Some("TLS 1.3".to_owned()),
        server_name: None,
        cleared_packet: None,
        bytes: PerSide { client: 900, server: 4000 },
    });
    session
}

/// A session whose beginning the capture does not hold, first seen from the server.
fn midstream() -> Session {
    let mut session = laboratory();
    let control = &mut session.control;
    (control.initiator, control.responder) = (control.responder, control.initiator);
    sample::without_handshake(control);
    for segment in &mut control.closing {
        segment.from = segment.from.other();
    }
    control.closed_by = Some(ClosedBy::Initiator);
    session.greeting = None;
    session.logins.clear();
    session.exchanges.drain(..2);
    session.server.name = None;
    session.server.name_packet = None;
    session.server.name_query_packet = None;
    session.server.name_source = None;
    session
}

#[test]
fn the_laboratory_capture_has_the_facts_that_are_true_of_it() {
    let session = laboratory();
    let expected = [
        (
            1,
            json!({"server_name": "ftp.ftpplanet.com", "server_address": "156.21.1.54", "name_packets": [77, 78]}),
        ),
        (2, json!({"control_port": 21, "data_port": 20})),
        (3, json!({"control_port": 2011, "data_port": 5001})),
        (4, json!({"control_handshake": [79, 83, 84], "data_handshake": [161, 162, 172]})),
        (
            5,
            json!({"syn": {"packet": 79, "raw_sequence": 2437105213u32},
                "syn_ack": {"packet": 83, "raw_sequence": 918273645, "raw_acknowledgement": 2437105214u32},
                "ack": {"packet": 84, "raw_acknowledgement": 918273646}}),
        ),
        (6, json!({"packet": 94})),
        (7, json!({"code": 220, "text": "ftp.ftpplanet.com FTP Server ready to serve you"})),
        (
            8,
            json!({"packets": [124, 126, 149, 152], "user_packets": [124], "sent_at_once": true, "user": "anonymous"}),
        ),
        (9, json!({"visible": true, "password": "apassword", "packet": 149})),
        (10, json!({"cleartext": ["user", "password", "commands", "data"]})),
        (11, json!({"verb": "LIST", "argument": null, "packet": 160})),
        (12, json!({"packets": [173, 175], "bytes": 2111, "server_port": 20})),
        (
            13,
            json!({"control_connection": {"client": "192.168.1.10:2011", "server": "156.21.1.54:21"},
                "data_connection": {"client": "192.168.1.10:5001", "server": "156.21.1.54:20"}}),
        ),
        (14, json!({"packet": 302, "verb": "QUIT"})),
        (15, json!({"flags": ["PSH", "ACK"]})),
        (16, json!({"packet": 303, "code": 221})),
        (17, json!({"packets": [304, 305, 306], "flags": [["FIN", "ACK"], ["ACK"], ["RST", "ACK"]]})),
        (
            18,
            json!({"closed_by": "server", "first_fin_packet": 304, "reset_by": "client", "reset_packet": 306}),
        ),
        (19, json!({"sequences": [182, 71, 71]})),
        (
            20,
            json!({"relative": [182, 71, 71], "raw": [918273827, 2437105284u32, 2437105284u32],
                "initial": {"server": 918273645, "client": 2437105213u32}}),
        ),
        (22, json!({"kind": "listing", "bytes": 2111, "sha256": "00".repeat(32), "entries": 30})),
        (23, json!({"initiator": "server", "mode": "active"})),
        (
            24,
            json!({"packet": 157, "verb": "PORT", "address": "192.168.1.10", "port": 5001,
                "arithmetic": "19 * 256 + 137 = 5001"}),
        ),
        (
            25,
            json!({"replies": [174, 178], "acknowledged_by": [181], "acknowledgement": 169,
                "reason": "cumulative acknowledgement"}),
        ),
    ];
    for (question, expected) in expected {
        assert_eq!(facts(&session, question), expected, "question {question}");
    }
}

#[test]
fn the_dialogue_is_in_order_and_shows_the_password() {
    let dialogue = facts(&laboratory(), 21);
    assert_eq!(dialogue["shows_password"], true);
    let lines = dialogue["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 12);
    assert_eq!(
        lines[0],
        json!({"packet": 94, "from": "server", "text": "220 ftp.ftpplanet.com FTP Server ready to serve you"})
    );
    assert_eq!(lines[3], json!({"packet": 149, "from": "client", "text": "PASS apassword"}));
    assert_eq!(lines[11], json!({"packet": 303, "from": "server", "text": "221 Goodbye"}));
}

#[test]
fn every_question_has_prose_and_a_rule_in_every_kind_of_session() {
    for session in [laboratory(), passive(), encrypted(), midstream(), greeted()] {
        let all = answer(&session, "test.pcap");
        let numbers: Vec<u8> = all.answers.iter().map(|answer| answer.question).collect();
        assert_eq!(numbers, (1..=super::QUESTIONS).collect::<Vec<u8>>());
        for answer in &all.answers {
            assert!(answer.answer.len() > 20, "question {}: {}", answer.question, answer.answer);
            assert!(answer.rule.starts_with("RFC "), "question {}", answer.question);
            assert!(!answer.answer.contains("  "), "question {}: {}", answer.question, answer.answer);
        }
    }
}

#[test]
fn the_arithmetic_is_worked_through_with_the_capture_s_own_numbers() {
    let session = laboratory();
    assert!(prose(&session, 5).contains("2437105213 + 1 = 2437105214"));
    assert!(prose(&session, 19).contains("1 + 181 = 182"));
    assert!(prose(&session, 19).contains("#306 has 71 too, for #305 took up none."));
    assert!(prose(&session, 20).contains("#304: 918273645 + 182 = 918273827."));
    assert!(prose(&session, 25).contains("relative numbers 118 to 145"));
    assert!(prose(&session, 25).contains("relative numbers 146 to 168"));
    assert!(prose(&session, 2).contains("21 - 1 = 20"));
}

#[test]
fn raw_numbers_wrap_and_the_prose_says_so() {
    let mut session = laboratory();
    session.control.initial_sequence.responder = Some(u32::MAX - 1);
    session.control.closing[0].raw_sequence = 180;
    assert!(prose(&session, 20).contains("#304: 4294967294 + 182 = 180 (modulo 2^32)."));
}

#[test]
fn passive_mode_has_the_client_open_and_the_reply_announce() {
    let session = passive();
    assert_eq!(facts(&session, 23), json!({"initiator": "client", "mode": "passive"}));
    assert_eq!(
        facts(&session, 24),
        json!({"packet": 159, "verb": "PASV", "address": "203.0.113.9", "port": 50000,
            "arithmetic": "195 * 256 + 80 = 50000"})
    );
    assert_eq!(facts(&session, 2), json!({"control_port": 21, "data_port": 50000}));
    assert_eq!(facts(&session, 3), json!({"control_port": 40000, "data_port": 51000}));
    assert_eq!(facts(&session, 13)["data_connection"]["client"], "198.51.100.7:51000");
    assert!(!prose(&session, 2).contains("default data port"));
}

#[test]
fn ipv6_endpoints_are_written_in_brackets() {
    let mut session = greeted();
    session.client = endpoint("2001:db8::7", 40000);
    session.server.address = "2001:db8::9".parse::<IpAddr>().unwrap();
    assert_eq!(
        facts(&session, 13)["control_connection"],
        json!({"client": "[2001:db8::7]:40000", "server": "[2001:db8::9]:21"})
    );
    assert_eq!(answered(&session, 1)["rule"], "RFC 8200, section 3");
}

#[test]
fn a_named_user_s_password_is_visible_and_stays_hidden() {
    let session = passive();
    assert_eq!(facts(&session, 9), json!({"visible": true, "password": "<hidden>", "packet": 12}));
    assert_eq!(facts(&session, 21)["shows_password"], true);
}

#[test]
fn tls_hides_the_login_the_end_and_the_transfer() {
    let session = encrypted();
    assert_eq!(facts(&session, 9), json!({"visible": false, "password": null, "packet": null}));
    assert_eq!(facts(&session, 10), json!({"cleartext": []}));
    assert_eq!(facts(&session, 14), json!({"packet": null, "verb": null}));
    assert_eq!(facts(&session, 21)["shows_password"], false);
    assert!(prose(&session, 14).contains("From AUTH (#10) on the control connection is encrypted by TLS."));
    assert!(!prose(&session, 14).contains("no QUIT"));
}

#[test]
fn data_connection_on_one_host_is_not_said_to_be_missing() {
    let mut session = encrypted();
    let mut transfer = download(&session);
    (transfer.mode, transfer.setup, transfer.verb, transfer.direction) = (None, None, None, None);
    let host = session.server.address;
    session.client.address = host;
    let data = transfer.data.as_mut().unwrap();
    (data.initiator.address, data.responder.address) = (host, host);
    let syn = data.handshake.syn.unwrap();
    session.transfers = vec![transfer];
    for question in [2, 3, 23] {
        let told = prose(&session, question);
        assert!(!told.contains("connection of the transfer is not in the capture"), "{told}");
        assert!(!told.contains("SYN of the data connection is not"), "{told}");
        assert!(told.contains("both have the same address"), "{told}");
    }
    assert!(prose(&session, 23).contains(&format!("SYN #{syn}")));
    assert_eq!(facts(&session, 23)["initiator"], Value::Null);
    assert!(!prose(&session, 4).contains("opened by"), "{}", prose(&session, 4));
}

#[test]
fn a_capture_that_begins_midstream_says_null_and_knows_who_is_the_client() {
    let session = midstream();
    assert_eq!(facts(&session, 4), json!({"control_handshake": null, "data_handshake": [161, 162, 172]}));
    assert_eq!(facts(&session, 5), json!({"syn": null, "syn_ack": null, "ack": null}));
    assert_eq!(facts(&session, 6), json!({"packet": null}));
    assert_eq!(facts(&session, 1)["server_name"], Value::Null);
    assert_eq!(facts(&session, 9)["visible"], Value::Null);
    assert_eq!(facts(&session, 18)["closed_by"], "server");
    assert_eq!(facts(&session, 18)["reset_by"], "client");
    assert_eq!(facts(&session, 20)["initial"], json!({"server": null, "client": null}));
    assert_eq!(facts(&session, 21)["shows_password"], Value::Null);
    assert!(prose(&session, 20).contains("#304: 918273645 + 182 = 918273827."));
}

#[test]
fn a_server_that_is_busy_has_no_packet_of_readiness() {
    let mut session = greeted();
    session.greeting = Some(reply(4, 421, "too many users", 1, (5, 20)));
    assert_eq!(facts(&session, 6), json!({"packet": null}));
    assert_eq!(facts(&session, 7), json!({"code": null, "text": null}));
    assert!(prose(&session, 6).contains("421 (#4)"));
}

#[test]
fn a_server_that_asks_for_patience_is_ready_with_its_220() {
    let mut session = greeted();
    session.greeting = Some(reply(4, 120, "in 5 minutes", 1, (5, 20)));
    let ready = reply(8, 220, "ready", 19, (9, 30));
    session.exchanges = vec![Exchange { command: None, replies: vec![ready] }];
    assert_eq!(facts(&session, 6), json!({"packet": 8}));
}

#[test]
fn a_name_typed_letter_by_letter_is_not_sent_at_once() {
    let mut session = passive();
    session.exchanges[0].command.as_mut().unwrap().packets = vec![7, 8, 9, 10].into();
    session.logins[0].user_packet = Some(7);
    let login = facts(&session, 8);
    assert_eq!(login["user_packets"], json!([7, 8, 9, 10]));
    assert_eq!(login["sent_at_once"], false);
    assert_eq!(login["packets"], json!([7, 8, 9, 10, 11, 12, 13]));
}

#[test]
fn of_several_logins_the_accepted_one_counts() {
    let mut session = passive();
    session.logins.insert(0, sample::login("bob", "<hidden>", [6, 7, 8], 530));
    assert_eq!(facts(&session, 8)["user"], "alice");
    assert!(prose(&session, 8).contains("1 login attempt more"));
}

#[test]
fn a_session_without_transfer_says_so() {
    let session = greeted();
    assert_eq!(facts(&session, 11), json!({"verb": null, "argument": null, "packet": null}));
    assert_eq!(facts(&session, 12), json!({"packets": [], "bytes": null, "server_port": null}));
    assert_eq!(facts(&session, 22), json!({"kind": null, "bytes": null, "sha256": null, "entries": null}));
    assert_eq!(facts(&session, 23), json!({"initiator": null, "mode": null}));
    assert!(prose(&session, 12).contains("no transfer"));
}

#[test]
fn a_transfer_whose_connection_was_opened_comes_before_one_that_failed() {
    let mut session = passive();
    let mut failed = session.transfers[0].clone();
    failed.data.as_mut().unwrap().state = ConnectionState::NeverOpened;
    failed.argument = Some("never".into());
    session.transfers.insert(0, failed);
    assert_eq!(facts(&session, 11)["argument"], "notes.txt");
    assert!(prose(&session, 11).contains("there is one other"));
}

#[test]
fn an_open_connection_was_closed_by_nobody() {
    let session = greeted();
    assert_eq!(facts(&session, 17), json!({"packets": [], "flags": []}));
    assert_eq!(
        facts(&session, 18),
        json!({"closed_by": null, "first_fin_packet": null, "reset_by": null, "reset_packet": null})
    );
    assert!(prose(&session, 18).contains("still open when last seen"));
}

#[test]
fn a_reset_without_fin_is_not_called_orderly() {
    let mut session = greeted();
    session.control.closing = vec![sample::closing(50, Side::Initiator, &["RST"], (20, 1020), 0)];
    session.control.closed_by = Some(ClosedBy::Initiator);
    assert_eq!(
        facts(&session, 18),
        json!({"closed_by": "client", "first_fin_packet": null, "reset_by": "client", "reset_packet": 50})
    );
    assert!(prose(&session, 18).contains("without a FIN before it"));
}

#[test]
fn the_ack_after_a_fin_has_the_next_number() {
    let mut session = greeted();
    session.control.closing = vec![
        sample::closing(50, Side::Initiator, &["ACK", "FIN"], (20, 1020), 30),
        sample::closing(51, Side::Responder, &["ACK", "FIN"], (30, 5030), 21),
        sample::closing(52, Side::Initiator, &["ACK"], (21, 1021), 31),
    ];
    assert!(prose(&session, 19).contains("#52 has 21, one more, for the FIN in #50."));
}

#[test]
fn both_ends_may_close_at_once() {
    let mut session = greeted();
    session.control.closing = vec![
        sample::closing(50, Side::Initiator, &["ACK", "FIN"], (20, 1020), 30),
        sample::closing(51, Side::Responder, &["ACK", "FIN"], (30, 5030), 20),
    ];
    session.control.closed_by = Some(ClosedBy::Both);
    assert_eq!(facts(&session, 18)["closed_by"], "both");
    assert_eq!(facts(&session, 17)["flags"], json!([["FIN", "ACK"], ["FIN", "ACK"]]));
}

#[test]
fn replies_with_an_acknowledgment_each_share_none() {
    let session = passive();
    assert_eq!(
        facts(&session, 25),
        json!({"replies": [], "acknowledged_by": [], "acknowledgement": null, "reason": null})
    );
    assert!(
        prose(&session, 25)
            .contains("150 (#161) is acknowledged by #162 and 226 (#180) is acknowledged by #181")
    );
}

#[test]
fn a_delay_of_an_acknowledgment_has_to_be_short_to_be_called_one() {
    let mut session = laboratory();
    session.exchanges[3].replies[1].time = session.exchanges[3].replies[0].time + 0.158;
    assert!(prose(&session, 25).contains("0.158 s after the first, within that time"));
    session.exchanges[3].replies[1].time = session.exchanges[3].replies[0].time + 2.0;
    assert!(prose(&session, 25).contains("missing from the capture"));
}

#[test]
fn a_client_that_does_not_wait_for_the_greeting_is_told() {
    let mut session = passive();
    assert!(prose(&session, 6).contains("It speaks first"));
    session.greeting.as_mut().unwrap().packet = 11;
    assert!(prose(&session, 6).contains("its first command, #10, comes before it"));
}

#[test]
fn two_replies_in_one_segment_are_not_two_segments_with_one_acknowledgment() {
    let mut session = passive();
    let replies = &mut session.exchanges[3].replies;
    replies[1].packet = replies[0].packet;
    replies[1].packets = replies[0].packets.clone();
    replies[1].acknowledged_by = replies[0].acknowledged_by;
    assert_eq!(facts(&session, 25)["replies"], json!([]));
}

#[test]
fn between_two_servers_the_client_has_no_data_port() {
    let mut session = passive();
    let transfer = &mut session.transfers[0];
    transfer.direction = Some(Direction::ServerToServer);
    transfer.data = Some(connection(7, endpoint("192.0.2.66", 20), endpoint("203.0.113.9", 50000), 170));
    assert_eq!(facts(&session, 3)["data_port"], Value::Null);
    assert_eq!(
        facts(&session, 13)["data_connection"],
        json!({"client": null, "server": "203.0.113.9:50000"})
    );
    assert_eq!(facts(&session, 23)["initiator"], "server");
    assert!(prose(&session, 23).contains("The other server opens it"));
}

#[test]
fn a_multiline_reply_reads_as_it_was_sent() {
    let mut session = greeted();
    let greeting = session.greeting.as_mut().unwrap();
    greeting.lines = ["Welcome", " to here", "ready"].map(Into::into).into_iter().collect();
    assert_eq!(facts(&session, 21)["lines"][0]["text"], "220-Welcome\n to here\n220 ready");
    assert_eq!(facts(&session, 7)["text"], "Welcome\n to here\nready");
}

#[test]
fn missing_bytes_are_told() {
    let mut session = passive();
    let transfer = &mut session.transfers[0];
    transfer.complete = false;
    transfer.incomplete_because = Some("the capture lacks bytes".to_owned());
    transfer.missing = vec![Missing { offset: 1000, length: 1460 }];
    assert!(prose(&session, 22).contains("it lacks 1,460 in 1 place"));
    assert!(!prose(&session, 22).contains("Nothing is missing"));
}

//! The laboratory's questions about other captures than the laboratory's: what is said of them is true, and what they do
//! not show is `null`.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use port21_testkit::{Network, Program, Side, pattern};
use serde_json::{Value, json};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// The answers about what `network` has captured.
struct Answers(Value);

impl Answers {
    fn about(network: &Network) -> Answers {
        let output = PORT21.run_with_input(&["answer", "--format", "json", "-"], &network.pcap());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answers["answers"].as_array().unwrap().len(), 25);
        Answers(answers)
    }

    fn facts(&self, question: usize) -> &Value {
        &self.0["answers"][question - 1]["facts"]
    }

    fn prose(&self, question: usize) -> &str {
        self.0["answers"][question - 1]["answer"].as_str().unwrap()
    }
}

#[test]
fn passive_download() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("TYPE I", "200 ok").retrieve("file.bin", 50_001, &pattern(1, 4000)).quit();
    let answers = Answers::about(&network);
    assert_eq!(
        answers.facts(1),
        &json!({"server_name": null, "server_address": "10.0.0.2", "name_packets": []})
    );
    assert_eq!(answers.facts(2), &json!({"control_port": 21, "data_port": 50_001}));
    assert_eq!(answers.facts(23), &json!({"initiator": "client", "mode": "passive"}));
    let arranged = answers.facts(24);
    assert_eq!(
        json!([arranged["verb"], arranged["address"], arranged["port"]]),
        json!(["PASV", "10.0.0.2", 50_001])
    );
    assert_eq!(arranged["arithmetic"], "195 * 256 + 81 = 50001");
    assert_eq!(answers.facts(22)["bytes"], 4000);
    assert!(answers.prose(22).contains("Nothing is missing."));
}

#[test]
fn ipv6_has_no_arithmetic_and_its_own_rules() {
    let network = Network::new();
    let ftp = network.ftp_between("[fd00::1]:40000", "[fd00::2]:21");
    ftp.login("anonymous", "me@example.org").retrieve("file.bin", 50_001, &pattern(1, 900)).quit();
    let answers = Answers::about(&network);
    assert_eq!(answers.facts(23), &json!({"initiator": "client", "mode": "extended-passive"}));
    let arranged = answers.facts(24);
    assert_eq!(
        json!([arranged["verb"], arranged["address"], arranged["port"]]),
        json!(["EPSV", "fd00::2", 50_001])
    );
    assert_eq!(arranged["arithmetic"], Value::Null);
    assert_eq!(answers.facts(13)["control_connection"]["client"], "[fd00::1]:40000");
    assert_eq!(answers.0["answers"][23]["rule"], "RFC 2428, section 3");
    assert_eq!(answers.facts(9)["password"], "me@example.org");
}

#[test]
fn tls_hides_what_it_hides() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("AUTH TLS", "234 go");
    ftp.control.client(b"\x16\x03\x01\0\x05hello").server(b"\x16\x03\x03\0\x05hello");
    let data = network.connect("10.0.0.1:40001", "10.0.0.2:50001");
    data.send(Side::Responder, b"\x17\x03\x03\0\x05bytes").close(Side::Responder);
    ftp.control.client(b"\x17\x03\x03\0\x05QUIT!").close(Side::Initiator);
    let answers = Answers::about(&network);
    assert_eq!(answers.facts(6)["packet"], 4);
    assert_eq!(answers.facts(8)["user"], Value::Null);
    assert_eq!(answers.facts(9), &json!({"visible": false, "password": null, "packet": null}));
    assert_eq!(answers.facts(10), &json!({"cleartext": []}));
    assert_eq!(answers.facts(11), &json!({"verb": null, "argument": null, "packet": null}));
    assert_eq!(answers.facts(14), &json!({"packet": null, "verb": null}));
    assert_eq!(answers.facts(23), &json!({"initiator": "client", "mode": "passive"}));
    assert_eq!(answers.facts(24)["packet"], Value::Null);
    assert_eq!(answers.facts(21)["shows_password"], false);
    assert!(
        answers.prose(22).contains("10 bytes of TLS: what they say cannot be read."),
        "{}",
        answers.prose(22)
    );
}

#[test]
fn capture_that_begins_and_ends_in_the_middle() {
    let network = Network::new();
    let ftp = network.ftp();
    let begin = network.last();
    ftp.retrieve("file.bin", 50_001, &pattern(1, 900));
    for _ in 0..begin {
        network.forget(1);
    }
    let answers = Answers::about(&network);
    assert_eq!(answers.facts(4)["control_handshake"], Value::Null);
    assert_eq!(answers.facts(4)["data_handshake"].as_array().unwrap().len(), 3);
    assert_eq!(answers.facts(5), &json!({"syn": null, "syn_ack": null, "ack": null}));
    assert_eq!(answers.facts(6)["packet"], Value::Null);
    assert_eq!(answers.facts(8)["user"], Value::Null);
    // Whether there was one cannot be told: that is not "no".
    assert_eq!(answers.facts(9), &json!({"visible": null, "password": null, "packet": null}));
    assert_eq!(answers.facts(21)["shows_password"], Value::Null);
    assert_eq!(answers.facts(11)["verb"], "RETR");
    assert_eq!(answers.facts(18)["closed_by"], Value::Null);
    assert_eq!(answers.facts(20)["initial"], json!({"server": null, "client": null}));
}

#[test]
fn damaged_capture_says_what_it_lacks() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("TYPE I", "200 ok").passive(50_001).ask("RETR file.bin");
    let data = ftp.connect_to_server(50_001);
    ftp.reply("150 go");
    data.send(Side::Responder, pattern(1, 1460));
    let unseen = data.write(Side::Responder, pattern(2, 1460));
    data.emit(Side::Responder, unseen);
    network.forget_last();
    data.send(Side::Responder, pattern(3, 1460)).close(Side::Responder);
    ftp.reply("226 done").quit();
    let answers = Answers::about(&network);
    assert_eq!(answers.facts(12)["bytes"], 4380);
    assert!(answers.prose(12).contains("carry 2,920 bytes from the server"), "{}", answers.prose(12));
    let lacks = "Of the 4,380 bytes that were sent as far as the capture goes, it lacks 1,460 in 1 place.";
    assert!(answers.prose(12).contains(lacks), "{}", answers.prose(12));
    assert!(answers.prose(22).contains(&format!("The transfer is not complete. {lacks}")));
    assert!(answers.prose(22).contains("with zeros for those that are missing"));
}

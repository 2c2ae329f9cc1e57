//! `port21 packets`: the list, and one packet taken apart.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod fields;
mod passwords;
mod tshark;

use std::path::PathBuf;

use port21_testkit::{Network, Program, Side};
use serde_json::Value;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/ftp-lab.pcap");

/// The captures that were recorded for the tests, and the sample.
fn recorded() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/captures");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    found.push(SAMPLE.into());
    found.sort();
    found
}

/// Standard output; fails unless the exit code is 0.
fn packets(input: &[u8], arguments: &[&str]) -> String {
    let output = PORT21.run_with_input(&[&["packets"], arguments].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The list as JSON objects.
fn rows(input: &[u8], arguments: &[&str]) -> Vec<Value> {
    let text = packets(input, &[arguments, &["--format", "jsonl"]].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn refused(arguments: &[&str]) -> String {
    let output = PORT21.run(&[&["packets"], arguments].concat());
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(talk.lines().count(), 1, "{talk}");
    talk
}

#[test]
fn list_is_written_as_wireshark_writes_it() {
    let text = packets(b"", &["--ftp", "--packets", "77-126", SAMPLE]);
    let expected = "   \
   77   2.499185  192.168.1.10    192.168.1.1     DNS         77  Standard query 0x2f11 A ftp.ftpplanet.com
   78   2.520002  192.168.1.1     192.168.1.10    DNS        110  Standard query response 0x2f11 A ftp.ftpplanet.com A 156.21.1.54
   79   2.524516  192.168.1.10    156.21.1.54     TCP         62  2011 → 21 [SYN] Seq=0 Win=65535 Len=0 MSS=1460 SACK_PERM
   83   2.653750  156.21.1.54     192.168.1.10    TCP         62  21 → 2011 [SYN, ACK] Seq=0 Ack=1 Win=17520 Len=0 MSS=1460 SACK_PERM
   84   2.691820  192.168.1.10    156.21.1.54     TCP         54  2011 → 21 [ACK] Seq=1 Ack=1 Win=65535 Len=0
   94   2.995302  156.21.1.54     192.168.1.10    FTP        107  Response: 220 ftp.ftpplanet.com FTP Server ready to serve you
   96   3.028266  192.168.1.10    156.21.1.54     TCP         54  2011 → 21 [ACK] Seq=1 Ack=54 Win=65535 Len=0
  124   4.006201  192.168.1.10    156.21.1.54     FTP         70  Request: USER anonymous
  126   4.074649  156.21.1.54     192.168.1.10    FTP         77  Response: 331 Password required
";
    assert_eq!(text.trim_start(), expected.trim_start());
}

#[test]
fn list_can_be_narrowed_and_told_in_other_numbers() {
    let numbers = |arguments: &[&str]| -> Vec<u64> {
        rows(b"", arguments).iter().map(|row| row["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&[SAMPLE, "--stream", "6", "--limit", "3"]), [79, 83, 84]);
    assert_eq!(numbers(&[SAMPLE, "--packets", "5,9-10,309-"]), [5, 9, 10, 309, 310]);
    assert_eq!(numbers(&[SAMPLE, "--session", "1"]).len(), numbers(&[SAMPLE, "--ftp"]).len());
    let raw = packets(b"", &[SAMPLE, "--packets", "84", "--raw", "--absolute"]);
    assert!(raw.contains("Seq=2437105214 Ack=918273646") || raw.contains("Seq=2437105214"), "{raw}");
    assert!(raw.contains("2005-03-05 05:20:02.731920"), "{raw}");
}

#[test]
fn formats_agree_and_name_their_shape() {
    let whole: Value = serde_json::from_str(&packets(b"", &[SAMPLE, "--ftp", "--format", "json"])).unwrap();
    assert_eq!(whole["schema"], "port21.packets/1");
    assert_eq!(whole["packets"].as_array().unwrap(), &rows(b"", &[SAMPLE, "--ftp"]));
    let none = packets(b"", &[SAMPLE, "--packets", "9000", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&none).unwrap()["packets"].as_array().unwrap().len(), 0);
}

#[test]
fn what_does_not_exist_is_refused_in_one_sentence() {
    assert!(refused(&[SAMPLE, "999"]).contains("there is no packet 999: the capture holds 310 packets"));
    assert!(refused(&[SAMPLE, "0"]).contains("there is no packet 0"));
    assert!(refused(&[SAMPLE, "--stream", "99"]).contains("there is no stream 99"));
    assert!(refused(&[SAMPLE, "--session", "2"]).contains("the capture holds 1 FTP session"));
    assert!(refused(&[SAMPLE, "5", "--ftp"]).contains("choose packets of the list"));
}

#[test]
fn reply_is_shown_with_the_command_that_it_answers() {
    let text = packets(b"", &[SAMPLE, "126"]);
    assert!(
        text.contains("  reply          331 Password required   the reply to #124 USER anonymous\n"),
        "{text}"
    );
    assert!(text.contains("  acknowledged   by #128\n"), "{text}");
    assert!(text.contains("  acknowledges   17 (raw 2437105230): the first to acknowledge #124\n"), "{text}");
    let sequence = text.lines().find(|line| line.contains("Sequence Number (raw)")).unwrap();
    assert!(
        sequence.starts_with("  Sequence Number (raw): 918273699  ")
            && sequence.ends_with("0026  36 bb be a3")
    );
    assert!(
        text.contains("0040  72 64 20 72 65 71 75 69  72 65 64 0d 0a            rd required..\n"),
        "{text}"
    );
}

#[test]
fn one_acknowledgment_of_several_segments_names_them_all() {
    let one: Value = serde_json::from_str(&packets(b"", &[SAMPLE, "181", "--format", "json"])).unwrap();
    assert_eq!(one["context"]["acknowledges"], serde_json::json!([174, 178]));
    assert_eq!(one["schema"], "port21.packet/1");
}

#[test]
fn handshake_tells_its_round_trip_and_data_its_transfer() {
    let text = packets(b"", &[SAMPLE, "83"]);
    assert!(text.contains("SYN #79   SYN/ACK #83   ACK #84   initial round trip 0.167 s"), "{text}");
    let text = packets(b"", &[SAMPLE, "175"]);
    assert!(text.contains("  transfer       LIST"), "{text}");
    assert!(text.contains("of 2,111\n"), "{text}");
}

#[test]
fn analysis_is_told_in_wiresharks_words() {
    let network = Network::new();
    let ftp = network.ftp();
    let sent = ftp.control.write(Side::Responder, "211-one\r\n211 two\r\n");
    ftp.control.emit(Side::Responder, sent.start + 9..sent.end);
    ftp.control.emit(Side::Responder, sent.start..sent.start + 9);
    network.wait_milliseconds(900);
    ftp.control.emit(Side::Responder, sent.start..sent.start + 9);
    let rows = rows(&network.pcap(), &["-"]);
    let infos: Vec<&str> = rows.iter().rev().take(3).map(|row| row["info"].as_str().unwrap()).collect();
    assert!(infos[2].starts_with("[TCP Previous segment not captured] Response: 211 two"), "{infos:?}");
    assert!(infos[1].starts_with("[TCP Out-Of-Order] 21 → 40000"), "{infos:?}");
    assert!(infos[0].starts_with("[TCP Retransmission] 21 → 40000"), "{infos:?}");
}

#[test]
fn text_from_the_wire_cannot_reach_the_terminal() {
    let network = Network::new();
    network.ftp().say("CWD a\x1b[2Jb", "550 no \x07");
    for arguments in [&["-"][..], &["-", "11"], &["-", "12"]] {
        let text = packets(&network.pcap(), arguments);
        assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text}");
    }
    assert!(packets(&network.pcap(), &["-"]).contains("CWD a\\x1b[2Jb"));
}

#[test]
fn cut_packet_says_what_is_missing() {
    let network = Network::new();
    let ftp = network.ftp();
    let sent = ftp.control.write(Side::Responder, "421 good night\r\n");
    ftp.control.emit(Side::Responder, sent);
    network.cut_last(56);
    let last = network.last().to_string();
    let text = packets(&network.pcap(), &["-", &last]);
    assert!(text.contains("The capture kept only the first"), "{text}");
    assert!(text.contains("[unverified: the packet is not whole]"), "{text}");
}

#[test]
fn standard_input_several_files_and_compression_are_read() {
    let bytes = std::fs::read(SAMPLE).unwrap();
    let expected = packets(b"", &[SAMPLE, "126"]);
    assert_eq!(packets(&bytes, &["-", "126"]), expected);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &bytes).unwrap();
    assert_eq!(packets(&encoder.finish().unwrap(), &["-", "126"]), expected);
    assert_eq!(rows(b"", &[SAMPLE, SAMPLE]).len(), 620);
}

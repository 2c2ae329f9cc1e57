//! TLS on control and data connections.

use port21_testkit::{Ftp, Network, Side, pattern};
use serde_json::{Value, json};

use crate::{dialogue, explain, only_session, only_transfer};

/// A TLS record (RFC 8446, section 5.1).
fn record(kind: u8, length: usize) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend((length as u16).to_be_bytes());
    record.extend(pattern(u64::from(kind), length));
    record
}

/// AUTH with `mechanism`, accepted, and something like a handshake and protected commands.
fn secure(ftp: &Ftp, mechanism: &str) {
    ftp.say(&format!("AUTH {mechanism}"), "234 go ahead");
    ftp.control.client(record(22, 300)).server(record(22, 1200)).client(record(20, 1)).server(record(20, 1));
    for _ in 0..3 {
        ftp.control.client(record(23, 40)).server(record(23, 60));
    }
}

/// Row 23. FEAT, OPTS and CLNT are known to few; Zeek takes "AUTH TLS" only, Suricata's HEAD cannot match it at all.
#[test]
fn tls_is_named_and_not_parsed() {
    for mechanism in ["TLS", "SSL", "TLS-C", "tls"] {
        let network = Network::new();
        let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
        ftp.say("FEAT", "211-Features:\r\n UTF8\r\n AUTH TLS\r\n211 End").say("OPTS UTF8 ON", "200 ok");
        ftp.say("CLNT test 1.0", "200 noted");
        secure(&ftp, mechanism);
        ftp.control.close(Side::Initiator);
        let report = explain(&network);
        let session = only_session(&report);
        assert_eq!(session["protocol"], "ftps-explicit", "{mechanism}");
        let expected =
            ["FEAT: 211", "OPTS UTF8 ON: 200", "CLNT test 1.0: 200", &format!("AUTH {mechanism}: 234")];
        assert_eq!(dialogue(session), expected);
        assert_eq!(session["logins"], json!([]));
        let tls = &session["tls"];
        assert_eq!(tls["first_packet"], tls["auth_packet"].as_u64().unwrap() + 4);
        assert_eq!(tls["bytes"], json!({"client": 305 + 6 + 3 * 45, "server": 1205 + 6 + 3 * 65}));
    }
}

/// Row 23, refused: the dialogue goes on in the clear.
#[test]
fn refused_tls_leaves_the_dialogue_readable() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("AUTH TLS", "502 not here").login("alice", "secret").quit();
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(session["protocol"], "ftp");
    assert_eq!(dialogue(session), ["AUTH TLS: 502", "USER alice: 331", "PASS <hidden>: 230", "QUIT: 221"]);
}

/// Row 33. No peer reads on after CCC. The data stays protected: PROT P was agreed where nobody could read it.
#[test]
fn clear_text_after_ccc_is_read_again() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    secure(&ftp, "TLS");
    // The alert that closes TLS, in both directions (RFC 8446, section 6.1).
    ftp.control.client(record(21, 26)).server(record(21, 26));
    ftp.ask("PASV");
    let cleared = network.last() - 1;
    ftp.reply("227 Entering Passive Mode (10,0,0,2,195,113)").ask("RETR file.bin");
    let data = ftp.connect_to_server(50_033);
    ftp.reply("150 opening");
    data.send(Side::Initiator, record(22, 200)).send(Side::Responder, record(22, 900));
    data.send(Side::Responder, record(23, 4000)).close(Side::Responder);
    ftp.reply("226 done").quit();
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(session["protocol"], "ftps-explicit");
    assert_eq!(session["tls"]["cleared_packet"], cleared);
    assert_eq!(dialogue(session), ["AUTH TLS: 234", "PASV: 227", "RETR file.bin: 150 226", "QUIT: 221"]);
    let transfer = only_transfer(&report);
    assert_eq!(transfer["protected"], true);
    assert_eq!(transfer["path"], "file.bin");
    assert_eq!(transfer["data"]["bytes"], json!({"initiator": 205, "responder": 905 + 4005}));
}

/// Row 33. Implicit TLS is known by its port and its first bytes.
#[test]
fn implicit_tls_is_named() {
    let network = Network::new();
    let control = network.connect("10.0.0.1:40000", "10.0.0.2:990");
    control.client(record(22, 300)).server(record(22, 1200)).client(record(23, 50)).server(record(23, 50));
    control.close(Side::Initiator);
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(session["protocol"], "ftps-implicit");
    assert_eq!(session["tls"]["auth_packet"], Value::Null);
    assert_eq!(session["exchanges"], json!([]));
}

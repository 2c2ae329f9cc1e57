//! What goes wrong between clients, servers and networks: each raises its own finding, and no other.

use port21_testkit::{Connection, Ftp, Network, Side, pattern};
use serde_json::Value;

use crate::{explain, findings};

/// Findings that the session raises beside what every session of these tests has: a password, files in clear.
fn codes(report: &Value) -> Vec<&str> {
    let all = findings(report).into_iter().map(|finding| finding["code"].as_str().unwrap());
    let mut codes: Vec<&str> =
        all.filter(|code| !["password-in-clear", "files-in-clear"].contains(code)).collect();
    codes.sort_unstable();
    codes
}

/// The finding of this code.
fn finding<'a>(report: &'a Value, code: &str) -> &'a Value {
    findings(report)
        .into_iter()
        .find(|finding| finding["code"] == code)
        .unwrap_or_else(|| panic!("no {code}"))
}

/// A SYN of `connection` every second, none of them answered; gives the number of the first.
fn unanswered(network: &Network, connection: &Connection) -> u64 {
    connection.syn();
    let first = network.last();
    for _ in 0..2 {
        network.wait_milliseconds(1000);
        connection.syn();
    }
    first
}

/// A download in image type, up to its 150; the data connection is open.
fn downloading(ftp: &Ftp, port: u16, opening: &str) -> Connection {
    ftp.say("TYPE I", "200 ok").passive(port).ask("RETR file.bin");
    let data = ftp.connect_to_server(port);
    ftp.reply(opening);
    data
}

#[test]
fn active_mode_that_is_blocked() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.active(5001).ask("LIST");
    let syn = unanswered(&network, &network.connection("10.0.0.2:20", "10.0.0.1:5001"));
    ftp.reply("425 Can't open data connection.").quit();
    let report = explain(&network);
    assert_eq!(codes(&report), ["active-mode-blocked"]);
    assert!(finding(&report, "active-mode-blocked")["packets"].as_array().unwrap().contains(&syn.into()));
}

#[test]
fn data_connection_that_is_refused() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.active(5001).ask("LIST");
    network.connection("10.0.0.2:20", "10.0.0.1:5001").syn().refuse();
    ftp.reply("425 Connection refused.").quit();
    assert_eq!(codes(&explain(&network)), ["data-connection-refused"]);
}

/// Clients connect before they send the command, and never send it if that fails.
#[test]
fn passive_mode_that_is_blocked_before_any_transfer_is_asked_for() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001);
    let syn = unanswered(&network, &network.connection("10.0.0.1:40001", "10.0.0.2:50001"));
    ftp.quit();
    let report = explain(&network);
    assert_eq!(codes(&report), ["passive-mode-blocked"]);
    assert_eq!(finding(&report, "passive-mode-blocked")["packets"][0], syn);
    let tried = &report["sessions"][0]["unused_data_connections"][0];
    assert_eq!(tried["state"], "never-opened");
}

#[test]
fn passive_mode_that_is_refused_before_any_transfer_is_asked_for() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001);
    network.connection("10.0.0.1:40001", "10.0.0.2:50001").syn().refuse();
    ftp.quit();
    assert_eq!(codes(&explain(&network)), ["data-connection-refused"]);
}

#[test]
fn passive_mode_that_is_blocked_after_the_command() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001).ask("RETR file.bin");
    unanswered(&network, &network.connection("10.0.0.1:40001", "10.0.0.2:50001"));
    ftp.reply("425 Failed to establish connection.").quit();
    assert_eq!(codes(&explain(&network)), ["passive-mode-blocked"]);
}

#[test]
fn passive_address_that_is_private_although_the_server_is_not() {
    let network = Network::new();
    let ftp = network.ftp_between("198.51.100.7:40000", "203.0.113.9:21");
    ftp.login("alice", "secret").say("PASV", "227 Entering Passive Mode (192,168,0,5,195,80)").ask("LIST");
    unanswered(&network, &network.connection("198.51.100.7:40001", "192.168.0.5:50000"));
    ftp.reply("425 no connection").quit();
    assert_eq!(codes(&explain(&network)), ["passive-address-private", "passive-mode-blocked"]);
}

#[test]
fn transfer_without_any_announcement() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("RETR file.bin", "425 Use PORT or PASV first.").quit();
    assert_eq!(codes(&explain(&network)), ["data-connection-not-announced"]);
}

#[test]
fn transfers_that_the_server_refuses() {
    for (command, reply, code) in [
        ("RETR secret.txt", "550 secret.txt: Permission denied", "file-unavailable"),
        ("STOR up.txt", "553 Could not create file.", "file-name-refused"),
        ("RETR log.txt", "450 log.txt is in use", "file-busy"),
        ("STOR up.txt", "552 Quota exceeded", "storage-exceeded"),
        ("LIST", "451 Local error in processing", "server-error"),
        ("LIST", "522 SSL/TLS required on the data channel", "data-protection-refused"),
        ("STOR up.txt", "532 Need account for storing files.", "transfer-refused"),
    ] {
        let network = Network::new();
        network.ftp().passive(50_001).say(command, reply).quit();
        let report = explain(&network);
        assert_eq!(codes(&report), [code], "{reply}");
        assert!(report.to_string().contains(&format!("{command}\\\" was refused with ")), "{report:#}");
    }
}

#[test]
fn transfer_before_any_login() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("LIST", "530 Please login with USER and PASS.").quit();
    assert_eq!(codes(&explain(&network)), ["transfer-without-login"]);
}

#[test]
fn data_connection_that_was_opened_and_not_accepted() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001).ask("LIST");
    let data = ftp.connect_to_server(50_001);
    data.close(Side::Responder);
    ftp.reply("425 Security: Bad IP connecting.").quit();
    assert_eq!(codes(&explain(&network)), ["data-connection-rejected"]);
}

#[test]
fn transfers_that_are_cut_short() {
    // By a reset; by the server with 426; without a closing reply; in order, but after fewer bytes than 150 and SIZE said.
    let network = Network::new();
    let ftp = network.ftp();
    downloading(&ftp, 50_001, "150 go").send(Side::Responder, pattern(1, 3000)).reset(Side::Responder);
    ftp.reply("226 done").quit();
    assert_eq!(codes(&explain(&network)), ["transfer-reset"]);

    let network = Network::new();
    let ftp = network.ftp();
    downloading(&ftp, 50_001, "150 go").send(Side::Responder, pattern(1, 3000)).close(Side::Responder);
    ftp.reply("426 Failure writing network stream.").quit();
    assert_eq!(codes(&explain(&network)), ["transfer-failed"]);

    let network = Network::new();
    let ftp = network.ftp();
    downloading(&ftp, 50_001, "150 go").send(Side::Responder, pattern(1, 3000)).close(Side::Responder);
    ftp.quit();
    assert!(codes(&explain(&network)).contains(&"transfer-unconfirmed"));

    for (size, opening) in [(None, "150 Opening for file.bin (5000 bytes)."), (Some("213 5000"), "150 go")] {
        let network = Network::new();
        let ftp = network.ftp();
        ftp.say("TYPE I", "200 ok");
        size.inspect(|reply| {
            ftp.say("SIZE file.bin", reply);
        });
        downloading(&ftp, 50_001, opening).send(Side::Responder, pattern(1, 3000)).close(Side::Responder);
        ftp.reply("226 done").quit();
        assert_eq!(codes(&explain(&network)), ["transfer-short"]);
    }
}

#[test]
fn fewer_bytes_than_a_machine_listing_announced() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("PWD", "257 \"/\"").say("TYPE I", "200 ok").passive(50_001).ask("MLSD");
    let listing = ftp.connect_to_server(50_001);
    ftp.reply("150 go");
    listing.send(Side::Responder, b"type=file;size=5000; file.bin\r\n").close(Side::Responder);
    ftp.reply("226 done");
    downloading(&ftp, 50_002, "150 go").send(Side::Responder, pattern(1, 3000)).close(Side::Responder);
    ftp.reply("226 done").quit();
    assert_eq!(codes(&explain(&network)), ["transfer-short"]);
}

#[test]
fn archive_in_ascii_type() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("TYPE A", "200 ok").retrieve("backup.tar.gz", 50_001, &pattern(1, 900)).quit();
    assert_eq!(codes(&explain(&network)), ["ascii-type-binary-file"]);
}

#[test]
fn control_connection_that_a_firewall_forgot_during_a_long_transfer() {
    let network = Network::new();
    let ftp = network.ftp();
    let data = downloading(&ftp, 50_001, "150 go");
    for _ in 0..4 {
        data.send(Side::Responder, pattern(1, 1000));
        network.wait_milliseconds(900_000);
    }
    data.send(Side::Responder, b"end").close(Side::Responder);
    ftp.control.server("226 done\r\n").reset(Side::Initiator);
    network.forget(network.last() - 2);
    network.forget(network.last() - 1);
    let report = explain(&network);
    assert!(codes(&report).contains(&"control-lost-during-transfer"), "{:?}", codes(&report));
}

#[test]
fn pauses_are_the_client_s_the_server_s_or_the_network_s() {
    // The client's window closes for three seconds.
    let network = Network::new();
    let ftp = network.ftp();
    let data = downloading(&ftp, 50_001, "150 go");
    data.send(Side::Responder, pattern(1, 2920)).window(Side::Initiator, 0);
    network.wait_milliseconds(3000);
    data.window(Side::Initiator, 60_000).send(Side::Responder, pattern(2, 2920)).close(Side::Responder);
    ftp.reply("226 done").quit();
    assert_eq!(codes(&explain(&network)), ["slow-client", "zero-window"]);

    // The server has nothing to send for three seconds.
    let network = Network::new();
    let ftp = network.ftp();
    let data = downloading(&ftp, 50_001, "150 go");
    data.send(Side::Responder, pattern(1, 2920));
    network.wait_milliseconds(3000);
    data.send(Side::Responder, pattern(2, 2920)).close(Side::Responder);
    ftp.reply("226 done").quit();
    assert_eq!(codes(&explain(&network)), ["slow-server"]);

    // A segment is lost behind the tap, and sent again after three seconds.
    let network = Network::new();
    let ftp = network.ftp();
    let data = downloading(&ftp, 50_001, "150 go");
    data.send(Side::Responder, pattern(1, 2920));
    let lost = data.write(Side::Responder, pattern(2, 1460));
    data.emit(Side::Responder, lost.clone());
    network.wait_milliseconds(3000);
    data.emit(Side::Responder, lost).ack(Side::Initiator).close(Side::Responder);
    ftp.reply("226 done").quit();
    assert_eq!(codes(&explain(&network)), ["retransmissions", "slow-network"]);
}

#[test]
fn pause_with_a_hole_of_the_capture_in_it_is_nobody_s() {
    let network = Network::new();
    let ftp = network.ftp();
    let data = downloading(&ftp, 50_001, "150 go");
    data.send(Side::Responder, pattern(1, 2920));
    network.wait_milliseconds(1500);
    let unseen = data.write(Side::Responder, pattern(2, 1460));
    data.emit(Side::Responder, unseen);
    network.forget_last().wait_milliseconds(1500);
    data.send(Side::Responder, pattern(3, 2920)).close(Side::Responder);
    ftp.reply("226 done").quit();
    let report = explain(&network);
    assert_eq!(codes(&report), ["capture-gaps"]);
    assert_eq!(report["sessions"][0]["transfers"][0]["data"]["quality"]["stalls"], serde_json::json!([]));
}

#[test]
fn dialogue_that_goes_wrong() {
    let network = Network::new();
    network.ftp().say("AUTH TLS", "502 not implemented").quit();
    assert_eq!(codes(&explain(&network)), ["tls-refused"]);

    let network = Network::new();
    let ftp = network.ftp();
    ftp.reply("421 Timeout (300 seconds): closing control connection.").control.close(Side::Responder);
    assert_eq!(codes(&explain(&network)), ["server-421"]);

    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("USER alice", "331 ?").say("PASS a", "530 no").quit();
    assert_eq!(codes(&explain(&network)), ["login-rejected"]);

    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    for guess in ["a", "b", "c"] {
        ftp.say("USER alice", "331 ?").say(&format!("PASS {guess}"), "530 no");
    }
    ftp.quit();
    assert_eq!(codes(&explain(&network)), ["repeated-login-failures"]);

    let network = Network::new();
    network.ftp_between("10.0.0.1:40000", "10.0.0.2:21").say("USER ftp", "230 welcome, guest").quit();
    assert_eq!(codes(&explain(&network)), ["anonymous-login"]);
}

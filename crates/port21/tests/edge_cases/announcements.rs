//! Where a data connection was announced, and where it went.

use port21_testkit::{Ftp, Network, Side, pattern};
use serde_json::{Value, json};

use crate::{assert_whole, explain, finding_at, only_session, only_transfer};

/// The way of a transfer as [mode, pairing, announced address, announced port].
fn way(transfer: &Value) -> Value {
    let setup = &transfer["setup"];
    json!([transfer["mode"], transfer["pairing"], setup["address"], setup["port"]])
}

/// Announces with `command` and `reply`, and transfers over a connection to the server's `port`.
fn retrieve_after(ftp: &Ftp, command: &str, reply: &str, port: u16, bytes: &[u8]) {
    ftp.say(command, reply).ask("RETR file.txt");
    let data = ftp.connect_to_server(port);
    ftp.reply("150 opening");
    data.send(Side::Responder, bytes).close(Side::Responder);
    ftp.reply("226 done");
}

/// Announces with `command`, and transfers over a connection from the server's `source` to `destination`.
fn retrieve_actively(network: &Network, ftp: &Ftp, command: &str, ends: (&str, &str), bytes: &[u8]) {
    ftp.say(command, "200 done").ask("RETR file.txt");
    let data = network.connect(ends.0, ends.1);
    ftp.reply("150 opening");
    data.send(Side::Initiator, bytes).close(Side::Initiator);
    ftp.reply("226 done");
}

/// Row 1. All peers are right here.
#[test]
fn plain_passive_retrieval() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.retrieve("file.txt", 50_001, &pattern(1, 4600)).quit();
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(way(transfer), json!(["passive", "exact", "10.0.0.2", 50_001]));
    assert_eq!(transfer["direction"], "download");
    assert_eq!(transfer["data"]["initiator"]["address"], "10.0.0.1");
    assert_eq!(transfer["data"]["closed_by"], "responder");
    assert_whole(transfer, &pattern(1, 4600));
}

/// Row 5. Wireshark and Zeek look for the advertised address and find nothing.
#[test]
fn translated_passive_address_is_paired_by_its_port() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "203.0.113.2:21");
    ftp.login("alice", "secret");
    retrieve_after(&ftp, "PASV", "227 Entering Passive Mode (192,168,5,5,195,85)", 50_005, &pattern(5, 4600));
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(way(transfer), json!(["passive", "address-translated", "192.168.5.5", 50_005]));
    assert_whole(transfer, &pattern(5, 4600));
    assert!(finding_at(&report, transfer["setup"]["reply_packet"].as_u64().unwrap()).is_some());
}

/// Row 6. Wireshark links no command, Zeek misses the connection; Suricata's bounce keyword calls it an attack.
#[test]
fn translated_active_address_is_paired_by_its_port_and_is_no_bounce() {
    let network = Network::new();
    let ftp = network.ftp();
    let ends = ("10.0.0.2:20", "10.0.0.1:5006");
    retrieve_actively(&network, &ftp, "PORT 172,16,0,9,19,142", ends, &pattern(6, 4600));
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(way(transfer), json!(["active", "address-translated", "172.16.0.9", 5006]));
    assert_whole(transfer, &pattern(6, 4600));
    let bounces =
        crate::findings(&report).iter().filter(|f| f["code"].as_str().unwrap().contains("bounce")).count();
    assert_eq!(bounces, 0);
}

/// Row 7. Wireshark pairs with source port 20 only.
#[test]
fn server_may_connect_from_any_port() {
    let network = Network::new();
    let ftp = network.ftp();
    let ends = ("10.0.0.2:40020", "10.0.0.1:5007");
    retrieve_actively(&network, &ftp, "PORT 10,0,0,1,19,143", ends, &pattern(7, 4600));
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(way(transfer), json!(["active", "exact", "10.0.0.1", 5007]));
    assert_whole(transfer, &pattern(7, 4600));
}

/// Row 8. All peers are right here.
#[test]
fn extended_passive_goes_to_the_servers_own_address() {
    let network = Network::new();
    let ftp = network.ftp();
    retrieve_after(&ftp, "EPSV", "229 Entering Extended Passive Mode (|||50008|)", 50_008, &pattern(8, 4600));
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(way(transfer), json!(["extended-passive", "exact", "10.0.0.2", 50_008]));
    assert_whole(transfer, &pattern(8, 4600));
}

/// Row 9. Suricata knows "|||" only: the data is unknown and RETR stays unanswered.
#[test]
fn extended_passive_with_another_delimiter_and_a_trailing_dot() {
    for reply in
        ["229 Entering Extended Passive Mode (!!!50009!)", "229 Entering Extended Passive Mode (|||50009|)."]
    {
        let network = Network::new();
        let ftp = network.ftp();
        retrieve_after(&ftp, "EPSV", reply, 50_009, &pattern(9, 4600));
        let report = explain(&network);
        let transfer = only_transfer(&report);
        assert_eq!(way(transfer), json!(["extended-passive", "exact", "10.0.0.2", 50_009]), "{reply}");
        assert_whole(transfer, &pattern(9, 4600));
    }
}

/// Row 10. Suricata wants the parentheses.
#[test]
fn passive_reply_without_parentheses() {
    let network = Network::new();
    let ftp = network.ftp();
    retrieve_after(&ftp, "PASV", "227 Entering Passive Mode. 10,0,0,2,195,90", 50_010, &pattern(10, 4600));
    let report = explain(&network);
    assert_eq!(way(only_transfer(&report)), json!(["passive", "exact", "10.0.0.2", 50_010]));
    assert_whole(only_transfer(&report), &pattern(10, 4600));
}

/// Beside row 10: docker and broken routers announce 0.0.0.0, which means the server's own address to every client.
#[test]
fn passive_reply_with_the_unspecified_address() {
    let network = Network::new();
    let ftp = network.ftp();
    retrieve_after(&ftp, "PASV", "227 Entering Passive Mode (0,0,0,0,195,90)", 50_010, &pattern(10, 4600));
    assert_whole(only_transfer(&explain(&network)), &pattern(10, 4600));
}

/// Row 11. Wireshark expects the client's address at both ends and never pairs (still so in 2026).
#[test]
fn extended_active_over_ipv4() {
    let network = Network::new();
    let ftp = network.ftp();
    let ends = ("10.0.0.2:20", "10.0.0.1:5011");
    retrieve_actively(&network, &ftp, "EPRT |1|10.0.0.1|5011|", ends, &pattern(11, 4600));
    let report = explain(&network);
    assert_eq!(way(only_transfer(&report)), json!(["extended-active", "exact", "10.0.0.1", 5011]));
    assert_whole(only_transfer(&report), &pattern(11, 4600));
}

/// Row 22. Wireshark labels the data "TYPE I" and does not export it; Zeek may take the size of another file.
#[test]
fn commands_between_the_announcement_and_the_transfer_do_not_confuse() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("SIZE other.txt", "213 77").passive(50_022).say("TYPE I", "200 ok").ask("SIZE file.txt");
    ftp.reply("213 4600");
    let size_packet = network.last() - 1;
    ftp.ask("RETR file.txt");
    let data = ftp.connect_to_server(50_022);
    ftp.reply("150 opening");
    data.send(Side::Responder, pattern(22, 4600)).close(Side::Responder);
    ftp.reply("226 done");
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(transfer["verb"], "RETR");
    assert_eq!(transfer["type"], "image");
    assert_eq!(json!([transfer["expected_bytes"], transfer["expected_from"]]), json!([4600, "SIZE"]));
    assert_eq!(transfer["expected_packet"], size_packet);
    assert_whole(transfer, &pattern(22, 4600));
}

/// Row 27. The port alone does not tell the servers apart.
#[test]
fn two_servers_with_the_same_passive_port_at_the_same_time() {
    let network = Network::new();
    let first = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    let second = network.ftp_between("10.0.0.1:41000", "10.0.0.3:21");
    first.login("alice", "secret").passive(50_027);
    second.login("alice", "secret").say("PASV", "227 Entering Passive Mode (10,0,0,3,195,107)");
    first.ask("RETR first");
    second.ask("RETR second");
    let (to_second, to_first) = (second.connect_to_server(50_027), first.connect_to_server(50_027));
    first.reply("150 opening");
    second.reply("150 opening");
    for part in 0..4 {
        to_first.send(Side::Responder, pattern(100 + part, 1000));
        to_second.send(Side::Responder, pattern(200 + part, 700));
    }
    to_second.close(Side::Responder);
    to_first.close(Side::Responder);
    first.reply("226 done");
    second.reply("226 done");
    let report = explain(&network);
    for (address, path, data) in [("10.0.0.2", "first", &to_first), ("10.0.0.3", "second", &to_second)] {
        let sessions = report["sessions"].as_array().unwrap();
        let session = sessions.iter().find(|session| session["server"]["address"] == address).unwrap();
        assert_eq!(session["transfers"][0]["path"], path);
        assert_whole(&session["transfers"][0], &data.stream(Side::Responder));
    }
}

/// Row 28. Wireshark links one side, Zeek keeps one of two expectations, Suricata sees nothing; none says what it is.
#[test]
fn server_to_server_transfer_is_one_transfer_with_two_halves() {
    let network = Network::new();
    let source = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    let target = network.ftp_between("10.0.0.1:41000", "10.0.0.3:21");
    source.login("alice", "secret").passive(50_028);
    target.login("bob", "secret").say("PORT 10,0,0,2,195,108", "200 ok");
    target.ask("STOR copy.bin");
    source.ask("RETR original.bin");
    let data = network.connect("10.0.0.3:20", "10.0.0.2:50028");
    source.reply("150 opening");
    target.reply("150 opening");
    data.send(Side::Responder, pattern(28, 4600)).close(Side::Responder);
    source.reply("226 sent");
    target.reply("226 stored");
    source.quit();
    target.quit();
    let pairings = both_halves(&explain(&network), &pattern(28, 4600));
    assert_eq!(pairings, json!(["exact", "exact"]));
}

/// Fails unless the sessions from ports 40000 and 41000 hold the halves of one transfer of `bytes`; how each was paired.
fn both_halves(report: &Value, bytes: &[u8]) -> Value {
    let sessions = [40_000, 41_000].map(|port| session_from(report, port));
    for (mine, other) in [(0, 1), (1, 0)] {
        let transfer = &sessions[mine]["transfers"][0];
        assert_eq!(transfer["direction"], "server-to-server", "{transfer:#}");
        assert_eq!(transfer["counterpart"], json!({"session": sessions[other]["id"], "transfer": 0}));
        assert_whole(transfer, bytes);
    }
    json!(sessions.map(|session| &session["transfers"][0]["pairing"]))
}

/// The session from a port of the client's.
fn session_from(report: &Value, port: u16) -> &Value {
    let sessions = report["sessions"].as_array().unwrap();
    sessions.iter().find(|session| session["client"]["port"] == port).unwrap()
}

/// Two servers, logged in to by the same client.
fn two_servers(network: &Network) -> (Ftp, Ftp) {
    let source = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    let target = network.ftp_between("10.0.0.1:41000", "10.0.0.3:21");
    source.login("alice", "secret");
    target.login("bob", "secret");
    (source, target)
}

const LISTENS: &str = "227 Entering Passive Mode (10,0,0,2,195,108)";
const CONNECTS: &str = "PORT 10,0,0,2,195,108";

/// Server to server with the connection seen before what `late` says; `over`: it is closed by then too.
fn transfer_between_servers(late: &[&str], over: bool) -> Value {
    let network = Network::new();
    let (source, target) = two_servers(&network);
    let announce = |what: &str| match what {
        LISTENS => source.reply(LISTENS),
        _ => target.say(CONNECTS, "200 ok"),
    };
    source.ask("PASV");
    [LISTENS, CONNECTS].iter().filter(|what| !late.contains(what)).for_each(|what| {
        announce(what);
    });
    let data = network.connect("10.0.0.3:20", "10.0.0.2:50028");
    let bytes = pattern(28, 4600);
    let send = || {
        data.send(Side::Responder, &bytes).close(Side::Responder);
    };
    if over {
        send();
    }
    late.iter().for_each(|what| {
        announce(what);
    });
    target.ask("STOR copy.bin").reply("150 opening");
    source.ask("RETR original.bin").reply("150 opening");
    if !over {
        send();
    }
    source.reply("226 sent");
    target.reply("226 stored");
    source.quit();
    target.quit();
    both_halves(&explain(&network), &bytes)
}

/// Beside row 28: captures of two interfaces swap packets, and either announcement may come after the connection.
#[test]
fn late_announcement_of_a_server_to_server_transfer_joins_the_other() {
    for over in [false, true] {
        assert_eq!(transfer_between_servers(&[CONNECTS], over), json!(["exact", "late"]), "over: {over}");
        assert_eq!(transfer_between_servers(&[LISTENS], over), json!(["late", "exact"]), "over: {over}");
    }
}

#[test]
fn server_to_server_transfer_is_whole_though_both_announcements_are_late() {
    for over in [false, true] {
        for late in [[LISTENS, CONNECTS], [CONNECTS, LISTENS]] {
            assert_eq!(
                transfer_between_servers(&late, over),
                json!(["late", "late"]),
                "{late:?}, over: {over}"
            );
        }
    }
}

/// A connection from `from` to the port that one session announced; `milliseconds` after its end another session's server,
/// at 10.0.0.3, is told to connect to the same.
fn announced_again_after(milliseconds: u32, from: &str) -> Value {
    let network = Network::new();
    let (source, target) = two_servers(&network);
    source.say("PASV", LISTENS).ask("RETR original.bin");
    let data = network.connect(from, "10.0.0.2:50028");
    source.reply("150 opening");
    data.send(Side::Responder, pattern(28, 4600)).close(Side::Responder);
    source.reply("226 sent");
    network.wait_milliseconds(milliseconds);
    target.say(CONNECTS, "200 ok").say("STOR copy.bin", "425 nobody listens");
    source.quit();
    target.quit();
    explain(&network)
}

#[test]
fn announcement_of_a_port_in_use_takes_no_connection_that_is_not_its_own() {
    // Much later; and at once, but the connection is the client's and not the server's that was told to connect.
    for (milliseconds, from) in [(60_000, "10.0.0.3:20"), (1, "10.0.0.1:40001")] {
        let report = announced_again_after(milliseconds, from);
        let [first, second] = [40_000, 41_000].map(|port| &session_from(&report, port)["transfers"][0]);
        assert_eq!(json!([first["direction"], first["counterpart"]]), json!(["download", null]), "{first:#}");
        assert_whole(first, &pattern(28, 4600));
        assert_eq!(json!([second["bytes"], second["data"]]), json!([0, null]), "{second:#}");
    }
}

/// Servers listen on a port again after a while. What went there meanwhile may be of a session that cannot be read (TLS).
#[test]
fn connection_that_was_over_before_its_port_was_announced_again_is_not_taken_for_the_new_one() {
    let network = Network::new();
    let ftp = network.ftp();
    let earlier = network.connect("192.168.1.10:39000", "156.21.1.54:50040");
    earlier.send(Side::Responder, b"\x17\x03\x03 of somebody else").close(Side::Responder);
    network.wait_milliseconds(1500);
    ftp.retrieve("file.txt", 50_040, b"its own");
    let report = explain(&network);
    assert_eq!(only_transfer(&report)["pairing"], "exact");
    assert_whole(only_transfer(&report), b"its own");
}

/// Both halves are known: a third session that is told the same has no part in it.
#[test]
fn third_session_does_not_join_a_server_to_server_transfer() {
    let network = Network::new();
    let (source, target) = two_servers(&network);
    let third = network.ftp_between("10.0.0.1:42000", "10.0.0.3:21");
    third.login("carol", "secret");
    source.say("PASV", LISTENS).ask("RETR original.bin");
    target.say(CONNECTS, "200 ok").ask("STOR copy.bin");
    let data = network.connect("10.0.0.3:20", "10.0.0.2:50028");
    third.say(CONNECTS, "200 ok").ask("STOR other.bin");
    source.reply("150 opening");
    target.reply("150 opening");
    data.send(Side::Responder, pattern(28, 4600)).close(Side::Responder);
    source.reply("226 sent");
    target.reply("226 stored");
    third.reply("425 nobody listens");
    for ftp in [source, target, third] {
        ftp.quit();
    }
    let report = explain(&network);
    both_halves(&report, &pattern(28, 4600));
    let outsider = &session_from(&report, 42_000)["transfers"][0];
    assert_eq!(json!([outsider["bytes"], outsider["counterpart"]]), json!([0, null]), "{outsider:#}");
}

/// Row 30. All peers are right here, but for Suricata's bounce keyword.
#[test]
fn extended_commands_over_ipv6() {
    let network = Network::new();
    let ftp = network.ftp_between("[fd00::1]:40000", "[fd00::2]:21");
    ftp.login("alice", "secret")
        .retrieve("file.txt", 50_030, &pattern(30, 4600))
        .active(5030)
        .ask("STOR up.txt");
    let data = ftp.connect_to_client(5030);
    ftp.reply("150 opening");
    data.send(Side::Responder, pattern(31, 900)).close(Side::Responder);
    ftp.reply("226 done").quit();
    let report = explain(&network);
    let transfers = only_session(&report)["transfers"].as_array().unwrap();
    assert_eq!(way(&transfers[0]), json!(["extended-passive", "exact", "fd00::2", 50_030]));
    assert_eq!(way(&transfers[1]), json!(["extended-active", "exact", "fd00::1", 5030]));
    assert_eq!(transfers[1]["direction"], "upload");
    assert_whole(&transfers[0], &pattern(30, 4600));
    assert_whole(&transfers[1], &pattern(31, 900));
}

/// Row 34. Suricata knows it for PORT over IPv4 only.
#[test]
fn server_sent_against_a_third_host_is_a_finding() {
    for command in ["PORT 10,0,0,99,0,25", "EPRT |1|10.0.0.99|25|"] {
        let network = Network::new();
        let ftp = network.ftp();
        ftp.ask(command);
        let announcement = network.last() - 1;
        ftp.reply("200 done").ask("RETR mail.txt");
        let data = network.connect("10.0.0.2:20", "10.0.0.99:25");
        ftp.reply("150 opening");
        data.send(Side::Initiator, b"HELO victim\r\n").close(Side::Initiator);
        ftp.reply("226 done").quit();
        let report = explain(&network);
        let finding = crate::findings(&report)
            .into_iter()
            .find(|finding| finding["code"].as_str().unwrap().contains("bounce"))
            .unwrap_or_else(|| panic!("{command}: no finding says bounce"));
        assert!(finding["packets"].as_array().unwrap().contains(&json!(announcement)), "{finding:#}");
        assert_whole(only_transfer(&report), b"HELO victim\r\n");
    }
}

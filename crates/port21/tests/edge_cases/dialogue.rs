//! Commands and replies: how they are cut, joined, spelled and matched.

use port21_testkit::{Network, Side, pattern};
use serde_json::json;

use crate::{assert_whole, dialogue, explain, only_session, only_transfer};

/// Row 2. Wireshark reads the first line of a segment only; Suricata shifts the replies by one.
#[test]
fn pipelined_commands_in_one_segment_each_get_their_own_reply() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.control.client("USER alice\r\nPASS secret\r\nTYPE I\r\nPASV\r\n");
    let packet = network.last() - 1;
    ftp.reply("331 password?").reply("230 welcome").reply("200 type is I");
    ftp.reply("227 Entering Passive Mode (10,0,0,2,195,82)").ask("RETR file.txt");
    let bytes = pattern(2, 3000);
    let data = ftp.connect_to_server(50_002);
    ftp.reply("150 opening");
    data.send(Side::Responder, &bytes).close(Side::Responder);
    ftp.reply("226 done");
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(
        dialogue(session),
        ["USER alice: 331", "PASS <hidden>: 230", "TYPE I: 200", "PASV: 227", "RETR file.txt: 150 226"]
    );
    for exchange in 0..4 {
        assert_eq!(session["exchanges"][exchange]["command"]["packets"], json!([packet]));
    }
    assert_eq!(session["logins"][0]["outcome"], "accepted");
    assert_eq!(session["logins"][0]["password_packet"], packet);
    assert_whole(only_transfer(&report), &bytes);
}

/// Row 3. Wireshark does not join segments: "US" and "ER" become commands, no login and no pairing.
#[test]
fn lines_split_over_segments_are_one_command_and_one_reply() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.control.client("US");
    let first = network.last() - 1;
    ftp.control.client("ER alice\r\n");
    let second = network.last() - 1;
    ftp.reply("331 password?").say("PASS secret", "230 welcome").ask("PASV");
    ftp.control.server("227 Entering Passive Mode (10,0,");
    let third = network.last() - 1;
    ftp.control.server("0,2,195,83)\r\n");
    let fourth = network.last() - 1;
    ftp.ask("RETR file.txt");
    let bytes = pattern(3, 2000);
    let data = ftp.connect_to_server(50_003);
    ftp.reply("150 opening");
    data.send(Side::Responder, &bytes).close(Side::Responder);
    ftp.reply("226 done");
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(dialogue(session)[0], "USER alice: 331");
    assert_eq!(session["exchanges"][0]["command"]["packets"], json!([first, second]));
    assert_eq!(session["exchanges"][2]["replies"][0]["packets"], json!([third, fourth]));
    // Where a command is one packet number, it is that of the packet in which it begins.
    assert_eq!(session["logins"][0]["user_packet"], first);
    assert_whole(only_transfer(&report), &bytes);
}

/// Row 4. Wireshark pairs, but its credentials and exported objects know upper case only.
#[test]
fn lower_case_commands_are_the_same_commands() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("user anonymous", "331 password?").say("pass guest@", "230 welcome");
    ftp.say("pasv", "227 Entering Passive Mode (10,0,0,2,195,84)").ask("retr file.txt");
    let bytes = pattern(4, 100);
    let data = ftp.connect_to_server(50_004);
    ftp.reply("150 opening");
    data.send(Side::Responder, &bytes).close(Side::Responder);
    ftp.reply("226 done");
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(dialogue(session)[0], "USER anonymous: 331");
    assert_eq!(session["logins"][0]["password"], "guest@");
    let transfer = only_transfer(&report);
    assert_eq!((&transfer["verb"], &transfer["path"]), (&json!("RETR"), &json!("file.txt")));
    assert_whole(transfer, &bytes);
}

/// Row 12. Wireshark sees nothing on a port other than 21.
#[test]
fn control_connection_on_any_port_is_recognised_by_its_dialogue() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:2121");
    ftp.login("alice", "secret").retrieve("file.txt", 50_012, &pattern(12, 5000)).quit();
    let report = explain(&network);
    assert_eq!(only_session(&report)["server"]["port"], 2121);
    assert_whole(only_transfer(&report), &pattern(12, 5000));
}

/// Row 12, the other way: POP3 and SMTP begin with USER and 220 too. Suricata counted POP3 as FTP for years.
#[test]
fn mail_is_not_taken_for_ftp() {
    let network = Network::new();
    let pop3 = network.connect("10.0.0.1:41000", "10.0.0.3:110");
    pop3.server("+OK POP3 ready\r\n").client("USER alice\r\n").server("+OK\r\n").client("PASS x\r\n");
    pop3.server("+OK 2 messages\r\n").client("LIST\r\n").server("+OK\r\n1 120\r\n.\r\n").client("QUIT\r\n");
    pop3.server("+OK bye\r\n").close(Side::Responder);
    let smtp = network.connect("10.0.0.1:41001", "10.0.0.3:25");
    smtp.server("220 mail.example ESMTP\r\n")
        .client("EHLO client\r\n")
        .server("250-mail.example\r\n250 HELP\r\n");
    smtp.client("MAIL FROM:<a@example>\r\n").server("250 ok\r\n").client("QUIT\r\n").server("221 bye\r\n");
    smtp.close(Side::Responder);
    assert_eq!(explain(&network)["sessions"], json!([]));
}

/// Row 13. Wireshark reads the first line of each segment; Suricata makes replies of all lines: 220, 230, 220, 220.
#[test]
fn multi_line_reply_ends_at_its_own_code_only() {
    let network = Network::new();
    let control = network.connect("10.0.0.1:40000", "10.0.0.2:21");
    control.server("220-Welcome\r\n230 is not the end\r\n");
    let first = network.last() - 1;
    control.server(" nor is this\r\n220 the");
    let second = network.last() - 1;
    control.server(" end\r\n");
    let third = network.last() - 1;
    let ftp = network.ftp_over(control, "10.0.0.1:40000", "10.0.0.2:21");
    ftp.login("alice", "secret").quit();
    let report = explain(&network);
    let session = only_session(&report);
    assert_eq!(session["greeting"]["code"], 220);
    assert_eq!(session["greeting"]["lines"].as_array().unwrap().len(), 4);
    assert_eq!(session["greeting"]["lines"][3], "the end");
    assert_eq!(session["greeting"]["packets"], json!([first, second, third]));
    assert_eq!(dialogue(session), ["USER alice: 331", "PASS <hidden>: 230", "QUIT: 221"]);
}

/// Row 18. Wireshark shows commands "\xff\xf4\xff" and "\xf2ABOR"; Suricata gives ABOR the argument "BOR".
#[test]
fn telnet_interrupt_and_synch_before_abor_are_no_part_of_it() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_018).ask("RETR big.bin");
    let data = ftp.connect_to_server(50_018);
    ftp.reply("150 opening");
    data.send(Side::Responder, pattern(18, 3000));
    let synch = ftp.control.write(Side::Initiator, b"\xff\xf4\xff");
    let offset = synch.start as i64;
    ftp.control.segment(Side::Initiator).at(offset).bytes(b"\xff\xf4\xff").urgent(3).push().emit();
    let rest = ftp.control.write(Side::Initiator, b"\xf2ABOR\r\n");
    ftp.control.emit(Side::Initiator, rest).ack(Side::Responder);
    data.reset(Side::Responder);
    ftp.reply("426 aborted").reply("226 abort done");
    let report = explain(&network);
    let session = only_session(&report);
    let lines = dialogue(session);
    assert_eq!(lines[lines.len() - 2..], ["RETR big.bin: 150 426", "ABOR: 226"]);
    let transfer = only_transfer(&report);
    assert_eq!((&transfer["complete"], &transfer["bytes"]), (&json!(false), &json!(3000)));
    assert_eq!(transfer["closing_reply"]["code"], 426);
}

/// Row 19. Wireshark writes a file whose name holds U+FFFD, and the real bytes are lost.
#[test]
fn file_name_that_is_not_utf8_keeps_its_bytes() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_019);
    ftp.control.client(b"RETR caf\xe9.txt\r\n");
    let data = ftp.connect_to_server(50_019);
    ftp.reply("150 opening");
    data.send(Side::Responder, b"latin").close(Side::Responder);
    ftp.reply("226 done");
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(transfer["path"], "caf\u{fffd}.txt");
    assert_eq!(transfer["path_bytes"], "636166e92e747874");
    let command = &only_session(&report)["exchanges"][3]["command"];
    assert_eq!(command["argument"], "caf\u{fffd}.txt");
    assert_eq!(command["argument_bytes"], "636166e92e747874");
    assert_whole(transfer, b"latin");
}

/// Lines of one reply stand for themselves: each with its text, and, where one of them is not UTF-8, each with its bytes.
#[test]
fn reply_of_several_lines_in_several_packets_keeps_the_bytes_of_each() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.ask("HELP");
    ftp.control.server(b"214-first\r\n\r\n caf\xe9");
    let first = network.last() - 1;
    ftp.control.server("\r\n214 last\r\n");
    let second = network.last() - 1;
    ftp.say("NOOP", "200-\r\n200 ").quit();
    let report = explain(&network);
    let session = only_session(&report);
    let exchange = |verb: &str| {
        let exchanges = session["exchanges"].as_array().unwrap();
        exchanges.iter().find(|exchange| exchange["command"]["verb"] == verb).unwrap()
    };
    let help = &exchange("HELP")["replies"][0];
    assert_eq!(help["lines"], json!(["first", "", " caf\u{fffd}", "last"]));
    assert_eq!(help["lines_bytes"], json!(["6669727374", "", "20636166e9", "6c617374"]));
    assert_eq!(help["packets"], json!([first, second]));
    let noop = &exchange("NOOP")["replies"][0];
    assert_eq!((&noop["lines"], &noop["lines_bytes"]), (&json!(["", ""]), &json!(null)));
}

/// Row 24. Wireshark reports bob's password as alice's.
#[test]
fn second_login_after_a_rejected_one_has_its_own_user() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("USER alice", "331 password?").say("PASS wrong", "530 Login incorrect");
    ftp.say("USER bob", "331 password?").ask("PASS right");
    let password = network.last() - 1;
    ftp.reply("230 welcome").quit();
    let report = super::PORT21.explain_bytes(&network.pcap(), &["--show-passwords"]);
    let logins = &only_session(&report)["logins"];
    assert_eq!(logins.as_array().unwrap().len(), 2);
    let summary = |index: usize| {
        let login = &logins[index];
        json!([login["user"], login["password"], login["outcome"], login["reply_code"]])
    };
    assert_eq!(summary(0), json!(["alice", "wrong", "rejected", 530]));
    assert_eq!(summary(1), json!(["bob", "right", "accepted", 230]));
    assert_eq!(logins[1]["password_packet"], password);
}

/// Row 35. Suricata cuts at 4096 bytes, Arkime gives the connection up. A line is bounded, said to be cut, and what
/// follows is read.
#[test]
fn overlong_line_is_cut_and_the_next_one_is_read() {
    let network = Network::new();
    let ftp = network.ftp();
    let name = "x".repeat(200_000);
    ftp.say(&format!("RETR {name}"), "500 line too long").say("PWD", "257 \"/\"").quit();
    let report = explain(&network);
    let session = only_session(&report);
    let command = &session["exchanges"][2]["command"];
    assert_eq!(command["verb"], "RETR");
    assert!(command["argument"].as_str().unwrap().len() < 200_000);
    assert!(command["truncated_from"].as_u64().unwrap() >= 200_000, "{}", command["truncated_from"]);
    let lines = dialogue(session);
    assert!(lines[2].ends_with(": 500"));
    assert_eq!(lines[3..], ["PWD: 257", "QUIT: 221"]);
}

/// Row 35, for replies.
#[test]
fn overlong_reply_is_cut_and_the_next_one_is_read() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("NOOP", &format!("200 {}", "y".repeat(200_000))).say("PWD", "257 \"/\"").quit();
    let report = explain(&network);
    let session = only_session(&report);
    let reply = &session["exchanges"][2]["replies"][0];
    assert!(reply["truncated_from"].as_u64().unwrap() >= 200_000, "{}", reply["truncated_from"]);
    assert_eq!(dialogue(session)[2..], ["NOOP: 200", "PWD: 257", "QUIT: 221"]);
}

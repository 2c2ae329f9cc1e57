use expect_test::{Expect, expect};
use port21_analysis::report::*;

use super::layout::{WIDTH, width};
use crate::render::fixture::{self, exchange, reply};

fn check(sessions: Vec<Session>, expected: Expect) {
    expected.assert_eq(&fixture::written(PLAIN, sessions));
}

const PLAIN: super::Text = super::Text { color: false, columns: WIDTH };

/// The dialogue of a session with these exchanges, without what comes before and after.
fn dialogue(exchanges: Vec<Exchange>) -> String {
    let session = Session { exchanges, transfers: Vec::new(), findings: Vec::new(), ..fixture::session() };
    dialogue_of(session)
}

fn dialogue_of(session: Session) -> String {
    let text = fixture::written(PLAIN, vec![session]);
    let behind_handshake = text.split_once("handshake").unwrap().1.split_once('\n').unwrap().1;
    behind_handshake.split_once("  closing").unwrap().0.to_owned()
}

/// Expected text loses the indentation that all its lines share: a first line without any keeps it.
fn with_margin(text: &str) -> String {
    format!("|\n{text}")
}

#[test]
fn sample_reads_as_a_story() {
    check(
        vec![fixture::session()],
        expect![[r#"
        ftp-lab.pcap   310 packets in 10.1 s   1 FTP session   1 transfer   1 finding

        Session 1   192.168.1.10:2011 -> ftp.ftpplanet.com (156.21.1.54:21)   anonymous   7.500 s
          began       #79, 2006-10-02 12:00:02.524516 UTC
          name        #77 asks, #78 answers: ftp.ftpplanet.com is 156.21.1.54
          handshake   #79 SYN   #83 SYN/ACK   #84 ACK   round trip 0.129 s
              #94 <- 220 ftp.ftpplanet.com FTP Server ready to serve you
             #124 -> USER anonymous
             #126 <- 331 Password required
             #149 -> PASS apassword
             #152 <- 230 User logged in
             #157 -> PORT 192,168,1,10,19,137                  the client listens on 192.168.1.10:5001 (19 * 256 + 137)
             #159 <- 200 PORT command ok
             #160 -> LIST
                  == data  156.21.1.54:20 -> 192.168.1.10:5001, opened by the server  #161 #162 #172   stream 17   active mode
                     2,111 bytes to the client, no entries, whole  #173 #175   in 0.086 s, 24.6 kB/s   closed by the server #177
                     SHA-256 00ff
             #174 <- 125 Transferring directory                one ACK, #181, covers #174 and #178
             #178 <- 226 Transfer complete
             #302 -> QUIT
             #303 <- 221 Goodbye
          closing     #304 FIN by the server   #305 ACK   #306 RST by the client   (the server closed first)

          HIGH    password in clear  #149
                  Anyone on the path between 192.168.1.10 and 156.21.1.54 could read the password of anonymous. Use explicit
                  TLS. (RFC 2577, section 5)
    "#]],
    );
}

#[test]
fn summary_has_totals_and_findings_only() {
    expect![[r#"
        ftp-lab.pcap   310 packets in 10.1 s   1 FTP session   1 transfer   1 finding

          HIGH    session 1: password in clear  #149
                  Anyone on the path between 192.168.1.10 and 156.21.1.54 could read the password of anonymous. Use explicit
                  TLS. (RFC 2577, section 5)
    "#]].assert_eq(&fixture::summarised(&PLAIN, vec![fixture::session()]));
}

#[test]
fn colours_change_nothing_else() {
    let plain = fixture::written(PLAIN, vec![fixture::session()]);
    let colored = fixture::written(super::Text { color: true, ..PLAIN }, vec![fixture::session()]);
    assert!(colored.contains("\x1b["));
    let mut pieces = colored.split("\x1b[");
    let mut stripped = pieces.next().unwrap().to_owned();
    pieces.for_each(|piece| stripped.push_str(piece.split_once('m').unwrap().1));
    assert_eq!(stripped, plain);
}

#[test]
fn narrow_terminal_gets_the_same_words_in_shorter_lines() {
    let text = fixture::written(super::Text::new(false, Some(70)), vec![fixture::session()]);
    let broken = |line: &&str| line.starts_with(' ') && line.split_whitespace().count() > 1;
    assert!(text.lines().filter(broken).all(|line| width(line) <= 70), "{text}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&text), words(&fixture::written(PLAIN, vec![fixture::session()])));
}

#[test]
fn exchanges_that_say_the_same_are_told_once_with_all_their_packets() {
    let noop = |packet| exchange(packet, "NOOP", vec![reply(packet + 1, 200, "OK", packet + 2)]);
    expect![[r#"
        |
              #94 <- 220 ftp.ftpplanet.com FTP Server ready to serve you
             #100 -> NOOP
             #101 <- 200 OK
                  ... the same 6 times more: NOOP  #105 #110 #115 #120 #125 #130   200  #106 #111 #116 #121 #126 #131
    "#]]
    .assert_eq(&with_margin(&dialogue((0..7).map(|index| noop(100 + 5 * index)).collect())));
}

#[test]
fn long_reply_keeps_its_beginning_and_its_end() {
    let lines: Vec<String> = (1..=40).map(|line| format!("line {line}")).collect();
    let told = dialogue(vec![exchange(124, "HELP", vec![reply(126, 214, &lines.join("\n"), 128)])]);
    assert!(told.contains("#126 <- 214-line 1\n"), "{told}");
    assert!(told.contains("... 17 lines more\n"), "{told}");
    assert!(told.contains("214 line 40\n"), "{told}");
}

#[test]
fn wire_text_cannot_reach_the_terminal_unescaped() {
    let told = dialogue(vec![exchange(124, "CWD \x1b[2J\u{202e}", vec![reply(126, 550, "no \x07", 128)])]);
    assert!(told.contains(r"CWD \x1b[2J\u{202e}"), "{told}");
    assert!(told.contains(r"550 no \x07"), "{told}");
}

#[test]
fn command_without_reply_says_so() {
    assert!(dialogue(vec![exchange(124, "STAT", vec![])]).contains("no reply in the capture"));
}

#[test]
fn data_connection_that_was_never_opened_says_why() {
    let failed = Transfer {
        complete: false,
        failure: Some(Failure { cause: FailureCause::NoAnswer, packets: vec![161, 164, 190] }),
        data_packets: DataPackets::default(),
        ..fixture::listing(None)
    };
    let told = dialogue_of(Session { transfers: vec![failed], ..fixture::session() });
    expect!["          == data  no data connection to 192.168.1.10:5001: its SYN was never answered  #161 #164 #190"].assert_eq(told.lines().find(|line| line.contains("==")).unwrap());
}

#[test]
fn transfer_with_holes_lists_them() {
    let mut session = fixture::session();
    for transfer in &mut session.transfers {
        transfer.complete = false;
        transfer.incomplete_because = Some("the capture misses bytes".into());
        transfer.missing = vec![Missing { offset: 100, length: 1000 }, Missing { offset: 1500, length: 20 }];
        transfer.expected_bytes = Some(3000);
        transfer.expected_from = Some("SIZE".into());
        transfer.expected_packet = Some(155);
    }
    let told = dialogue_of(session);
    assert!(told.contains("NOT whole: the capture misses bytes"), "{told}");
    assert!(told.contains("missing 1,020 bytes in all: 1,000 at 100, 20 at 1,500"), "{told}");
    assert!(told.contains("3,000 bytes announced by SIZE, #155"), "{told}");
}

#[test]
fn tls_stretch_stands_at_its_place() {
    let tls = Tls {
        auth_packet: Some(124),
        first_packet: Some(127),
        version: Some("TLS 1.3".into()),
        server_name: Some("ftp.example".into()),
        cleared_packet: None,
        bytes: PerSide { client: 1200, server: 3400 },
    };
    let auth = exchange(124, "AUTH TLS", vec![reply(126, 234, "go ahead", 127)]);
    let session =
        Session { exchanges: vec![auth], tls: Some(tls), transfers: Vec::new(), ..fixture::session() };
    expect![[r#"
        |
              #94 <- 220 ftp.ftpplanet.com FTP Server ready to serve you
             #124 -> AUTH TLS
             #126 <- 234 go ahead
                  == TLS  TLS 1.3 from #127 on, for the server name ftp.example
                     1,200 bytes of the client and 3,400 bytes of the server: what they said there cannot be read
    "#]]
    .assert_eq(&with_margin(&dialogue_of(session)));
}

#[test]
fn capture_without_ftp_says_so() {
    check(
        Vec::new(),
        expect![[r#"
        ftp-lab.pcap   310 packets in 10.1 s   no FTP sessions   no transfers   no findings
          No FTP session was found: 20 TCP connections in 300 TCP packets.
    "#]],
    );
}

//! What the logs say of sessions built by hand.

use port21_analysis::report::{Connection, ConnectionState, Gap, Side, Transfer};
use port21_capture::Timestamp;

use super::value::Value;
use super::{conn, dns, files, ftp};
use crate::render::clock::Clock;
use crate::render::fixture;

const CLOCK: Timestamp = Timestamp(1_159_790_400_000_000_000);

/// The named cells of a row, as they stand between tabs.
fn cells(columns: &[(&str, &str)], row: &[Value], names: &str) -> String {
    assert_eq!(columns.len(), row.len());
    let cell = |name: &str| {
        let at =
            columns.iter().position(|(column, _)| *column == name).unwrap_or_else(|| panic!("no {name}"));
        row[at].tab_separated()
    };
    names.split_whitespace().map(cell).collect::<Vec<_>>().join(" ")
}

fn clock() -> Clock {
    Clock::starting_at(CLOCK)
}

/// `S`, `H`, then who closes how: `F>` FIN by the initiator, `R<` RST by the responder.
fn connection(script: &str) -> Connection {
    let mut connection = fixture::connection(0, "10.0.0.1:1025", "192.0.2.1:21", [1, 2, 3]);
    connection.handshake.syn = None;
    connection.handshake.syn_ack = None;
    connection.bytes.initiator = 10;
    for word in script.split_whitespace() {
        match word {
            "S" => connection.handshake.syn = Some(1),
            "H" => connection.handshake.syn_ack = Some(2),
            "F>" => connection.closing.push(fixture::closing(9, Side::Initiator, &["FIN", "ACK"])),
            "F<" => connection.closing.push(fixture::closing(9, Side::Responder, &["FIN", "ACK"])),
            "R>" => connection.closing.push(fixture::closing(9, Side::Initiator, &["RST"])),
            "R<" => connection.closing.push(fixture::closing(9, Side::Responder, &["RST", "ACK"])),
            "A>" => connection.closing.push(fixture::closing(9, Side::Initiator, &["ACK"])),
            other => panic!("{other}"),
        }
    }
    connection
}

#[test]
fn connection_states_are_zeeks() {
    for (script, state) in [
        ("S", "S0"),
        ("S H", "S1"),
        ("S H F> F<", "SF"),
        ("S H F< A> F> R<", "SF"),
        ("S R<", "REJ"),
        ("S H F>", "S2"),
        ("S H F<", "S3"),
        ("S H R>", "RSTO"),
        ("S H R<", "RSTR"),
        ("S H F< A> R>", "RSTO"),
        ("S H F> R> F<", "SF"),
        ("S R>", "RSTOS0"),
        ("H R<", "RSTRH"),
        ("R<", "RSTRH"),
        ("R>", "OTH"),
        ("S F>", "SH"),
        ("H F<", "SHR"),
        ("", "OTH"),
    ] {
        assert_eq!(conn::state(&connection(script)), state, "{script}");
    }
}

#[test]
fn bytes_of_a_connection_include_what_is_missing() {
    let mut connection = connection("S H F> F<");
    connection.quality.gaps.push(Gap { from: Side::Initiator, sequence: 1, length: 90, acknowledged: true });
    connection.state = ConnectionState::Closed;
    let row = conn::row(&connection, clock());
    let names =
        "ts proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes";
    let expected = "1159790400.000000 tcp - 1.000000 100 0 SF T F 90";
    assert_eq!(cells(conn::COLUMNS, &row, names), expected);
}

#[test]
fn identifiers_differ_by_connection_and_repeat() {
    let (first, mut second) = (connection("S H"), connection("S H"));
    let uid = |connection| cells(conn::COLUMNS, &conn::row(connection, clock()), "uid");
    assert_eq!(uid(&first), uid(&first));
    second.stream = 1;
    assert_ne!(uid(&first), uid(&second));
}

#[test]
fn only_commands_that_zeek_logs_are_logged() {
    let session = fixture::session();
    let rows = ftp::rows(&session, clock());
    let names = "user password command arg reply_code data_channel.passive data_channel.orig_h \
                 data_channel.resp_h data_channel.resp_p fuid";
    let lines: Vec<String> = rows.iter().map(|row| cells(ftp::COLUMNS, row, names)).collect();
    let port = "anonymous apassword PORT 192,168,1,10,19,137 200 F 156.21.1.54 192.168.1.10 5001 -";
    assert_eq!(lines, [port]);
}

#[test]
fn session_of_logins_only_has_one_line() {
    let mut session = fixture::session();
    session.exchanges.retain(|exchange| exchange.command.as_ref().unwrap().verb.len() == 4);
    session.exchanges.retain(|exchange| exchange.command.as_ref().unwrap().verb != "PORT");
    let rows = ftp::rows(&session, clock());
    assert_eq!(rows.len(), 1);
    assert_eq!(cells(ftp::COLUMNS, &rows[0], "command reply_code reply_msg"), "QUIT 221 Goodbye");
}

/// The `arg` of the last of these commands.
fn argument(commands: &[(&str, u16, &str)]) -> String {
    let mut session = fixture::session();
    session.exchanges = commands
        .iter()
        .zip(10..)
        .map(|((line, code, text), packet)| {
            fixture::exchange(packet, line, vec![fixture::reply(packet, *code, text, packet)])
        })
        .collect();
    cells(ftp::COLUMNS, ftp::rows(&session, clock()).last().unwrap(), "arg")
}

#[test]
fn path_becomes_a_url_as_far_as_the_directory_is_known() {
    assert_eq!(argument(&[("RETR robots.txt", 226, "ok")]), "ftp://156.21.1.54/./robots.txt");
    assert_eq!(argument(&[("RETR /pub/a b", 226, "ok")]), "ftp://156.21.1.54/pub/a b");
    let walk = [("CWD /pub", 250, "ok"), ("CWD x", 550, "no"), ("DELE y", 250, "ok")];
    assert_eq!(argument(&walk), "ftp://156.21.1.54/pub/y");
    let asked = [("PWD", 257, "\"/home/z\" is current"), ("CDUP", 250, "ok"), ("STOR y", 226, "ok")];
    assert_eq!(argument(&asked), "ftp://156.21.1.54/home/y");
}

#[test]
fn hidden_password_stays_hidden() {
    let mut session = fixture::session();
    session.logins[0].password = Some("<hidden>".into());
    let rows = ftp::rows(&session, clock());
    assert_eq!(cells(ftp::COLUMNS, &rows[0], "password"), "<hidden>");
}

fn file() -> Transfer {
    let data = fixture::session().transfers.remove(0).data;
    let mut file = fixture::listing(data);
    file.kind = Some(port21_analysis::report::Kind::File);
    file.path = Some("/pub/a.txt".into());
    file
}

#[test]
fn file_says_what_is_missing_of_it() {
    let mut file = file();
    file.missing = vec![port21_analysis::report::Missing { offset: 5, length: 100 }];
    let row = files::row(&file, clock()).unwrap();
    let names =
        "source analyzers filename is_orig seen_bytes total_bytes missing_bytes overflow_bytes sha256";
    assert_eq!(cells(files::COLUMNS, &row, names), "FTP_DATA SHA256 a.txt F 2011 - 100 0 00ff");
}

#[test]
fn nothing_on_the_wire_is_no_file() {
    let mut file = file();
    file.bytes = 0;
    assert_eq!(files::row(&file, clock()), None);
}

#[test]
fn question_without_an_answer_is_logged() {
    let question = port21_analysis::analysis::DnsTransaction {
        client: ("192.168.1.10".parse().unwrap(), 1030),
        server: ("192.168.1.1".parse().unwrap(), 53),
        transport: "udp",
        id: 7,
        query: "ftp.example.org".into(),
        query_type: "A".into(),
        query_type_number: 1,
        asked: Some((77, CLOCK)),
        answered: None,
        response_code: None,
        answers: Vec::new(),
        header_flags: 0x0100,
        flags: [false, false, true, false],
    };
    let names = "ts proto trans_id rtt query qtype_name rcode_name RD answers TTLs";
    let expected = "1159790400.000000 udp 7 - ftp.example.org A - T - -";
    assert_eq!(cells(dns::COLUMNS, &dns::row(&question), names), expected);
}

//! Sessions built by hand for the tests of renderers.

use std::sync::Arc;

use port21_analysis::report::*;

use super::document::{Document, Form, Told, summarise};
use super::groups::Groups;

/// An end.
pub fn end(text: &str) -> Endpoint {
    let socket: std::net::SocketAddr = text.parse().unwrap();
    Endpoint { address: socket.ip(), port: socket.port() }
}

/// A connection with a handshake, still open.
pub fn connection(stream: u64, initiator: &str, responder: &str, handshake: [u64; 3]) -> Connection {
    let [syn, syn_ack, ack] = handshake;
    Connection {
        stream,
        community_id: "1:".into(),
        history: "ShADadFfR".into(),
        initiator: end(initiator),
        responder: end(responder),
        first_packet: syn,
        last_packet: ack,
        first_time: 0.0,
        last_time: 1.0,
        handshake: Handshake {
            syn: Some(syn),
            syn_ack: Some(syn_ack),
            ack: Some(ack),
            syn_numbers: None,
            syn_ack_numbers: None,
            ack_numbers: None,
            round_trip: Some(0.129_234),
        },
        initial_sequence: PerEnd::default(),
        closing: Vec::new(),
        closed_by: None,
        state: ConnectionState::Open,
        bytes: PerEnd::default(),
        unplaced_bytes: PerEnd::default(),
        ip_bytes: PerEnd { initiator: 700, responder: 900 },
        packets: PerEnd::default(),
        quality: RareQuality::default(),
    }
}

/// A segment that takes part in closing.
pub fn closing(packet: u64, from: Side, flags: &'static [&'static str]) -> Closing {
    Closing {
        packet,
        from,
        flags,
        sequence: 1,
        acknowledgement: Some(1),
        raw_sequence: 1,
        raw_acknowledgement: Some(1),
    }
}

/// A reply; several lines are separated by line feeds.
pub fn reply(packet: u64, code: u16, text: &str, acknowledged_by: u64) -> Reply {
    Reply {
        packet,
        packets: [packet].into_iter().collect(),
        time: 0.0,
        code: Some(code),
        lines: text.split('\n').map(Into::into).collect(),
        lines_bytes: None,
        sequence: packet,
        next_sequence: packet + 1,
        acknowledged_by: Some(acknowledged_by),
        acknowledgement: Some(1),
        truncated_from: None,
    }
}

/// A command ("VERB argument") with its replies.
pub fn exchange(packet: u64, line: &str, replies: Vec<Reply>) -> Exchange {
    let (verb, argument) = line.split_once(' ').map_or((line, None), |(verb, rest)| (verb, Some(rest)));
    let command = Command {
        packets: [packet].into_iter().collect(),
        time: 0.0,
        verb: verb.to_owned().into(),
        argument: argument.map(Into::into),
        argument_bytes: None,
        defined_in: Some("RFC 959"),
        flags: &["PSH", "ACK"],
        sequence: 1,
        next_sequence: 2,
        acknowledged_by: None,
        truncated_from: None,
    };
    Exchange { command: Some(command), replies }
}

/// An active listing of 2,111 bytes over `data`.
pub fn listing(data: Option<Connection>) -> Transfer {
    let packets = vec![173, 175];
    Transfer {
        index: 0,
        verb: Some("LIST".into()),
        path: None,
        path_bytes: None,
        argument: None,
        kind: Some(Kind::Listing),
        direction: Some(Direction::Download),
        mode: Some(Mode::Active),
        setup: Some(Setup {
            verb: "PORT".into(),
            command_packet: Some(157),
            reply_packet: Some(159),
            address: Some(end("192.168.1.10:1").address),
            port: Some(5001),
            arithmetic: Some("19 * 256 + 137 = 5001".into()),
            text: Some("192,168,1,10,19,137".into()),
        }),
        command_packet: Some(160),
        opening_reply: Some(ReplyRef { packet: 174, code: Some(125) }),
        closing_reply: Some(ReplyRef { packet: 178, code: Some(226) }),
        pairing: data.as_ref().map(|_| Pairing::Exact),
        data,
        data_packets: DataPackets { first: Some(173), last: Some(175), count: 2, list: packets },
        representation: Type::Ascii,
        type_seen: false,
        restart_offset: None,
        bytes: 2111,
        sha256: Some("00ff".into()),
        complete: true,
        incomplete_because: None,
        missing: Vec::new(),
        expected_bytes: None,
        expected_from: None,
        expected_packet: None,
        protected: false,
        failure: None,
        listing: Some(Listing {
            format: Some("unix".into()),
            entries: Vec::new(),
            unparsed: 0,
            truncated: false,
        }),
        counterpart: None,
        duration: Some(0.085_772),
    }
}

/// The sample's session, shortened.
pub fn session() -> Session {
    let mut control = connection(7, "192.168.1.10:2011", "156.21.1.54:21", [79, 83, 84]);
    control.closing = vec![
        closing(304, Side::Responder, &["FIN", "ACK"]),
        closing(305, Side::Initiator, &["ACK"]),
        closing(306, Side::Initiator, &["RST", "ACK"]),
    ];
    control.closed_by = Some(ClosedBy::Responder);
    control.state = ConnectionState::Reset;
    let mut data = connection(17, "156.21.1.54:20", "192.168.1.10:5001", [161, 162, 172]);
    data.closing =
        vec![closing(177, Side::Initiator, &["FIN", "ACK"]), closing(180, Side::Responder, &["FIN", "ACK"])];
    data.closed_by = Some(ClosedBy::Initiator);
    data.state = ConnectionState::Closed;
    Session {
        id: 1,
        client: end("192.168.1.10:2011"),
        server: Server {
            address: end("156.21.1.54:21").address,
            port: 21,
            name: Some("ftp.ftpplanet.com".into()),
            name_packet: Some(78),
            name_query_packet: Some(77),
            name_source: Some(NameSource::Dns),
        },
        protocol: Protocol::Ftp,
        first_time: "2006-10-02T12:00:02.524516Z".into(),
        duration: 7.5,
        control,
        greeting: Some(reply(94, 220, "ftp.ftpplanet.com FTP Server ready to serve you", 96)),
        logins: vec![Login {
            user: Some("anonymous".into()),
            user_bytes: None,
            user_packet: Some(124),
            password: Some("apassword".into()),
            password_packet: Some(149),
            guest: true,
            outcome: Outcome::Accepted,
            reply_packet: Some(152),
            reply_code: Some(230),
        }],
        exchanges: vec![
            exchange(124, "USER anonymous", vec![reply(126, 331, "Password required", 128)]),
            exchange(149, "PASS apassword", vec![reply(152, 230, "User logged in", 154)]),
            exchange(157, "PORT 192,168,1,10,19,137", vec![reply(159, 200, "PORT command ok", 160)]),
            exchange(
                160,
                "LIST",
                vec![
                    reply(174, 125, "Transferring directory", 181),
                    reply(178, 226, "Transfer complete", 181),
                ],
            ),
            exchange(302, "QUIT", vec![reply(303, 221, "Goodbye", 305)]),
        ],
        transfers: vec![listing(Some(data))],
        unused_data_connections: Vec::new(),
        tls: None,
        directory: None,
        notes: Vec::new(),
        dropped_exchanges: 0,
        findings: vec![finding()],
    }
}

/// A finding.
pub fn finding() -> Finding {
    Finding {
        code: "password-in-clear",
        severity: Severity::High,
        session: Some(1),
        packets: vec![149],
        title: "password in clear",
        detail:
            "Anyone on the path between 192.168.1.10 and 156.21.1.54 could read the password of anonymous."
                .into(),
        rule: "RFC 2577, section 5",
        advice: "Use explicit TLS.",
    }
}

/// A report of one capture with these sessions.
pub fn report(sessions: Vec<Session>) -> Report {
    Report {
        schema: SCHEMA,
        captures: vec![Capture {
            path: "ftp-lab.pcap".into(),
            format: "pcap".into(),
            link_types: vec!["EN10MB".into()],
            packets: 310,
            bytes: 83_283,
            first_time: Some("2006-10-02T12:00:00Z".into()),
            last_time: Some("2006-10-02T12:00:10.1Z".into()),
            problems: Vec::new(),
        }],
        totals: Totals {
            packets: 310,
            tcp_packets: 300,
            connections: 20,
            sessions: sessions.len() as u64,
            transfers: sessions.iter().map(|session| session.transfers.len() as u64).sum(),
            ..Totals::default()
        },
        sessions,
        findings: Vec::new(),
    }
}

/// A report with these sessions, written in `form`.
pub fn written(form: impl Form + 'static, sessions: Vec<Session>) -> String {
    let report = report(sessions);
    let mut text = Vec::new();
    let form: Arc<dyn Form> = Arc::new(form);
    let mut document = Document::new(Arc::clone(&form), &[]);
    for session in &report.sessions {
        document.session(Told::new(form.as_ref(), session).unwrap(), &mut text).unwrap();
    }
    document.finish(&report.captures, &report.totals, &report.findings, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// Totals and findings of these sessions, written in `form`.
pub fn summarised(form: &dyn Form, sessions: Vec<Session>) -> String {
    let report = report(sessions);
    let mut groups = Groups::default();
    report.sessions.iter().for_each(|session| groups.add(session.findings.clone()));
    let mut text = Vec::new();
    summarise(form, &report.captures, &report.totals, &groups, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

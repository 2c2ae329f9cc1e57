//! Sessions for tests, written down by hand: the laboratory capture as another analyser shows it, and parts to
//! build others from.

use std::net::IpAddr;

use smallvec::smallvec;
use smol_str::SmolStr;

use crate::report::*;

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn endpoint(text: &str, port: u16) -> Endpoint {
    Endpoint { address: address(text), port }
}

/// A connection that was opened in packets `first`, `first + 1` and `first + 2`, and not closed.
pub(crate) fn connection(stream: u64, initiator: Endpoint, responder: Endpoint, first: u64) -> Connection {
    let handshake = [(first, 1000, None), (first + 1, 5000, Some(1001)), (first + 2, 1001, Some(5001))];
    let numbers = handshake
        .map(|(_, raw_sequence, raw_acknowledgement)| Some(Numbers { raw_sequence, raw_acknowledgement }));
    Connection {
        stream,
        community_id: "1:sample".to_owned(),
        initiator,
        responder,
        first_packet: first,
        last_packet: first + 100,
        first_time: 0.0,
        last_time: 1.0,
        handshake: Handshake {
            syn: Some(first),
            syn_ack: Some(first + 1),
            ack: Some(first + 2),
            syn_numbers: numbers[0],
            syn_ack_numbers: numbers[1],
            ack_numbers: numbers[2],
            round_trip: Some(0.02),
        },
        initial_sequence: PerEnd { initiator: Some(1000), responder: Some(5000) },
        closing: Vec::new(),
        closed_by: None,
        state: ConnectionState::Open,
        bytes: PerEnd::default(),
        unplaced_bytes: PerEnd::default(),
        ip_bytes: PerEnd::default(),
        packets: PerEnd { initiator: 10, responder: 10 },
        history: String::new(),
        quality: RareQuality::default(),
    }
}

/// Takes the handshake away, as if the capture had begun later.
pub(crate) fn without_handshake(connection: &mut Connection) {
    connection.handshake = Handshake {
        syn: None,
        syn_ack: None,
        ack: None,
        syn_numbers: None,
        syn_ack_numbers: None,
        ack_numbers: None,
        round_trip: None,
    };
    connection.initial_sequence = PerEnd { initiator: None, responder: None };
}

pub(crate) fn closing(
    packet: u64,
    from: Side,
    flags: &'static [&'static str],
    numbers: (u64, u32),
    acknowledgement: u64,
) -> Closing {
    Closing {
        packet,
        from,
        flags,
        sequence: numbers.0,
        acknowledgement: Some(acknowledgement),
        raw_sequence: numbers.1,
        raw_acknowledgement: Some(1),
    }
}

pub(crate) fn command(packet: u64, verb: &str, argument: Option<&str>, sequence: u64) -> Command {
    let length = verb.len() + argument.map_or(0, |argument| argument.len() + 1) + 2;
    Command {
        packets: smallvec![packet],
        time: packet as f64 / 10.0,
        verb: verb.to_owned().into(),
        argument: argument.map(SmolStr::new),
        argument_bytes: None,
        defined_in: Some("RFC 959"),
        flags: &["ACK", "PSH"],
        sequence,
        next_sequence: sequence + length as u64,
        acknowledged_by: Some(packet + 1),
        truncated_from: None,
    }
}

pub(crate) fn reply(packet: u64, code: u16, text: &str, sequence: u64, acknowledged: (u64, u64)) -> Reply {
    Reply {
        packet,
        packets: smallvec![packet],
        time: packet as f64 / 10.0,
        code: Some(code),
        lines: smallvec![SmolStr::new(text)],
        lines_bytes: None,
        sequence,
        next_sequence: sequence + text.len() as u64 + 6,
        acknowledged_by: Some(acknowledged.0),
        acknowledgement: Some(acknowledged.1),
        truncated_from: None,
    }
}

/// An exchange whose reply is acknowledged by a segment of its own.
pub(crate) fn exchange(
    packet: u64,
    verb: &str,
    argument: Option<&str>,
    replies: &[(u64, u16, &str)],
) -> Exchange {
    let replies = replies.iter().map(|(packet, code, text)| {
        let sequence = packet * 100;
        reply(*packet, *code, text, sequence, (packet + 1, sequence + text.len() as u64 + 6))
    });
    Exchange { command: Some(command(packet, verb, argument, packet * 100)), replies: replies.collect() }
}

pub(crate) fn login(user: &str, password: &str, packets: [u64; 3], code: u16) -> Login {
    Login {
        user: Some(user.to_owned()),
        user_bytes: None,
        user_packet: Some(packets[0]),
        password: Some(password.to_owned()),
        password_packet: Some(packets[1]),
        guest: ["anonymous", "ftp", "guest"].contains(&user),
        outcome: if code < 400 { Outcome::Accepted } else { Outcome::Rejected },
        reply_packet: Some(packets[2]),
        reply_code: Some(code),
    }
}

/// A file of 5,000 bytes fetched in passive mode and image type: command #160, data #173 to #178, reply 226 in #180.
pub(crate) fn download(session: &Session) -> Transfer {
    let mut data = connection(
        7,
        Endpoint { address: session.client.address, port: 51000 },
        Endpoint { address: session.server.address, port: 50000 },
        170,
    );
    data.bytes.responder = 5000;
    data.closing = vec![closing(179, Side::Responder, &["FIN", "ACK"], (5001, 10_001), 1)];
    data.state = ConnectionState::Closed;
    Transfer {
        index: 0,
        verb: Some("RETR".to_owned()),
        path: Some("/notes.txt".to_owned()),
        path_bytes: None,
        argument: Some("notes.txt".into()),
        kind: Some(Kind::File),
        direction: Some(Direction::Download),
        mode: Some(Mode::Passive),
        setup: Some(Setup {
            verb: "PASV".to_owned(),
            command_packet: Some(157),
            reply_packet: Some(159),
            address: Some(session.server.address),
            port: Some(50000),
            arithmetic: Some("195 * 256 + 80 = 50000".to_owned()),
            text: None,
        }),
        command_packet: Some(160),
        opening_reply: Some(ReplyRef { packet: 161, code: Some(150) }),
        closing_reply: Some(ReplyRef { packet: 180, code: Some(226) }),
        data: Some(data),
        pairing: Some(Pairing::Exact),
        data_packets: DataPackets {
            first: Some(173),
            last: Some(178),
            count: 6,
            list: (173..=178).collect(),
        },
        representation: Type::Image,
        type_seen: true,
        restart_offset: None,
        bytes: 5000,
        sha256: Some("00".repeat(32)),
        complete: true,
        incomplete_because: None,
        missing: Vec::new(),
        expected_bytes: None,
        expected_from: None,
        expected_packet: None,
        protected: false,
        failure: None,
        listing: None,
        counterpart: None,
        duration: Some(2.0),
    }
}

/// A session on documentation addresses that has connected and been greeted, and nothing else.
pub(crate) fn greeted() -> Session {
    let client = endpoint("198.51.100.7", 40000);
    let server = endpoint("203.0.113.9", 21);
    Session {
        id: 1,
        client,
        server: Server {
            address: server.address,
            port: 21,
            name: None,
            name_packet: None,
            name_query_packet: None,
            name_source: None,
        },
        protocol: Protocol::Ftp,
        first_time: "2004-03-01T12:00:00Z".to_owned(),
        duration: 30.0,
        control: connection(0, client, server, 1),
        greeting: Some(reply(4, 220, "ready", 1, (5, 12))),
        logins: Vec::new(),
        exchanges: Vec::new(),
        transfers: Vec::new(),
        unused_data_connections: Vec::new(),
        tls: None,
        directory: None,
        notes: Vec::new(),
        dropped_exchanges: 0,
        findings: Vec::new(),
    }
}

/// The session of the laboratory capture.
pub(crate) fn laboratory() -> Session {
    let client = endpoint("192.168.1.10", 2011);
    let server = endpoint("156.21.1.54", 21);
    let mut control = connection(5, client, server, 79);
    set_handshake(&mut control, [79, 83, 84], 2_437_105_213, 918_273_645);
    control.handshake.round_trip = Some(0.129_234);
    control.last_packet = 306;
    control.bytes = PerEnd { initiator: 70, responder: 181 };
    control.closing = vec![
        closing(304, Side::Responder, &["FIN", "ACK"], (182, 918_273_827), 71),
        closing(305, Side::Initiator, &["ACK"], (71, 2_437_105_284), 183),
        closing(306, Side::Initiator, &["RST", "ACK"], (71, 2_437_105_284), 183),
    ];
    control.closed_by = Some(ClosedBy::Responder);
    control.state = ConnectionState::Reset;
    let transferring = reply(174, 125, "Transferring directory", 118, (181, 169));
    let complete = reply(178, 226, "Transfer complete", 146, (181, 169));
    let say = |command, reply| Exchange { command: Some(command), replies: vec![reply] };
    let exchanges = vec![
        say(command(124, "USER", Some("anonymous"), 1), reply(126, 331, "Password required", 54, (128, 77))),
        say(command(149, "PASS", Some("apassword"), 17), reply(152, 230, "User logged in", 77, (154, 97))),
        say(
            command(157, "PORT", Some("192,168,1,10,19,137"), 33),
            reply(159, 200, "PORT command ok", 97, (160, 118)),
        ),
        Exchange { command: Some(command(160, "LIST", None, 59)), replies: vec![transferring, complete] },
        say(command(302, "QUIT", None, 65), reply(303, 221, "Goodbye", 169, (305, 183))),
    ];
    Session {
        client,
        server: Server {
            address: server.address,
            port: 21,
            name: Some("ftp.ftpplanet.com".to_owned()),
            name_packet: Some(78),
            name_query_packet: Some(77),
            name_source: Some(NameSource::Dns),
        },
        control,
        greeting: Some(reply(94, 220, "ftp.ftpplanet.com FTP Server ready to serve you", 1, (96, 54))),
        logins: vec![login("anonymous", "apassword", [124, 149, 152], 230)],
        exchanges,
        transfers: vec![laboratory_listing()],
        ..greeted()
    }
}

fn laboratory_listing() -> Transfer {
    let mut data = connection(6, endpoint("156.21.1.54", 20), endpoint("192.168.1.10", 5001), 161);
    set_handshake(&mut data, [161, 162, 172], 3_300_127_788, 2_441_988_321);
    data.last_packet = 184;
    data.bytes.initiator = 2111;
    data.closing = vec![
        closing(177, Side::Initiator, &["FIN", "ACK"], (2112, 3_300_129_900), 1),
        closing(179, Side::Responder, &["ACK"], (1, 2_441_988_322), 2113),
        closing(180, Side::Responder, &["FIN", "ACK"], (1, 2_441_988_322), 2113),
        closing(184, Side::Initiator, &["ACK"], (2113, 3_300_129_901), 2),
    ];
    data.closed_by = Some(ClosedBy::Initiator);
    data.state = ConnectionState::Closed;
    let entry = Entry {
        name: Some("archive-1.zip".into()),
        name_bytes: None,
        kind: Some("file"),
        size: Some(1300),
        modified: None,
        permissions: None,
        owner: None,
        group: None,
        target: None,
        text: String::new(),
    };
    Transfer {
        verb: Some("LIST".to_owned()),
        path: None,
        argument: None,
        kind: Some(Kind::Listing),
        mode: Some(Mode::Active),
        setup: Some(Setup {
            verb: "PORT".to_owned(),
            command_packet: Some(157),
            reply_packet: Some(159),
            address: Some(address("192.168.1.10")),
            port: Some(5001),
            arithmetic: Some("19 * 256 + 137 = 5001".to_owned()),
            text: Some("192,168,1,10,19,137".to_owned()),
        }),
        opening_reply: Some(ReplyRef { packet: 174, code: Some(125) }),
        closing_reply: Some(ReplyRef { packet: 178, code: Some(226) }),
        data: Some(data),
        data_packets: DataPackets { first: Some(173), last: Some(175), count: 2, list: vec![173, 175] },
        representation: Type::Ascii,
        type_seen: false,
        bytes: 2111,
        listing: Some(Listing {
            format: Some("unix".to_owned()),
            entries: vec![entry; 30],
            unparsed: 0,
            truncated: false,
        }),
        duration: Some(0.086),
        ..download(&greeted())
    }
}

fn set_handshake(connection: &mut Connection, packets: [u64; 3], initiator: u32, responder: u32) {
    connection.first_packet = packets[0];
    connection.initial_sequence = PerEnd { initiator: Some(initiator), responder: Some(responder) };
    let after = |raw: u32| Some(raw.wrapping_add(1));
    let numbers = |raw_sequence, raw_acknowledgement| Some(Numbers { raw_sequence, raw_acknowledgement });
    connection.handshake = Handshake {
        syn: Some(packets[0]),
        syn_ack: Some(packets[1]),
        ack: Some(packets[2]),
        syn_numbers: numbers(initiator, None),
        syn_ack_numbers: numbers(responder, after(initiator)),
        ack_numbers: numbers(initiator.wrapping_add(1), after(responder)),
        round_trip: Some(0.05),
    };
}

//! The dialogue itself: what was never answered, what nobody asked for, and control connections that went away.

use super::{Kind, transfer_name};
use crate::report::{Closing, Exchange, Finding, Protocol, Reply, Session, Severity, Side, Transfer};
use crate::wording::{command, counted, packets as named, quoted, reply as spoken, seconds};

/// The server said 421.
pub const SERVER_CLOSED: Kind = Kind {
    code: "server-421",
    severity: Severity::Medium,
    title: "server closed with 421",
    meaning: "The server ended the session of its own accord: 421, service not available.",
    rule: "RFC 959, section 5.4",
    advice: "Read its text: too many connections, idle for too long, or shutting down. Raise the limit, or wait and try again.",
};

/// The control connection ended, or 421 came, while data was flowing; or RST after a long transfer instead of its 226.
pub const CONTROL_LOST: Kind = Kind {
    code: "control-lost-during-transfer",
    severity: Severity::Medium,
    title: "control connection lost during a transfer",
    meaning: "The control connection was closed, reset or ended with 421 while a transfer ran, or was reset after one of more \
              than 60 s whose closing reply never came. Firewalls and servers do that to connections that seem idle.",
    rule: "RFC 5382, section 5; RFC 1122, section 4.2.3.6",
    advice: "Raise the idle time of firewalls and server above that of the longest transfer, or turn on TCP keep-alive for the \
             control connection.",
};

/// A command that the server acknowledged and did not answer, although it answered later ones or closed first itself.
pub const COMMAND_NEVER_ANSWERED: Kind = Kind {
    code: "command-never-answered",
    severity: Severity::Low,
    title: "command never answered",
    meaning: "A command reached the server (TCP acknowledged it) and no reply to it followed, though later commands were \
              answered or the server closed the connection, and none of the server's bytes are missing.",
    rule: "RFC 959, section 5.4",
    advice: "Look at the server's log around that time. Every command has to have at least one reply.",
};

/// A reply to no command, in a control connection that was seen from its start without holes.
pub const REPLY_WITHOUT_COMMAND: Kind = Kind {
    code: "reply-without-command",
    severity: Severity::Info,
    title: "reply without a command",
    meaning: "The server sent a reply that belongs to no command, though all of the client's bytes are in the capture.",
    rule: "RFC 959, sections 4.2 and 5.4",
    advice: "Clients may take it for the answer to their next command. Look whether the server's software has an update.",
};

/// A line beyond the limit.
pub const LINE_TOO_LONG: Kind = Kind {
    code: "line-too-long",
    severity: Severity::Low,
    title: "over-long line",
    meaning: "A command or reply was longer than is kept here; such lines serve to overflow buffers or to hide commands.",
    rule: "RFC 959, section 5.3",
    advice: "Look at the packets themselves, and whether the software at the other end is known to suffer from it.",
};

/// A control port other than 21, or 990 for implicit TLS.
pub const NON_STANDARD_PORT: Kind = Kind {
    code: "non-standard-port",
    severity: Severity::Info,
    title: "FTP on another port",
    meaning: "The server listens on another port than 21 (990 with implicit TLS); the dialogue shows that it is FTP.",
    rule: "RFC 959, section 8; IANA service names",
    advice: "Firewalls and other analysers that go by the port do not see it; check that it is meant to be there.",
};

/// EPSV answered by 227, or PASV by 229.
pub const PASSIVE_REPLY_MISMATCH: Kind = Kind {
    code: "passive-reply-mismatch",
    severity: Severity::Low,
    title: "EPSV and PASV confused",
    meaning: "The server answered EPSV with 227 or PASV with 229; strict clients do not understand that.",
    rule: "RFC 2428, section 3; RFC 959, section 4.1.2",
    advice: "Look whether the server's software, or a firewall that rewrites FTP, has an update.",
};

/// What the session notes as odd.
pub const PROTOCOL_ODDITY: Kind = Kind {
    code: "protocol-oddity",
    severity: Severity::Info,
    title: "odd protocol details",
    meaning: "Replies or commands break the grammar in harmless ways; the report's notes say how they were read.",
    rule: "RFC 959, sections 4.2 and 5.3",
    advice: "Nothing, unless a client has trouble with this server.",
};

/// Shorter transfers are not suspected to have outlived the patience of a firewall, in seconds.
const LONG_TRANSFER: f64 = 60.0;

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    let replies = session.replies();
    let closing_server = replies.iter().find(|reply| reply.code == Some(421)).copied();
    found.extend(closing_server.map(|reply| server_closed(session, reply)));
    let transfers = session.transfers.iter();
    found.extend(transfers.filter_map(|transfer| control_lost(session, transfer, closing_server)));
    found.extend(never_answered(session, &replies));
    found.extend(without_command(session));
    found.extend(too_long(session, &replies));
    found.extend(non_standard_port(session));
    found.extend(passive_reply_mismatch(session));
    found.extend(oddities(session));
}

fn server_closed(session: &Session, reply: &Reply) -> Finding {
    let detail = format!("The server said {}: {}.", spoken(reply), quoted(&reply.lines.join("\n")));
    SERVER_CLOSED.of(session, reply.packets.to_vec(), detail)
}

fn control_lost(session: &Session, transfer: &Transfer, closing_server: Option<&Reply>) -> Option<Finding> {
    let (first, last) = (transfer.data_packets.first?, transfer.data_packets.last?);
    let meanwhile = |packet: u64| first < packet && packet < last;
    let end = session.control.closing.first();
    let is_reset = |segment: &Closing| segment.flags.contains(&"RST");
    let by = |segment: &Closing| session.control_party(segment.from);
    let (packet, how) = if let Some(reply) = closing_server.filter(|reply| meanwhile(reply.packet)) {
        (reply.packet, "the server ended the session with 421".to_owned())
    } else if let Some(segment) = end.filter(|segment| meanwhile(segment.packet)) {
        let how = if is_reset(segment) { "reset" } else { "closed" };
        (segment.packet, format!("the control connection was {how} by the {}", by(segment)))
    } else {
        let segment = end.filter(|segment| segment.packet > last && is_reset(segment))?;
        let long = transfer.duration.filter(|duration| *duration > LONG_TRANSFER)?;
        // In a TLS session the reply may be there and unreadable.
        if transfer.closing_reply.is_some() || session.tls.is_some() {
            return None;
        }
        let by = by(segment);
        let how = format!(
            "after {} of data the control connection was reset by the {by}, without a 226",
            seconds(long)
        );
        (segment.packet, how)
    };
    let detail =
        format!("{}: {how} in #{packet}; its data is in #{first} to #{last}.", transfer_name(transfer));
    Some(CONTROL_LOST.of(session, vec![first, packet, last], detail))
}

fn gaps_from(session: &Session, side: Side) -> bool {
    session.control.quality.gaps.iter().any(|gap| gap.from == side)
}

fn never_answered(session: &Session, replies: &[&Reply]) -> Option<Finding> {
    let client = session.control_side_of_client();
    // Under TLS the answer may be there and unreadable.
    if gaps_from(session, client.other()) || session.tls.is_some() || session.dropped_exchanges > 0 {
        return None;
    }
    // Replies to earlier commands prove nothing, and a server whose client has left need not go on.
    let answered = |exchange: &Exchange| exchange.command.is_some() && !exchange.replies.is_empty();
    let last_answered = session.exchanges.iter().rposition(answered);
    let closed = session.control.closing.first().filter(|segment| segment.from != client);
    let begin = match session.control.handshake.syn_ack {
        // A reply sent before the first packet of the server's in the capture would not be missed.
        None => replies.first().map(|reply| reply.packet)?,
        Some(packet) => packet,
    };
    let unanswered: Vec<_> = session
        .exchanges
        .iter()
        .enumerate()
        .filter(|(_, exchange)| exchange.replies.is_empty())
        .filter_map(|(position, exchange)| Some((position, exchange.command.as_ref()?)))
        // A server may close without a word after QUIT, and answer ABOR with the transfer's own replies.
        .filter(|(_, command)| {
            !matches!(command.verb.as_ref(), "QUIT" | "ABOR") && command.acknowledged_by.is_some()
        })
        .filter(|(position, command)| {
            let Some((first, last)) = command.packets.first().zip(command.packets.last()) else {
                return false;
            };
            let went_on = last_answered.is_some_and(|later| later > *position);
            *first > begin && (went_on || closed.is_some_and(|segment| segment.packet > *last))
        })
        .map(|(_, command)| command)
        .collect();
    let first = unanswered.first()?;
    let packets: Vec<u64> = unanswered.iter().flat_map(|command| command.packets.iter().copied()).collect();
    let detail = format!(
        "{} without a reply, in {}; the first is {}, which #{} acknowledged.",
        counted(unanswered.len() as u64, "command"),
        named(&packets),
        quoted(&command(&first.verb, first.argument.as_deref())),
        first.acknowledged_by.unwrap_or_default()
    );
    Some(COMMAND_NEVER_ANSWERED.of(session, packets, detail))
}

fn without_command(session: &Session) -> Option<Finding> {
    let client = session.control_side_of_client();
    let whole = session.control.handshake.syn.is_some() && session.dropped_exchanges == 0;
    if !whole || gaps_from(session, client) || session.tls.is_some() {
        return None;
    }
    let greeting = session.greeting.as_ref().map(|greeting| greeting.packet);
    let left = session.control.closing.iter().find(|segment| segment.from == client);
    // Some servers answer the end of the connection as they would QUIT.
    let farewell =
        |reply: &Reply| reply.code == Some(221) && left.is_some_and(|segment| segment.packet < reply.packet);
    // 120 and 220 greet, 421 may come at any time.
    let unasked: Vec<&Reply> = session
        .exchanges
        .iter()
        .filter(|exchange| exchange.command.is_none())
        .flat_map(|exchange| &exchange.replies)
        .filter(|reply| Some(reply.packet) != greeting && !matches!(reply.code, Some(120 | 220 | 421)))
        .filter(|reply| !farewell(reply))
        .collect();
    let first = unasked.first()?;
    let packets: Vec<u64> = unasked.iter().map(|reply| reply.packet).collect();
    let detail = format!(
        "{} that no command asked for, in {}; the first is {}, {}.",
        counted(unasked.len() as u64, "reply"),
        named(&packets),
        spoken(first),
        quoted(&first.lines.join("\n"))
    );
    Some(REPLY_WITHOUT_COMMAND.of(session, packets, detail))
}

fn too_long(session: &Session, replies: &[&Reply]) -> Option<Finding> {
    let commands = session.exchanges.iter().filter_map(|exchange| exchange.command.as_ref());
    let commands =
        commands.filter(|command| command.truncated_from.is_some()).map(|command| &command.packets);
    let replies = replies.iter().filter(|reply| reply.truncated_from.is_some()).map(|reply| &reply.packets);
    let (mut lines, mut packets) = (0, Vec::new());
    for of_line in commands.chain(replies) {
        lines += 1;
        packets.extend(of_line.first());
    }
    if lines == 0 {
        return None;
    }
    let detail = format!("{} cut, beginning in {}.", counted(lines, "line"), named(&packets));
    Some(LINE_TOO_LONG.of(session, packets, detail))
}

fn non_standard_port(session: &Session) -> Option<Finding> {
    let port = session.server.port;
    let usual = if session.protocol == Protocol::FtpsImplicit { 990 } else { 21 };
    (port != usual).then(|| {
        let server = session.server.address;
        let detail = format!("The server {server} listens on port {port} instead of {usual}.");
        NON_STANDARD_PORT.of(session, vec![session.control.first_packet], detail)
    })
}

fn passive_reply_mismatch(session: &Session) -> Option<Finding> {
    let confused = |exchange: &Exchange| {
        let verb = exchange.command.as_ref().map(|command| command.verb.as_ref());
        let wrong = match verb {
            Some("EPSV") => 227,
            Some("PASV") => 229,
            _ => return None,
        };
        let reply = exchange.replies.iter().find(|reply| reply.code == Some(wrong))?;
        Some((
            exchange.command.as_ref()?.packets.first().copied()?,
            verb.unwrap_or_default().to_owned(),
            reply.packet,
            wrong,
        ))
    };
    let all: Vec<(u64, String, u64, u16)> = session.exchanges.iter().filter_map(confused).collect();
    let (asked, verb, answered, code) = all.first()?;
    let packets = all.iter().flat_map(|(asked, _, answered, _)| [*asked, *answered]).collect();
    let detail = format!(
        "{verb} in #{asked} was answered by {code} in #{answered}; {} in all.",
        counted(all.len() as u64, "time")
    );
    Some(PASSIVE_REPLY_MISMATCH.of(session, packets, detail))
}

fn oddities(session: &Session) -> Option<Finding> {
    let first = session.notes.first()?;
    let packets: Vec<u64> = session.notes.iter().filter_map(|note| note.packet).collect();
    let detail = format!(
        "{} in the session's notes; the first: {}.",
        counted(session.notes.len() as u64, "remark"),
        first.text
    );
    Some(PROTOCOL_ODDITY.of(session, packets, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, finding, raises};
    use crate::report::{Gap, Note};
    use crate::sample::{closing, download, exchange, greeted, reply};

    fn fetched() -> Session {
        let mut session = greeted();
        session.transfers = vec![download(&session)];
        session
    }

    #[test]
    fn server_that_says_421_is_told_with_its_words() {
        let mut session = greeted();
        session.exchanges =
            vec![Exchange { command: None, replies: vec![reply(50, 421, "Timeout", 90, (51, 99))] }];
        assert_eq!(codes(&session), ["server-421"]);
        assert!(finding(&session, "server-421").detail.contains("\"Timeout\""));
    }

    #[test]
    fn a_control_connection_closed_between_data_packets_is_lost_and_after_them_is_not() {
        let mut session = fetched();
        session.control.closing = vec![closing(175, Side::Initiator, &["FIN", "ACK"], (9, 9), 9)];
        assert!(
            finding(&session, "control-lost-during-transfer").detail.contains("closed by the client in #175")
        );
        session.control.closing = vec![closing(190, Side::Initiator, &["FIN", "ACK"], (9, 9), 9)];
        assert!(!raises(&session, "control-lost-during-transfer"));
    }

    #[test]
    fn reset_after_a_long_transfer_without_its_reply_is_lost_too() {
        let mut session = fetched();
        session.control.closing = vec![closing(190, Side::Responder, &["RST"], (9, 9), 9)];
        session.transfers[0].closing_reply = None;
        assert!(!raises(&session, "control-lost-during-transfer"));
        session.transfers[0].duration = Some(301.0);
        assert!(raises(&session, "control-lost-during-transfer"));
    }

    #[test]
    fn a_command_without_reply_counts_only_if_the_dialogue_goes_on_without_holes() {
        let mut session = greeted();
        session.exchanges = vec![exchange(10, "NOOP", None, &[])];
        assert!(codes(&session).is_empty());
        session.exchanges.push(exchange(20, "NOOP", None, &[(21, 200, "ok")]));
        assert_eq!(codes(&session), ["command-never-answered"]);
        session.dropped_exchanges = 1;
        assert!(!raises(&session, "command-never-answered"));
        session.dropped_exchanges = 0;
        session.control.quality.gaps =
            vec![Gap { from: Side::Responder, sequence: 9, length: 8, acknowledged: false }];
        assert!(!raises(&session, "command-never-answered"));
    }

    #[test]
    fn a_late_reply_to_an_earlier_command_does_not_show_that_the_server_went_on() {
        let mut session = greeted();
        session.exchanges =
            vec![exchange(10, "PASS", None, &[(23, 230, "in")]), exchange(12, "PASV", None, &[])];
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn a_client_that_leaves_without_waiting_is_owed_no_reply() {
        let mut session = greeted();
        session.exchanges = vec![exchange(12, "PASV", None, &[])];
        session.control.closing = vec![closing(20, Side::Initiator, &["FIN", "ACK"], (9, 9), 9)];
        assert!(codes(&session).is_empty());
        session.control.closing = vec![closing(20, Side::Responder, &["FIN", "ACK"], (9, 9), 9)];
        assert_eq!(codes(&session), ["command-never-answered"]);
    }

    #[test]
    fn a_command_before_the_server_s_first_packet_may_have_been_answered_out_of_sight() {
        let mut session = greeted();
        session.greeting = None;
        session.exchanges =
            vec![exchange(10, "PASS", None, &[]), exchange(20, "NOOP", None, &[(21, 200, "ok")])];
        assert_eq!(codes(&session), ["command-never-answered"]);
        crate::sample::without_handshake(&mut session.control);
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn a_reply_to_nothing_counts_only_if_all_of_the_client_was_seen() {
        let mut session = greeted();
        session.exchanges =
            vec![Exchange { command: None, replies: vec![reply(50, 200, "what?", 90, (51, 99))] }];
        assert_eq!(codes(&session), ["reply-without-command"]);
        session.dropped_exchanges = 1;
        assert!(codes(&session).is_empty());
        session.dropped_exchanges = 0;
        crate::sample::without_handshake(&mut session.control);
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn a_farewell_to_a_client_that_has_closed_is_no_reply_to_nothing() {
        let mut session = greeted();
        session.exchanges =
            vec![Exchange { command: None, replies: vec![reply(50, 221, "Bye", 90, (51, 99))] }];
        assert_eq!(codes(&session), ["reply-without-command"]);
        session.control.closing = vec![closing(48, Side::Initiator, &["FIN", "ACK"], (9, 9), 9)];
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn an_over_long_line_is_told() {
        let mut session = greeted();
        session.exchanges = vec![exchange(10, "SITE", Some("x"), &[(11, 200, "ok")])];
        assert!(codes(&session).is_empty());
        session.exchanges[0].command.as_mut().unwrap().truncated_from = Some(100_000);
        assert_eq!(codes(&session), ["line-too-long"]);
    }

    #[test]
    fn another_port_is_told_and_990_is_right_for_implicit_tls() {
        let mut session = greeted();
        session.server.port = 2121;
        assert_eq!(codes(&session), ["non-standard-port"]);
        session.server.port = 990;
        session.protocol = Protocol::FtpsImplicit;
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn epsv_answered_by_227_is_told() {
        let mut session = greeted();
        let text = "Entering Passive Mode (203,0,113,9,195,80)";
        session.exchanges = vec![exchange(10, "EPSV", None, &[(11, 227, text)])];
        assert_eq!(codes(&session), ["passive-reply-mismatch"]);
        session.exchanges = vec![exchange(10, "EPSV", None, &[(11, 229, "(|||50000|)")])];
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn notes_are_pointed_at_once() {
        let mut session = greeted();
        let note = Note { packet: Some(8), text: "A line ends in LF alone.".to_owned() };
        session.notes = vec![note.clone(), note];
        assert_eq!(codes(&session), ["protocol-oddity"]);
    }
}

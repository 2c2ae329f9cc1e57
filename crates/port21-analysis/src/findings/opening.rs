//! Data connections that were announced and never opened.

use super::{Kind, transfer_name};
use crate::report::{
    Connection, ConnectionState, Endpoint, FailureCause, Finding, Mode, Session, Severity, Side, Transfer,
};
use crate::wording::{code_and_packet, packets as named};

/// The server's SYN was not answered, while the capture shows packets of both ends on the control connection.
pub const ACTIVE_MODE_BLOCKED: Kind = Kind {
    code: "active-mode-blocked",
    severity: Severity::Medium,
    title: "active mode blocked",
    meaning: "The server tried to connect to the client for data, and its SYN was not answered: something at the client's \
              side, a firewall or address translation, does not let it in.",
    rule: "RFC 1579; RFC 959, section 3.2",
    advice: "Let the client use passive mode (EPSV or PASV), or open its firewall for connections from the server.",
};

/// The client's SYN was not answered.
pub const PASSIVE_MODE_BLOCKED: Kind = Kind {
    code: "passive-mode-blocked",
    severity: Severity::Medium,
    title: "passive mode blocked",
    meaning: "The client tried to connect to the port that the server announced, and its SYN was not answered: a firewall \
              before the server, or a wrong address in the announcement.",
    rule: "RFC 1579; RFC 959, section 4.1.2",
    advice: "Give the server a fixed range of passive ports, open it in the firewall, and check the address that it announces.",
};

/// The SYN was answered by RST.
pub const DATA_CONNECTION_REFUSED: Kind = Kind {
    code: "data-connection-refused",
    severity: Severity::Medium,
    title: "data connection refused",
    meaning: "The attempt to open the data connection was answered by RST: nobody listens there, or a firewall says no.",
    rule: "RFC 9293, section 3.5.2",
    advice: "Check that the announced address and port are those on which the other end listens, and firewalls between.",
};

/// An ICMP message about the SYN is in the capture.
pub const DATA_CONNECTION_UNREACHABLE: Kind = Kind {
    code: "data-connection-unreachable",
    severity: Severity::Medium,
    title: "data connection unreachable",
    meaning: "An ICMP message in the capture says that the other end of the data connection cannot be reached.",
    rule: "RFC 1122, section 4.2.3.9; RFC 792; RFC 4443, section 3.1",
    advice: "Look at the router or firewall that sent the message, and at the announced address.",
};

/// It was opened and reset before any data.
pub const DATA_CONNECTION_RESET: Kind = Kind {
    code: "data-connection-reset",
    severity: Severity::Medium,
    title: "data connection reset before any data",
    meaning: "The data connection was opened and then reset before it carried a byte.",
    rule: "RFC 9293, section 3.5.2",
    advice: "Look at the log of the end that sent the reset; servers do so when the peer's address or TLS session is not \
             the one that they expect.",
};

/// The server said 425 although the data connection was open.
pub const DATA_CONNECTION_REJECTED: Kind = Kind {
    code: "data-connection-rejected",
    severity: Severity::Medium,
    title: "data connection not accepted",
    meaning: "The data connection was opened, but the server said that it could not be (425): it came too late, from \
              another address than the control connection, or without the TLS session that the server wants resumed.",
    rule: "RFC 959, sections 4.2.2 and 5.4; RFC 2577, section 4",
    advice: "Read the server's text; let the client connect from one address, and resume its TLS session for data.",
};

/// The server itself said 425, and no attempt is in the capture.
pub const DATA_CONNECTION_NOT_SEEN: Kind = Kind {
    code: "data-connection-not-seen",
    severity: Severity::Medium,
    title: "data connection failed out of sight",
    meaning: "The server said that it could not open the data connection (425), and no attempt is in the capture.",
    rule: "RFC 959, section 5.4",
    advice: "Capture at the server or at the client to see whether a SYN was sent, and where it went.",
};

/// The server said 425 to a command before which no data connection was announced.
pub const DATA_CONNECTION_NOT_ANNOUNCED: Kind = Kind {
    code: "data-connection-not-announced",
    severity: Severity::Low,
    title: "no PORT or PASV before a transfer",
    meaning: "A transfer was asked for without PORT, PASV or their kin before it, and the server could not open a data \
              connection (425). The server then has the client's own control port to connect to, where clients do not \
              listen. The client's side of the dialogue was seen from its start, without holes.",
    rule: "RFC 959, sections 3.2 and 5.1; RFC 1123, section 4.1.2.5",
    advice: "Let the client send PASV, EPSV, PORT or EPRT before each transfer.",
};

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    found.extend(session.transfers.iter().filter_map(|transfer| failed(session, transfer)));
    found.extend(session.transfers.iter().filter_map(|transfer| rejected(session, transfer)));
    let unused = session.unused_data_connections.iter();
    found.extend(unused.filter_map(|connection| failed_before_the_command(session, connection)));
}

fn failed(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let failure = transfer.failure.as_ref()?;
    let kind = match (failure.cause, transfer.mode) {
        // A capture that holds only one direction would miss every answer.
        (FailureCause::NoAnswer, _) if !shows_both_directions(session) => return None,
        (FailureCause::NoAnswer, Some(Mode::Active | Mode::ExtendedActive)) => ACTIVE_MODE_BLOCKED,
        (FailureCause::NoAnswer, Some(Mode::Passive | Mode::ExtendedPassive)) => PASSIVE_MODE_BLOCKED,
        (FailureCause::NoAnswer, None) => return None,
        (FailureCause::Refused, _) => DATA_CONNECTION_REFUSED,
        (FailureCause::Unreachable, _) => DATA_CONNECTION_UNREACHABLE,
        (FailureCause::Reset, _) => DATA_CONNECTION_RESET,
        (FailureCause::NotSeen, _) => {
            transfer.closing_reply.filter(|reply| reply.code == Some(425))?;
            match transfer.setup {
                Some(_) => DATA_CONNECTION_NOT_SEEN,
                None if heard_the_client(session) => return Some(not_announced(session, transfer)),
                None => return None,
            }
        }
    };
    let mut packets = failure.packets.clone();
    packets.extend(transfer.command_packet);
    packets.extend(transfer.closing_reply.map(|reply| reply.packet));
    let target = target(transfer).map(|end| format!(" to {end}")).unwrap_or_default();
    let shown =
        if failure.packets.is_empty() { String::new() } else { format!(", see {}", named(&failure.packets)) };
    let answer = match transfer.closing_reply {
        Some(reply) => format!(" The server answered {}.", code_and_packet(reply.code, reply.packet)),
        None => String::new(),
    };
    let detail = format!(
        "{}: the data connection{target} {}{shown}.{answer}",
        transfer_name(transfer),
        happened(failure.cause)
    );
    Some(kind.of(session, packets, detail))
}

fn rejected(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let reply = transfer.closing_reply.filter(|reply| reply.code == Some(425))?;
    let data = transfer.data.as_ref().filter(|_| transfer.failure.is_none())?;
    let opened = data.handshake.syn.unwrap_or(data.first_packet);
    let detail = format!(
        "{}: the data connection from {} to {} was opened in #{opened}, and the server answered {}.",
        transfer_name(transfer),
        data.initiator,
        data.responder,
        code_and_packet(reply.code, reply.packet)
    );
    let packets = transfer.command_packet.into_iter().chain([opened, reply.packet]).collect();
    Some(DATA_CONNECTION_REJECTED.of(session, packets, detail))
}

/// Whether an announcement would have been seen.
fn heard_the_client(session: &Session) -> bool {
    let client = session.control_side_of_client();
    session.control.handshake.syn.is_some()
        && session.control.quality.gaps.iter().all(|gap| gap.from != client)
        && session.tls.is_none()
}

fn not_announced(session: &Session, transfer: &Transfer) -> Finding {
    let reply = transfer.closing_reply;
    let answer = reply.map_or_else(String::new, |reply| code_and_packet(reply.code, reply.packet));
    let packets = transfer.command_packet.into_iter().chain(reply.map(|reply| reply.packet)).collect();
    let detail = format!(
        "{}: the client had announced no data connection for it, and the server answered {answer}.",
        transfer_name(transfer)
    );
    DATA_CONNECTION_NOT_ANNOUNCED.of(session, packets, detail)
}

fn happened(cause: FailureCause) -> &'static str {
    match cause {
        FailureCause::NoAnswer => "was not opened: SYN stayed without answer",
        FailureCause::Refused => "was not opened: SYN was answered by RST",
        FailureCause::Unreachable => "was not opened: its end was reported unreachable",
        FailureCause::Reset => "was reset before any data",
        FailureCause::NotSeen => "was not opened, and no attempt is in the capture",
    }
}

fn target(transfer: &Transfer) -> Option<Endpoint> {
    if let Some(data) = transfer.data.as_ref() {
        return Some(data.responder);
    }
    let setup = transfer.setup.as_ref()?;
    Some(Endpoint { address: setup.address?, port: setup.port? })
}

fn shows_both_directions(session: &Session) -> bool {
    session.control.packets.initiator > 0 && session.control.packets.responder > 0
}

/// Many clients connect before they send the command, and never send it if that fails.
fn failed_before_the_command(session: &Session, connection: &Connection) -> Option<Finding> {
    if connection.state != ConnectionState::NeverOpened {
        return None;
    }
    let refusal = connection
        .closing
        .iter()
        .find(|segment| segment.from == Side::Responder && segment.flags.contains(&"RST"));
    let to_server = connection.responder.address == session.server.address;
    let (kind, cause) = match refusal {
        Some(_) => (DATA_CONNECTION_REFUSED, FailureCause::Refused),
        None if !shows_both_directions(session) => return None,
        None if to_server => (PASSIVE_MODE_BLOCKED, FailureCause::NoAnswer),
        None => (ACTIVE_MODE_BLOCKED, FailureCause::NoAnswer),
    };
    let mut packets = vec![connection.first_packet];
    packets.extend(refusal.map(|segment| segment.packet));
    let detail = format!(
        "The data connection from {} to {} {}, see {}; no transfer came of it.",
        connection.initiator,
        connection.responder,
        happened(cause),
        named(&packets)
    );
    Some(kind.of(session, packets, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, raises};
    use crate::report::{Failure, ReplyRef};
    use crate::sample::{closing, download, greeted};

    fn failing(cause: FailureCause, mode: Mode) -> Session {
        let mut session = greeted();
        let mut transfer = download(&session);
        transfer.mode = Some(mode);
        transfer.failure = Some(Failure { cause, packets: vec![170, 171] });
        transfer.closing_reply = Some(ReplyRef { packet: 180, code: Some(425) });
        transfer.bytes = 0;
        transfer.complete = false;
        session.transfers = vec![transfer];
        session
    }

    #[test]
    fn each_cause_has_its_code() {
        use FailureCause::*;
        assert_eq!(codes(&failing(NoAnswer, Mode::Active)), ["active-mode-blocked"]);
        assert_eq!(codes(&failing(NoAnswer, Mode::ExtendedPassive)), ["passive-mode-blocked"]);
        assert_eq!(codes(&failing(Refused, Mode::Active)), ["data-connection-refused"]);
        assert_eq!(codes(&failing(Unreachable, Mode::Active)), ["data-connection-unreachable"]);
        assert_eq!(codes(&failing(Reset, Mode::Passive)), ["data-connection-reset"]);
        assert_eq!(codes(&failing(NotSeen, Mode::Passive)), ["data-connection-not-seen"]);
    }

    #[test]
    fn a_connection_that_was_opened_and_answered_425_was_not_accepted() {
        let mut session = failing(FailureCause::NotSeen, Mode::Passive);
        session.transfers[0].failure = None;
        assert_eq!(codes(&session), ["data-connection-rejected"]);
        session.transfers[0].data = None;
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn a_capture_of_one_direction_proves_no_missing_answer() {
        let mut session = failing(FailureCause::NoAnswer, Mode::Active);
        session.control.packets.initiator = 0;
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn an_attempt_out_of_sight_is_told_only_if_the_server_says_that_it_failed() {
        let mut session = failing(FailureCause::NotSeen, Mode::Passive);
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(226) });
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn without_an_announcement_there_was_nothing_to_open_if_the_client_was_heard() {
        let mut session = failing(FailureCause::NotSeen, Mode::Passive);
        session.transfers[0].setup = None;
        assert_eq!(codes(&session), ["data-connection-not-announced"]);
        crate::sample::without_handshake(&mut session.control);
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn a_connection_that_worked_is_no_failure() {
        let mut session = greeted();
        session.transfers = vec![download(&session)];
        assert_eq!(codes(&session), ["files-in-clear"]);
    }

    #[test]
    fn failure_before_the_command_is_told_too() {
        let mut session = greeted();
        let mut attempt = download(&session).data.unwrap();
        session.unused_data_connections = vec![attempt.clone()];
        assert!(codes(&session).is_empty());
        attempt.state = ConnectionState::NeverOpened;
        attempt.closing.clear();
        session.unused_data_connections = vec![attempt.clone()];
        assert_eq!(codes(&session), ["passive-mode-blocked"]);
        attempt.closing = vec![closing(171, Side::Responder, &["RST", "ACK"], (0, 0), 1)];
        session.unused_data_connections = vec![attempt];
        assert!(raises(&session, "data-connection-refused"));
    }
}

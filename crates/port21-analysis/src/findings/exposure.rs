//! What others could read.

use super::Kind;
use crate::report::{Finding, Kind as Carries, Outcome, Protocol, Session, Severity, Transfer};
use crate::wording::{command, counted, list, packets as named};

/// PASS with an argument that is not empty was read from the capture.
pub const PASSWORD_IN_CLEAR: Kind = Kind {
    code: "password-in-clear",
    severity: Severity::High,
    title: "password in clear",
    meaning: "A password crossed the network unencrypted: PASS could be read from the capture.",
    rule: "RFC 2577, section 5; RFC 4217",
    advice: "Change the password wherever it is used. Use explicit TLS (AUTH TLS, RFC 4217), and have the server refuse \
             logins without it.",
};

/// A guest login was accepted.
pub const ANONYMOUS_LOGIN: Kind = Kind {
    code: "anonymous-login",
    severity: Severity::Info,
    title: "anonymous login",
    meaning: "The server lets anyone in: USER anonymous, ftp or guest was accepted.",
    rule: "RFC 1635",
    advice: "Check that the server means to be public, and that guests cannot write where others read.",
};

/// A file's bytes crossed the network unencrypted.
pub const FILES_IN_CLEAR: Kind = Kind {
    code: "files-in-clear",
    severity: Severity::Info,
    title: "files in clear",
    meaning: "Files crossed the network unencrypted: their bytes are in the capture.",
    rule: "RFC 2577, section 6",
    advice: "Where files must stay secret or unchanged, use TLS with PROT P (RFC 4217, section 9).",
};

/// AUTH was answered by 4yz or 5yz, and never accepted.
pub const TLS_REFUSED: Kind = Kind {
    code: "tls-refused",
    severity: Severity::Medium,
    title: "TLS refused",
    meaning: "The client asked for TLS and the server refused (AUTH answered 4yz or 5yz, and never 234).",
    rule: "RFC 4217, section 4; RFC 2228, section 3",
    advice: "Enable TLS at the server. Set the client to require it, so that it does not go on in the clear.",
};

/// TLS on the control connection, and data that is not TLS.
pub const TLS_DATA_IN_CLEAR: Kind = Kind {
    code: "tls-data-in-clear",
    severity: Severity::Medium,
    title: "data in clear beside an encrypted login",
    meaning: "The control connection is encrypted, the data is not: PROT P was not in force. The data connection was seen \
              from its first byte.",
    rule: "RFC 4217, section 9",
    advice: "Have the client send PBSZ 0 and PROT P, and the server refuse data connections without it.",
};

/// The control connection went back to clear text.
pub const CCC_USED: Kind = Kind {
    code: "ccc-used",
    severity: Severity::Low,
    title: "control connection in clear again",
    meaning: "After the login, CCC took TLS off the control connection: names of files can be read, commands be changed.",
    rule: "RFC 4217, section 12.3",
    advice: "Turn CCC off. Firewalls that need to read PORT and PASV do without it when the client uses EPSV.",
};

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    found.extend(password_in_clear(session));
    found.extend(anonymous_login(session));
    found.extend(files_in_clear(session));
    found.extend(tls_refused(session));
    found.extend(tls_data_in_clear(session));
    found.extend(ccc_used(session));
}

fn password_in_clear(session: &Session) -> Option<Finding> {
    // An empty password gives nothing away.
    let exposed: Vec<_> = session
        .logins
        .iter()
        .filter(|login| login.password.as_deref().is_some_and(|password| !password.is_empty()))
        .filter_map(|login| Some((login, login.password_packet?)))
        .collect();
    let packets: Vec<u64> = exposed.iter().map(|(_, packet)| *packet).collect();
    let mut users: Vec<String> = exposed
        .iter()
        .map(|(login, _)| login.user.clone().unwrap_or_else(|| "(unknown)".to_owned()))
        .collect();
    users.dedup();
    if users.is_empty() {
        return None;
    }
    let more = users.len().saturating_sub(5);
    users.truncate(5);
    if more > 0 {
        users.push(format!("{more} more"));
    }
    let (client, server) = (session.client.address, session.server.address);
    let whom = if client == server {
        format!("Client and server are one host, {client}: whoever can capture on it could read it.")
    } else {
        format!("Anyone on the path between {client} and {server} could read it.")
    };
    let detail = format!(
        "{} sent in clear for {}, in {}. {whom}",
        counted(packets.len() as u64, "password"),
        list(&users),
        named(&packets)
    );
    Some(PASSWORD_IN_CLEAR.of(session, packets, detail))
}

fn anonymous_login(session: &Session) -> Option<Finding> {
    let accepted = |login: &&crate::report::Login| login.guest && login.outcome == Outcome::Accepted;
    let login = session.logins.iter().find(accepted)?;
    let user = login.user.as_deref().unwrap_or_default();
    let packets = [login.user_packet, login.reply_packet].into_iter().flatten().collect();
    let code = login.reply_code.map(|code| format!(" ({code})")).unwrap_or_default();
    let detail = format!("The server {} accepted {user} as a guest{code}.", session.server.address);
    Some(ANONYMOUS_LOGIN.of(session, packets, detail))
}

fn in_clear(transfer: &Transfer) -> bool {
    !transfer.protected && captured(transfer) > 0
}

/// Bytes of a transfer without those that the capture lacks.
fn captured(transfer: &Transfer) -> u64 {
    transfer.missing.iter().fold(transfer.bytes, |bytes, hole| bytes.saturating_sub(hole.length))
}

fn files_in_clear(session: &Session) -> Option<Finding> {
    let files: Vec<&Transfer> = session
        .transfers
        .iter()
        .filter(|transfer| transfer.kind == Some(Carries::File) && in_clear(transfer))
        .collect();
    let first = files.first()?;
    let bytes = files.iter().fold(0_u64, |sum, transfer| sum.saturating_add(captured(transfer)));
    let packets: Vec<u64> = files.iter().filter_map(|transfer| transfer.data_packets.first).collect();
    let name = first.path.as_deref().or(first.argument.as_deref());
    let which = match (files.len(), name) {
        (1, Some(name)) => format!(", {name}"),
        (1, None) => String::new(),
        (_, Some(name)) => format!(", the first {name}"),
        (_, None) => ", the first of unknown name".to_owned(),
    };
    let detail = format!(
        "{} with {} in the capture{which}.",
        counted(files.len() as u64, "unencrypted file"),
        counted(bytes, "byte")
    );
    Some(FILES_IN_CLEAR.of(session, packets, detail))
}

fn tls_refused(session: &Session) -> Option<Finding> {
    // TLS that came to be in the end, by another mechanism, is no refusal.
    if session.tls.is_some() || session.protocol != Protocol::Ftp {
        return None;
    }
    let refused: Vec<_> = session
        .exchanges
        .iter()
        .filter_map(|exchange| Some((exchange.command.as_ref()?, exchange.replies.last()?)))
        .filter(|(sent, reply)| {
            sent.verb == "AUTH" && reply.code.is_some_and(|code| (400..600).contains(&code))
        })
        .collect();
    let (sent, reply) = refused.first()?;
    let packets: Vec<u64> =
        refused.iter().flat_map(|(sent, reply)| sent.packets.iter().copied().chain([reply.packet])).collect();
    let followed = session.logins.iter().find_map(|login| login.password_packet);
    let then = match followed {
        Some(packet) => format!(" The client then sent its password in clear (#{packet})."),
        None => String::new(),
    };
    let detail = format!(
        "{} (#{}) was answered {} (#{}).{then}",
        command(&sent.verb, sent.argument.as_deref()),
        sent.packets.first().copied().unwrap_or_default(),
        reply.code.unwrap_or_default(),
        reply.packet
    );
    Some(TLS_REFUSED.of(session, packets, detail))
}

fn tls_data_in_clear(session: &Session) -> Option<Finding> {
    session.tls.as_ref()?;
    // Whether bytes are TLS shows at their beginning, so that has to be there.
    let from_the_start = |transfer: &&Transfer| {
        transfer.data.as_ref().is_some_and(|data| data.handshake.syn.is_some())
            && transfer.missing.first().is_none_or(|hole| hole.offset > 0)
    };
    let bare: Vec<&Transfer> =
        session.transfers.iter().filter(|transfer| in_clear(transfer)).filter(from_the_start).collect();
    if bare.is_empty() {
        return None;
    }
    let bytes = bare.iter().fold(0_u64, |sum, transfer| sum.saturating_add(transfer.bytes));
    let packets: Vec<u64> = bare.iter().filter_map(|transfer| transfer.data_packets.first).collect();
    let detail = format!(
        "{} with {} went unencrypted while the control connection was encrypted; the data begins in {}.",
        counted(bare.len() as u64, "transfer"),
        counted(bytes, "byte"),
        named(&packets)
    );
    Some(TLS_DATA_IN_CLEAR.of(session, packets, detail))
}

fn ccc_used(session: &Session) -> Option<Finding> {
    let packet = session.tls.as_ref()?.cleared_packet?;
    let detail = format!("From #{packet} on commands and replies can be read and changed again.");
    Some(CCC_USED.of(session, vec![packet], detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, raises};
    use crate::report::{Missing, PerSide, Tls};
    use crate::sample::{download, exchange, greeted, laboratory, login};

    fn tls() -> Tls {
        Tls {
            auth_packet: Some(10),
            first_packet: Some(13),
            version: None,
            server_name: None,
            cleared_packet: None,
            bytes: PerSide::default(),
        }
    }

    #[test]
    fn the_laboratory_capture_shows_a_password_and_a_guest() {
        assert_eq!(codes(&laboratory()), ["password-in-clear", "anonymous-login"]);
    }

    #[test]
    fn an_empty_password_gives_nothing_away() {
        let mut session = greeted();
        session.logins = vec![login("anonymous", "", [10, 12, 13], 230)];
        assert_eq!(codes(&session), ["anonymous-login"]);
    }

    #[test]
    fn a_guest_who_was_turned_away_is_no_anonymous_login() {
        let mut session = greeted();
        session.logins = vec![login("ftp", "x@y", [10, 12, 13], 530)];
        assert!(!raises(&session, "anonymous-login"));
        session.logins = vec![login("ftp", "x@y", [10, 12, 13], 230)];
        assert!(raises(&session, "anonymous-login"));
    }

    #[test]
    fn a_file_in_the_clear_is_told_and_a_listing_or_tls_is_not() {
        let mut session = greeted();
        session.transfers = vec![download(&session)];
        assert_eq!(codes(&session), ["files-in-clear"]);
        session.transfers[0].protected = true;
        assert!(codes(&session).is_empty());
        session.transfers[0].protected = false;
        session.transfers[0].kind = Some(Carries::Listing);
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn refused_tls_is_told_unless_another_mechanism_was_accepted() {
        let mut session = greeted();
        session.exchanges = vec![exchange(10, "AUTH", Some("TLS"), &[(11, 502, "no")])];
        assert_eq!(codes(&session), ["tls-refused"]);
        session.tls = Some(tls());
        assert!(codes(&session).is_empty());
    }

    #[test]
    fn bare_data_beside_tls_needs_to_be_seen_from_its_start() {
        let mut session = greeted();
        session.tls = Some(tls());
        session.transfers = vec![download(&session)];
        assert!(raises(&session, "tls-data-in-clear"));
        session.transfers[0].missing = vec![Missing { offset: 0, length: 10 }];
        assert!(!raises(&session, "tls-data-in-clear"));
    }

    #[test]
    fn ccc_is_told_where_it_was_used() {
        let mut session = greeted();
        session.tls = Some(tls());
        assert!(codes(&session).is_empty());
        session.tls.as_mut().unwrap().cleared_packet = Some(40);
        assert_eq!(codes(&session), ["ccc-used"]);
    }
}

//! Announced addresses that are not those of the end that announces them: translation, mistakes, and abuse.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use ftp_protocol::address::{DataAddress, parse_eprt, parse_lprt, parse_pasv_reply, parse_port};

use super::Kind;
use crate::report::{ConnectionState, Endpoint, Exchange, Finding, Session, Severity, Transfer};
use crate::wording::{counted, packets as named};

/// 227 with the address 0.0.0.0.
pub const PASSIVE_ADDRESS_ZERO: Kind = Kind {
    code: "passive-address-zero",
    severity: Severity::Low,
    title: "passive address is 0.0.0.0",
    meaning: "The server announced 0.0.0.0 as its address for data. Many clients take the control connection's address \
              instead, others fail.",
    rule: "RFC 959, section 4.1.2",
    advice: "Set the server's passive address, or let clients use EPSV, which announces none.",
};

/// 227 with a private address, from a server that is reached by a public one.
pub const PASSIVE_ADDRESS_PRIVATE: Kind = Kind {
    code: "passive-address-private",
    severity: Severity::Medium,
    title: "passive address is private",
    meaning: "The server announced a private address, but the client reaches it by a public one: it stands behind address \
              translation that does not rewrite the announcement. Low, if the transfer worked all the same.",
    rule: "RFC 1918, section 3; RFC 2663, section 4.4",
    advice: "Set the server's passive address to the public one, or let clients use EPSV.",
};

/// 227 with another address than the server's.
pub const PASSIVE_ADDRESS_MISMATCH: Kind = Kind {
    code: "passive-address-mismatch",
    severity: Severity::Medium,
    title: "passive address is not the server's",
    meaning: "The server announced another address than the one by which the client reaches it. Low, if the transfer worked \
              all the same.",
    rule: "RFC 959, section 4.1.2; RFC 2577, section 3",
    advice: "If the server has several addresses, set its passive address; clients may ignore it and use the control \
             connection's, and should.",
};

/// PORT or EPRT with a private address, from a client with a public one.
pub const ACTIVE_ADDRESS_PRIVATE: Kind = Kind {
    code: "active-address-private",
    severity: Severity::Medium,
    title: "active address is private",
    meaning: "The client announced a private address, but its packets come from a public one: it stands behind address \
              translation that does not rewrite PORT. Low, if the transfer worked all the same.",
    rule: "RFC 1918, section 3; RFC 2663, section 4.4",
    advice: "Let the client use passive mode.",
};

/// PORT or EPRT with another address than the client's.
pub const ACTIVE_ADDRESS_MISMATCH: Kind = Kind {
    code: "active-address-mismatch",
    severity: Severity::Low,
    title: "active address is not the client's",
    meaning: "The client named another host for the data connection, and the capture shows no connection to that host: \
              either the server did not obey, or the address was translated on the way.",
    rule: "RFC 2577, section 3",
    advice: "Look at who sent it. A server should refuse PORT with an address that is not the client's.",
};

/// The server sent a SYN to a host that the client named and that is not the client.
pub const BOUNCE: Kind = Kind {
    code: "bounce",
    severity: Severity::High,
    title: "server used to reach a third host",
    meaning: "At the client's bidding the server connected, or tried to connect, to a host that is not the client: the \
              packets of that are in the capture. That is the bounce attack, unless it is a transfer between servers \
              whose other half the capture does not hold.",
    rule: "RFC 2577, sections 2 and 3",
    advice: "Have the server refuse PORT and EPRT with addresses other than the client's.",
};

/// PORT or EPRT with a port below 1024.
pub const ACTIVE_PORT_RESERVED: Kind = Kind {
    code: "active-port-reserved",
    severity: Severity::Medium,
    title: "active mode to a well-known port",
    meaning: "The client named a port below 1024 for data, where services listen and FTP clients do not.",
    rule: "RFC 2577, section 3",
    advice: "Have the server refuse ports below 1024 in PORT and EPRT.",
};

/// A transfer between two servers.
pub const FXP: Kind = Kind {
    code: "server-to-server",
    severity: Severity::Info,
    title: "transfer between servers",
    meaning: "The data went from one server to another at the client's bidding (FXP).",
    rule: "RFC 959, section 5.2, figure 3; RFC 2577, section 3",
    advice: "Servers need not allow it, and most should not: it needs PORT to foreign addresses.",
};

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    let announcements = announcements(session);
    for kind in [PASSIVE_ADDRESS_ZERO, PASSIVE_ADDRESS_PRIVATE, PASSIVE_ADDRESS_MISMATCH] {
        found.extend(of_kind(session, &announcements, kind, passive_kind));
    }
    for kind in [ACTIVE_ADDRESS_PRIVATE, ACTIVE_ADDRESS_MISMATCH, BOUNCE] {
        found.extend(of_kind(session, &announcements, kind, active_kind));
    }
    let reserved = |_: &Session, announcement: &Announcement<'_>| {
        // Port 0 is no service's.
        let low = !announcement.by_server && (1..1024).contains(&announcement.place.port());
        low.then_some(ACTIVE_PORT_RESERVED)
    };
    found.extend(of_kind(session, &announcements, ACTIVE_PORT_RESERVED, reserved));
    found.extend(server_to_server(session));
}

/// An address that one end announced.
struct Announcement<'a> {
    place: SocketAddr,
    by_server: bool,
    packet: u64,
    reply_code: Option<u16>,
    transfer: Option<&'a Transfer>,
}

impl Announcement<'_> {
    /// Whether it is known that the data connection did not come to be.
    fn failed(&self) -> bool {
        self.transfer.is_some_and(|transfer| transfer.failure.is_some())
    }

    /// The end that listened, or was to listen, as the packets show it.
    fn target(&self, session: &Session) -> Option<Endpoint> {
        let transfer = self.transfer?;
        let data = transfer.data.as_ref()?;
        let server = session.data_side_of_server(transfer)?;
        Some(data.endpoint(if self.by_server { server } else { server.other() }))
    }
}

/// The announcements of which there may be something to say.
fn announcements(session: &Session) -> Vec<Announcement<'_>> {
    let of_exchange = |exchange| Some((exchange, announcement(exchange)?));
    let server = session.server.address.to_canonical();
    // Nearly every server announces its own address.
    let unusual = |(_, announcement): &(_, Announcement<'_>)| {
        !announcement.by_server || announcement.place.ip() != server
    };
    let mut found: Vec<(&Exchange, Announcement<'_>)> =
        session.exchanges.iter().filter_map(of_exchange).filter(unusual).collect();
    if !found.is_empty() {
        let by_command: HashMap<u64, &Transfer> = session
            .transfers
            .iter()
            .filter_map(|transfer| Some((transfer.setup.as_ref()?.command_packet?, transfer)))
            .collect();
        for (exchange, announcement) in &mut found {
            let mut packets = exchange.command.iter().flat_map(|command| &command.packets);
            announcement.transfer = packets.find_map(|packet| by_command.get(packet)).copied();
        }
    }
    found.into_iter().map(|(_, announcement)| announcement).collect()
}

/// What an exchange announces; its transfer is still to be found.
fn announcement<'a>(exchange: &Exchange) -> Option<Announcement<'a>> {
    let command = exchange.command.as_ref()?;
    let last = exchange.replies.last();
    let argument = command.argument.as_deref().unwrap_or_default().as_bytes();
    let (announced, by_server, packet): (DataAddress, bool, u64) = match command.verb.as_ref() {
        "PORT" => (parse_port(argument).ok()?, false, command.packets.first().copied()?),
        "EPRT" => (parse_eprt(argument).ok()?, false, command.packets.first().copied()?),
        "LPRT" => (parse_lprt(argument).ok()?, false, command.packets.first().copied()?),
        _ => {
            let reply = exchange.replies.iter().find(|reply| reply.code == Some(227))?;
            let parsed = match reply.lines.as_slice() {
                [line] => parse_pasv_reply(line.as_bytes()),
                lines => parse_pasv_reply(lines.join(" ").as_bytes()),
            };
            (parsed.ok()?, true, reply.packet)
        }
    };
    let place = SocketAddr::new(announced.address?.to_canonical(), announced.port);
    let reply_code = last.and_then(|reply| reply.code);
    Some(Announcement { place, by_server, packet, reply_code, transfer: None })
}

fn passive_kind(session: &Session, announcement: &Announcement<'_>) -> Option<Kind> {
    let server = session.server.address.to_canonical();
    let announced = announcement.place.ip();
    if !announcement.by_server || announced == server {
        return None;
    }
    let mut kind = if announced.is_unspecified() {
        PASSIVE_ADDRESS_ZERO
    } else if is_private(announced) && !is_private(server) {
        PASSIVE_ADDRESS_PRIVATE
    } else {
        PASSIVE_ADDRESS_MISMATCH
    };
    if !announcement.failed() {
        kind.severity = Severity::Low;
    }
    Some(kind)
}

fn active_kind(session: &Session, announcement: &Announcement<'_>) -> Option<Kind> {
    let client = session.client.address.to_canonical();
    let announced = announcement.place.ip();
    let between_servers = announcement.transfer.is_some_and(Transfer::is_server_to_server);
    if announcement.by_server || announced == client || between_servers {
        return None;
    }
    let opened = announcement
        .transfer
        .and_then(|transfer| transfer.data.as_ref())
        .is_some_and(|data| data.state != ConnectionState::NeverOpened);
    let reached = announcement.target(session).is_some_and(|end| end.address.to_canonical() == announced);
    let translated = is_private(announced) && !is_private(client);
    if reached && (opened || !translated) {
        return Some(BOUNCE);
    }
    if translated {
        let mut kind = ACTIVE_ADDRESS_PRIVATE;
        if !announcement.failed() {
            kind.severity = Severity::Low;
        }
        return Some(kind);
    }
    Some(ACTIVE_ADDRESS_MISMATCH)
}

/// One finding for all announcements that are of `kind`, as severe as the worst.
fn of_kind(
    session: &Session,
    announcements: &[Announcement<'_>],
    kind: Kind,
    judge: impl Fn(&Session, &Announcement<'_>) -> Option<Kind>,
) -> Option<Finding> {
    let matching: Vec<(&Announcement<'_>, Kind)> = announcements
        .iter()
        .filter_map(|announcement| Some((announcement, judge(session, announcement)?)))
        .filter(|(_, judged)| judged.code == kind.code)
        .collect();
    let worst = matching.iter().map(|(_, judged)| *judged).max_by_key(|judged| judged.severity)?;
    let (first, _) = matching.iter().find(|(_, judged)| judged.severity == worst.severity)?;
    let mut packets: Vec<u64> = matching.iter().map(|(announcement, _)| announcement.packet).collect();
    let who = if first.by_server { "server" } else { "client" };
    let own = if first.by_server { session.server.address } else { session.client.address };
    let answered = match first.reply_code {
        Some(code) if !first.by_server => format!(" The server answered {code}."),
        _ => String::new(),
    };
    let went = match (first.target(session), first.transfer.and_then(|transfer| transfer.data.as_ref())) {
        (Some(target), Some(data)) => {
            packets.push(data.first_packet);
            let verb = if data.state == ConnectionState::NeverOpened { "was tried" } else { "was opened" };
            format!(" The data connection {verb} to {target} (#{}).", data.first_packet)
        }
        _ => " No data connection for it is in the capture.".to_owned(),
    };
    let all: Vec<u64> = matching.iter().map(|(announcement, _)| announcement.packet).collect();
    let in_all = match all.len() {
        1 => String::new(),
        several => format!(", the first of {} ({})", counted(several as u64, "announcement"), named(&all)),
    };
    let detail =
        format!("The {who} at {own} announced {} in #{}{in_all}.{answered}{went}", first.place, first.packet);
    Some(worst.of(session, packets, detail))
}

fn server_to_server(session: &Session) -> Option<Finding> {
    let transfers: Vec<&Transfer> =
        session.transfers.iter().filter(|transfer| transfer.is_server_to_server()).collect();
    let first = transfers.first()?;
    let packets = transfers.iter().filter_map(|transfer| transfer.command_packet).collect();
    let ends = first
        .data
        .as_ref()
        .map(|data| format!(", the first over {} to {}", data.initiator, data.responder))
        .unwrap_or_default();
    let other = first
        .counterpart
        .map(|other| format!("; the other half is in session {}", other.session))
        .unwrap_or_default();
    let detail = format!("{}{ends}{other}.", counted(transfers.len() as u64, "transfer"));
    Some(FXP.of(session, packets, detail))
}

/// Addresses that mean nothing outside of their own network (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, finding, raises};
    use crate::report::{Direction, Failure, FailureCause, Mode, Pairing};
    use crate::sample::{connection, download, endpoint, exchange, greeted};

    /// A PASV that was answered with this address, and its transfer.
    fn passive(announced: &str) -> Session {
        let mut session = greeted();
        let text = format!("Entering Passive Mode ({},195,80)", announced.replace('.', ","));
        session.exchanges = vec![exchange(157, "PASV", None, &[(159, 227, &text)])];
        let mut transfer = download(&session);
        transfer.pairing = Some(Pairing::AddressTranslated);
        session.transfers = vec![transfer];
        session
    }

    /// A PORT with this argument, answered by `code`, and a connection of the server's to `target`, if any.
    fn active(argument: &str, code: u16, target: Option<Endpoint>) -> Session {
        let mut session = greeted();
        session.exchanges = vec![exchange(157, "PORT", Some(argument), &[(159, code, "reply")])];
        if let Some(target) = target {
            let mut transfer = download(&session);
            transfer.mode = Some(Mode::Active);
            transfer.setup.as_mut().unwrap().port = Some(target.port);
            transfer.data = Some(connection(7, endpoint("203.0.113.9", 20), target, 170));
            session.transfers = vec![transfer];
        }
        session
    }

    fn fail(session: &mut Session) {
        session.transfers[0].failure = Some(Failure { cause: FailureCause::NoAnswer, packets: vec![170] });
        session.transfers[0].data.as_mut().unwrap().state = ConnectionState::NeverOpened;
        session.transfers[0].bytes = 0;
    }

    #[test]
    fn the_server_s_own_address_is_as_it_should_be() {
        assert_eq!(codes(&passive("203.0.113.9")), ["files-in-clear"]);
    }

    #[test]
    fn a_zero_address_is_told() {
        assert!(raises(&passive("0.0.0.0"), "passive-address-zero"));
    }

    #[test]
    fn a_private_address_matters_more_if_the_transfer_failed() {
        let mut session = passive("192.168.0.3");
        assert_eq!(finding(&session, "passive-address-private").severity, Severity::Low);
        fail(&mut session);
        assert_eq!(finding(&session, "passive-address-private").severity, Severity::Medium);
    }

    #[test]
    fn two_private_addresses_are_a_mismatch_and_not_translation() {
        let mut session = passive("192.168.0.3");
        session.server.address = crate::sample::address("10.0.0.1");
        assert!(raises(&session, "passive-address-mismatch"));
        assert!(!raises(&session, "passive-address-private"));
    }

    #[test]
    fn an_announcement_without_a_transfer_counts_too() {
        let mut session = passive("192.0.2.55");
        session.transfers.clear();
        assert_eq!(codes(&session), ["passive-address-mismatch"]);
    }

    #[test]
    fn the_client_s_own_address_is_as_it_should_be() {
        let session = active("198,51,100,7,19,137", 200, Some(endpoint("198.51.100.7", 5001)));
        assert_eq!(codes(&session), ["files-in-clear"]);
    }

    #[test]
    fn a_connection_to_a_third_host_is_a_bounce() {
        let session = active("192,0,2,66,19,137", 200, Some(endpoint("192.0.2.66", 5001)));
        assert_eq!(finding(&session, "bounce").severity, Severity::High);
        assert!(finding(&session, "bounce").packets.contains(&170));
    }

    #[test]
    fn a_foreign_address_that_the_server_refused_is_no_bounce() {
        let session = active("192,0,2,66,19,137", 500, None);
        assert_eq!(codes(&session), ["active-address-mismatch"]);
    }

    #[test]
    fn a_private_address_of_a_public_client_is_translation_and_no_bounce() {
        let mut session = active("192,168,0,5,19,137", 200, Some(endpoint("192.168.0.5", 5001)));
        fail(&mut session);
        assert!(raises(&session, "active-address-private"));
        assert!(!raises(&session, "bounce"));
    }

    #[test]
    fn a_private_host_that_was_really_reached_is_a_bounce() {
        let session = active("192,168,0,5,19,137", 200, Some(endpoint("192.168.0.5", 5001)));
        assert!(raises(&session, "bounce"));
    }

    #[test]
    fn a_transfer_between_servers_is_no_bounce() {
        let mut session = active("192,0,2,66,19,137", 200, Some(endpoint("192.0.2.66", 5001)));
        session.transfers[0].direction = Some(Direction::ServerToServer);
        assert!(raises(&session, "server-to-server"));
        assert!(!raises(&session, "bounce"));
    }

    #[test]
    fn ports_below_1024_are_told_and_1024_is_not() {
        assert!(raises(&active("198,51,100,7,0,25", 200, None), "active-port-reserved"));
        assert!(!raises(&active("198,51,100,7,4,0", 200, None), "active-port-reserved"));
    }

    #[test]
    fn an_extended_announcement_of_an_ipv6_client_is_understood() {
        let mut session = active("", 200, None);
        session.client.address = crate::sample::address("2001:db8::7");
        let command = session.exchanges[0].command.as_mut().unwrap();
        command.verb = "EPRT".into();
        command.argument = Some("|2|2001:db8::7|5001|".into());
        assert!(codes(&session).is_empty());
        session.exchanges[0].command.as_mut().unwrap().argument = Some("|2|2001:db8::66|5001|".into());
        assert_eq!(codes(&session), ["active-address-mismatch"]);
    }
}

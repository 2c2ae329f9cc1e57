//! How a session began: its ends, its name, its handshake.

use port21_analysis::report::{Connection, NameSource, Outcome, Protocol, Session};

use crate::escape;
use crate::render::story::{Fact, wire};
use crate::render::words;

/// "192.0.2.1:2011 -> ftp.example (192.0.2.2:21)".
pub fn ends(session: &Session) -> String {
    let server = words::address(session.server.address, session.server.port);
    let server = match &session.server.name {
        Some(name) => format!("{} ({server})", escape::terminal(name)),
        None => server,
    };
    format!("{} -> {server}", words::endpoint(&session.client))
}

/// The last user whose login was accepted, or what became of the last attempt.
pub fn user(session: &Session) -> String {
    let name = |login: &port21_analysis::report::Login| match &login.user {
        Some(user) => wire(user, login.user_bytes.as_ref()),
        None => "unknown user".into(),
    };
    let accepted = session.logins.iter().rev().find(|login| login.outcome == Outcome::Accepted);
    match (accepted, session.logins.last()) {
        (Some(login), _) => name(login),
        (None, Some(login)) if login.outcome == Outcome::Rejected => format!("{}: rejected", name(login)),
        (None, Some(login)) => format!("{}: outcome not in the capture", name(login)),
        (None, None) if session.tls.is_some() => "login inside TLS".into(),
        (None, None) => "no login in the capture".into(),
    }
}

/// Time, name, handshake.
pub fn facts(session: &Session) -> Vec<Fact> {
    let mut facts =
        vec![Fact::new("began", format!("#{}, {}", session.control.first_packet, time(&session.first_time)))];
    facts.extend(name(session).map(|line| Fact::new("name", line)));
    facts.push(Fact::new("handshake", handshake(&session.control)));
    if session.protocol == Protocol::FtpsImplicit {
        facts.push(Fact::new(
            "TLS",
            "from the first byte (implicit FTPS): the dialogue cannot be read".into(),
        ));
    }
    facts
}

/// "2006-10-02T12:00:01.250000000Z" as "2006-10-02 12:00:01.250000 UTC": nanoseconds only where there are any.
fn time(rfc3339: &str) -> String {
    match rfc3339.strip_suffix('Z').and_then(|time| time.split_once('T')) {
        Some((date, clock)) => {
            let nanoseconds = clock.split_once('.').is_some_and(|(_, fraction)| fraction.len() == 9);
            let clock = clock.strip_suffix("000").filter(|_| nanoseconds).unwrap_or(clock);
            format!("{date} {clock} UTC")
        }
        None => rfc3339.to_owned(),
    }
}

fn name(session: &Session) -> Option<String> {
    let server = &session.server;
    let name = escape::terminal(server.name.as_deref()?);
    let packet = server.name_packet.map_or("a packet before".into(), |packet| format!("#{packet}"));
    Some(match (server.name_source?, server.name_query_packet) {
        (NameSource::Dns, Some(query)) => {
            format!("#{query} asks, {packet} answers: {name} is {}", server.address)
        }
        (NameSource::Dns, None) => format!("{packet} answers: {name} is {}", server.address),
        (NameSource::Greeting, _) => format!("{name}, as the server calls itself in its greeting, {packet}"),
        (NameSource::TlsServerName, _) => format!("{name}, as the client asks for it in TLS, {packet}"),
    })
}

/// "#79 SYN   #83 SYN/ACK   #84 ACK   round trip 0.129 s".
pub fn handshake(connection: &Connection) -> String {
    let handshake = &connection.handshake;
    let segments = [(handshake.syn, "SYN"), (handshake.syn_ack, "SYN/ACK"), (handshake.ack, "ACK")];
    let mut parts: Vec<String> = segments
        .iter()
        .filter_map(|(packet, name)| packet.map(|packet| format!("#{packet} {name}")))
        .collect();
    let missing: Vec<String> =
        segments.iter().filter(|(packet, _)| packet.is_none()).map(|(_, name)| (*name).to_owned()).collect();
    match missing.len() {
        0 => {}
        3 => parts.push("not in the capture: the connection is older".into()),
        _ => parts.push(format!("no {} in the capture", words::list(&missing))),
    }
    parts.extend(handshake.round_trip.map(|span| format!("round trip {}", words::seconds(span))));
    parts.join("   ")
}

//! The control connection: one `ftp` event a command, and what was odd about it.

use ftp_protocol::address;
use port21_analysis::report::{Command, Exchange, Reply, Session};

use super::event::{Anomaly, Body, Event, Finding, Ftp, Moment};
use crate::render::clock::Clock;

/// The events of a session's dialogue, in order.
pub fn events(session: &Session, clock: Clock) -> Vec<Event> {
    let greeting = session.greeting.iter().map(|greeting| (None, std::slice::from_ref(greeting)));
    let exchanges =
        session.exchanges.iter().map(|Exchange { command, replies }| (command.as_ref(), replies.as_slice()));
    let transactions = greeting.chain(exchanges).enumerate();
    let mut events = Vec::new();
    for (number, (command, replies)) in transactions {
        let Some(moment) = moment(command, replies, clock) else { continue };
        let number = number as u64;
        let event = |body| {
            Event::new(&session.control, session.client, super::server(session), moment, body)
                .with_transaction(number)
        };
        let ftp = ftp(command, replies);
        let too_long = [
            (command.is_some_and(|command| command.truncated_from.is_some()), "request_command_too_long"),
            (ftp.reply_truncated, "response_command_too_long"),
        ];
        events.push(event(Body::Ftp { ftp }));
        for (_, name) in too_long.into_iter().filter(|(raised, _)| *raised) {
            events.push(event(applayer(name.to_owned(), None)));
        }
    }
    events
}

/// The findings of a session, as anomalies.
pub fn findings(session: &Session, clock: Clock) -> Vec<Event> {
    let events = session.findings.iter().map(|finding| {
        let short = Finding {
            severity: finding.severity,
            title: finding.title.to_owned(),
            detail: finding.detail.clone(),
            packets: finding.packets.clone(),
        };
        // The time of a finding is that of the session: its packets may belong to other connections.
        let moment =
            Moment { time: clock.at(session.control.last_time), packet: finding.packets.last().copied() };
        let body = applayer(finding.code.to_owned(), Some(short));
        Event::new(&session.control, session.client, super::server(session), moment, body)
    });
    events.collect()
}

/// An anomaly of the protocol.
pub fn applayer(event: String, port21: Option<Finding>) -> Body {
    let anomaly = Anomaly { app_proto: Some("ftp"), kind: "applayer", event, layer: Some("proto_parser") };
    Body::Anomaly { anomaly, port21 }
}

/// The last reply's time and packet, or the command's.
fn moment(command: Option<&Command>, replies: &[Reply], clock: Clock) -> Option<Moment> {
    let of_reply = replies.last().map(|reply| (reply.time, reply.packets.last().copied()));
    let of_command = || command.map(|command| (command.time, command.packets.last().copied()));
    let (seconds, packet) = of_reply.or_else(of_command)?;
    Some(Moment { time: clock.at(seconds), packet })
}

fn ftp(command: Option<&Command>, replies: &[Reply]) -> Ftp {
    let argument = command.and_then(|command| command.argument.as_deref());
    Ftp {
        command: command.map(|command| command.verb.to_string()),
        command_truncated: argument
            .as_ref()
            .map(|_| command.is_some_and(|command| command.truncated_from.is_some())),
        command_data: argument.map(str::to_owned),
        completion_code: replies
            .iter()
            .filter_map(|reply| reply.code.map(|code| format!("{code:03}")))
            .collect(),
        reply: replies.iter().flat_map(|reply| reply.lines.iter().map(|line| line.to_string())).collect(),
        dynamic_port: command.and_then(|command| announced_port(command, replies)),
        mode: command.and_then(|command| match command.verb.as_ref() {
            "PORT" | "EPRT" | "LPRT" => Some("active"),
            "PASV" | "EPSV" | "LPSV" => Some("passive"),
            _ => None,
        }),
        // A preliminary reply (1yz) promises another one (RFC 959, section 4.2.1).
        reply_received: if replies.iter().any(|reply| reply.code.is_none_or(|code| code >= 200)) {
            "yes"
        } else {
            "no"
        },
        reply_truncated: replies.iter().any(|reply| reply.truncated_from.is_some()),
    }
}

fn announced_port(command: &Command, replies: &[Reply]) -> Option<u16> {
    let argument = command.argument.as_deref().unwrap_or_default().as_bytes();
    let reply = |code| {
        let reply = replies.iter().find(|reply| reply.code == Some(code))?;
        Some(reply.lines.join(" ").into_bytes())
    };
    let announced = match command.verb.as_ref() {
        "PORT" => address::parse_port(argument).ok(),
        "EPRT" => address::parse_eprt(argument).ok(),
        "LPRT" => address::parse_lprt(argument).ok(),
        "LPSV" => reply(228).and_then(|text| address::parse_lpsv_reply(&text).ok()),
        "PASV" | "EPSV" => {
            let extended = reply(229).and_then(|text| address::parse_epsv_reply(&text).ok());
            extended.or_else(|| reply(227).and_then(|text| address::parse_pasv_reply(&text).ok()))
        }
        _ => None,
    };
    announced.map(|announced| announced.port)
}

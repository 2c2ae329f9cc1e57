//! Data connections: `ftp_data` and `fileinfo` events, gaps, and `flow` events of any connection.

use port21_analysis::report::{Connection, ConnectionState, Endpoint, Kind, Session, Side, Transfer};

use super::dialogue::applayer;
use super::event::{Anomaly, Body, Event, FileInfo, Flow, FtpData, Moment, timestamp};
use crate::render::clock::Clock;

/// The events of a session's transfers, in order.
pub fn events(session: &Session, clock: Clock) -> Vec<Event> {
    session.transfers.iter().flat_map(|transfer| of_transfer(session, transfer, clock)).collect()
}

fn of_transfer(session: &Session, transfer: &Transfer, clock: Clock) -> Vec<Event> {
    let mut events: Vec<Event> = file_before_port(session, transfer, clock).into_iter().collect();
    let Some(data) = &transfer.data else { return events };
    let ftp_data = FtpData { filename: file_name(transfer), command: transfer.verb.clone() };
    let last = Moment {
        time: clock.at(data.last_time),
        packet: transfer.data_packets.last.or(Some(data.last_packet)),
    };
    let body = Body::FtpData { ftp_data: ftp_data.clone() };
    events.push(Event::new(data, data.initiator, data.responder, last, body));
    if transfer.kind != Some(Kind::Listing) && transfer.bytes > 0 {
        let (from, to) = sender_and_receiver(data);
        let body = Body::FileInfo { fileinfo: file_info(transfer, ftp_data.filename.clone()), ftp_data };
        events.push(Event::new(data, from, to, last, body).with_app_proto("ftp-data"));
    }
    events.extend(gaps(data, clock));
    events
}

/// A transfer that was asked for before any address was agreed on.
fn file_before_port(session: &Session, transfer: &Transfer, clock: Clock) -> Option<Event> {
    let begun_here = session.control.handshake.syn.is_some();
    let arranged = transfer.setup.as_ref().is_some_and(|setup| setup.verb != "default");
    let command =
        session.exchanges.iter().filter_map(|exchange| exchange.command.as_ref()).find(|command| {
            transfer.command_packet.is_some_and(|packet| command.packets.contains(&packet))
        })?;
    if arranged || !begun_here {
        return None;
    }
    let moment = Moment { time: clock.at(command.time), packet: transfer.command_packet };
    let body = applayer("file_before_port".into(), None);
    Some(Event::new(&session.control, session.client, super::server(session), moment, body))
}

/// Holes in what a connection's ends sent, one event an end.
pub fn gaps(connection: &Connection, clock: Clock) -> Vec<Event> {
    let of_side = |side, from, to| {
        connection.quality.gaps.iter().find(|gap| gap.from == side)?;
        let anomaly = Anomaly {
            app_proto: None,
            kind: "stream",
            event: "stream.reassembly_seq_gap".into(),
            layer: None,
        };
        let moment = Moment { time: clock.at(connection.last_time), packet: Some(connection.last_packet) };
        Some(Event::new(connection, from, to, moment, Body::Anomaly { anomaly, port21: None }))
    };
    let (initiator, responder) = (connection.initiator, connection.responder);
    of_side(Side::Initiator, initiator, responder)
        .into_iter()
        .chain(of_side(Side::Responder, responder, initiator))
        .collect()
}

/// The event of a connection that has ended. What it carries is said to be "failed", Suricata's word for unknown.
pub fn flow(connection: &Connection, clock: Clock) -> Event {
    let (start, end) = (clock.at(connection.first_time), clock.at(connection.last_time));
    let established = connection.handshake.syn_ack.is_some() || connection.handshake.syn.is_none();
    let (state, reason) = match connection.state {
        ConnectionState::Closed | ConnectionState::Reset => ("closed", "timeout"),
        ConnectionState::NeverOpened if !connection.closing.is_empty() => ("closed", "timeout"),
        _ if established => ("established", "shutdown"),
        _ => ("new", "shutdown"),
    };
    let flow = Flow {
        pkts_toserver: connection.packets.initiator,
        pkts_toclient: connection.packets.responder,
        start: timestamp(start),
        end: timestamp(end),
        age: end.nanoseconds_since(start).div_euclid(1_000_000_000).unsigned_abs(),
        state,
        reason,
        alerted: false,
    };
    let moment = Moment { time: end, packet: None };
    Event::new(connection, connection.initiator, connection.responder, moment, Body::Flow { flow })
        .with_app_proto(UNKNOWN_PROTOCOL)
}

/// What Suricata says of a protocol that it did not recognise.
pub const UNKNOWN_PROTOCOL: &str = "failed";

fn file_info(transfer: &Transfer, filename: Option<String>) -> FileInfo {
    FileInfo {
        filename,
        gaps: !transfer.missing.is_empty(),
        state: if transfer.complete { "CLOSED" } else { "TRUNCATED" },
        sha256: transfer.sha256.clone(),
        stored: false,
        size: transfer.bytes,
        tx_id: 0,
    }
}

/// The argument as sent; where STOU has none, the name that the server chose, or Suricata's word for not knowing it.
fn file_name(transfer: &Transfer) -> Option<String> {
    if transfer.kind == Some(Kind::Listing) {
        return None;
    }
    let argument = transfer.argument.clone().filter(|argument| !argument.is_empty());
    let unnamed = || (transfer.verb.as_deref() == Some("STOU")).then(|| "<stou>".to_owned());
    argument.map(Into::into).or_else(|| transfer.path.clone()).or_else(unnamed)
}

/// Who sent the data, and to whom.
fn sender_and_receiver(data: &Connection) -> (Endpoint, Endpoint) {
    let missing = |side| {
        let gaps = data.quality.gaps.iter().filter(|gap| gap.from == side);
        gaps.fold(0u64, |sum, gap| sum.saturating_add(gap.length))
    };
    let initiator = data.bytes.initiator.saturating_add(missing(Side::Initiator));
    let responder = data.bytes.responder.saturating_add(missing(Side::Responder));
    if initiator > responder { (data.initiator, data.responder) } else { (data.responder, data.initiator) }
}

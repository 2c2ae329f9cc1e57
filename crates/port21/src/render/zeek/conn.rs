//! `conn.log`: one line a TCP connection.

use std::net::IpAddr;

use port21_analysis::report::{Connection, Gap, Side};

use super::identifier;
use super::value::Value;
use crate::render::clock::Clock;

/// Names and types of the columns.
pub const COLUMNS: &[(&str, &str)] = &[
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("service", "string"),
    ("duration", "interval"),
    ("orig_bytes", "count"),
    ("resp_bytes", "count"),
    ("conn_state", "string"),
    ("local_orig", "bool"),
    ("local_resp", "bool"),
    ("missed_bytes", "count"),
    ("history", "string"),
    ("orig_pkts", "count"),
    ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"),
    ("tunnel_parents", "set[string]"),
    ("ip_proto", "count"),
    ("community_id", "string"),
];

/// Place of `service`, which is only known when the FTP sessions are.
pub const SERVICE: usize = 7;

/// The line of one connection, with `service` still unset.
pub fn row(connection: &Connection, clock: Clock) -> Vec<Value> {
    let duration = connection.last_time - connection.first_time;
    let lasted = duration > 0.0;
    let sent = |side| sequence_space(connection, side);
    let missed_bytes =
        missing(connection, Side::Initiator).saturating_add(missing(connection, Side::Responder));
    let bytes = |side| if lasted { Value::Count(sent(side)) } else { Value::Unset };
    vec![
        Value::Time(clock.at(connection.first_time)),
        Value::Text(identifier::connection(connection)),
        Value::Address(connection.initiator.address),
        Value::Count(connection.initiator.port.into()),
        Value::Address(connection.responder.address),
        Value::Count(connection.responder.port.into()),
        Value::Text("tcp".into()),
        Value::Unset,
        if lasted { Value::Interval(duration) } else { Value::Unset },
        bytes(Side::Initiator),
        bytes(Side::Responder),
        Value::Text(state(connection).into()),
        Value::Flag(is_local(connection.initiator.address)),
        Value::Flag(is_local(connection.responder.address)),
        Value::Count(missed_bytes),
        Value::text(Some(connection.history.as_str()).filter(|history| !history.is_empty())),
        Value::Count(connection.packets.initiator),
        Value::Count(connection.ip_bytes.initiator),
        Value::Count(connection.packets.responder),
        Value::Count(connection.ip_bytes.responder),
        Value::Unset,
        Value::Count(port21_analysis::community_id::TCP.into()),
        Value::Text(connection.community_id.clone()),
    ]
}

/// Bytes by sequence numbers: what was seen and what is missing.
fn sequence_space(connection: &Connection, side: Side) -> u64 {
    let seen = match side {
        Side::Initiator => connection.bytes.initiator,
        Side::Responder => connection.bytes.responder,
    };
    seen.saturating_add(missing(connection, side))
}

/// Bytes in gaps of one end.
pub fn missing(connection: &Connection, side: Side) -> u64 {
    let gaps = connection.quality.gaps.iter().filter(|gap| gap.from == side);
    gaps.fold(0, |sum: u64, Gap { length, .. }| sum.saturating_add(*length))
}

/// What Zeek holds of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndState {
    /// Sent nothing, or nothing that begins or ends a connection.
    Inactive,
    SynSent,
    Established,
    Closed,
    Reset,
}

/// Zeek's `conn_state`.
pub fn state(connection: &Connection) -> &'static str {
    use EndState::{Closed, Established, Inactive, Reset, SynSent};
    match end_states(connection) {
        (SynSent, Reset) => "REJ",
        (Reset, Reset) if connection.bytes.initiator == 0 && connection.bytes.responder == 0 => "REJ",
        (Inactive, Reset) => "RSTRH",
        (_, Reset) => "RSTR",
        (Reset, Inactive) if connection.handshake.syn.is_some() => "RSTOS0",
        (Reset, Inactive) => "OTH",
        (Reset, _) => "RSTO",
        (Closed, Closed) => "SF",
        (Closed, Inactive) => "SH",
        (Closed, _) => "S2",
        (Inactive, Closed) => "SHR",
        (_, Closed) => "S3",
        (SynSent, Inactive) => "S0",
        (Established, Established) => "S1",
        _ => "OTH",
    }
}

fn end_states(connection: &Connection) -> (EndState, EndState) {
    let handshake = &connection.handshake;
    let mut states = match (handshake.syn.is_some(), handshake.syn_ack.is_some()) {
        (true, true) => [EndState::Established, EndState::Established],
        (true, false) => [EndState::SynSent, EndState::Inactive],
        (false, true) => [EndState::Inactive, EndState::Established],
        (false, false) => [EndState::Inactive, EndState::Inactive],
    };
    // A reset of an end that had already sent FIN: a later FIN of its peer makes it an orderly close after all.
    let mut reset_after_fin = [false, false];
    for segment in &connection.closing {
        let has = |flag: &str| segment.flags.contains(&flag);
        let [own, peer] = &mut states;
        let [own_late, peer_late] = &mut reset_after_fin;
        let (own, peer, own_late, peer_late) = match segment.from {
            Side::Initiator => (own, peer, own_late, peer_late),
            Side::Responder => (peer, own, peer_late, own_late),
        };
        if has("RST") {
            if *own == EndState::Closed && *peer == EndState::Closed {
                continue;
            }
            *own_late = *own == EndState::Closed;
            *own = EndState::Reset;
        } else if has("FIN") && *own != EndState::Reset {
            *own = EndState::Closed;
            if *peer == EndState::Reset && *peer_late {
                *peer = EndState::Closed;
            }
        }
    }
    let [initiator, responder] = states;
    (initiator, responder)
}

/// Whether an address belongs to the ranges that Zeek takes for local unless told otherwise.
pub fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

//! From a TCP connection to the way in which the report writes it.

use port21_capture::{Flags, Timestamp};

use super::model::{
    ClosedBy, Closing, Conflict, Connection, ConnectionState, Count, Endpoint, Gap, Handshake, Numbers,
    PerEnd, Quality, Side, Stall, StallCause,
};
use super::rare::RareQuality;
use crate::{community_id, hex, tcp};

/// The number that IANA assigned to TCP.
const TCP: u8 = 6;

/// Writes a connection as the report does; `epoch` is the time of the capture's first packet.
pub fn connection(connection: &tcp::Connection, epoch: Timestamp) -> Connection {
    let [initiator, responder] = connection.ends.map(endpoint);
    let [sent, received] = &connection.halves;
    let isn = |half: &tcp::Half| half.initial_sequence.filter(|_| half.syn_seen);
    Connection {
        stream: connection.stream,
        community_id: community_id::community_id(
            (initiator.address, initiator.port),
            (responder.address, responder.port),
            TCP,
        ),
        initiator,
        responder,
        first_packet: connection.packets.0,
        last_packet: connection.packets.1,
        first_time: connection.times.0.seconds_since(epoch),
        last_time: connection.times.1.seconds_since(epoch),
        handshake: handshake(connection),
        initial_sequence: PerEnd { initiator: isn(sent), responder: isn(received) },
        closing: connection.closing.iter().map(|segment| closing(connection, segment)).collect(),
        closed_by: closed_by(connection),
        state: match connection.state {
            tcp::State::Open => ConnectionState::Open,
            tcp::State::Closed => ConnectionState::Closed,
            tcp::State::Reset => ConnectionState::Reset,
            tcp::State::HalfClosed => ConnectionState::HalfClosed,
            tcp::State::NeverOpened => ConnectionState::NeverOpened,
        },
        bytes: PerEnd { initiator: sent.bytes, responder: received.bytes },
        unplaced_bytes: PerEnd { initiator: sent.dropped_bytes, responder: received.dropped_bytes },
        packets: PerEnd { initiator: sent.packets, responder: received.packets },
        ip_bytes: PerEnd { initiator: sent.ip_bytes, responder: received.ip_bytes },
        history: connection.letters.as_str().to_owned(),
        quality: quality(connection),
    }
}

fn endpoint(end: tcp::Endpoint) -> Endpoint {
    Endpoint { address: end.address, port: end.port }
}

fn side(end: tcp::End) -> Side {
    match end {
        tcp::End::Initiator => Side::Initiator,
        tcp::End::Responder => Side::Responder,
    }
}

fn handshake(connection: &tcp::Connection) -> Handshake {
    let numbers = |segment: Option<tcp::HandshakeSegment>| {
        segment.map(|segment| Numbers {
            raw_sequence: segment.raw_sequence,
            raw_acknowledgement: segment.raw_acknowledgement,
        })
    };
    let round_trip =
        connection.syn.zip(connection.syn_ack).map(|(syn, answer)| answer.time.seconds_since(syn.time));
    Handshake {
        syn: connection.syn.map(|segment| segment.packet),
        syn_ack: connection.syn_ack.map(|segment| segment.packet),
        ack: connection.ack.map(|segment| segment.packet),
        syn_numbers: numbers(connection.syn),
        syn_ack_numbers: numbers(connection.syn_ack),
        ack_numbers: numbers(connection.ack),
        // Negative where the capture holds the two in the wrong order: then it tells nothing.
        round_trip: round_trip.filter(|seconds| *seconds >= 0.0),
    }
}

fn closing(connection: &tcp::Connection, segment: &tcp::ClosingSegment) -> Closing {
    let from = segment.from;
    Closing {
        packet: segment.packet,
        from: side(from),
        flags: segment.flags.names(),
        sequence: u64::from(connection.relative(from, segment.raw_sequence)),
        acknowledgement: segment
            .raw_acknowledgement
            .map(|raw| u64::from(connection.relative(from.other(), raw))),
        raw_sequence: segment.raw_sequence,
        raw_acknowledgement: segment.raw_acknowledgement,
    }
}

/// Who sent the first FIN or RST; both, if each sent FIN before it had the other's (RFC 9293, figure 13).
fn closed_by(connection: &tcp::Connection) -> Option<ClosedBy> {
    let ends = |segment: &&tcp::ClosingSegment| segment.flags.intersects(Flags::FIN | Flags::RST);
    let first = connection.closing.iter().find(ends)?;
    let answer = connection.closing.iter().filter(ends).find(|segment| segment.from != first.from);
    let crossed = answer.is_some_and(|answer| {
        let fins = first.flags.contains(Flags::FIN) && answer.flags.contains(Flags::FIN);
        let end = connection.half(first.from).fin_offset.map(|offset| offset as u32);
        let acknowledged = answer.raw_acknowledgement.map(|raw| connection.relative(first.from, raw));
        // A FIN at stream offset n has relative sequence number n + 1; its acknowledgment is n + 2.
        let has_seen = end.zip(acknowledged).is_none_or(|(end, relative)| relative.wrapping_sub(end) == 2);
        fins && !answer.flags.contains(Flags::RST) && !has_seen
    });
    Some(match (crossed, first.from) {
        (true, _) => ClosedBy::Both,
        (false, tcp::End::Initiator) => ClosedBy::Initiator,
        (false, tcp::End::Responder) => ClosedBy::Responder,
    })
}

fn quality(connection: &tcp::Connection) -> RareQuality {
    let found = &connection.quality;
    if found.is_empty() && connection.halves.iter().all(|half| half.gaps.is_empty()) {
        return RareQuality::default();
    }
    let gaps = [tcp::End::Initiator, tcp::End::Responder].into_iter().flat_map(|end| {
        connection.half(end).gaps.iter().map(move |gap| Gap {
            from: side(end),
            sequence: gap.offset.saturating_add(1),
            length: gap.length,
            acknowledged: gap.acknowledged,
        })
    });
    let mut quality = Quality {
        retransmissions: found.retransmissions.clone(),
        fast_retransmissions: found.fast_retransmissions.clone(),
        spurious_retransmissions: found.spurious_retransmissions.clone(),
        out_of_order: found.out_of_order.clone(),
        duplicate_acks: found.duplicate_acks.clone(),
        lost_segments: found.lost_segments.clone(),
        acked_unseen: found.acked_unseen.clone(),
        keep_alives: found.keep_alives.clone(),
        keep_alive_acks: found.keep_alive_acks.clone(),
        zero_windows: found.zero_windows.clone(),
        zero_window_probes: found.zero_window_probes.clone(),
        zero_window_probe_acks: found.zero_window_probe_acks.clone(),
        window_updates: found.window_updates.clone(),
        window_full: found.window_full.clone(),
        reused_ports: found.reused_ports.clone(),
        duplicate_frames: found.duplicate_frames.clone(),
        data_after_close: found.data_after_close.clone(),
        urgent: found.urgent.clone(),
        truncated_lists: Vec::new(),
        gaps: gaps.collect(),
        conflicts: found.conflicts.iter().map(conflict).collect(),
        stalls: found.stalls.iter().filter(|stall| is_seen(stall, found)).map(stall).collect(),
    };
    quality.truncated_lists = truncated(found);
    quality.into()
}

/// Whether the capture shows that nothing was sent during a pause: not where it lacks what came before its end.
fn is_seen(stall: &tcp::Stall, quality: &tcp::Quality) -> bool {
    let within = |list: &[u64]| {
        let next = list.get(list.partition_point(|packet| *packet < stall.from_packet));
        // What a full list has left out may lie anywhere behind its end.
        next.map_or(list.len() >= tcp::Quality::LIST_LIMIT, |packet| *packet <= stall.to_packet)
    };
    !within(&quality.lost_segments) && !within(&quality.acked_unseen)
}

fn conflict(conflict: &tcp::Conflict) -> Conflict {
    Conflict {
        from: side(conflict.from),
        sequence: conflict.offset.saturating_add(1),
        length: conflict.length,
        first_packet: conflict.first_packet,
        second_packet: conflict.second_packet,
        first_sha256: hex::encode(&conflict.first_sha256),
        second_sha256: hex::encode(&conflict.second_sha256),
    }
}

fn stall(stall: &tcp::Stall) -> Stall {
    Stall {
        sender: side(stall.sender),
        from_packet: stall.from_packet,
        to_packet: stall.to_packet,
        seconds: stall.nanoseconds as f64 / 1e9,
        cause: match stall.cause {
            tcp::StallCause::Sender => StallCause::Sender,
            tcp::StallCause::Receiver => StallCause::Receiver,
            tcp::StallCause::Network => StallCause::Network,
        },
    }
}

/// The lists that reached their limit, with how long they would have been.
fn truncated(quality: &tcp::Quality) -> Vec<Count> {
    const NAMES: [&str; 18] = [
        "retransmissions",
        "fast_retransmissions",
        "spurious_retransmissions",
        "out_of_order",
        "duplicate_acks",
        "lost_segments",
        "acked_unseen",
        "keep_alives",
        "keep_alive_acks",
        "zero_windows",
        "zero_window_probes",
        "zero_window_probe_acks",
        "window_updates",
        "window_full",
        "reused_ports",
        "duplicate_frames",
        "data_after_close",
        "urgent",
    ];
    let limit = tcp::Quality::LIST_LIMIT as u64;
    NAMES
        .into_iter()
        .zip(quality.counts)
        .filter(|(_, count)| *count > limit)
        .map(|(what, count)| Count { what: what.to_owned(), count })
        .collect()
}

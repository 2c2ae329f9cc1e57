//! How a session ended, and what TCP had to put up with.

use port21_analysis::report::{
    ClosedBy, Connection, ConnectionState, Count, Mode, Session, Side, StallCause,
};

use crate::escape;
use crate::render::story::{Fact, who};
use crate::render::words;

/// Most ranges of packets in one list; the JSON report has up to 1,024 numbers of each.
const MOST_RANGES: usize = 12;

/// Closing, TCP's troubles, notes.
pub fn aftermath(session: &Session) -> Vec<Fact> {
    let mut facts = vec![Fact::new("closing", closing(session, &session.control, None))];
    let troubles = troubles(session, &session.control, None);
    if !troubles.is_empty() {
        facts.push(Fact { label: "TCP", lines: troubles });
    }
    for connection in &session.unused_data_connections {
        facts.push(Fact::new("unused", unused(connection)));
    }
    let notes: Vec<String> = session
        .notes
        .iter()
        .map(|note| {
            let packet = note.packet.map_or(String::new(), |packet| format!("#{packet}  "));
            format!("{packet}{}", escape::terminal(&note.text))
        })
        .collect();
    if !notes.is_empty() {
        facts.push(Fact { label: "notes", lines: notes });
    }
    facts
}

/// "data connection 192.0.2.1:2012 -> 192.0.2.2:5000, stream 3: opened as announced #7 #8 #9, and used by no transfer".
fn unused(connection: &Connection) -> String {
    let handshake = [connection.handshake.syn, connection.handshake.syn_ack, connection.handshake.ack];
    let packets: Vec<u64> = handshake.into_iter().flatten().collect();
    let became = match (connection.state, connection.closing.first()) {
        (ConnectionState::NeverOpened, Some(reset)) => format!("tried, and refused #{}", reset.packet),
        (ConnectionState::NeverOpened, None) => "tried, and never answered".to_owned(),
        _ => "opened as announced".to_owned(),
    };
    format!(
        "data connection {} -> {}, stream {}: {became} {}, and used by no transfer",
        words::endpoint(&connection.initiator),
        words::endpoint(&connection.responder),
        connection.stream,
        words::packets(&packets)
    )
}

/// "#304 FIN by the server   #305 ACK   #306 RST by the client   (the server closed first)".
fn closing(session: &Session, connection: &Connection, mode: Option<Mode>) -> String {
    let mut parts: Vec<String> = connection
        .closing
        .iter()
        .map(|segment| {
            let has = |name: &str| segment.flags.contains(&name);
            let name = match (has("RST"), has("FIN")) {
                (true, _) => "RST",
                (_, true) => "FIN",
                _ => return format!("#{} ACK", segment.packet),
            };
            format!("#{} {name} by {}", segment.packet, who(session, connection, segment.from, mode))
        })
        .collect();
    parts.push(match connection.state {
        ConnectionState::Open => {
            format!("not in the capture: the connection is open when last seen, #{}", connection.last_packet)
        }
        ConnectionState::NeverOpened => "the connection was never opened".into(),
        ConnectionState::HalfClosed => {
            format!("the other half is open when last seen, #{}", connection.last_packet)
        }
        ConnectionState::Closed | ConnectionState::Reset => match closed_by(session, connection, mode) {
            Some(first) => format!("({first})"),
            None => return parts.join("   "),
        },
    });
    parts.join("   ")
}

/// "the server closed first", "both ends closed at the same time".
fn closed_by(session: &Session, connection: &Connection, mode: Option<Mode>) -> Option<String> {
    let first = match connection.closed_by? {
        ClosedBy::Initiator => who(session, connection, Side::Initiator, mode),
        ClosedBy::Responder => who(session, connection, Side::Responder, mode),
        ClosedBy::Both => return Some("both ends closed at the same time".into()),
    };
    Some(format!("{first} closed first"))
}

/// "closed by the server #177", "reset by the client #306", for a data connection.
pub fn closed(session: &Session, connection: &Connection, mode: Option<Mode>) -> String {
    let ends: Vec<_> = connection
        .closing
        .iter()
        .filter(|segment| segment.flags.iter().any(|flag| matches!(*flag, "FIN" | "RST")))
        .collect();
    let Some(first) = ends.first() else {
        return format!("not closed in the capture, last seen #{}", connection.last_packet);
    };
    let is_reset = |flags: &[&str]| flags.contains(&"RST");
    let verb = if is_reset(first.flags) { "reset" } else { "closed" };
    let mut text = if connection.closed_by == Some(ClosedBy::Both) {
        let packets: Vec<u64> = ends.iter().map(|segment| segment.packet).take(2).collect();
        format!("closed by both ends at the same time {}", words::packets(&packets))
    } else {
        format!("{verb} by {} #{}", who(session, connection, first.from, mode), first.packet)
    };
    if let Some(reset) = ends.iter().skip(1).find(|segment| is_reset(segment.flags)) {
        let by = who(session, connection, reset.from, mode);
        text.push_str(&format!(", reset by {by} #{}", reset.packet));
    }
    text
}

/// What was odd about a connection's segments, one statement a line, by Wireshark's names.
pub fn troubles(session: &Session, connection: &Connection, mode: Option<Mode>) -> Vec<String> {
    let quality = &connection.quality;
    let listed: [(&str, &str, &[u64]); 15] = [
        ("retransmissions", "retransmission", &quality.retransmissions),
        ("fast_retransmissions", "fast retransmission", &quality.fast_retransmissions),
        ("spurious_retransmissions", "spurious retransmission", &quality.spurious_retransmissions),
        ("out_of_order", "segment out of order", &quality.out_of_order),
        ("duplicate_acks", "duplicate ACK", &quality.duplicate_acks),
        ("lost_segments", "previous segment not captured", &quality.lost_segments),
        ("acked_unseen", "ACKed unseen segment", &quality.acked_unseen),
        ("keep_alives", "keep-alive", &quality.keep_alives),
        ("zero_windows", "zero window", &quality.zero_windows),
        ("zero_window_probes", "zero window probe", &quality.zero_window_probes),
        ("window_full", "window full", &quality.window_full),
        ("reused_ports", "port number reused", &quality.reused_ports),
        ("duplicate_frames", "frame captured twice", &quality.duplicate_frames),
        ("data_after_close", "data after FIN or RST", &quality.data_after_close),
        ("urgent", "urgent data", &quality.urgent),
    ];
    let mut lines: Vec<String> = listed
        .into_iter()
        .filter(|(.., packets)| !packets.is_empty())
        .map(|(field, name, packets)| {
            let all = truncated(&quality.truncated_lists, field).unwrap_or(packets.len() as u64);
            format!("{name} ({})  {}", words::number(all), words::packets_at_most(packets, MOST_RANGES))
        })
        .collect();
    let by = |side| who(session, connection, side, mode);
    let unplaced = connection.unplaced_bytes;
    for (side, bytes) in [(Side::Initiator, unplaced.initiator), (Side::Responder, unplaced.responder)] {
        if bytes > 0 {
            let text = words::count(bytes, "byte");
            lines.push(format!(
                "without a place: {text} from {}, captured too late or out of the stream",
                by(side)
            ));
        }
    }
    lines.extend(quality.gaps.iter().take(MOST_RANGES).map(|gap| {
        let fault = if gap.acknowledged {
            "acknowledged, so it crossed the wire: only the capture misses it"
        } else {
            "nothing proves that it was ever delivered"
        };
        let (bytes, from) = (words::count(gap.length, "byte"), by(gap.from));
        format!("gap: {bytes} from {from} at sequence number {}; {fault}", gap.sequence)
    }));
    lines.extend(more(quality.gaps.len(), "gap"));
    lines.extend(quality.conflicts.iter().take(MOST_RANGES).map(|conflict| {
        let first = conflict.first_packet.map_or("an earlier packet".into(), |packet| format!("#{packet}"));
        format!(
            "conflict: #{} sends other bytes than {first} for {} from {} at sequence number {}; the first count",
            conflict.second_packet,
            words::count(conflict.length, "byte"),
            by(conflict.from),
            conflict.sequence
        )
    }));
    lines.extend(more(quality.conflicts.len(), "conflict"));
    // In a dialogue each end waits for the other: that one had nothing to say is no trouble.
    let is_dialogue = connection.stream == session.control.stream;
    let stalls: Vec<_> =
        quality.stalls.iter().filter(|stall| !is_dialogue || stall.cause != StallCause::Sender).collect();
    lines.extend(stalls.iter().take(MOST_RANGES).map(|stall| {
        let cause = match stall.cause {
            StallCause::Sender => format!("{} had nothing to send", by(stall.sender)),
            StallCause::Receiver => "the receiver's window was full".into(),
            StallCause::Network => "data was lost and had to be sent again".into(),
        };
        let span = words::seconds(stall.seconds);
        format!("pause: {span} between #{} and #{}: {cause}", stall.from_packet, stall.to_packet)
    }));
    lines.extend(more(stalls.len(), "pause"));
    lines
}

fn truncated(lists: &[Count], field: &str) -> Option<u64> {
    lists.iter().find(|list| list.what == field).map(|list| list.count)
}

fn more(length: usize, thing: &str) -> Option<String> {
    let rest = length.checked_sub(MOST_RANGES).filter(|rest| *rest > 0)?;
    Some(format!("{} more, in the JSON report", words::count(rest as u64, thing)))
}

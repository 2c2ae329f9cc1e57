//! What the capture does not hold, and what it holds twice. Never blamed on the network.

use super::{Called, Kind, connections};
use crate::report::{Connection, ConnectionState, Finding, Gap, Session, Severity};
use crate::wording::counted;

/// Bytes that the receiver acknowledged and the capture lacks.
pub const CAPTURE_GAPS: Kind = Kind {
    code: "capture-gaps",
    severity: Severity::Medium,
    title: "capture has gaps",
    meaning: "Bytes are missing that the receiver acknowledged: they crossed the network, and only the capture lacks them.",
    rule: "RFC 9293, section 3.4",
    advice: "Capture again with a larger buffer, a faster disk, no snap length, and at a place that sees all packets.",
};

/// Bytes that were never acknowledged, on a connection that was reset.
pub const DATA_LOST: Kind = Kind {
    code: "data-lost",
    severity: Severity::Medium,
    title: "data lost at a reset",
    meaning: "Bytes are missing that were never acknowledged, and the connection was reset: what came after them arrived for \
              nothing.",
    rule: "RFC 9293, sections 3.4 and 3.5.3",
    advice: "Transfer the file again; look why the connection was reset.",
};

/// Bytes that were never acknowledged as far as the capture goes.
pub const BYTES_MISSING: Kind = Kind {
    code: "bytes-missing",
    severity: Severity::Low,
    title: "bytes missing",
    meaning: "Bytes are missing, and the capture shows neither that they arrived nor that the connection failed: it may lack \
              them, end too early, or hold only one direction.",
    rule: "RFC 9293, section 3.4",
    advice: "Do not conclude from this capture that the network lost them. Capture again, both directions, to the end.",
};

/// The same frame more than once.
pub const DUPLICATE_FRAMES: Kind = Kind {
    code: "duplicate-frames",
    severity: Severity::Info,
    title: "frames captured twice",
    meaning: "The capture holds frames more than once, as happens when it was made on several interfaces or a mirror port. \
              They are no retransmissions and are not counted as such.",
    rule: "RFC 6864, section 4",
    advice: "Capture in one place only, or remove duplicates (editcap -d).",
};

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    for (name, connection) in connections(session) {
        let is_reset = connection.state == ConnectionState::Reset;
        found.extend(gaps(session, &name, connection, CAPTURE_GAPS, |gap| gap.acknowledged));
        found.extend(gaps(session, &name, connection, DATA_LOST, |gap| !gap.acknowledged && is_reset));
        found.extend(gaps(session, &name, connection, BYTES_MISSING, |gap| !gap.acknowledged && !is_reset));
        found.extend(duplicate_frames(session, &name, connection));
    }
}

fn gaps(
    session: &Session,
    name: &Called<'_>,
    connection: &Connection,
    kind: Kind,
    is_meant: impl Fn(&Gap) -> bool,
) -> Option<Finding> {
    let gaps: Vec<&Gap> = connection.quality.gaps.iter().filter(|gap| is_meant(gap)).collect();
    let first = gaps.first()?;
    let bytes = gaps.iter().fold(0_u64, |sum, gap| sum.saturating_add(gap.length));
    let quality = &connection.quality;
    let mut packets: Vec<u64> = quality.lost_segments.iter().chain(&quality.acked_unseen).copied().collect();
    if packets.is_empty() {
        packets.push(connection.first_packet);
    }
    let places = match gaps.len() {
        1 => format!("at relative sequence number {}", first.sequence),
        several => format!(
            "in {}; the first at relative sequence number {}, {} long",
            counted(several as u64, "place"),
            first.sequence,
            counted(first.length, "byte")
        ),
    };
    let from = connection.endpoint(first.from);
    let detail = format!("{name}: {} missing {places}, from {from}.", counted(bytes, "byte"));
    Some(kind.of(session, packets, detail))
}

fn duplicate_frames(session: &Session, name: &Called<'_>, connection: &Connection) -> Option<Finding> {
    let frames = &connection.quality.duplicate_frames;
    let count = super::occurrences(&connection.quality, "duplicate_frames", frames);
    (count > 0).then(|| {
        let detail = format!("{name}: {} captured again.", counted(count, "frame"));
        DUPLICATE_FRAMES.of(session, frames.clone(), detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, finding};
    use crate::report::Side;
    use crate::sample::greeted;

    fn with_gap(acknowledged: bool, state: ConnectionState) -> Session {
        let mut session = greeted();
        session.control.state = state;
        session.control.quality.lost_segments = vec![33];
        session.control.quality.gaps =
            vec![Gap { from: Side::Responder, sequence: 100, length: 1460, acknowledged }];
        session
    }

    #[test]
    fn an_acknowledged_gap_is_the_capture_s_own_whatever_the_end() {
        assert_eq!(codes(&with_gap(true, ConnectionState::Closed)), ["capture-gaps"]);
        assert_eq!(codes(&with_gap(true, ConnectionState::Reset)), ["capture-gaps"]);
    }

    #[test]
    fn an_unacknowledged_gap_is_lost_data_only_at_a_reset() {
        assert_eq!(codes(&with_gap(false, ConnectionState::Reset)), ["data-lost"]);
        assert_eq!(codes(&with_gap(false, ConnectionState::Closed)), ["bytes-missing"]);
    }

    #[test]
    fn a_gap_is_told_with_place_length_and_sender() {
        let found = finding(&with_gap(true, ConnectionState::Open), "capture-gaps");
        assert_eq!(found.packets, [33]);
        assert!(
            found.detail.contains("1,460 bytes missing at relative sequence number 100, from 203.0.113.9:21")
        );
    }

    #[test]
    fn frames_captured_twice_are_told_and_retransmissions_are_not_taken_for_them() {
        let mut session = greeted();
        session.control.quality.duplicate_frames = vec![8, 9];
        assert_eq!(codes(&session), ["duplicate-frames"]);
        session.control.quality.duplicate_frames.clear();
        session.control.quality.retransmissions = vec![8];
        assert!(codes(&session).is_empty());
    }
}

//! What made transfers slow, split by whose it was, and segments that contradict each other.

use std::fmt;

use super::{Called, Kind, connections, data_party, occurrences, sender_side, transfer_name};
use crate::report::{Connection, Finding, Session, Severity, Side, Stall, StallCause, Transfer};
use crate::wording::{counted, number, packets as named, seconds};

/// Pauses of the client's.
pub const SLOW_CLIENT: Kind = Kind {
    code: "slow-client",
    severity: Severity::Medium,
    title: "transfer slowed by the client",
    meaning: "At least 1 s and a fifth of a transfer's time were pauses of the client's: as receiver its window was closed or \
              full, as sender it had nothing to send. Not where the capture lacks data.",
    rule: "RFC 9293, section 3.8.6",
    advice: "Look at the client's disk, processor and receive buffer, not at the network.",
};

/// Pauses of the server's.
pub const SLOW_SERVER: Kind = Kind {
    code: "slow-server",
    severity: Severity::Medium,
    title: "transfer slowed by the server",
    meaning: "At least 1 s and a fifth of a transfer's time were pauses of the server's: as sender it had nothing to send, as \
              receiver its window was closed or full.",
    rule: "RFC 9293, section 3.8.6",
    advice: "Look at the server's disk, processor, limits of rate and buffers, not at the network.",
};

/// Pauses that ended with a retransmission.
pub const SLOW_NETWORK: Kind = Kind {
    code: "slow-network",
    severity: Severity::Medium,
    title: "transfer slowed by loss",
    meaning: "At least 1 s and a fifth of a transfer's time were pauses that ended with a retransmission: data or its \
              acknowledgment was lost on the way.",
    rule: "RFC 6298, section 5; RFC 5681, section 3",
    advice: "Look for loss on the path: full queues, a duplex mismatch, a bad cable or radio link.",
};

/// At least one percent of the data packets are retransmissions.
pub const RETRANSMISSIONS: Kind = Kind {
    code: "retransmissions",
    severity: Severity::Low,
    title: "data sent again",
    meaning: "At least 1 % of a transfer's data packets are retransmissions, counted as Wireshark counts them.",
    rule: "RFC 9293, section 3.8.1; RFC 5681, section 3",
    advice: "Below a few percent TCP copes, slower. Above, look for loss on the path.",
};

/// A window of zero on a data connection.
pub const ZERO_WINDOW: Kind = Kind {
    code: "zero-window",
    severity: Severity::Low,
    title: "receiver's window closed",
    meaning: "On a data connection an end announced a window of zero: it could take no more for a while.",
    rule: "RFC 9293, section 3.8.6.1",
    advice: "Look at the program, disk and buffers of the end that received.",
};

/// The same place in a stream with different bytes.
pub const CONFLICTING_OVERLAP: Kind = Kind {
    code: "conflicting-overlap",
    severity: Severity::High,
    title: "same bytes sent twice, differently",
    meaning: "Two segments hold different bytes for the same place in a stream. No sound TCP does that: a device on the path \
              changed data, or someone hides what the receiver really got. The first bytes count here.",
    rule: "RFC 9293, section 3.10.7.4",
    advice: "Keep the capture. Compare both segments; what the receiver took depends on its system.",
};

/// Data after the sender's FIN, and no reset before it.
pub const DATA_AFTER_CLOSE: Kind = Kind {
    code: "data-after-close",
    severity: Severity::Low,
    title: "data after the end",
    meaning: "Segments carry new data although their sender had said with FIN that there is no more.",
    rule: "RFC 9293, section 3.6",
    advice: "Look whether the FIN is the sender's own: who forges one can cut a transfer short.",
};

/// Data after a reset.
pub const DATA_AFTER_RESET: Kind = Kind {
    code: "data-after-reset",
    severity: Severity::Info,
    title: "data after a reset",
    meaning: "Segments with data follow a reset. What was under way when it came is harmless; an end that goes on had not \
              sent the reset itself, or did not believe it.",
    rule: "RFC 9293, section 3.5.3; RFC 5961, section 3",
    advice: "If it goes on for longer than a round trip, compare time to live and identification of the reset with those of \
             the end's other packets: a device on the path may have forged it.",
};

/// Shorter sums of pauses are not told, in seconds.
const SLOW_SECONDS: f64 = 1.0;

/// Smaller shares of the transfer's duration are not told.
const SLOW_SHARE: f64 = 0.2;

/// Findings of this family about one session.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    for transfer in &session.transfers {
        found.extend(slow(session, transfer));
        found.extend(retransmissions(session, transfer));
        found.extend(zero_window(session, transfer));
    }
    for (name, connection) in connections(session) {
        found.extend(conflicts(Some(session.id), &name, connection));
        found.extend(data_after_end(session, &name, connection));
    }
}

/// Whose a pause was, as a kind of finding.
fn slow_kind(session: &Session, transfer: &Transfer, stall: &Stall) -> Option<Kind> {
    let side = match stall.cause {
        StallCause::Network => return Some(SLOW_NETWORK),
        StallCause::Sender => stall.sender,
        StallCause::Receiver => stall.sender.other(),
    };
    match data_party(session, transfer, side) {
        "client" => Some(SLOW_CLIENT),
        "server" => Some(SLOW_SERVER),
        _ => None,
    }
}

fn slow(session: &Session, transfer: &Transfer) -> Vec<Finding> {
    let Some((data, duration)) = transfer.data.as_ref().zip(transfer.duration) else { return Vec::new() };
    // Where the capture lacks data, a pause in it is no pause of anybody's.
    if !transfer.missing.is_empty() || !data.quality.gaps.is_empty() {
        return Vec::new();
    }
    let sender = sender_side(session, transfer);
    let stalls: Vec<&Stall> =
        data.quality.stalls.iter().filter(|stall| Some(stall.sender) == sender).collect();
    let kinds = [SLOW_CLIENT, SLOW_SERVER, SLOW_NETWORK];
    kinds
        .into_iter()
        .filter_map(|kind| {
            let mine: Vec<&&Stall> =
                stalls.iter().filter(|stall| slow_kind(session, transfer, stall) == Some(kind)).collect();
            let lost: f64 = mine.iter().map(|stall| stall.seconds).sum();
            let longest = mine.iter().max_by(|one, other| one.seconds.total_cmp(&other.seconds))?;
            if lost < SLOW_SECONDS || lost < duration * SLOW_SHARE {
                return None;
            }
            let detail = format!(
                "{}: {} of its {} were {} {}; the longest, {}, lies between #{} and #{}.",
                transfer_name(transfer),
                seconds(lost),
                seconds(duration),
                counted(mine.len() as u64, "pause"),
                whose(kind),
                seconds(longest.seconds),
                longest.from_packet,
                longest.to_packet
            );
            let packets = mine.iter().flat_map(|stall| [stall.from_packet, stall.to_packet]).collect();
            Some(kind.of(session, packets, detail))
        })
        .collect()
}

fn whose(kind: Kind) -> &'static str {
    if kind == SLOW_NETWORK {
        "that ended with a retransmission"
    } else if kind == SLOW_CLIENT {
        "of the client's"
    } else {
        "of the server's"
    }
}

fn retransmissions(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let quality = &transfer.data.as_ref()?.quality;
    let again = occurrences(quality, "retransmissions", &quality.retransmissions);
    let packets = transfer.data_packets.count;
    if again == 0 || packets == 0 || again.saturating_mul(100) < packets {
        return None;
    }
    let fast = occurrences(quality, "fast_retransmissions", &quality.fast_retransmissions);
    let spurious = occurrences(quality, "spurious_retransmissions", &quality.spurious_retransmissions);
    let detail = format!(
        "{}: {} of {} sent again ({:.1} %), {fast} of them fast, {spurious} not needed; see {}.",
        transfer_name(transfer),
        number(again),
        counted(packets, "data packet"),
        again as f64 * 100.0 / packets as f64,
        named(&quality.retransmissions)
    );
    Some(RETRANSMISSIONS.of(session, quality.retransmissions.clone(), detail))
}

fn zero_window(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let quality = &transfer.data.as_ref()?.quality;
    let count = occurrences(quality, "zero_windows", &quality.zero_windows);
    if count == 0 {
        return None;
    }
    let sender = sender_side(session, transfer);
    let waited: f64 = quality
        .stalls
        .iter()
        .filter(|stall| Some(stall.sender) == sender && stall.cause == StallCause::Receiver)
        .map(|stall| stall.seconds)
        .sum();
    let cost = if waited > 0.0 {
        format!(", and the sender waited {} for it to open", seconds(waited))
    } else {
        String::new()
    };
    let detail = format!(
        "{}: a window of zero in {}, {}{cost}.",
        transfer_name(transfer),
        counted(count, "segment"),
        named(&quality.zero_windows)
    );
    Some(ZERO_WINDOW.of(session, quality.zero_windows.clone(), detail))
}

/// Conflicts of one connection, of a session or of none.
pub(super) fn conflicts(
    session: Option<u64>,
    name: &impl fmt::Display,
    connection: &Connection,
) -> Option<Finding> {
    let conflicts = &connection.quality.conflicts;
    let first = conflicts.first()?;
    let packets: Vec<u64> = conflicts
        .iter()
        .flat_map(|conflict| conflict.first_packet.into_iter().chain([conflict.second_packet]))
        .collect();
    let counting = first
        .first_packet
        .map(|packet| format!("#{packet}"))
        .unwrap_or_else(|| "an earlier packet".to_owned());
    let detail = format!(
        "{name}: {}; the first at relative sequence number {}, {} from {}: {counting} holds bytes with SHA-256 {}, #{} \
         bytes with SHA-256 {}.",
        counted(conflicts.len() as u64, "conflicting overlap"),
        first.sequence,
        counted(first.length, "byte"),
        connection.endpoint(first.from),
        first.first_sha256,
        first.second_packet,
        first.second_sha256
    );
    Some(CONFLICTING_OVERLAP.found(session, packets, detail))
}

fn data_after_end(session: &Session, name: &Called<'_>, connection: &Connection) -> Option<Finding> {
    let after = &connection.quality.data_after_close;
    let first = *after.first()?;
    let end = |flag: &str| {
        let before = connection.closing.iter().filter(|segment| segment.packet < first);
        before
            .filter(|segment| segment.flags.contains(&flag))
            .map(|segment| (segment.packet, segment.from))
            .next()
    };
    let (kind, what, (packet, from)) = match (end("RST"), end("FIN")) {
        (Some(reset), _) => (DATA_AFTER_RESET, "RST", reset),
        (None, Some(fin)) => (DATA_AFTER_CLOSE, "FIN", fin),
        (None, None) => return None,
    };
    let by = connection.endpoint(from);
    let count = occurrences(&connection.quality, "data_after_close", after);
    let detail = format!(
        "{name}: {what} from {by} in #{packet}, and after it {}, {}.",
        counted(count, "segment with data").replace("segment with datas", "segments with data"),
        named(after)
    );
    let packets = [packet].into_iter().chain(after.iter().copied()).collect();
    Some(kind.of(session, packets, detail))
}

/// Which end of `connection` is at `side`, for a connection of no session.
pub(super) fn stream_name(connection: &Connection) -> String {
    format!(
        "TCP stream {} ({} to {})",
        connection.stream,
        connection.endpoint(Side::Initiator),
        connection.responder
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::connection_findings;
    use crate::findings::tests::{codes, finding, raises};
    use crate::report::{Conflict, Count, Missing, Quality};
    use crate::sample::{closing, download, greeted};

    fn fetched(change: impl FnOnce(&mut Quality)) -> Session {
        let mut session = greeted();
        let mut transfer = download(&session);
        change(&mut transfer.data.as_mut().unwrap().quality);
        session.transfers = vec![transfer];
        session
    }

    /// A download of 2 s whose sender, the server, paused for this long.
    fn stalled(cause: StallCause, seconds: f64) -> Session {
        fetched(|quality| {
            quality.stalls =
                vec![Stall { sender: Side::Responder, from_packet: 174, to_packet: 175, seconds, cause }];
        })
    }

    #[test]
    fn a_pause_is_told_with_its_owner() {
        assert!(raises(&stalled(StallCause::Sender, 1.5), "slow-server"));
        assert!(raises(&stalled(StallCause::Receiver, 1.5), "slow-client"));
        let found = finding(&stalled(StallCause::Network, 1.5), "slow-network");
        assert!(found.detail.contains("1.500 s of its 2.000 s"), "{}", found.detail);
        assert_eq!(found.packets, [174, 175]);
    }

    #[test]
    fn a_short_pause_or_a_small_share_is_not_told() {
        assert_eq!(codes(&stalled(StallCause::Sender, 0.9)), ["files-in-clear"]);
        let mut session = stalled(StallCause::Sender, 1.5);
        session.transfers[0].duration = Some(8.0);
        assert_eq!(codes(&session), ["files-in-clear"]);
    }

    #[test]
    fn pauses_in_a_capture_with_gaps_are_nobody_s() {
        let mut session = stalled(StallCause::Sender, 1.5);
        session.transfers[0].missing = vec![Missing { offset: 14_480, length: 380_355_712 }];
        assert!(!raises(&session, "slow-server"));
    }

    #[test]
    fn pauses_of_the_end_that_sends_no_data_are_not_the_transfer_s() {
        let mut session = stalled(StallCause::Sender, 1.5);
        session.transfers[0].data.as_mut().unwrap().quality.stalls[0].sender = Side::Initiator;
        assert_eq!(codes(&session), ["files-in-clear"]);
    }

    #[test]
    fn one_percent_of_retransmissions_is_told_and_less_is_not() {
        let mut session = fetched(|quality| quality.retransmissions = vec![175]);
        session.transfers[0].data_packets.count = 100;
        assert!(
            finding(&session, "retransmissions").detail.contains("1 of 100 data packets sent again (1.0 %)")
        );
        session.transfers[0].data_packets.count = 101;
        assert!(!raises(&session, "retransmissions"));
    }

    #[test]
    fn a_list_that_ended_early_is_counted_in_full() {
        let mut session = fetched(|quality| {
            quality.retransmissions = vec![175];
            quality.truncated_lists = vec![Count { what: "retransmissions".to_owned(), count: 5000 }];
        });
        session.transfers[0].data_packets.count = 100_000;
        assert!(raises(&session, "retransmissions"));
    }

    #[test]
    fn closed_windows_are_told_for_data_and_not_for_the_dialogue() {
        assert!(raises(&fetched(|quality| quality.zero_windows = vec![176]), "zero-window"));
        let mut session = greeted();
        session.control.quality.zero_windows = vec![50];
        assert!(codes(&session).is_empty());
    }

    fn conflict() -> Conflict {
        Conflict {
            from: Side::Responder,
            sequence: 1,
            length: 4,
            first_packet: Some(174),
            second_packet: 176,
            first_sha256: "aa".repeat(32),
            second_sha256: "bb".repeat(32),
        }
    }

    #[test]
    fn a_conflict_is_told_with_both_hashes_in_a_session_and_outside() {
        let session = fetched(|quality| quality.conflicts = vec![conflict()]);
        let found = finding(&session, "conflicting-overlap");
        assert!(found.detail.contains(&"aa".repeat(32)) && found.detail.contains(&"bb".repeat(32)));
        assert_eq!((found.packets, found.session), (vec![174, 176], Some(1)));
        let outside = connection_findings(session.transfers[0].data.as_ref().unwrap());
        assert_eq!(outside[0].code, "conflicting-overlap");
        assert_eq!(outside[0].session, None);
        assert!(connection_findings(&greeted().control).is_empty());
    }

    #[test]
    fn data_after_fin_and_after_reset_are_two_things() {
        let mut session = greeted();
        session.control.quality.data_after_close = vec![60];
        assert!(codes(&session).is_empty());
        session.control.closing = vec![closing(50, Side::Responder, &["FIN", "ACK"], (9, 9), 9)];
        assert_eq!(codes(&session), ["data-after-close"]);
        session.control.closing.push(closing(55, Side::Initiator, &["RST"], (9, 9), 9));
        assert_eq!(codes(&session), ["data-after-reset"]);
    }
}

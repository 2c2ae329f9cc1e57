//! What Wireshark's TCP analysis would say of each segment.

use super::*;
use crate::tcp::StallCause;

/// Every mark of a conversation after a handshake: packet and mark.
#[track_caller]
fn assert_marks(lines: &str, expected: &[(u64, Mark)]) {
    let heard = heard_after_opening(lines);
    let quality = &heard.connection().quality;
    for (packet, mark) in expected {
        assert!(list(quality, *mark).contains(packet), "{mark:?} of {packet} in {quality:?}");
    }
    assert_eq!(quality.counts.iter().sum::<u64>(), expected.len() as u64, "{quality:?}");
}

#[test]
fn a_clean_conversation_has_no_marks() {
    assert_marks(
        "
        < \"220\"
        > ACK
        > \"USER\"
        < \"331\"",
        &[],
    );
}

#[test]
fn a_segment_sent_again_much_later_is_a_retransmission() {
    assert_marks(
        "
        > \"ab\"
        > seq=1 \"ab\" +300ms",
        &[(5, Mark::Retransmission)],
    );
}

#[test]
fn a_segment_sent_again_although_acknowledged_is_a_spurious_retransmission() {
    assert_marks(
        "
        > \"ab\"
        < ACK
        > seq=1 \"ab\" +300ms",
        &[(6, Mark::SpuriousRetransmission), (6, Mark::Retransmission)],
    );
}

#[test]
fn two_duplicate_acknowledgments_bring_a_fast_retransmission() {
    assert_marks(
        "
        > seq=3 \"b\"
        < ACK ack=1
        < ACK ack=1 +2ms
        < ACK ack=1 +2ms
        > seq=1 \"aa\"",
        &[
            (4, Mark::LostSegment),
            (5, Mark::DuplicateAck),
            (6, Mark::DuplicateAck),
            (7, Mark::DuplicateAck),
            (8, Mark::FastRetransmission),
            (8, Mark::Retransmission),
        ],
    );
}

#[test]
fn a_segment_that_comes_within_a_round_trip_is_out_of_order() {
    assert_marks(
        "
        > seq=3 \"b\"
        > seq=1 \"aa\"",
        &[(4, Mark::LostSegment), (5, Mark::OutOfOrder)],
    );
}

#[test]
fn a_segment_that_comes_later_than_a_round_trip_is_a_retransmission() {
    assert_marks(
        "
        > seq=3 \"b\"
        > seq=1 \"aa\" +2ms",
        &[(4, Mark::LostSegment), (5, Mark::Retransmission)],
    );
}

#[test]
fn an_acknowledgment_of_unseen_bytes_is_marked() {
    assert_marks("< ACK ack=9", &[(4, Mark::AckedUnseen)]);
}

#[test]
fn keep_alives_and_their_answers() {
    assert_marks(
        "
        > ACK seq=0 +1000ms
        < ACK",
        &[(4, Mark::KeepAlive), (5, Mark::KeepAliveAck)],
    );
}

#[test]
fn a_closed_window_its_probe_and_the_answer() {
    assert_marks(
        "
        > \"ab\"
        < ACK win=0
        > \"c\" +1000ms
        < ACK ack=3 win=0",
        &[
            (5, Mark::ZeroWindow),
            (6, Mark::ZeroWindowProbe),
            (7, Mark::ZeroWindow),
            (7, Mark::ZeroWindowProbeAck),
        ],
    );
}

#[test]
fn a_window_that_opens_is_an_update() {
    assert_marks(
        "
        > \"ab\"
        < ACK win=0
        < ACK win=500",
        &[(5, Mark::ZeroWindow), (6, Mark::WindowUpdate)],
    );
}

#[test]
fn a_segment_up_to_the_edge_fills_the_window() {
    assert_marks(
        "
        < ACK win=4
        > \"abcd\"",
        &[(4, Mark::WindowUpdate), (5, Mark::WindowFull)],
    );
}

#[test]
fn one_acknowledgment_may_cover_several_segments() {
    assert_marks(
        "
        > \"ab\"
        > \"cd\"
        < ACK +40ms",
        &[],
    );
}

#[test]
fn urgent_data_is_marked() {
    assert_marks("> URG+ACK \"!\"", &[(4, Mark::Urgent)]);
}

#[test]
fn a_frame_captured_twice_is_told_from_a_retransmission_by_its_bytes() {
    let twice = heard_after_opening(
        "
        > \"ab\"
        > seq=1 \"ab\" +0ms",
    );
    assert_eq!(twice.marked(Mark::DuplicateFrame), [5]);
    let other_bytes = heard_after_opening(
        "
        > \"ab\"
        > seq=1 \"aX\" +0ms",
    );
    assert!(other_bytes.marked(Mark::DuplicateFrame).is_empty());
}

#[test]
fn who_acknowledges_the_same_twice_sends_two_packets_and_a_copy_is_one() {
    let said_twice = heard_after_opening(
        "
        > \"ab\" id=1
        < ACK ack=3 id=8
        < ACK ack=3 +0ms id=9",
    );
    assert!(said_twice.marked(Mark::DuplicateFrame).is_empty());
    let twice = heard_after_opening(
        "
        > \"ab\" id=1
        < ACK ack=3 id=8
        < ACK ack=3 +0ms id=8",
    );
    assert_eq!(twice.marked(Mark::DuplicateFrame), [6]);
}

#[test]
fn every_second_frame_of_a_conversation_that_was_captured_twice_is_a_copy() {
    // The copy of an acknowledgment is no request to send again, and neither is that of the segment behind it.
    let twice = heard_after_opening(
        "
        > \"ab\"
        > seq=1 \"ab\" +0ms
        < ACK ack=3
        < ACK ack=3 +0ms
        > \"cd\"
        > seq=3 \"cd\" +0ms
        < ACK ack=5 \"xy\"
        < ACK seq=1 ack=5 \"xy\" +0ms
        > ACK
        > ACK +0ms
        < \"z\"
        < seq=3 \"z\" +0ms",
    );
    assert_eq!(twice.marked(Mark::DuplicateFrame), [5, 7, 9, 11, 13, 15]);
}

#[test]
fn a_segment_that_is_asked_for_again_is_no_frame_captured_twice() {
    let asked_for = heard_after_opening(
        "
        > \"ab\"
        < ACK ack=1 +0ms
        > seq=1 \"ab\" +0ms",
    );
    assert!(asked_for.marked(Mark::DuplicateFrame).is_empty());
    assert_eq!(asked_for.marked(Mark::Retransmission), [6]);
}

#[test]
fn a_reset_for_each_late_segment_is_no_frame_captured_twice() {
    let late = heard_after_opening(
        "
        < FIN+ACK
        > \"ab\"
        < RST seq=2 +0ms
        > \"cd\" +0ms
        < RST seq=2 +0ms",
    );
    assert!(late.marked(Mark::DuplicateFrame).is_empty());
    let twice = heard_after_opening("< RST\n< RST seq=1 +0ms");
    assert_eq!(twice.marked(Mark::DuplicateFrame), [5]);
}

/// The cause of the only pause.
fn pause(lines: &str) -> StallCause {
    let heard = heard_after_opening(lines);
    assert_eq!(heard.connection().quality.stalls.len(), 1);
    heard.connection().quality.stalls[0].cause
}

#[test]
fn a_pause_is_the_senders_where_nothing_kept_it() {
    assert_eq!(pause("> \"a\"\n< ACK\n> \"b\" +600ms"), StallCause::Sender);
}

#[test]
fn a_pause_is_the_receivers_where_its_window_was_closed() {
    assert_eq!(pause("> \"a\"\n< ACK win=0\n< ACK win=9 +600ms\n> \"b\""), StallCause::Receiver);
}

#[test]
fn a_pause_is_the_networks_where_it_ends_with_a_retransmission() {
    assert_eq!(pause("> \"ab\"\n> seq=1 \"ab\" +600ms"), StallCause::Network);
}

#[test]
fn less_than_half_a_second_is_no_pause() {
    let heard = heard_after_opening("> \"a\"\n< ACK\n> \"b\" +498ms");
    assert!(heard.connection().quality.stalls.is_empty());
}

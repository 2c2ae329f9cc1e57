//! Bytes in order, whatever the order in which they come.

use super::*;

#[test]
fn segments_in_reverse_order_come_out_in_order() {
    let heard = heard_after_opening(
        "
        > seq=5 \"o\"
        > seq=3 \"ll\"
        > seq=1 \"he\"",
    );
    assert_eq!(heard.text(End::Initiator), "hello");
    assert_eq!(heard.events[1..4], ["> he #6", "> ll #5", "> o #4"]);
}

#[test]
fn sequence_numbers_wrap() {
    let mut talk = Talk::from_numbers([u32::MAX - 3, u32::MAX]);
    talk.say(OPEN).say(
        "
        > \"abcd\"
        > seq=7 \"gh\"
        > seq=5 \"ef\"
        < \"xyz\"",
    );
    let heard = talk.end();
    assert_eq!(heard.text(End::Initiator), "abcdefgh");
    assert_eq!(heard.text(End::Responder), "xyz");
    assert_eq!(heard.connection().quality.counts.iter().sum::<u64>(), 2, "a hole and its filling");
}

#[test]
fn the_first_bytes_win_and_others_are_a_conflict() {
    let heard = heard_after_opening(
        "
        > \"abcdef\"
        > seq=3 \"cXeY\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcdef");
    let conflict = &heard.connection().quality.conflicts[0];
    assert_eq!((conflict.offset, conflict.length), (2, 4));
    assert_eq!((conflict.first_packet, conflict.second_packet), (Some(4), 5));
    use sha2::{Digest, Sha256};
    assert_eq!(conflict.first_sha256, <[u8; 32]>::from(Sha256::digest("cdef")));
    assert_eq!(conflict.second_sha256, <[u8; 32]>::from(Sha256::digest("cXeY")));
}

#[test]
fn first_bytes_win_also_while_they_wait_behind_a_hole() {
    let heard = heard_after_opening(
        "
        > seq=4 \"def\"
        > seq=1 \"abcXY\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcdef");
    let conflict = &heard.connection().quality.conflicts[0];
    assert_eq!((conflict.offset, conflict.first_packet, conflict.second_packet), (3, Some(4), 5));
}

#[test]
fn equal_bytes_sent_twice_are_no_conflict() {
    let heard = heard_after_opening(
        "
        > \"abc\"
        > seq=1 \"abc\" +300ms
        > seq=2 \"bcde\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcde");
    assert!(heard.connection().quality.conflicts.is_empty());
    assert_eq!(heard.connection().half(End::Initiator).bytes, 5);
}

#[test]
fn a_retransmission_cut_otherwise_brings_its_new_bytes() {
    let heard = heard_after_opening(
        "
        > \"abc\"
        > seq=7 \"gh\"
        > seq=2 \"bcdefghij\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcdefghij");
    assert!(heard.connection().half(End::Initiator).gaps.is_empty());
}

#[test]
fn an_acknowledged_hole_is_a_gap_after_a_tenth_of_a_second() {
    let heard = heard_after_opening(
        "
        > \"ab\"
        > seq=5 \"ef\"
        < ACK ack=7
        < ACK ack=7 +99ms
        < ACK ack=7 +1ms
        > seq=7 \"g\"",
    );
    assert_eq!(heard.text(End::Initiator), "ab__efg");
    let gap = heard.connection().half(End::Initiator).gaps[0];
    assert_eq!((gap.offset, gap.length, gap.acknowledged), (2, 2, true));
    let gap_at = heard.events.iter().position(|event| event == "> gap of 2").unwrap();
    assert!(heard.events[gap_at..].contains(&"> g #9".to_owned()), "told while the connection goes on");
}

/// What waits behind a hole must not wait for the end of the capture because its connection has fallen silent.
#[test]
fn a_hole_of_a_silent_connection_is_a_gap_when_its_time_has_come() {
    let heard = heard_after_opening(
        "
        > \"ab\"
        > seq=5 \"ef\"
        < ACK ack=7
        > SYN port=7 +98ms
        > SYN port=8 +1ms
        > SYN port=9 +1ms",
    );
    let at = |event: &str| heard.events.iter().position(|other| other == event).unwrap();
    assert!(at("opened 1") < at("> gap of 2"), "not before: {:#?}", heard.events);
    assert!(at("> gap of 2") < at("> ef #5") && at("> ef #5") < at("opened 3"), "{:#?}", heard.events);
}

#[test]
fn an_acknowledgment_that_overtook_its_data_makes_no_gap() {
    let heard = heard_after_opening(
        "
        < ACK ack=5
        > seq=3 \"cd\"
        > seq=1 \"ab\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcd");
    assert_eq!(heard.marked(Mark::AckedUnseen), [4]);
}

#[test]
fn a_hole_that_nobody_acknowledged_is_told_apart() {
    let heard = heard_after_opening("> seq=3 \"c\"");
    let gap = heard.connection().half(End::Initiator).gaps[0];
    assert_eq!((gap.offset, gap.length, gap.acknowledged), (0, 2, false));
}

#[test]
fn without_its_receiver_in_the_capture_a_hole_is_given_up_after_five_seconds() {
    let mut talk = Talk::new(Limits::default());
    talk.say(
        "
        > SYN
        > seq=3 \"c\"
        > seq=4 \"d\" +4900ms",
    );
    assert_eq!(talk.heard.text(End::Initiator), "");
    talk.say("> seq=5 \"e\" +200ms");
    assert_eq!(talk.heard.text(End::Initiator), "__cde");
}

#[test]
fn bytes_too_late_for_their_hole_are_counted() {
    let heard = heard_after_opening(
        "
        > seq=3 \"cd\"
        < ACK ack=5
        < ACK ack=5 +300ms
        > seq=1 \"ab\"",
    );
    assert_eq!(heard.text(End::Initiator), "__cd");
    assert_eq!(heard.connection().half(End::Initiator).dropped_bytes, 2);
}

#[test]
fn what_the_snap_length_cut_off_is_missing() {
    let heard = heard_after_opening(
        "
        > \"abcd\" cut=2
        > \"ef\"
        < ACK",
    );
    assert_eq!(heard.text(End::Initiator), "ab__ef");
}

#[test]
fn a_limit_gives_up_the_hole_and_counts_it() {
    let mut talk = Talk::new(Limits { segments_per_direction: 2, ..Limits::default() });
    talk.say(OPEN).say(
        "
        > seq=3 \"c\"
        > seq=5 \"e\"
        > seq=7 \"g\"",
    );
    assert_eq!(talk.heard.text(End::Initiator), "__c");
    assert_eq!(talk.tracker.dropped().holes, 1);
}

#[test]
fn who_wants_no_more_gets_only_counts() {
    let mut talk = Talk::new(Limits::default());
    talk.heard.counts_only = true;
    talk.say(OPEN).say(
        "
        > \"ab\"
        > \"cd\"
        > seq=9 \"ij\"
        > seq=7 \"gh\"
        > seq=7 \"ghi\"
        < ack=9",
    );
    let heard = talk.end();
    assert_eq!(heard.text(End::Initiator), "ab");
    let half = heard.connection().half(End::Initiator);
    assert_eq!((half.bytes, half.missing), (8, 2));
    assert_eq!(half.gaps, [Gap { offset: 4, length: 2, acknowledged: true }]);
}

#[test]
fn what_waits_when_no_more_is_wanted_is_counted() {
    let mut talk = Talk::new(Limits::default());
    talk.heard.counts_only = true;
    talk.say(OPEN).say(
        "
        > seq=5 \"ef\"
        > seq=1 \"ab\"
        > seq=3 \"c\"",
    );
    let heard = talk.end();
    assert_eq!(heard.text(End::Initiator), "ab");
    let half = heard.connection().half(End::Initiator);
    assert_eq!((half.bytes, half.missing), (5, 1));
    assert_eq!(half.gaps, [Gap { offset: 3, length: 1, acknowledged: false }]);
}

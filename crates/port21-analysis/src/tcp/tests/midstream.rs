//! Captures that begin in the middle of a connection.

use super::*;

#[test]
fn segments_that_the_first_one_overtook_are_taken() {
    let heard = heard(
        "
        < seq=500 \"ef\"
        < seq=496 \"ab\"
        < seq=498 \"cd\"
        > ACK seq=7 ack=502
        < \"gh\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcdefgh");
    let half = heard.connection().half(End::Initiator);
    assert_eq!((half.dropped_bytes, half.initial_sequence), (0, Some(70_000 + 495)));
    assert!(half.gaps.is_empty());
}

#[test]
fn data_goes_out_a_quarter_of_a_second_after_its_acknowledgment() {
    let mut talk = Talk::new(Limits::default());
    talk.say(
        "
        < seq=500 \"ab\"
        > ACK seq=7 ack=502
        < \"cd\" +249ms",
    );
    assert_eq!(talk.heard.text(End::Initiator), "");
    talk.say("< \"ef\"");
    assert_eq!(talk.heard.text(End::Initiator), "abcdef");
    let told: Vec<&String> =
        talk.heard.events.iter().filter(|event| event.contains("acknowledged")).collect();
    assert_eq!(told, ["> acknowledged to 2 #2"]);
}

#[test]
fn what_is_said_goes_out_with_its_answer() {
    let mut talk = Talk::new(Limits::default());
    talk.say(
        "
        > seq=40 ack=90 \"LIST\"
        < seq=90 ack=44 \"150\"",
    );
    assert_eq!(talk.heard.events, ["opened 0", "> LIST #1", "> acknowledged to 4 #2", "< 150 #2"]);
}

#[test]
fn a_short_segment_with_push_goes_out_with_its_acknowledgment() {
    let mut talk = Talk::new(Limits::default());
    talk.say(
        "
        < PSH+ACK seq=90 \"150\"
        > ACK seq=44 ack=93",
    );
    assert_eq!(talk.heard.text(End::Initiator), "150");
}

#[test]
fn an_older_retransmission_leaves_a_gap_before_the_first_segment() {
    let heard = heard(
        "
        < seq=500 \"ef\"
        > ACK seq=7 ack=490
        < seq=490 \"abcd\" +200ms
        > ACK seq=7 ack=502",
    );
    assert_eq!(heard.text(End::Initiator), "abcd______ef");
    assert!(heard.connection().half(End::Initiator).gaps[0].acknowledged);
}

#[test]
fn what_comes_after_the_start_was_settled_is_counted() {
    let heard = heard(
        "
        < seq=500 \"ef\"
        < \"gh\" +300ms
        < seq=498 \"cd\"",
    );
    assert_eq!(heard.text(End::Initiator), "efgh");
    assert_eq!(heard.connection().half(End::Initiator).dropped_bytes, 2);
}

#[test]
fn a_fin_that_overtook_the_last_data_does_not_cut_it_off() {
    let heard = heard(
        "
        < FIN+ACK seq=500
        < seq=497 \"abc\"
        > ACK seq=7 ack=501",
    );
    assert_eq!(heard.text(End::Initiator), "abc");
    assert_eq!(heard.connection().half(End::Initiator).fin_offset, Some(3));
    assert_eq!(heard.events, ["opened 0", "> abc #2", "> acknowledged to 3 #3", "> finished #1", "ended 0"]);
}

#[test]
fn a_keep_alive_probe_is_no_data() {
    let heard = heard(
        "
        < ACK seq=500
        < seq=499 \"x\" +1000ms
        < seq=500 \"ab\"",
    );
    assert_eq!(heard.text(End::Initiator), "ab");
}

#[test]
fn conflicts_are_told_at_their_place_after_the_start_moved() {
    let heard = heard(
        "
        < seq=500 \"ef\"
        < seq=500 \"eX\"
        < seq=496 \"abcd\"",
    );
    assert_eq!(heard.text(End::Initiator), "abcdef");
    assert_eq!(heard.connection().quality.conflicts[0].offset, 4);
}

#[test]
fn no_window_reaches_as_far_back_as_a_number_made_up() {
    let heard = heard(
        "
        < seq=100000000 \"ef\"
        < seq=500 \"ab\"",
    );
    assert_eq!(heard.text(End::Initiator), "ef");
    assert_eq!(heard.connection().half(End::Initiator).dropped_bytes, 2);
}

#[test]
fn a_full_table_lets_the_first_bytes_go() {
    let mut talk = Talk::new(Limits { segments_per_direction: 2, ..Limits::default() });
    talk.say(
        "
        < seq=500 \"a\"
        < \"b\"
        < \"c\"",
    );
    assert_eq!(talk.heard.text(End::Initiator), "abc");
}

#[test]
fn where_the_syn_ack_was_seen_nothing_waits() {
    let mut talk = Talk::new(Limits::default());
    talk.say(
        "
        < SYN+ACK ack=1
        > seq=1 \"USER\"",
    );
    assert_eq!(talk.heard.text(End::Initiator), "USER");
}

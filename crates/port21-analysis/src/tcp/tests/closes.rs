//! How connections close, and what comes afterwards.

use super::*;
use crate::tcp::State;

fn closing(heard: &Heard) -> Vec<(u64, char)> {
    heard.connection().closing.iter().map(|segment| (segment.packet, arrow(segment.from))).collect()
}

#[test]
fn both_fins_and_their_acknowledgments_are_recorded() {
    let heard = heard_after_opening(
        "
        < FIN+ACK
        > ACK
        > FIN+ACK
        < ACK",
    );
    assert_eq!(closing(&heard), [(4, '<'), (5, '>'), (6, '>'), (7, '<')]);
    assert_eq!(heard.connection().state, State::Closed);
}

#[test]
fn one_fin_leaves_a_connection_half_closed_and_the_other_end_speaking() {
    let heard = heard_after_opening(
        "
        > \"QUIT\"
        > FIN+ACK
        < \"221\"",
    );
    assert_eq!(heard.connection().state, State::HalfClosed);
    assert_eq!(heard.text(End::Responder), "221");
    assert!(heard.marked(Mark::DataAfterClose).is_empty());
}

#[test]
fn a_fin_that_comes_before_the_data_finishes_after_it() {
    let heard = heard_after_opening(
        "
        > FIN+ACK seq=5
        > seq=1 \"QUIT\"",
    );
    assert_eq!(heard.events[1..3], ["> QUIT #5", "> finished #4"]);
}

#[test]
fn data_behind_the_fin_is_marked_and_has_no_place() {
    let heard = heard_after_opening(
        "
        > \"ab\"
        > FIN+ACK
        > seq=4 \"cd\"",
    );
    assert_eq!(heard.text(End::Initiator), "ab");
    assert_eq!(heard.marked(Mark::DataAfterClose), [6]);
    assert_eq!(heard.connection().half(End::Initiator).dropped_bytes, 2);
}

#[test]
fn data_behind_a_reset_is_marked_and_delivered() {
    let heard = heard_after_opening(
        "
        < RST
        > \"ab\"",
    );
    assert_eq!(heard.text(End::Initiator), "ab");
    assert_eq!(heard.marked(Mark::DataAfterClose), [5]);
    assert_eq!(heard.connection().state, State::Reset);
}

#[test]
fn a_reset_finishes_both_ends_when_the_connection_ends() {
    let heard = heard_after_opening("> RST");
    assert_eq!(heard.events[1..], ["> finished #4", "< finished #4", "ended 0"]);
}

#[test]
fn the_length_is_known_from_a_fin_behind_a_hole() {
    let heard = heard_after_opening(
        "
        > \"ab\"
        > FIN+ACK seq=6",
    );
    assert_eq!(heard.text(End::Initiator), "ab___");
    assert_eq!(heard.connection().half(End::Initiator).fin_offset, Some(5));
}

#[test]
fn an_acknowledgment_of_one_more_than_was_sent_is_that_of_a_fin_not_captured() {
    let heard = heard_after_opening(
        "
        > \"ab\"
        < ACK ack=4",
    );
    assert_eq!(heard.text(End::Initiator), "ab");
}

//! How connections open: the three segments, in any order, repeated, crossing, with data; ports used again.

use super::*;
use crate::tcp::State;

fn handshake(heard: &Heard) -> [Option<u64>; 3] {
    let connection = heard.connection();
    [connection.syn, connection.syn_ack, connection.ack].map(|segment| segment.map(|segment| segment.packet))
}

#[test]
fn three_segments_open_a_connection() {
    let heard = heard(OPEN);
    assert_eq!(handshake(&heard), [Some(1), Some(2), Some(3)]);
    assert_eq!(heard.connection().state, State::Open);
    assert!(heard.connection().initiator_known);
}

#[test]
fn a_syn_that_nobody_answers_opens_nothing() {
    let heard = heard("> SYN\n > SYN seq=0 +1000ms");
    assert_eq!(handshake(&heard), [Some(1), None, None]);
    assert_eq!(heard.connection().state, State::NeverOpened);
    assert_eq!(heard.marked(Mark::Retransmission), [2]);
}

#[test]
fn a_refused_syn_opens_nothing() {
    assert_eq!(heard("> SYN\n < RST+ACK").connection().state, State::NeverOpened);
}

#[test]
fn a_syn_ack_captured_before_its_syn_tells_who_is_who() {
    let heard = heard(
        "
        < SYN+ACK ack=1
        > SYN
        > ACK
        > \"USER\"",
    );
    assert_eq!(handshake(&heard), [Some(2), Some(1), Some(3)]);
    assert_eq!(heard.text(End::Initiator), "USER");
}

#[test]
fn data_captured_before_the_handshake_keeps_its_place() {
    let heard = heard(
        "
        > seq=1 ack=1 \"USER\"
        < SYN+ACK
        > SYN seq=0",
    );
    assert_eq!(heard.text(End::Initiator), "USER");
    assert_eq!(handshake(&heard), [Some(3), Some(2), None]);
}

#[test]
fn both_ends_may_open_at_once() {
    let heard = heard(
        "
        > SYN
        < SYN
        > SYN+ACK seq=0
        < SYN+ACK seq=0
        > \"a\"
        < \"b\"",
    );
    assert_eq!((heard.text(End::Initiator), heard.text(End::Responder)), ("a".into(), "b".into()));
    assert_eq!(heard.connection().state, State::Open);
}

#[test]
fn data_in_a_syn_comes_after_it() {
    let heard = heard(
        "
        > SYN \"he\"
        < SYN+ACK
        > ACK \"llo\"",
    );
    assert_eq!(heard.text(End::Initiator), "hello");
}

#[test]
fn a_new_initial_number_between_the_same_ports_is_a_new_connection() {
    let heard = heard_after_opening(
        "
        > \"a\"
        > SYN seq=90000
        < SYN+ACK seq=90000 ack=90001",
    );
    assert_eq!(heard.ended.len(), 2);
    assert_eq!(heard.ended[1].quality.reused_ports, [5]);
    assert_eq!(heard.ended[1].stream, 1);
}

#[test]
fn a_repeated_syn_is_the_same_connection() {
    let heard = heard(
        "
        > SYN
        > SYN seq=0 +500ms
        < SYN+ACK
        > ACK",
    );
    assert_eq!(handshake(&heard), [Some(1), Some(3), Some(4)]);
    assert!(heard.marked(Mark::ReusedPorts).is_empty());
}

#[test]
fn where_no_handshake_was_seen_who_spoke_first_is_called_initiator() {
    let heard = heard("< seq=1 ack=1 \"220 hello\"");
    assert!(!heard.connection().initiator_known);
    assert_eq!(heard.connection().end(End::Initiator).port, 21);
}

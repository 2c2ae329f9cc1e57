//! Traffic made to cost much: what is kept stays within the limits, and what they cost is counted.

use super::*;

/// Raw segments on one pair of hosts.
struct Storm {
    tracker: Tracker,
    heard: Heard,
    packet: u64,
}

impl Storm {
    fn new(limits: Limits) -> Storm {
        Storm { tracker: Tracker::new(limits), heard: Heard::default(), packet: 0 }
    }

    fn segment(&mut self, port: u16, flags: Flags, sequence: u32, payload: &[u8]) {
        self.packet += 1;
        let segment = Segment {
            source_port: port,
            destination_port: 21,
            sequence,
            acknowledgement: 0,
            flags,
            window: 1_000,
            urgent_pointer: 0,
            options: Default::default(),
            payload,
            payload_length: payload.len() as u32,
        };
        let decoded = packet(self.packet, Timestamp(self.packet as i64 * 1_000), false);
        self.tracker.segment(&decoded, &segment, &mut self.heard);
    }
}

/// Opens as many connections as there are ports, again and again.
fn syns(limits: Limits, count: u32) -> Storm {
    let mut storm = Storm::new(limits);
    for number in 0..count {
        let port = number.wrapping_mul(40_503) as u16;
        storm.segment(port, Flags::SYN, number.wrapping_mul(2_654_435_761), b"");
    }
    storm
}

/// Single bytes, the last one first, after a SYN or without one.
fn reversed_bytes(limits: Limits, count: u32, with_syn: bool) -> Storm {
    let mut storm = Storm::new(limits);
    if with_syn {
        storm.segment(9, Flags::SYN, 0, b"");
    }
    for number in (0..count).rev() {
        storm.segment(9, Flags::ACK, 1 + number, b"x");
    }
    storm
}

/// Segments behind a hole, each of which covers most of those before it with other bytes.
fn overlaps(limits: Limits, count: u32) -> Storm {
    let mut storm = Storm::new(limits);
    storm.segment(9, Flags::SYN, 0, b"");
    for number in 0..count {
        let byte = [b'a' + (number % 26) as u8; 1_000];
        storm.segment(9, Flags::ACK, 10_000 + number.wrapping_mul(7_919) % 50_000, &byte);
    }
    storm
}

#[test]
fn a_flood_of_syns_keeps_no_more_connections_than_the_limit() {
    let storm = syns(Limits { connections: 100, ..Limits::default() }, 5_000);
    let opened = storm.tracker.connections_seen();
    assert_eq!(opened, 5_000);
    assert_eq!(storm.heard.ended.len() as u64, opened - 100);
    assert_eq!(storm.tracker.dropped().connections, opened - 100);
}

#[test]
fn single_bytes_in_reverse_order_wait_only_up_to_the_limit() {
    let limits = Limits { segments_per_direction: 64, ..Limits::default() };
    for with_syn in [true, false] {
        let mut storm = reversed_bytes(limits, 5_000, with_syn);
        assert!(storm.tracker.budget().out_of_order_segments <= 64);
        storm.tracker.finish(&mut storm.heard);
        let half = storm.heard.connection().half(End::Initiator);
        assert_eq!(half.bytes + half.dropped_bytes, 5_000, "every byte is accounted for");
        assert_eq!(storm.tracker.dropped().bytes, half.dropped_bytes);
    }
}

#[test]
fn a_storm_of_overlaps_keeps_each_place_once_and_a_bounded_list_of_conflicts() {
    let mut storm = overlaps(Limits::default(), 5_000);
    assert!(storm.tracker.budget().out_of_order_bytes <= 51_000);
    storm.tracker.finish(&mut storm.heard);
    let connection = storm.heard.connection();
    let last = (0..5_000u32).map(|number| number * 7_919 % 50_000).max().unwrap();
    assert_eq!(connection.half(End::Initiator).bytes, u64::from(last) + 1_000);
    assert_eq!(connection.quality.conflicts.len(), Quality::LIST_LIMIT);
}

#[test]
fn many_connections_with_single_bytes_behind_holes_share_one_limit() {
    let mut storm = Storm::new(Limits { out_of_order_segments: 50, ..Limits::default() });
    for port in 1..=1_000 {
        storm.segment(port, Flags::SYN, 0, b"");
        storm.segment(port, Flags::ACK, 5, b"x");
    }
    assert_eq!(storm.tracker.budget().out_of_order_segments, 50);
    assert_eq!(storm.tracker.dropped().holes, 950);
}

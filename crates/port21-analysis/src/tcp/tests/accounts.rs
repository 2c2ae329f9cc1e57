//! Any segments at all: nothing panics, streams have no seams, and every captured byte is accounted for.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

const BITS: [Flags; 8] = [
    Flags::ACK,
    Flags::ACK,
    Flags::ACK,
    Flags::ACK,
    Flags(Flags::PSH.0 | Flags::ACK.0),
    Flags::SYN,
    Flags(Flags::FIN.0 | Flags::ACK.0),
    Flags(Flags::RST.0 | Flags::ACK.0),
];

/// A segment; numbers are counted from the initial ones.
#[derive(Debug, Clone)]
struct Any {
    from_responder: bool,
    flags: Flags,
    sequence: u32,
    acknowledgement: u32,
    length: u32,
    captured: u32,
    window: u16,
    later: i64,
}

fn any_segment() -> impl Strategy<Value = Any> {
    let numbers = (0u32..300, 0u32..300);
    // One byte in the place of the last one may be a keep-alive's garbage, which is nobody's data.
    let lengths = (prop_oneof![Just(0), 2u32..60], 0u32..80);
    let place = (any::<bool>(), 0..BITS.len(), 0u16..3, prop_oneof![0i64..5, 200i64..300]);
    (numbers, lengths, place).prop_map(|((sequence, acknowledgement), (length, captured), place)| {
        let (from_responder, bits, window, later) = place;
        let flags = BITS[bits];
        Any {
            from_responder,
            flags,
            // Another number in a SYN would be another connection.
            sequence: if flags.contains(Flags::SYN) { 0 } else { sequence },
            acknowledgement,
            length,
            captured: captured.min(length),
            window,
            later,
        }
    })
}

fn tiny() -> Limits {
    Limits {
        quiet_seconds: 3_600,
        out_of_order_bytes_per_direction: 120,
        out_of_order_bytes: 160,
        segments_per_direction: 4,
        history_bytes_per_direction: 40,
        history_bytes: 60,
        ..Limits::default()
    }
}

/// After a handshake, a SYN only repeats it.
fn with_handshake(segments: Vec<Any>) -> Vec<Any> {
    let syn = |from_responder, flags, acknowledgement| Any {
        from_responder,
        flags,
        sequence: 0,
        acknowledgement,
        length: 0,
        captured: 0,
        window: 9,
        later: 1,
    };
    let both = [syn(false, Flags::SYN, 0), syn(true, Flags(Flags::SYN.0 | Flags::ACK.0), 1)];
    both.into_iter().chain(segments).collect()
}

/// In the middle of a connection, a SYN would open another one.
fn without_syns(mut segments: Vec<Any>) -> Vec<Any> {
    segments.retain(|any| !any.flags.contains(Flags::SYN));
    segments
}

/// What the tracker makes of the segments; `check` is called after each.
fn run(segments: &[Any], initial: u32, limits: Limits, check: impl Fn(&Tracker)) -> (Tracker, Heard) {
    let (mut tracker, mut heard, mut time) = (Tracker::new(limits), Heard::default(), 0);
    for (number, any) in (1..).zip(segments) {
        time += any.later * 1_000_000;
        let payload: Vec<u8> = (0..any.captured).map(|at| b'a' + ((any.sequence + at) % 26) as u8).collect();
        let ports = if any.from_responder { [21, 9] } else { [9, 21] };
        let segment = Segment {
            source_port: ports[0],
            destination_port: ports[1],
            sequence: initial.wrapping_add(any.sequence),
            acknowledgement: initial.wrapping_add(any.acknowledgement),
            flags: any.flags,
            window: any.window,
            urgent_pointer: 0,
            options: Default::default(),
            payload: &payload,
            payload_length: any.length,
        };
        tracker.segment(&packet(number, Timestamp(time), any.from_responder), &segment, &mut heard);
        check(&tracker);
    }
    tracker.finish(&mut heard);
    (tracker, heard)
}

/// Data and gaps of each direction follow each other without seams, and add up.
fn assert_seamless(heard: &Heard) {
    let connection = heard.connection();
    for end in [End::Initiator, End::Responder] {
        let (mut next, mut bytes) = (0, 0);
        for (offset, run) in &heard.said[end as usize] {
            assert_eq!(*offset, next, "no seam");
            next += match run {
                Ok(text) => text.len() as u64,
                Err(gap) => gap.length,
            };
            bytes += run.as_ref().map_or(0, |text| text.len() as u64);
        }
        let half = connection.half(end);
        assert_eq!((half.bytes, half.bytes + half.missing), (bytes, next));
    }
}

/// How many captured bytes are not in the stream of their sender.
fn absent(segments: &[Any], initial: u32, heard: &Heard, end: End) -> u64 {
    let connection = heard.connection();
    let port = connection.end(end).port;
    let origin = connection.half(end).initial_sequence.unwrap_or(0).wrapping_add(1);
    let runs = &heard.said[end as usize];
    let is_there = |place: i64| {
        runs.iter().any(|(offset, run)| {
            run.as_ref().is_ok_and(|text| (0..text.len() as i64).contains(&(place - *offset as i64)))
        })
    };
    let places = |any: &Any| {
        let first =
            initial.wrapping_add(any.sequence).wrapping_add(u32::from(any.flags.contains(Flags::SYN)));
        let start = i64::from(first.wrapping_sub(origin) as i32);
        start..start + i64::from(any.captured)
    };
    let sent = segments.iter().filter(|any| any.from_responder == (port == 21));
    // The same byte twice is one byte.
    sent.flat_map(places).filter(|place| !is_there(*place)).collect::<BTreeSet<_>>().len() as u64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, rng_seed: RngSeed::Fixed(21), ..ProptestConfig::default() })]

    #[test]
    fn every_captured_byte_is_delivered_or_counted(
        segments in prop::collection::vec(any_segment(), 1..40),
        initial in prop_oneof![Just(1_000u32), (u32::MAX - 200)..=u32::MAX],
        small in any::<bool>(),
        opened in any::<bool>(),
    ) {
        let segments = if opened { with_handshake(segments) } else { without_syns(segments) };
        let limits = if small { tiny() } else { Limits { quiet_seconds: 3_600, ..Limits::default() } };
        let (tracker, heard) = run(&segments, initial, limits, |tracker| {
            let budget = tracker.budget();
            assert!(budget.out_of_order_bytes <= limits.out_of_order_bytes);
            assert!(budget.history_bytes <= limits.history_bytes);
        });
        if segments.is_empty() {
            return Ok(());
        }
        assert_seamless(&heard);
        let halves = &heard.connection().halves;
        let dropped = halves.iter().map(|half| half.dropped_bytes).sum::<u64>();
        prop_assert_eq!(tracker.dropped().bytes, dropped);
        for end in [End::Initiator, End::Responder] {
            let absent = absent(&segments, initial, &heard, end);
            let counted = heard.connection().half(end).dropped_bytes;
            prop_assert!(absent <= counted, "{} bytes are nowhere, {} are counted", absent, counted);
        }
        let budget = tracker.budget();
        prop_assert_eq!((budget.out_of_order_bytes, budget.out_of_order_segments), (0, 0));
    }
}

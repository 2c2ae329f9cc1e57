//! IP fragments in every order, twice, overlapping, cut and never complete.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use port21_capture::decode::{Limits, Stop};
use port21_capture::{Decoder, LinkType, Packet, Timestamp, Transport};

/// A TCP header from port 21 to port 4000.
const TCP: &[u8] = b"\0\x15\x0f\xa0\0\0\0\x01\0\0\0\x02\x50\x18\x10\0\0\0\0\0";

/// A TCP segment whose payload is `length` bytes, each other than the one before.
fn datagram(length: usize) -> Vec<u8> {
    let payload = (0..length).map(|at| (at % 251) as u8);
    TCP.iter().copied().chain(payload).collect()
}

/// A raw IPv4 packet with one fragment.
fn ipv4(identifier: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let field = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
    let length = (20 + data.len() as u16).to_be_bytes();
    let (identifier, field) = (identifier.to_be_bytes(), field.to_be_bytes());
    [&[0x45, 0][..], &length, &identifier, &field, &[64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], data].concat()
}

/// A raw IPv6 packet with one fragment.
fn ipv6(identifier: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let field = (offset as u16 | u16::from(more)).to_be_bytes();
    let length = (8 + data.len() as u16).to_be_bytes();
    let mut addresses = [0; 32];
    (addresses[0], addresses[15], addresses[16], addresses[31]) = (0xfd, 1, 0xfd, 2);
    let identifier = identifier.to_be_bytes();
    [&[0x60, 0, 0, 0][..], &length, &[44, 64], &addresses, &[6, 0], &field, &identifier, data].concat()
}

/// What a packet gave: the payload of a TCP segment, or why there is none.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Segment(Vec<u8>),
    Waits,
    Stopped(Stop),
}

fn decode_at(decoder: &mut Decoder, second: i64, data: &[u8], missing: u32) -> Given {
    let (time, original_length) = (Timestamp(second * 1_000_000_000), data.len() as u32 + missing);
    let decoded =
        decoder.decode(&Packet { number: 1, time, link_type: LinkType::RAW, original_length, data });
    match (decoded.transport, decoded.stopped) {
        (Some(Transport::Tcp(segment)), None) => Given::Segment(segment.payload.to_vec()),
        (Some(Transport::Fragment), None) => Given::Waits,
        (_, stopped) => Given::Stopped(stopped.unwrap()),
    }
}

fn decode(decoder: &mut Decoder, packets: &[Vec<u8>]) -> Vec<Given> {
    packets.iter().map(|packet| decode_at(decoder, 0, packet, 0)).collect()
}

#[test]
fn fragments_in_any_order_give_the_segment_with_the_last_to_come() {
    let whole = datagram(100);
    for make in [
        (|offset, more, data| ipv4(7, offset, more, data)) as fn(usize, bool, &[u8]) -> Vec<u8>,
        |offset, more, data| ipv6(7, offset, more, data),
    ] {
        let parts =
            [make(0, true, &whole[..40]), make(40, true, &whole[40..80]), make(80, false, &whole[80..])];
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let packets = order.map(|part| parts[part].clone());
            let given = decode(&mut Decoder::default(), &packets);
            assert_eq!(
                given,
                [Given::Waits, Given::Waits, Given::Segment(whole[20..].to_vec())],
                "{order:?}"
            );
        }
    }
}

#[test]
fn of_bytes_that_come_twice_the_first_are_kept() {
    let whole = datagram(100);
    let mut forged = whole.clone();
    forged[44..].fill(0xff);
    // Reaches back into the first fragment, and on into what comes last.
    let packets = [
        ipv4(7, 0, true, &whole[..56]),
        ipv4(7, 40, true, &forged[40..88]),
        ipv4(7, 72, false, &whole[72..]),
    ];
    let expected = [&whole[20..56], &forged[56..88], &whole[88..]].concat();
    let given = decode(&mut Decoder::default(), &packets);
    assert_eq!(given, [Given::Waits, Given::Waits, Given::Segment(expected)]);
}

#[test]
fn a_fragment_that_comes_twice_changes_nothing() {
    let whole = datagram(100);
    let (first, last) = (ipv4(7, 0, true, &whole[..80]), ipv4(7, 80, false, &whole[80..]));
    let given = decode(&mut Decoder::default(), &[first.clone(), first.clone(), last, first]);
    assert_eq!(given, [Given::Waits, Given::Waits, Given::Segment(whole[20..].to_vec()), Given::Waits]);
}

#[test]
fn datagrams_are_told_apart_by_their_identifier() {
    let whole = datagram(100);
    let packets = [ipv4(7, 0, true, &whole[..80]), ipv4(8, 80, false, &whole[80..])];
    assert_eq!(decode(&mut Decoder::default(), &packets), [Given::Waits, Given::Waits]);
}

#[test]
fn a_fragment_beyond_the_end_is_malformed_and_counted() {
    let whole = datagram(100);
    let mut decoder = Decoder::default();
    let packets =
        [ipv4(7, 80, false, &whole[80..]), ipv4(7, 120, true, &whole[..40]), ipv4(7, 0, true, &whole[..80])];
    let malformed = Given::Stopped(Stop::Malformed("IP fragment"));
    assert_eq!(
        decode(&mut decoder, &packets),
        [Given::Waits, malformed, Given::Segment(whole[20..].to_vec())]
    );
    assert_eq!(decoder.dropped().malformed, 1);
    // All but the last are multiples of 8 bytes long, and 65,535 is the most (RFC 791, section 3.2).
    for odd in [ipv4(9, 0, true, &whole[..41]), ipv4(9, 65_528, false, &whole[..16])] {
        assert_eq!(decode(&mut decoder, &[odd]), [Given::Stopped(Stop::Malformed("IP fragment"))]);
    }
}

#[test]
fn a_cut_fragment_is_not_used_and_counted() {
    let whole = datagram(100);
    let mut decoder = Decoder::default();
    let first = ipv4(7, 0, true, &whole[..80]);
    let cut = decode_at(&mut decoder, 0, &first[..60], 40);
    assert_eq!(cut, Given::Stopped(Stop::Cut("IP fragment")));
    assert_eq!(decode(&mut decoder, &[ipv4(7, 80, false, &whole[80..])]), [Given::Waits]);
    assert_eq!(decoder.dropped().cut, 1);
}

#[test]
fn fragments_that_wait_for_more_than_a_minute_are_given_up() {
    let whole = datagram(100);
    let (first, last) = (ipv4(7, 0, true, &whole[..80]), ipv4(7, 80, false, &whole[80..]));
    for (second, given) in [(60, Given::Segment(whole[20..].to_vec())), (61, Given::Waits)] {
        let mut decoder = Decoder::default();
        decode_at(&mut decoder, 0, &first, 0);
        assert_eq!(decode_at(&mut decoder, second, &last, 0), given);
    }
}

#[test]
fn what_limits_drop_is_counted() {
    let mut decoder = Decoder::with_limits(Limits { datagrams: 10, ..Limits::default() });
    let whole = datagram(100);
    for identifier in 0..30 {
        decode(&mut decoder, &[ipv4(identifier, 0, true, &whole[..80])]);
    }
    assert_eq!(decoder.dropped().by_limit, 20);
    // The oldest went first.
    let ends = [0, 29].map(|identifier| ipv4(identifier, 80, false, &whole[80..]));
    assert_eq!(decode(&mut decoder, &ends), [Given::Waits, Given::Segment(whole[20..].to_vec())]);
}

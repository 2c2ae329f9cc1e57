//! Whatever bytes come in, nothing panics and nothing is read twice.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::write::{ByteOrder, PcapNgWriter};
use common::{open, pcap};
use port21_capture::dissect::{Field, dissect};
use port21_capture::{Decoder, LinkType, Packet, Timestamp, Transport};
use proptest::prelude::*;

/// Reads and decodes as far as it goes.
fn exercise(bytes: &[u8]) {
    let Ok(mut capture) = open(bytes) else { return };
    let mut decoder = Decoder::default();
    while let Some(packet) = capture.next_packet() {
        take_apart(&mut decoder, &packet);
    }
    let _ = capture.info();
}

fn take_apart(decoder: &mut Decoder, packet: &Packet<'_>) {
    if let Some(Transport::Tcp(segment)) = decoder.decode(packet).transport {
        assert!(segment.payload.len() <= segment.payload_length as usize);
    }
    let layers = dissect(packet).layers;
    assert!(layers.iter().all(|layer| lies_within(layer, 0, packet.data.len())), "{layers:#?}");
    assert!(layers.windows(2).all(|pair| pair[0].end() <= pair[1].offset), "{layers:#?}");
}

fn lies_within(field: &Field, from: usize, to: usize) -> bool {
    let within = from <= field.offset && field.end() <= to;
    within && field.children.iter().all(|child| lies_within(child, field.offset, field.end()))
}

/// Link types that are decoded, and one that is not.
const LINK_TYPES: [u32; 22] =
    [0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 119, 127, 147, 163, 166, 192, 228, 229, 239, 276];

/// A frame of TCP over IPv4 on Ethernet, whose bytes are then changed.
const FRAME: &[u8] = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0\
    \x45\0\0\x2e\0\x07\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\
    \0\x15\x0f\xa0\0\0\0\x01\0\0\0\x02\x50\x18\x10\0\0\0\0\x00220 hi";

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_pcap_header_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(&[pcap(&[]), bytes].concat());
    }

    #[test]
    fn any_blocks_are_read(blocks in prop::collection::vec((0_u32..12, prop::collection::vec(any::<u8>(), 0..60)), 0..20)) {
        let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
        for (kind, body) in &blocks {
            writer.block(*kind, body).unwrap();
        }
        exercise(&writer.into_inner());
    }

    #[test]
    fn any_packet_of_any_link_type_is_decoded(
        link_type in prop::sample::select(&LINK_TYPES[..]),
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..120), 1..5),
        more in 0_u32..100,
    ) {
        let mut decoder = Decoder::default();
        for data in &packets {
            let (link_type, original_length) = (LinkType(link_type), data.len() as u32 + more);
            let packet = Packet { number: 1, time: Timestamp(0), link_type, original_length, data };
            take_apart(&mut decoder, &packet);
        }
    }

    #[test]
    fn frames_with_changed_bytes_are_decoded(
        changes in prop::collection::vec((0_usize..60, any::<u8>()), 0..4),
        cut in 0_usize..70,
    ) {
        let mut frame = FRAME.to_vec();
        for (at, byte) in changes {
            if let Some(place) = frame.get_mut(at) {
                *place = byte;
            }
        }
        let original_length = frame.len() as u32;
        let data = &frame[..frame.len().min(cut)];
        let packet = Packet { number: 1, time: Timestamp(0), link_type: LinkType::ETHERNET, original_length, data };
        take_apart(&mut Decoder::default(), &packet);
    }
}

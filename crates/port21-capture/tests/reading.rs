//! Every format that is read, from bytes that are written down here or by the writers.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::write::{ByteOrder, Interface, PcapNgWriter, PcapWriter, Precision};
use common::{Kept, open, packets, pcap, problems};
use port21_capture::{LinkType, Packet, Timestamp};

const TIME: Timestamp = Timestamp(1_700_000_000_123_456_789);

fn packet(data: &[u8]) -> Packet<'_> {
    Packet {
        number: 0,
        time: TIME,
        link_type: LinkType::ETHERNET,
        original_length: data.len() as u32 + 10,
        data,
    }
}

fn ethernet() -> Interface {
    Interface { link_type: LinkType::ETHERNET, snap_length: 0, resolution: 6, offset: 0 }
}

#[test]
fn pcap_of_both_byte_orders_and_precisions() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        for (precision, time) in
            [(Precision::Microseconds, TIME.0 / 1000 * 1000), (Precision::Nanoseconds, TIME.0)]
        {
            let mut writer = PcapWriter::with_format(Vec::new(), LinkType::RAW, order, precision).unwrap();
            writer.write(&packet(b"one")).unwrap();
            writer.write(&packet(b"")).unwrap();
            let expected = [
                Kept { number: 1, time, link_type: 101, original_length: 13, data: b"one".to_vec() },
                Kept { number: 2, time, link_type: 101, original_length: 10, data: Vec::new() },
            ];
            assert_eq!(packets(&writer.into_inner()), expected, "{order:?} {precision:?}");
        }
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    for big in [false, true] {
        let word = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let half = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
        let mut bytes = [&word(0xa1b2_cd34)[..], &half(2), &half(4)].concat();
        bytes.extend([0, 0, 65_535, 1].map(word).concat());
        for data in [b"abc", b"def"] {
            bytes.extend([5, 6, 3, 3, 7, 0].map(word).concat());
            bytes.extend(data);
        }
        let read = packets(&bytes);
        assert_eq!(read.len(), 2);
        assert_eq!((read[1].time, &read[1].data[..]), (5_000_006_000, &b"def"[..]));
    }
}

#[test]
fn ixia_pcap_has_four_more_bytes_in_its_header() {
    let mut bytes = pcap(&[b"abc"]);
    bytes[..4].copy_from_slice(&0x1c00_01ac_u32.to_le_bytes());
    bytes.splice(24..24, [19, 0, 0, 0]);
    assert_eq!(packets(&bytes)[0].data, b"abc");
}

#[test]
fn old_pcap_versions_have_the_lengths_the_other_way_round() {
    let mut bytes = pcap(&[b"abc"]);
    bytes[6] = 2;
    bytes[32..36].copy_from_slice(&99_u32.to_le_bytes());
    bytes[36..40].copy_from_slice(&3_u32.to_le_bytes());
    let read = packets(&bytes);
    assert_eq!((read[0].original_length, &read[0].data[..]), (99, &b"abc"[..]));
}

#[test]
fn frame_check_sequence_is_left_out() {
    let mut bytes = pcap(&[b"frame and its FCS!"]);
    bytes[20..24].copy_from_slice(&0x2400_0001_u32.to_le_bytes());
    let read = packets(&bytes);
    assert_eq!((&read[0].data[..], read[0].original_length), (&b"frame and its "[..], 14));
    assert!(problems(&bytes)[0].contains("check sequence of 4 bytes"));
}

#[test]
fn reserved_bits_of_the_link_type_are_ignored_and_told() {
    let mut bytes = pcap(&[b"abc"]);
    bytes[20..24].copy_from_slice(&0x0030_0001_u32.to_le_bytes());
    assert_eq!(packets(&bytes)[0].link_type, 1);
    assert!(problems(&bytes)[0].contains("0x00300001"));
}

#[test]
fn sections_of_either_byte_order_with_several_interfaces() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Big).unwrap();
    writer.interface(&ethernet()).unwrap();
    writer.interface(&Interface { link_type: LinkType::RAW, resolution: 9, ..ethernet() }).unwrap();
    writer.packet(0, 7, 3, b"one").unwrap();
    writer.packet(1, 7, 30, b"two").unwrap();
    writer.section(ByteOrder::Little).unwrap();
    writer
        .interface(&Interface { link_type: LinkType::PPP, resolution: 0x80 | 1, offset: 100, ..ethernet() })
        .unwrap();
    writer.packet(0, 3, 5, b"three").unwrap();
    let bytes = writer.into_inner();
    let seen: Vec<_> = packets(&bytes).into_iter().map(|packet| (packet.time, packet.link_type)).collect();
    assert_eq!(seen, [(7_000, 1), (7, 101), (101_500_000_000, 9)]);
    assert_eq!(packets(&bytes)[1].original_length, 30);
    assert!(problems(&bytes).is_empty());
}

#[test]
fn offset_is_read_in_the_order_of_its_section() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let mut writer = PcapNgWriter::new(Vec::new(), order).unwrap();
        writer.interface(&Interface { offset: -2, resolution: 0, ..ethernet() }).unwrap();
        writer.packet(0, 5, 0, b"").unwrap();
        assert_eq!(packets(&writer.into_inner())[0].time, 3_000_000_000);
    }
}

#[test]
fn simple_packets_have_the_time_of_the_packet_before() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    writer.interface(&Interface { snap_length: 4, ..ethernet() }).unwrap();
    writer.packet(0, 5, 2, b"ab").unwrap();
    // The snap length says that of 10 bytes 4 are there.
    writer.simple(10, b"abcd").unwrap();
    writer.simple(3, b"abc").unwrap();
    let read = packets(&writer.into_inner());
    assert_eq!((read[1].time, read[1].original_length, &read[1].data[..]), (5_000, 10, &b"abcd"[..]));
    assert_eq!(read[2].data, b"abc");
}

#[test]
fn obsolete_packet_blocks_are_read() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    writer.interface(&ethernet()).unwrap();
    let mut body = vec![0, 0, 9, 0];
    body.extend([0_u32, 77, 3, 4].map(u32::to_le_bytes).concat());
    body.extend(b"abc\0");
    writer.block(2, &body).unwrap();
    let read = packets(&writer.into_inner());
    assert_eq!((read[0].time, read[0].original_length, &read[0].data[..]), (77_000, 4, &b"abc"[..]));
}

#[test]
fn unknown_blocks_are_counted_and_named_once() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    writer.interface(&ethernet()).unwrap();
    for _ in 0..3 {
        writer.block(0x0000_1234, b"whatever").unwrap();
    }
    writer.packet(0, 5, 2, b"ab").unwrap();
    let bytes = writer.into_inner();
    assert_eq!(packets(&bytes).len(), 1);
    let told = problems(&bytes);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("0x00001234") && told[0].contains("2 more"), "{told:?}");
}

#[test]
fn blocks_that_wireshark_numbers_take_a_number_and_are_no_packets() {
    // Custom blocks, a journal entry, system calls.
    for kind in [0x0bad, 0x4000_0bad, 9, 0x204, 0x216, 0x221] {
        let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
        writer.interface(&ethernet()).unwrap();
        writer.block(kind, b"\x01\x02\x03\x04text").unwrap();
        writer.packet(0, 5, 2, b"ab").unwrap();
        writer.block(kind, b"\x01\x02\x03\x04text").unwrap();
        let bytes = writer.into_inner();
        let read = packets(&bytes);
        let types: Vec<_> = read.iter().map(|packet| (packet.number, packet.link_type)).collect();
        let no_packet = LinkType::NO_PACKET.0;
        assert_eq!(types, [(1, no_packet), (2, 1), (3, no_packet)], "{kind:#x}");
        assert_eq!((read[0].time, read[2].time, &read[2].data[..]), (0, 5_000, &b"\x01\x02\x03\x04text"[..]));
        assert!(problems(&bytes)[0].contains("counts as #1 all the same"), "{:?}", problems(&bytes));
    }
}

#[test]
fn names_statistics_and_secrets_take_no_number() {
    for kind in [4, 5, 7, 0x0a, 0x8000_0001, 0x208] {
        let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Big).unwrap();
        writer.interface(&ethernet()).unwrap();
        writer.block(kind, &[0; 16]).unwrap();
        writer.packet(0, 5, 2, b"ab").unwrap();
        assert_eq!(packets(&writer.into_inner()).len(), 1, "{kind:#x}");
    }
}

#[test]
fn a_file_without_times_has_no_first_and_last_time() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    writer.interface(&ethernet()).unwrap();
    writer.simple(3, b"abc").unwrap();
    writer.simple(3, b"abc").unwrap();
    let times = |bytes: &[u8]| {
        let mut capture = open(bytes).unwrap();
        while capture.next_packet().is_some() {}
        (capture.info().first_time, capture.info().last_time)
    };
    let mut bytes = writer.into_inner();
    assert_eq!(times(&bytes), (None, None));
    let mut writer = PcapNgWriter::new(bytes, ByteOrder::Little).unwrap();
    writer.interface(&ethernet()).unwrap();
    writer.packet(0, 5, 2, b"ab").unwrap();
    bytes = writer.into_inner();
    assert_eq!(times(&bytes), (Some(Timestamp(5_000)), Some(Timestamp(5_000))));
}

#[test]
fn option_longer_than_its_block_loses_no_packet() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    // Link type 101, no snap length, option 2 of 99 bytes.
    writer.block(1, &[101, 0, 0, 0, 0, 0, 0, 0, 2, 0, 99, 0, 1, 2, 3, 4]).unwrap();
    writer.packet(0, 5, 2, b"ab").unwrap();
    let bytes = writer.into_inner();
    assert_eq!(packets(&bytes)[0].link_type, 101);
    assert!(problems(&bytes)[0].contains("option"));
}

#[test]
fn packet_of_an_undescribed_interface_is_counted() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    writer.packet(3, 5, 2, b"ab").unwrap();
    let bytes = writer.into_inner();
    assert_eq!(packets(&bytes)[0].link_type, LinkType::UNDESCRIBED.0);
    assert!(problems(&bytes)[0].contains("interface 3"));
}

#[test]
fn section_of_an_unknown_version_is_left_out_and_the_next_is_read() {
    let section =
        |major: u8| [0x4d, 0x3c, 0x2b, 0x1a, major, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    for major in [2, 1] {
        writer.block(0x0a0d_0d0a, &section(major)).unwrap();
        writer.interface(&ethernet()).unwrap();
        writer.packet(0, 5, 2, b"ab").unwrap();
    }
    let bytes = writer.into_inner();
    assert_eq!(packets(&bytes).len(), 1);
    assert!(problems(&bytes)[0].contains("version 2"));
}

#[test]
fn compressed_captures_are_read_as_streams() {
    let bytes = pcap(&[b"abc", b"defg", &[7; 100_000]]);
    assert_eq!(packets(&common::gzip(&bytes)), packets(&bytes));
    assert_eq!(packets(&common::zstd(&bytes)), packets(&bytes));
}

#[test]
fn compressed_members_and_frames_are_one_file() {
    let bytes = pcap(&[b"abc", b"defg"]);
    let (head, tail) = bytes.split_at(30);
    assert_eq!(packets(&[common::gzip(head), common::gzip(tail)].concat()), packets(&bytes));
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    let frames = [skippable.clone(), common::zstd(head), skippable, common::zstd(tail)].concat();
    assert_eq!(packets(&frames), packets(&bytes));
}

#[test]
fn info_tells_what_was_read() {
    let bytes = pcap(&[b"abc", b"defg"]);
    let mut capture = open(&bytes).unwrap();
    while capture.next_packet().is_some() {}
    let info = capture.info();
    assert_eq!((info.format.name(), info.packets, info.bytes), ("pcap", 2, bytes.len() as u64));
    assert_eq!((info.first_time, info.last_time), (Some(Timestamp(0)), Some(Timestamp(1_000_000_000))));
    assert_eq!(info.link_types.into_iter().collect::<Vec<_>>(), [LinkType::ETHERNET]);
    assert_eq!(capture.progress().read, bytes.len() as u64);
}

//! Damaged files: everything before the damage is delivered, and one sentence says what is wrong.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use common::write::{ByteOrder, Interface, PcapNgWriter};
use common::{Kept, open, packets, pcap, problems, read};
use port21_capture::{Capture, LinkType, OpenError};

fn refusal(bytes: &[u8]) -> String {
    open(bytes).map(|_| ()).unwrap_err().to_string()
}

fn pcapng(packets: &[&[u8]]) -> Vec<u8> {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    let interface = Interface { link_type: LinkType::ETHERNET, snap_length: 0, resolution: 6, offset: 0 };
    writer.interface(&interface).unwrap();
    for data in packets {
        writer.packet(0, 5, data.len() as u32, data).unwrap();
    }
    writer.into_inner()
}

#[test]
fn length_of_four_gigabytes_stops_reading() {
    let mut bytes = pcap(&[b"abc", b"defg", b"hi"]);
    bytes[24 + 19 + 8..24 + 19 + 12].fill(0xff);
    assert_eq!(packets(&bytes).len(), 1);
    assert_eq!(
        problems(&bytes),
        ["capture cut short: record 2 at offset 43 says 4294967295 bytes; reading stops here"]
    );
}

#[test]
fn problem_names_the_last_packet_before_it() {
    let bytes = pcap(&[b"abc", b"defg"]);
    let mut capture = open(&bytes[..bytes.len() - 1]).unwrap();
    read(&mut capture);
    let problem = capture.info().problems.remove(0);
    assert_eq!((problem.packet, problem.offset), (Some(1), Some(43)));
    assert!(problem.text.contains("record 2 at offset 43 has 3 of its 4 bytes"), "{}", problem.text);
}

#[test]
fn record_longer_than_the_snap_length_is_still_read() {
    let mut bytes = pcap(&[&[1; 2000]]);
    bytes[16..20].copy_from_slice(&96_u32.to_le_bytes());
    assert_eq!(packets(&bytes)[0].data.len(), 2000);
    assert!(problems(&bytes).is_empty());
}

#[test]
fn captured_more_than_original_is_tolerated_and_told_once() {
    let mut bytes = pcap(&[b"abc", b"abc"]);
    for at in [24, 43] {
        bytes[at + 12..at + 16].copy_from_slice(&1_u32.to_le_bytes());
    }
    assert_eq!(packets(&bytes)[1].original_length, 3);
    let told = problems(&bytes);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("packet 1 at offset 24 was captured with 3 bytes but had 1"), "{told:?}");
}

#[test]
fn fraction_of_more_than_a_second_is_tolerated_and_told() {
    let mut bytes = pcap(&[b"abc"]);
    bytes[28..32].copy_from_slice(&1_000_001_u32.to_le_bytes());
    assert_eq!(packets(&bytes)[0].time, 1_000_001_000);
    assert!(problems(&bytes)[0].contains("1000001 as its fraction"));
}

#[test]
fn zeros_behind_the_packets_are_no_packets() {
    let mut bytes = pcap(&[b"abc"]);
    bytes.extend([0; 1000]);
    assert_eq!(packets(&bytes).len(), 1);
    assert!(problems(&bytes)[0].contains("record 2 at offset 43 is nothing but zeros"));
}

#[test]
fn block_of_an_impossible_length_stops_reading() {
    for length in [0_u32, 11, u32::MAX] {
        let mut bytes = pcapng(&[b"abc", b"defg"]);
        let at = bytes.len() - 36;
        bytes[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(packets(&bytes).len(), 1, "{length}");
        assert!(problems(&bytes)[0].contains(&format!("says that it has {length} bytes")), "{length}");
    }
}

#[test]
fn packet_longer_than_its_block_keeps_what_the_block_holds() {
    let mut bytes = pcapng(&[b"abcd"]);
    let at = bytes.len() - 36;
    bytes[at + 20..at + 24].copy_from_slice(&1000_u32.to_le_bytes());
    bytes[at + 24..at + 28].copy_from_slice(&1000_u32.to_le_bytes());
    let read = packets(&bytes);
    assert_eq!((read[0].original_length, &read[0].data[..]), (1000, &b"abcd"[..]));
    assert!(problems(&bytes)[0].contains("says 1000 bytes, but its block holds 4"));
}

#[test]
fn wrong_second_length_loses_nothing() {
    let mut bytes = pcapng(&[b"abcd", b"efgh"]);
    let at = bytes.len() - 36 - 4;
    bytes[at..at + 4].fill(9);
    assert_eq!(packets(&bytes).len(), 2);
    assert!(problems(&bytes)[0].contains("the first is used"));
}

#[test]
fn cut_anywhere_delivers_the_packets_before() {
    for whole in [pcap(&[b"abc", b"", b"defgh"]), pcapng(&[b"abc", b"", b"defgh"])] {
        let all = packets(&whole);
        for length in 0..whole.len() {
            let Ok(mut capture) = open(&whole[..length]) else { continue };
            let kept: Vec<Kept> = read(&mut capture);
            assert_eq!(kept, all[..kept.len()], "cut at {length}");
            let on_boundary = capture.info().bytes == length as u64;
            assert_eq!(capture.info().problems.is_empty(), on_boundary, "cut at {length}");
        }
    }
}

#[test]
fn damaged_compression_delivers_what_was_whole() {
    let packet = |number: u32| (0..1000).map(|byte| (byte * number + byte / 7) as u8).collect::<Vec<u8>>();
    let data: Vec<Vec<u8>> = (0..2000).map(packet).collect();
    let whole = pcap(&data.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let all = packets(&whole);
    for compressed in [common::gzip(&whole), common::zstd(&whole)] {
        let kept = packets(&compressed[..compressed.len() - 100]);
        assert!(!kept.is_empty());
        assert_eq!(kept, all[..kept.len()]);
        let told = problems(&compressed[..compressed.len() - 100]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("reading stops after packet"), "{told:?}");
    }
}

#[test]
fn wrong_zstd_checksum_is_told() {
    let mut compressed = common::zstd(&pcap(&[b"abc"]));
    *compressed.last_mut().unwrap() ^= 1;
    assert_eq!(packets(&compressed).len(), 1);
    assert!(problems(&compressed)[0].contains("checksum"));
}

#[test]
fn failing_reader_is_one_problem() {
    struct Failing(u8);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            let whole = pcap(&[b"abc", b"defg"]);
            match self.0 {
                1 => (&whole[..4]).read(buffer),
                2 => (&whole[4..50]).read(buffer),
                _ => Err(io::Error::other("the disk is gone")),
            }
        }
    }
    let mut capture = Capture::from_reader("test".into(), Box::new(Failing(0))).unwrap();
    assert_eq!(read(&mut capture).len(), 1);
    let problems = capture.info().problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].text.contains("the disk is gone"));
}

#[test]
fn what_is_no_capture_is_named() {
    assert!(refusal(b"").contains("is empty"));
    assert!(refusal(b"No. Time Source Destination\n").contains("text"));
    assert!(refusal(&[0; 5000]).contains("zeros"));
    assert!(refusal(b"snoop\0\0\0\0\0\0\x02").contains("snoop"));
    assert!(refusal(&[0xde, 0xad, 0xbe, 0xef, 0]).contains("de ad be ef"));
}

#[test]
fn unknown_versions_are_refused() {
    let mut bytes = pcap(&[b"abc"]);
    bytes[4] = 3;
    assert!(refusal(&bytes).contains("version 3.4"));
    let mut bytes = pcapng(&[b"abc"]);
    bytes[12] = 2;
    assert!(refusal(&bytes).contains("version 2.0"));
}

#[test]
fn cut_file_header_is_refused() {
    assert!(refusal(&pcap(&[])[..10]).contains("after 10 bytes"));
    assert!(refusal(&pcapng(&[])[..20]).contains("after 20 bytes"));
}

#[test]
fn missing_files_and_directories_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Capture::open(&folder.path().join("none.pcap")), Err(OpenError::Missing { .. })));
    assert!(matches!(Capture::open(folder.path()), Err(OpenError::Directory { .. })));
    let empty = folder.path().join("empty.pcap");
    fs::write(&empty, b"").unwrap();
    assert!(matches!(Capture::open(Path::new(&empty)), Err(OpenError::Empty { .. })));
}

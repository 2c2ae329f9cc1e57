//! Inputs that have nothing more at present: reading goes on where it was, as if nothing had happened.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::io::{self, Read};

use common::write::{ByteOrder, Interface, PcapNgWriter};
use common::{Kept, packets, pcap, pcap_at};
use port21_capture::{Capture, Captures, LinkType};

/// Gives its first `whole` bytes as they are asked for, then `step` at a time with a pause before each.
struct Dribble {
    bytes: Vec<u8>,
    at: usize,
    whole: usize,
    step: usize,
    gave: bool,
}

impl Read for Dribble {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = if self.at < self.whole { self.whole - self.at } else { self.step };
        self.gave = self.at >= self.whole && !self.gave;
        if self.at >= self.whole && !self.gave {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let left = &self.bytes[self.at..];
        let count = left.len().min(buffer.len()).min(step);
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }
}

fn dribble(bytes: &[u8], whole: usize, step: usize) -> Capture {
    let reader = Dribble { bytes: bytes.to_vec(), at: 0, whole, step, gave: true };
    Capture::from_reader("test".into(), Box::new(reader)).unwrap()
}

/// Every packet, and how often there was none at present.
fn read(captures: &mut Captures) -> (Vec<Kept>, u64) {
    let (mut kept, mut pauses) = (Vec::new(), 0);
    loop {
        if let Some(packet) = captures.next_packet() {
            kept.push(packet.into());
        } else if captures.is_paused() {
            pauses += 1;
        } else {
            return (kept, pauses);
        }
    }
}

fn assert_read_as_at_once(bytes: &[u8], header: usize) {
    for step in [1, 2, 3, 5, 7, 12, 64] {
        let mut captures = Captures::from_captures([dribble(bytes, header, step)]);
        let (kept, pauses) = read(&mut captures);
        assert_eq!(kept, packets(bytes), "{step} bytes at a time");
        assert!(pauses as usize >= (bytes.len() - header) / step / 2, "{pauses} pauses");
        let info = &captures.infos()[0];
        assert!(info.problems.is_empty(), "{step} bytes at a time: {:?}", info.problems);
        assert_eq!(info.bytes, bytes.len() as u64);
    }
}

#[test]
fn pcap_in_pieces() {
    assert_read_as_at_once(&pcap(&[b"one", b"", &[7; 200], b"four"]), 24);
}

#[test]
fn pcapng_in_pieces() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Big).unwrap();
    let interface = Interface { link_type: LinkType::ETHERNET, snap_length: 0, resolution: 6, offset: 0 };
    writer.interface(&interface).unwrap();
    writer.packet(0, 1_000_000, 3, b"one").unwrap();
    writer.block(4, &[1; 100]).unwrap();
    writer.section(ByteOrder::Little).unwrap();
    writer.interface(&interface).unwrap();
    writer.packet(0, 2_000_000, 5, b"three").unwrap();
    assert_read_as_at_once(&writer.into_inner(), 28);
}

#[test]
fn block_too_long_to_hold_is_passed_over_in_pieces() {
    let mut writer = PcapNgWriter::new(Vec::new(), ByteOrder::Little).unwrap();
    let interface = Interface { link_type: LinkType::ETHERNET, snap_length: 0, resolution: 6, offset: 0 };
    writer.interface(&interface).unwrap();
    writer.block(0x0bad, &vec![1; 17 << 20]).unwrap();
    writer.packet(0, 2_000_000, 5, b"after").unwrap();
    let bytes = writer.into_inner();
    let mut captures = Captures::from_captures([dribble(&bytes, 28, 1_000_001)]);
    let (kept, pauses) = read(&mut captures);
    assert!(pauses > 15);
    assert_eq!(kept, packets(&bytes));
    assert_eq!(kept[0].data, b"after");
}

#[test]
fn record_that_never_comes_to_its_end_is_a_problem_once() {
    let bytes = pcap(&[b"one", b"two"]);
    let mut captures = Captures::from_captures([dribble(&bytes[..bytes.len() - 1], 24, 4)]);
    assert_eq!(read(&mut captures).0.len(), 1);
    let problems = &captures.infos()[0].problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].text.contains("2 of its 3 bytes"), "{problems:?}");
}

#[test]
fn others_wait_for_the_one_that_has_paused() {
    let early = pcap_at(&[1, 3], &[b"1", b"3"]);
    let late = pcap_at(&[2, 4], &[b"2", b"4"]);
    let mut captures = Captures::from_captures([dribble(&late, 24, 5), dribble(&early, 24, 3)]);
    let (kept, _) = read(&mut captures);
    assert_eq!(kept.iter().map(|packet| packet.data[0]).collect::<Vec<_>>(), *b"1234");
}

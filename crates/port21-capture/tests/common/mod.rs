//! What the tests of reading share.

// Every test program uses a part of this.
#![allow(dead_code)]

pub mod write;

use std::io::{Cursor, Write};

use port21_capture::{Capture, LinkType, OpenError, Packet, Timestamp};

use write::PcapWriter;

/// A packet that outlives its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub number: u64,
    pub time: i64,
    pub link_type: u32,
    pub original_length: u32,
    pub data: Vec<u8>,
}

impl From<Packet<'_>> for Kept {
    fn from(packet: Packet<'_>) -> Self {
        Kept {
            number: packet.number,
            time: packet.time.0,
            link_type: packet.link_type.0,
            original_length: packet.original_length,
            data: packet.data.to_vec(),
        }
    }
}

/// An Ethernet capture of these packets, a second apart from 1970 on.
pub fn pcap(packets: &[&[u8]]) -> Vec<u8> {
    let times: Vec<i64> = (0..packets.len() as i64).collect();
    pcap_at(&times, packets)
}

/// An Ethernet capture of these packets at these seconds.
pub fn pcap_at(seconds: &[i64], packets: &[&[u8]]) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET).unwrap();
    for (second, data) in seconds.iter().zip(packets) {
        let time = Timestamp(second * 1_000_000_000);
        let (number, original_length, link_type) = (0, data.len() as u32, LinkType::ETHERNET);
        writer.write(&Packet { number, time, link_type, original_length, data }).unwrap();
    }
    writer.into_inner()
}

pub fn open(bytes: &[u8]) -> Result<Capture, OpenError> {
    Capture::from_reader("test".into(), Box::new(Cursor::new(bytes.to_vec())))
}

/// Reads to the end.
pub fn read(capture: &mut Capture) -> Vec<Kept> {
    let mut kept = Vec::new();
    while let Some(packet) = capture.next_packet() {
        kept.push(packet.into());
    }
    kept
}

pub fn packets(bytes: &[u8]) -> Vec<Kept> {
    read(&mut open(bytes).unwrap())
}

pub fn problems(bytes: &[u8]) -> Vec<String> {
    let mut capture = open(bytes).unwrap();
    read(&mut capture);
    capture.info().problems.into_iter().map(|problem| problem.text).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

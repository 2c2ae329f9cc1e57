//! Writes captures, as the formats' own documents say, for the tests to read.

use std::io;

use port21_capture::{LinkType, Packet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, number: u16) -> [u8; 2] {
        if self == ByteOrder::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        if self == ByteOrder::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u64(self, number: u64) -> [u8; 8] {
        if self == ByteOrder::Big { number.to_be_bytes() } else { number.to_le_bytes() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Microseconds,
    Nanoseconds,
}

/// Classic pcap, version 2.4.
pub struct PcapWriter {
    bytes: Vec<u8>,
    order: ByteOrder,
    precision: Precision,
}

impl PcapWriter {
    pub fn new(bytes: Vec<u8>, link_type: LinkType) -> io::Result<Self> {
        Self::with_format(bytes, link_type, ByteOrder::Little, Precision::Microseconds)
    }

    pub fn with_format(
        mut bytes: Vec<u8>,
        link_type: LinkType,
        order: ByteOrder,
        precision: Precision,
    ) -> io::Result<Self> {
        let magic = if precision == Precision::Nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        bytes.extend(order.u32(magic));
        bytes.extend([2, 4].map(|part| order.u16(part)).concat());
        bytes.extend([0, 0, 262_144, link_type.0].map(|word| order.u32(word)).concat());
        Ok(PcapWriter { bytes, order, precision })
    }

    pub fn write(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let unit = if self.precision == Precision::Nanoseconds { 1 } else { 1_000 };
        let seconds = packet.time.0.div_euclid(1_000_000_000) as u32;
        let fraction = (packet.time.0.rem_euclid(1_000_000_000) / unit) as u32;
        let header = [seconds, fraction, packet.data.len() as u32, packet.original_length];
        self.bytes.extend(header.map(|word| self.order.u32(word)).concat());
        self.bytes.extend(packet.data);
        Ok(())
    }

    pub fn into_inner(self) -> Vec<u8> {
        self.bytes
    }
}

/// What an Interface Description Block says.
#[derive(Debug, Clone, Copy)]
pub struct Interface {
    pub link_type: LinkType,
    pub snap_length: u32,
    /// if_tsresol
    pub resolution: u8,
    /// if_tsoffset, in seconds
    pub offset: i64,
}

/// pcapng, version 1.0.
pub struct PcapNgWriter {
    bytes: Vec<u8>,
    order: ByteOrder,
}

impl PcapNgWriter {
    pub fn new(bytes: Vec<u8>, order: ByteOrder) -> io::Result<Self> {
        let mut writer = PcapNgWriter { bytes, order };
        writer.section(order)?;
        Ok(writer)
    }

    pub fn section(&mut self, order: ByteOrder) -> io::Result<()> {
        self.order = order;
        let version = [1, 0].map(|part| order.u16(part)).concat();
        let body = [&order.u32(0x1a2b_3c4d)[..], &version, &order.u64(u64::MAX)].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    pub fn interface(&mut self, interface: &Interface) -> io::Result<()> {
        let order = self.order;
        let mut body = [order.u16(interface.link_type.0 as u16), order.u16(0)].concat();
        body.extend(order.u32(interface.snap_length));
        body.extend([&order.u16(9)[..], &order.u16(1), &[interface.resolution, 0, 0, 0]].concat());
        body.extend([&order.u16(14)[..], &order.u16(8), &order.u64(interface.offset as u64)].concat());
        body.extend([0; 4]);
        self.block(1, &body)
    }

    /// An Enhanced Packet Block; `time` in the interface's units.
    pub fn packet(&mut self, interface: u32, time: u64, original_length: u32, data: &[u8]) -> io::Result<()> {
        let words = [interface, (time >> 32) as u32, time as u32, data.len() as u32, original_length];
        self.block(6, &[&words.map(|word| self.order.u32(word)).concat(), data].concat())
    }

    /// A Simple Packet Block.
    pub fn simple(&mut self, original_length: u32, data: &[u8]) -> io::Result<()> {
        self.block(3, &[&self.order.u32(original_length)[..], data].concat())
    }

    pub fn block(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let length = self.order.u32((body.len() + padding + 12) as u32);
        self.bytes.extend([&self.order.u32(kind)[..], &length, body].concat());
        self.bytes.extend(vec![0; padding]);
        self.bytes.extend(length);
        Ok(())
    }

    pub fn into_inner(self) -> Vec<u8> {
        self.bytes
    }
}

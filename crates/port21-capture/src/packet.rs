//! A packet as it stands in a capture file, before any of its bytes are understood.

use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z, as the capture states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Seconds from `earlier` to `self`; negative where the capture's clock went back.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        self.nanoseconds_since(earlier) as f64 / 1e9
    }

    /// Nanoseconds from `earlier` to `self`, saturating at the ends of `i64`.
    pub fn nanoseconds_since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time so many nanoseconds later, saturating at the ends of `i64`.
    pub fn after_nanoseconds(self, nanoseconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(nanoseconds))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// The link-layer header type of a packet: a LINKTYPE_ value of <https://www.tcpdump.org/linktypes.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

/// One packet of a capture, borrowed from the reader's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// 1-based, counting every packet of the input, as Wireshark's `frame.number` does.
    pub number: u64,
    /// When it was captured; a packet without a time (pcapng Simple Packet Block) carries the time of the
    /// packet before it.
    pub time: Timestamp,
    /// How to read its first bytes.
    pub link_type: LinkType,
    /// Its length on the wire in bytes; never less than `data.len()`.
    pub original_length: u32,
    /// The bytes that the capture kept, starting with the link-layer header.
    pub data: &'a [u8],
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LINKTYPE_{}", self.0)
    }
}

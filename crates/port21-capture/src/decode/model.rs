//! What decoding gives: plain values, borrowed from the packet.

use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::packet::Timestamp;

/// What separates two conversations with the same addresses and ports: the VLAN identifiers and the tunnel
/// (VXLAN network, GRE key) that a packet came in. The same 5-tuple on two VLANs is two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Scope(pub u64);

/// TCP's control bits, as they stand in the header (RFC 9293, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push function.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer field is significant.
    pub const URG: Flags = Flags(0x20);
    /// ECN-Echo (RFC 3168).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(0x80);

    /// Whether every bit of `other` is set.
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    pub fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// The names of the set bits, in the order FIN, SYN, RST, PSH, ACK, URG, ECE, CWR.
    pub fn names(self) -> &'static [&'static str] {
        static NAMES: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| (0..=0xff).map(names_of).collect());
        NAMES.get(usize::from(self.0 & 0xff)).map(Vec::as_slice).unwrap_or_default()
    }
}

fn names_of(bits: u16) -> Vec<&'static str> {
    let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let named = names.into_iter().enumerate();
    named.filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| name).collect()
}

impl std::ops::BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// The TCP options that the analysis uses (RFC 9293, 7323, 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size in bytes.
    pub maximum_segment_size: Option<u16>,
    /// Window scale shift count, 0 to 14 (RFC 7323, section 2.3); larger values are given as 14.
    pub window_scale: Option<u8>,
    /// Selective acknowledgment permitted (RFC 2018).
    pub sack_permitted: bool,
    /// Selective acknowledgment blocks as (left edge, right edge); the first `sack_count` are valid.
    pub sack_blocks: [(u32, u32); 4],
    /// How many of `sack_blocks` are valid, 0 to 4.
    pub sack_count: u8,
    /// Timestamp value and echo reply (RFC 7323, section 3).
    pub timestamps: Option<(u32, u32)>,
}

/// One TCP segment.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Raw sequence number.
    pub sequence: u32,
    /// Raw acknowledgment number; means something only with ACK set.
    pub acknowledgement: u32,
    /// Control bits.
    pub flags: Flags,
    /// Window as it stands in the header, not scaled.
    pub window: u16,
    /// Urgent pointer; means something only with URG set.
    pub urgent_pointer: u16,
    /// Options that could be read.
    pub options: TcpOptions,
    /// The payload bytes that the capture holds, without Ethernet padding.
    pub payload: &'a [u8],
    /// The payload's length on the wire; more than `payload.len()` where the snap length cut it.
    pub payload_length: u32,
}

impl Segment<'_> {
    /// The same with other bytes as its payload; the length that it had on the wire stays.
    pub fn with_payload(self, payload: &[u8]) -> Segment<'_> {
        Segment { payload, ..self }
    }
}

/// What an IP packet carries.
#[derive(Debug, Clone, Copy)]
pub enum Transport<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// The payload bytes that the capture holds.
        payload: &'a [u8],
    },
    /// ICMP or ICMPv6 that says a packet could not be delivered, and quotes that packet's beginning.
    Unreachable {
        /// ICMP type (3 for IPv4, 1 for IPv6 is "destination unreachable").
        kind: u8,
        /// ICMP code.
        code: u8,
        /// Ends of the quoted packet, where it was TCP: (source, source port, destination, destination port).
        quoted_tcp: Option<(IpAddr, u16, IpAddr, u16)>,
    },
    /// An IP fragment that does not complete its packet (yet).
    Fragment,
    /// Some other protocol, by its IP protocol number.
    Other(u8),
}

/// The headers of one packet, as far as they could be read.
#[derive(Debug, Clone, Copy)]
pub struct Decoded<'a> {
    /// Number of the packet; for a reassembled datagram that of the fragment that completed it.
    pub packet: u64,
    /// Time of the packet.
    pub time: Timestamp,
    /// VLANs and tunnel.
    pub scope: Scope,
    /// Innermost IP source and destination.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Time to live or hop limit of the innermost IP header.
    pub hop_limit: u8,
    /// Identification of the innermost IP header, if that is one of IPv4 (RFC 6864); else 0.
    pub identification: u16,
    /// Length of the innermost IP packet on the wire in bytes, its header included; of a reassembled datagram the
    /// length that it would have had in one piece.
    pub ip_length: u32,
    /// What the innermost IP packet carries.
    pub transport: Option<Transport<'a>>,
    /// IP protocol number and bytes of the datagram that this packet, the last of its fragments, completed; of several
    /// that lie within one another the innermost.
    pub reassembled: Option<(u8, &'a [u8])>,
    /// Why decoding ended early, in a few words ("unknown link type 160", "TCP header cut at byte 12");
    /// `None` where nothing was wrong. Protocols other than IP (ARP, spanning tree) are not wrong.
    pub stopped: Option<Stop>,
}

/// Why decoding ended before the transport payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// No decoder for this link type.
    UnknownLinkType(u32),
    /// A header is cut by the snap length or the end of its packet: the layer's name.
    Cut(&'static str),
    /// A header contradicts itself: the layer's name.
    Malformed(&'static str),
    /// There is more beneath, but it is encrypted, or a form that is not decoded: what it is.
    Unsupported(&'static str),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::UnknownLinkType(u32::MAX) => write!(f, "link type not described"),
            Stop::UnknownLinkType(number) => write!(f, "unknown link type {number}"),
            Stop::Cut(layer) => write!(f, "{layer} cut short"),
            Stop::Malformed(layer) => write!(f, "{layer} malformed"),
            Stop::Unsupported(what) => write!(f, "{what} not decoded"),
        }
    }
}

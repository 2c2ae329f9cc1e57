//! A conversation as a capture file that packet tools open (pcapng), although no packet was seen.
//!
//! Takes what was read from and written to sockets, gives blocks of a pcapng file. TCP and IP headers are made up: a comment in the file
//! should say so.
//!
//! ```text
//! beginning ─▶ Flow::begin ─▶ say, skip, … ─▶ end       each gives blocks, to be written one behind the other
//!             └ Flow::attempt ─▶ refuse
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

/// Packets begin with their IP header (LINKTYPE_RAW).
const LINK_TYPE: u16 = 101;

/// Most payload bytes in a segment.
const SEGMENT: usize = 1400;

/// First sequence number of the initiator.
const INITIATOR_START: u32 = 1_000;

/// First sequence number of the responder.
const RESPONDER_START: u32 = 1_000_000;

/// Most bytes that are left out before an acknowledgment stands between them: half of the sequence numbers look backwards (RFC 9293
/// section 3.4).
const LONGEST_SKIP: u32 = 1 << 30;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// One connection in the file.
#[derive(Debug, Clone)]
pub struct Flow {
    initiator: End,
    responder: End,
}

#[derive(Debug, Clone, Copy)]
struct End {
    address: SocketAddr,
    next: u32,
}

/// One end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who opened it.
    Initiator,
    /// Who accepted it.
    Responder,
}

impl Side {
    /// The opposite end.
    pub fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// How a file begins, which says `comment` about itself.
pub fn beginning(comment: &str) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    body.extend_from_slice(&1_u16.to_le_bytes());
    body.extend_from_slice(&0_u16.to_le_bytes());
    // The section's length is not known.
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    option(&mut body, 1, comment.as_bytes());
    option(&mut body, 4, b"port21");
    option(&mut body, 0, b"");
    let mut file = block(0x0a0d_0d0a, &body);
    let mut interface = Vec::new();
    interface.extend_from_slice(&LINK_TYPE.to_le_bytes());
    interface.extend_from_slice(&[0; 6]);
    // Times are in nanoseconds.
    option(&mut interface, 9, &[9]);
    option(&mut interface, 0, b"");
    file.extend(block(1, &interface));
    file
}

impl Flow {
    /// A connection that has begun, with its three-way handshake.
    pub fn begin(initiator: SocketAddr, responder: SocketAddr, time: SystemTime) -> (Self, Vec<u8>) {
        let (mut flow, mut blocks) = Self::attempt(initiator, responder, time);
        blocks.extend(flow.packet(Side::Responder, SYN | ACK, &[], time));
        blocks.extend(flow.packet(Side::Initiator, ACK, &[], time));
        (flow, blocks)
    }

    /// A connection that was asked for, and not answered yet.
    pub fn attempt(initiator: SocketAddr, responder: SocketAddr, time: SystemTime) -> (Self, Vec<u8>) {
        let mut flow = Self {
            initiator: End { address: initiator, next: INITIATOR_START },
            responder: End { address: responder, next: RESPONDER_START },
        };
        let blocks = flow.packet(Side::Initiator, SYN, &[], time);
        (flow, blocks)
    }

    /// The answer to an attempt: nobody listens.
    pub fn refuse(&mut self, time: SystemTime) -> Vec<u8> {
        self.packet(Side::Responder, RST | ACK, &[], time)
    }

    /// Bytes that were said.
    pub fn say(&mut self, side: Side, bytes: &[u8], time: SystemTime) -> Vec<u8> {
        bytes.chunks(SEGMENT).flat_map(|part| self.packet(side, PSH | ACK, part, time)).collect()
    }

    /// Says that everything has arrived at `side`.
    pub fn acknowledge(&mut self, side: Side, time: SystemTime) -> Vec<u8> {
        self.packet(side, ACK, &[], time)
    }

    /// So many bytes were said which the file does not have; acknowledged, so that their place is known.
    pub fn skip(&mut self, side: Side, mut count: u64, time: SystemTime) -> Vec<u8> {
        let mut blocks = Vec::new();
        while count > 0 {
            let part = u32::try_from(count).unwrap_or(u32::MAX).min(LONGEST_SKIP);
            let end = self.end_of(side);
            end.next = end.next.wrapping_add(part);
            count = count.saturating_sub(u64::from(part));
            blocks.extend(self.acknowledge(side.other(), time));
        }
        blocks
    }

    /// The end, which `first` began.
    pub fn end(&mut self, first: Side, time: SystemTime) -> Vec<u8> {
        let mut blocks = self.packet(first, FIN | ACK, &[], time);
        blocks.extend(self.packet(first.other(), FIN | ACK, &[], time));
        blocks.extend(self.packet(first, ACK, &[], time));
        blocks
    }

    /// The end, which `side` made without a good-bye.
    pub fn reset(&mut self, side: Side, time: SystemTime) -> Vec<u8> {
        self.packet(side, RST | ACK, &[], time)
    }

    fn end_of(&mut self, side: Side) -> &mut End {
        match side {
            Side::Initiator => &mut self.initiator,
            Side::Responder => &mut self.responder,
        }
    }

    fn packet(&mut self, side: Side, flags: u8, payload: &[u8], time: SystemTime) -> Vec<u8> {
        let (from, to) = match side {
            Side::Initiator => (&mut self.initiator, &self.responder),
            Side::Responder => (&mut self.responder, &self.initiator),
        };
        let acknowledged = if flags & ACK == 0 { 0 } else { to.next };
        let packet = ip(from.address, to.address, &tcp(from, to, acknowledged, flags, payload));
        let counted = u32::from(flags & (SYN | FIN) != 0);
        let length = u32::try_from(payload.len()).unwrap_or(0);
        from.next = from.next.wrapping_add(length).wrapping_add(counted);
        packet_block(&packet, time)
    }
}

fn tcp(from: &End, to: &End, acknowledged: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(payload.len().saturating_add(20));
    segment.extend_from_slice(&from.address.port().to_be_bytes());
    segment.extend_from_slice(&to.address.port().to_be_bytes());
    segment.extend_from_slice(&from.next.to_be_bytes());
    segment.extend_from_slice(&acknowledged.to_be_bytes());
    segment.extend_from_slice(&[0x50, flags]);
    segment.extend_from_slice(&u16::MAX.to_be_bytes());
    segment.extend_from_slice(&[0; 4]);
    segment.extend_from_slice(payload);
    let mut summed = pseudo_header(from.address.ip(), to.address.ip(), segment.len());
    summed.extend_from_slice(&segment);
    let sum = checksum(&summed);
    if let Some(place) = segment.get_mut(16..18) {
        place.copy_from_slice(&sum);
    }
    segment
}

fn pseudo_header(from: IpAddr, to: IpAddr, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            bytes.extend_from_slice(&from.octets());
            bytes.extend_from_slice(&to.octets());
            bytes.extend_from_slice(&[0, 6]);
            bytes.extend_from_slice(&short(length).to_be_bytes());
        }
        (from, to) => {
            bytes.extend_from_slice(&sixteen(from));
            bytes.extend_from_slice(&sixteen(to));
            bytes.extend_from_slice(&u32::from(short(length)).to_be_bytes());
            bytes.extend_from_slice(&[0, 0, 0, 6]);
        }
    }
    bytes
}

fn ip(from: SocketAddr, to: SocketAddr, segment: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(segment.len().saturating_add(40));
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            packet.extend_from_slice(&[0x45, 0]);
            packet.extend_from_slice(&short(segment.len().saturating_add(20)).to_be_bytes());
            packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
            let sum = checksum(&packet);
            if let Some(place) = packet.get_mut(10..12) {
                place.copy_from_slice(&sum);
            }
        }
        (from, to) => {
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&short(segment.len()).to_be_bytes());
            packet.extend_from_slice(&[6, 64]);
            packet.extend_from_slice(&sixteen(from));
            packet.extend_from_slice(&sixteen(to));
        }
    }
    packet.extend_from_slice(segment);
    packet
}

fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

fn short(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum = 0_u32;
    for pair in bytes.chunks(2) {
        let (high, low) = (pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0));
        sum = sum.wrapping_add(u32::from(u16::from_be_bytes([high, low])));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [_, _, high, low] = (!sum).to_be_bytes();
    [high, low]
}

fn packet_block(packet: &[u8], time: SystemTime) -> Vec<u8> {
    let nanoseconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let [high, low] =
        [nanoseconds >> 32, nanoseconds & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or(0));
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let mut body = Vec::with_capacity(packet.len().saturating_add(24));
    for field in [0, high, low, length, length] {
        body.extend_from_slice(&field.to_le_bytes());
    }
    body.extend_from_slice(packet);
    pad(&mut body);
    block(6, &body)
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len().saturating_add(12)).unwrap_or(u32::MAX).to_le_bytes();
    let mut block = kind.to_le_bytes().to_vec();
    block.extend_from_slice(&length);
    block.extend_from_slice(body);
    block.extend_from_slice(&length);
    block
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend_from_slice(&code.to_le_bytes());
    body.extend_from_slice(&short(value.len()).to_le_bytes());
    body.extend_from_slice(value);
    pad(body);
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capture, Decoder, Flags, Transport};

    #[test]
    fn a_checksum_is_the_one_of_rfc_1071() {
        // The example of its section 3: the sum is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), [0x22, 0x0d]);
    }

    /// Sequence number, acknowledgment and payload's length of each packet of a file.
    fn segments(blocks: Vec<u8>) -> Vec<(u32, u32, usize, Flags)> {
        let file = [beginning("made up"), blocks].concat();
        let mut capture = Capture::from_reader("file".into(), Box::new(std::io::Cursor::new(file))).unwrap();
        let mut decoder = Decoder::default();
        let mut segments = Vec::new();
        while let Some(packet) = capture.next_packet() {
            match decoder.decode(&packet).transport {
                Some(Transport::Tcp(tcp)) => {
                    segments.push((tcp.sequence, tcp.acknowledgement, tcp.payload.len(), tcp.flags))
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(capture.info().problems.is_empty());
        segments
    }

    fn ends() -> (SocketAddr, SocketAddr) {
        ("192.0.2.9:40000".parse().unwrap(), "192.0.2.1:21".parse().unwrap())
    }

    #[test]
    fn our_own_reader_finds_every_block_whole_and_sequence_numbers_go_on() {
        let (client, server) = ends();
        let (mut flow, mut file) = Flow::begin(client, server, UNIX_EPOCH);
        file.extend(flow.say(Side::Responder, b"220 ready\r\n", UNIX_EPOCH));
        file.extend(flow.say(Side::Initiator, &[b'a'; 3000], UNIX_EPOCH));
        file.extend(flow.end(Side::Initiator, UNIX_EPOCH));
        let segments = segments(file);
        assert_eq!(segments.len(), 3 + 1 + 3 + 3);
        let lengths: Vec<usize> = segments.iter().map(|segment| segment.2).collect();
        assert_eq!(lengths, [0, 0, 0, 11, 1400, 1400, 200, 0, 0, 0]);
        assert_eq!(flow.initiator.next, INITIATOR_START + 1 + 3000 + 1);
        assert_eq!(flow.responder.next, RESPONDER_START + 1 + 11 + 1);
        assert_eq!(segments.last().unwrap().1, flow.responder.next);
    }

    #[test]
    fn what_is_left_out_is_acknowledged_in_steps_that_look_forwards() {
        let (client, server) = ends();
        let (mut flow, _) = Flow::begin(client, server, UNIX_EPOCH);
        let segments = segments(flow.skip(Side::Responder, 5 << 30, UNIX_EPOCH));
        let steps: Vec<u32> = segments.windows(2).map(|pair| pair[1].1.wrapping_sub(pair[0].1)).collect();
        assert_eq!(steps, [LONGEST_SKIP; 4]);
        assert!(segments.iter().all(|segment| segment.2 == 0));
        assert!(flow.skip(Side::Responder, 0, UNIX_EPOCH).is_empty());
    }

    #[test]
    fn a_refused_attempt_is_a_syn_and_a_reset() {
        let (client, server) = ends();
        let (mut flow, mut file) = Flow::attempt(client, server, UNIX_EPOCH);
        file.extend(flow.refuse(UNIX_EPOCH));
        let segments = segments(file);
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[1].1, INITIATOR_START + 1);
        assert_eq!((segments[0].3, segments[1].3), (Flags::SYN, Flags::RST | Flags::ACK));
    }
}

//! A dialogue as a capture file that packet tools open (pcapng), although no packet was seen.
//!
//! Takes what was read from and written to a control connection, after decryption, gives blocks of a pcapng file. TCP and IP headers are made
//! up: a comment in the file says so. Passwords are in it.

use std::net::{IpAddr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the file says about itself.
const COMMENT: &str = "Control connections of an FTP server as seen at its sockets, after decryption. IP and TCP headers are made up: \
                       sequence numbers, acknowledgments and segment bounds are not those of the wire.";

/// Packets begin with their IP header (LINKTYPE_RAW).
const LINK_TYPE: u16 = 101;

/// Most payload bytes in a segment.
const SEGMENT: usize = 1400;

/// First sequence number of the client.
const CLIENT_START: u32 = 1_000;

/// First sequence number of the server.
const SERVER_START: u32 = 1_000_000;

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// One control connection in the file.
#[derive(Debug, Clone)]
pub struct Flow {
    client: End,
    server: End,
}

#[derive(Debug, Clone, Copy)]
struct End {
    address: SocketAddr,
    next: u32,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// How a file begins.
pub fn beginning() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    body.extend_from_slice(&1_u16.to_le_bytes());
    body.extend_from_slice(&0_u16.to_le_bytes());
    // The section's length is not known.
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    option(&mut body, 1, COMMENT.as_bytes());
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
    pub fn begin(client: SocketAddr, server: SocketAddr, time: SystemTime) -> (Self, Vec<u8>) {
        let mut flow = Self {
            client: End { address: client, next: CLIENT_START },
            server: End { address: server, next: SERVER_START },
        };
        let mut blocks = flow.packet(Speaker::Client, SYN, &[], time);
        blocks.extend(flow.packet(Speaker::Server, SYN | ACK, &[], time));
        blocks.extend(flow.packet(Speaker::Client, ACK, &[], time));
        (flow, blocks)
    }

    /// Bytes that were said.
    pub fn say(&mut self, speaker: Speaker, bytes: &[u8], time: SystemTime) -> Vec<u8> {
        bytes.chunks(SEGMENT).flat_map(|part| self.packet(speaker, PSH | ACK, part, time)).collect()
    }

    /// The end, which `first` began.
    pub fn end(&mut self, first: Speaker, time: SystemTime) -> Vec<u8> {
        let second = match first {
            Speaker::Client => Speaker::Server,
            Speaker::Server => Speaker::Client,
        };
        let mut blocks = self.packet(first, FIN | ACK, &[], time);
        blocks.extend(self.packet(second, FIN | ACK, &[], time));
        blocks.extend(self.packet(first, ACK, &[], time));
        blocks
    }

    fn packet(&mut self, speaker: Speaker, flags: u8, payload: &[u8], time: SystemTime) -> Vec<u8> {
        let (from, to) = match speaker {
            Speaker::Client => (&mut self.client, &self.server),
            Speaker::Server => (&mut self.server, &self.client),
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

    #[test]
    fn a_checksum_is_the_one_of_rfc_1071() {
        // The example of its section 3: the sum is ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), [0x22, 0x0d]);
    }

    #[test]
    fn blocks_are_whole_and_sequence_numbers_go_on() {
        let (client, server) = ("192.0.2.9:40000".parse().unwrap(), "192.0.2.1:21".parse().unwrap());
        let (mut flow, mut file) = Flow::begin(client, server, UNIX_EPOCH);
        file.extend(flow.say(Speaker::Server, b"220 ready\r\n", UNIX_EPOCH));
        file.extend(flow.say(Speaker::Client, &[b'a'; 3000], UNIX_EPOCH));
        file.extend(flow.end(Speaker::Client, UNIX_EPOCH));
        let mut rest = file.as_slice();
        let mut blocks = 0;
        while !rest.is_empty() {
            let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
            assert_eq!(length % 4, 0);
            assert_eq!(rest[4..8], rest[length - 4..length]);
            rest = &rest[length..];
            blocks += 1;
        }
        assert_eq!(blocks, 3 + 1 + 3 + 3);
        assert_eq!(flow.client.next, CLIENT_START + 1 + 3000 + 1);
        assert_eq!(flow.server.next, SERVER_START + 1 + 11 + 1);
    }
}

//! The least that any analyser of captures must do: walk the records on one core, and find the connection of each packet.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{self, Read};

/// What a walk has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Walked {
    /// Records.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Pairs of TCP or UDP ends.
    pub flows: u64,
    /// Bytes of payload.
    pub payload: u64,
}

/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 20;

/// Two ends in order, and the protocol.
type Key = (u64, u64);

/// Walks a classic little-endian pcap file of Ethernet, IPv4, TCP and UDP; of anything else only the records are counted.
pub fn walk(mut input: impl Read) -> io::Result<Walked> {
    let (mut buffer, mut start, mut end) = (vec![0; CHUNK], 0, 0);
    let mut walked = Walked::default();
    let mut flows: HashMap<Key, (u64, u64), BuildHasherDefault<Mix>> = HashMap::default();
    let mut length = 24;
    let mut in_header = true;
    loop {
        while end - start < length {
            buffer.copy_within(start..end, 0);
            (start, end) = (0, end - start);
            if buffer.len() < length {
                buffer.resize(length.next_multiple_of(CHUNK), 0);
            }
            match input.read(buffer.get_mut(end..).unwrap_or_default())? {
                0 => return Ok(Walked { flows: flows.len() as u64, ..walked }),
                count => end += count,
            }
        }
        let record = buffer.get(start..start + length).unwrap_or_default();
        if in_header {
            // The file header, or that of a record whose packet is looked at next.
            let captured = if walked.bytes == 0 { None } else { word(record, 8).map(u32::from_le_bytes) };
            walked.bytes += length as u64;
            start += length;
            (length, in_header) = captured.map_or((16, true), |captured| (captured as usize, false));
            continue;
        }
        walked.packets += 1;
        walked.bytes += length as u64;
        if let Some((key, payload)) = flow(record) {
            let seen = flows.entry(key).or_default();
            (seen.0, seen.1) = (seen.0 + 1, seen.1 + payload);
            walked.payload += payload;
        }
        start += length;
        (length, in_header) = (16, true);
    }
}

/// The flow that a frame belongs to, and its bytes of payload.
#[inline]
fn flow(frame: &[u8]) -> Option<(Key, u64)> {
    let [8, 0, first, ..] = *frame.get(12..)? else { return None };
    let protocol = *frame.get(23)?;
    let transport = 14 + usize::from(first & 15) * 4;
    let total = 14 + usize::from(u16::from_be_bytes(*frame.get(16..)?.first_chunk()?));
    let header = match protocol {
        6 => usize::from(*frame.get(transport + 12)? >> 4) * 4,
        17 => 8,
        _ => return None,
    };
    let port = |at: usize| Some(u64::from(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?)));
    let address = |at: usize| Some(u64::from(u32::from_be_bytes(word(frame, at)?)));
    let source = address(26)? << 16 | port(transport)?;
    let destination = address(30)? << 16 | port(transport + 2)?;
    let (low, high) = if source < destination { (source, destination) } else { (destination, source) };
    let payload = total.saturating_sub(transport + header) as u64;
    Some(((low, high | u64::from(protocol) << 56), payload))
}

#[inline]
fn word(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Multiplies and mixes: good enough for a yardstick whose input nobody forges.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use port21_testkit::{Network, pattern};

    use super::*;

    #[test]
    fn both_directions_are_one_flow() {
        let network = Network::new();
        network.ftp().retrieve("a", 50_001, &pattern(1, 5000));
        network.udp("10.0.0.1:53", "10.0.0.2:1000", b"abc");
        let walked = walk(&network.pcap()[..]).unwrap();
        assert_eq!((walked.flows, walked.packets), (3, network.last()));
        assert!(walked.payload > 5003, "{walked:?}");
    }
}

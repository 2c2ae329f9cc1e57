//! Which bytes of a packet are passwords.

use std::ops::Range;

use port21_capture::dissect::Dissection;
use port21_capture::{Decoded, Packet, Transport};

use crate::packets::masks::Masks;
use crate::packets::watch::Seen;
use crate::secrets::loose;

/// Ranges to hide in the packet, and in the datagram that it completes.
#[derive(Debug, Default)]
pub struct Hidden {
    pub packet: Vec<Range<usize>>,
    pub datagram: Vec<Range<usize>>,
}

impl Hidden {
    /// Everything that must not be shown of a packet.
    pub fn of(
        packet: &Packet<'_>,
        decoded: &Decoded<'_>,
        seen: Option<&Seen>,
        masks: &Masks,
        dissection: &Dissection,
    ) -> Hidden {
        let mut hidden = Hidden::default();
        match (seen, &decoded.transport) {
            (Some(seen), Some(Transport::Tcp(segment))) => {
                let judgement = &seen.judgement;
                let found = masks.of_segment(seen.stream, judgement.from, seen.first_byte, segment.payload);
                match decoded.reassembled {
                    Some((_, datagram)) => hidden.datagram = moved(datagram, segment.payload, &found),
                    None => hidden.packet = moved(packet.data, segment.payload, &found),
                }
            }
            (_, Some(Transport::Unreachable { quoted_tcp: Some(quoted), .. })) => {
                hidden.packet = loose(packet.data);
                if masks.concerns((quoted.0, quoted.1)) || masks.concerns((quoted.2, quoted.3)) {
                    hidden.packet.extend(payloads(dissection));
                }
            }
            _ => hidden.packet = loose(packet.data),
        }
        // A piece of a datagram says nothing of the line that it is from: where there are passwords, it may hold one.
        if dissection.fragment && !masks.is_empty() {
            hidden.packet.extend(payloads(dissection));
        }
        // Careless drivers pad with what was in memory before: a piece of another frame, and no telling which.
        for trailer in dissection.layers.iter().filter(|layer| layer.filter == "eth.trailer") {
            let bytes = packet.data.get(trailer.offset..trailer.end()).unwrap_or_default();
            if masks.is_empty() {
                hidden.packet.extend(moved(packet.data, bytes, &loose(bytes)));
            } else if bytes.iter().any(|byte| *byte != 0) {
                hidden.packet.push(trailer.offset..trailer.end());
            }
        }
        hidden.packet = merged(hidden.packet);
        hidden.datagram = merged(hidden.datagram);
        hidden
    }
}

/// The bytes of a packet that are not taken apart.
fn payloads(dissection: &Dissection) -> impl Iterator<Item = Range<usize>> {
    let layers = dissection.layers.iter().filter(|layer| matches!(layer.filter, "data.data" | "tcp.payload"));
    layers.map(|layer| layer.offset..layer.end())
}

/// Ranges of `part` as ranges of `whole`, of which it is a slice.
fn moved(whole: &[u8], part: &[u8], ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr());
    let Some(start) = start.filter(|start| start.saturating_add(part.len()) <= whole.len()) else {
        return Vec::new();
    };
    ranges.iter().map(|range| start + range.start..start + range.end).collect()
}

/// The same bytes as ranges in order that do not touch.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The bytes with asterisks in the hidden places.
pub fn masked(bytes: &[u8], hidden: &[Range<usize>]) -> Vec<u8> {
    let mut masked = bytes.to_vec();
    for range in hidden {
        if let Some(part) = masked.get_mut(range.clone()) {
            part.fill(b'*');
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_ranges_become_one() {
        assert_eq!(merged(vec![5..7, 1..3, 6..9, 3..4, 4..4]), [1..4, 5..9]);
    }

    #[test]
    fn slice_is_found_in_its_whole() {
        let whole = *b"0123456789";
        assert_eq!(moved(&whole, &whole[4..8], &[1..3, 3..4]), [5..7, 7..8]);
        assert_eq!(moved(&whole, b"else", std::slice::from_ref(&(1..3))), []);
    }

    #[test]
    fn hidden_bytes_become_asterisks() {
        assert_eq!(masked(b"PASS x", std::slice::from_ref(&(5..6))), b"PASS *");
    }
}

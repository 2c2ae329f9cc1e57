//! Bytes of one direction that wait behind a hole.

use std::collections::BTreeMap;

use port21_capture::{Flags, Timestamp};

/// The packet that carried a run of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Carrier {
    pub packet: u64,
    pub time: Timestamp,
    pub flags: Flags,
    /// See [`Chunk::acknowledges`](super::Chunk::acknowledges).
    pub acknowledges: Option<u64>,
}

/// A run of waiting bytes, all from one packet.
#[derive(Debug)]
pub(super) struct Piece {
    pub bytes: Box<[u8]>,
    pub carrier: Carrier,
}

/// Waiting bytes by offset; no two pieces overlap, the first bytes to arrive keep their place.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pieces: BTreeMap<u64, Piece>,
    bytes: usize,
}

impl Pending {
    /// Number of pieces.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Waiting bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Waiting bytes, and number of pieces.
    pub fn usage(&self) -> (usize, usize) {
        (self.bytes, self.pieces.len())
    }

    /// Offset of the first waiting byte, and the piece that holds it.
    pub fn first(&self) -> Option<(u64, &Piece)> {
        self.pieces.first_key_value().map(|(offset, piece)| (*offset, piece))
    }

    /// Takes the first piece out if it starts at or before `offset`.
    pub fn take_at(&mut self, offset: u64) -> Option<Piece> {
        let entry = self.pieces.first_entry()?;
        if *entry.key() > offset {
            return None;
        }
        let piece = entry.remove();
        self.bytes = self.bytes.saturating_sub(piece.bytes.len());
        Some(piece)
    }

    /// Forgets what waits at and behind `end`; the number of bytes forgotten.
    pub fn truncate(&mut self, end: u64) -> usize {
        let mut dropped: usize = self.pieces.split_off(&end).values().map(|piece| piece.bytes.len()).sum();
        if let Some(mut last) = self.pieces.last_entry() {
            let kept = slice(&last.get().bytes, 0, end.saturating_sub(*last.key()));
            if kept.len() < last.get().bytes.len() {
                let kept: Box<[u8]> = kept.into();
                dropped += last.get().bytes.len() - kept.len();
                last.get_mut().bytes = kept;
            }
        }
        self.bytes = self.bytes.saturating_sub(dropped);
        dropped
    }

    /// Moves every piece `by` bytes further on.
    pub fn shift(&mut self, by: u64) {
        let pieces = std::mem::take(&mut self.pieces).into_iter();
        self.pieces = pieces.map(|(offset, piece)| (offset.saturating_add(by), piece)).collect();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Pending::default();
    }

    /// Keeps those of `bytes` that no piece covers yet. `overlap` is called with offset, older bytes, their packet
    /// and newer bytes for each part that one does. Each call costs at most a step for each byte of `bytes`, so a
    /// storm of overlaps stays linear in the size of the capture. Returns the number of bytes kept.
    pub fn insert(
        &mut self,
        start: u64,
        bytes: &[u8],
        carrier: Carrier,
        mut overlap: impl FnMut(u64, &[u8], u64, &[u8]),
    ) -> usize {
        let end = start.saturating_add(bytes.len() as u64);
        let part = |from: u64, to: u64| slice(bytes, from.saturating_sub(start), to.saturating_sub(start));
        let first = match self.pieces.range(..start).next_back() {
            Some((offset, piece)) if offset + piece.bytes.len() as u64 > start => *offset,
            _ => start,
        };
        let mut cursor = start;
        let mut uncovered = Vec::new();
        for (&offset, piece) in self.pieces.range(first..end) {
            if offset > cursor {
                uncovered.push((cursor, offset));
            }
            let from = offset.max(start);
            let to = (offset + piece.bytes.len() as u64).min(end);
            let older = slice(&piece.bytes, from.saturating_sub(offset), to.saturating_sub(offset));
            overlap(from, older, piece.carrier.packet, part(from, to));
            cursor = to;
        }
        if cursor < end {
            uncovered.push((cursor, end));
        }
        let mut kept = 0;
        for (from, to) in uncovered {
            let bytes: Box<[u8]> = part(from, to).into();
            kept += bytes.len();
            self.pieces.insert(from, Piece { bytes, carrier });
        }
        self.bytes += kept;
        kept
    }
}

/// `bytes[from..to]`, or what there is of it.
pub(super) fn slice(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let bound = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(bound(from)..bound(to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARRIER: Carrier = Carrier { packet: 9, time: Timestamp(0), flags: Flags::ACK, acknowledges: None };

    fn text(pending: &mut Pending) -> Vec<(u64, String)> {
        let mut runs = Vec::new();
        while let Some((offset, _)) = pending.first() {
            let piece = pending.take_at(offset).unwrap();
            runs.push((offset, String::from_utf8(piece.bytes.to_vec()).unwrap()));
        }
        runs
    }

    #[test]
    fn only_uncovered_bytes_are_kept_and_the_rest_is_compared() {
        let mut pending = Pending::default();
        pending.insert(10, b"BCD", CARRIER, |_, _, _, _| panic!("nothing overlaps"));
        pending.insert(15, b"GH", CARRIER, |_, _, _, _| panic!("nothing overlaps"));
        let mut seen = Vec::new();
        let kept = pending.insert(9, b"abcdefgh", CARRIER, |offset, old, packet, new| {
            seen.push((offset, old.to_vec(), packet, new.to_vec()));
        });
        assert_eq!(kept, 3);
        assert_eq!(
            seen,
            [(10, b"BCD".to_vec(), 9, b"bcd".to_vec()), (15, b"GH".to_vec(), 9, b"gh".to_vec())]
        );
        assert_eq!(pending.bytes(), 8);
        let expected = [(9, "a"), (10, "BCD"), (13, "ef"), (15, "GH")];
        assert_eq!(text(&mut pending), expected.map(|(offset, run)| (offset, run.to_owned())));
        assert_eq!(pending.bytes(), 0);
    }

    #[test]
    fn a_run_inside_a_piece_adds_nothing() {
        let mut pending = Pending::default();
        pending.insert(10, b"abcdef", CARRIER, |_, _, _, _| {});
        let mut seen = Vec::new();
        pending.insert(12, b"cX", CARRIER, |offset, old, _, new| {
            seen.push((offset, old.to_vec(), new.to_vec()));
        });
        assert_eq!(seen, [(12, b"cd".to_vec(), b"cX".to_vec())]);
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn truncating_cuts_a_piece_in_two() {
        let mut pending = Pending::default();
        pending.insert(5, b"abcdef", CARRIER, |_, _, _, _| {});
        pending.insert(20, b"xyz", CARRIER, |_, _, _, _| {});
        assert_eq!(pending.truncate(8), 6);
        assert_eq!((pending.bytes(), text(&mut pending)), (3, vec![(5, "abc".to_owned())]));
    }

    #[test]
    fn the_first_piece_is_taken_only_once_its_place_is_reached() {
        let mut pending = Pending::default();
        pending.insert(5, b"x", CARRIER, |_, _, _, _| {});
        assert!(pending.take_at(4).is_none());
        assert!(pending.take_at(5).is_some() && pending.len() == 0);
    }
}

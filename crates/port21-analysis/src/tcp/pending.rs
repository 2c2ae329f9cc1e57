//! Bytes of one direction that wait behind a hole.

use std::collections::VecDeque;

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
    /// Offset of the first byte.
    pub offset: u64,
    body: Box<Body>,
}

#[derive(Debug)]
struct Body {
    bytes: Vec<u8>,
    carrier: Carrier,
}

impl Piece {
    pub fn bytes(&self) -> &[u8] {
        &self.body.bytes
    }

    pub fn carrier(&self) -> Carrier {
        self.body.carrier
    }

    fn end(&self) -> u64 {
        self.offset.saturating_add(self.body.bytes.len() as u64)
    }
}

/// Room for as many pieces is kept when fewer wait.
const ROOM: usize = 64;

/// Waiting bytes; no two pieces overlap, the first bytes to arrive keep their place.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// By offset. Nearly every piece comes right behind the one before it, at the end.
    pieces: VecDeque<Piece>,
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

    /// The piece that holds the first waiting byte.
    pub fn first(&self) -> Option<&Piece> {
        self.pieces.front()
    }

    /// Takes the first piece out if it starts at or before `offset`.
    pub fn take_at(&mut self, offset: u64) -> Option<Piece> {
        if self.pieces.front()?.offset > offset {
            return None;
        }
        let piece = self.pieces.pop_front()?;
        self.bytes = self.bytes.saturating_sub(piece.bytes().len());
        let room = self.pieces.capacity();
        if room > ROOM && self.pieces.len() < room / 4 {
            self.pieces.shrink_to(room / 2);
        }
        Some(piece)
    }

    /// Where the bytes end that wait from `offset` on without a hole.
    pub fn run_end(&self, offset: u64) -> u64 {
        let next = |end: u64, piece: &Piece| if piece.offset <= end { Ok(piece.end()) } else { Err(end) };
        self.pieces.iter().try_fold(offset, next).unwrap_or_else(|end| end)
    }

    /// Forgets what waits at and behind `end`; the number of bytes forgotten.
    pub fn truncate(&mut self, end: u64) -> usize {
        let before = self.bytes;
        while let Some(last) = self.pieces.back()
            && last.offset >= end
        {
            self.bytes = self.bytes.saturating_sub(last.bytes().len());
            self.pieces.pop_back();
        }
        if let Some(last) = self.pieces.back_mut() {
            let surplus = usize::try_from(last.end().saturating_sub(end)).unwrap_or(usize::MAX);
            let bytes = &mut last.body.bytes;
            bytes.truncate(bytes.len().saturating_sub(surplus));
            bytes.shrink_to_fit();
            self.bytes = self.bytes.saturating_sub(surplus);
        }
        before - self.bytes
    }

    /// Moves every piece `by` bytes further on.
    pub fn shift(&mut self, by: u64) {
        for piece in &mut self.pieces {
            piece.offset = piece.offset.saturating_add(by);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Pending::default();
    }

    /// Keeps those of `bytes` that no piece covers yet, in `spare` buffers. `overlap` is called with offset, older bytes,
    /// their packet and newer bytes for each part that one does. Each call costs at most a step for each byte of `bytes`, so a
    /// storm of overlaps stays linear in the size of the capture. Returns the number of bytes kept.
    pub fn insert(
        &mut self,
        start: u64,
        bytes: &[u8],
        carrier: Carrier,
        spare: &mut Spare,
        mut overlap: impl FnMut(u64, &[u8], u64, &[u8]),
    ) -> usize {
        let end = start.saturating_add(bytes.len() as u64);
        let part = |from: u64, to: u64| slice(bytes, from.saturating_sub(start), to.saturating_sub(start));
        let before = self.bytes;
        let mut index = self.first_behind(start);
        let mut cursor = start;
        while cursor < end {
            let next = self.pieces.get(index).filter(|piece| piece.offset < end);
            match next {
                Some(piece) if piece.offset <= cursor => {
                    let to = piece.end().min(end);
                    let older = slice(piece.bytes(), cursor - piece.offset, to - piece.offset);
                    overlap(cursor, older, piece.body.carrier.packet, part(cursor, to));
                    cursor = to;
                }
                _ => {
                    let to = next.map_or(end, |piece| piece.offset);
                    let uncovered = part(cursor, to);
                    self.pieces.insert(index, spare.piece(cursor, uncovered, carrier));
                    self.bytes += uncovered.len();
                    cursor = to;
                }
            }
            index += 1;
        }
        self.bytes - before
    }

    /// Index of the first piece that has bytes at or behind `offset`.
    fn first_behind(&self, offset: u64) -> usize {
        if self.pieces.back().is_none_or(|last| last.end() <= offset) {
            return self.pieces.len();
        }
        let index = self.pieces.partition_point(|piece| piece.offset <= offset);
        let before = index.checked_sub(1);
        before
            .filter(|before| self.pieces.get(*before).is_some_and(|piece| piece.end() > offset))
            .unwrap_or(index)
    }
}

/// The usual largest payload, in bytes: a frame's without its headers.
const USUAL: usize = 1536;

/// Most bytes of buffers that are kept to be used again.
const SPARE: usize = 1 << 20;

/// Buffers of pieces that wait no more, to be used again: fresh memory costs more than what is copied into it.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Piece>);

impl Spare {
    /// A piece with a copy of `bytes`. Those that would leave most of a usual buffer empty, or do not fit, get one of their own,
    /// so that what waits takes no more than twice its size.
    fn piece(&mut self, offset: u64, bytes: &[u8], carrier: Carrier) -> Piece {
        let is_usual = (USUAL / 2..=USUAL).contains(&bytes.len());
        match if is_usual { self.0.pop() } else { None } {
            Some(mut piece) => {
                piece.offset = offset;
                piece.body.bytes.clear();
                piece.body.bytes.extend_from_slice(bytes);
                piece.body.carrier = carrier;
                piece
            }
            None => {
                let mut copy = Vec::with_capacity(if is_usual { USUAL } else { bytes.len() });
                copy.extend_from_slice(bytes);
                Piece { offset, body: Box::new(Body { bytes: copy, carrier }) }
            }
        }
    }

    /// Takes a piece whose bytes have been delivered.
    pub fn put(&mut self, piece: Piece) {
        if piece.body.bytes.capacity() == USUAL && self.0.len() < SPARE / USUAL {
            self.0.push(piece);
        }
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
        while let Some(offset) = pending.first().map(|piece| piece.offset) {
            let piece = pending.take_at(offset).unwrap();
            runs.push((offset, String::from_utf8(piece.bytes().to_vec()).unwrap()));
        }
        runs
    }

    #[test]
    fn only_uncovered_bytes_are_kept_and_the_rest_is_compared() {
        let mut pending = Pending::default();
        pending.insert(10, b"BCD", CARRIER, &mut Spare::default(), |_, _, _, _| panic!("nothing overlaps"));
        pending.insert(15, b"GH", CARRIER, &mut Spare::default(), |_, _, _, _| panic!("nothing overlaps"));
        let mut seen = Vec::new();
        let kept =
            pending.insert(9, b"abcdefgh", CARRIER, &mut Spare::default(), |offset, old, packet, new| {
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
    fn the_first_bytes_win_in_whatever_order_pieces_come() {
        let (mut pending, mut spare) = (Pending::default(), Spare::default());
        let mut expected = [None; 4000];
        let mut kept = 0;
        for number in 0..400_u64 {
            let (start, length) = (number * 1021 % 3000, (number * 37 % 900) as usize);
            let run = vec![number as u8; length];
            kept += pending.insert(start, &run, CARRIER, &mut spare, |offset, older, _, newer| {
                let place = offset as usize..offset as usize + older.len();
                assert_eq!(older.iter().copied().map(Some).collect::<Vec<_>>(), expected[place]);
                assert!(newer.len() == older.len() && newer.iter().all(|byte| *byte == number as u8));
            });
            for byte in expected.iter_mut().skip(start as usize).take(length) {
                byte.get_or_insert(number as u8);
            }
        }
        assert_eq!((kept, pending.bytes()), (expected.iter().flatten().count(), kept));
        let mut waited = [None; 4000];
        while let Some(piece) = pending.take_at(u64::MAX) {
            for (place, byte) in waited.iter_mut().skip(piece.offset as usize).zip(piece.bytes()) {
                assert_eq!(place.replace(*byte), None);
            }
            spare.put(piece);
        }
        assert!(waited == expected && pending.bytes() == 0);
    }

    #[test]
    fn the_run_ends_at_the_first_hole() {
        let mut pending = Pending::default();
        for start in [10, 13, 20] {
            pending.insert(start, b"abc", CARRIER, &mut Spare::default(), |_, _, _, _| {});
        }
        assert_eq!([9, 10, 12].map(|offset| pending.run_end(offset)), [9, 16, 16]);
    }

    #[test]
    fn a_usual_buffer_is_used_again_and_no_other() {
        let mut spare = Spare::default();
        for length in [USUAL / 2 - 1, USUAL + 1, 9000] {
            let piece = spare.piece(0, &vec![1; length], CARRIER);
            assert_eq!(piece.body.bytes.capacity(), length);
            spare.put(piece);
            assert_eq!(spare.0.len(), 0);
        }
        let first = spare.piece(0, &[1; 1000], CARRIER);
        let buffer = first.bytes().as_ptr();
        spare.put(first);
        let second = spare.piece(7, &[2; USUAL], CARRIER);
        assert_eq!((second.offset, second.bytes().as_ptr(), second.bytes()), (7, buffer, &[2; USUAL][..]));
    }

    #[test]
    fn a_run_inside_a_piece_adds_nothing() {
        let mut pending = Pending::default();
        pending.insert(10, b"abcdef", CARRIER, &mut Spare::default(), |_, _, _, _| {});
        let mut seen = Vec::new();
        pending.insert(12, b"cX", CARRIER, &mut Spare::default(), |offset, old, _, new| {
            seen.push((offset, old.to_vec(), new.to_vec()));
        });
        assert_eq!(seen, [(12, b"cd".to_vec(), b"cX".to_vec())]);
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn truncating_cuts_a_piece_in_two() {
        let mut pending = Pending::default();
        pending.insert(5, b"abcdef", CARRIER, &mut Spare::default(), |_, _, _, _| {});
        pending.insert(20, b"xyz", CARRIER, &mut Spare::default(), |_, _, _, _| {});
        assert_eq!(pending.truncate(8), 6);
        assert_eq!((pending.bytes(), text(&mut pending)), (3, vec![(5, "abc".to_owned())]));
    }

    #[test]
    fn the_first_piece_is_taken_only_once_its_place_is_reached() {
        let mut pending = Pending::default();
        pending.insert(5, b"x", CARRIER, &mut Spare::default(), |_, _, _, _| {});
        assert!(pending.take_at(4).is_none());
        assert!(pending.take_at(5).is_some() && pending.len() == 0);
    }
}

//! A reusable buffer over a reader: the part of the input that is being looked at.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

/// How much is asked of the reader at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// Most buffers that are kept in mind to be used again.
const MOST_LENT: usize = 8;

/// Bytes of the input from the current position on. Looking does not copy; a range within
/// [`Window::bytes`] stays valid until the next call of [`Window::require`], and within [`Window::block`] for as long as
/// somebody holds that.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Arc<[u8]>,
    /// Buffers that others may still look at.
    lent: Vec<Arc<[u8]>>,
    start: usize,
    end: usize,
    offset: u64,
    at_end: bool,
    /// The reader has nothing more at present ([`io::ErrorKind::WouldBlock`]), so that less was given than required.
    paused: bool,
    /// Bytes still to be moved past that the reader has not given yet.
    owed: u64,
    failure: Option<io::Error>,
}

impl Window {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        let (at_end, paused, failure) = (false, false, None);
        Window {
            reader,
            buffer: vec![0; CHUNK].into(),
            lent: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            at_end,
            paused,
            owed: 0,
            failure,
        }
    }

    /// Position in the (decompressed) input, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What stopped the reader before the end of its input, once.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// Whether what was required last fell short only because the reader has nothing more at present.
    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    /// The unconsumed bytes that are at hand.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// At least `length` unconsumed bytes, or as many as the input still has.
    #[inline]
    pub(super) fn require(&mut self, length: usize) -> &[u8] {
        if self.end - self.start < length {
            self.refill(length);
        }
        self.available()
    }

    /// Moves past `length` bytes (at most those at hand) and returns where they lie in the buffer.
    #[inline]
    pub(super) fn consume(&mut self, length: usize) -> Range<usize> {
        let from = self.start;
        self.start = from.saturating_add(length).min(self.end);
        self.offset += (self.start - from) as u64;
        from..self.start
    }

    /// Moves past `length` bytes, however many that are; returns how many there were. Those that the reader does not have
    /// yet are counted as if they were there.
    pub(super) fn skip(&mut self, length: u64) -> u64 {
        self.owed = length;
        self.pay();
        length - if self.paused { 0 } else { std::mem::take(&mut self.owed) }
    }

    /// The bytes of a range that [`Window::consume`] returned.
    #[inline]
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// What the ranges are of. Whoever keeps it keeps it from being written over.
    #[inline]
    pub(super) fn block(&self) -> &Arc<[u8]> {
        &self.buffer
    }

    #[cold]
    fn refill(&mut self, length: usize) {
        self.paused = false;
        self.pay();
        if !self.paused {
            self.fetch(length);
        }
    }

    /// Moves past the bytes that are owed, as far as the reader has them.
    fn pay(&mut self) {
        while self.owed > 0 {
            let step = usize::try_from(self.owed).unwrap_or(usize::MAX).min(CHUNK);
            if self.end - self.start < step {
                self.fetch(step);
            }
            let at_hand = (self.end - self.start).min(step);
            if at_hand == 0 {
                break;
            }
            self.consume(at_hand);
            self.owed -= at_hand as u64;
        }
    }

    /// Reads until `length` unconsumed bytes are at hand, or the reader has no more.
    fn fetch(&mut self, length: usize) {
        self.make_room(length);
        let Some(buffer) = Arc::get_mut(&mut self.buffer) else { return };
        while self.end < length && !self.at_end {
            let Some(free) = buffer.get_mut(self.end..) else { return };
            match self.reader.read(free) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.end = self.end.saturating_add(count).min(buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.paused = true;
                    return;
                }
                Err(error) => {
                    self.failure = Some(error);
                    self.at_end = true;
                }
            }
        }
    }

    /// Puts what is at hand to the beginning of a buffer that nobody else looks at, and that has room for `length` bytes.
    fn make_room(&mut self, length: usize) {
        let at_hand = self.start..self.end;
        match Arc::get_mut(&mut self.buffer).filter(|buffer| buffer.len() >= length) {
            Some(buffer) => buffer.copy_within(at_hand, 0),
            None => {
                let mut other = self.unused(length);
                if let Some(room) = Arc::get_mut(&mut other).and_then(|other| other.get_mut(..at_hand.len()))
                {
                    room.copy_from_slice(self.available());
                }
                if self.lent.len() == MOST_LENT {
                    self.lent.remove(0);
                }
                self.lent.push(std::mem::replace(&mut self.buffer, other));
            }
        }
        (self.start, self.end) = (0, self.end - self.start);
    }

    /// A buffer of at least `length` bytes that nobody looks at any more.
    fn unused(&mut self, length: usize) -> Arc<[u8]> {
        let mut lent = self.lent.iter_mut();
        match lent.position(|block| block.len() >= length && Arc::get_mut(block).is_some()) {
            Some(index) => self.lent.swap_remove(index),
            None => vec![0; length.max(1).next_multiple_of(CHUNK)].into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drip(u8);

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 5 {
                return Ok(0);
            }
            buffer[0] = self.0;
            self.0 += 1;
            Ok(1)
        }
    }

    #[test]
    fn requires_as_many_bytes_as_there_are() {
        let mut window = Window::new(Box::new(Drip(0)));
        assert_eq!(window.require(2), [0, 1]);
        window.consume(1);
        assert_eq!(window.require(100), [1, 2, 3, 4]);
        assert_eq!(window.offset(), 1);
    }

    #[test]
    fn a_block_that_somebody_holds_is_not_written_over() {
        let mut window = Window::new(Box::new(io::Cursor::new(vec![7; 3 * CHUNK])));
        let mut held = Vec::new();
        for _ in 0..3 {
            assert_eq!(window.require(CHUNK).len(), CHUNK);
            let range = window.consume(CHUNK);
            held.push((Arc::clone(window.block()), range));
        }
        assert!(held.iter().all(|(block, range)| block[range.clone()] == [7; CHUNK]));
        assert!(window.require(1).is_empty());
    }

    #[test]
    fn a_block_that_was_given_back_is_used_again() {
        let mut window = Window::new(Box::new(io::repeat(7)));
        let mut places = std::collections::BTreeSet::new();
        for _ in 0..20 {
            window.require(CHUNK);
            window.consume(CHUNK);
            places.insert(Arc::clone(window.block()).as_ptr().addr());
        }
        assert_eq!(places.len(), 1);
    }

    #[test]
    fn skips_past_the_end_without_complaint() {
        let mut window = Window::new(Box::new(Drip(0)));
        assert_eq!(window.skip(u64::MAX), 5);
        assert!(window.require(1).is_empty());
    }
}

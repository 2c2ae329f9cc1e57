//! A reusable buffer over a reader: the part of the input that is being looked at.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use super::ahead::{Ahead, HEADROOM};
use crate::executor::Executor;

/// How much is asked of the reader at a time, in bytes.
const CHUNK: usize = 256 * 1024;

/// Shorter inputs are not worth reading ahead, in bytes.
const WORTH_IT: u64 = 1 << 20;

/// Bytes of the input from the current position on. Looking does not copy; a range within
/// [`Window::bytes`] stays valid until the next call of [`Window::require`].
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    /// Who may read ahead, as long as that has not begun.
    executor: Option<Arc<dyn Executor>>,
    ahead: Option<Ahead>,
    buffer: Vec<u8>,
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
            executor: None,
            ahead: None,
            buffer: vec![0; CHUNK],
            start: 0,
            end: 0,
            offset: 0,
            at_end,
            paused,
            owed: 0,
            failure,
        }
    }

    /// From now on `executor` may read ahead. The reader must be one that waits where it has nothing.
    pub(super) fn read_ahead(&mut self, executor: Arc<dyn Executor>) {
        self.executor = Some(executor);
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
        if self.offset >= WORTH_IT
            && let Some(executor) = self.executor.take()
        {
            let reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
            self.ahead = Some(Ahead::new(executor, reader));
        }
        while self.ahead.is_some() && self.end - self.start < length && !self.at_end {
            self.take_block();
        }
        if self.ahead.is_none() {
            self.read(length);
        }
    }

    /// Goes on to the block that was read ahead: what is left of the one at hand is put before it, or, where that is too
    /// much, it is put behind what is at hand.
    fn take_block(&mut self) {
        let Some(ahead) = &mut self.ahead else { return };
        let mut fetched = match ahead.take() {
            Ok(fetched) => fetched,
            Err(error) => {
                self.failure = Some(error);
                self.at_end = true;
                return;
            }
        };
        let count = match &mut fetched.result {
            Ok(0) => 0,
            Ok(count) => *count,
            Err(error) => {
                self.failure = Some(std::mem::replace(error, io::ErrorKind::Other.into()));
                0
            }
        };
        if count == 0 {
            self.at_end = true;
            return;
        }
        let reader = fetched.take_reader();
        let mut block = fetched.block;
        let left = self.end - self.start;
        if left <= HEADROOM {
            let begin = HEADROOM - left;
            if let (Some(room), Some(rest)) =
                (block.get_mut(begin..HEADROOM), self.buffer.get(self.start..self.end))
            {
                room.copy_from_slice(rest);
            }
            std::mem::swap(&mut self.buffer, &mut block);
            (self.start, self.end) = (begin, HEADROOM + count);
        } else {
            self.buffer.copy_within(self.start..self.end, 0);
            self.buffer.truncate(left);
            self.buffer.extend_from_slice(block.get(HEADROOM..HEADROOM + count).unwrap_or_default());
            (self.start, self.end) = (0, self.buffer.len());
        }
        ahead.go_on(reader, block);
    }

    fn read(&mut self, length: usize) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < length {
            self.buffer.resize(length.next_multiple_of(CHUNK), 0);
        }
        while self.end < length && !self.at_end {
            let Some(free) = self.buffer.get_mut(self.end..) else { return };
            match self.reader.read(free) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.end = self.end.saturating_add(count).min(self.buffer.len()),
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
    fn skips_past_the_end_without_complaint() {
        let mut window = Window::new(Box::new(Drip(0)));
        assert_eq!(window.skip(u64::MAX), 5);
        assert!(window.require(1).is_empty());
    }
}

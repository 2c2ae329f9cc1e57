//! What the client has sent and the session has not yet read: bytes, then a few lines.
//!
//! Commands may come in a row without waiting for replies. They are read one at a time, and what waits is bounded: the
//! driver stops reading from the socket when [`Input::is_full`].

use std::collections::VecDeque;

use ftp_protocol::{Line, LineReader};
use memchr::memchr;

/// Longest command line in bytes; of a longer one nothing is done (RFC 959 names no limit; paths are at most as long).
pub const LONGEST_LINE: usize = 4096;

/// Most bytes that wait unread before [`Input::is_full`].
const MOST_WAITING_BYTES: usize = 16 << 10;

/// Most lines that wait while a transfer is under way, to see an ABOR behind them.
const MOST_WAITING_LINES: usize = 32;

/// Bytes and lines that wait.
#[derive(Debug)]
pub(super) struct Input {
    raw: VecDeque<u8>,
    reader: LineReader,
    lines: VecDeque<Line>,
}

impl Default for Input {
    fn default() -> Self {
        Self { raw: VecDeque::new(), reader: LineReader::new(LONGEST_LINE), lines: VecDeque::new() }
    }
}

impl Input {
    /// Takes what came from the socket.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.raw.extend(bytes);
    }

    /// Enough waits already.
    pub(super) fn is_full(&self) -> bool {
        self.raw.len() >= MOST_WAITING_BYTES || self.lines.len() >= MOST_WAITING_LINES
    }

    /// Nothing waits, not even the beginning of a line.
    pub(super) fn is_empty(&self) -> bool {
        self.raw.is_empty() && self.lines.is_empty() && self.reader.pending() == 0
    }

    /// The next line, in the order in which they came.
    pub(super) fn next_line(&mut self) -> Option<Line> {
        self.lines.pop_front().or_else(|| self.cut_line())
    }

    /// Whether one of the lines that wait is like this, as far as they may be looked at.
    pub(super) fn any_line(&mut self, is_so: impl Fn(&Line) -> bool) -> bool {
        while self.lines.len() < MOST_WAITING_LINES {
            match self.cut_line() {
                Some(line) => self.lines.push_back(line),
                None => break,
            }
        }
        self.lines.iter().any(is_so)
    }

    /// The next line, if it is like this.
    pub(super) fn take_first_if(&mut self, is_so: impl Fn(&Line) -> bool) -> Option<Line> {
        if self.lines.is_empty() {
            let line = self.cut_line()?;
            self.lines.push_back(line);
        }
        if self.lines.front().is_some_and(is_so) { self.lines.pop_front() } else { None }
    }

    /// The unfinished line is longer than any that is read.
    pub(super) fn is_overlong(&self) -> bool {
        self.lines.is_empty() && self.raw.is_empty() && self.reader.pending() > LONGEST_LINE.saturating_add(2)
    }

    /// Forgets everything that waits.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives bytes to the reader up to and with one line end.
    fn cut_line(&mut self) -> Option<Line> {
        let mut line = Vec::new();
        while line.is_empty() && !self.raw.is_empty() {
            let (front, _) = self.raw.as_slices();
            let length = memchr(b'\n', front).map_or(front.len(), |at| at.saturating_add(1));
            self.reader.push(front.get(..length).unwrap_or(front), &mut line);
            self.raw.drain(..length);
        }
        if self.raw.is_empty() {
            self.raw.shrink_to_fit();
        }
        line.pop()
    }
}

//! Lines of a control connection, cut from its byte stream.
//!
//! Takes the bytes of one direction in any pieces, gives whole lines with their place in the stream, and never
//! interprets what a line says. Telnet sequences, which RFC 959 section 4.1.3 and section 5.3 allow, are removed.
//! The same bytes give the same lines however they were cut into pieces.

use memchr::{memchr, memchr3};

const LINE_FEED: u8 = b'\n';
const CARRIAGE_RETURN: u8 = b'\r';
const NUL: u8 = 0;

/// Telnet "interpret as command" (RFC 854); doubled, it is the data byte 255.
pub(crate) const IAC: u8 = 255;
const SUBNEGOTIATION_BEGIN: u8 = 250;
const SUBNEGOTIATION_END: u8 = 240;
const WILL: u8 = 251;
const DONT: u8 = 254;

/// What ended a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Terminator {
    /// CR LF, the only line end that RFC 959 knows.
    CrLf,
    /// LF without a CR before it.
    Lf,
    /// A CR that is the last byte before the end of the stream or before a gap: its LF was never seen.
    Cr,
    /// Nothing: the stream ended, or bytes are missing.
    None,
}

/// One line of a control connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The content without terminator and Telnet sequences, at most as long as the reader's limit.
    pub bytes: Vec<u8>,
    /// Stream offset of the line's first byte, counted from 0.
    pub start: u64,
    /// Stream offset behind the line's terminator.
    pub end: u64,
    /// What ended the line.
    pub terminator: Terminator,
    /// The content's true length in bytes when it was longer than the limit.
    pub truncated_from: Option<u64>,
    /// Telnet sequences (RFC 854) were removed.
    pub telnet: bool,
    /// The line held a NUL. One that follows a CR is Telnet's padding (RFC 854, RFC 2640 section 3.1) and was
    /// removed; any other is still in `bytes`.
    pub nul: bool,
    /// Bytes are missing before this line, so that its beginning may be missing too.
    pub after_gap: bool,
}

/// Cuts the byte stream of one direction of a control connection into [`Line`]s.
#[derive(Debug, Clone)]
pub struct LineReader {
    limit: usize,
    offset: u64,
    /// The unfinished line as it crossed the wire, cut at the limit; kept for [`LineReader::take_pending`].
    raw: Vec<u8>,
    state: State,
    line: Unfinished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    AfterCr,
    AfterIac,
    /// Behind IAC WILL, WONT, DO or DONT (the byte is kept here): one option byte is to come.
    AfterVerb(u8),
}

#[derive(Debug, Clone, Default)]
struct Unfinished {
    bytes: Vec<u8>,
    /// Length of the content, the part behind the limit included.
    length: u64,
    start: u64,
    telnet: bool,
    nul: bool,
    after_gap: bool,
    /// Length of the content where a subnegotiation began. Its bytes count as content until IAC SE takes them
    /// back, so that a subnegotiation that never ends cannot swallow a command.
    subnegotiation: Option<u64>,
}

impl LineReader {
    /// Makes a reader that keeps at most `limit` bytes of a line.
    pub fn new(limit: usize) -> Self {
        Self { limit, offset: 0, raw: Vec::new(), state: State::Text, line: Unfinished::default() }
    }

    /// Takes the next bytes of the stream and appends each line that they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut impl Extend<Line>) {
        let mut rest = bytes;
        let mut unfinished = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            if self.state == State::Text {
                let length = memchr3(CARRIAGE_RETURN, LINE_FEED, IAC, rest).unwrap_or(rest.len());
                if length > 0 {
                    let (text, behind) = rest.split_at(length);
                    self.line.nul |= memchr(NUL, text).is_some();
                    self.line.append(text, self.limit);
                    self.offset = self.offset.saturating_add(length as u64);
                    rest = behind;
                    continue;
                }
            }
            self.offset = self.offset.saturating_add(1);
            rest = tail;
            if let Some(terminator) = self.byte(first) {
                self.emit(terminator, out);
                unfinished = rest;
            }
        }
        let room = self.limit.saturating_sub(self.raw.len());
        self.raw.extend_from_slice(unfinished.get(..room).unwrap_or(unfinished));
    }

    /// Takes bytes up to and with the first line feed, all if there is none, and says how many those are; gives the line that they
    /// complete. What [`LineReader::push`] gives for the same bytes, for callers who look at each line before the next.
    pub fn take_line(&mut self, bytes: &[u8]) -> (usize, Option<Line>) {
        let run = memchr(LINE_FEED, bytes).map_or(bytes, |at| bytes.get(..=at).unwrap_or(bytes));
        let begins = self.state == State::Text && self.pending() == 0;
        // Nearly every line: whole, and nothing in it to look at twice.
        if begins
            && let Some(text) = run.strip_suffix(&[CARRIAGE_RETURN, LINE_FEED])
            && text.len() <= self.limit
            && memchr3(CARRIAGE_RETURN, IAC, NUL, text).is_none()
        {
            self.line.append(text, self.limit);
            self.offset = self.offset.saturating_add(run.len() as u64);
            return (run.len(), Some(self.end_line(Terminator::CrLf)));
        }
        let mut lines = Vec::new();
        self.push(run, &mut lines);
        (run.len(), lines.pop())
    }

    /// Lends an empty buffer for the next line, unless one is under way; takes what was lent before for it.
    pub fn lend(&mut self, buffer: &mut Vec<u8>) {
        if self.line.bytes.is_empty() {
            std::mem::swap(&mut self.line.bytes, buffer);
        }
    }

    /// Gives the buffer of the next line back, if none of it has come.
    pub fn take_spare(&mut self) -> Vec<u8> {
        if self.line.bytes.is_empty() { std::mem::take(&mut self.line.bytes) } else { Vec::new() }
    }

    /// Skips `length` bytes that are missing. A partial line before them is given as it stands; the next line,
    /// up to and with its line end, is marked `after_gap`.
    pub fn gap(&mut self, length: u64, out: &mut impl Extend<Line>) {
        self.finish(out);
        self.offset = self.offset.saturating_add(length);
        self.line = Unfinished { start: self.offset, after_gap: true, ..Unfinished::default() };
    }

    /// Ends the stream: a partial line is given as it stands.
    pub fn finish(&mut self, out: &mut impl Extend<Line>) {
        if self.pending() == 0 {
            return;
        }
        let terminator = match self.state {
            State::AfterCr => Terminator::Cr,
            State::Text => Terminator::None,
            State::AfterIac => {
                self.line.append(&[IAC], self.limit);
                Terminator::None
            }
            State::AfterVerb(verb) => {
                self.line.append(&[IAC, verb], self.limit);
                Terminator::None
            }
        };
        self.emit(terminator, out);
    }

    /// Number of stream bytes taken so far, gaps included.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Number of stream bytes since the last line end, Telnet sequences included.
    pub fn pending(&self) -> usize {
        usize::try_from(self.offset.saturating_sub(self.line.start)).unwrap_or(usize::MAX)
    }

    /// Takes the bytes since the last line end away as they crossed the wire, at most as many as the limit. For
    /// a stream that stops being lines, as after the 234 reply to AUTH (RFC 4217 section 4).
    pub fn take_pending(&mut self) -> Vec<u8> {
        self.state = State::Text;
        self.line = Unfinished { start: self.offset, ..Unfinished::default() };
        std::mem::take(&mut self.raw)
    }

    /// Takes one byte; gives the terminator if it ends the line.
    fn byte(&mut self, byte: u8) -> Option<Terminator> {
        match self.state {
            State::Text => match byte {
                LINE_FEED => return Some(Terminator::Lf),
                CARRIAGE_RETURN => self.state = State::AfterCr,
                IAC => self.state = State::AfterIac,
                other => self.text(other),
            },
            State::AfterCr => {
                self.state = State::Text;
                match byte {
                    LINE_FEED => return Some(Terminator::CrLf),
                    NUL => {
                        self.line.nul = true;
                        self.line.append(&[CARRIAGE_RETURN], self.limit);
                    }
                    other => {
                        self.line.append(&[CARRIAGE_RETURN], self.limit);
                        return self.byte(other);
                    }
                }
            }
            State::AfterIac => return self.after_iac(byte),
            State::AfterVerb(_) => self.state = State::Text,
        }
        None
    }

    fn after_iac(&mut self, byte: u8) -> Option<Terminator> {
        self.state = State::Text;
        if byte < SUBNEGOTIATION_END {
            // Not a Telnet command: somebody's file name holds an undoubled 255.
            self.line.append(&[IAC], self.limit);
            return self.byte(byte);
        }
        self.line.telnet = true;
        match byte {
            IAC => self.line.append(&[IAC], self.limit),
            WILL..=DONT => self.state = State::AfterVerb(byte),
            SUBNEGOTIATION_BEGIN => {
                self.line.subnegotiation.get_or_insert(self.line.length);
            }
            SUBNEGOTIATION_END => self.line.take_back_subnegotiation(),
            _ => {}
        }
        None
    }

    fn text(&mut self, byte: u8) {
        self.line.nul |= byte == NUL;
        self.line.append(&[byte], self.limit);
    }

    fn emit(&mut self, terminator: Terminator, out: &mut impl Extend<Line>) {
        out.extend([self.end_line(terminator)]);
    }

    fn end_line(&mut self, terminator: Terminator) -> Line {
        let next = Unfinished { start: self.offset, ..Unfinished::default() };
        let line = std::mem::replace(&mut self.line, next);
        self.state = State::Text;
        self.raw.clear();
        Line {
            truncated_from: (line.length > line.bytes.len() as u64).then_some(line.length),
            bytes: line.bytes,
            start: line.start,
            end: self.offset,
            terminator,
            telnet: line.telnet,
            nul: line.nul,
            after_gap: line.after_gap,
        }
    }
}

impl Unfinished {
    fn append(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    fn take_back_subnegotiation(&mut self) {
        if let Some(length) = self.subnegotiation.take() {
            self.length = length;
            self.bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
    }
}

#[cfg(test)]
mod tests;

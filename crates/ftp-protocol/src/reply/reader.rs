//! Assembles replies from lines.
//!
//! RFC 959 section 4.2: a reply of several lines begins with the code and a hyphen and ends with the first line of
//! the same code and a space; what stands between is text, even when it begins with digits. Some servers do not
//! keep to that, so a reply also ends
//!
//! - when an error (4yz, 5yz) is followed by a line of another error code, or of a preliminary one that reads like
//!   an answer: glftpd announces `553-` lines and closes them with the operative `150`;
//! - when a preliminary reply (1yz) is followed by a line of a later class: it is the final reply;
//! - when another code that opened with a hyphen within it is closed with a space;
//! - when a line of another code reads like an answer to a command (see `head::sounds_like_a_reply`);
//! - when the caller knows that the client went on ([`ReplyReader::settle`]).

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::build::{Dropped, build, single};
use super::head::{self, Head, Separator};
use super::{MAXIMUM_BYTES, MAXIMUM_LINES, Reply, ReplyOddity};
use crate::line::Line;

/// Lines of one reply: nearly always one.
pub(super) type Lines = SmallVec<[Line; 1]>;

/// What a line completes: nearly always one reply, or none.
pub type Replies = SmallVec<[Reply; 1]>;

/// Assembles the lines of one control connection's server side into [`Reply`]s.
#[derive(Debug, Clone, Default)]
pub struct ReplyReader {
    /// Boxed, for most replies have one line.
    open: Option<Box<Open>>,
}

/// A reply whose last line is not there yet.
#[derive(Debug, Clone)]
struct Open {
    /// The code that closes the reply.
    code: Option<u16>,
    /// The first line carries the code; otherwise the reply's beginning is missing.
    whole: bool,
    lines: Lines,
    /// Bytes in `lines`.
    bytes: usize,
    /// Lines that were not kept, and the bytes in them.
    dropped: Dropped,
    /// Places in `lines` where each other code first stands with a hyphen.
    opened_within: BTreeMap<u16, usize>,
    /// Place in `lines` of the first line with another code and a space.
    candidate: Option<usize>,
}

/// What a line of another code and a space is to an open reply.
enum Verdict {
    /// Its last line.
    Closes,
    /// The first line of the next reply.
    Begins,
    /// A line of its text, as far as one can tell.
    Text,
}

/// Judges a line of another code and a space in a reply that `opener` opened.
fn verdict(opener: u16, head: &Head<'_>) -> Verdict {
    match (opener / 100, head.code / 100) {
        (4 | 5, 4 | 5) => Verdict::Closes,
        (4 | 5, 1) if head::sounds_like_a_reply(head) => Verdict::Closes,
        (1, 2..=5) => Verdict::Begins,
        _ if head::sounds_like_a_reply(head) => Verdict::Begins,
        _ => Verdict::Text,
    }
}

impl ReplyReader {
    /// Makes a reader that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line; gives the replies that it completes: none, one, or two when the line shows that the
    /// reply before was never closed.
    pub fn push(&mut self, line: Line) -> Replies {
        let mut replies = Replies::new();
        self.take(line, &mut replies);
        replies
    }

    /// Tells that lines are missing: gives the open reply as it stands. Lines marked `after_gap` do the same.
    pub fn gap(&mut self) -> Option<Reply> {
        self.open.take().map(|open| open.give_up())
    }

    /// Ends the stream: gives the open reply as it stands.
    pub fn finish(&mut self) -> Option<Reply> {
        self.gap()
    }

    /// Code of the multi-line reply that is open, if one is.
    pub fn open_code(&self) -> Option<u16> {
        self.open.as_ref().and_then(|open| open.code)
    }

    /// Tells that the client has sent its next command after having received every line so far. An open reply that
    /// holds a line of another code and a space, as if it were closed by that, is then taken for two; without such
    /// a line nothing happens.
    pub fn settle(&mut self) -> Replies {
        let mut replies = Replies::new();
        while let Some((at, closes)) = self.open.as_deref().and_then(Open::candidate) {
            match self.open.take_if(|_| closes).and_then(|open| open.close_with_last_line()) {
                Some(reply) => replies.push(reply),
                None => self.split(at, &mut replies),
            }
        }
        replies
    }

    fn take(&mut self, line: Line, replies: &mut Replies) {
        if line.after_gap {
            let code = self.open_code();
            replies.extend(self.gap());
            return self.first_after_gap(line, code, replies);
        }
        match &self.open {
            None => self.outside(line, replies),
            Some(open) if open.whole => self.inside(line, replies),
            Some(_) => self.behind_gap(line, replies),
        }
    }

    /// Takes a line that begins a reply.
    fn outside(&mut self, line: Line, replies: &mut Replies) {
        let junk = head::junk_before(&line.bytes);
        match head::parse(line.bytes.get(junk..).unwrap_or_default()) {
            Some(Head { code, separator: Separator::Hyphen, .. }) => {
                self.open = Some(Box::new(Open::new(Some(code), true, line)))
            }
            Some(Head { code, .. }) => {
                replies.push(single(Some(code), line));
            }
            None => replies.push(single(None, line)),
        }
    }

    /// Takes a line of an open reply.
    fn inside(&mut self, line: Line, replies: &mut Replies) {
        let Some(open) = &mut self.open else { return };
        let Some(head) = head::parse(&line.bytes) else { return open.keep(line) };
        let Some(opener) = open.code else { return open.keep(line) };
        let closes = matches!(head.separator, Separator::Space | Separator::Tab | Separator::End);
        if head.code == opener {
            if !closes {
                return open.keep(line);
            }
            let open = self.open.take();
            replies.extend(open.map(|open| open.close(opener, line)));
            return;
        }
        if !closes || !head::is_defined(head.code) {
            if head.separator == Separator::Hyphen && open.has_room() {
                open.opened_within.entry(head.code).or_insert(open.lines.len());
            }
            return open.keep(line);
        }
        let opened_within = open.opened_within.get(&head.code).copied();
        match (verdict(opener, &head), opened_within) {
            (Verdict::Closes, _) => {
                let code = head.code;
                let open = self.open.take();
                replies.extend(open.map(|open| open.close(code, line)));
            }
            (_, Some(at)) => {
                self.split(at, replies);
                self.take(line, replies);
            }
            (Verdict::Begins, None) => {
                replies.extend(self.gap());
                self.outside(line, replies);
            }
            (Verdict::Text, None) => {
                if open.has_room() {
                    open.candidate.get_or_insert(open.lines.len());
                }
                open.keep(line);
            }
        }
    }

    /// Ends the open reply before its line `at`, and reads the lines from there anew.
    fn split(&mut self, at: usize, replies: &mut Replies) {
        let Some(mut open) = self.open.take() else { return };
        // The first line always belongs to the reply that it opened.
        let rest: Vec<Line> = open.lines.drain(at.max(1).min(open.lines.len())..).collect();
        let dropped = std::mem::take(&mut open.dropped);
        replies.push(open.give_up());
        for line in rest {
            self.take(line, replies);
        }
        // What was not kept came last.
        if let Some(open) = &mut self.open {
            open.dropped = dropped;
        } else if let (Some(last), 1..) = (replies.last_mut(), dropped.bytes) {
            last.end = last.end.max(dropped.end);
            let kept: usize = last.lines.iter().map(Vec::len).sum();
            last.truncated_from =
                Some(last.truncated_from.unwrap_or(kept as u64).saturating_add(dropped.bytes));
        }
    }

    /// Takes the first line behind a gap: a new reply, the middle of a line, or a line within the reply `code`
    /// that the gap tore.
    fn first_after_gap(&mut self, line: Line, code: Option<u16>, replies: &mut Replies) {
        if head::parse(&line.bytes).is_some() {
            self.outside(line, replies);
        } else {
            self.open = Some(Box::new(Open::new(code, false, line)));
        }
    }

    /// Takes a line behind lines without code that followed a gap: they are text of a reply whose beginning is
    /// missing, which the next line with a code ends.
    fn behind_gap(&mut self, line: Line, replies: &mut Replies) {
        let Some(open) = &mut self.open else { return };
        match (head::parse(&line.bytes), open.code) {
            (None, _) => open.keep(line),
            (Some(head), Some(code)) if head.code == code => {
                if head.separator == Separator::Hyphen {
                    return open.keep(line);
                }
                let open = self.open.take();
                replies.extend(open.map(|open| open.close(code, line)));
            }
            (Some(_), _) => {
                replies.extend(self.gap());
                self.outside(line, replies);
            }
        }
    }
}

impl Open {
    fn new(code: Option<u16>, whole: bool, line: Line) -> Self {
        let mut open = Self {
            code,
            whole,
            lines: Lines::new(),
            bytes: 0,
            dropped: Dropped::default(),
            opened_within: BTreeMap::new(),
            candidate: None,
        };
        open.keep(line);
        open
    }

    fn has_room(&self) -> bool {
        self.lines.len() < MAXIMUM_LINES && self.bytes < MAXIMUM_BYTES
    }

    fn keep(&mut self, line: Line) {
        if self.has_room() {
            self.bytes = self.bytes.saturating_add(line.bytes.len());
            self.lines.push(line);
        } else {
            let length = line.truncated_from.unwrap_or(line.bytes.len() as u64);
            self.dropped.bytes = self.dropped.bytes.saturating_add(length);
            self.dropped.end = line.end;
        }
    }

    /// Place of the first line of another code and a space, and whether it may be the last line of this reply: it
    /// stands last and its code is of the same class.
    fn candidate(&self) -> Option<(usize, bool)> {
        let at = self.candidate?;
        let code = head::parse(&self.lines.get(at)?.bytes)?.code;
        let last = at.saturating_add(1) == self.lines.len() && self.dropped.bytes == 0;
        Some((at, last && self.code.is_some_and(|opener| opener / 100 == code / 100)))
    }

    fn close_with_last_line(mut self) -> Option<Reply> {
        let line = self.lines.pop()?;
        let code = head::parse(&line.bytes)?.code;
        Some(self.close(code, line))
    }

    /// The reply with its last line, which carries the code `closing`.
    fn close(mut self, closing: u16, line: Line) -> Reply {
        self.lines.push(line);
        build(self.code, Some(closing), self.lines, self.dropped)
    }

    /// The reply without a last line.
    fn give_up(self) -> Reply {
        let code = if self.whole { self.code } else { None };
        let mut reply = build(code, None, self.lines, self.dropped);
        if self.whole {
            reply.note(ReplyOddity::Unclosed);
        }
        reply
    }
}

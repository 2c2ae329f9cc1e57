//! Makes a reply of its lines and notes what is odd about them.

use memchr::memchr;

use super::head::{self, Separator};
use super::reader::Lines;
use super::{Reply, ReplyOddity};
use crate::line::{Line, Terminator};

/// Lines of a reply that were not kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dropped {
    /// Bytes in them, without terminators.
    pub bytes: u64,
    /// Stream offset behind the last of them.
    pub end: u64,
}

/// Makes a reply of its lines. The last one carries the code `closing`, if there is one.
pub(super) fn build(opened: Option<u16>, closing: Option<u16>, lines: Lines, dropped: Dropped) -> Reply {
    let code = closing.or(opened);
    let mut reply = Reply {
        code,
        lines: Vec::with_capacity(lines.len()),
        start: lines.first().map_or(0, |line| line.start),
        end: lines.last().map_or(0, |line| line.end).max(dropped.end),
        oddities: Vec::new(),
        truncated_from: None,
        after_gap: lines.iter().any(|line| line.after_gap),
    };
    reply.note_code();
    if let (Some(opened), Some(closed)) = (opened, closing)
        && opened != closed
    {
        reply.note(ReplyOddity::ClosedByOtherCode { opened, closed });
    }
    let last = lines.len().saturating_sub(1);
    let mut missing = dropped.bytes;
    for (at, line) in lines.into_iter().enumerate() {
        let own = if at == last { closing.or(opened) } else { opened };
        missing = missing.saturating_add(beyond_limit(&line));
        reply.note_line(&line);
        let text = reply.strip(line.bytes, own, at == 0);
        reply.lines.push(text);
    }
    if missing > 0 {
        let kept: usize = reply.lines.iter().map(Vec::len).sum();
        reply.truncated_from = Some(missing.saturating_add(kept as u64));
    }
    reply
}

/// Makes a reply of one line, which carries the code `code`, if there is one.
pub(super) fn single(code: Option<u16>, line: Line) -> Reply {
    let mut reply = Reply {
        code,
        lines: Vec::new(),
        start: line.start,
        end: line.end,
        oddities: Vec::new(),
        truncated_from: None,
        after_gap: line.after_gap,
    };
    reply.note_code();
    reply.note_line(&line);
    let missing = beyond_limit(&line);
    let text = reply.strip(line.bytes, code, true);
    if missing > 0 {
        reply.truncated_from = Some(missing.saturating_add(text.len() as u64));
    }
    reply.lines = vec![text];
    reply
}

/// Number of bytes by which the line was longer than the line reader's limit.
fn beyond_limit(line: &Line) -> u64 {
    line.truncated_from.map_or(0, |length| length.saturating_sub(line.bytes.len() as u64))
}

impl Reply {
    pub(super) fn note(&mut self, oddity: ReplyOddity) {
        let kind = std::mem::discriminant(&oddity);
        if !self.oddities.iter().any(|other| std::mem::discriminant(other) == kind) {
            self.oddities.push(oddity);
        }
    }

    /// Notes what is odd about the code.
    fn note_code(&mut self) {
        match self.code {
            None => self.note(ReplyOddity::NoCode),
            Some(code) if !head::is_defined(code) => self.note(ReplyOddity::UndefinedCode(code)),
            Some(_) => {}
        }
    }

    /// Notes what is odd about a line as such.
    fn note_line(&mut self, line: &Line) {
        match line.terminator {
            Terminator::CrLf => {}
            Terminator::Lf => self.note(ReplyOddity::BareLineFeed),
            Terminator::Cr | Terminator::None => self.note(ReplyOddity::Unterminated),
        }
        if line.telnet {
            self.note(ReplyOddity::Telnet);
        }
        if line.nul {
            self.note(ReplyOddity::Nul);
        }
        if memchr(b'\r', &line.bytes).is_some() {
            self.note(ReplyOddity::CarriageReturn);
        }
    }

    /// The text of a line without the code `own`, if it carries that.
    fn strip(&mut self, mut line: Vec<u8>, own: Option<u16>, first: bool) -> Vec<u8> {
        let junk = if first && own.is_some() { head::junk_before(&line) } else { 0 };
        let Some(head) = head::parse(line.get(junk..).unwrap_or_default()) else { return line };
        if Some(head.code) != own {
            if matches!(head.separator, Separator::Space | Separator::Tab | Separator::End) {
                self.note(ReplyOddity::InnerCode(head.code));
            }
            return line;
        }
        if junk > 0 {
            self.note(ReplyOddity::JunkBeforeCode(junk));
        }
        match head.separator {
            Separator::Space => {}
            Separator::Hyphen if first => {}
            Separator::Hyphen => self.note(ReplyOddity::RepeatedCode),
            Separator::Tab => self.note(ReplyOddity::TabSeparator),
            Separator::End => self.note(ReplyOddity::BareCode),
            // Within a reply it may as well be prose, so it stays as it was sent.
            Separator::Missing if !first => return line,
            Separator::Missing => self.note(ReplyOddity::MissingSeparator),
        }
        line.drain(..line.len().saturating_sub(head.text.len()));
        line
    }
}

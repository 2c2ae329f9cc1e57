//! Replies: one or more lines from the server to the client (RFC 959 section 4.2).

use std::fmt;

use memchr::memchr3;

use crate::command::push_escaped;

mod build;
mod head;
mod oddity;
mod reader;

pub use oddity::ReplyOddity;
pub use reader::{Replies, ReplyReader};

/// Most lines of one reply that are kept; further ones are counted only.
pub const MAXIMUM_LINES: usize = 4096;

/// Most bytes of text of one reply that are kept; further ones are counted only.
pub const MAXIMUM_BYTES: usize = 1 << 18;

/// A reply of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits, 0 to 999; `None` for a line without them. When a reply was opened with one code and closed
    /// with another, the closing one, which is what clients act on ([`ReplyOddity::ClosedByOtherCode`]).
    pub code: Option<u16>,
    /// The text: without code and separator on lines that carry the reply's own code, as sent on all others.
    pub lines: Vec<Vec<u8>>,
    /// Stream offset of the first byte.
    pub start: u64,
    /// Stream offset behind the last terminator.
    pub end: u64,
    /// What was odd, each kind once, in the order of its first appearance.
    pub oddities: Vec<ReplyOddity>,
    /// The text's true length in bytes when some of it was not kept.
    pub truncated_from: Option<u64>,
    /// Bytes are missing directly before the reply or within it.
    pub after_gap: bool,
}

impl Reply {
    /// The text of the first line, where nearly every fact of a reply stands.
    pub fn text(&self) -> &[u8] {
        self.lines.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// All lines with a line feed between them.
    pub fn joined(&self) -> Vec<u8> {
        self.lines.join(&b'\n')
    }

    /// The reply was cut short: it was never closed, or its end is missing.
    pub fn is_unfinished(&self) -> bool {
        self.oddities.iter().any(|oddity| matches!(oddity, ReplyOddity::Unclosed | ReplyOddity::Unterminated))
    }
}

/// Why a reply cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncodeError {
    /// The code is neither 100 to 559 with a second digit up to 5 (RFC 959 section 4.2), nor 631 to 633 (RFC 2228).
    Code(u16),
    /// A line holds this byte (CR, LF or NUL), which would end or split it.
    Text {
        /// The forbidden byte.
        byte: u8,
        /// The line, counted from 0.
        line: usize,
    },
}

/// Writes a reply, CR LF included. Lines between the first and the last that begin with a digit get a space in
/// front (RFC 959 section 4.2); a byte 255 is doubled (RFC 854).
pub fn encode(code: u16, lines: &[&[u8]]) -> Result<Vec<u8>, EncodeError> {
    if !head::is_defined(code) {
        return Err(EncodeError::Code(code));
    }
    let mut bytes = Vec::new();
    let last = lines.len().saturating_sub(1);
    for (at, line) in lines.iter().enumerate() {
        if let Some(place) = memchr3(b'\r', b'\n', 0, line) {
            return Err(EncodeError::Text { byte: line.get(place).copied().unwrap_or_default(), line: at });
        }
        if at == last || at == 0 {
            bytes.extend_from_slice(code.to_string().as_bytes());
            bytes.push(if at == last { b' ' } else { b'-' });
        } else if line.first().is_some_and(u8::is_ascii_digit) {
            bytes.push(b' ');
        }
        push_escaped(&mut bytes, line);
        bytes.extend_from_slice(b"\r\n");
    }
    if lines.is_empty() {
        bytes.extend_from_slice(format!("{code} \r\n").as_bytes());
    }
    Ok(bytes)
}

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "{code} is no reply code"),
            Self::Text { byte, line } => {
                write!(
                    formatter,
                    "line {line} of the reply holds the byte {byte}; CR, LF and NUL cannot be sent"
                )
            }
        }
    }
}

impl std::error::Error for EncodeError {}

#[cfg(test)]
mod tests;

//! What can be odd about a reply.

use std::fmt;

/// What was odd about a reply. A reply with oddities is still a reply; clients read most of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyOddity {
    /// A line ends with LF alone.
    BareLineFeed,
    /// The last line has no line end.
    Unterminated,
    /// A line holds a NUL.
    Nul,
    /// A line holds a CR that no LF follows.
    CarriageReturn,
    /// Telnet sequences (RFC 854) were removed.
    Telnet,
    /// The line has no code and stands in no multi-line reply.
    NoCode,
    /// The code is neither one of RFC 959 section 4.2 nor a protected reply of RFC 2228.
    UndefinedCode(u16),
    /// This many bytes of white space, NUL or byte order mark stand before the code.
    JunkBeforeCode(usize),
    /// A tab, not a space, stands behind the code.
    TabSeparator,
    /// The text follows the code without a space.
    MissingSeparator,
    /// The line holds the code alone, without the space that RFC 959 section 4.2 asks for.
    BareCode,
    /// A line between first and last carries the code and a hyphen again. Common; RFC 959 section 4.2 wants it plain.
    RepeatedCode,
    /// A line between first and last begins with another code and a space, which RFC 959 section 4.2 wants padded.
    InnerCode(u16),
    /// The last line carries another code than the first.
    ClosedByOtherCode {
        /// The code of the first line.
        opened: u16,
        /// The code of the last line.
        closed: u16,
    },
    /// No line with the code and a space closes the reply.
    Unclosed,
}

impl fmt::Display for ReplyOddity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BareLineFeed => formatter.write_str("a line ends with LF instead of CR LF"),
            Self::Unterminated => formatter.write_str("the last line has no line end"),
            Self::Nul => formatter.write_str("a line holds a NUL"),
            Self::CarriageReturn => formatter.write_str("a line holds a CR that no LF follows"),
            Self::Telnet => formatter.write_str("Telnet sequences stand in the reply"),
            Self::NoCode => formatter.write_str("the line has no reply code"),
            Self::UndefinedCode(code) => {
                write!(formatter, "{code:03} is no reply code of RFC 959 section 4.2")
            }
            Self::JunkBeforeCode(1) => formatter.write_str("a byte stands before the reply code"),
            Self::JunkBeforeCode(count) => write!(formatter, "{count} bytes stand before the reply code"),
            Self::TabSeparator => formatter.write_str("a tab, not a space, stands behind the reply code"),
            Self::MissingSeparator => formatter.write_str("no space stands between reply code and text"),
            Self::BareCode => formatter.write_str("the line holds the reply code alone, without a space"),
            Self::RepeatedCode => formatter.write_str("inner lines carry the reply code again"),
            Self::InnerCode(code) => {
                write!(formatter, "an inner line begins with {code:03} and is not padded")
            }
            Self::ClosedByOtherCode { opened, closed } => {
                write!(formatter, "the reply is opened with {opened:03} and closed with {closed:03}")
            }
            Self::Unclosed => formatter.write_str("the multi-line reply is never closed"),
        }
    }
}

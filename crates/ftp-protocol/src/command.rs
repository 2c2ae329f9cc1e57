//! Commands: one line from the client to the server (RFC 959 section 5.3).

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr2, memchr3};

use crate::line::IAC;
use crate::verb::Verb;

/// Longest verb in bytes that is not odd. RFC 959 section 5.3 says four, but XSHA256 and XSHA512 are in use.
pub const LONGEST_VERB: usize = 8;

/// Whether a USER argument names a guest, whose password is no secret (RFC 1635 section 2.1; "ftp" and "guest" by use).
pub fn is_guest(user: &[u8]) -> bool {
    [&b"anonymous"[..], b"ftp", b"guest"].iter().any(|guest| user.eq_ignore_ascii_case(guest))
}

/// A command as the client meant it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command {
    /// The first word in upper case; RFC 959 section 5.3 makes the case meaningless. Whatever bytes were sent, so
    /// not always a known [`Verb`] and perhaps empty.
    pub verb: Vec<u8>,
    /// The first word as it was sent, when that was not in upper case.
    pub as_sent: Option<Vec<u8>>,
    /// Everything behind the first space, further spaces included; `None` without that space.
    pub argument: Option<Vec<u8>>,
}

/// A command line taken apart, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandLine<'a> {
    /// The first word as it was sent; perhaps empty.
    pub word: &'a [u8],
    /// Everything behind the first space, further spaces included; `None` without that space.
    pub argument: Option<&'a [u8]>,
}

/// What was odd about a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Oddity {
    /// The line holds nothing.
    Empty,
    /// White space stands before the verb.
    LeadingSpace,
    /// A tab, not a space, stands behind the verb.
    TabSeparator,
    /// A space stands behind the verb, but no argument follows it.
    EmptyArgument,
    /// The verb holds something else than letters and digits.
    VerbNotLetters,
    /// The verb has more than [`LONGEST_VERB`] bytes.
    VerbTooLong(usize),
    /// The line holds a NUL.
    Nul,
    /// The line holds a CR that no LF follows.
    CarriageReturn,
}

/// Why a command cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncodeError {
    /// The verb is empty or holds something else than upper-case ASCII letters and digits.
    Verb,
    /// The argument holds this byte (CR, LF or NUL), which would end or split the command.
    Argument {
        /// The forbidden byte.
        byte: u8,
        /// Its place in the argument, counted from 0.
        at: usize,
    },
}

impl<'a> CommandLine<'a> {
    /// Reads a line without its terminator, as [`Command::parse`] does.
    pub fn parse(line: &'a [u8]) -> (Self, Vec<Oddity>) {
        let mut oddities = Vec::new();
        let content = line.trim_ascii_start();
        if content.is_empty() {
            oddities.push(Oddity::Empty);
        } else if content.len() < line.len() {
            oddities.push(Oddity::LeadingSpace);
        }
        let separator = memchr2(b' ', b'\t', content);
        let word = separator.and_then(|at| content.get(..at)).unwrap_or(content);
        let argument = separator.and_then(|at| content.get(at.saturating_add(1)..));
        if separator.and_then(|at| content.get(at)) == Some(&b'\t') {
            oddities.push(Oddity::TabSeparator);
        }
        if argument.is_some_and(<[u8]>::is_empty) {
            oddities.push(Oddity::EmptyArgument);
        }
        if !word.iter().all(u8::is_ascii_alphanumeric) {
            oddities.push(Oddity::VerbNotLetters);
        }
        if word.len() > LONGEST_VERB {
            oddities.push(Oddity::VerbTooLong(word.len()));
        }
        if memchr(0, line).is_some() {
            oddities.push(Oddity::Nul);
        }
        if memchr(b'\r', line).is_some() {
            oddities.push(Oddity::CarriageReturn);
        }
        (Self { word, argument }, oddities)
    }

    /// The known verb, if it is one.
    pub fn known_verb(&self) -> Option<Verb> {
        Verb::from_bytes(self.word)
    }

    /// The verb as text in upper case; unknown bytes become U+FFFD.
    pub fn verb_text(&self) -> Cow<'static, str> {
        match self.known_verb() {
            Some(verb) => verb.as_str().into(),
            None => String::from_utf8_lossy(&self.word.to_ascii_uppercase()).into_owned().into(),
        }
    }
}

impl Command {
    /// Makes a command of a known verb.
    pub fn new(verb: Verb, argument: Option<&[u8]>) -> Self {
        Self {
            verb: verb.as_str().as_bytes().to_vec(),
            as_sent: None,
            argument: argument.map(<[u8]>::to_vec),
        }
    }

    /// Reads a line without its terminator. Never fails: what is no command becomes an unknown verb.
    pub fn parse(line: &[u8]) -> (Self, Vec<Oddity>) {
        let (CommandLine { word, argument }, oddities) = CommandLine::parse(line);
        let verb = word.to_ascii_uppercase();
        let as_sent = (verb != word).then(|| word.to_vec());
        (Self { verb, as_sent, argument: argument.map(<[u8]>::to_vec) }, oddities)
    }

    /// The known verb, if it is one.
    pub fn known_verb(&self) -> Option<Verb> {
        Verb::from_bytes(&self.verb)
    }

    /// The verb as text; unknown bytes become U+FFFD.
    pub fn verb_str(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.verb)
    }

    /// The path that the argument names, if the verb takes one (see [`Verb::path_in`]).
    pub fn path(&self) -> Option<&[u8]> {
        self.known_verb()?.path_in(self.argument.as_deref()?)
    }

    /// Writes the line, CR LF included. A byte 255 in the argument is doubled (RFC 854).
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if self.verb.is_empty() || !self.verb.iter().all(plain) {
            return Err(EncodeError::Verb);
        }
        let mut line = self.verb.clone();
        if let Some(argument) = &self.argument {
            if let Some(at) = memchr3(b'\r', b'\n', 0, argument) {
                let byte = argument.get(at).copied().unwrap_or_default();
                return Err(EncodeError::Argument { byte, at });
            }
            line.push(b' ');
            push_escaped(&mut line, argument);
        }
        line.extend_from_slice(b"\r\n");
        Ok(line)
    }
}

/// Appends `bytes` with each byte 255 doubled, so that Telnet (RFC 854) takes it for data.
pub(crate) fn push_escaped(line: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        line.push(byte);
        if byte == IAC {
            line.push(IAC);
        }
    }
}

impl fmt::Display for Oddity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("the line is empty"),
            Self::LeadingSpace => formatter.write_str("white space stands before the command"),
            Self::TabSeparator => formatter.write_str("a tab, not a space, stands behind the command"),
            Self::EmptyArgument => formatter.write_str("a space stands behind the command, but no argument"),
            Self::VerbNotLetters => {
                formatter.write_str("the command holds something else than letters and digits")
            }
            Self::VerbTooLong(length) => {
                write!(formatter, "the command has {length} bytes; RFC 959 section 5.3 allows 4")
            }
            Self::Nul => formatter.write_str("the line holds a NUL"),
            Self::CarriageReturn => formatter.write_str("the line holds a CR that no LF follows"),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verb => formatter.write_str("a command must be upper-case letters and digits"),
            Self::Argument { byte, at } => {
                write!(formatter, "the argument holds the byte {byte} at {at}; CR, LF and NUL cannot be sent")
            }
        }
    }
}

impl std::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::LineReader;
    use proptest::prelude::*;

    fn parse(line: &[u8]) -> (String, Option<String>, Vec<Oddity>) {
        let (command, oddities) = Command::parse(line);
        let argument = command.argument.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        (command.verb_str().into_owned(), argument, oddities)
    }

    fn plain(verb: &str, argument: Option<&str>) -> (String, Option<String>, Vec<Oddity>) {
        (verb.into(), argument.map(Into::into), Vec::new())
    }

    #[test]
    fn verb_and_argument() {
        assert_eq!(parse(b"USER anonymous"), plain("USER", Some("anonymous")));
        assert_eq!(parse(b"PASV"), plain("PASV", None));
    }

    #[test]
    fn spaces_of_a_name_are_kept() {
        assert_eq!(parse(b"RETR  two  spaces "), plain("RETR", Some(" two  spaces ")));
        assert_eq!(parse(b"RETR a\tb"), plain("RETR", Some("a\tb")));
    }

    #[test]
    fn case_of_the_verb_is_remembered() {
        let (command, oddities) = Command::parse(b"reTr Name");
        assert_eq!((command.verb.as_slice(), command.as_sent.as_deref()), (&b"RETR"[..], Some(&b"reTr"[..])));
        assert_eq!(command.argument.as_deref(), Some(&b"Name"[..]));
        assert!(oddities.is_empty());
        assert_eq!(command.known_verb(), Some(Verb::Retr));
    }

    #[test]
    fn empty_line_is_an_empty_verb() {
        assert_eq!(parse(b""), ("".into(), None, vec![Oddity::Empty]));
        assert_eq!(parse(b"  "), ("".into(), None, vec![Oddity::Empty]));
    }

    #[test]
    fn oddities_are_told() {
        assert_eq!(parse(b" NOOP").2, [Oddity::LeadingSpace]);
        assert_eq!(parse(b"NOOP ").2, [Oddity::EmptyArgument]);
        assert_eq!(parse(b"USER\tjoe"), ("USER".into(), Some("joe".into()), vec![Oddity::TabSeparator]));
        assert_eq!(parse(b"\x16\x03\x01").2, [Oddity::VerbNotLetters]);
        assert_eq!(parse(b"ABCDEFGHI").2, [Oddity::VerbTooLong(9)]);
        assert_eq!(parse(b"RETR a\0b").2, [Oddity::Nul]);
        assert_eq!(parse(b"RETR a\rb").2, [Oddity::CarriageReturn]);
    }

    #[test]
    fn writing_refuses_what_would_split_the_line() {
        let encode = |argument: &[u8]| Command::new(Verb::Retr, Some(argument)).encode();
        assert_eq!(encode(b"a"), Ok(b"RETR a\r\n".to_vec()));
        assert_eq!(encode(b"a\r\nDELE b"), Err(EncodeError::Argument { byte: 13, at: 1 }));
        assert_eq!(encode(b"ab\n"), Err(EncodeError::Argument { byte: 10, at: 2 }));
        assert_eq!(encode(b"\0"), Err(EncodeError::Argument { byte: 0, at: 0 }));
        assert_eq!(encode(b"\xff"), Ok(b"RETR \xff\xff\r\n".to_vec()));
    }

    #[test]
    fn writing_refuses_a_bad_verb() {
        for verb in [&b""[..], b"noop", b"NO OP", b"NOOP\r\n"] {
            let command = Command { verb: verb.to_vec(), as_sent: None, argument: None };
            assert_eq!(command.encode(), Err(EncodeError::Verb));
        }
    }

    #[test]
    fn path_is_found_in_the_argument() {
        assert_eq!(Command::parse(b"MFMT 20200101000000 a b").0.path(), Some(&b"a b"[..]));
        assert_eq!(Command::parse(b"USER joe").0.path(), None);
        assert_eq!(Command::parse(b"LIST -la /pub").0.path(), Some(&b"/pub"[..]));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(verb in "[A-Z][A-Z0-9]{0,7}", argument in prop::option::of(prop::collection::vec(any::<u8>(), 0..40))) {
            let command = Command { verb: verb.into_bytes(), as_sent: None, argument };
            match command.encode() {
                Ok(bytes) => {
                    let mut lines = Vec::new();
                    LineReader::new(1000).push(&bytes, &mut lines);
                    prop_assert_eq!(lines.len(), 1);
                    prop_assert_eq!(Command::parse(&lines[0].bytes).0, command);
                }
                Err(_) => prop_assert!(command.argument.unwrap().iter().any(|byte| [0, 10, 13].contains(byte))),
            }
        }

        #[test]
        fn any_bytes_are_a_command(line in prop::collection::vec(any::<u8>(), 0..60)) {
            let (command, _) = Command::parse(&line);
            let (borrowed, _) = CommandLine::parse(&line);
            prop_assert_eq!(borrowed.verb_text(), command.verb_str());
            prop_assert_eq!((borrowed.known_verb(), borrowed.argument), (command.known_verb(), command.argument.as_deref()));
            prop_assert!(command.verb.len() + command.argument.map_or(0, |a| a.len()) <= line.len());
        }
    }
}

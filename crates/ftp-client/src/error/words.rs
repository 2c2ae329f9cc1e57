//! Commands and replies as errors tell of them.

use std::fmt;

use ftp_protocol::{Command, Reply, Verb};

use crate::text::shown;

/// A command as it may be shown: without the password or account.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked(pub(crate) Command);

impl Asked {
    /// The verb, if it is a known one.
    pub fn verb(&self) -> Option<Verb> {
        self.0.known_verb()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&shown(&self.0.verb))?;
        match (self.verb(), &self.0.argument) {
            (_, None) => Ok(()),
            (Some(Verb::Pass | Verb::Acct), Some(_)) => formatter.write_str(" <hidden>"),
            (_, Some(argument)) => write!(formatter, " {}", shown(argument)),
        }
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{self}`")
    }
}

/// A reply as it may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Said(pub Box<Reply>);

impl Said {
    pub(crate) fn new(reply: Reply) -> Self {
        Self(Box::new(reply))
    }

    pub(super) fn is_transient(&self) -> bool {
        self.0.code.is_some_and(ftp_protocol::sequence::is_transient_negative)
    }

    /// Servers say 421 or 530 with words like these when a user or an address has too many sessions.
    pub(super) fn says_too_many(&self) -> bool {
        self.says_any(&["too many", "maximum number", "max number", "limit", "already logged in", "no more"])
    }

    /// What systems call a full disk and an exceeded quota, behind 426, 451 or 550.
    pub(super) fn says_full(&self) -> bool {
        self.says_any(&[
            "no space",
            "not enough space",
            "insufficient space",
            "insufficient storage",
            "disk full",
            "disk is full",
            "quota",
        ])
    }

    fn says_any(&self, words: &[&str]) -> bool {
        let text = String::from_utf8_lossy(&self.0.joined()).to_lowercase();
        words.iter().any(|words| text.contains(words))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(code) = self.0.code {
            write!(formatter, "{code:03}")?;
        }
        // The last line tells most in a refusal of several lines, the first in any other.
        let lines = self.0.lines.iter().map(|line| shown(line.trim_ascii())).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.take(4).collect();
        if lines.is_empty() { Ok(()) } else { write!(formatter, " {}", lines.join(" / ")) }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{self}`")
    }
}

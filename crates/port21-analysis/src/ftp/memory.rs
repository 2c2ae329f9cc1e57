//! What a session remembers of each command while it goes on.

use ftp_protocol::Verb;

use super::transcript::{KeptCommand, Span};
use super::transfer::Index;

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not answered yet.
    Waiting,
    /// A preliminary reply was given (1yz); another follows.
    Begun,
    /// Answered.
    Done,
}

/// A command and what came of it; or what came without one.
#[derive(Debug)]
pub struct Memory {
    /// The command's verb, if it is a known one.
    pub verb: Option<Verb>,
    /// The command.
    pub command: Option<KeptCommand>,
    /// Where it stands.
    pub progress: Progress,
    /// Replies that were kept.
    pub replies: usize,
    /// The announcement that it made.
    pub announcement: Option<Index>,
    /// The transfer that it asked for.
    pub transfer: Option<Index>,
    /// The login that it belongs to.
    pub login: Option<Index>,
}

impl Memory {
    /// Nothing came of it yet.
    pub fn new(verb: Option<Verb>, command: Option<KeptCommand>, progress: Progress) -> Self {
        Memory { verb, command, progress, replies: 0, announcement: None, transfer: None, login: None }
    }

    /// Packet of the command; 0 without one.
    pub fn packet(&self) -> u64 {
        self.command.map_or(0, |command| command.packet())
    }

    /// Stream offset behind the command; 0 without one.
    pub fn end(&self) -> u64 {
        self.command.map_or(0, |command| command.end())
    }

    /// The command's argument as sent.
    pub fn argument(&self) -> Option<Span> {
        self.command?.argument()
    }
}

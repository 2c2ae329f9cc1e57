//! What the session can be asked for, and what it answers.

use std::fmt;

use ftp_protocol::{Command, Reply, Verb};

/// Something for the session to do; one at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// After the connection is made: wait for the greeting, protect the connection, log in, and learn what the server can.
    Open(Credentials),
    /// Send these commands, each when the one before it was answered as it had to be.
    Commands(Vec<Step>),
    /// Transfer a file or a listing.
    Transfer(Transfer),
    /// Say QUIT and close.
    Quit,
}

/// Who logs in. Its debug form has no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// USER's argument.
    pub user: String,
    /// PASS's argument.
    pub password: String,
    /// ACCT's argument, for the few servers that ask for it.
    pub account: Option<String>,
}

impl Credentials {
    /// A user and a password.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into(), account: None }
    }

    /// A guest (RFC 1635), whose password is no secret.
    pub fn anonymous() -> Self {
        Self::new("anonymous", "anonymous@")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A command, and the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is sent.
    pub command: Command,
    /// What has to come back.
    pub expect: Expect,
}

impl Step {
    /// `verb` with `argument`, to be answered with `expect`.
    pub fn new(verb: Verb, argument: &[u8], expect: Expect) -> Self {
        Self { command: Command::new(verb, Some(argument)), expect }
    }
}

/// The class of reply that a command must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// 2yz: carried out.
    Completion,
    /// 3yz: the server waits for the next command.
    Intermediate,
    /// Any final reply, refusals included.
    Any,
}

/// A transfer on a data connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// RETR, STOR, APPE, STOU, LIST, NLST or MLSD with its argument.
    pub command: Command,
    /// How bytes are represented on the wire.
    pub representation: Representation,
    /// Where to begin in the server's file, in bytes (REST, RFC 3659 section 5); 0 is its beginning.
    pub offset: u64,
    /// Where to end, in bytes, itself not included (RANG, draft-bryan-ftp-range); `None` is the file's end.
    pub end: Option<u64>,
    /// How long a download's file is as a whole, in bytes, or up to `end`, if it is known. One that ends before is an error.
    pub expected: Option<u64>,
}

impl Transfer {
    /// A transfer from the beginning, of unknown length.
    pub fn new(verb: Verb, path: &[u8], representation: Representation) -> Self {
        let argument = (!path.is_empty()).then_some(path);
        Self { command: Command::new(verb, argument), representation, offset: 0, end: None, expected: None }
    }

    /// Whether data flow to the server.
    pub fn is_upload(&self) -> bool {
        self.command.known_verb().and_then(Verb::transfer_kind).is_some_and(|kind| kind.is_upload())
    }
}

/// A representation type (RFC 959 section 3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Representation {
    /// TYPE I: bytes as they are.
    #[default]
    Image,
    /// TYPE A: text, whose lines end with CR LF on the wire.
    Ascii,
}

impl Representation {
    /// The argument of TYPE.
    pub fn code(self) -> &'static str {
        match self {
            Self::Image => "I",
            Self::Ascii => "A",
        }
    }
}

/// What a request gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The user is logged in.
    Opened,
    /// The reply to the last command.
    Replied(Reply),
    /// The transfer is whole: both the data connection and the reply say so.
    Transferred {
        /// Bytes that crossed the data connection.
        bytes: u64,
        /// The closing reply.
        reply: Reply,
    },
    /// The session is over.
    Closed,
}

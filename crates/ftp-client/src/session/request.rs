//! What the session can be asked for, and what it answers.

use std::fmt;
use std::time::Duration;

use ftp_protocol::sequence::{is_completion, is_intermediate};
use ftp_protocol::{Command, Reply, Verb};

use crate::error::{Asked, Error, Said};

/// Something for the session to do; one at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// After the connection is made: wait for the greeting, protect the connection, log in, and learn what the server can.
    Open(Credentials),
    /// Send these commands, each when the one before it was answered as it had to be.
    Commands(Vec<Step>),
    /// Send these commands together, and wait for a reply to each, whatever it says. TYPE and REIN must not be among them.
    Pipeline {
        /// The commands, none with a data connection.
        commands: Vec<Command>,
        /// So long after a reply without a further one, those that came are all, and no error: whether the server reads what comes with a
        /// command is to be found out.
        patience: Option<Duration>,
    },
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
        let argument = (!argument.is_empty()).then_some(argument);
        Self { command: Command::new(verb, argument), expect }
    }

    /// Whether this final reply is what has to come back.
    pub(crate) fn judge(&self, reply: Reply) -> Result<Reply, Error> {
        let code = reply.code.unwrap_or_default();
        let as_expected = match self.expect {
            Expect::Completion => is_completion(code),
            Expect::Intermediate => is_intermediate(code),
            Expect::Any => true,
        };
        if as_expected {
            return Ok(reply);
        }
        let (command, reply) = (Asked(self.command.clone()), Said::new(reply));
        let refused = code >= 400;
        Err(if refused {
            Error::Refused { command, reply }
        } else {
            Error::UnexpectedReply { command, reply }
        })
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
    /// The replies to commands that were sent together, in their order.
    Replies(Vec<Reply>),
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

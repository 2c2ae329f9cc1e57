//! What was odd but could be coped with. Told at the end of a run, so that whoever looks after the server can mend it.

use std::fmt;
use std::net::IpAddr;

use ftp_protocol::reply::ReplyOddity;

use crate::error::{Asked, Said};

/// Most notes of one session; further ones are counted only.
const MOST: usize = 64;

/// Something that the client tolerated or did otherwise than first tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A reply was not as RFC 959 section 4.2 would have it.
    OddReply(ReplyOddity),
    /// The text of a reply is empty.
    ReplyWithoutText,
    /// A line without a code stands where a reply is due.
    LineWithoutCode(String),
    /// A reply came that nothing had asked for, or late, as that of a transfer that was cut.
    StrayReply(Said),
    /// The reply to EPSV is that of PASV, or the other way round.
    OtherPassiveReply(Said),
    /// The address in the reply to PASV is not the server's, and was ignored.
    AnnouncedAddressIgnored {
        /// What the server announced.
        announced: IpAddr,
    },
    /// The address in the reply to PASV is not the server's, and was used as asked for.
    AnnouncedAddressUsed {
        /// What the server announced.
        announced: IpAddr,
    },
    /// A command was refused, and another way was taken.
    Fallback {
        /// What was refused.
        command: Asked,
        /// How.
        reply: Said,
        /// What was done instead.
        instead: &'static str,
    },
    /// A data connection for EPSV failed, and PASV was tried.
    ExtendedPassiveFailed(String),
    /// The server has no TLS, so name, password and files crossed in clear.
    LoginInClear(Said),
    /// The data connections are not protected.
    DataInClear(Said),
    /// The data connection did not resume the control connection's TLS session, so that the server cannot tell that both ends are
    /// the same.
    TlsNotResumed,
    /// A protected download ended without close_notify; its size is right.
    NoCloseNotify,
    /// The server sent more than the size that it had told.
    LongerThanTold {
        /// What it told.
        told: u64,
        /// What came.
        received: u64,
    },
    /// The opening reply tells another size than the one known before.
    OtherSizeTold {
        /// The one known before.
        known: u64,
        /// That of the opening reply.
        told: u64,
    },
    /// Somebody else than the server connected to the data listener, and was turned away.
    StrangerTurnedAway(IpAddr),
    /// The certificate was not verified.
    CertificateNotVerified,
    /// Something that another part of the client tells.
    Other(String),
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OddReply(oddity) => write!(formatter, "a reply of the server is odd: {oddity}"),
            Self::ReplyWithoutText => formatter.write_str("the server sent a reply without text"),
            Self::LineWithoutCode(line) => {
                write!(formatter, "the server sent a line that is no reply: {line}")
            }
            Self::StrayReply(reply) => {
                write!(formatter, "the server sent a reply late or unasked, which was passed over: {reply}")
            }
            Self::OtherPassiveReply(reply) => {
                write!(formatter, "the server answered with the other passive command's reply: {reply}")
            }
            Self::AnnouncedAddressIgnored { announced } => write!(
                formatter,
                "the server announced {announced} for data, which is not its own address; the control connection's was used"
            ),
            Self::AnnouncedAddressUsed { announced } => {
                write!(formatter, "data went to {announced}, which the server announced and is not its own")
            }
            Self::Fallback { command, reply, instead } => {
                write!(formatter, "the server refused {command} ({reply}); {instead}")
            }
            Self::ExtendedPassiveFailed(reason) => {
                write!(formatter, "the data connection for EPSV failed ({reason}); PASV was tried")
            }
            Self::LoginInClear(reply) => {
                write!(
                    formatter,
                    "the server has no TLS ({reply}): password and files crossed in clear; --tls require forbids that"
                )
            }
            Self::DataInClear(reply) => {
                write!(formatter, "the server does not protect data ({reply}): files crossed in clear")
            }
            Self::TlsNotResumed => formatter
                .write_str("the server did not resume the control connection's TLS session for the data"),
            Self::NoCloseNotify => {
                formatter.write_str("the server ends data without close_notify; the size is right")
            }
            Self::LongerThanTold { told, received } => {
                write!(formatter, "the server told {told} bytes and sent {received}: the file has grown")
            }
            Self::OtherSizeTold { known, told } => {
                write!(formatter, "the server told {known} bytes before and {told} when it began to send")
            }
            Self::StrangerTurnedAway(address) => {
                write!(
                    formatter,
                    "{address} connected to the data listener, is not the server, and was turned away"
                )
            }
            Self::CertificateNotVerified => {
                formatter.write_str("the server's certificate was not verified: it may be anyone")
            }
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

/// The notes of a session, each once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    notes: Vec<Note>,
    /// Notes that were not kept because there were too many.
    pub(crate) dropped: u64,
}

impl Notes {
    pub(crate) fn add(&mut self, note: Note) {
        if self.notes.contains(&note) {
            return;
        }
        if self.notes.len() < MOST {
            self.notes.push(note)
        } else {
            self.dropped = self.dropped.saturating_add(1)
        }
    }

    pub(crate) fn all(&self) -> &[Note] {
        &self.notes
    }
}

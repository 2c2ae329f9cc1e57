//! What can go wrong, with the culprit and the place.

mod words;

use std::net::SocketAddr;
use std::time::Duration;

use ftp_protocol::Verb;
use ftp_protocol::address::AddressError;
use ftp_protocol::command::EncodeError;

pub use words::{Asked, Said};

/// Why a request was not carried out. Every variant reads as a sentence, and none shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused a command (4yz, 5yz).
    #[error("the server refused {command}: {reply}")]
    Refused {
        /// What was asked.
        command: Asked,
        /// What was answered.
        reply: Said,
    },
    /// The server refused USER, PASS or ACCT.
    #[error("the server refused the login ({command}): {reply}")]
    LoginRefused {
        /// Which of them.
        command: Asked,
        /// What was answered.
        reply: Said,
    },
    /// The server asks for an account (332), and none is known.
    #[error("the server asks for an account (ACCT): {0}")]
    AccountNeeded(Said),
    /// The server greeted with a refusal.
    #[error("the server accepts no session: {0}")]
    NotWelcome(Said),
    /// The server ends the session (421).
    #[error("the server closes the connection{}: {reply}", during(.command))]
    ServiceClosing {
        /// What it was to do just then.
        command: Option<Asked>,
        /// What it said.
        reply: Said,
    },
    /// The reply cannot answer the command, whatever it says.
    #[error("the server answered {command} with {reply}, which cannot answer it")]
    UnexpectedReply {
        /// What was asked.
        command: Asked,
        /// What was answered.
        reply: Said,
    },
    /// Whoever listens there does not speak FTP.
    #[error("the server does not speak FTP; it said: {0}")]
    NotFtp(String),
    /// A line or a reply does not end.
    #[error("the server's reply does not end: {0} bytes so far")]
    EndlessReply(u64),
    /// The server sent more replies than it was asked for, again and again.
    #[error("the server sent {0} replies that nothing had asked for")]
    TooManyStrayReplies(u32),
    /// TLS is required, and the server refused AUTH TLS or PROT P.
    #[error("the server refused to protect the session ({command}): {reply}")]
    TlsRefused {
        /// AUTH or PROT.
        command: Asked,
        /// What was answered.
        reply: Said,
    },
    /// The server, or somebody between, sent bytes in clear behind the reply to AUTH TLS. Were they taken for bytes of the protected
    /// connection, anyone on the path could put words into the server's mouth (CVE-2021-22947).
    #[error(
        "{0} bytes in clear came behind the server's consent to TLS: the server or somebody on the path injects replies"
    )]
    PlaintextBehindTls(usize),
    /// The control connection's TLS handshake failed.
    #[error("TLS could not be started: {0}")]
    TlsFailed(String),
    /// The server's reply to PASV or EPSV holds no address.
    #[error("the server's answer to {command} names no data address ({reason}): {reply}")]
    NoDataAddress {
        /// PASV or EPSV.
        command: Asked,
        /// What was answered.
        reply: Said,
        /// What is wrong with it.
        reason: AddressError,
    },
    /// The data connection could not be opened.
    #[error("the data connection to {place} could not be opened: {reason}")]
    DataNotConnected {
        /// Where to.
        place: String,
        /// Why not.
        reason: String,
    },
    /// The server did not open the data connection that it was asked to open.
    #[error(
        "the server opened no data connection to {place}: {reason}; a firewall or address translation may forbid it, --passive helps"
    )]
    DataNotOpened {
        /// Where it was awaited.
        place: String,
        /// What came instead.
        reason: String,
    },
    /// The data connection's TLS handshake failed.
    #[error("TLS could not be started on the data connection: {0}")]
    DataTlsFailed(String),
    /// The data connection broke.
    #[error("the data connection broke after {bytes} bytes: {reason}")]
    DataBroken {
        /// Bytes that had crossed.
        bytes: u64,
        /// How.
        reason: String,
    },
    /// The transfer had begun, and the server says that it failed.
    #[error("the server ended {command} after {bytes} bytes: {reply}")]
    TransferFailed {
        /// What was asked.
        command: Asked,
        /// Bytes that had crossed.
        bytes: u64,
        /// The closing reply.
        reply: Said,
    },
    /// The server says that the transfer is complete, yet opened no data connection, or left it open without a byte.
    #[error(
        "the server says that {command} is complete ({reply}), but the data connection did not end; {bytes} bytes came"
    )]
    CompleteWithoutData {
        /// What was asked.
        command: Asked,
        /// The closing reply.
        reply: Said,
        /// Bytes that had crossed.
        bytes: u64,
    },
    /// The data connection ended, but the server never said that the transfer is complete.
    #[error(
        "the data of {command} ended after {bytes} bytes, but the server did not confirm that they are whole: {reason}"
    )]
    NotConfirmed {
        /// What was asked.
        command: Asked,
        /// Bytes that had crossed.
        bytes: u64,
        /// What came instead.
        reason: String,
    },
    /// The file is longer than what came.
    #[error("the file has {expected} bytes, but the server sent only {received} and calls that complete")]
    Short {
        /// Bytes of the whole file.
        expected: u64,
        /// Bytes that are there, with those before the offset.
        received: u64,
    },
    /// The whole file was transferred, and is not the same on both sides.
    #[error("the checksums differ: {algorithm} is {here} here, and {there} on the server")]
    ChecksumDiffers {
        /// How both were computed.
        algorithm: &'static str,
        /// The digits here.
        here: String,
        /// The server's digits.
        there: String,
    },
    /// The protected data connection ended without TLS's close_notify, so that anyone on the path may have cut it.
    #[error(
        "the protected data connection ended after {0} bytes without close_notify: the server or somebody on the path cut it"
    )]
    Truncated(u64),
    /// Nothing moved for too long.
    #[error("nothing moved on the data connection for {} s, after {bytes} bytes", .waited.as_secs())]
    Stalled {
        /// How long.
        waited: Duration,
        /// Bytes that had crossed.
        bytes: u64,
    },
    /// No reply came in time.
    #[error("the server did not answer{} within {} s", during(.command), .waited.as_secs())]
    NoReply {
        /// What was asked; `None` is the greeting.
        command: Option<Asked>,
        /// How long was waited.
        waited: Duration,
    },
    /// The control connection ended.
    #[error("the server closed the control connection{}{}", during(.command), because(.reason))]
    ConnectionClosed {
        /// What was asked last.
        command: Option<Asked>,
        /// How it broke, if it did.
        reason: Option<String>,
    },
    /// The host's name has no address.
    #[error("no address is known for {host}: {reason}")]
    NotResolved {
        /// The name.
        host: String,
        /// Why.
        reason: String,
    },
    /// No address of the host could be connected to.
    #[error("could not connect to {place}: {reason}")]
    NotConnected {
        /// The host and the port.
        place: String,
        /// Why the last address failed.
        reason: String,
    },
    /// The proxy refused or failed.
    #[error("the proxy {proxy} did not connect to {place}: {reason}")]
    Proxy {
        /// The proxy.
        proxy: String,
        /// Where to.
        place: String,
        /// What it said.
        reason: String,
    },
    /// No session came to be, for a reason that may end any session.
    #[error(transparent)]
    NotOpened(Box<Error>),
    /// A name or other argument cannot be sent: CR, LF and NUL would end or split the command.
    #[error("{command} cannot be sent: {reason}")]
    Argument {
        /// The command.
        command: Asked,
        /// Why.
        reason: EncodeError,
    },
    /// The arguments contradict each other, or what they ask for cannot be done.
    #[error("{0}")]
    Settings(String),
    /// The listing is longer than the limit.
    #[error("the listing is longer than {0} bytes, and is given up")]
    EndlessListing(usize),
    /// What a reply should tell cannot be read in it.
    #[error("the server's answer to {command} cannot be understood: {reply}")]
    NotUnderstood {
        /// What was asked.
        command: Asked,
        /// What was answered.
        reply: Said,
    },
    /// What is local, a source to upload or a place for a download, failed.
    #[error("{}", local(.0))]
    Local(std::io::Error),
    /// The caller ended it.
    #[error("ended on request")]
    Cancelled,
}

/// What the system says needs to be told whose files it speaks of; what the program says tells that itself.
fn local(error: &std::io::Error) -> String {
    match error.get_ref() {
        Some(said) => said.to_string(),
        None => format!("it cannot be read or written here: {error}"),
    }
}

impl Error {
    /// Whether the control connection is of no use any more.
    pub fn ends_session(&self) -> bool {
        matches!(
            self,
            Self::LoginRefused { .. }
                | Self::AccountNeeded(_)
                | Self::NotWelcome(_)
                | Self::ServiceClosing { .. }
                | Self::NotFtp(_)
                | Self::EndlessReply(_)
                | Self::TooManyStrayReplies(_)
                | Self::TlsRefused { .. }
                | Self::PlaintextBehindTls(_)
                | Self::TlsFailed(_)
                | Self::Stalled { .. }
                | Self::NoReply { .. }
                | Self::ConnectionClosed { .. }
                | Self::CompleteWithoutData { .. }
                | Self::UnexpectedReply { .. }
                | Self::NotOpened(_)
        ) || matches!(self, Self::NotConfirmed { .. })
    }

    /// Whether the session never came to be: no connection, no TLS, no login.
    pub fn is_before_login(&self) -> bool {
        matches!(
            self,
            Self::LoginRefused { .. }
                | Self::AccountNeeded(_)
                | Self::NotWelcome(_)
                | Self::NotFtp(_)
                | Self::PlaintextBehindTls(_)
                | Self::TlsFailed(_)
                | Self::TlsRefused { .. }
                | Self::NotResolved { .. }
                | Self::NotConnected { .. }
                | Self::Proxy { .. }
                | Self::NotOpened(_)
        )
    }

    /// The same error of a session that never came to be.
    pub(crate) fn before_login(self) -> Self {
        if self.is_before_login()
            || matches!(self, Self::Settings(_) | Self::Argument { .. } | Self::Cancelled)
        {
            return self;
        }
        Self::NotOpened(Box::new(self))
    }

    /// Whether the same may succeed later: the network failed, or the server said so (4yz).
    pub fn is_transient(&self) -> bool {
        match self {
            _ if self.is_reuse_of_tls_refused() => true,
            Self::Refused { reply, .. } | Self::TransferFailed { reply, .. } => reply.is_transient(),
            Self::LoginRefused { reply, .. } | Self::NotWelcome(reply) => {
                reply.is_transient() || reply.says_too_many()
            }
            Self::DataNotConnected { .. }
            | Self::DataTlsFailed(_)
            | Self::DataBroken { .. }
            | Self::NotConfirmed { .. }
            | Self::Short { .. }
            | Self::Truncated(_)
            | Self::Stalled { .. }
            | Self::NoReply { .. }
            | Self::ServiceClosing { .. }
            | Self::ConnectionClosed { .. }
            | Self::NotConnected { .. } => true,
            Self::NotOpened(reason) => reason.is_transient(),
            _ => false,
        }
    }

    /// Whether the server may have refused a data connection because its TLS session is not the control connection's (522 of vsftpd,
    /// 425 of others): a new session can resume again.
    pub fn is_reuse_of_tls_refused(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::TransferFailed { bytes: 0..100_000, .. })
            && matches!(self.code(), Some(425 | 522))
    }

    /// Whether the server means that there are too many sessions: fewer at a time may do.
    pub fn is_too_many_sessions(&self) -> bool {
        match self {
            Self::LoginRefused { reply, .. } | Self::NotWelcome(reply) => {
                reply.0.code == Some(421) || reply.says_too_many()
            }
            Self::ServiceClosing { reply, .. } => reply.says_too_many(),
            Self::NotOpened(reason) => reason.is_too_many_sessions(),
            _ => false,
        }
    }

    /// Whether a file was not renamed, perhaps because there is one of that name. A server that does not understand RNTO would not be
    /// helped by the other one's removal.
    pub(crate) fn may_mean_taken(&self) -> bool {
        matches!(self, Self::Refused { command, .. } if command.verb() == Some(Verb::Rnto))
            && !self.is_not_implemented()
    }

    /// Whether the server has no room for what is sent: its disk is full, or a quota is used up. RFC 959 section 4.2.2 has 452 and 552
    /// for it; servers that use other codes say so in words.
    pub fn is_out_of_space(&self) -> bool {
        let (Self::Refused { reply, .. } | Self::TransferFailed { reply, .. }) = self else { return false };
        matches!(reply.0.code, Some(452 | 552)) || reply.says_full()
    }

    /// The code of the server's reply, where the server said no.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused { reply, .. }
            | Self::LoginRefused { reply, .. }
            | Self::TransferFailed { reply, .. }
            | Self::NotWelcome(reply)
            | Self::AccountNeeded(reply)
            | Self::ServiceClosing { reply, .. }
            | Self::TlsRefused { reply, .. }
            | Self::UnexpectedReply { reply, .. } => reply.0.code,
            Self::NotOpened(reason) => reason.code(),
            _ => None,
        }
    }

    /// Whether the server does not have the command (500, 502) or not with this argument (501, 504).
    pub fn is_not_implemented(&self) -> bool {
        matches!(self, Self::Refused { .. }) && matches!(self.code(), Some(500..=502 | 504))
    }
}

/// What a stream of this crate failed with is given back as it was; any other failure is the local side's.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(error) => Self::Local(error),
        }
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

fn during(command: &Option<Asked>) -> String {
    command.as_ref().map(|command| format!(" ({command})")).unwrap_or_default()
}

fn because(reason: &Option<String>) -> String {
    reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default()
}

/// `address`, or the server's own where it announced none.
pub(crate) fn place(address: Option<std::net::IpAddr>, port: u16) -> String {
    match address {
        Some(address) => SocketAddr::new(address, port).to_string(),
        None => format!("port {port} of the server"),
    }
}

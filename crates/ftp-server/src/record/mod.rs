//! What a server tells those who run it.
//!
//! Takes what happens in sessions, gives [`Record`]s to an [`Observer`]. How they are written (JSON, xferlog, counters for
//! Prometheus) are pure functions of a record; writing them somewhere is the program's matter.
//!
//! ```text
//!  driver ── Record ──▶ Observer ──┬──▶ json     one object a line
//!                                  ├──▶ xferlog  one line a transfer
//!                                  └──▶ Counters text for Prometheus
//! ```

mod counters;
mod json;
mod xferlog;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::session::Closing;
pub use counters::Counters;
pub use json::json;
pub use xferlog::xferlog;

/// Something that happened, and to whom.
#[derive(Debug, Clone)]
pub struct Record {
    /// When.
    pub time: SystemTime,
    /// Number of the session, from 1 since the server's start; `None` of what belongs to none.
    pub session: Option<u64>,
    /// The client, or who connected.
    pub client: Option<SocketAddr>,
    /// The account that is logged in.
    pub user: Option<Arc<str>>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum What {
    /// A control connection was taken.
    Connected {
        /// The server's end of it, as the client sees it.
        server: SocketAddr,
        /// The proxy that it came through.
        proxy: Option<SocketAddr>,
        /// TLS comes first (implicit TLS).
        implicit_tls: bool,
    },
    /// A control connection was closed at once.
    Refused(RefusedConnection),
    /// A connection to a data port was closed: it is not the client's.
    Stranger {
        /// Who connected.
        stranger: SocketAddr,
        /// The server's end of it.
        server: SocketAddr,
    },
    /// TLS protects the control connection.
    Protected {
        /// `TLSv1_3` or `TLSv1_2`.
        version: String,
        /// Name of the cipher suite.
        cipher_suite: String,
    },
    /// The TLS handshake of the control connection failed.
    NotProtected {
        /// Why.
        reason: String,
    },
    /// Somebody has logged in.
    LoggedIn {
        /// As a guest (RFC 1635).
        guest: bool,
    },
    /// A login was refused.
    LoginRefused {
        /// The argument of USER.
        name: String,
        /// Why.
        reason: crate::account::Refusal,
    },
    /// A line of the control connection, without its line end. Only for observers that ask for them.
    Line {
        /// Whether the client sent it.
        from_client: bool,
        /// The line, without a password.
        text: String,
    },
    /// A transfer has ended.
    Transferred(TransferRecord),
    /// The command that is run after an upload failed.
    HookFailed {
        /// Why.
        reason: String,
    },
    /// The control connection is closed.
    Disconnected {
        /// How it ended.
        reason: Ending,
        /// How long it was there.
        duration: Duration,
        /// Bytes of the store sent in transfers.
        downloaded: u64,
        /// Bytes of the store received in transfers.
        uploaded: u64,
    },
    /// A name that the server has to resolve could not be, or a certificate could not be read; what was known before stays in use.
    Degraded {
        /// What happened.
        reason: String,
    },
}

/// Why a control connection was closed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RefusedConnection {
    /// Its address is not among those that may connect.
    #[error("the address may not connect")]
    Access,
    /// The address connects too often.
    #[error("the address connects too often")]
    TooOften,
    /// The address failed to log in too often.
    #[error("the address failed to log in too often")]
    Banned,
    /// There are as many connections as may be.
    #[error("{0}")]
    Full(#[from] crate::limit::Full),
    /// A proxy did not say whom it speaks for.
    #[error("the proxy's header is missing or wrong")]
    Proxy,
    /// No ticket keys could be made.
    #[error("TLS is not available")]
    TlsUnavailable,
}

/// How a control connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Ending {
    /// The session closed it.
    #[error("{0}")]
    Closed(#[from] Closing),
    /// The client closed it, or it broke, in the middle of something.
    #[error("the connection broke")]
    Broken,
    /// The client did not read what was sent.
    #[error("the client did not read its replies")]
    NotRead,
    /// The server was stopped, and the time to end was over.
    #[error("the server was stopped")]
    Stopped,
}

/// A transfer, as logs tell it.
#[derive(Debug, Clone)]
pub struct TransferRecord {
    /// Its number in the session, from 0.
    pub number: u64,
    /// What was transferred.
    pub kind: TransferKind,
    /// The path beneath the account's root, in bytes as the store has it.
    pub path: Vec<u8>,
    /// Bytes of the file or listing.
    pub bytes: u64,
    /// Payload bytes of the data connection within TLS, if there was TLS; differs from `bytes` in TYPE A and MODE Z.
    pub wire_bytes: u64,
    /// Where in the file it began.
    pub offset: u64,
    /// From the command to the end.
    pub duration: Duration,
    /// TYPE A.
    pub ascii: bool,
    /// MODE Z.
    pub deflate: bool,
    /// Protected by TLS.
    pub protected: bool,
    /// Whether TLS resumed the control connection's session.
    pub resumed: bool,
    /// Both ends of the data connection, the server's first, if there was one.
    pub data: Option<(SocketAddr, SocketAddr)>,
    /// Whether the client connected (PASV, EPSV).
    pub passive: bool,
    /// A guest's (RFC 1635).
    pub guest: bool,
    /// Why it is not whole.
    pub error: Option<String>,
}

/// What was transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// A file to the client.
    Download,
    /// A file from the client.
    Upload,
    /// A listing.
    Listing,
}

impl TransferKind {
    /// Its name in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Upload => "upload",
            Self::Listing => "listing",
        }
    }
}

/// Whoever wants to know. Called on the server's threads: it must be quick and must not wait.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, record: &Record);
    /// Whether it wants each line of each dialogue.
    fn wants_lines(&self) -> bool {
        false
    }
}

/// Wants nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Record) {}
}

impl Ending {
    /// Whether the client ended the connection, so that its end came first.
    pub fn is_of_the_client(self) -> bool {
        matches!(self, Self::Broken | Self::Closed(Closing::ClosedByClient))
    }
}

impl Record {
    /// The client's address.
    pub fn address(&self) -> Option<IpAddr> {
        self.client.map(|client| client.ip())
    }
}

#[cfg(test)]
mod test_records {
    use super::*;

    pub(super) fn download(path: &[u8]) -> (Record, TransferRecord) {
        let transfer = TransferRecord {
            number: 0,
            kind: TransferKind::Download,
            path: path.to_vec(),
            bytes: 1000,
            wire_bytes: 1000,
            offset: 0,
            duration: Duration::from_millis(2500),
            ascii: false,
            deflate: false,
            protected: true,
            resumed: true,
            data: Some(("192.0.2.1:50000".parse().unwrap(), "192.0.2.9:40001".parse().unwrap())),
            passive: true,
            guest: false,
            error: None,
        };
        (record(What::Transferred(transfer.clone())), transfer)
    }

    pub(super) fn record(what: What) -> Record {
        Record {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
            session: Some(7),
            client: Some("192.0.2.9:40000".parse().unwrap()),
            user: Some("anna".into()),
            what,
        }
    }
}

//! What the driver tells the session.

use std::net::SocketAddr;
use std::time::Duration;

use super::action::{Answered, TransferId};
use crate::account::{Login, Refusal};
use crate::store::{Metadata, StoreError, VirtualPath};

/// What became of an action, or of the connection.
pub enum Event {
    /// TLS protects the control connection from here on.
    TlsStarted,
    /// The handshake failed; nothing more can be read or sent.
    TlsFailed,
    /// Who this is, or why he is refused.
    Authenticated(Result<Login, Refusal>),
    /// An operation in the store has ended.
    Done(Done),
    /// The address that the client is to be told, or `None` if no port is free.
    Listening(Option<SocketAddr>),
    /// What is to be transferred is open.
    TransferPrepared {
        /// Which one.
        id: TransferId,
        /// Of a download: what is known of the file.
        metadata: Option<Metadata>,
        /// Of an upload: the path that it gets.
        path: Option<VirtualPath>,
    },
    /// How far a transfer is, for STAT; sent from time to time.
    TransferProgress {
        /// Which one.
        id: TransferId,
        /// Bytes of the store that crossed so far.
        bytes: u64,
    },
    /// A transfer has ended, its data connection is closed, and an upload is where it belongs.
    TransferEnded {
        /// Which one.
        id: TransferId,
        /// How.
        result: Result<Transferred, TransferError>,
    },
    /// The client has closed its half of the control connection, or the connection is broken.
    Closed,
    /// The server is being stopped: transfers under way may end within this time, then 421.
    Stopping(Duration),
}

/// What an operation in the store gave.
pub type Done = Result<Answered, StoreError>;

/// A transfer that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transferred {
    /// Bytes of the store that crossed.
    pub bytes: u64,
    /// From the data connection's opening to its close.
    pub duration: Duration,
}

/// Why a transfer is not whole.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The store could not; before or during the transfer.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The data connection could not be opened: refused, or nobody came in time.
    #[error("the data connection could not be opened")]
    NotOpened,
    /// A port of this address must not be connected to, or somebody else than the client connected.
    #[error("the data connection is not the client's")]
    NotThePeer,
    /// The data connection's TLS handshake failed.
    #[error("the TLS handshake of the data connection failed")]
    TlsFailed,
    /// The data connection's TLS session is not the control connection's, and must be.
    #[error("the TLS session of the control connection was not resumed")]
    TlsNotResumed,
    /// The upload's data connection ended without TLS's close_notify: it may be cut.
    #[error("the upload ended without close_notify")]
    Truncated,
    /// The data connection broke.
    #[error("the data connection broke")]
    Broken,
    /// Compressed bytes (MODE Z) are wrong.
    #[error("the compressed bytes are damaged")]
    BadCompression,
    /// Nothing moved for too long.
    #[error("nothing moved for too long")]
    Stalled,
    /// It moved, but slower than the server's least rate.
    #[error("it went slower than transfers have to")]
    TooSlow,
    /// [`Action::AbortTransfer`](super::Action::AbortTransfer), or the control connection is gone.
    #[error("the transfer was ended by the client")]
    Aborted,
}

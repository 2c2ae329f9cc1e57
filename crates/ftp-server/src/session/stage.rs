//! What a session is doing, who the client is, and what is protected.

use std::time::Instant;

use super::TransferId;
use super::command::Purpose;
use crate::account::{Login, Secret};
use crate::store::VirtualPath;

/// What is awaited before the next command is read.
///
/// ```text
///            implicit TLS                                  AUTH
///  opened ───────────────▶ Handshake ──TlsStarted──▶ Ready ─────▶ Handshake
///     └──────── greeting 220 ────────────────────────▲ │
///                                                    │ ├─ PASS ──▶ Authenticating ──refused──▶ Delaying ─┐ 530
///                                                    │ │                 └─ 230 ─▶ Ready ◀───────────────┘
///                                                    │ ├─ PASV, EPSV ─────────▶ Listening ──227, 229─────▶ Ready
///                                                    │ ├─ SIZE, CWD, DELE … ──▶ Operating ──2yz, 5yz─────▶ Ready
///                                                    │ └─ RETR, STOR, LIST … ─▶ Transferring ─150…226────▶ Ready
///  QUIT, 421, TLS failed, client gone ─▶ Ended       └──────────────────────────────┘
/// ```
#[derive(Debug)]
pub(super) enum Stage {
    /// The next command.
    Ready,
    /// The TLS handshake; then the greeting, if it has not been sent.
    Handshake {
        /// The greeting follows (implicit TLS).
        greet: bool,
    },
    /// The accounts' answer to PASS.
    Authenticating,
    /// A moment, before a failed login is answered (RFC 2577 section 5).
    Delaying {
        /// When the reply goes out.
        until: Instant,
        /// Whether the connection is closed then.
        close: bool,
        /// Text of the 530 reply.
        text: &'static str,
    },
    /// The store's answer.
    Operating(Purpose),
    /// A port to listen on.
    Listening(Passive),
    /// A transfer's end.
    Transferring(Running),
    /// Nothing any more: the connection is closed.
    Ended,
}

/// Which command asked for a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passive {
    /// PASV: the reply names address and port.
    Pasv,
    /// EPSV: the reply names the port.
    Epsv,
}

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: TransferId,
    /// The command that began it.
    pub(super) verb: ftp_protocol::Verb,
    /// Of an upload: its path, that of the store once that has chosen one.
    pub(super) path: Option<VirtualPath>,
    /// Of a download: which part of the file.
    pub(super) part: super::parameters::Part,
    /// The preliminary reply was sent.
    pub(super) opened: bool,
    /// It was told to end.
    pub(super) aborting: bool,
    /// Bytes that have crossed, as far as the driver told.
    pub(super) bytes: u64,
}

/// Who the client is (RFC 959 section 6, the login diagram).
///
/// ```text
///  Nobody ──USER 331──▶ Named ──PASS 230──▶ Known ──REIN 220──▶ Nobody
///    ▲                    │                   └─────USER 331──▶ Named
///    └──────PASS 530──────┘
/// ```
pub(super) enum Identity {
    /// Not logged in.
    Nobody,
    /// USER was sent, PASS is awaited.
    Named(Vec<u8>),
    /// Logged in.
    Known(Box<Account>),
}

/// A login, and what the session keeps for it.
pub(super) struct Account {
    pub(super) login: Login,
    /// The working directory (CWD).
    pub(super) directory: VirtualPath,
    /// What RNFR named, until the next command.
    pub(super) rename_from: Option<VirtualPath>,
    /// What SITE UMASK set.
    pub(super) umask: Option<u32>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => formatter.write_str("Nobody"),
            Self::Named(user) => {
                formatter.debug_tuple("Named").field(&String::from_utf8_lossy(user)).finish()
            }
            Self::Known(account) => formatter.debug_tuple("Known").field(&account.login.name).finish(),
        }
    }
}

/// What protects the control connection (RFC 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// Nothing.
    Clear,
    /// TLS since AUTH.
    Explicit,
    /// TLS since the connection's opening.
    Implicit,
    /// Nothing since CCC; the login was protected.
    Cleared,
}

/// What protects both kinds of connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Protection {
    pub(super) control: Control,
    /// PBSZ was sent, so PROT may be (RFC 4217 section 8).
    pub(super) buffer_size_named: bool,
    /// PROT P.
    pub(super) data: bool,
}

impl Protection {
    /// Nothing is protected.
    pub(super) const CLEAR: Self = Self { control: Control::Clear, buffer_size_named: false, data: false };

    /// TLS runs on the control connection just now.
    pub(super) fn is_on(self) -> bool {
        matches!(self.control, Control::Explicit | Control::Implicit)
    }
}

/// A password that is being checked leaves no copy in the session.
pub(super) fn secret(argument: &[u8]) -> Secret {
    Secret(argument.to_vec())
}

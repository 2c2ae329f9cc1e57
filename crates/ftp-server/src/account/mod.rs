//! Who may log in, and what he may do then.
//!
//! Takes a user's name and password, gives a [`Login`] or why not. Verifying a password is slow on purpose: the driver runs
//! it on a bounded number of threads.

mod amount;
#[cfg(target_os = "linux")]
pub mod configured;
pub mod password;
mod permission;

use std::net::IpAddr;
use std::sync::Arc;

pub use amount::{Amount, BadAmount};
pub use permission::{NAMES as RIGHT_NAMES, Permissions, Right};

use crate::store::{Store, VirtualPath};

/// A try to log in.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Argument of USER.
    pub user: Vec<u8>,
    /// Argument of PASS; never printed.
    pub password: Secret,
    /// Argument of HOST (RFC 7151), if the client named one.
    pub host: Option<Vec<u8>>,
    /// The client's address; behind a named proxy the one that the proxy told.
    pub peer: IpAddr,
    /// Whether the control connection is protected by TLS.
    pub protected: bool,
}

/// Bytes that no debug output shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("<hidden>")
    }
}

/// Bytes a second; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// From the server to the client.
    pub download: Option<u64>,
    /// From the client to the server.
    pub upload: Option<u64>,
}

/// An account that is logged in.
#[derive(Clone)]
pub struct Login {
    /// The account's name, for logs and limits.
    pub name: String,
    /// Whether it is a guest's (RFC 1635).
    pub guest: bool,
    /// Its files, with its quota.
    pub store: Arc<dyn Store>,
    /// The directory in which it begins.
    pub home: VirtualPath,
    /// What it may do where.
    pub permissions: Permissions,
    /// Its own limits of bandwidth, over all its sessions.
    pub rates: Rates,
    /// How many sessions it may have at once; `None` is no limit.
    pub maximum_sessions: Option<usize>,
    /// Whether data connections to and from other hosts than the client are granted (server to server, RFC 2577).
    pub may_use_other_hosts: bool,
    /// Lines of welcome for the reply to PASS.
    pub welcome: Vec<String>,
}

/// Why a login is refused. The client is told the same of the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No such account, or another password.
    #[error("unknown user or wrong password")]
    BadCredentials,
    /// The account is locked, expired or not for this address.
    #[error("the account may not be used")]
    NotAllowed,
    /// Too many failures: the client has to wait.
    #[error("too many failed logins")]
    Banned,
    /// The account, the address or the server has as many sessions as it may.
    #[error("too many sessions")]
    TooManySessions,
    /// The account is only for connections with TLS.
    #[error("TLS is required")]
    TlsRequired,
    /// The accounts could not be read; the reason is in the log.
    #[error("accounts are not available")]
    Unavailable,
}

/// The accounts of a server.
pub trait Accounts: Send + Sync {
    /// Says who this is. Takes as long for an unknown user as for a wrong password.
    fn authenticate(&self, attempt: &Attempt) -> Result<Login, Refusal>;
}

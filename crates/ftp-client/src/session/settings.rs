//! What a session is told at its beginning.

use std::time::Duration;

/// Whether TLS protects the connections (RFC 4217).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Security {
    /// Never.
    Off,
    /// By AUTH TLS if the server has it, otherwise in clear, with a note. Whoever sits on the path can forbid it.
    #[default]
    Prefer,
    /// By AUTH TLS; a server that refuses it, or refuses to protect data, is an error.
    Require,
    /// From the first byte on (port 990).
    Implicit,
}

/// Who opens the data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DataMode {
    /// The client does: EPSV, or PASV where that is refused (RFC 2428 section 4).
    #[default]
    Passive,
    /// The server does: EPRT, or PORT where that is refused.
    Active,
}

/// How long the session waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection or a TLS handshake.
    pub connect: Duration,
    /// For the reply to a command.
    pub reply: Duration,
    /// For the next byte of a transfer.
    pub stall: Duration,
    /// For the closing reply once a transfer's data have ended: a server may check or copy a large file first.
    pub closing: Duration,
    /// How long the control connection may be idle before a NOOP; zero is for ever.
    pub keep_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            reply: Duration::from_secs(60),
            stall: Duration::from_secs(60),
            closing: Duration::from_secs(300),
            keep_alive: Duration::from_secs(45),
        }
    }
}

/// What a session is told at its beginning.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether TLS protects the connections.
    pub security: Security,
    /// Who opens the data connections.
    pub data: DataMode,
    /// How long the session waits.
    pub timeouts: Timeouts,
    /// The control connection is an IPv6 one: PASV and PORT cannot be used (RFC 2428 section 1).
    pub ipv6: bool,
    /// PASV and PORT are used at once, where IPv4 allows: for middleboxes that do not know EPSV and EPRT (RFC 2428).
    pub without_extended: bool,
    /// The address in a reply to PASV is used. Otherwise, as RFC 2577 section 3 would have it, data connections go to the control
    /// connection's peer, so that a server cannot send the client to a third host.
    pub use_announced_address: bool,
    /// The control connection's peer, to tell whether another address was announced.
    pub peer: Option<std::net::IpAddr>,
    /// A protected download that ends without close_notify counts as whole when the server's closing reply says so. Otherwise only
    /// when its size is known and right.
    pub accept_missing_close_notify: bool,
}

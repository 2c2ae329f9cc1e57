//! What a server allows and how long it waits: one value, shared by all its sessions.

use std::time::Duration;

/// What the sessions of a server do and refuse. The default is a server without TLS that offers every command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Lines of the 220 greeting. CR, LF and NUL in them are sent as `?`.
    pub greeting: Vec<String>,
    /// What the program calls itself in STAT and CSID.
    pub software: String,
    /// AUTH is offered (RFC 4217); the driver has a certificate.
    pub offer_tls: bool,
    /// USER is refused until TLS protects the control connection.
    pub require_tls: bool,
    /// Transfers are refused until PROT P protects data connections (RFC 4217 section 9).
    pub require_protected_data: bool,
    /// CCC may end the protection of the control connection (RFC 4217 section 6).
    pub allow_clear_command_channel: bool,
    /// Names that HOST takes (RFC 7151), in any case; empty takes every name.
    pub hosts: Vec<String>,
    /// PASV and EPSV are offered.
    pub offer_passive: bool,
    /// PORT and EPRT are offered.
    pub offer_active: bool,
    /// Without PORT, PASV or their kin, data goes to the client's own port of the control connection (RFC 959 section
    /// 3.2), in place of a reply that asks for PASV.
    pub use_default_data_port: bool,
    /// Lowest port that PORT and EPRT may name (RFC 2577 section 3).
    pub lowest_active_port: u16,
    /// MODE Z is offered (draft-preston-ftpext-deflate).
    pub offer_deflate: bool,
    /// HASH and the X commands that hash are offered.
    pub offer_hashes: bool,
    /// Most bytes that one command may hash; they are read while the client waits.
    pub longest_hashed: u64,
    /// COMB is offered.
    pub offer_combine: bool,
    /// Largest file whose SIZE is told in TYPE A: it is read and converted for that (RFC 3659 section 4).
    pub longest_ascii_size: u64,
    /// From the connection's opening until a login succeeds, idle or not.
    pub login_deadline: Duration,
    /// From the last command or the end of a transfer until 421.
    pub idle_timeout: Duration,
    /// The longest that SITE IDLE may set.
    pub longest_idle_timeout: Duration,
    /// Failed logins after which the connection is closed; at least 1.
    pub failed_logins: u32,
    /// The reply to the first failed login waits for this long, to each further one twice as long.
    pub failure_delay: Duration,
    /// No reply to a failed login waits longer.
    pub longest_failure_delay: Duration,
    /// Unknown commands before a login after which the connection is closed; at least 1.
    pub unknown_commands: u32,
    /// Lines longer than [`LONGEST_LINE`](super::LONGEST_LINE) after which the connection is closed; at least 1.
    pub overlong_lines: u32,
    /// Ports for data connections that may be asked for in a row (PASV, EPSV) without a transfer command; one more closes the
    /// connection. At least 1.
    pub unused_ports: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            greeting: vec!["FTP server ready.".to_owned()],
            software: "port21".to_owned(),
            offer_tls: false,
            require_tls: false,
            require_protected_data: false,
            allow_clear_command_channel: false,
            hosts: Vec::new(),
            offer_passive: true,
            offer_active: true,
            use_default_data_port: false,
            lowest_active_port: 1024,
            offer_deflate: true,
            offer_hashes: true,
            longest_hashed: 16 << 30,
            offer_combine: true,
            longest_ascii_size: 16 << 20,
            login_deadline: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            longest_idle_timeout: Duration::from_secs(7200),
            failed_logins: 3,
            failure_delay: Duration::from_secs(1),
            longest_failure_delay: Duration::from_secs(10),
            unknown_commands: 3,
            overlong_lines: 3,
            unused_ports: 100,
        }
    }
}

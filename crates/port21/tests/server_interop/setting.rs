//! How a client is told to talk: protection, way to the data connection, family of addresses.

use std::fmt;

/// What protects control and data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protection {
    /// Nothing.
    Clear,
    /// AUTH TLS, TLS 1.2 at most.
    Explicit12,
    /// AUTH TLS, TLS 1.3 at least.
    Explicit13,
    /// TLS from the first byte on.
    Implicit,
}

/// How the data connection is agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Pasv,
    Epsv,
    Port,
    Eprt,
}

/// One way to talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    pub protection: Protection,
    pub mode: Mode,
    pub ipv6: bool,
}

impl Protection {
    pub const ALL: [Self; 4] = [Self::Clear, Self::Explicit12, Self::Explicit13, Self::Implicit];

    pub fn is_explicit(self) -> bool {
        matches!(self, Self::Explicit12 | Self::Explicit13)
    }
}

impl Mode {
    pub const ALL: [Self; 4] = [Self::Pasv, Self::Epsv, Self::Port, Self::Eprt];

    pub fn is_active(self) -> bool {
        matches!(self, Self::Port | Self::Eprt)
    }

    /// RFC 2428: what IPv6 needs.
    pub fn is_extended(self) -> bool {
        matches!(self, Self::Epsv | Self::Eprt)
    }
}

impl Setting {
    /// All that there are: PASV and PORT cannot name an IPv6 address (RFC 959 section 5.3.2).
    pub fn all() -> impl Iterator<Item = Self> {
        Protection::ALL.into_iter().flat_map(|protection| {
            Mode::ALL.into_iter().flat_map(move |mode| {
                [false, true].into_iter().filter_map(move |ipv6| {
                    (!ipv6 || mode.is_extended()).then_some(Self { protection, mode, ipv6 })
                })
            })
        })
    }

    /// Whether it stands for its protection where once is enough.
    pub fn is_plainest_of_its_protection(self) -> bool {
        !self.ipv6 && matches!(self.mode, Mode::Pasv)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protection = match self.protection {
            Protection::Clear => "clear",
            Protection::Explicit12 => "TLS 1.2",
            Protection::Explicit13 => "TLS 1.3",
            Protection::Implicit => "implicit",
        };
        let family = if self.ipv6 { "IPv6" } else { "IPv4" };
        write!(formatter, "{protection} {} {family}", format!("{:?}", self.mode).to_uppercase())
    }
}

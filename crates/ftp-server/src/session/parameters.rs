//! What the client has chosen for its next transfers, and where they go.

use std::net::SocketAddr;

use crate::hash::Algorithm;
use crate::listing::Fact;

/// Representation type (RFC 959 section 3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Type {
    /// `A N`: lines end in CR LF on the wire. The default.
    #[default]
    Ascii,
    /// `I`.
    Image,
    /// `L 8`, which is the same on a machine with bytes of eight bits.
    Local8,
}

/// Where the next data connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum DataAddress {
    /// Nobody has said.
    #[default]
    Unset,
    /// PASV or EPSV: the client connects to the listener.
    Listener,
    /// PORT or EPRT: the server connects there.
    Active(SocketAddr),
}

/// Parts of a file that the next transfer is to begin or end at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Part {
    /// First byte (REST, RANG).
    pub(super) start: u64,
    /// Behind the last byte (RANG); `None` is the file's end.
    pub(super) end: Option<u64>,
}

/// Everything that REIN resets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) representation: Type,
    /// MODE Z.
    pub(super) deflate: bool,
    /// OPTS MODE Z LEVEL, 1 to 9.
    pub(super) level: u32,
    /// REST or RANG, until a transfer takes it.
    pub(super) part: Option<Part>,
    /// ALLO, until an upload takes it.
    pub(super) allocated: Option<u64>,
    pub(super) data: DataAddress,
    /// EPSV ALL was sent (RFC 2428 section 4).
    pub(super) epsv_all: bool,
    /// OPTS MLST; `None` is the default facts.
    pub(super) facts: Option<Vec<Fact>>,
    /// OPTS HASH.
    pub(super) algorithm: Algorithm,
}

/// Level of MODE Z that nobody has set; zlib's own default.
const DEFAULT_LEVEL: u32 = 6;

impl Default for Parameters {
    fn default() -> Self {
        Self {
            representation: Type::default(),
            deflate: false,
            level: DEFAULT_LEVEL,
            part: None,
            allocated: None,
            data: DataAddress::default(),
            epsv_all: false,
            facts: None,
            algorithm: Algorithm::Sha256,
        }
    }
}

impl Parameters {
    /// How bytes stand on the wire.
    pub(super) fn form(&self) -> super::Form {
        super::Form { ascii: self.representation == Type::Ascii, deflate: self.deflate.then_some(self.level) }
    }

    /// The facts of MLST and MLSD.
    pub(super) fn facts(&self) -> Vec<Fact> {
        self.facts.clone().unwrap_or_else(|| Fact::DEFAULT.to_vec())
    }
}

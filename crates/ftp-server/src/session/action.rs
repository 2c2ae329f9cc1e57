//! What the session asks of its driver.

use std::net::SocketAddr;
use std::time::SystemTime;

use super::Closing;
use crate::account::Attempt;
use crate::store::{Disposition, VirtualPath};

/// Something for the driver to do, in the order in which it is given.
#[derive(Debug)]
pub enum Action {
    /// Write these bytes on the control connection.
    Send(Vec<u8>),
    /// When all that was sent before has left: shake hands as a TLS server. Answered by [`Event::TlsStarted`] or
    /// [`Event::TlsFailed`]. Bytes that came in clear behind the command are not for TLS and were refused already.
    ///
    /// [`Event::TlsStarted`]: super::Event::TlsStarted
    /// [`Event::TlsFailed`]: super::Event::TlsFailed
    StartTls,
    /// When all that was sent before has left: end TLS in both directions and go on in clear (CCC, RFC 4217 section 6).
    StopTls,
    /// When all that was sent before has left: close the control connection, for this reason.
    Close(Closing),
    /// Find out who this is. Answered by [`Event::Authenticated`](super::Event::Authenticated).
    Authenticate(Attempt),
    /// The account has left (REIN, or another USER after a login): it no longer counts as a session of it.
    LogOut,
    /// Do this in the account's store. Answered by [`Event::Done`](super::Event::Done).
    Operate(Operation),
    /// Listen for one data connection of the client's, in place of an earlier listener. Answered by
    /// [`Event::Listening`](super::Event::Listening).
    Listen {
        /// Whether an IPv6 listener is wanted; it is of the control connection's family unless EPSV named one.
        ipv6: bool,
    },
    /// Stop listening, and drop a data connection that no transfer uses yet.
    StopListening,
    /// Transfer this. Answered by [`Event::TransferPrepared`](super::Event::TransferPrepared) once the file, directory or upload is
    /// open, then by [`Event::TransferEnded`](super::Event::TransferEnded); only by the latter if it could not be opened. The driver
    /// takes the actions that follow the former (the 150 reply) before it connects.
    Transfer(Transfer),
    /// End the transfer under way at once. Answered by [`Event::TransferEnded`](super::Event::TransferEnded), perhaps as whole.
    AbortTransfer(TransferId),
}

/// Number of a transfer in its session, from 0.
pub type TransferId = u64;

/// A transfer on a data connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its number.
    pub id: TransferId,
    /// Where its data connection comes from.
    pub connection: Connection,
    /// Whether its data connection is protected by TLS (PROT P).
    pub protected: bool,
    /// How bytes stand on the wire.
    pub form: Form,
    /// What is transferred.
    pub content: Content,
}

/// Where a data connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// The client connects to the listener (PASV, EPSV).
    Passive,
    /// The server connects to this address (PORT, EPRT), or to the client's own address and port without one.
    Active(SocketAddr),
}

/// How bytes stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// TYPE A: lines end in CR LF on the wire, and in LF in the store (RFC 959 section 3.1.1.1).
    pub ascii: bool,
    /// MODE Z with this level, 1 to 9; `None` is MODE S.
    pub deflate: Option<u32>,
}

/// What is transferred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file to the client.
    Retrieve {
        /// Its path.
        path: VirtualPath,
        /// Where to begin (REST, or RANG's start), in bytes of the store.
        offset: u64,
        /// Where to end (RANG), not itself included; `None` is the file's end.
        end: Option<u64>,
    },
    /// A file from the client.
    Store {
        /// Its path; of [`Disposition::Unique`] the wished one.
        path: VirtualPath,
        /// How it begins.
        disposition: Disposition,
        /// Bytes that ALLO announced, if it did.
        announced: Option<u64>,
    },
    /// A listing.
    List {
        /// A directory, or one file.
        path: VirtualPath,
        /// Only names that match, with `*`, `?` and `[...]`; `None` is all.
        pattern: Option<Vec<u8>>,
        /// How each entry is written.
        format: ListFormat,
    },
}

/// How a listing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListFormat {
    /// As `ls -l` does (LIST).
    Long {
        /// Also names that begin with a dot (`-a`).
        all: bool,
        /// Also what lies in subdirectories (`-R`).
        recursive: bool,
    },
    /// Names only (NLST).
    Names {
        /// Also names that begin with a dot (`-a`).
        all: bool,
        /// Put before each name: what the argument named in front of the last component, so that a client may retrieve what it reads.
        prefix: Vec<u8>,
    },
    /// Facts and names (MLSD, RFC 3659 section 7), with the facts that OPTS MLST chose.
    Facts(Vec<crate::listing::Fact>),
}

/// Something to do in the store that needs no data connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// What is known of an entry (SIZE, MDTM, MLST, CWD, RNFR, STAT).
    Inspect(VirtualPath),
    /// A listing for the control connection (STAT with a path), at most so many entries.
    List {
        /// A directory, or one file.
        path: VirtualPath,
        /// Only names that match.
        pattern: Option<Vec<u8>>,
        /// How each entry is written.
        format: ListFormat,
    },
    /// SIZE in TYPE A: the file's length once its line ends are converted.
    AsciiSize(VirtualPath),
    /// MKD.
    MakeDirectory(VirtualPath),
    /// RMD.
    RemoveDirectory(VirtualPath),
    /// DELE.
    RemoveFile(VirtualPath),
    /// RNTO.
    Rename {
        /// RNFR's path.
        from: VirtualPath,
        /// RNTO's path.
        to: VirtualPath,
    },
    /// SITE CHMOD, MFF UNIX.mode.
    SetMode(VirtualPath, u32),
    /// MFMT, MFF Modify, SITE UTIME, MDTM with a time.
    SetModified(VirtualPath, SystemTime),
    /// AVBL.
    Space(VirtualPath),
    /// HASH, XCRC, XMD5, XSHA and their kin.
    Hash {
        /// The file.
        path: VirtualPath,
        /// How.
        algorithm: crate::hash::Algorithm,
        /// First byte.
        start: u64,
        /// Behind the last byte; `None` is the file's end.
        end: Option<u64>,
    },
    /// COMB: the sources' bytes one after the other become the target's, and the sources are removed.
    Combine {
        /// The file that is made, or added to.
        target: VirtualPath,
        /// What it is made of.
        sources: Vec<VirtualPath>,
    },
}

/// What an operation gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It is done.
    Done,
    /// What is known of the entry.
    Metadata(crate::store::Metadata),
    /// Lines of a listing, without line ends; `cut` if there were more than may be sent on a control connection.
    Lines {
        /// The lines.
        lines: Vec<Vec<u8>>,
        /// Whether some were left out.
        cut: bool,
    },
    /// A length in bytes.
    Size(u64),
    /// Bytes that may still be written, if that is known.
    Space(Option<u64>),
    /// A hash, with the range that was hashed.
    Hash {
        /// In lower-case hexadecimal digits.
        digest: String,
        /// First byte.
        start: u64,
        /// Behind the last byte.
        end: u64,
    },
}

//! `manifest.json`: what every written file is, and what was not written.

use port21_analysis::report::{Direction, Endpoint, Kind, Missing, Type};
use serde::Serialize;

/// The name and version of this format.
pub const SCHEMA: &str = "port21.manifest/1";

/// The whole manifest.
#[derive(Debug, Serialize)]
pub struct Manifest<'a> {
    /// Always "port21.manifest/1".
    pub schema: &'static str,
    /// Captures read, as named on the command line.
    pub captures: Vec<String>,
    /// Files are still being written: what is partial below is not to be relied on.
    pub partial: bool,
    /// One entry a transfer that was, or is to be, written.
    pub files: Vec<&'a File>,
    /// Files put together from several transfers of one path.
    pub stitched: &'a [Stitched],
    /// Transfers of which there is no file, and why.
    pub not_written: &'a [NotWritten],
}

/// Which transfer it is.
#[derive(Debug, Clone, Serialize)]
pub struct Origin {
    /// Session id.
    pub session: u64,
    /// Index of the transfer in it.
    pub transfer: u64,
    /// Client of the control connection.
    pub client: Endpoint,
    /// Server of the control connection.
    pub server: Endpoint,
    /// Verb; `null` where the command is not in the capture.
    pub verb: Option<String>,
    /// Argument as sent.
    pub argument: Option<String>,
    /// Path as far as the working directory is known.
    pub path: Option<String>,
    /// Bytes of `path` in hexadecimal where it is not UTF-8.
    pub path_bytes: Option<String>,
    /// "file" or "listing".
    pub kind: Option<Kind>,
    /// Which way.
    pub direction: Option<Direction>,
    /// Representation type in force; the bytes are as sent, whatever it is.
    #[serde(rename = "type")]
    pub representation: Type,
}

/// Numbers of the first and the last packet with data.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Packets {
    /// First packet.
    pub first: Option<u64>,
    /// Last packet.
    pub last: Option<u64>,
}

/// A written file.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// Where it is from.
    #[serde(flatten)]
    pub origin: Origin,
    /// TCP stream of the data connection.
    pub stream: u64,
    /// Path below the folder of the manifest, with `/` between its parts.
    pub written: String,
    /// Bytes from the first to the last, holes included.
    pub bytes: u64,
    /// SHA-256 of them, holes as zeros; `null` with --no-hash, or where holes are too long to be hashed.
    pub sha256: Option<String>,
    /// Nothing is missing, and both ends ended the transfer in order.
    pub complete: bool,
    /// Why not; `null` if complete.
    pub incomplete_because: Option<String>,
    /// Holes, filled with zeros.
    pub missing: Vec<Missing>,
    /// Packets with its data.
    pub packets: Packets,
    /// Argument of REST before it.
    pub restart_offset: Option<u64>,
    /// Where in the file of that path the first byte belongs; `null`: unknown (APPE).
    pub offset: Option<u64>,
    /// It is still being written, or could not be written to its end: its name ends in ".partial".
    pub partial: bool,
}

/// A file made of several transfers of one path.
#[derive(Debug, Clone, Serialize)]
pub struct Stitched {
    /// Path on the server.
    pub path: String,
    /// Bytes of `path` in hexadecimal where it is not UTF-8.
    pub path_bytes: Option<String>,
    /// Path below the folder of the manifest.
    pub written: String,
    /// Bytes, holes included.
    pub bytes: u64,
    /// SHA-256 of them, holes as zeros.
    pub sha256: Option<String>,
    /// Nothing is missing, the last part ended in order, and the parts agree where they overlap.
    pub complete: bool,
    /// Holes that no part fills.
    pub missing: Vec<Missing>,
    /// The parts, in the order in which they were transferred: later ones count where they overlap.
    pub parts: Vec<Part>,
    /// Where parts overlap, and whether they agree there.
    pub overlaps: Vec<Overlap>,
    /// What makes the result doubtful; `null`: nothing does.
    pub note: Option<String>,
}

/// A part of a stitched file.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// Session id.
    pub session: u64,
    /// Index of the transfer in it.
    pub transfer: u64,
    /// Its own file.
    pub written: String,
    /// Where its first byte belongs.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
}

/// A range that two parts hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// First byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
    /// They are the same.
    pub agree: bool,
    /// First byte that differs.
    pub first_difference: Option<u64>,
}

/// A transfer without a file.
#[derive(Debug, Clone, Serialize)]
pub struct NotWritten {
    /// Where it would be from.
    #[serde(flatten)]
    pub origin: Origin,
    /// Bytes that crossed the wire.
    pub bytes: u64,
    /// They are TLS.
    pub protected: bool,
    /// The server says that it was transferred (2yz), but the capture holds nothing of it.
    pub lost: bool,
    /// Why there is no file.
    pub because: String,
}

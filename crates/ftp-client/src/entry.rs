//! What a directory holds.

use std::time::SystemTime;

use ftp_protocol::listing::{self, EntryKind};

use crate::time;

/// An entry of a directory, or what MLST tells of one. What the server does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as the server wrote it, of any bytes. It may hold anything: join it to a local path only where something checks it.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Option<EntryKind>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The time of the last change, where the listing tells it in UTC (MLSD, MLST).
    pub modified: Option<SystemTime>,
    /// The line of the listing.
    pub line: listing::Entry,
}

impl Entry {
    /// An entry of a listing; `None` for a line without a name, and for the directory itself and its parent.
    pub(crate) fn from_listing(line: listing::Entry) -> Option<Self> {
        let name = line.name.clone()?;
        if matches!(name.as_slice(), b"" | b"." | b"..") {
            return None;
        }
        Some(Self::named(name, line))
    }

    pub(crate) fn named(name: Vec<u8>, line: listing::Entry) -> Self {
        let modified = line.modified.as_deref().and_then(time::parse);
        Self { name, kind: line.kind, size: line.size, modified, line }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Some(EntryKind::Directory)
    }

    /// Whether it is a plain file, or not known to be anything else.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Some(EntryKind::File) | None)
    }
}

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
        if matches!(name.as_slice(), b"" | b"." | b"..")
            || line.kind == Some(EntryKind::Directory) && is_listed(&line.text)
        {
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

/// Whether a line of facts is of the listed directory itself or its parent, which RFC 3659 section 7.5.1 lets go by any name.
fn is_listed(line: &[u8]) -> bool {
    let facts = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    facts
        .split(|&byte| byte == b';')
        .any(|fact| [&b"type=cdir"[..], b"type=pdir"].iter().any(|listed| fact.eq_ignore_ascii_case(listed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use listing::{Hint, parse_entry};

    #[test]
    fn directory_is_no_entry_of_itself_whatever_its_name() {
        let read = |line: &[u8]| Entry::from_listing(parse_entry(line, Some(Hint::Mlsd)).unwrap());
        for line in
            [&b"type=cdir;modify=20200102030405; /pub"[..], b"Type=PDIR; x", b"type=dir; ..", b"type=cdir; ."]
        {
            assert_eq!(read(line), None, "{}", line.escape_ascii());
        }
        assert!(read(b"type=dir; type=cdir;").is_some());
        assert!(read(b"type=file;size=1; x").is_some());
    }
}

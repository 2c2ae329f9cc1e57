//! A listing's bytes as the report's entries.

use ftp_protocol::Verb;
use ftp_protocol::listing::{self, EntryKind, Hint};

use crate::hex;
use crate::report::{Entry, Listing};

/// Most entries that there can be in these bytes.
pub fn lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count().saturating_add(1)
}

/// Reads the entries of a listing that was asked for with `verb`, at most `limit`; `whole`: the bytes are all of it.
pub fn read(bytes: &[u8], verb: Option<Verb>, whole: bool, limit: usize) -> Listing {
    let hint = match verb {
        Some(Verb::Nlst) => Some(Hint::Nlst),
        Some(Verb::Mlsd) => Some(Hint::Mlsd),
        Some(Verb::List) => Some(Hint::List),
        _ => None,
    };
    let parsed = listing::parse_undated(bytes, hint);
    let too_many = parsed.entries.len() > limit;
    Listing {
        format: parsed.format.map(|format| format.to_string()),
        entries: parsed.entries.iter().take(limit).map(entry).collect(),
        unparsed: parsed.unparsed as u64,
        truncated: !whole || too_many,
    }
}

fn entry(entry: &listing::Entry) -> Entry {
    let text = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(hex::short_text);
    let odd_name = entry.name.as_deref().filter(|name| std::str::from_utf8(name).is_err());
    Entry {
        name: text(&entry.name),
        name_bytes: odd_name.map(hex::encode),
        kind: entry.kind.map(|kind| match kind {
            EntryKind::File => "file",
            EntryKind::Directory => "directory",
            EntryKind::Link => "link",
            EntryKind::Other => "other",
        }),
        size: entry.size,
        modified: text(&entry.modified),
        permissions: text(&entry.permissions),
        owner: text(&entry.owner),
        group: text(&entry.group),
        target: text(&entry.target),
        text: hex::text(&entry.text).0,
    }
}

//! Easily Parsed LIST Format: `+i8388621.29609,m824255902,r,s280,<tab>name` (D. J. Bernstein, "FTP: File Transfer
//! Protocol", the LIST verb: EPLF). Times are seconds since 1970 in UTC.

use memchr::memchr;

use super::words::number;
use super::{Date, Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let facts = line.strip_prefix(b"+")?;
    let tab = memchr(b'\t', facts)?;
    let name = facts.get(tab.checked_add(1)?..).filter(|name| !name.is_empty())?;
    let mut entry = Entry { kind: Some(EntryKind::Other), ..Entry::of_name(name) };
    for fact in facts.get(..tab)?.split(|&byte| byte == b',') {
        match fact {
            b"/" => entry.kind = Some(EntryKind::Directory),
            b"r" => entry.kind = Some(EntryKind::File),
            [b's', size @ ..] => entry.size = number(size),
            [b'm', seconds @ ..] if number(seconds).is_some() => {
                entry.modified = Some(seconds.to_vec());
                entry.date =
                    number(seconds).and_then(|seconds| Date::of_seconds(i64::try_from(seconds).ok()?));
            }
            [b'u', b'p', mode @ ..] => entry.permissions = Some(mode.to_vec()),
            _ => {}
        }
    }
    Some(entry)
}

//! Lines of OpenVMS, as `DIRECTORY /SIZE /DATE /OWNER /PROTECTION` writes them (OpenVMS DCL Dictionary), with which
//! the servers of TCP/IP Services (UCX), MultiNet, TCPware and CMU agree but for the order of columns:
//!
//! ```text
//! Directory DISK$USER:[SMITH]
//!
//! README.TXT;3            4/9    14-MAR-2024 09:26:53  [STAFF,SMITH]  (RWED,RWED,RE,)
//! A_NAME_THAT_LEAVES_NO_ROOM.TXT;1
//!                         2      14-MAR-2024 09:26  [SMITH]  (RWED,RE,,)
//! ```
//!
//! Sizes are in blocks of 512 bytes, used and allocated. Versions may be switched off.

use memchr::memchr;

use super::words::{Line, is_time, number};
use super::{Entry, EntryKind};

/// Bytes of a block.
const BLOCK: u64 = 512;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let name = line.words.first().filter(|name| name.start == 0)?;
    if !is_name(name.bytes) {
        return None;
    }
    let mut entry = columns(line, 1)?;
    let told = entry.owner.is_some() || entry.permissions.is_some();
    let versioned = version(name.bytes).is_some();
    if entry.modified.is_none() || !(versioned || told) {
        // Of a file that may not be looked at there is only a message.
        if !versioned || !line.word(1)?.starts_with(b"%") && !line.word(1)?.starts_with(b"no") {
            return None;
        }
        entry = Entry::default();
    }
    Some(named(entry, name.bytes))
}

/// Whether a line is but a name that leaves no room for the rest.
pub(super) fn may_go_on(line: &Line<'_>) -> bool {
    line.words.len() == 1
        && line
            .words
            .first()
            .is_some_and(|name| name.start == 0 && is_name(name.bytes) && version(name.bytes).is_some())
}

/// Reads the line below such a name; `None` if it does not belong to it.
pub(super) fn parse_broken(name: &[u8], below: &[u8]) -> Option<Entry> {
    if !below.first()?.is_ascii_whitespace() {
        return None;
    }
    let entry = columns(&Line::new(below), 0)?;
    entry.modified.is_some().then(|| named(entry, name.trim_ascii()))
}

/// The columns from the word at `first` on, in whatever order they are; `None` if there is anything else.
fn columns(line: &Line<'_>, first: usize) -> Option<Entry> {
    let mut entry = Entry::default();
    let mut index = first;
    while let Some(word) = line.words.get(index) {
        let mut last = index;
        match word.bytes.first()? {
            b'[' => {
                last = closing(line, index, b']')?;
                let (group, owner) = people(line.span(index, last)?);
                (entry.group, entry.owner) = (group, Some(owner));
            }
            b'(' => {
                last = closing(line, index, b')')?;
                let inside = line.span(index, last)?.strip_prefix(b"(")?.strip_suffix(b")")?;
                entry.permissions = Some(inside.to_vec());
            }
            // A message stands where columns would.
            b'%' => return Some(entry),
            _ if is_date(word.bytes) => {
                if line.word(index.saturating_add(1)).is_some_and(is_time) {
                    last = index.checked_add(1)?;
                }
                entry.modified = line.span(index, last).map(<[u8]>::to_vec);
            }
            _ => {
                let mut sizes = word.bytes.split(|&byte| byte == b'/');
                let used = sizes.next().and_then(number)?;
                if !sizes.all(|size| number(size).is_some()) || entry.rounded_size.is_some() {
                    return None;
                }
                entry.rounded_size = used.checked_mul(BLOCK);
            }
        }
        index = last.checked_add(1)?;
    }
    Some(entry)
}

/// The word with which what begins at `first` ends.
fn closing(line: &Line<'_>, first: usize, bracket: u8) -> Option<usize> {
    (first..line.words.len()).find(|&index| line.word(index).is_some_and(|word| word.ends_with(&[bracket])))
}

/// Group and owner of `[GROUP,OWNER]` or `[OWNER]`.
fn people(brackets: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
    let inside = brackets.strip_prefix(b"[").unwrap_or(brackets);
    let inside = inside.strip_suffix(b"]").unwrap_or(inside);
    let Some(comma) = memchr(b',', inside) else { return (None, inside.to_vec()) };
    let (group, owner) = inside.split_at_checked(comma).unwrap_or_default();
    let owner = owner.strip_prefix(b",").unwrap_or(owner);
    (Some(group.trim_ascii().to_vec()), owner.trim_ascii().to_vec())
}

/// The entry with its name; of a directory without `.DIR` and the version, as no command takes them.
fn named(entry: Entry, name: &[u8]) -> Entry {
    let bare = version(name).unwrap_or(name);
    let stem = bare.len().checked_sub(4).and_then(|length| bare.split_at_checked(length));
    let directory = stem.filter(|(stem, end)| !stem.is_empty() && end.eq_ignore_ascii_case(b".DIR"));
    let kind = if directory.is_some() { EntryKind::Directory } else { EntryKind::File };
    Entry { name: Some(directory.map_or(name, |(stem, _)| stem).to_vec()), kind: Some(kind), ..entry }
}

/// The name without its version; `None` if it has none.
fn version(name: &[u8]) -> Option<&[u8]> {
    let semicolon = memchr(b';', name)?;
    number(name.get(semicolon.checked_add(1)?..)?)?;
    name.get(..semicolon)
}

/// `NAME.TYPE`, perhaps with a version.
fn is_name(name: &[u8]) -> bool {
    name.contains(&b'.') && !name.iter().any(|byte| matches!(byte, b'[' | b']' | b'(' | b')' | b'/' | b','))
}

/// `14-MAR-2024`.
fn is_date(word: &[u8]) -> bool {
    let mut parts = word.split(|&byte| byte == b'-');
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    parts.next().is_none()
        && day.is_some_and(|day| matches!(day.len(), 1 | 2) && number(day).is_some())
        && month.is_some_and(|month| month.len() == 3 && month.iter().all(u8::is_ascii_alphabetic))
        && year.is_some_and(|year| year.len() == 4 && number(year).is_some())
}

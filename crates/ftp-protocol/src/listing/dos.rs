//! Lines of DOS and IIS:
//!
//! ```text
//! 03-14-24  09:26AM       <DIR>          name
//! 03-14-2024  09:26PM            1,234 name
//! ```
//!
//! The form of the MS-DOS directory listing style of IIS (`MSDOS` in its documentation of FTP directory browsing), with
//! two or four digits for the year; servers of other makers follow the date and the groups of the locale.

use super::stamp::split_half;
use super::words::{Line, grouped_number, is_numeric_date, is_time};
use super::{Entry, EntryKind};

/// Width of the blanks that IIS writes between `<DIR>` and the name.
const BLANKS_BEHIND_DIRECTORY: usize = 10;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [date, time, rest @ ..] = &*line.words else { return None };
    if !is_numeric_date(date.bytes) {
        return None;
    }
    let (line, (bare, half)) = (line.bytes, split_half(time.bytes));
    if !is_time(bare) {
        return None;
    }
    let is_half = |word: &[u8]| matches!(split_half(word), (b"", Some(_)));
    let apart = rest.first().filter(|word| half.is_none() && is_half(word.bytes));
    let last_of_time = apart.unwrap_or(time);
    let what = if apart.is_some() { rest.get(1)? } else { rest.first()? };
    let (kind, size) = kind_and_size(what.bytes)?;
    let behind = line.get(what.end..)?;
    let blanks = behind.iter().take_while(|byte| **byte == b' ').count();
    // A size ends one blank before the name; what is more belongs to the name.
    let width = if size.is_some() { 1 } else { BLANKS_BEHIND_DIRECTORY };
    let mut name = behind.get(blanks.min(width)..).filter(|name| !name.is_empty())?;
    let mut target = None;
    if kind == EntryKind::Link
        && let Some(inside) = name.strip_suffix(b"]")
        && let Some(open) = memchr::memmem::rfind(inside, b" [")
    {
        target = inside.get(open.saturating_add(2)..).map(<[u8]>::to_vec);
        name = name.get(..open)?;
    }
    Some(Entry {
        name: Some(name.to_vec()),
        kind: Some(kind),
        size,
        modified: line.get(date.start..last_of_time.end).map(<[u8]>::to_vec),
        target,
        ..Entry::default()
    })
}

fn kind_and_size(word: &[u8]) -> Option<(EntryKind, Option<u64>)> {
    if word.eq_ignore_ascii_case(b"<DIR>") {
        return Some((EntryKind::Directory, None));
    }
    if [&b"<JUNCTION>"[..], b"<SYMLINK>", b"<SYMLINKD>"].iter().any(|mark| word.eq_ignore_ascii_case(mark)) {
        return Some((EntryKind::Link, None));
    }
    grouped_number(word).map(|size| (EntryKind::File, Some(size)))
}

//! Lines of DOS and IIS:
//!
//! ```text
//! 03-14-24  09:26AM       <DIR>          name
//! 03-14-2024  09:26PM            1,234 name
//! ```

use super::words::{is_numeric_date, is_time, number, words};
use super::{Entry, EntryKind};

/// Width of the blanks that IIS writes between `<DIR>` and the name.
const BLANKS_BEHIND_DIRECTORY: usize = 10;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let words = words(line);
    let [date, time, rest @ ..] = words.as_slice() else { return None };
    let (bare, half) = split_half(time.bytes);
    if !is_numeric_date(date.bytes) || !is_time(bare) {
        return None;
    }
    let apart = rest.first().filter(|word| !half && split_half(word.bytes) == (&[][..], true));
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

/// A time without the AM or PM (or `a`, `p`) at its end, and whether there was one.
fn split_half(time: &[u8]) -> (&[u8], bool) {
    let without_m = time.strip_suffix(b"M").or_else(|| time.strip_suffix(b"m")).unwrap_or(time);
    match without_m.split_last() {
        Some((b'A' | b'a' | b'P' | b'p', bare)) => (bare, true),
        _ => (time, false),
    }
}

fn kind_and_size(word: &[u8]) -> Option<(EntryKind, Option<u64>)> {
    if word.eq_ignore_ascii_case(b"<DIR>") {
        return Some((EntryKind::Directory, None));
    }
    if [&b"<JUNCTION>"[..], b"<SYMLINK>", b"<SYMLINKD>"].iter().any(|mark| word.eq_ignore_ascii_case(mark)) {
        return Some((EntryKind::Link, None));
    }
    let digits: Vec<u8> = word.iter().copied().filter(|byte| !matches!(byte, b',' | b'.')).collect();
    let grouped = word.first().is_some_and(u8::is_ascii_digit)
        && word.split(|byte| matches!(byte, b',' | b'.')).skip(1).all(|group| group.len() == 3);
    if grouped { Some((EntryKind::File, Some(number(&digits)?))) } else { None }
}

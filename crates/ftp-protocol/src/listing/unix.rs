//! Lines of `ls -l`:
//!
//! ```text
//! drwxr-xr-x   2 owner  group      4096 Mar 14 09:26 name
//! lrwxrwxrwx   1 owner  group         7 Mar 14  2024 name -> target
//! ```
//!
//! Link count, owner and group may be missing, the group may hold spaces. The date is what is found first: a size
//! stands before it, the name one space behind it.

use memchr::memmem;

use super::words::{
    Word, is_day, is_english_month, is_numeric_date, is_time, is_year, may_be_month, number, words,
};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let words = words(line);
    let mode = words.first()?;
    let kind = kind_of(mode.bytes)?;
    if mode.start > 0 {
        return None;
    }
    let date = find_date(&words)?;
    let name_start = words.get(date.last)?.end.checked_add(1)?;
    let mut name = line.get(name_start..).filter(|name| !name.is_empty())?;
    let mut target = None;
    if kind == EntryKind::Link
        && let Some(arrow) = memmem::find(name, b" -> ")
    {
        target = name.get(arrow.saturating_add(4)..).map(<[u8]>::to_vec);
        name = name.get(..arrow)?;
    }
    let (size, before_size) = size_before(&words, date.first);
    let (owner, group) = people(line, words.get(1..before_size).unwrap_or_default());
    Some(Entry {
        name: Some(name.to_vec()),
        kind: Some(kind),
        size,
        modified: line.get(words.get(date.first)?.start..words.get(date.last)?.end).map(<[u8]>::to_vec),
        permissions: mode.bytes.get(1..).map(<[u8]>::to_vec),
        owner,
        group,
        target,
        ..Entry::default()
    })
}

/// The line that `ls -l` writes first, the number of blocks.
pub(super) fn is_total(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let label = words.next().unwrap_or_default();
    let count = words.next().unwrap_or_default();
    let names = [&b"total"[..], b"insgesamt", b"totaal", b"totale", b"celkem"];
    names.iter().any(|name| label.eq_ignore_ascii_case(name))
        && count.first().is_some_and(u8::is_ascii_digit)
        && words.next().is_none()
}

/// The kind that the first of at least ten mode letters tells; `None` if the word is no mode.
fn kind_of(mode: &[u8]) -> Option<EntryKind> {
    let (&first, rest) = mode.split_first()?;
    let (bits, mark) = rest.split_at_checked(9)?;
    let is_mode =
        bits.iter().all(|bit| b"-rwxsStTlL".contains(bit)) && matches!(mark, b"" | b"+" | b"." | b"@");
    is_mode.then_some(())?;
    Some(match first {
        b'-' => EntryKind::File,
        b'd' => EntryKind::Directory,
        b'l' => EntryKind::Link,
        b'b' | b'c' | b'p' | b's' | b'D' | b'n' | b'm' | b'w' | b'?' => EntryKind::Other,
        _ => return None,
    })
}

/// Places of the first and last word of a date.
struct Date {
    first: usize,
    last: usize,
}

fn find_date(words: &[Word<'_>]) -> Option<Date> {
    // An owner may be called "may", so the place behind link count and owner is tried before earlier ones, and
    // months of other languages, which could be any word, only at last.
    let places = |months: fn(&[u8]) -> bool| {
        let from = |first: usize| (first..words.len()).find_map(|at| date_at(words, at, months));
        from(3).or_else(|| from(2))
    };
    places(is_english_month).or_else(|| places(may_be_month))
}

/// The date whose first word is the one at `at`, if a size stands before it.
fn date_at(words: &[Word<'_>], at: usize, is_month: fn(&[u8]) -> bool) -> Option<Date> {
    let word = |offset: usize| words.get(at.saturating_add(offset)).map(|word| word.bytes);
    words.get(at.checked_sub(1)?)?.bytes.first().filter(|byte| byte.is_ascii_digit())?;
    let [a, b, c] = [word(0)?, word(1).unwrap_or_default(), word(2).unwrap_or_default()];
    let length = if is_numeric_date(a) {
        let zone = is_time(b)
            && c.len() == 5
            && matches!(c.first(), Some(b'+' | b'-'))
            && number(c.get(1..)?).is_some();
        if zone {
            3
        } else if is_time(b) {
            2
        } else {
            1
        }
    } else if is_month(a) && is_day(b) || is_day(a) && is_month(b) {
        let long = c.len() == 8 && is_time(c) && word(3).is_some_and(is_year);
        if long {
            4
        } else if is_time(c) || is_year(c) {
            3
        } else {
            return None;
        }
    } else {
        return None;
    };
    Some(Date { first: at, last: at.checked_add(length)?.checked_sub(1)? })
}

/// The size before the date, and the place of its first word. A device has two numbers with a comma instead.
fn size_before(words: &[Word<'_>], date: usize) -> (Option<u64>, usize) {
    let at = date.saturating_sub(1);
    let size = words.get(at).map(|word| word.bytes).unwrap_or_default();
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    let device =
        before.is_some_and(|word| word.bytes.strip_suffix(b",").is_some_and(|major| number(major).is_some()));
    if device { (None, at.saturating_sub(1)) } else { (number(size), at) }
}

/// Owner and group in the words between mode and size, of which a first number is the link count.
fn people(line: &[u8], words: &[Word<'_>]) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let words = match words {
        [first, rest @ ..] if number(first.bytes).is_some() => rest,
        all => all,
    };
    let group = match words {
        [_, first, .., last] => line.get(first.start..last.end),
        [_, only] => Some(only.bytes),
        _ => None,
    };
    (words.first().map(|word| word.bytes.to_vec()), group.map(<[u8]>::to_vec))
}

//! Lines of `ls -l`:
//!
//! ```text
//! drwxr-xr-x   2 owner  group      4096 Mar 14 09:26 name
//! lrwxrwxrwx   1 owner  group         7 Mar 14  2024 name -> target
//! ```
//!
//! POSIX.1-2017, `ls`, says what `-l` writes; dates follow the locale or GNU's `--time-style`. Link count, owner and
//! group may be missing, the group may hold spaces. The date is what is found first: a size stands before it, the
//! name one space behind it.

use memchr::memmem;

use super::asian::{Unit, marked};
use super::words::{
    Line, Word, grouped_number, is_day, is_english_month, is_numeric_date, is_time, is_year, may_be_month,
    number, rounded_size,
};
use super::{Entry, EntryKind};

/// Labels of the line that `ls -l` writes first, in the languages of its messages.
const TOTALS: [&str; 16] = [
    "total",
    "insgesamt",
    "totaal",
    "totale",
    "celkem",
    "итого",
    "razem",
    "összesen",
    "totalt",
    "yhteensä",
    "合計",
    "总用量",
    "總計",
    "总计",
    "합계",
    "toplam",
];

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let mode = line.words.first()?;
    let kind = kind_of(mode.bytes)?;
    if mode.start > 0 {
        return None;
    }
    entry_behind(line, 1, kind, mode.bytes.get(1..)?)
}

/// Reads what stands behind the permissions, from the word at `first` on: link count, owner, group, size, date, name.
pub(super) fn entry_behind(
    line: &Line<'_>,
    first: usize,
    kind: EntryKind,
    permissions: &[u8],
) -> Option<Entry> {
    let words = &*line.words;
    let date = find_date(words)?;
    let name_start = words.get(date.last)?.end.checked_add(1)?;
    let mut name = line.bytes.get(name_start..).filter(|name| !name.is_empty())?;
    let mut target = None;
    if kind == EntryKind::Link
        && let Some(arrow) = memmem::find(name, b" -> ")
    {
        target = name.get(arrow.saturating_add(4)..).map(<[u8]>::to_vec);
        name = name.get(..arrow)?;
    }
    let (size, before_size) = size_before(words, date.first);
    let exact = size.and_then(grouped_number);
    let (owner, group) = people(line.bytes, words.get(first..before_size).unwrap_or_default());
    Some(Entry {
        name: Some(name.to_vec()),
        kind: Some(kind),
        size: exact,
        rounded_size: if exact.is_none() { size.and_then(rounded_size) } else { None },
        modified: line.span(date.first, date.last).map(<[u8]>::to_vec),
        permissions: Some(permissions.to_vec()),
        owner,
        group,
        target,
        ..Entry::default()
    })
}

/// The line that `ls -l` writes first, the number of blocks.
pub(super) fn is_total(line: &[u8]) -> bool {
    // A mode, the beginning of nearly all lines, is no label.
    if line.starts_with(b"-") || line.starts_with(b"d") {
        return false;
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let label = words.next().unwrap_or_default();
    let count = words.next().unwrap_or_default();
    count.first().is_some_and(u8::is_ascii_digit)
        && words.next().is_none()
        && TOTALS.iter().any(|name| label.eq_ignore_ascii_case(name.as_bytes()))
}

/// The kind that the first of at least ten mode letters tells; `None` if the word is no mode.
pub(super) fn kind_of(mode: &[u8]) -> Option<EntryKind> {
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
pub(super) struct Place {
    pub first: usize,
    pub last: usize,
}

/// The date in a line, behind a size.
pub(super) fn find_date(words: &[Word<'_>]) -> Option<Place> {
    // An owner may be called "may", so the place behind link count and owner is tried before earlier ones, and
    // months of other languages, which could be any word, only at last.
    let places = |months: fn(&[u8]) -> bool| find(words, |at| length_at(words, at, months));
    places(is_english_month)
        .or_else(|| find(words, |at| asian_length_at(words, at)))
        .or_else(|| places(may_be_month))
        .or_else(|| find(words, |at| rare_length_at(words, at)))
}

/// The first place where a date has a length, if a size stands before it.
fn find(words: &[Word<'_>], length_at: impl Fn(usize) -> Option<usize>) -> Option<Place> {
    let at = |at: usize| {
        let size = words.get(at.checked_sub(1)?)?.bytes;
        // A full stop belongs to a date, as in the Hungarian "2024. márc. 14.".
        if !size.first()?.is_ascii_digit() || size.ends_with(b".") {
            return None;
        }
        Some(Place { first: at, last: at.checked_add(length_at(at)?)?.checked_sub(1)? })
    };
    let from = |first: usize| (first..words.len()).find_map(at);
    from(3).or_else(|| from(2))
}

/// How many words the date has whose first word is the one at `at`.
fn length_at(words: &[Word<'_>], at: usize, is_month: fn(&[u8]) -> bool) -> Option<usize> {
    let word = |offset: usize| words.get(at.saturating_add(offset)).map(|word| word.bytes);
    let [a, b, c] = [word(0)?, word(1).unwrap_or_default(), word(2).unwrap_or_default()];
    if is_numeric_date(a) {
        let zone = is_time(b)
            && c.len() == 5
            && matches!(c.first(), Some(b'+' | b'-'))
            && number(c.get(1..)?).is_some();
        return Some(if zone {
            3
        } else if is_time(b) {
            2
        } else {
            1
        });
    }
    if !(is_month(a) && is_day(b) || is_day(a) && is_month(b)) {
        return None;
    }
    let d = word(3).unwrap_or_default();
    // "Mar 14 09:26:53 2024" of BSD and "Mar 14, 2024 09:26" of VShell.
    let long = c.len() == 8 && is_time(c) && is_year(d) || is_year(c) && b.ends_with(b",") && is_time(d);
    if long {
        Some(4)
    } else if is_time(c) || is_year(c) {
        Some(3)
    } else {
        None
    }
}

/// How many words a date has in which characters stand behind the numbers (see `asian`).
fn asian_length_at(words: &[Word<'_>], at: usize) -> Option<usize> {
    let word = |offset: usize| words.get(at.saturating_add(offset)).map(|word| word.bytes);
    let (mut month, mut day, mut year) = (false, false, false);
    let mut length = 0_usize;
    while !(month && day && year) {
        let Some(next) = word(length) else { break };
        if let Some(found) = marked(next) {
            for (_, unit) in found.into_iter().flatten() {
                match unit {
                    Some(Unit::Year) => year = true,
                    Some(Unit::Month) => month = true,
                    Some(Unit::Day) | None => day = true,
                }
            }
        } else if month && !day && is_day(next) {
            day = true;
        } else {
            break;
        }
        length = length.checked_add(1)?;
    }
    let behind = word(length).is_some_and(|next| is_time(next) || is_year(next) && !year);
    (month && day).then(|| if behind { length.saturating_add(1) } else { length })
}

/// How many words a date has that is rare: `09-26 2000`, `14-Mar-2024 09:26`, `4 8 09:26`, `2024. márc. 14.`.
fn rare_length_at(words: &[Word<'_>], at: usize) -> Option<usize> {
    let word = |offset: usize| words.get(at.saturating_add(offset)).map(|word| word.bytes);
    let [a, b, c] = [word(0)?, word(1).unwrap_or_default(), word(2).unwrap_or_default()];
    let dashes = a.iter().filter(|byte| **byte == b'-').count();
    let is_end = |word: &[u8]| is_time(word) || is_year(word);
    let mut parts = a.split(|&byte| byte == b'-');
    let mut next = || parts.next().unwrap_or_default();
    match dashes {
        1 => (is_day(next()) && is_day(next()) && is_end(b)).then_some(2),
        2 => {
            let (day, month, year) = (next(), next(), next());
            let named = is_day(day) && may_be_month(month) || may_be_month(day) && is_day(month);
            let dated = named && matches!(year.len(), 2 | 4) && number(year).is_some();
            dated.then(|| if is_time(b) { 2 } else { 1 })
        }
        _ if a.strip_suffix(b".").is_some_and(is_year) && may_be_month(b) && is_day(c) => {
            Some(if word(3).is_some_and(is_time) { 4 } else { 3 })
        }
        _ => (is_day(a) && is_day(b) && is_end(c)).then_some(3),
    }
}

/// The size before the date, and the place of its first word. A device has two numbers with a comma instead.
fn size_before<'a>(words: &[Word<'a>], date: usize) -> (Option<&'a [u8]>, usize) {
    let at = date.saturating_sub(1);
    let size = words.get(at).map(|word| word.bytes);
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    let device =
        before.is_some_and(|word| word.bytes.strip_suffix(b",").is_some_and(|major| number(major).is_some()));
    if device { (None, at.saturating_sub(1)) } else { (size, at) }
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

//! Lines of Guardian on HP NonStop, formerly Tandem, as `FUP INFO` writes them (HPE NonStop, File Utility Program
//! Reference Manual): name, an O if the file is open, code, bytes, date, time, group and user, and who may read,
//! write, execute and purge it:
//!
//! ```text
//! File         Code             EOF  Last Modification    Owner  RWEP
//! README        101             2522 14-Mar-24 09:26:53 220,106 "nnnn"
//! JOURNAL    O  134            16384  4-Mar-24 23:50:06 255, 10 "nunu"
//! ```

use super::words::{Line, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let name = line.words.first().filter(|name| name.start == 0 && is_name(name.bytes))?;
    let code: usize = if line.word(1)? == b"O" { 2 } else { 1 };
    let word = |offset: usize| line.word(code.saturating_add(offset));
    number(word(0)?)?;
    let size = number(word(1)?)?;
    if word(2)?.iter().filter(|byte| **byte == b'-').count() != 2 || !is_time(word(3)?) {
        return None;
    }
    let rights = line.words.last()?.bytes.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let after_time = code.checked_add(4)?;
    let owner = line.span(after_time, line.words.len().checked_sub(2)?)?;
    let mut people = owner.split(|&byte| byte == b',');
    let (group, user) = (people.next()?.trim_ascii(), people.next()?.trim_ascii());
    (number(group).is_some() && number(user).is_some() && people.next().is_none()).then_some(())?;
    Some(Entry {
        kind: Some(EntryKind::File),
        size: Some(size),
        modified: line.span(code.checked_add(2)?, code.checked_add(3)?).map(<[u8]>::to_vec),
        permissions: Some(rights.to_vec()),
        owner: Some(user.to_vec()),
        group: Some(group.to_vec()),
        ..Entry::of_name(name.bytes)
    })
}

/// One to eight letters and digits, a letter first.
fn is_name(word: &[u8]) -> bool {
    matches!(word.len(), 1..=8)
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().all(u8::is_ascii_alphanumeric)
}

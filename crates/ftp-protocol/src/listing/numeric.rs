//! Lines of `ls -l` with numbers only, from servers that write what `stat` gives (POSIX.1-2017, `<sys/stat.h>`): mode
//! in octal digits, owner, group, size, seconds since 1970, name:
//!
//! ```text
//! 0100644   500  101   12345    1710408413       name
//! ```

use super::words::{Line, number};
use super::{Date, Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [mode, owner, group, size, time, _, ..] = &*line.words else { return None };
    let is_mode = matches!(mode.bytes.len(), 5..=7)
        && mode.bytes.iter().all(|digit| (b'0'..=b'7').contains(digit))
        && mode.start == 0;
    if !is_mode || number(owner.bytes).is_none() || number(group.bytes).is_none() {
        return None;
    }
    let bits = u32::from_str_radix(std::str::from_utf8(mode.bytes).ok()?, 8).ok()?;
    let kind = match bits & 0o170_000 {
        0o040_000 => EntryKind::Directory,
        0o100_000 => EntryKind::File,
        0o120_000 => EntryKind::Link,
        0 => return None,
        _ => EntryKind::Other,
    };
    let seconds = i64::try_from(number(time.bytes)?).ok()?;
    Some(Entry {
        kind: Some(kind),
        size: Some(number(size.bytes)?),
        modified: Some(time.bytes.to_vec()),
        date: Date::of_seconds(seconds),
        permissions: Some(mode.bytes.to_vec()),
        owner: Some(owner.bytes.to_vec()),
        group: Some(group.bytes.to_vec()),
        ..Entry::of_name(line.rest_after(4)?)
    })
}

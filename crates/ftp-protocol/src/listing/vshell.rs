//! Lines of VanDyke's VShell in its older versions: size, date and time of the American locale, and the name, which
//! ends with a slash if it is one of a directory. Newer versions write the form of `ls -l`.
//!
//! ```text
//! 206876  Apr 04, 2000 21:06 name
//!      0  Dec 12, 2002 02:13 name/
//! ```

use super::words::{Line, is_day, is_english_month, is_time, is_year, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [size, month, day, year, time, ..] = &*line.words else { return None };
    let dated = is_english_month(month.bytes)
        && day.bytes.ends_with(b",")
        && is_day(day.bytes)
        && is_year(year.bytes)
        && is_time(time.bytes);
    let size = number(size.bytes).filter(|_| dated)?;
    let name = line.bytes.get(time.end.checked_add(1)?..)?;
    let directory = name.strip_suffix(b"/");
    let name = directory.unwrap_or(name);
    if name.is_empty() {
        return None;
    }
    Some(Entry {
        kind: Some(if directory.is_some() { EntryKind::Directory } else { EntryKind::File }),
        size: if directory.is_some() { None } else { Some(size) },
        modified: line.span(1, 4).map(<[u8]>::to_vec),
        ..Entry::of_name(name)
    })
}

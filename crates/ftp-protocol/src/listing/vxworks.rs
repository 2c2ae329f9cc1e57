//! Lines of VxWorks, also on Nortel's switches, as `ls` of its DOS file system writes them (Wind River, VxWorks
//! Programmer's Guide, dosFs): bytes, date, time, name, and a mark for directories:
//!
//! ```text
//!   size          date       time       name
//! --------       ------     ------    --------
//!     2048    MAR-14-2024  09:26:54   docs              <DIR>
//!     1234    MAR-14-2024  09:26:54   readme.txt
//! ```

use super::words::{Line, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let size = number(line.word(0)?)?;
    if !is_date(line.word(1)?) || !is_time(line.word(2)?) {
        return None;
    }
    let rest = line.rest_after(2)?;
    let directory = rest.strip_suffix(b"<DIR>").map(<[u8]>::trim_ascii_end);
    let name = directory.unwrap_or(rest);
    let name = if directory.is_some() { name.strip_suffix(b"/").unwrap_or(name) } else { name };
    if name.is_empty() {
        return None;
    }
    Some(Entry {
        kind: Some(if directory.is_some() { EntryKind::Directory } else { EntryKind::File }),
        size: Some(size).filter(|_| directory.is_none()),
        modified: line.span(1, 2).map(<[u8]>::to_vec),
        ..Entry::of_name(name)
    })
}

/// `MAR-14-2024`.
fn is_date(word: &[u8]) -> bool {
    let mut parts = word.split(|&byte| byte == b'-');
    let (month, day, year) = (parts.next(), parts.next(), parts.next());
    parts.next().is_none()
        && month.is_some_and(|month| month.len() == 3 && month.iter().all(u8::is_ascii_alphabetic))
        && day.is_some_and(|day| matches!(day.len(), 1 | 2) && number(day).is_some())
        && year.is_some_and(|year| year.len() == 4 && number(year).is_some())
}

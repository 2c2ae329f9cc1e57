//! Lines of OS/2 (IBM TCP/IP for OS/2, FTPD): size, attributes, date and time, name:
//!
//! ```text
//!                  0           DIR   03-14-97   16:44  name
//!              36611      A          04-23-103  10:57  name
//! ```
//!
//! Some servers count the years from 1900 on.

use super::words::{Line, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let size = number(line.word(0)?)?;
    let date = (1..4).find(|&at| line.word(at).is_some_and(is_date))?;
    let mut directory = false;
    for attribute in line.words.get(1..date)? {
        let is_set = attribute.bytes.iter().all(|letter| b"RHSA".contains(letter));
        directory |= attribute.bytes == b"DIR";
        if !is_set && attribute.bytes != b"DIR" {
            return None;
        }
    }
    let time = date.checked_add(1)?;
    let name = line.rest_after(time).filter(|_| line.word(time).is_some_and(is_time))?;
    Some(Entry {
        kind: Some(if directory { EntryKind::Directory } else { EntryKind::File }),
        size: if directory { None } else { Some(size) },
        modified: line.span(date, time).map(<[u8]>::to_vec),
        ..Entry::of_name(name)
    })
}

/// `03-14-97`, `03-14-103`, `03-14-2003`.
fn is_date(word: &[u8]) -> bool {
    let mut parts = word.split(|&byte| byte == b'-').map(|part| number(part).map_or(0, |_| part.len()));
    matches!([parts.next(), parts.next(), parts.next()], [Some(1 | 2), Some(1 | 2), Some(2..=4)])
        && parts.next().is_none()
}

//! Lines of Unisys ClearPath MCP and OS 2200 with DIRECTORY_FORMAT=NATIVE (Unisys, FTP Services for ClearPath OS 2200
//! User's Guide; TCP/IP Distributed Systems Services Operations Guide): name, kind of file, octets, date, time:
//!
//! ```text
//! Report for: (SMITH)A ON PACK
//! A/B                     SEQDATA    84 03/14/2024  09:26
//!           1 Files      84 Octets
//! ```

use super::words::{Line, is_numeric_date, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [name, kind, size, date, time] = &*line.words else { return None };
    let is_kind = kind.bytes.len() >= 3
        && kind.bytes.first().is_some_and(u8::is_ascii_uppercase)
        && kind.bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    let dated = date.bytes.contains(&b'/') && is_numeric_date(date.bytes) && is_time(time.bytes);
    if !is_kind || !dated || name.start > 0 {
        return None;
    }
    Some(Entry {
        kind: Some(EntryKind::File),
        size: Some(number(size.bytes)?),
        modified: line.span(3, 4).map(<[u8]>::to_vec),
        ..Entry::of_name(name.bytes)
    })
}

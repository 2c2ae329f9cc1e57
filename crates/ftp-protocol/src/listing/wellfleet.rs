//! Lines of WfFTP on the routers of Wellfleet and Bay Networks (Bay Networks, "Using Technician Interface Software",
//! dir): name, bytes, date, day of the week, time:
//!
//! ```text
//!  Volume - drive 1:
//!  Directory of 1:
//!
//! File Name            Size    Date     Day       Time
//! ------------------------------------------------------
//! startup.cfg          2116  03/14/96   Thur.   09:26:53
//! ```

use super::words::{Line, is_numeric_date, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [name, size, date, day, time] = &*line.words else { return None };
    let is_day = day.bytes.split_last().is_some_and(|(last, letters)| {
        *last == b'.' && letters.len() >= 3 && letters.iter().all(u8::is_ascii_alphabetic)
    });
    if !is_day || !is_numeric_date(date.bytes) || !is_time(time.bytes) {
        return None;
    }
    Some(Entry {
        kind: Some(EntryKind::File),
        size: Some(number(size.bytes)?),
        modified: line.span(2, 4).map(<[u8]>::to_vec),
        ..Entry::of_name(name.bytes)
    })
}

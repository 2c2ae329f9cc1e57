//! Files of CMS on z/VM (z/VM: TCP/IP User's Guide, DIR with LISTFORMAT VM; CMS Commands and Utilities Reference,
//! LISTFILE): name, type, record format, record length, records, blocks, date, time, and the minidisk; `LISTFILE` has
//! the mode behind the type:
//!
//! ```text
//! PROFILE  EXEC     V         73         14          1 2024-03-14 09:26:53 SMI191
//! PROJECT           DIR        -          -          - 2024-03-14 09:26:53 -
//! PROFILE  EXEC  A1 V         73         14          1  3/14/24  9:26:53 SMI191
//! ```
//!
//! A command takes name and type with a full stop between them. The size is that of all records at their full length.

use super::words::{Line, is_numeric_date, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let words = &*line.words;
    let date = (4..9).find(|&at| line.word(at).is_some_and(is_numeric_date))?;
    let time = date.checked_add(1)?;
    let format_at = date.checked_sub(4)?;
    let [format, length, records, blocks] = words.get(format_at..date)? else { return None };
    if !line.word(time).is_some_and(is_time) || words.len() > date.checked_add(3)? {
        return None;
    }
    let none = [length, records, blocks].iter().all(|word| word.bytes == b"-");
    let count = |text: &[u8]| number(text);
    let (kind, size) = match format.bytes {
        b"DIR" if none => (EntryKind::Directory, None),
        b"F" | b"V" => {
            count(blocks.bytes)?;
            (EntryKind::File, Some(count(length.bytes)?.checked_mul(count(records.bytes)?)?))
        }
        _ => return None,
    };
    let is_name = |word: &[u8]| word.len() <= 8;
    let name = match words.get(..format_at)? {
        [name] if kind == EntryKind::Directory => name.bytes.to_vec(),
        [name, kind] | [name, kind, _] if is_name(name.bytes) && is_name(kind.bytes) => {
            [name.bytes, b".", kind.bytes].concat()
        }
        _ => return None,
    };
    Some(Entry {
        name: Some(name),
        kind: Some(kind),
        rounded_size: size,
        modified: line.span(date, time).map(<[u8]>::to_vec),
        ..Entry::default()
    })
}

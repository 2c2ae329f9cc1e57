//! Batches of Sterling Connect:Enterprise for UNIX and of IBM's B2B networks built on it (IBM, "Directory (dir)
//! Command" of Sterling B2B Collaboration Network): ten flags, kind of transfer, mailbox, batch number, count of
//! blocks, date, name:
//!
//! ```text
//! -A-R------      1 SMITH01     0692432       7 Mar 14 09:26 name
//! -C--E-----FTP B   SMITH01       18128      41 Mar 14  2024 name
//! ```
//!
//! The count is not one of bytes. A batch is fetched by its name, or by its number behind a `#`.

use super::unix::find_date;
use super::words::{Line, number};
use super::{Entry, EntryKind};

/// How many flags a batch has.
const FLAGS: usize = 10;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let first = line.words.first().filter(|first| first.start == 0)?;
    let (flags, kind) = first.bytes.split_at_checked(FLAGS)?;
    let is_flag = |byte: &u8| *byte == b'-' || byte.is_ascii_uppercase();
    if !flags.iter().all(is_flag) || !kind.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let date = find_date(&line.words)?;
    let [.., mailbox, batch, count] = line.words.get(1..date.first)? else { return None };
    if number(batch.bytes).is_none() || number(count.bytes).is_none() {
        return None;
    }
    let name = line.bytes.get(line.words.get(date.last)?.end.checked_add(1)?..)?;
    if name.is_empty() {
        return None;
    }
    Some(Entry {
        kind: Some(EntryKind::File),
        modified: line.span(date.first, date.last).map(<[u8]>::to_vec),
        permissions: Some(flags.to_vec()),
        owner: Some(mailbox.bytes.to_vec()),
        ..Entry::of_name(name)
    })
}

//! Lines of NetWare's FTP server, with the rights of Novell's trustees in brackets (NetWare documentation, "Trustee
//! rights": supervisor, read, write, create, erase, modify, file scan, access control):
//!
//! ```text
//! d [R----F--] owner            512       Jan 16 18:53    name
//! -[RWCEAFMS]  1 owner  group   512 Jan 16 18:53 name
//! ```

use super::unix::entry_behind;
use super::words::Line;
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let (kind, rest) = line.bytes.split_first()?;
    let kind = match kind {
        b'd' => EntryKind::Directory,
        b'-' => EntryKind::File,
        _ => return None,
    };
    let rights = rest.trim_ascii_start().strip_prefix(b"[")?;
    let end = rights.iter().take_while(|right| b"-SRWCEMFA".contains(right)).count();
    let rights = rights.get(..end).filter(|_| rights.get(end) == Some(&b']') && end > 0)?;
    // The kind is a word of its own if a blank stands behind it.
    let first = if rest.starts_with(b"[") { 1 } else { 2 };
    let entry = entry_behind(line, first, kind, rights)?;
    // Names of NetWare have no leading blanks; the column has.
    let name = entry.name.as_deref().map(|name| name.trim_ascii_start().to_vec());
    Some(Entry { name: name.filter(|name| !name.is_empty()), ..entry }).filter(|entry| entry.name.is_some())
}

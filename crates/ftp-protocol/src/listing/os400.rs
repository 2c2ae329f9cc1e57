//! Lines of IBM i, formerly OS/400, of LISTFMT 0 (IBM i documentation, "File and directory entries in IBM i format"):
//! owner, size, date and time as the server's job writes them, type of object, name. Owner, size and date may be
//! missing:
//!
//! ```text
//! SMITH         36864 14/03/24 09:26:53 *STMF      readme.txt
//! SMITH         28672 24.03.14 09:26:53 *DIR       pub/
//! SMITH                                 *MEM       SOURCE.MAIN
//!                                       *FILE      SMITHLIB/SOURCE
//! ```

use super::words::{Line, is_numeric_date, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let at = line.words.iter().take(5).position(|word| is_type(word.bytes))?;
    let written = line.rest_after(at)?;
    let before = line.words.get(..at)?;
    let (people, dated) = match before {
        [people @ .., date, time] if is_numeric_date(date.bytes) && is_time(time.bytes) => (people, true),
        other => (other, false),
    };
    let (owner, size) = match people {
        [] => (None, None),
        [size] if number(size.bytes).is_some() => (None, number(size.bytes)),
        [owner] => (Some(owner.bytes), None),
        [owner, size] => (Some(owner.bytes), Some(number(size.bytes)?)),
        _ => return None,
    };
    let named = written.strip_suffix(b"/");
    let kind = match line.word(at)? {
        b"*DIR" | b"*DDIR" | b"*LIB" | b"*FLR" => EntryKind::Directory,
        // A file with members is walked into.
        b"*FILE" if named.is_some() => EntryKind::Directory,
        b"*FILE" | b"*MEM" | b"*STMF" | b"*DSTMF" | b"*DOC" | b"*SAVF" => EntryKind::File,
        b"*SYMLNK" => EntryKind::Link,
        _ => EntryKind::Other,
    };
    let date_at = at.checked_sub(2).filter(|_| dated);
    Some(Entry {
        kind: Some(kind),
        size: if kind == EntryKind::Directory { None } else { size },
        modified: date_at.and_then(|date| line.span(date, date.saturating_add(1))).map(<[u8]>::to_vec),
        owner: owner.map(<[u8]>::to_vec),
        ..Entry::of_name(named.filter(|name| !name.is_empty()).unwrap_or(written))
    })
}

/// The type of an object: `*STMF`.
fn is_type(word: &[u8]) -> bool {
    let Some(letters) = word.strip_prefix(b"*") else { return false };
    matches!(letters.len(), 2..=9)
        && letters.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

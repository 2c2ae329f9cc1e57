//! Lines of FTP servers on Mac OS: NetPresenz and its forerunner ("MACOS Peter's Server" in SYST), and WebSTAR.
//! Described by D. J. Bernstein ("FTP: File Transfer Protocol", /bin/ls format). A file has the sizes of its resource
//! fork, of its data fork, and their sum; a directory the number of what is in it:
//!
//! ```text
//! -------r--         326  1391972  1392298 Nov 22  1995 name
//! drwxrwxr-x               folder        2 May 10  1996 name
//! ```

use memchr::memmem;

use super::unix::{find_date, kind_of};
use super::words::{Line, number};
use super::{Entry, EntryKind};

/// Most bytes from the beginning of a line to the word "folder".
const WIDEST_FOLDER: usize = 64;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let mode = line.words.first().filter(|mode| mode.start == 0)?;
    let kind = kind_of(mode.bytes)?;
    let date = find_date(&line.words)?;
    let count = |index: usize| line.word(index).and_then(number);
    let size = match (kind, date.first) {
        (EntryKind::Directory, 3) if line.word(1) == Some(b"folder") => {
            count(2)?;
            None
        }
        (EntryKind::File | EntryKind::Link, 4) => {
            let (resource, data, both) = (count(1)?, count(2)?, count(3)?);
            (resource.checked_add(data) == Some(both)).then_some(())?;
            Some(both)
        }
        _ => return None,
    };
    let name_start = line.words.get(date.last)?.end.checked_add(1)?;
    let name = line.bytes.get(name_start..).filter(|name| !name.is_empty())?;
    Some(Entry {
        kind: Some(kind),
        size,
        modified: line.span(date.first, date.last).map(<[u8]>::to_vec),
        permissions: mode.bytes.get(1..).map(<[u8]>::to_vec),
        ..Entry::of_name(name)
    })
}

/// Whether a listing has a line that may be one of a directory.
pub(super) fn has_folder(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, b" folder ").any(|at| {
        // The mode stands before it at the beginning of a line.
        let before = bytes.get(at.saturating_sub(WIDEST_FOLDER)..at).unwrap_or_default().trim_ascii_end();
        let line = before.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        line.len() == 10 && line.starts_with(b"d") && kind_of(line).is_some()
    })
}

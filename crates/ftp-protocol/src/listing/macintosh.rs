//! Lines of FTP servers on Mac OS: NetPresenz and its forerunner ("MACOS Peter's Server" in SYST), and WebSTAR.
//! Described by D. J. Bernstein ("FTP: File Transfer Protocol", /bin/ls format). A file has the sizes of its resource
//! fork, of its data fork, and their sum; a directory the number of what is in it:
//!
//! ```text
//! -------r--         326  1391972  1392298 Nov 22  1995 name
//! drwxrwxr-x               folder        2 May 10  1996 name
//! ```

use super::unix::{find_date, kind_of};
use super::words::{Line, number};
use super::{Entry, EntryKind};

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

//! Jobs of z/OS and their spool files (z/OS Communications Server: IP User's Guide and Commands, "Interfacing with
//! JES"), of JESINTERFACELEVEL 1 and 2:
//!
//! ```text
//! SMITHA    JOB00023  OUTPUT    3 Spool Files
//!
//! JOBNAME  JOBID    OWNER    STATUS CLASS
//! SMITHA   JOB00023 SMITH    OUTPUT A        RC=0000 3 spool files
//!
//!          ID  STEPNAME PROCSTEP C DDNAME   BYTE-COUNT
//!          001 JES2     N/A      H JESMSGLG      1234
//! ```
//!
//! A job is fetched by its identifier, a spool file by its number.

use super::words::{Line, number};
use super::{Entry, EntryKind};

/// Reads a line of a job or a spool file; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    job(line).or_else(|| spool_file(line))
}

fn job(line: &Line<'_>) -> Option<Entry> {
    let [name, identifier, third, rest @ ..] = &*line.words else { return None };
    let is_status = |word: &[u8]| matches!(word, b"INPUT" | b"ACTIVE" | b"OUTPUT" | b"HELD");
    if name.bytes.len() > 8 || name.start > 0 || !is_identifier(identifier.bytes) {
        return None;
    }
    let owner = if is_status(third.bytes) {
        None
    } else {
        rest.first().filter(|status| is_status(status.bytes))?;
        Some(third.bytes.to_vec())
    };
    Some(Entry { kind: Some(EntryKind::File), owner, ..Entry::of_name(identifier.bytes) })
}

fn spool_file(line: &Line<'_>) -> Option<Entry> {
    let [identifier, .., class, name, size] = &*line.words else { return None };
    let is_spooled = matches!(line.words.len(), 5 | 6)
        && identifier.start > 0
        && identifier.bytes.len() >= 3
        && number(identifier.bytes).is_some()
        && matches!(class.bytes, [b'A'..=b'Z' | b'0'..=b'9'])
        && name.bytes.first().is_some_and(|first| !first.is_ascii_digit());
    let size = number(size.bytes).filter(|_| is_spooled)?;
    Some(Entry { kind: Some(EntryKind::File), size: Some(size), ..Entry::of_name(identifier.bytes) })
}

/// `JOB00023`, `TSU00023`, `STC00023`, `J0000023` and so on.
fn is_identifier(word: &[u8]) -> bool {
    let kinds: [&[u8]; 6] = [b"JOB", b"TSU", b"STC", b"J", b"T", b"S"];
    let digits = kinds.iter().find_map(|kind| word.strip_prefix(*kind)).unwrap_or_default();
    word.len() == 8 && number(digits).is_some()
}

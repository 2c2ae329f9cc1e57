//! Data sets of z/OS (z/OS Communications Server: IP User's Guide and Commands, DIR; Configuration Reference,
//! LISTLEVEL):
//!
//! ```text
//! Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname
//! VOL001 3390   2024/03/14  1   15  FB      80 27920  PO  SMITH.SOURCE
//! VOL001 3390   **NONE**    1+++++  VB   32756 32760  PS  'SMITH.LOG'
//! VOL001 3390                                        VSAM SMITH.INDEX
//! V00002 Tape                                             SMITH.BACKUP
//! Migrated                                                SMITH.OLD
//! Pseudo Directory                                        SMITH.PROJECT
//! ```
//!
//! Columns may run into each other or be empty, so they are read from both ends. The date is that of the last
//! reference, not of a change, and sizes are in tracks: neither is told as something else.

use super::words::{Line, is_numeric_date};
use super::{Entry, EntryKind};

/// Longest name of a data set with its quotation marks.
const LONGEST_NAME: usize = 46;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let name = name_of(line)?;
    let word = |index: usize| line.word(index).unwrap_or_default();
    let before_name = line.words.len().checked_sub(2)?;
    let kind = match (word(0), word(1), word(before_name)) {
        (b"Migrated" | b"MIGRAT" | b"ARCIVE", _, _) if before_name == 0 => None,
        (b"ARCIVE", b"Not", b"Device") => None,
        (b"Pseudo", b"Directory", _) if before_name == 1 => Some(EntryKind::Directory),
        (volume, b"Tape", _) if before_name == 1 && is_volume(volume) => Some(EntryKind::File),
        // Clusters are nothing that FTP transfers.
        (volume, _, b"VSAM") if is_volume(volume) => Some(EntryKind::Other),
        (volume, _, organisation) if is_volume(volume) && is_referred(word(2)) => match organisation {
            b"PO" | b"PO-E" | b"POU" => Some(EntryKind::Directory),
            b"PS" | b"PS-E" | b"PS-L" | b"PSU" | b"DA" | b"DAU" => Some(EntryKind::File),
            b"VS" | b"IS" | b"ISU" | b"CX" | b"HFS" | b"ZFS" => Some(EntryKind::Other),
            _ => return None,
        },
        _ => return None,
    };
    Some(Entry { kind, ..Entry::of_name(name) })
}

/// Reads a line below the heading of data sets, whatever stands before the name: "Error determining attributes", "GDG".
pub(super) fn parse_below_heading(line: &Line<'_>) -> Option<Entry> {
    parse(line).or_else(|| name_of(line).filter(|_| line.words.len() > 1).map(Entry::of_name))
}

/// The last word without its quotation marks, if it can be the name of a data set.
fn name_of<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    let last = line.words.last().filter(|last| last.bytes.len() <= LONGEST_NAME)?.bytes;
    let bare = last.strip_prefix(b"'").and_then(|last| last.strip_suffix(b"'")).unwrap_or(last);
    let is_letter = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"$#@-{".contains(byte);
    let is_part = |part: &[u8]| matches!(part.len(), 1..=8) && part.iter().all(is_letter);
    bare.split(|&byte| byte == b'.').all(is_part).then_some(bare)
}

/// The serial number of a volume.
fn is_volume(word: &[u8]) -> bool {
    matches!(word.len(), 1..=6)
        && word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"$#@-*".contains(byte))
}

/// The day of the last reference.
fn is_referred(word: &[u8]) -> bool {
    word == b"**NONE**" || word.len() == 10 && word.contains(&b'/') && is_numeric_date(word)
}

//! Members of a partitioned data set of z/OS (z/OS Communications Server: IP User's Guide and Commands, DIR), with
//! the statistics of ISPF if they have some, or as load modules with sizes in hexadecimal digits:
//!
//! ```text
//!  Name     VV.MM   Created       Changed      Size  Init   Mod   Id
//! MEMBER    01.03 2024/01/30 2024/03/14 09:26    15    10     0 SMITH
//! PLAIN
//!  Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode
//! MODULE    000748   00010B          00 FO             RN RU            31    ANY
//! SHORT     000748   00010B MODULE   00 FO             RN RU            31    ANY
//! ```
//!
//! Sizes of members are in records, those of modules are of their memory: neither is the size of a transfer.

use super::words::{Line, is_numeric_date, is_time, number};
use super::{Entry, EntryKind};

/// Reads a line with statistics; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [name, version, created, changed, time, size, initial, modified, ..] = &*line.words else {
        return None;
    };
    let (major, minor) = version.bytes.split_at_checked(2)?;
    let versioned = number(major).is_some() && minor.strip_prefix(b".").and_then(number).is_some();
    let dated = is_numeric_date(created.bytes) && is_numeric_date(changed.bytes) && is_time(time.bytes);
    let counted = [size, initial, modified].iter().all(|count| number(count.bytes).is_some());
    if !(is_name(name.bytes) && versioned && dated && counted) {
        return None;
    }
    Some(Entry {
        kind: Some(EntryKind::File),
        modified: line.span(3, 4).map(<[u8]>::to_vec),
        owner: line.word(8).map(<[u8]>::to_vec),
        ..Entry::of_name(name.bytes)
    })
}

/// Reads a line of a load module; `None` if it is not of this form.
pub(super) fn parse_load_module(line: &Line<'_>) -> Option<Entry> {
    let [name, size, track, rest @ ..] = &*line.words else { return None };
    let hexadecimal = |word: &[u8]| matches!(word.len(), 6..=8) && word.iter().all(u8::is_ascii_hexdigit);
    let [.., mode, residence] = rest else { return None };
    let is_mode = |word: &[u8]| matches!(word, b"24" | b"31" | b"64" | b"ANY" | b"MIN");
    if !is_name(name.bytes) || !hexadecimal(size.bytes) || !hexadecimal(track.bytes) {
        return None;
    }
    if !is_mode(mode.bytes) || !is_mode(residence.bytes) {
        return None;
    }
    // The authorization code has two digits; what stands before it is the module of which this is another name.
    let alias = match rest {
        [code, ..] if code.bytes.len() == 2 && number(code.bytes).is_some() => None,
        [alias, code, ..] if is_name(alias.bytes) && number(code.bytes).is_some() => Some(alias.bytes),
        _ => return None,
    };
    Some(Entry {
        kind: Some(if alias.is_some() { EntryKind::Link } else { EntryKind::File }),
        target: alias.map(<[u8]>::to_vec),
        ..Entry::of_name(name.bytes)
    })
}

/// Reads a line that is but a name, below the heading of members.
pub(super) fn parse_name(line: &Line<'_>) -> Option<Entry> {
    let [name] = &*line.words else { return None };
    is_name(name.bytes).then(|| Entry { kind: Some(EntryKind::File), ..Entry::of_name(name.bytes) })
}

/// One to eight capital letters, digits and national characters, no digit first.
fn is_name(word: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_uppercase() || b"$#@".contains(byte);
    matches!(word.len(), 1..=8)
        && word.first().is_some_and(is_letter)
        && word.iter().all(|byte| is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'{' | 0x80..))
}

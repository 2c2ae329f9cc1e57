//! Lines of MPE/iX on HP 3000, as `LISTFILE ,2` writes them (HP, MPE/iX Commands Reference Manual): code, record size
//! in words or bytes, type, records, limit, blocking factor, sectors and extents. The name stands first, or last
//! where names may be long:
//!
//! ```text
//! ACCOUNT=  SMITH       GROUP=  PUB
//! FILENAME  CODE  ------------LOGICAL RECORD-----------  ----SPACE----
//!                   SIZE  TYP        EOF      LIMIT R/B  SECTORS #X MX
//! LEDGER    PRIV    128W  FB           6          6   1       16  1  1
//!
//!  PATH= /SMITH/PUB/
//!  CODE  ------------LOGICAL RECORD-----------  ----SPACE----  FILENAME
//!           16W  HBD         12   67107839   1       96  1  * docs/
//! ```
//!
//! There are no dates. A file of records of one byte has as many bytes as records.

use super::words::{Line, number};
use super::{Entry, EntryKind};

/// Columns of numbers behind the type.
const NUMBERS: usize = 6;

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let at = line.words.iter().take(3).position(|word| record_size(word.bytes).is_some())?;
    let record = record_size(line.word(at)?)?;
    let kind = line.word(at.checked_add(1)?)?;
    let is_kind = matches!(kind.len(), 1..=4) && kind.iter().all(u8::is_ascii_uppercase);
    let first = at.checked_add(2)?;
    let behind = first.checked_add(NUMBERS)?;
    let counted =
        line.words.get(first..behind)?.iter().all(|word| number(word.bytes).is_some() || word.bytes == b"*");
    let records = number(line.word(first)?).filter(|_| is_kind && counted)?;
    let last = line.word(behind);
    let name = match (at, last) {
        (1 | 2, None) => line.word(0)?,
        (0 | 1, Some(name)) => name,
        _ => return None,
    };
    let folder = name.strip_suffix(b"/").filter(|name| !name.is_empty());
    let directory = folder.is_some() || kind == b"HBD";
    let size = records.checked_mul(record).filter(|_| !directory);
    Some(Entry {
        kind: Some(if directory { EntryKind::Directory } else { EntryKind::File }),
        size: size.filter(|_| record == 1),
        rounded_size: size.filter(|_| record != 1),
        ..Entry::of_name(folder.unwrap_or(name))
    })
}

/// Bytes of a record of `128W` (words of two bytes) or `80B`.
fn record_size(word: &[u8]) -> Option<u64> {
    match word.split_last()? {
        (b'W', words) => number(words)?.checked_mul(2),
        (b'B', bytes) => number(bytes),
        _ => None,
    }
}

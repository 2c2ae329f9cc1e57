//! Facts of MLSD and MLST (RFC 3659 section 7): `Type=file;Size=1024;Modify=20240314092653; name`.

use memchr::{memchr, memmem};

use super::stamp::of_fact;
use super::words::number;
use super::{Entry, EntryKind};

/// Reads a line; `None` if it is not of this form. `strict` asks for a well-known fact, for lines of which it is not
/// known that they come from MLSD.
pub(super) fn parse(line: &[u8], strict: bool) -> Option<Entry> {
    let space = end_of_facts(line)?;
    let facts = line.get(..space)?;
    let name = line.get(space.checked_add(1)?..).filter(|name| !name.is_empty())?;
    let mut entry = Entry::of_name(name);
    let mut known = false;
    // The last semicolon is missing on servers that follow an early draft.
    for fact in facts.strip_suffix(b";").unwrap_or(facts).split(|&byte| byte == b';') {
        if facts.is_empty() {
            break;
        }
        let equals = memchr(b'=', fact).filter(|&at| at > 0)?;
        let (key, value) = (fact.get(..equals)?, fact.get(equals.checked_add(1)?..)?);
        known |= entry.take(&key.to_ascii_lowercase(), value);
    }
    (known || !strict).then_some(entry)
}

/// Place of the space between facts and name.
fn end_of_facts(line: &[u8]) -> Option<usize> {
    let space = memchr(b' ', line)?;
    // Facts hold no space, but some servers put the target of a link there as it is.
    let last_fact = line.get(..space)?.rsplit(|&byte| byte == b';').next()?;
    if memmem::find(&last_fact.to_ascii_lowercase(), b"slink:").is_some() {
        return memmem::find(line, b"; ").and_then(|at| at.checked_add(1)).or(Some(space));
    }
    Some(space)
}

impl Entry {
    /// Takes a fact over; whether it is one that RFC 3659 section 7.5 knows.
    fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        match key {
            b"type" => self.take_type(value),
            b"size" | b"sizd" => self.size = number(value),
            b"modify" => {
                self.modified = Some(value.to_vec());
                self.date = of_fact(value);
            }
            // The mode says more than the letters of "perm", wherever it stands.
            b"unix.mode" => self.permissions = Some(value.to_vec()),
            b"perm" => {
                self.permissions.get_or_insert_with(|| value.to_vec());
            }
            b"unix.ownername" | b"unix.owner" | b"unix.uid" => prefer_name(&mut self.owner, value),
            b"unix.groupname" | b"unix.group" | b"unix.gid" => prefer_name(&mut self.group, value),
            b"create" | b"unique" | b"lang" | b"media-type" | b"charset" => {}
            _ => return false,
        }
        true
    }

    fn take_type(&mut self, value: &[u8]) {
        let lower = value.to_ascii_lowercase();
        self.kind = Some(match lower.as_slice() {
            b"file" => EntryKind::File,
            b"dir" | b"cdir" | b"pdir" => EntryKind::Directory,
            other if memmem::find(other, b"slink").is_some() || memmem::find(other, b"symlink").is_some() => {
                self.target = memchr(b':', value)
                    .and_then(|colon| value.get(colon.saturating_add(1)..))
                    .filter(|target| !target.is_empty())
                    .map(<[u8]>::to_vec);
                EntryKind::Link
            }
            _ => EntryKind::Other,
        });
    }
}

/// A name takes the place of a number, never the other way round.
fn prefer_name(place: &mut Option<Vec<u8>>, value: &[u8]) {
    if place.as_deref().is_none_or(|old| number(old).is_some()) {
        *place = Some(value.to_vec());
    }
}

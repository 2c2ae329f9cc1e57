//! How entries are written for a client: as `ls -l` does, names only, or facts (RFC 3659 section 7).
//!
//! Takes an entry and what is known of it, appends one line with CR LF. Never reads a directory; a clock's time is an argument.
//!
//! ```text
//!  LIST  write_long   -rw-r--r--   1 joe      staff        1234 Nov 26 14:31 name
//!  NLST  write_name   pub/name
//!  MLSD  write_facts  type=file;size=1234;modify=20261126143100;perm=radfw; name
//! ```

mod fact;
mod long;
mod pattern;
pub mod time;

pub use fact::{Fact, write_facts};
pub use long::write_long;
pub use pattern::Pattern;

use crate::account::Permissions;
use crate::store::{Entry, VirtualPath};

/// Whether a name may stand in a listing. One that holds CR or LF would be read as two, and could forge a line.
pub fn is_listable(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// Appends the line of an entry of MLSD: facts, a space, the name. `path` is the entry's own.
pub fn write_machine(
    out: &mut Vec<u8>,
    facts: &[Fact],
    entry: &Entry,
    path: &VirtualPath,
    permissions: &Permissions,
) {
    write_facts(out, facts, &entry.metadata, path, permissions);
    out.push(b' ');
    out.extend_from_slice(&entry.name);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line of an entry of NLST: the name behind what the argument named (RFC 1123 section 4.1.2.7).
pub fn write_name(out: &mut Vec<u8>, prefix: &[u8], entry: &Entry) {
    out.extend_from_slice(prefix);
    out.extend_from_slice(&entry.name);
    out.extend_from_slice(b"\r\n");
}

/// Appends the only line of NLST of one file: its name as the argument had it, of which `prefix` was made.
pub fn write_file_name(out: &mut Vec<u8>, prefix: &[u8]) {
    out.extend_from_slice(prefix.strip_suffix(b"/").unwrap_or(prefix));
    out.extend_from_slice(b"\r\n");
}

/// Metadata of which only kind and length are known.
#[cfg(test)]
pub(crate) fn plain(kind: crate::store::Kind, size: u64) -> crate::store::Metadata {
    crate::store::Metadata {
        kind,
        size,
        modified: None,
        created: None,
        mode: None,
        owner: None,
        group: None,
        links: None,
        unique: None,
        target: None,
    }
}

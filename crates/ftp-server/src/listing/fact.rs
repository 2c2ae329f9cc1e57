//! Facts of MLST and MLSD (RFC 3659 section 7.5).

use std::io::Write as _;

use super::time;
use crate::account::{Permissions, Right};
use crate::store::{Kind, Metadata, VirtualPath};

/// A fact of MLST and MLSD (RFC 3659 section 7.5, and UNIX.* as servers have set the usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// `type`.
    Type,
    /// `size`.
    Size,
    /// `modify`, UTC.
    Modify,
    /// `create`, UTC.
    Create,
    /// `perm`: what this account may do with the entry.
    Perm,
    /// `unique`.
    Unique,
    /// `UNIX.mode`.
    UnixMode,
    /// `UNIX.owner`.
    UnixOwner,
    /// `UNIX.group`.
    UnixGroup,
}

impl Fact {
    /// Every fact, in the order in which they are written.
    pub const ALL: [Self; 9] = [
        Self::Type,
        Self::Size,
        Self::Modify,
        Self::Create,
        Self::Perm,
        Self::Unique,
        Self::UnixMode,
        Self::UnixOwner,
        Self::UnixGroup,
    ];

    /// Those that are sent when OPTS MLST has chosen none.
    pub const DEFAULT: [Self; 7] =
        [Self::Type, Self::Size, Self::Modify, Self::Perm, Self::UnixMode, Self::UnixOwner, Self::UnixGroup];

    /// The fact's name as FEAT and OPTS have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Size => "size",
            Self::Modify => "modify",
            Self::Create => "create",
            Self::Perm => "perm",
            Self::Unique => "unique",
            Self::UnixMode => "UNIX.mode",
            Self::UnixOwner => "UNIX.owner",
            Self::UnixGroup => "UNIX.group",
        }
    }

    /// The fact of this name, in any case (RFC 3659 section 7.5).
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Appends the facts that are known of the entry at `path`, each with its semicolon and without the name.
pub fn write_facts(
    out: &mut Vec<u8>,
    facts: &[Fact],
    metadata: &Metadata,
    path: &VirtualPath,
    permissions: &Permissions,
) {
    for &fact in facts {
        let begin = out.len();
        out.extend_from_slice(fact.name().as_bytes());
        out.push(b'=');
        if write_value(out, fact, metadata, path, permissions) {
            out.push(b';');
        } else {
            out.truncate(begin);
        }
    }
}

/// Whether the value is known, and so was appended.
fn write_value(
    out: &mut Vec<u8>,
    fact: Fact,
    metadata: &Metadata,
    path: &VirtualPath,
    permissions: &Permissions,
) -> bool {
    match fact {
        Fact::Type => {
            out.extend_from_slice(type_of(metadata.kind).as_bytes());
            true
        }
        // RFC 3659 section 7.5.7: of a file; a directory's length means nothing to a client.
        Fact::Size if metadata.kind == Kind::File => write!(out, "{}", metadata.size).is_ok(),
        Fact::Size => false,
        Fact::Modify => append(out, metadata.modified.and_then(time::write).as_deref()),
        Fact::Create => append(out, metadata.created.and_then(time::write).as_deref()),
        Fact::Perm => {
            write_perm(out, metadata.kind, path, permissions);
            true
        }
        Fact::Unique => append(out, metadata.unique.as_deref()),
        Fact::UnixMode => metadata.mode.is_some_and(|mode| write!(out, "{:04o}", mode & 0o7777).is_ok()),
        Fact::UnixOwner => append(out, metadata.owner.as_deref()),
        Fact::UnixGroup => append(out, metadata.group.as_deref()),
    }
}

/// A value holds no semicolon (RFC 3659 section 7.2), and nothing that ends a line.
fn append(out: &mut Vec<u8>, value: Option<&str>) -> bool {
    let Some(value) = value else { return false };
    out.extend(value.bytes().map(|byte| if byte == b';' || byte.is_ascii_control() { b'_' } else { byte }));
    true
}

/// RFC 3659 section 7.5.1; the forms with `OS.` are those that servers on Unix have set.
fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::Directory => "dir",
        Kind::Link => "OS.unix=symlink",
        Kind::Other => "OS.unix=special",
    }
}

/// RFC 3659 section 7.5.5: the commands that this account may use on the entry.
fn write_perm(out: &mut Vec<u8>, kind: Kind, path: &VirtualPath, permissions: &Permissions) {
    let rights = permissions.at(path);
    let letters: &[(u8, Right)] = match kind {
        Kind::Directory => &[
            (b'c', Right::WRITE),
            (b'd', Right::DELETE),
            (b'e', Right::LIST),
            (b'f', Right::RENAME),
            (b'l', Right::LIST),
            (b'm', Right::MKDIR),
            (b'p', Right::DELETE),
        ],
        Kind::File => &[
            (b'a', Right::WRITE),
            (b'd', Right::DELETE),
            (b'f', Right::RENAME),
            (b'r', Right::READ),
            (b'w', Right::WRITE),
        ],
        Kind::Link | Kind::Other => &[(b'd', Right::DELETE), (b'f', Right::RENAME)],
    };
    out.extend(letters.iter().filter(|(_, right)| rights.contains(*right)).map(|(letter, _)| letter));
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::listing::plain;

    fn written(metadata: &Metadata, rights: Right, facts: &[Fact]) -> String {
        let mut out = Vec::new();
        let path = VirtualPath::root().join(b"a").unwrap();
        write_facts(&mut out, facts, metadata, &path, &Permissions::everywhere(rights));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn all_facts_of_a_file() {
        let metadata = Metadata {
            modified: Some(UNIX_EPOCH + Duration::from_secs(951_827_696)),
            created: Some(UNIX_EPOCH),
            mode: Some(0o100_644),
            owner: Some("joe".into()),
            group: Some("a;b".into()),
            unique: Some("8g1".into()),
            ..plain(Kind::File, 12)
        };
        assert_eq!(
            written(&metadata, Right::ALL, &Fact::ALL),
            "type=file;size=12;modify=20000229123456;create=19700101000000;perm=adfrw;unique=8g1;UNIX.mode=0644;UNIX.owner=joe;UNIX.group=a_b;"
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(written(&plain(Kind::Directory, 4096), Right::NONE, &Fact::ALL), "type=dir;perm=;");
        assert_eq!(written(&plain(Kind::Link, 3), Right::ALL, &[Fact::Type]), "type=OS.unix=symlink;");
    }

    #[test]
    fn perm_says_what_this_account_may_do() {
        assert_eq!(written(&plain(Kind::File, 0), Right::READ_ONLY, &[Fact::Perm]), "perm=r;");
        assert_eq!(written(&plain(Kind::Directory, 0), Right::READ_ONLY, &[Fact::Perm]), "perm=el;");
        assert_eq!(written(&plain(Kind::Directory, 0), Right::ALL, &[Fact::Perm]), "perm=cdeflmp;");
    }

    #[test]
    fn facts_are_found_by_name_in_any_case() {
        for fact in Fact::ALL {
            assert_eq!(Fact::from_name(fact.name().to_ascii_uppercase().as_bytes()), Some(fact));
        }
        assert_eq!(Fact::from_name(b""), None);
    }
}

//! What an account may do, for each part of its tree.

use std::fmt;
use std::ops::BitOr;

use crate::store::VirtualPath;

/// One or several rights.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Right(u8);

impl Right {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// See names and what is known of entries: LIST, NLST, MLSD, MLST, SIZE, MDTM. CWD takes any right.
    pub const LIST: Self = Self(1);
    /// Read files: RETR, HASH and its kin.
    pub const READ: Self = Self(1 << 1);
    /// Make and replace files: STOR, STOU, APPE, COMB.
    pub const WRITE: Self = Self(1 << 2);
    /// Remove files and directories: DELE, RMD.
    pub const DELETE: Self = Self(1 << 3);
    /// Give other names: RNFR, RNTO.
    pub const RENAME: Self = Self(1 << 4);
    /// Change modes and times: SITE CHMOD, MFMT, MFF, SITE UTIME.
    pub const CHMOD: Self = Self(1 << 5);
    /// Make directories: MKD.
    pub const MKDIR: Self = Self(1 << 6);
    /// What a reader needs.
    pub const READ_ONLY: Self = Self(1 | 1 << 1);
    /// Everything.
    pub const ALL: Self = Self(0x7f);

    /// Whether all of `other` are in it.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The rights' names, as in an accounts file.
pub const NAMES: [(Right, &str); 7] = [
    (Right::LIST, "list"),
    (Right::READ, "read"),
    (Right::WRITE, "write"),
    (Right::DELETE, "delete"),
    (Right::RENAME, "rename"),
    (Right::CHMOD, "chmod"),
    (Right::MKDIR, "mkdir"),
];

impl BitOr for Right {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Right {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = NAMES.iter().filter(|(right, _)| self.contains(*right)).map(|(_, name)| name);
        formatter.debug_set().entries(names).finish()
    }
}

/// Rights for subtrees: of all that hold a path, the longest counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    everywhere: Right,
    beneath: Vec<(VirtualPath, Right)>,
}

impl Permissions {
    /// The same rights everywhere.
    pub fn everywhere(rights: Right) -> Self {
        Self { everywhere: rights, beneath: Vec::new() }
    }

    /// Other rights for `directory` and what lies beneath it.
    #[must_use]
    pub fn beneath(mut self, directory: VirtualPath, rights: Right) -> Self {
        self.beneath.push((directory, rights));
        self
    }

    /// Whether all of `right` are granted at `path`.
    pub fn allow(&self, path: &VirtualPath, right: Right) -> bool {
        self.at(path).contains(right)
    }

    /// Whether all of `right` are granted at `path` and everywhere beneath it, as what moves a whole tree needs.
    pub fn allow_throughout(&self, path: &VirtualPath, right: Right) -> bool {
        let beneath = self.beneath.iter().filter(|(directory, _)| directory.is_within(path));
        self.allow(path, right) && beneath.into_iter().all(|(_, rights)| rights.contains(right))
    }

    /// The rights at `path`.
    pub fn at(&self, path: &VirtualPath) -> Right {
        self.beneath
            .iter()
            .filter(|(directory, _)| path.is_within(directory))
            .max_by_key(|(directory, _)| directory.as_bytes().len())
            .map_or(self.everywhere, |&(_, rights)| rights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_granted_with_all_that_it_holds() {
        let path = |text: &str| VirtualPath::root().join(text.as_bytes()).unwrap();
        let permissions = Permissions::everywhere(Right::ALL).beneath(path("/a/b"), Right::READ_ONLY);
        assert!(!permissions.allow_throughout(&path("/a"), Right::RENAME));
        assert!(permissions.allow_throughout(&path("/a"), Right::READ));
        assert!(permissions.allow_throughout(&path("/c"), Right::RENAME));
    }

    #[test]
    fn the_longest_subtree_counts() {
        let path = |text: &str| VirtualPath::root().join(text.as_bytes()).unwrap();
        let permissions = Permissions::everywhere(Right::READ_ONLY)
            .beneath(path("/incoming"), Right::WRITE)
            .beneath(path("/incoming/old"), Right::NONE);
        assert!(permissions.allow(&path("/pub/a"), Right::READ));
        assert!(!permissions.allow(&path("/pub/a"), Right::WRITE));
        assert!(permissions.allow(&path("/incoming/a"), Right::WRITE));
        assert!(!permissions.allow(&path("/incoming/a"), Right::READ));
        assert!(!permissions.allow(&path("/incoming/old/a"), Right::WRITE));
        assert!(permissions.allow(&path("/incoming2"), Right::READ));
    }
}

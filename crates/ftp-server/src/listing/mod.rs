//! How entries are written for a client: as `ls -l` does, names only, or facts (RFC 3659 section 7).

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

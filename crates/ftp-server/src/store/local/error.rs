//! What the operating system's errors mean to a store.

use rustix::io::Errno;

use crate::store::StoreError;

/// An error of finding a path beneath the root.
pub(super) fn resolving(error: Errno) -> StoreError {
    match error {
        // Out of the root, or through a link that is not followed.
        Errno::XDEV | Errno::LOOP => StoreError::NotPermitted,
        error => StoreError::from(error),
    }
}

impl From<Errno> for StoreError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT => Self::NotFound,
            Errno::ACCESS | Errno::PERM | Errno::LOOP => Self::NotPermitted,
            Errno::ROFS => Self::ReadOnly,
            Errno::EXIST => Self::Exists,
            Errno::NOTDIR => Self::NotADirectory,
            Errno::ISDIR => Self::IsADirectory,
            Errno::NOTEMPTY => Self::NotEmpty,
            Errno::NAMETOOLONG => Self::BadName("it is too long"),
            Errno::ILSEQ => Self::BadName("the file system cannot hold its characters"),
            Errno::NOSPC | Errno::FBIG => Self::NoSpace,
            Errno::DQUOT => Self::QuotaExceeded,
            Errno::BUSY | Errno::TXTBSY | Errno::AGAIN => Self::Busy,
            // A pipe without a reader, a socket, or a device without a driver.
            Errno::NXIO | Errno::NODEV => Self::NotRegular,
            Errno::OPNOTSUPP | Errno::NOSYS | Errno::XDEV => Self::Unsupported,
            error => Self::Io(error.into()),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(known) => Self::from(known),
            None => Self::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_that_a_client_can_do_something_about_has_its_own_kind() {
        for (error, words) in [
            (Errno::NOSPC, "there is no space left"),
            (Errno::FBIG, "there is no space left"),
            (Errno::DQUOT, "the quota is used up"),
            (Errno::ACCESS, "this is not permitted"),
            (Errno::ROFS, "the file system is read-only"),
            (Errno::LOOP, "this is not permitted"),
            (Errno::NAMETOOLONG, "this name is not allowed: it is too long"),
            (Errno::NOTEMPTY, "the directory is not empty"),
        ] {
            assert_eq!(StoreError::from(error).to_string(), words);
            assert_eq!(StoreError::from(std::io::Error::from(error)).to_string(), words);
        }
    }

    #[test]
    fn another_file_system_is_outside_only_where_a_path_is_looked_for() {
        assert!(matches!(resolving(Errno::XDEV), StoreError::NotPermitted));
        assert!(matches!(StoreError::from(Errno::XDEV), StoreError::Unsupported));
    }
}

//! Why a store did not do what it was asked.

use std::io;

/// Each becomes one reply of the session (RFC 959 section 4.2.2).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing has this name.
    #[error("there is no such file or directory")]
    NotFound,
    /// The operating system or the jail forbids it; also for a path that leads out of the root.
    #[error("this is not permitted")]
    NotPermitted,
    /// The file system can only be read.
    #[error("the file system is read-only")]
    ReadOnly,
    /// Something has this name already.
    #[error("there is already something of this name")]
    Exists,
    /// A directory was needed.
    #[error("this is not a directory")]
    NotADirectory,
    /// A file was needed.
    #[error("this is a directory")]
    IsADirectory,
    /// A regular file was needed, and this is a device, a socket or a pipe.
    #[error("this is not a regular file")]
    NotRegular,
    /// A directory that is to be removed holds something.
    #[error("the directory is not empty")]
    NotEmpty,
    /// The store does not take this name.
    #[error("this name is not allowed: {0}")]
    BadName(&'static str),
    /// A restart lies behind the end of the file.
    #[error("the offset {offset} lies behind the end of the file at {length}")]
    BehindEnd {
        /// Where writing was to begin.
        offset: u64,
        /// Length of the file in bytes.
        length: u64,
    },
    /// The disk is full.
    #[error("there is no space left")]
    NoSpace,
    /// The account's quota is used up.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// Somebody else uses it just now.
    #[error("it is in use")]
    Busy,
    /// The store cannot do this at all.
    #[error("the store cannot do this")]
    Unsupported,
    /// Anything else that the operating system says; for the log, not for the client.
    #[error("input or output failed: {0}")]
    Io(#[source] io::Error),
}

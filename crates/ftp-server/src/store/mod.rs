//! Where files are kept: takes paths beneath a root, gives files, entries and what is known of them.
//!
//! Calls may block; the driver decides where they run. A store never sees a reply code: the session makes one of a
//! [`StoreError`].

mod error;
#[cfg(target_os = "linux")]
pub mod local;
mod path;
pub mod quota;

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::time::SystemTime;

pub use error::StoreError;
pub use path::{LONGEST_NAME, LONGEST_PATH, PathError, VirtualPath};

/// What a store does with a result.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link that is not followed, or leads nowhere that may be seen.
    Link,
    /// A device, a socket or a pipe: it is listed, and not opened.
    Other,
}

/// What is known of an entry; what the store does not know is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is, after following links as far as the store does.
    pub kind: Kind,
    /// Length in bytes; of a directory whatever the store says.
    pub size: u64,
    /// Time of the last change of its content.
    pub modified: Option<SystemTime>,
    /// Time of its making.
    pub created: Option<SystemTime>,
    /// Permission bits as of `chmod`, 0 to 0o7777.
    pub mode: Option<u32>,
    /// Owner's name or number.
    pub owner: Option<String>,
    /// Group's name or number.
    pub group: Option<String>,
    /// Number of hard links.
    pub links: Option<u64>,
    /// Text that is the same for two names exactly if both are the same file (RFC 3659 section 7.5.2, `unique`).
    pub unique: Option<String>,
    /// Where a link leads, as written in it; also of a link that was followed.
    pub target: Option<Vec<u8>>,
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its last component, as the store has it: any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What is known of it.
    pub metadata: Metadata,
}

/// How an upload begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// STOR: what had this name is replaced once the new file is whole.
    Replace,
    /// APPE: bytes are added behind what is there; a missing file is made.
    Append,
    /// REST and STOR: bytes are written from this offset on, and what was behind it is dropped. At most the file's length.
    From(u64),
    /// STOU: the store finds a name beside the given one that nothing has yet.
    Unique,
}

/// Time and space of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that may still be written.
    pub available: u64,
}

/// Files beneath a root, of one account.
pub trait Store: Send + Sync {
    /// What is known of `path`, links followed as far as the store does.
    fn metadata(&self, path: &VirtualPath) -> Result<Metadata>;
    /// The entries of a directory, without `.` and `..`, in no particular order and read as they are asked for.
    fn list(&self, path: &VirtualPath) -> Result<Box<dyn Iterator<Item = Result<Entry>> + Send>>;
    /// Opens a regular file for reading.
    fn read(&self, path: &VirtualPath) -> Result<Box<dyn ReadFile>>;
    /// Begins an upload.
    fn write(&self, path: &VirtualPath, disposition: Disposition) -> Result<Box<dyn WriteFile>>;
    /// Makes a directory; its parent must be there.
    fn make_directory(&self, path: &VirtualPath) -> Result<()>;
    /// Removes an empty directory.
    fn remove_directory(&self, path: &VirtualPath) -> Result<()>;
    /// Removes what is no directory.
    fn remove_file(&self, path: &VirtualPath) -> Result<()>;
    /// Gives an entry another name; a file that has that name is replaced.
    fn rename(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()>;
    /// Sets permission bits, 0 to 0o7777.
    fn set_mode(&self, path: &VirtualPath, mode: u32) -> Result<()>;
    /// Sets the time of the last change.
    fn set_modified(&self, path: &VirtualPath, time: SystemTime) -> Result<()>;
    /// How much may still be written where `path` is; `None` if that cannot be known.
    fn space(&self, path: &VirtualPath) -> Result<Option<Space>>;
}

/// A file opened for reading.
pub trait ReadFile: Send + Sync {
    /// What is known of it, as it was when it was opened.
    fn metadata(&self) -> &Metadata;
    /// Reads at `offset` into `buffer`; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;
    /// The file of the operating system, for sending without copying; `None` if there is none.
    fn as_file(&self) -> Option<&File>;
}

/// An upload under way. Dropped without [`WriteFile::finish`] it leaves under the final name what was there before,
/// unless the store was told to write in place.
pub trait WriteFile: Send {
    /// The path that the file will have; of [`Disposition::Unique`] the one that was found.
    fn path(&self) -> &VirtualPath;
    /// Adds bytes behind those written.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Adds at most `bytes` bytes that a pipe holds, without copying them here, and gives how many.
    ///
    /// # Errors
    /// [`StoreError::Unsupported`] leaves the pipe as it was, and they have to be written.
    fn write_from(&mut self, _pipe: BorrowedFd<'_>, _bytes: usize) -> Result<usize> {
        Err(StoreError::Unsupported)
    }
    /// The upload is whole: puts it where it belongs and, as the store was told, on the disk. Gives its length.
    fn finish(self: Box<Self>) -> Result<u64>;
    /// The upload was cut: keeps what a client may resume if the store was told so, and gives its length; else removes it.
    fn abandon(self: Box<Self>) -> Result<Option<u64>>;
    /// Where the bytes go, as it is now; what a count of what is used needs.
    fn target(&self) -> Result<Target>;
    /// Puts what was written on the disk, as the store was told; [`WriteFile::finish`] does so too, and is quick afterwards.
    fn sync(&mut self) -> Result<()>;
}

/// Where the bytes of an upload go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Into the file itself.
    InPlace {
        /// Its length now, with what was written.
        length: u64,
    },
    /// Into a new file that takes the name when it is whole.
    Aside {
        /// Its length now, with what was written.
        length: u64,
        /// Length of the file that has the name now, and will be replaced.
        replaces: Option<u64>,
    },
}

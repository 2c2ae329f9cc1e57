//! Files in a directory of the operating system (Linux).
//!
//! Takes paths as clients see them, gives what lies beneath the root and never anything else. The kernel finds each path
//! (`openat2`), so that nobody can lead it out by renaming meanwhile; no text of a path is ever compared for that.
//!
//! ```text
//!  VirtualPath ──▶ jail ── openat2 beneath the root ──▶ handle ──▶ entry    what is known, listings
//!                   └──── walk, where that is missing     └──────▶ upload   temporary name, then rename
//! ```

mod clean;
mod entry;
mod error;
mod jail;
mod owners;
#[cfg(test)]
mod tests;
mod upload;
mod walk;

use std::collections::HashSet;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, fchmod, fstatvfs, futimens, mkdirat,
    openat, renameat, unlinkat, utimensat,
};
use rustix::io::Errno;

pub use jail::Links;
pub use owners::Owners;

use super::{
    Disposition, Entry, Kind, Metadata, ReadFile, Result, Space, Store, StoreError, VirtualPath, WriteFile,
};
use jail::Jail;

/// What is on the disk before an upload is said to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sync {
    /// Whatever the operating system has written by then.
    Never,
    /// The file's bytes.
    Data,
    /// The file's bytes and its name.
    #[default]
    DataAndDirectory,
}

/// How APPE, and STOR behind REST, add to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Resume {
    /// Into the file itself: others see it grow, and a cut upload keeps what came.
    #[default]
    InPlace,
    /// Into a copy that replaces the file when the upload is whole.
    Copy,
}

/// How a store behaves.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// What becomes of symbolic links.
    pub links: Links,
    /// Permission bits that new files and directories lack, 0 to 0o777. The process's own umask takes away further ones.
    pub umask: u32,
    /// What is on the disk before an upload is said to be whole.
    pub sync: Sync,
    /// How APPE, and STOR behind REST, add to a file.
    pub resume: Resume,
    /// A cut STOR takes its final name all the same, in place of what was there, so that the client may resume it.
    pub keep_cut_uploads: bool,
    /// Names of owners and groups.
    pub owners: Arc<Owners>,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            links: Links::default(),
            umask: 0o022,
            sync: Sync::default(),
            resume: Resume::default(),
            keep_cut_uploads: false,
            owners: Arc::new(Owners::of_system()),
        }
    }
}

/// A directory of the operating system as a store. A copy is the same store.
#[derive(Debug, Clone)]
pub struct LocalStore(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    jail: Jail,
    options: LocalOptions,
    /// Names that STOU has promised and not filled yet.
    promised: Mutex<HashSet<VirtualPath>>,
}

impl LocalStore {
    /// The directory `root`, which must be there. Links in `root` itself are followed: they are the administrator's.
    pub fn open(root: &Path, options: LocalOptions) -> std::io::Result<Self> {
        let jail = Jail::new(root, options.links)?;
        Ok(Self(Arc::new(Shared { root: root.to_path_buf(), jail, options, promised: Mutex::default() })))
    }

    /// Removes files of uploads that nobody writes any more since a server was killed: each upload under way holds a lock. Gives how
    /// many. Looks at every directory beneath the root, so it takes its time.
    pub fn remove_stale_uploads(&self) -> u64 {
        clean::tree(&self.0.root)
    }
}

impl Shared {
    fn new_file_mode(&self) -> Mode {
        Mode::from_raw_mode(0o666 & !self.options.umask)
    }

    /// Keeps `path` for one STOU; `false` if another has it.
    fn promise(&self, path: &VirtualPath) -> bool {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone())
    }

    fn release(&self, path: &VirtualPath) {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    /// Does something to the file or directory at `path`, links followed: `by_path` with a path of the operating system that
    /// names exactly what was found, `by_handle` with an open file where `/proc` is missing.
    fn change(
        &self,
        path: &VirtualPath,
        by_path: impl FnOnce(&str) -> rustix::io::Result<()>,
        by_handle: impl FnOnce(OwnedFd) -> rustix::io::Result<()>,
    ) -> Result<()> {
        let place = self.jail.open(path, OFlags::PATH)?;
        match entry::of_handle(&place, &self.options.owners)?.kind {
            Kind::File | Kind::Directory => {}
            Kind::Link => return Err(StoreError::NotPermitted),
            Kind::Other => return Err(StoreError::NotRegular),
        }
        match by_path(&format!("/proc/self/fd/{}", place.as_raw_fd())) {
            Err(Errno::NOENT) => Ok(by_handle(self.jail.open(path, OFlags::RDONLY | OFlags::NONBLOCK)?)?),
            result => Ok(result?),
        }
    }
}

impl Store for LocalStore {
    fn metadata(&self, path: &VirtualPath) -> Result<Metadata> {
        self.0.metadata(path)
    }

    fn list(&self, path: &VirtualPath) -> Result<Box<dyn Iterator<Item = Result<Entry>> + Send>> {
        let directory = self.0.jail.open(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(Box::new(entry::Listing::new(Arc::clone(&self.0), path.clone(), directory)?))
    }

    fn read(&self, path: &VirtualPath) -> Result<Box<dyn ReadFile>> {
        // A pipe without a writer does not make this wait, and a terminal does not become the server's.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = File::from(self.0.jail.open(path, flags)?);
        let metadata = entry::of_handle(&file, &self.0.options.owners)?;
        match metadata.kind {
            Kind::File => Ok(Box::new(Opened { file, metadata })),
            Kind::Directory => Err(StoreError::IsADirectory),
            Kind::Link => Err(StoreError::NotPermitted),
            Kind::Other => Err(StoreError::NotRegular),
        }
    }

    fn write(&self, path: &VirtualPath, disposition: Disposition) -> Result<Box<dyn WriteFile>> {
        Ok(Box::new(self.0.begin(path, disposition)?))
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<()> {
        if path.name().is_none() {
            return Err(StoreError::Exists);
        }
        let place = self.0.jail.parent(path, OFlags::PATH)?;
        let mode = Mode::from_raw_mode(0o777 & !self.0.options.umask);
        Ok(mkdirat(&place, place.name.as_slice(), mode)?)
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<()> {
        let place = self.0.jail.parent(path, OFlags::PATH)?;
        match unlinkat(&place, place.name.as_slice(), AtFlags::REMOVEDIR) {
            // To the client it may look empty.
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let directory = openat(&place, place.name.as_slice(), flags, Mode::empty())?;
                clean::directory(directory);
                match unlinkat(&place, place.name.as_slice(), AtFlags::REMOVEDIR) {
                    Err(Errno::NOTEMPTY | Errno::EXIST) => Err(StoreError::NotEmpty),
                    result => Ok(result?),
                }
            }
            result => Ok(result?),
        }
    }

    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        let place = self.0.jail.parent(path, OFlags::PATH)?;
        Ok(unlinkat(&place, place.name.as_slice(), AtFlags::empty())?)
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
        let old = self.0.jail.parent(from, OFlags::PATH)?;
        let new = self.0.jail.parent(to, OFlags::PATH)?;
        match renameat(&old, old.name.as_slice(), &new, new.name.as_slice()) {
            Err(Errno::INVAL) => Err(StoreError::BadName("a directory cannot be put into itself")),
            Err(Errno::EXIST) => Err(StoreError::NotEmpty),
            result => Ok(result?),
        }
    }

    fn set_mode(&self, path: &VirtualPath, mode: u32) -> Result<()> {
        if mode & !0o1777 != 0 {
            // A program that a client brings does not run as its owner.
            return Err(StoreError::NotPermitted);
        }
        let mode = Mode::from_raw_mode(mode);
        self.0.change(
            path,
            |path| rustix::fs::chmodat(CWD, path, mode, AtFlags::empty()),
            |file| fchmod(file, mode),
        )
    }

    fn set_modified(&self, path: &VirtualPath, time: SystemTime) -> Result<()> {
        let modified = timespec(time).ok_or(StoreError::Unsupported)?;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: modified,
        };
        self.0.change(
            path,
            |path| utimensat(CWD, path, &times, AtFlags::empty()),
            |file| futimens(file, &times),
        )
    }

    fn space(&self, path: &VirtualPath) -> Result<Option<Space>> {
        let facts = fstatvfs(self.0.jail.open(path, OFlags::PATH)?)?;
        Ok(Some(Space { available: facts.f_bavail.saturating_mul(facts.f_frsize) }))
    }
}

fn timespec(time: SystemTime) -> Option<Timespec> {
    let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(before) => (-i64::try_from(before.duration().as_secs()).ok()?, 0),
    };
    Some(Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() })
}

/// A file opened for reading.
struct Opened {
    file: File,
    metadata: Metadata,
}

impl ReadFile for Opened {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                result => return Ok(result?),
            }
        }
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }
}

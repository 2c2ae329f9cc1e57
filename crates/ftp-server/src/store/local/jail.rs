//! A root that no path leads out of: neither by `..`, nor by links, nor while somebody renames directories.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, open, openat2};
use rustix::io::Errno;

use super::error::resolving;
use super::upload::TEMPORARY_PREFIX;
use super::walk;
use crate::store::{Result, StoreError, VirtualPath};

/// How often a path is tried again that changed while the kernel looked at it.
const MOST_TRIES: usize = 32;

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Links {
    /// None is followed.
    Never,
    /// They are followed as long as they stay beneath the root. A target that begins with `/` does not.
    #[default]
    Beneath,
}

/// A root and how paths beneath it are found.
#[derive(Debug)]
pub(super) struct Jail {
    root: OwnedFd,
    links: Links,
    /// Whether the kernel finds paths (`openat2`), or [`walk`] does.
    kernel: AtomicBool,
}

/// A directory, and a name in it that is a single component.
#[derive(Debug)]
pub(super) struct Place<'a> {
    root: &'a OwnedFd,
    directory: Option<OwnedFd>,
    pub(super) name: Vec<u8>,
}

impl AsFd for Place<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_ref().unwrap_or(self.root).as_fd()
    }
}

impl Place<'_> {
    /// The directory's own handle, to be kept; `None` is the root.
    pub(super) fn into_parts(self) -> (Option<OwnedFd>, Vec<u8>) {
        (self.directory, self.name)
    }
}

impl Jail {
    pub(super) fn new(root: &Path, links: Links) -> std::io::Result<Self> {
        // Not only as a place: the root is also written to the disk after an upload.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open(root, flags, Mode::empty())?;
        let kernel = openat2(&root, c".", flags, Mode::empty(), ResolveFlags::BENEATH).is_ok();
        Ok(Self { root, links, kernel: AtomicBool::new(kernel) })
    }

    pub(super) fn links(&self) -> Links {
        self.links
    }

    pub(super) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Finds paths as it would where `openat2` is missing.
    #[cfg(test)]
    pub(super) fn walk_from_now_on(&self) {
        self.kernel.store(false, Ordering::Relaxed);
    }

    /// Opens `path`. A link at its end is followed as others are, unless `flags` hold `NOFOLLOW`.
    pub(super) fn open(&self, path: &VirtualPath, flags: OFlags) -> Result<OwnedFd> {
        refuse_own_names(path)?;
        let relative = if path.relative().is_empty() { b"." } else { path.relative() };
        self.resolve(relative, flags | OFlags::CLOEXEC).map_err(resolving)
    }

    /// The directory that holds `path`, opened with `flags`, and its name there.
    pub(super) fn parent(&self, path: &VirtualPath, flags: OFlags) -> Result<Place<'_>> {
        refuse_own_names(path)?;
        let name = path.name().ok_or(StoreError::NotPermitted)?.to_vec();
        let parent = path.parent();
        let directory = match parent.relative() {
            b"" => None,
            parent => {
                let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
                Some(self.resolve(parent, flags).map_err(resolving)?)
            }
        };
        Ok(Place { root: &self.root, directory, name })
    }

    /// The same, but if `path` is a link that may be followed, of what it leads to.
    pub(super) fn parent_of_target(&self, path: &VirtualPath) -> Result<Place<'_>> {
        refuse_own_names(path)?;
        let place = walk::locate(&self.root, path.relative(), self.links, true).map_err(resolving)?;
        let (directory, name) = place.into_directory();
        if name.starts_with(TEMPORARY_PREFIX) {
            return Err(StoreError::NotFound);
        }
        Ok(Place { root: &self.root, directory, name })
    }

    fn resolve(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        if !self.kernel.load(Ordering::Relaxed) {
            return walk::open(&self.root, path, flags, Mode::empty(), self.links);
        }
        let mut how = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        if self.links == Links::Never {
            how |= ResolveFlags::NO_SYMLINKS;
        }
        for _ in 0..MOST_TRIES {
            match openat2(&self.root, path, flags, Mode::empty(), how) {
                // Something on the way was renamed, so that the kernel cannot tell whether it left the root.
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
        Err(Errno::BUSY)
    }
}

/// Names of uploads under way are the store's own.
fn refuse_own_names(path: &VirtualPath) -> Result<()> {
    if path.components().any(|name| name.starts_with(TEMPORARY_PREFIX)) {
        return Err(StoreError::NotFound);
    }
    Ok(())
}

/// Opens a root for a look at what it holds, by the path of the operating system.
pub(super) fn open_directory(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

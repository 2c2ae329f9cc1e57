//! Finding a path beneath a root component by component, where the kernel cannot do it (`openat2` is missing before Linux 5.6,
//! and some sandboxes forbid it).
//!
//! Every directory on the way is held open, and none is entered through a link unknowingly; `..` in a link's target goes back
//! to the directory that was really passed. So nobody who renames directories meanwhile can lead the walk out of the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat, readlinkat};
use rustix::io::{Errno, Result};

use super::jail::Links;

/// Links on one way, as in Linux.
const MOST_LINKS: usize = 40;

/// Directories that one way may lead through: each is held open.
const MOST_DIRECTORIES: usize = 256;

/// A directory beneath the root, and a name in it.
pub(super) struct Place {
    /// `None` is the root itself.
    directory: Option<OwnedFd>,
    /// `.` if it is the directory itself.
    pub(super) name: Vec<u8>,
}

impl Place {
    pub(super) fn directory<'a>(&'a self, root: &'a OwnedFd) -> BorrowedFd<'a> {
        self.directory.as_ref().unwrap_or(root).as_fd()
    }

    pub(super) fn into_directory(self) -> (Option<OwnedFd>, Vec<u8>) {
        (self.directory, self.name)
    }
}

/// Opens `path`, given relative to `root`.
pub(super) fn open(root: &OwnedFd, path: &[u8], flags: OFlags, mode: Mode, links: Links) -> Result<OwnedFd> {
    let place = locate(root, path, links, !flags.contains(OFlags::NOFOLLOW))?;
    openat(place.directory(root), place.name.as_slice(), flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)
}

/// The directory that holds `path`, and its name there; a link there is itself followed if `follow` says so.
pub(super) fn locate(root: &OwnedFd, path: &[u8], links: Links, follow: bool) -> Result<Place> {
    let mut walk = Walk { root, directories: Vec::new(), links: 0, policy: links };
    let mut ahead: Vec<Vec<u8>> = Vec::new();
    push_components(&mut ahead, path);
    while let Some(name) = ahead.pop() {
        if name == b".." {
            walk.directories.pop().ok_or(Errno::XDEV)?;
            continue;
        }
        let last = ahead.is_empty();
        if last && !follow {
            return Ok(walk.place(name));
        }
        match walk.target(&name)? {
            Some(target) => push_components(&mut ahead, &target),
            None if last => return Ok(walk.place(name)),
            None => walk.enter(&name)?,
        }
    }
    Ok(walk.place(b".".to_vec()))
}

fn push_components(ahead: &mut Vec<Vec<u8>>, path: &[u8]) {
    let components = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".");
    ahead.extend(components.rev().map(<[u8]>::to_vec));
}

struct Walk<'a> {
    root: &'a OwnedFd,
    directories: Vec<OwnedFd>,
    links: usize,
    policy: Links,
}

impl Walk<'_> {
    fn current(&self) -> BorrowedFd<'_> {
        self.directories.last().unwrap_or(self.root).as_fd()
    }

    /// Where the link `name` leads; `None` if it is no link.
    fn target(&mut self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        let target = match readlinkat(self.current(), name, Vec::new()) {
            Ok(target) => target.into_bytes(),
            // Not a link; and what is missing is found out by whoever opens it.
            Err(Errno::INVAL | Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error),
        };
        self.links = self.links.saturating_add(1);
        if self.policy == Links::Never || self.links > MOST_LINKS {
            return Err(Errno::LOOP);
        }
        if target.starts_with(b"/") {
            return Err(Errno::XDEV);
        }
        Ok(Some(target))
    }

    fn enter(&mut self, name: &[u8]) -> Result<()> {
        if self.directories.len() >= MOST_DIRECTORIES {
            return Err(Errno::NAMETOOLONG);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(self.current(), name, flags, Mode::empty())?;
        self.directories.push(directory);
        Ok(())
    }

    fn place(mut self, name: Vec<u8>) -> Place {
        Place { directory: self.directories.pop(), name }
    }
}

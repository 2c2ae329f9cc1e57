//! Removes what uploads left behind whose server was killed.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, unlinkat};

use super::jail::open_directory;
use super::upload::{TEMPORARY_PREFIX, open_stale};

/// Directories within each other that are looked at: each is held open.
const DEEPEST: usize = 128;

/// Removes stale files in and beneath `root`. Gives how many.
pub(super) fn tree(root: &Path) -> u64 {
    match open_directory(root) {
        Ok(root) => beneath(root, 0, true),
        Err(_) => 0,
    }
}

/// The same in one directory only.
pub(super) fn directory(directory: OwnedFd) -> u64 {
    beneath(directory, 0, false)
}

fn beneath(directory: OwnedFd, depth: usize, deeper: bool) -> u64 {
    let mut removed: u64 = 0;
    let Ok(mut entries) = Dir::new(directory) else { return 0 };
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name().to_bytes();
        let Ok(parent) = entries.fd() else { return removed };
        if name.starts_with(TEMPORARY_PREFIX) {
            // The lock is held until the name is gone, so that nobody begins to write it meanwhile.
            if let Some(stale) = open_stale(parent, name) {
                removed = removed.saturating_add(unlinkat(parent, name, AtFlags::empty()).is_ok().into());
                drop(stale);
            }
        } else if deeper
            && depth < DEEPEST
            && may_be_directory(entry.file_type())
            && !matches!(name, b"." | b"..")
            && let Ok(inner) = enter(parent, name)
        {
            removed = removed.saturating_add(beneath(inner, depth.saturating_add(1), true));
        }
    }
    removed
}

fn may_be_directory(kind: FileType) -> bool {
    matches!(kind, FileType::Directory | FileType::Unknown)
}

fn enter(parent: impl AsFd, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

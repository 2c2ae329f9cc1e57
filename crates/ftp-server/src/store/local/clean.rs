//! Removes what uploads left behind whose server was killed.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, unlinkat};

use super::jail::open_directory;
use super::upload::{TEMPORARY_PREFIX, is_stale};

/// Directories within each other that are looked at: each is held open.
const DEEPEST: usize = 128;

/// Removes stale files in and beneath `root` that were not changed since `changed_before`. Gives how many.
pub(super) fn tree(root: &Path, changed_before: SystemTime) -> u64 {
    match open_directory(root) {
        Ok(root) => beneath(root, Some(changed_before), 0, true),
        Err(_) => 0,
    }
}

/// The same in one directory only, of any age.
pub(super) fn directory(directory: OwnedFd) -> u64 {
    beneath(directory, None, 0, false)
}

fn beneath(directory: OwnedFd, changed_before: Option<SystemTime>, depth: usize, deeper: bool) -> u64 {
    let mut removed: u64 = 0;
    let Ok(mut entries) = Dir::new(directory) else { return 0 };
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name().to_bytes();
        let Ok(parent) = entries.fd() else { return removed };
        if name.starts_with(TEMPORARY_PREFIX) {
            if is_stale(parent, name, changed_before) && unlinkat(parent, name, AtFlags::empty()).is_ok() {
                removed = removed.saturating_add(1);
            }
        } else if deeper
            && depth < DEEPEST
            && may_be_directory(entry.file_type())
            && !matches!(name, b"." | b"..")
            && let Ok(inner) = enter(parent, name)
        {
            removed = removed.saturating_add(beneath(inner, changed_before, depth.saturating_add(1), true));
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

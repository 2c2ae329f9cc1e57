//! What is known of entries, and listings.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, OFlags, Statx, StatxFlags, StatxTimestamp, readlinkat, statx};
use rustix::io::Errno;

use super::Shared;
use super::jail::Links;
use super::owners::Owners;
use super::upload::TEMPORARY_PREFIX;
use crate::store::{Entry, Kind, Metadata, Result, StoreError, VirtualPath};

const FACTS: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

/// What is known of the open file `handle`.
pub(super) fn of_handle(handle: impl AsFd, owners: &Owners) -> Result<Metadata> {
    Ok(translate(&statx(handle, c"", AtFlags::EMPTY_PATH, FACTS)?, owners))
}

/// What is known of `name`, a single component, in `directory`; of a link of the link itself.
pub(super) fn of_name(directory: impl AsFd, name: &[u8], owners: &Owners) -> Result<Metadata> {
    let directory = directory.as_fd();
    let facts = statx(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, FACTS)?;
    let mut metadata = translate(&facts, owners);
    if metadata.kind == Kind::Link {
        metadata.target = readlinkat(directory, name, Vec::new()).ok().map(|target| target.into_bytes());
    }
    Ok(metadata)
}

impl Shared {
    /// What is known of `path`: of what a link leads to, as far as it is followed, else of the link.
    pub(super) fn metadata(&self, path: &VirtualPath) -> Result<Metadata> {
        if path.name().is_none() {
            return of_handle(self.jail.root(), &self.options.owners);
        }
        let place = self.jail.parent(path, OFlags::PATH)?;
        let link = of_name(&place, &place.name, &self.options.owners)?;
        Ok(self.followed(path, link))
    }

    /// What the link at `path` leads to, if it is a link that is followed and leads to something; with its target.
    fn followed(&self, path: &VirtualPath, metadata: Metadata) -> Metadata {
        if metadata.kind != Kind::Link || self.jail.links() == Links::Never {
            return metadata;
        }
        let end = self.jail.open(path, OFlags::PATH).and_then(|end| of_handle(end, &self.options.owners));
        match end {
            Ok(end) => Metadata { target: metadata.target, ..end },
            Err(_) => metadata,
        }
    }
}

/// The entries of a directory, read as they are asked for.
pub(super) struct Listing {
    shared: Arc<Shared>,
    path: VirtualPath,
    directory: Dir,
}

impl Listing {
    pub(super) fn new(shared: Arc<Shared>, path: VirtualPath, directory: OwnedFd) -> Result<Self> {
        Ok(Self { shared, path, directory: Dir::new(directory)? })
    }

    /// `None` for an entry that is none of the client's, or has vanished meanwhile.
    fn entry(&self, name: &[u8], kind: FileType) -> Option<Result<Entry>> {
        if matches!(name, b"." | b"..") || name.starts_with(TEMPORARY_PREFIX) {
            return None;
        }
        let directory = self.directory.fd().ok()?;
        let metadata = match of_name(directory, name, &self.shared.options.owners) {
            Ok(metadata) if metadata.kind == Kind::Link => match self.path.join(name) {
                Ok(path) => self.shared.followed(&path, metadata),
                // A name that no client can write, or a path that is too long.
                Err(_) => metadata,
            },
            Ok(metadata) => metadata,
            Err(StoreError::NotFound) => return None,
            // The directory may be read and not entered: names and kinds are all that may be known.
            Err(StoreError::NotPermitted) => unknown(kind),
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Entry { name: name.to_vec(), metadata }))
    }
}

impl Iterator for Listing {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.directory.read()? {
                Ok(read) => {
                    if let Some(entry) = self.entry(read.file_name().to_bytes(), read.file_type()) {
                        return Some(entry);
                    }
                }
                Err(Errno::INTR) => {}
                // The directory itself was removed while it was read.
                Err(Errno::NOENT) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}

fn kind(kind: FileType) -> Kind {
    match kind {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

fn unknown(file_type: FileType) -> Metadata {
    Metadata {
        kind: kind(file_type),
        size: 0,
        modified: None,
        created: None,
        mode: None,
        owner: None,
        group: None,
        links: None,
        unique: None,
        target: None,
    }
}

fn translate(facts: &Statx, owners: &Owners) -> Metadata {
    let has = |flag: StatxFlags| facts.stx_mask & flag.bits() != 0;
    let device = (u64::from(facts.stx_dev_major) << 32) | u64::from(facts.stx_dev_minor);
    Metadata {
        kind: kind(FileType::from_raw_mode(facts.stx_mode.into())),
        size: facts.stx_size,
        modified: time(&facts.stx_mtime),
        created: has(StatxFlags::BTIME).then(|| time(&facts.stx_btime)).flatten(),
        mode: Some(u32::from(facts.stx_mode) & 0o7777),
        owner: Some(owners.user(facts.stx_uid)),
        group: Some(owners.group(facts.stx_gid)),
        links: Some(facts.stx_nlink.into()),
        unique: Some(format!("{device:x}.{:x}", facts.stx_ino)),
        target: None,
    }
}

fn time(stamp: &StatxTimestamp) -> Option<SystemTime> {
    let whole = Duration::from_secs(stamp.tv_sec.unsigned_abs());
    let start = if stamp.tv_sec < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)
    };
    start?.checked_add(Duration::from_nanos(stamp.tv_nsec.into()))
}

//! A limit to what a root may hold, in bytes and in files.
//!
//! Takes a store, gives one that refuses what would be too much. What an upload needs is reserved before it is written, and
//! settled when the upload ends, so that no number of sessions together gets beyond the limit. Nothing is kept on the disk:
//! what is used is counted when the root is opened, so that a crash leaves nothing to be mended.

mod tally;
#[cfg(test)]
mod tests;
mod upload;

use std::sync::Arc;
use std::time::SystemTime;

pub use tally::Tally;

use self::upload::QuotedUpload;
use super::{
    Disposition, Entry, Kind, Metadata, ReadFile, Result, Space, Store, StoreError, VirtualPath, WriteFile,
};

/// Directories within each other that are counted.
const DEEPEST: usize = 512;

/// How much a root may hold; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// Bytes in files.
    pub bytes: Option<u64>,
    /// Files, directories and links, the root itself not counted.
    pub files: Option<u64>,
}

/// What is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in files.
    pub bytes: u64,
    /// Files, directories and links.
    pub files: u64,
}

impl Usage {
    fn plus(self, more: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(more.bytes), files: self.files.saturating_add(more.files) }
    }

    fn minus(self, less: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(less.bytes), files: self.files.saturating_sub(less.files) }
    }

    /// What an entry counts as: a link is no bytes, whatever it leads to.
    fn of(metadata: &Metadata) -> Self {
        let is_file = metadata.kind == Kind::File && metadata.target.is_none();
        Self { bytes: if is_file { metadata.size } else { 0 }, files: 1 }
    }
}

/// What `store` holds.
fn usage(store: &dyn Store) -> Result<Usage> {
    let mut used = Usage::default();
    let mut ahead = vec![(VirtualPath::root(), 0_usize)];
    while let Some((directory, depth)) = ahead.pop() {
        let entries = match store.list(&directory) {
            Ok(entries) => entries,
            // What the server itself cannot read, nobody fills through it; what is gone is not there.
            Err(StoreError::NotPermitted | StoreError::NotFound | StoreError::NotADirectory) => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            used = used.plus(Usage::of(&entry.metadata));
            let is_directory = entry.metadata.kind == Kind::Directory && entry.metadata.target.is_none();
            if is_directory
                && depth < DEEPEST
                && let Ok(path) = directory.join(&entry.name)
            {
                ahead.push((path, depth.saturating_add(1)));
            }
        }
    }
    Ok(used)
}

/// A store with a limit to what it holds.
pub struct Quoted {
    inner: Arc<dyn Store>,
    quota: Quota,
    tally: Arc<Tally>,
}

impl Quoted {
    /// `tally` is that of the root of `inner`, and counted.
    pub fn new(inner: Arc<dyn Store>, quota: Quota, tally: Arc<Tally>) -> Self {
        Self { inner, quota, tally }
    }

    /// What the entry at `path` counts as; nothing if there is none.
    fn at(&self, path: &VirtualPath) -> Result<Option<Metadata>> {
        match self.inner.metadata(path) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Store for Quoted {
    fn metadata(&self, path: &VirtualPath) -> Result<Metadata> {
        self.inner.metadata(path)
    }

    fn list(&self, path: &VirtualPath) -> Result<Box<dyn Iterator<Item = Result<Entry>> + Send>> {
        self.inner.list(path)
    }

    fn read(&self, path: &VirtualPath) -> Result<Box<dyn ReadFile>> {
        self.inner.read(path)
    }

    fn write(&self, path: &VirtualPath, disposition: Disposition) -> Result<Box<dyn WriteFile>> {
        let _naming = self.tally.naming();
        Ok(Box::new(QuotedUpload::begin(self, path, disposition)?))
    }

    fn make_directory(&self, path: &VirtualPath) -> Result<()> {
        let one = Usage { bytes: 0, files: 1 };
        let hold = self.tally.hold();
        hold.reserve(self.quota, one, None)?;
        let made = self.inner.make_directory(path);
        if made.is_ok() {
            hold.settle(path, Usage::default(), one);
        }
        made
    }

    fn remove_directory(&self, path: &VirtualPath) -> Result<()> {
        let _naming = self.tally.naming();
        self.inner.remove_directory(path)?;
        self.tally.remove(path, Usage { bytes: 0, files: 1 });
        Ok(())
    }

    fn remove_file(&self, path: &VirtualPath) -> Result<()> {
        let _naming = self.tally.naming();
        let gone = self.at(path)?.map(|metadata| Usage::of(&metadata)).unwrap_or_default();
        self.inner.remove_file(path)?;
        self.tally.remove(path, gone);
        Ok(())
    }

    fn rename(&self, from: &VirtualPath, to: &VirtualPath) -> Result<()> {
        let _naming = self.tally.naming();
        let (moved, replaced) = (self.at(from)?, self.at(to)?);
        self.inner.rename(from, to)?;
        let same = |one: &Metadata, other: &Metadata| one.unique.is_some() && one.unique == other.unique;
        if let (Some(moved), Some(replaced)) = (&moved, &replaced)
            && same(moved, replaced)
        {
            // Two names of one file: the system does nothing.
            return Ok(());
        }
        if let Some(replaced) = &replaced {
            self.tally.remove(to, Usage::of(replaced));
        }
        self.tally.moved(from, to);
        Ok(())
    }

    fn set_mode(&self, path: &VirtualPath, mode: u32) -> Result<()> {
        self.inner.set_mode(path, mode)
    }

    fn set_modified(&self, path: &VirtualPath, time: SystemTime) -> Result<()> {
        self.inner.set_modified(path, time)
    }

    fn space(&self, path: &VirtualPath) -> Result<Option<Space>> {
        let on_disk = self.inner.space(path)?;
        let Some(limit) = self.quota.bytes else { return Ok(on_disk) };
        let left = limit.saturating_sub(self.tally.claimed().bytes);
        Ok(Some(Space { available: on_disk.map_or(left, |space| space.available.min(left)) }))
    }
}

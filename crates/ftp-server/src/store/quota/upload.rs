//! An upload whose bytes are reserved before they are written.

use std::os::fd::BorrowedFd;
use std::sync::Arc;

use super::tally::Hold;
use super::{Quota, Quoted, Tally, Usage};
use crate::store::{Disposition, Kind, Result, StoreError, Target, VirtualPath, WriteFile};

/// An upload to a store with a quota.
pub(super) struct QuotedUpload {
    /// `None` once it has ended.
    inner: Option<Box<dyn WriteFile>>,
    quota: Quota,
    tally: Arc<Tally>,
    path: VirtualPath,
    hold: Hold,
    /// Of one in place: its length. `None` if its bytes go beside the file.
    in_place: Option<u64>,
    /// Bytes that were reserved, and then not written.
    spare: u64,
}

impl QuotedUpload {
    /// To be called while the tally's naming is held.
    pub(super) fn begin(store: &Quoted, path: &VirtualPath, disposition: Disposition) -> Result<Self> {
        let there = match disposition {
            Disposition::Unique => None,
            _ => store.at(path)?.filter(|metadata| metadata.kind == Kind::File),
        };
        let old = there.map(|metadata| metadata.size);
        let mut upload = Self {
            inner: None,
            quota: store.quota,
            tally: Arc::clone(&store.tally),
            path: path.clone(),
            hold: store.tally.hold(),
            in_place: None,
            spare: 0,
        };
        if let Err(error) = upload.open(store, disposition, old) {
            // Not by being dropped, which would wait for the naming.
            upload.inner = None;
            return Err(error);
        }
        Ok(upload)
    }

    /// Opens it, of whose file there are `old` bytes.
    fn open(&mut self, store: &Quoted, disposition: Disposition, old: Option<u64>) -> Result<()> {
        let replaced = old.map(|bytes| (&self.path, bytes));
        let is_new_file = matches!(disposition, Disposition::Replace | Disposition::From(0)) || old.is_none();
        if is_new_file {
            self.hold.reserve(self.quota, Usage { bytes: 0, files: 1 }, replaced)?;
        }
        let inner = self.inner.insert(store.inner.write(&self.path, disposition)?);
        match inner.target()? {
            Target::InPlace { length } => {
                let before = Usage { bytes: old.unwrap_or(0), files: u64::from(old.is_some()) };
                self.hold.begin_in_place(&self.path, before, length);
                self.in_place = Some(length);
            }
            // What is kept of the old file is copied.
            Target::Aside { length, .. } if !is_new_file => {
                self.hold.reserve(self.quota, Usage { bytes: length, files: 1 }, replaced)?;
            }
            Target::Aside { .. } => {}
        }
        Ok(())
    }

    fn inner(&mut self) -> Result<&mut Box<dyn WriteFile>> {
        self.inner.as_mut().ok_or(StoreError::Unsupported)
    }

    /// Reserves what is to be written.
    fn reserve(&mut self, bytes: usize) -> Result<u64> {
        let wanted = u64::try_from(bytes).unwrap_or(u64::MAX);
        let want = Usage { bytes: wanted.saturating_sub(self.spare), files: 0 };
        self.hold.reserve(self.quota, want, None)?;
        self.spare = self.spare.max(wanted);
        Ok(wanted)
    }

    /// So many of the bytes that were reserved are written.
    fn written(&mut self, bytes: u64) {
        self.spare = self.spare.saturating_sub(bytes);
        if let Some(length) = &mut self.in_place {
            *length = length.saturating_add(bytes);
            self.hold.grown(*length);
        }
    }

    /// Ends it by `end`, which gives the length of what has the name then, if it was given the name.
    fn end(&mut self, end: impl FnOnce(Box<dyn WriteFile>) -> Result<Option<u64>>) -> Result<Option<u64>> {
        let tally = Arc::clone(&self.tally);
        let _naming = tally.naming();
        let Some(inner) = self.inner.take() else { return Err(StoreError::Unsupported) };
        let target = inner.target();
        let path = inner.path().clone();
        if let (Some(_), Ok(Target::InPlace { length })) = (self.in_place, &target) {
            self.hold.grown(*length);
        }
        let ended = end(inner);
        if let (Ok(Some(length)), Ok(Target::Aside { replaces, .. })) = (&ended, target) {
            let before = Usage { bytes: replaces.unwrap_or(0), files: u64::from(replaces.is_some()) };
            self.hold.settle(&path, before, Usage { bytes: *length, files: 1 });
        }
        ended
    }
}

impl WriteFile for QuotedUpload {
    fn path(&self) -> &VirtualPath {
        self.inner.as_ref().map_or(&self.path, |inner| inner.path())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let wanted = self.reserve(bytes.len())?;
        self.inner()?.write(bytes)?;
        self.written(wanted);
        Ok(())
    }

    fn write_from(&mut self, pipe: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
        self.reserve(bytes)?;
        let moved = self.inner()?.write_from(pipe, bytes)?;
        self.written(u64::try_from(moved).unwrap_or(u64::MAX));
        Ok(moved)
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        // Not while others wait for names.
        self.sync()?;
        let length = self.end(|inner| inner.finish().map(Some))?;
        Ok(length.unwrap_or(0))
    }

    fn abandon(mut self: Box<Self>) -> Result<Option<u64>> {
        self.end(|inner| inner.abandon())
    }

    fn target(&self) -> Result<Target> {
        self.inner.as_ref().map_or(Err(StoreError::Unsupported), |inner| inner.target())
    }

    fn sync(&mut self) -> Result<()> {
        self.inner()?.sync()
    }
}

impl Drop for QuotedUpload {
    fn drop(&mut self) {
        // A file in place is given free while nobody looks how long it is.
        let tally = Arc::clone(&self.tally);
        if let Some(inner) = self.inner.take() {
            let _naming = tally.naming();
            if let (Some(_), Ok(Target::InPlace { length })) = (self.in_place, inner.target()) {
                self.hold.grown(length);
            }
            drop(inner);
        }
    }
}

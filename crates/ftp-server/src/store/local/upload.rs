//! Uploads: beside the file under a temporary name until they are whole, or in place.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    Access, AtFlags, FlockOperation, Mode, OFlags, RenameFlags, accessat, copy_file_range, fchmod, fdatasync,
    flock, fstat, fsync, ftruncate, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::{Errno, retry_on_intr};
use rustix::pipe::{SpliceFlags, splice};

use super::entry::of_name;
use super::jail::{Links, Place};
use super::{Resume, Shared, Sync};
use crate::store::{Disposition, Kind, Metadata, Result, StoreError, Target, VirtualPath, WriteFile};

/// How names of uploads under way begin. No client sees or reaches them.
pub(super) const TEMPORARY_PREFIX: &[u8] = b".port21-upload-";

/// Names that are tried for one upload.
const MOST_NAMES: u32 = 10_000;

/// An upload under way.
pub(super) struct Upload {
    shared: Arc<Shared>,
    path: VirtualPath,
    /// The directory that holds the file; `None` is the root.
    directory: Option<OwnedFd>,
    name: Vec<u8>,
    file: File,
    way: Way,
    /// Whether all that was written is on the disk.
    synced: bool,
}

/// Where bytes go until the upload is whole.
enum Way {
    InPlace,
    /// Under this name.
    Aside {
        temporary: Vec<u8>,
        /// Only if nothing has the final name.
        exclusive: bool,
    },
    /// The file has its place, or is gone.
    Over,
}

impl Shared {
    /// Begins an upload.
    pub(super) fn begin(self: &Arc<Self>, path: &VirtualPath, disposition: Disposition) -> Result<Upload> {
        let mut place = self.upload_directory(path)?;
        let mut there = self.there(&place)?;
        if disposition == Disposition::Unique {
            return self.begin_unique(path);
        }
        if there.as_ref().is_some_and(|there| there.kind == Kind::Link) {
            if self.jail.links() == Links::Never {
                return Err(StoreError::NotPermitted);
            }
            place = self.jail.parent_of_target(path)?;
            there = self.there(&place)?;
        }
        match there.as_ref().map(|there| there.kind) {
            None => {}
            Some(Kind::File) => {
                accessat(&place, place.name.as_slice(), Access::WRITE_OK, AtFlags::EACCESS)?;
            }
            Some(Kind::Directory) => return Err(StoreError::IsADirectory),
            Some(Kind::Link) => return Err(StoreError::NotPermitted),
            Some(Kind::Other) => return Err(StoreError::NotRegular),
        }
        match disposition {
            Disposition::Replace | Disposition::Unique | Disposition::From(0) => {
                self.begin_aside(path, place, there.as_ref(), false)
            }
            Disposition::Append => self.resume(path, place, there.as_ref(), None),
            Disposition::From(offset) => self.resume(path, place, there.as_ref(), Some(offset)),
        }
    }

    /// The directory of `path`, so that it can be put on the disk, if it may be read and that is wanted.
    fn upload_directory(&self, path: &VirtualPath) -> Result<Place<'_>> {
        if self.options.sync == Sync::DataAndDirectory {
            match self.jail.parent(path, OFlags::RDONLY) {
                Err(StoreError::NotPermitted) => {}
                result => return result,
            }
        }
        self.jail.parent(path, OFlags::PATH)
    }

    fn there(&self, place: &Place<'_>) -> Result<Option<Metadata>> {
        match of_name(place, &place.name, &self.options.owners) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn begin_aside(
        self: &Arc<Self>,
        path: &VirtualPath,
        place: Place<'_>,
        there: Option<&Metadata>,
        exclusive: bool,
    ) -> Result<Upload> {
        let mode = self.new_file_mode();
        let (temporary, file) = create_temporary(&place, mode)?;
        // A file that is replaced keeps who may read and write it.
        if let Some(bits) = there.and_then(|there| there.mode).map(|bits| Mode::from_raw_mode(bits & 0o777))
            && bits != mode
        {
            fchmod(&file, bits)?;
        }
        let (directory, name) = place.into_parts();
        let way = Way::Aside { temporary, exclusive };
        Ok(Upload { shared: Arc::clone(self), path: path.clone(), directory, name, file, way, synced: false })
    }

    /// STOU: the wished name, or the first of `name.1`, `name.2`... that nothing has and no upload under way was promised.
    fn begin_unique(self: &Arc<Self>, path: &VirtualPath) -> Result<Upload> {
        let wished = path.name().unwrap_or_default();
        for number in 0..MOST_NAMES {
            let name = if number == 0 {
                wished.to_vec()
            } else {
                [wished, format!(".{number}").as_bytes()].concat()
            };
            let path = path.parent().join(&name).map_err(|_| StoreError::BadName("it is too long"))?;
            let place = self.jail.parent(&path, OFlags::PATH)?;
            if self.there(&place)?.is_none() && self.promise(&path) {
                let begun =
                    self.upload_directory(&path).and_then(|place| self.begin_aside(&path, place, None, true));
                if begun.is_err() {
                    self.release(&path);
                }
                return begun;
            }
        }
        Err(StoreError::Exists)
    }

    /// APPE, or STOR behind REST.
    fn resume(
        self: &Arc<Self>,
        path: &VirtualPath,
        place: Place<'_>,
        there: Option<&Metadata>,
        from: Option<u64>,
    ) -> Result<Upload> {
        let length = there.map_or(0, |there| there.size);
        if let Some(offset) = from.filter(|&offset| offset > length) {
            return Err(StoreError::BehindEnd { offset, length });
        }
        let mut flags =
            OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::APPEND;
        if self.options.resume == Resume::Copy && there.is_some() {
            let old =
                File::from(openat(&place, place.name.as_slice(), flags | OFlags::RDONLY, Mode::empty())?);
            let upload = self.begin_aside(path, place, there, false)?;
            copy(&old, &upload.file, from.unwrap_or(length))?;
            return Ok(upload);
        }
        flags |= OFlags::WRONLY;
        if there.is_none() {
            flags |= OFlags::CREATE | OFlags::EXCL;
        }
        let file = File::from(openat(&place, place.name.as_slice(), flags, self.new_file_mode())?);
        if rustix::fs::FileType::from_raw_mode(fstat(&file)?.st_mode) != rustix::fs::FileType::RegularFile {
            return Err(StoreError::NotRegular);
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| StoreError::Busy)?;
        if let Some(offset) = from {
            ftruncate(&file, offset)?;
        }
        let (directory, name) = place.into_parts();
        let way = Way::InPlace;
        Ok(Upload { shared: Arc::clone(self), path: path.clone(), directory, name, file, way, synced: false })
    }
}

impl Upload {
    fn directory(&self) -> impl AsFd + '_ {
        self.directory.as_ref().unwrap_or(self.shared.jail.root())
    }

    /// Puts the file where it belongs.
    fn place(&mut self) -> Result<u64> {
        self.sync()?;
        let length = self.file.metadata()?.len();
        if let Way::Aside { temporary, exclusive } = &self.way {
            let (from, to) = (temporary.as_slice(), self.name.as_slice());
            if *exclusive {
                renameat_with(self.directory(), from, self.directory(), to, RenameFlags::NOREPLACE)?;
            } else {
                renameat(self.directory(), from, self.directory(), to)?;
            }
        }
        let was_exclusive = matches!(self.way, Way::Aside { exclusive: true, .. });
        self.way = Way::Over;
        if was_exclusive {
            self.shared.release(&self.path);
        }
        if self.shared.options.sync == Sync::DataAndDirectory {
            match fsync(self.directory()) {
                // It may not be read, and so was opened only as a place.
                Ok(()) | Err(Errno::BADF) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(length)
    }
}

impl WriteFile for Upload {
    fn path(&self) -> &VirtualPath {
        &self.path
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.synced = false;
        Ok(self.file.write_all(bytes)?)
    }

    fn write_from(&mut self, pipe: BorrowedFd<'_>, bytes: usize) -> Result<usize> {
        // A file that is opened to be added to takes no splice (splice(2)).
        if !matches!(self.way, Way::Aside { .. }) {
            return Err(StoreError::Unsupported);
        }
        self.synced = false;
        let moved = retry_on_intr(|| splice(pipe, None, &self.file, None, bytes, SpliceFlags::MOVE));
        moved.map_err(|error| match error {
            Errno::INVAL => StoreError::Unsupported,
            error => StoreError::from(error),
        })
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        self.place()
    }

    fn abandon(mut self: Box<Self>) -> Result<Option<u64>> {
        let keeps = self.shared.options.keep_cut_uploads || matches!(self.way, Way::InPlace);
        if keeps { self.place().map(Some) } else { Ok(None) }
    }

    fn target(&self) -> Result<Target> {
        let length = self.file.metadata()?.len();
        Ok(match &self.way {
            Way::InPlace | Way::Over => Target::InPlace { length },
            Way::Aside { .. } => match of_name(self.directory(), &self.name, &self.shared.options.owners) {
                Ok(there) if there.kind == Kind::File => Target::Aside { length, replaces: Some(there.size) },
                Ok(_) | Err(StoreError::NotFound) => Target::Aside { length, replaces: None },
                Err(error) => return Err(error),
            },
        })
    }

    fn sync(&mut self) -> Result<()> {
        if self.shared.options.sync != Sync::Never && !self.synced {
            fdatasync(&self.file)?;
        }
        self.synced = true;
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Way::Aside { temporary, exclusive } = &self.way {
            // Nobody is left to be told; what stays is removed as stale.
            let _ = unlinkat(self.directory(), temporary.as_slice(), AtFlags::empty());
            if *exclusive {
                self.shared.release(&self.path);
            }
        }
    }
}

/// Makes a file under a name that is nobody's, and locks it as being in use.
fn create_temporary(directory: impl AsFd, mode: Mode) -> Result<(Vec<u8>, File)> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..MOST_NAMES {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut name = TEMPORARY_PREFIX.to_vec();
        name.extend(format!("{:x}-{number:x}", std::process::id()).bytes());
        match openat(&directory, name.as_slice(), flags, mode) {
            Ok(file) => {
                let file = File::from(file);
                if is_ours(&file)? {
                    return Ok((name, file));
                }
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Exists)
}

/// Locks a file that was just made. `false` if somebody who looks for stale files was faster: he has removed it, or is about to.
fn is_ours(file: &File) -> Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        // Without locks, as on some network file systems, no file is ever found stale.
        Ok(()) | Err(_) => Ok(fstat(file)?.st_nlink > 0),
    }
}

/// The file of an upload that is called `name`, locked, if it belongs to nobody any more: no server holds its lock.
pub(super) fn open_stale(directory: impl AsFd, name: &[u8]) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty()).map(File::from).ok()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(file)
}

/// The first `length` bytes of one file to the end of another, without passing through here where the kernel can.
fn copy(from: &File, to: &File, length: u64) -> Result<()> {
    let mut offset = 0;
    while offset < length {
        let piece = usize::try_from(length - offset).unwrap_or(usize::MAX).min(1 << 30);
        match copy_file_range(from, Some(&mut offset), to, None, piece) {
            Ok(0) => return Err(StoreError::BehindEnd { offset: length, length: offset }),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM)
                if offset == 0 =>
            {
                let copied = std::io::copy(&mut std::io::Read::take(from, length), &mut &*to)?;
                if copied < length {
                    return Err(StoreError::BehindEnd { offset: length, length: copied });
                }
                offset = length;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

//! A file while it is written: under a name that ends in `.partial`, with its hash computed on the way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use port21_analysis::digest::{Digest, Hashing};
use port21_analysis::report::Missing;
use tempfile::TempPath;

/// Holes longer than this leave a file without a hash: hashing zeros for hours helps nobody.
const MAXIMUM_HASHED_HOLE: u64 = 8 << 30;

/// Most that all holes of one file may hold. Forged sequence numbers can claim any length; where a disk cannot keep
/// holes as holes, they would fill it.
const MAXIMUM_HOLES: u64 = 64 << 30;

/// Longest list of holes of a file; later ones are merged into the last.
const LISTED_HOLES: usize = 4096;

/// How much of a file is written at a time, in bytes.
const BUFFER: usize = 256 << 10;

/// A file being written from its start to its end. It is open only while some of it is written, so that there may be any
/// number of them, and made only then, so that a small one is made, written and named in one go.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// Who the file is once it was made, so that one put in its place meanwhile is not written to.
    identity: Option<Identity>,
    /// The last bytes, which are not written yet.
    buffer: Vec<u8>,
    /// Why they could not be written.
    failure: Option<io::Error>,
    /// Where the bytes end that are written.
    written: u64,
    length: u64,
    holes: u64,
    missing: Vec<Missing>,
    hash: Option<Digest>,
}

/// What a written file holds.
#[derive(Debug)]
pub struct Written {
    /// Bytes, holes included.
    pub length: u64,
    /// Holes.
    pub missing: Vec<Missing>,
    /// SHA-256, if wanted and possible.
    pub sha256: Option<String>,
}

impl Partial {
    /// A file that will be called `target`. Nothing is made yet.
    pub fn new(target: &Path, hashing: &Hashing) -> Partial {
        Partial {
            path: partial_path(target),
            identity: None,
            buffer: Vec::new(),
            failure: None,
            written: 0,
            length: 0,
            holes: 0,
            missing: Vec::new(),
            hash: Digest::new(hashing, &[]),
        }
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.length = self.length.saturating_add(bytes.len() as u64);
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        if self.buffer.len() >= BUFFER { self.write_out() } else { Ok(()) }
    }

    /// Leaves a hole, which reads as zeros.
    pub fn skip(&mut self, length: u64) -> io::Result<()> {
        self.holes = self.holes.saturating_add(length);
        if self.holes > MAXIMUM_HOLES {
            return Err(io::Error::other(format!("its holes are longer than {} GiB", MAXIMUM_HOLES >> 30)));
        }
        if !self.buffer.is_empty() {
            self.write_out()?;
        }
        self.note_hole(length);
        if length > MAXIMUM_HASHED_HOLE {
            self.hash = None;
        }
        if let Some(hash) = &mut self.hash {
            hash_zeros(hash, length);
        }
        self.length = self.length.saturating_add(length);
        Ok(())
    }

    /// Memory that its buffer takes, in bytes.
    pub fn buffered(&self) -> usize {
        self.buffer.capacity()
    }

    /// Writes what is buffered, and gives the buffer's memory back. The next call of another function tells of a failure.
    pub fn give_way(&mut self) {
        if !self.buffer.is_empty() {
            self.failure = self.write_out().err();
        }
        self.buffer = Vec::new();
    }

    /// Ends before its end: the file keeps its name for the time of writing.
    pub fn stop(mut self) -> io::Result<Written> {
        self.complete()?;
        Ok(Written { length: self.length, missing: self.missing, sha256: None })
    }

    /// Gives the file its name, unless something has that name already.
    pub fn finish(mut self, target: &Path) -> io::Result<Written> {
        self.complete()?;
        rename(&self.path, target)?;
        let sha256 = self.hash.map(|hash| hexadecimal(&hash.value()));
        Ok(Written { length: self.length, missing: self.missing, sha256 })
    }

    /// Writes all that is left; a file without bytes is made.
    fn complete(&mut self) -> io::Result<()> {
        if self.identity.is_none() || !self.buffer.is_empty() {
            self.write_out()?;
        }
        // A hole at the end is only there if the file is told so.
        if self.written < self.length { self.open()?.set_len(self.length) } else { Ok(()) }
    }

    /// Writes what is buffered.
    fn write_out(&mut self) -> io::Result<()> {
        let start = self.length.saturating_sub(self.buffer.len() as u64);
        let mut file = self.open()?;
        if start > 0 {
            file.seek(SeekFrom::Start(start))?;
        }
        file.write_all(&self.buffer)?;
        self.buffer.clear();
        self.written = self.length;
        Ok(())
    }

    fn note_hole(&mut self, length: u64) {
        let full = self.missing.len() >= LISTED_HOLES;
        match self.missing.last_mut() {
            Some(last) if full || last.offset.saturating_add(last.length) == self.length => {
                last.length = self.length.saturating_add(length).saturating_sub(last.offset);
            }
            _ => self.missing.push(Missing { offset: self.length, length }),
        }
    }

    /// Opens the file, made new the first time: then it fails if there is anything of that name, a symbolic link included.
    fn open(&mut self) -> io::Result<File> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let Some(identity) = &self.identity else {
            let file = File::create_new(&self.path)?;
            self.identity = Some(Identity::of(&file.metadata()?));
            return Ok(file);
        };
        let file = OpenOptions::new().write(true).open(&self.path)?;
        if Identity::of(&file.metadata()?) != *identity {
            return Err(io::Error::other("another file was put in its place"));
        }
        Ok(file)
    }
}

/// The name while writing.
pub fn partial_path(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// Renames, but never onto something.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let temporary = TempPath::try_from_path(from)?;
    temporary.persist_noclobber(to).map_err(|error| {
        // What was written stays, under the name that says so.
        let _ = error.path.keep();
        error.error
    })
}

/// Adds `length` zeros to a hash.
pub fn hash_zeros(hash: &mut Digest, length: u64) {
    const ZEROS: [u8; 8192] = [0; 8192];
    let mut left = length;
    while left > 0 {
        let run = left.min(ZEROS.len() as u64);
        hash.update(ZEROS.get(..run as usize).unwrap_or_default());
        left -= run;
    }
}

/// Two lower-case digits a byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    #[cfg(unix)]
    fn of(metadata: &fs::Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt;
        Identity(metadata.dev(), metadata.ino())
    }

    /// Elsewhere nothing cheap tells files apart.
    #[cfg(not(unix))]
    fn of(_: &fs::Metadata) -> Identity {
        Identity(0, 0)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn sha256(bytes: &[u8]) -> Option<String> {
        Some(hexadecimal(&Sha256::digest(bytes)))
    }

    #[test]
    fn holes_read_as_zeros_and_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let mut partial = Partial::new(&target, &Hashing::Now);
        partial.write(b"ab").unwrap();
        partial.skip(3).unwrap();
        partial.skip(1).unwrap();
        partial.write(b"c").unwrap();
        partial.give_way();
        partial.skip(2).unwrap();
        assert!(partial_path(&target).exists() && !target.exists());
        let written = partial.finish(&target).unwrap();
        let expected = b"ab\0\0\0\0c\0\0";
        assert_eq!(fs::read(&target).unwrap(), expected);
        assert_eq!(written.sha256, sha256(expected));
        assert_eq!(written.missing, [Missing { offset: 2, length: 4 }, Missing { offset: 7, length: 2 }]);
        assert!(!partial_path(&target).exists());
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let [mut partial, mut other] = [(); 2].map(|()| Partial::new(&target, &Hashing::Off));
        partial.write(&[1; BUFFER]).unwrap();
        other.write(&[2; 10]).unwrap();
        other.give_way();
        assert_eq!(other.finish(&target).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::write(&target, "mine").unwrap();
        partial.finish(&target).unwrap_err();
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        assert!(partial_path(&target).exists(), "what was extracted is still there");
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, outside) = (folder.path().join("a"), folder.path().join("outside"));
        std::os::unix::fs::symlink(&outside, partial_path(&target)).unwrap();
        Partial::new(&target, &Hashing::Off).finish(&target).unwrap_err();
        assert!(!outside.exists());
    }

    #[cfg(unix)]
    #[test]
    fn file_put_in_its_place_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let mut partial = Partial::new(&target, &Hashing::Off);
        partial.write(b"x").unwrap();
        partial.give_way();
        let other = folder.path().join("other");
        fs::write(&other, "mine").unwrap();
        fs::rename(&other, partial_path(&target)).unwrap();
        partial.write(b"y").unwrap();
        partial.finish(&target).unwrap_err();
        assert_eq!(fs::read(partial_path(&target)).unwrap(), b"mine");
    }

    #[test]
    fn endless_holes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = Partial::new(&folder.path().join("a"), &Hashing::Off);
        partial.skip(MAXIMUM_HOLES).unwrap();
        partial.skip(1).unwrap_err();
    }
}

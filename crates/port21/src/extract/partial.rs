//! A file while it is written: under a name that ends in `.partial`, with its hash computed on the way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
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
const BUFFER: usize = 128 << 10;

/// A file being written from its start to its end.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// Who the file is, so that one put in its place meanwhile is not written to.
    identity: Identity,
    /// `None` while it is closed, because too many are open.
    file: Option<BufWriter<File>>,
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
    /// Makes a new file; fails if there is anything of that name, a symbolic link included.
    pub fn create(target: &Path, hashing: &Hashing) -> io::Result<Partial> {
        let path = partial_path(target);
        let file = File::create_new(&path)?;
        Ok(Partial {
            path,
            identity: Identity::of(&file.metadata()?),
            file: Some(BufWriter::with_capacity(BUFFER, file)),
            length: 0,
            holes: 0,
            missing: Vec::new(),
            hash: Digest::new(hashing, &[]),
        })
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open()?.write_all(bytes)?;
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Leaves a hole, which reads as zeros.
    pub fn skip(&mut self, length: u64) -> io::Result<()> {
        self.holes = self.holes.saturating_add(length);
        if self.holes > MAXIMUM_HOLES {
            return Err(io::Error::other(format!("its holes are longer than {} GiB", MAXIMUM_HOLES >> 30)));
        }
        self.note_hole(length);
        if length > MAXIMUM_HASHED_HOLE {
            self.hash = None;
        }
        if let Some(hash) = &mut self.hash {
            hash_zeros(hash, length);
        }
        self.length = self.length.saturating_add(length);
        let end = self.length;
        self.open()?.seek(SeekFrom::Start(end)).map(|_| ())
    }

    /// Whether it holds a file open.
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Closes it until the next [`Partial::write`].
    pub fn close(&mut self) -> io::Result<()> {
        match self.file.take() {
            Some(mut file) => file.flush(),
            None => Ok(()),
        }
    }

    /// Ends before its end: the file keeps its name for the time of writing.
    pub fn stop(mut self) -> io::Result<Written> {
        self.flush()?;
        Ok(Written { length: self.length, missing: self.missing, sha256: None })
    }

    /// Gives the file its name, unless something has that name already.
    pub fn finish(mut self, target: &Path) -> io::Result<Written> {
        self.flush()?;
        rename(&self.path, target)?;
        let sha256 = self.hash.map(|hash| hexadecimal(&hash.value()));
        Ok(Written { length: self.length, missing: self.missing, sha256 })
    }

    /// Writes what is buffered, and closes the file.
    fn flush(&mut self) -> io::Result<()> {
        let length = self.length;
        let file = self.open()?;
        file.flush()?;
        // A hole at the end is only there if the file is told so.
        file.get_ref().set_len(length)?;
        self.close()
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

    fn open(&mut self) -> io::Result<&mut BufWriter<File>> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = OpenOptions::new().write(true).open(&self.path)?;
                if Identity::of(&file.metadata()?) != self.identity {
                    return Err(io::Error::other("another file was put in its place"));
                }
                file.seek(SeekFrom::Start(self.length))?;
                BufWriter::with_capacity(BUFFER, file)
            }
        };
        Ok(self.file.insert(file))
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
        let mut partial = Partial::create(&target, &Hashing::Now).unwrap();
        partial.write(b"ab").unwrap();
        partial.skip(3).unwrap();
        partial.skip(1).unwrap();
        partial.close().unwrap();
        partial.write(b"c").unwrap();
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
        let partial = Partial::create(&target, &Hashing::Off).unwrap();
        assert_eq!(Partial::create(&target, &Hashing::Off).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
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
        Partial::create(&target, &Hashing::Off).unwrap_err();
        assert!(!outside.exists());
    }

    #[cfg(unix)]
    #[test]
    fn file_put_in_its_place_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let mut partial = Partial::create(&target, &Hashing::Off).unwrap();
        partial.close().unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "mine").unwrap();
        fs::rename(&other, partial_path(&target)).unwrap();
        partial.write(b"x").unwrap_err();
        assert_eq!(fs::read(partial_path(&target)).unwrap(), b"mine");
    }

    #[test]
    fn endless_holes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = Partial::create(&folder.path().join("a"), &Hashing::Off).unwrap();
        partial.skip(MAXIMUM_HOLES).unwrap();
        partial.skip(1).unwrap_err();
    }
}

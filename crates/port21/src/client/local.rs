//! Files on this side. What a server names stays in one folder, and appears there under its name only when it is whole.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use anyhow::Context as _;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};
use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use crate::escape;

/// What stands behind the name of a file that is not whole yet.
pub const SUFFIX: &str = ".partial";

/// A shorter file is fetched or sent anew rather than resumed. In bytes.
pub const WORTH_RESUMING: u64 = 64 * 1024;

/// What stands behind the name of the state of a file that is fetched in parts.
const PARTS: &str = ".partial-parts";

/// As long as that is being written.
const NEW_PARTS: &str = ".partial-new";

/// Most bytes of such a state that are read.
const LONGEST_STATE: u64 = 1 << 20;

/// Longest name in bytes, with room for each suffix.
const LONGEST_NAME: usize = 240;

/// The name that a remote path gives a local file, or why it gives none.
pub fn name_for(path: &[u8]) -> Result<String, String> {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let text = String::from_utf8_lossy(name).into_owned();
    let refused =
        |reason: &str| Err(format!("{} is no name for a file here: {reason}", escape::terminal_bytes(name)));
    let stem = text.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes().first().is_some_and(u8::is_ascii_digit))
    };
    match text.as_str() {
        "" => refused("it is empty"),
        "." | ".." => refused("it is a folder"),
        _ if text.contains('\0') => refused("it holds a NUL"),
        _ if text.contains('\\') => refused("it holds a backslash"),
        _ if text.starts_with('|') => refused("it begins with |"),
        _ if text.chars().any(char::is_control) => refused("it holds control characters"),
        _ if text.len() > LONGEST_NAME => refused("it is too long"),
        _ if [SUFFIX, PARTS, NEW_PARTS].iter().any(|suffix| text.ends_with(suffix)) => {
            refused("it is that of an unfinished file")
        }
        _ if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
            || numbered("COM")
            || numbered("LPT") =>
        {
            refused("it is a device on some systems")
        }
        _ if name.len() != text.len() || text.contains('\u{fffd}') => refused("it is not UTF-8"),
        _ => Ok(text),
    }
}

/// A folder that downloads go to.
pub struct Folder(Dir);

/// A file that is being written.
pub struct Partial<'a> {
    folder: &'a Dir,
    name: String,
    file: File,
}

/// What is known of a file here.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its length in bytes.
    pub length: u64,
    /// The time of its last change.
    pub modified: Option<SystemTime>,
}

impl Folder {
    /// Opens the folder at `path`.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let opened = Dir::open_ambient_dir(path, ambient_authority());
        let shown = || escape::terminal(&path.to_string_lossy());
        Ok(Self(opened.with_context(|| format!("the folder {} cannot be opened", shown()))?))
    }

    /// The folder at `path` beneath this one; an empty path is this one. No link leads out of it.
    pub fn at(&self, path: &Path) -> io::Result<Self> {
        Ok(Self(if path.as_os_str().is_empty() { self.0.try_clone()? } else { self.0.open_dir(path)? }))
    }

    /// The folder as `cap-std` has it.
    pub fn dir(&self) -> &Dir {
        &self.0
    }

    /// What is known of the whole file `name`, if there is one.
    pub fn known(&self, name: &str) -> Option<Known> {
        known(&self.0, name)
    }

    /// What is known of the unfinished file `name`, if there is one.
    pub fn known_partial(&self, name: &str) -> Option<Known> {
        known(&self.0, &format!("{name}{SUFFIX}"))
    }

    /// The unfinished file `name`, to be read.
    pub fn read_partial(&self, name: &str) -> Option<File> {
        let path = format!("{name}{SUFFIX}");
        known(&self.0, &path)?;
        Some(self.0.open(&path).ok()?.into_std())
    }

    /// The state of the unfinished file `name`, if it is fetched in parts.
    pub fn parts(&self, name: &str) -> Option<Vec<u8>> {
        let path = format!("{name}{PARTS}");
        known(&self.0, &path)?;
        let mut text = Vec::new();
        self.0.open(&path).ok()?.take(LONGEST_STATE).read_to_end(&mut text).ok()?;
        Some(text)
    }

    /// Keeps the state of an unfinished file: the old one, or the new one, whatever happens.
    pub fn keep_parts(&self, name: &str, state: &[u8]) -> io::Result<()> {
        let new = format!("{name}{NEW_PARTS}");
        if self.0.symlink_metadata(&new).is_ok() {
            self.0.remove_file(&new)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        self.0.open_with(&new, &options)?.write_all(state)?;
        self.0.rename(&new, &self.0, format!("{name}{PARTS}"))
    }

    /// Forgets the state of a file that is whole now, or is fetched in one part from its beginning.
    pub fn forget_parts(&self, name: &str) {
        let _ = self.0.remove_file(format!("{name}{PARTS}"));
    }

    /// Removes the unfinished file `name`, and its state behind it, so that none is ever taken for the other's.
    pub fn forget_partial(&self, name: &str) -> io::Result<()> {
        self.0.remove_file(format!("{name}{SUFFIX}"))?;
        self.forget_parts(name);
        Ok(())
    }

    /// Opens the unfinished file `name`: to be written behind what is there, or anew.
    pub fn partial(&self, name: &str, keep: bool) -> io::Result<Partial<'_>> {
        let partial = format!("{name}{SUFFIX}");
        let file = if keep { None } else { self.new_file(&partial)? };
        let file = match file {
            Some(file) => file,
            None => {
                // A link that somebody has put there is not followed.
                if self.0.symlink_metadata(&partial).is_ok_and(|metadata| !metadata.is_file()) {
                    self.0.remove_file(&partial)?;
                }
                let mut options = OpenOptions::new();
                options.write(true).create(true).truncate(!keep);
                let mut file = self.0.open_with(&partial, &options)?.into_std();
                file.seek(SeekFrom::End(0))?;
                file
            }
        };
        Ok(Partial { folder: &self.0, name: name.to_owned(), file })
    }

    /// A file that was not there; `None` if something is.
    fn new_file(&self, name: &str) -> io::Result<Option<File>> {
        match self.0.open_with(name, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => Ok(Some(file.into_std())),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn known(folder: &Dir, name: &str) -> Option<Known> {
    let metadata = folder.symlink_metadata(name).ok().filter(|metadata| metadata.is_file())?;
    let modified = metadata.modified().ok().map(cap_std::time::SystemTime::into_std);
    Some(Known { length: metadata.len(), modified })
}

impl Partial<'_> {
    /// What to write with.
    pub fn writer(&self) -> LocalFile<&File> {
        LocalFile(&self.file)
    }

    /// The file itself.
    pub fn into_file(self) -> File {
        self.file
    }

    /// It is whole: gives it its name, and the time and mode that the server told. A file system that cannot keep those is no reason to
    /// fail.
    pub fn finish(self, modified: Option<SystemTime>, mode: Option<u32>) -> io::Result<()> {
        if let Some(modified) = modified {
            let _ = self.file.set_modified(modified);
        }
        #[cfg(unix)]
        if let Some(mode) = mode {
            let _ = self.file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
        }
        #[cfg(not(unix))]
        let _ = mode;
        drop(self.file);
        self.folder.rename(format!("{}{SUFFIX}", self.name), self.folder, &self.name)
    }
}

/// A local file as tokio wants it. Disks are quick enough to be waited for.
pub struct LocalFile<F = File>(pub F);

impl<F: Read + Unpin> AsyncRead for LocalFile<F> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.get_mut().0.read(buffer.initialize_unfilled())?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<F: Write + Unpin> AsyncWrite for LocalFile<F> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.get_mut().0.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().0.flush())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl<F: Seek + Unpin> AsyncSeek for LocalFile<F> {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.get_mut().0.seek(position).map(|_| ())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(self.get_mut().0.stream_position())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_give_no_file() {
        for name in [
            "",
            ".",
            "..",
            "a/..",
            "../../x/",
            "a\\b",
            "a\0b",
            "|sh",
            "con",
            "NUL.txt",
            "lpt1",
            "x.partial",
            "a\x1b[2Jb",
            "a\rb",
        ] {
            assert!(name_for(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(name_for(b"caf\xe9").is_err());
        assert!(name_for(&[b'a'; 4096]).is_err());
    }

    #[test]
    fn last_part_of_the_path_is_the_name() {
        for (path, name) in [
            ("../../etc/x", "x"),
            ("/etc/passwd", "passwd"),
            ("-rf", "-rf"),
            (".bashrc", ".bashrc"),
            ("ü 世", "ü 世"),
            ("console", "console"),
        ] {
            assert_eq!(name_for(path.as_bytes()).as_deref(), Ok(name));
        }
    }

    #[test]
    fn partial_file_is_renamed_when_whole_and_links_are_not_followed() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path()).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path(), home.path().join("a.partial")).unwrap();
        let partial = folder.partial("a", true).unwrap();
        partial.writer().0.write_all(b"text").unwrap();
        assert!(folder.known("a").is_none());
        partial.finish(Some(SystemTime::UNIX_EPOCH), None).unwrap();
        let known = folder.known("a").unwrap();
        assert_eq!((known.length, known.modified), (4, Some(SystemTime::UNIX_EPOCH)));
        assert_eq!(outside.as_file().metadata().unwrap().len(), 0);
    }
}

//! Inputs that may have nothing more at present: pipes that deliver slowly, and files that still grow.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::interrupt;

/// How long is waited before it is looked again whether there is more, or a signal asks to end.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// An input that can be waited for. Clones are the same input: one is read, another waits.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    file: File,
    /// A file that another program still writes to: its end is none.
    grows: bool,
    /// Whether it says [`io::ErrorKind::WouldBlock`] instead of waiting.
    pauses: AtomicBool,
    /// Bytes read so far.
    read: AtomicU64,
}

impl Source {
    /// Standard input.
    pub fn standard_input() -> io::Result<Source> {
        Ok(Source::new(standard_input()?, false))
    }

    /// The input at `path`, if it is one to be waited for: a pipe or a device, or, where it is to be `followed`, a file.
    /// `None` for what is read as it is, and for what does not exist.
    pub fn open(path: &Path, followed: bool) -> io::Result<Option<Source>> {
        if super::is_standard_input(path) {
            let file = standard_input()?;
            let grows = followed && file.metadata()?.is_file();
            return Ok(Some(Source::new(file, grows)));
        }
        let Ok(about) = std::fs::metadata(path) else { return Ok(None) };
        if about.is_dir() || (about.is_file() && !followed) {
            return Ok(None);
        }
        Ok(Some(Source::new(File::open(path)?, about.is_file())))
    }

    fn new(file: File, grows: bool) -> Source {
        Source(Arc::new(Inner { file, grows, pauses: AtomicBool::new(false), read: AtomicU64::new(0) }))
    }

    /// From here on reading does not wait: whoever reads decides what to do meanwhile.
    pub fn pause_instead_of_waiting(&self) {
        self.0.pauses.store(true, Ordering::Relaxed);
    }

    /// Waits a little, at most until there is more.
    pub fn wait(&self) {
        match self.0.grows {
            true => std::thread::sleep(LOOK_AGAIN),
            false => {
                is_ready(&self.0.file, LOOK_AGAIN);
            }
        }
    }

    /// Reads what is there; `None`: nothing at present.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let inner = &*self.0;
        if !inner.grows && !is_ready(&inner.file, Duration::ZERO) {
            return Ok(None);
        }
        let count = (&inner.file).read(buffer)?;
        let read = inner.read.fetch_add(count as u64, Ordering::Relaxed);
        if count > 0 || !inner.grows {
            return Ok(Some(count));
        }
        if inner.file.metadata()?.len() < read {
            return Err(io::Error::other("the file has become shorter than what was read of it"));
        }
        Ok(None)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(count) = self.try_read(buffer)? {
                return Ok(count);
            }
            if interrupt::signal().is_some() {
                return Ok(0);
            }
            if self.0.pauses.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.wait();
        }
    }
}

/// Whether a read would give something, or the end, within `patience`.
#[cfg(unix)]
fn is_ready(file: &File, patience: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let patience = Timespec {
        tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    };
    let mut waiting = [PollFd::new(file, PollFlags::IN)];
    match poll(&mut waiting, Some(&patience)) {
        Ok(ready) => ready > 0,
        // A signal: whoever waits looks for it.
        Err(rustix::io::Errno::INTR) => false,
        // What cannot be waited for is read at once.
        Err(_) => true,
    }
}

/// Elsewhere a read waits.
#[cfg(not(unix))]
fn is_ready(_: &File, _: Duration) -> bool {
    true
}

#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn standard_input() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

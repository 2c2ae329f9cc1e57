//! Logs: what happens is put into a queue by the server's threads, and written by a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context;
use ftp_server::record::{Observer, Record, What, json, xferlog};

use super::privileges::Servant;
use crate::arguments::Logs as LogSettings;
use crate::escape;
use crate::outcome::Failure;
use crate::output;

/// Records that may wait to be written; what comes beyond is counted and lost, rather than that sessions wait for a disk.
const MOST_WAITING: usize = 16 * 1024;

/// How long written records may stay in memory.
const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// What the writing thread is told.
enum Message {
    Record(Box<Record>),
    Reopen,
    End,
}

/// Takes what happens.
pub struct Log {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    wants_lines: bool,
    writes: bool,
}

/// The thread that writes; to be ended.
pub struct Writing {
    sender: SyncSender<Message>,
    thread: JoinHandle<()>,
}

/// Opens the logs, and starts to write them. Files that are made become `servant`'s, who may have to open them anew.
pub fn start(settings: &LogSettings, servant: Option<&Servant>) -> anyhow::Result<(Log, Writing)> {
    let (sender, receiver) = sync_channel(MOST_WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let open = |option: &str, path: &Option<PathBuf>| {
        let sink = path.as_deref().map(|path| Sink::open(path, servant)).transpose();
        sink.map_err(|error| {
            let path = escape::terminal(&path.as_deref().unwrap_or(Path::new("-")).to_string_lossy());
            Failure::Arguments(format!("--{option}: {path} cannot be opened: {error}"))
        })
    };
    let mut files = Files { json: open("log", &settings.log)?, xferlog: open("xferlog", &settings.xferlog)? };
    let log = Log {
        sender: sender.clone(),
        lost: Arc::clone(&lost),
        wants_lines: settings.log_dialogue.unwrap_or(false) && files.json.is_some(),
        writes: files.json.is_some() || files.xferlog.is_some(),
    };
    let thread = thread::Builder::new().name("log".to_owned()).spawn(move || files.write(&receiver, &lost));
    let thread = thread.context("no threads can be started")?;
    Ok((log, Writing { sender, thread }))
}

impl Writing {
    /// Opens the files anew, which others have moved away meanwhile.
    pub fn reopen(&self) {
        let _ = self.sender.send(Message::Reopen);
    }

    /// Writes what is left.
    pub fn end(self) {
        let _ = self.sender.send(Message::End);
        let _ = self.thread.join();
    }
}

impl Observer for Log {
    fn observe(&self, record: &Record) {
        // Who runs the server has to know of these, whether there is a log or not.
        let trouble = match &record.what {
            What::Degraded { reason } => Some(reason.clone()),
            What::HookFailed { reason } => Some(format!("the command after an upload failed: {reason}")),
            _ => None,
        };
        if let Some(trouble) = trouble {
            output::complain(&escape::terminal(&trouble));
        }
        if self.writes
            && let Err(TrySendError::Full(_)) =
                self.sender.try_send(Message::Record(Box::new(record.clone())))
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wants_lines(&self) -> bool {
        self.wants_lines
    }
}

struct Files {
    json: Option<Sink>,
    xferlog: Option<Sink>,
}

impl Files {
    fn write(&mut self, receiver: &Receiver<Message>, lost: &AtomicU64) {
        loop {
            match receiver.recv_timeout(FLUSH_AFTER) {
                Ok(Message::Record(record)) => self.record(&record),
                Ok(Message::Reopen) => self.json.iter_mut().chain(&mut self.xferlog).for_each(Sink::reopen),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.each(|sink| sink.writer.flush());
                    let lost = lost.swap(0, Ordering::Relaxed);
                    if lost > 0 {
                        output::complain(&format!("the log is too slow: {lost} records were lost"));
                    }
                }
            }
        }
        self.each(|sink| sink.writer.flush());
    }

    fn record(&mut self, record: &Record) {
        if let Some(sink) = &mut self.json {
            sink.line(&json(record));
        }
        if let Some(sink) = &mut self.xferlog
            && let Some(line) = xferlog(record)
        {
            sink.line(&line);
        }
    }

    fn each(&mut self, work: impl Fn(&mut Sink) -> io::Result<()>) {
        for sink in self.json.iter_mut().chain(&mut self.xferlog) {
            let result = work(sink);
            sink.complain(result);
        }
    }
}

/// A file that is written to.
struct Sink {
    path: PathBuf,
    writer: BufWriter<Box<dyn Write + Send>>,
    /// Which file it is; `None` of standard output.
    file: Option<Identity>,
    /// Whether it was said already that it cannot be written.
    failed: bool,
}

/// Device and number of a file.
type Identity = (u64, u64);

impl Sink {
    fn open(path: &Path, servant: Option<&Servant>) -> io::Result<Self> {
        let (writer, file) = open(path, servant)?;
        Ok(Self { path: path.to_path_buf(), writer: BufWriter::new(writer), file, failed: false })
    }

    /// Opens the file anew, if another has its name by now, or none. What cannot be opened leaves the old file in use.
    fn reopen(&mut self) {
        let result = self.writer.flush();
        self.complain(result);
        if self.file == std::fs::metadata(&self.path).ok().map(|there| identity(&there)) {
            return;
        }
        match open(&self.path, None) {
            Ok((writer, file)) => {
                self.writer = BufWriter::new(writer);
                self.file = file;
                self.failed = false;
            }
            Err(error) => {
                let path = escape::terminal(&self.path.to_string_lossy());
                output::complain(&format!(
                    "{path} cannot be opened anew: {error}; the file that was open is written on. Let the server's user write \
                     into its folder, or make the file for that user"
                ));
            }
        }
    }

    fn line(&mut self, line: &str) {
        let result = self.writer.write_all(line.as_bytes()).and_then(|()| match line.ends_with('\n') {
            true => Ok(()),
            false => self.writer.write_all(b"\n"),
        });
        self.complain(result);
    }

    fn complain(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && !std::mem::replace(&mut self.failed, true)
        {
            let path = escape::terminal(&self.path.to_string_lossy());
            output::complain(&format!("{path} cannot be written: {error}"));
        }
    }
}

fn open(path: &Path, servant: Option<&Servant>) -> io::Result<(Box<dyn Write + Send>, Option<Identity>)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdout()), None));
    }
    let mut options = OpenOptions::new();
    options.append(true).mode(0o640);
    let (file, is_new) = match options.clone().create_new(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            (options.create(true).open(path)?, false)
        }
        Err(error) => return Err(error),
    };
    if let (true, Some(servant)) = (is_new, servant) {
        servant.own(&file)?;
    }
    let identity = identity(&file.metadata()?);
    Ok((Box::new(file), Some(identity)))
}

fn identity(metadata: &std::fs::Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// A file that only its owner may read: there are passwords in it.
pub fn open_secret(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

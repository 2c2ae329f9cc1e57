//! Logs: what happens is put into a queue by the server's threads, and written by a thread of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ftp_server::record::{Observer, Record, What, json, xferlog};

use crate::arguments::Logs as LogSettings;
use crate::escape;
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

/// Opens the logs, and starts to write them.
pub fn start(settings: &LogSettings) -> io::Result<(Log, Writing)> {
    let (sender, receiver) = sync_channel(MOST_WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let mut files = Files {
        json: settings.log.as_deref().map(Sink::open).transpose()?,
        xferlog: settings.xferlog.as_deref().map(Sink::open).transpose()?,
    };
    let log = Log {
        sender: sender.clone(),
        lost: Arc::clone(&lost),
        wants_lines: settings.log_dialogue.unwrap_or(false) && files.json.is_some(),
        writes: files.json.is_some() || files.xferlog.is_some(),
    };
    let thread =
        thread::Builder::new().name("log".to_owned()).spawn(move || files.write(&receiver, &lost))?;
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
                Ok(Message::Reopen) => self.each(Sink::reopen),
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
    /// Whether it was said already that it cannot be written.
    failed: bool,
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_path_buf(), writer: BufWriter::new(open(path)?), failed: false })
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.writer.flush()?;
        self.writer = BufWriter::new(open(&self.path)?);
        self.failed = false;
        Ok(())
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

fn open(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdout()));
    }
    Ok(Box::new(OpenOptions::new().append(true).create(true).mode(0o640).open(path)?))
}

/// A file that only its owner may read: there are passwords in it.
pub fn open_secret(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

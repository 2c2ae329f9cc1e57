//! Several sessions that work on one queue, and what they have in common.
//!
//! ```text
//! queue ──▶ a session: lists a folder ──▶ plan ──▶ queue: files, folders ──▶ any session: transfers ──▶ report
//! ```
//!
//! A session is opened when there is work for it. A server that takes no further one is believed: whoever is turned away leaves the work
//! to the others.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use ftp_client::{Client, Connector, Error, Retry};
use tokio::sync::Notify;

use super::item::Stamp;
use super::plan::{Reason, Rules};
use super::queue::{FileJob, Job, Queue};
use super::remove::Doomed;
use super::report::Report;
use super::state::State;
use super::{fetch, send};
use crate::client::change::make_all;
use crate::client::local::Folder;
use crate::client::throttle::Pace;

/// What is said where a file's new version finds no room on the server as long as the old one is there.
const NO_ROOM_FOR_BOTH: &str = "the server has no room for some files beside those that they replace, which are there as they were; \
                                --in-place writes over them at once, and loses them if that fails";

/// What all sessions of a run share.
pub struct Crew {
    pub connector: Connector,
    /// The directory on the server, without a slash at its end; empty is the one of the login.
    pub base: Vec<u8>,
    /// The folder here; empty as long as there is no session, and in a dry run if it is not there.
    pub root: OnceCell<Folder>,
    pub rules: Rules,
    pub settings: Settings,
    pub queue: RefCell<Queue>,
    pub state: RefCell<State>,
    pub report: RefCell<Report>,
    /// By how many seconds the server's clock is ahead of UTC, once that is known.
    pub east: Cell<Option<i32>>,
    /// The mode of a file that the server has just made, once that is known.
    pub new_mode: Cell<Option<u32>>,
    /// The server cannot rename.
    pub in_place: Cell<bool>,
    /// What is to be deleted in the end.
    pub doomed: RefCell<Vec<Doomed>>,
    /// Folders in which something was done, with the times that they are to have.
    pub dated: RefCell<Vec<(Vec<u8>, Stamp)>>,
    /// Whether the server takes times of folders, once that is known.
    pub takes_dates: Cell<Option<bool>>,
    /// Files that take the place of a folder of these.
    pub followers: RefCell<Vec<FileJob>>,
    /// What was deleted before the end, since it stood in the way.
    pub cleared: Cell<usize>,
    /// Something could not be listed, so that nothing may be deleted.
    pub unsure: Cell<bool>,
    /// Why nothing more can be done.
    pub fatal: RefCell<Option<Error>>,
    /// The directory on the server is not there, and in a dry run is not made.
    pub is_missing: Cell<bool>,
    /// What was odd, each once, beside what the connector knows of its sessions.
    pub notes: RefCell<Vec<String>>,
    wake: Notify,
    /// Sessions that are open.
    sessions: Cell<usize>,
}

/// What a run was asked for, beside the rules.
pub struct Settings {
    /// From here to the server.
    pub sends: bool,
    pub parallel: usize,
    pub depth: usize,
    pub dry_run: bool,
    pub verify: bool,
    pub follow_links: bool,
    pub max_delete: Option<usize>,
    pub retries: u32,
    /// Bytes a second of all sessions together.
    pub pace: Pace,
}

/// A session at work.
pub struct Seat {
    pub client: Client,
    /// The full path of the directory that is mirrored, where LIST needs it.
    pub home: Option<Vec<u8>>,
}

/// Why a job was not done.
pub enum Trouble {
    /// The client says so.
    Client(Error),
    /// In words.
    Other(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client(error) => error.fmt(formatter),
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Client(Error::Local(error))
    }
}

impl Crew {
    /// A crew that has nothing to do yet.
    pub fn new(
        (connector, base): (Connector, Vec<u8>),
        (rules, settings): (Rules, Settings),
        report: Report,
        in_place: bool,
    ) -> Self {
        Self {
            connector,
            base,
            root: OnceCell::new(),
            rules,
            queue: RefCell::new(Queue::new(settings.parallel)),
            settings,
            state: RefCell::new(State::none()),
            report: RefCell::new(report),
            east: Cell::new(None),
            new_mode: Cell::new(None),
            in_place: Cell::new(in_place),
            doomed: RefCell::default(),
            dated: RefCell::default(),
            takes_dates: Cell::new(None),
            followers: RefCell::default(),
            cleared: Cell::new(0),
            unsure: Cell::new(false),
            fatal: RefCell::default(),
            is_missing: Cell::new(false),
            notes: RefCell::default(),
            wake: Notify::new(),
            sessions: Cell::new(0),
        }
    }

    /// Adds a job, and wakes who waits for one.
    pub fn add(&self, job: Job) {
        self.queue.borrow_mut().add(job);
        self.wake.notify_waiters();
    }

    /// Adds a note, which is told once in the end.
    pub fn note(&self, text: String) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&text) && notes.len() < 1000 {
            notes.push(text);
        }
    }

    /// Nothing more can be done.
    pub fn give_up(&self, error: Error) {
        self.fatal.borrow_mut().get_or_insert(error);
        self.wake.notify_waiters();
    }

    /// Opens a session, in the directory that is mirrored.
    pub async fn open(&self) -> Result<Seat, Error> {
        let mut client = self.connector.connect().await?;
        self.sessions.set(self.sessions.get().saturating_add(1));
        match self.enter(&mut client).await {
            Ok(home) => Ok(Seat { client, home }),
            Err(error) => {
                self.leave(&mut client).await;
                Err(error)
            }
        }
    }

    /// Goes into the directory; gives its full path where LIST needs that.
    async fn enter(&self, client: &mut Client) -> Result<Option<Vec<u8>>, Error> {
        if !self.base.is_empty() && !self.is_missing.get() {
            match client.change_directory(&self.base).await {
                Err(Error::Refused { .. }) if self.settings.sends && self.settings.dry_run => {
                    self.is_missing.set(true);
                }
                Err(Error::Refused { .. }) if self.settings.sends => {
                    make_all(client, &self.base).await?;
                    client.change_directory(&self.base).await?;
                }
                result => result?,
            }
        }
        if client.features().has_machine_listings() {
            return Ok(None);
        }
        match client.working_directory().await {
            Ok(home) => Ok(Some(home)),
            Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn leave(&self, client: &mut Client) {
        self.sessions.set(self.sessions.get().saturating_sub(1));
        if !client.is_closed() {
            let _ = client.quit().await;
        }
    }

    /// Ends a session.
    pub async fn close(&self, seat: &mut Option<Seat>) {
        if let Some(mut seat) = seat.take() {
            self.leave(&mut seat.client).await;
        }
    }

    /// Works until nothing is left to do, beginning with the session in `seat` if there is one; gives the last one back.
    pub async fn work(self: Rc<Self>, mut seat: Option<Seat>) -> Option<Seat> {
        while let Some(job) = self.next(&mut seat).await {
            let left = self.carry_out(&mut seat, job).await;
            let retires = left.is_some();
            let mut queue = self.queue.borrow_mut();
            queue.busy = queue.busy.saturating_sub(1);
            left.into_iter().for_each(|job| queue.add(job));
            drop(queue);
            self.wake.notify_waiters();
            if retires {
                break;
            }
        }
        seat
    }

    /// Waits for a job; `None`: there will be none.
    async fn next(&self, seat: &mut Option<Seat>) -> Option<Job> {
        loop {
            let waked = self.wake.notified();
            if self.fatal.borrow().is_some() {
                return None;
            }
            if let Some(job) = self.queue.borrow_mut().take() {
                return Some(job);
            }
            if self.queue.borrow().is_over() {
                self.wake.notify_waiters();
                return None;
            }
            match seat {
                Some(seat) if !seat.client.is_closed() => tokio::select! {
                    () = waked => {}
                    () = seat.client.keep_alive() => {}
                },
                _ => waked.await,
            }
        }
    }

    /// Does a job, again and again if need be. Gives it back if the server takes no further session.
    async fn carry_out(&self, seat: &mut Option<Seat>, mut job: Job) -> Option<Job> {
        let mut retry = Retry::new(self.settings.retries, Duration::from_secs(1), Duration::from_secs(60));
        loop {
            if seat.as_ref().is_some_and(|seat| seat.client.is_closed()) {
                self.close(seat).await;
            }
            let open = match seat {
                Some(seat) => seat,
                None => match self.open().await {
                    Ok(opened) => seat.insert(opened),
                    Err(error) if self.sessions.get() > 0 => {
                        if error.is_too_many_sessions() {
                            self.note(format!("{error}: went on with {} at a time", self.sessions.get()));
                        } else {
                            self.note(format!("a further session was not to be had: {error}"));
                        }
                        return Some(job);
                    }
                    Err(error) => {
                        let Some(pause) = retry.after(&error) else {
                            self.give_up(error);
                            return Some(job);
                        };
                        self.pause(&error.to_string(), pause).await;
                        continue;
                    }
                },
            };
            let before = reached(&job);
            let done = match self.settings.sends {
                true => send::carry_out(self, open, &mut job).await,
                false => fetch::carry_out(self, open, &mut job).await,
            };
            let Err(trouble) = done else { return None };
            if reached(&job) > before {
                retry.progressed();
            }
            match self.after(trouble, &mut job, &mut retry) {
                Some((reason, pause)) => {
                    if seat.as_ref().is_some_and(|seat| !pause.is_zero() || seat.client.is_closed()) {
                        self.close(seat).await;
                    }
                    self.pause(&reason, pause).await;
                }
                None => return None,
            }
        }
    }

    /// What comes after a failure: another try, after a pause, or the next job.
    fn after(&self, trouble: Trouble, job: &mut Job, retry: &mut Retry) -> Option<(String, Duration)> {
        let (path, shown) = (path_of(job), trouble.to_string());
        if let Some(pause) = self.pause_after(&trouble, job, retry) {
            if let Job::File(file) = job {
                file.tried = true;
            }
            return Some((format!("{}: {shown}", crate::escape::terminal_bytes(&path)), pause));
        }
        self.report.borrow_mut().fail(&path, shown);
        match job {
            Job::Folder(_) => self.unsure.set(true),
            Job::File(file) => {
                let replaces = self.settings.sends && file.reason != Reason::Missing && !self.in_place.get();
                if replaces && matches!(&trouble, Trouble::Client(error) if error.is_out_of_space()) {
                    self.note(NO_ROOM_FOR_BOTH.into());
                }
                send::over(self, &file.batch);
            }
            Job::Adjust { .. } | Job::Check(_) | Job::Date { .. } => {}
        }
        // Everything that follows would fail likewise.
        if let Trouble::Client(error) = trouble
            && matches!(&error, Error::Local(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        {
            self.give_up(error);
        }
        None
    }

    /// How long to wait before the next try; `None`: there is none.
    fn pause_after(&self, trouble: &Trouble, job: &mut Job, retry: &mut Retry) -> Option<Duration> {
        let Trouble::Client(error) = trouble else { return None };
        if let (Error::Refused { command, .. }, Job::File(file)) = (error, job)
            && command.verb() == Some(ftp_protocol::Verb::Rest)
        {
            self.note("the server cannot go on in the middle of a file: files were transferred anew".into());
            return (!std::mem::replace(&mut file.from_start, true)).then_some(Duration::ZERO);
        }
        retry.after(error)
    }

    async fn pause(&self, reason: &str, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        self.report.borrow().complain(&format!("{reason}; trying again in {} s", pause.as_secs()));
        tokio::time::sleep(pause).await;
    }
}

/// How far any try of a file came.
fn reached(job: &Job) -> u64 {
    if let Job::File(file) = job { file.reached } else { 0 }
}

fn path_of(job: &Job) -> Vec<u8> {
    match job {
        Job::Folder(folder) => folder.path.clone(),
        Job::File(file) => file.path(),
        Job::Adjust { path, .. } | Job::Date { path, .. } => path.clone(),
        Job::Check(batch) => batch.place.clone(),
    }
}

//! One file over several sessions at once, each fetching a part of it (`get --segments`).
//!
//! ```text
//! plan (parts, how far each is) ─▶ a session for each part ─▶ written in place ─▶ whole: renamed
//!        └── NAME.partial-parts, while it is not whole
//! ```

mod plan;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use ftp_client::{Client, Connector, Error, Progress};
use tokio::io::AsyncWrite;
use tokio::task::JoinSet;

use super::local::{Folder, Known};
use super::progress::Bar;
use super::throttle::{Pace, Throttle};
use plan::Plan;
pub use plan::how_many;

/// Bytes that must have come before the plan is saved again; at most once for each time that the progress is shown. What is behind the
/// saved plan is fetched twice if the program is killed.
const SAVE_EVERY: u64 = 256 << 10;

/// How often the progress is shown.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// A file to fetch in parts.
pub struct Segmented<'a> {
    /// Where it goes.
    pub folder: &'a Folder,
    /// Its name there.
    pub name: &'a str,
    /// Its path on the server.
    pub path: &'a [u8],
    /// Its size there, in bytes.
    pub size: u64,
    /// The time of its last change there.
    pub modified: Option<std::time::SystemTime>,
    /// How many parts, at most.
    pub segments: u16,
    /// Bytes a second, together.
    pub rate: Option<u64>,
    /// What is here of it may be kept, if it is of the same version.
    pub keep: bool,
    /// What is here was fetched by this run, so that it is of the same version even if the server tells no time.
    pub same_run: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Bytes that were here before.
    pub resumed_from: u64,
    /// Bytes that crossed.
    pub transferred: u64,
    /// What went otherwise than asked for.
    pub notes: Vec<String>,
}

/// What all sessions share.
struct Shared {
    path: Vec<u8>,
    file: File,
    progress: Mutex<Saved>,
}

/// The plan, and how much of it is on the disk.
struct Saved {
    plan: Plan,
    /// Bytes that were done when the plan was saved.
    saved: u64,
}

impl Segmented<'_> {
    /// Fetches what is missing, over `client` and as many sessions more as there are parts, into the unfinished file. It keeps its
    /// name, and the plan stays beside it, until [`Folder::partial`]'s is finished and [`Folder::forget_parts`] is called.
    ///
    /// # Errors
    /// Some part could not be fetched; what is there is kept for the next try.
    pub async fn fetch(
        &self,
        client: &mut Client,
        connector: &Connector,
        bar: &Bar,
    ) -> Result<Fetched, Error> {
        let mut fetched = Fetched::default();
        let plan = self.plan(&mut fetched.notes);
        let partial = self.folder.partial(self.name, plan.done() > 0).map_err(Error::Local)?;
        self.folder.keep_parts(self.name, &plan.format()).map_err(Error::Local)?;
        let file = partial.into_file();
        file.set_len(self.size).map_err(Error::Local)?;
        fetched.resumed_from = plan.done();
        let sessions = plan.open();
        let saved = Saved { saved: plan.done(), plan };
        let shared = Arc::new(Shared { path: self.path.to_vec(), file, progress: Mutex::new(saved) });
        let keeper = Keeper { shared: &shared, of: self };
        let pace = Pace::new(self.rate);

        let mut others = JoinSet::new();
        for _ in 1..sessions {
            others.spawn(another(connector.clone(), Arc::clone(&shared), pace.clone()));
        }
        let mut own = std::pin::pin!(work(client, &shared, &pace));
        let mut own_result = None;
        let mut failures = Vec::new();
        let mut tick = tokio::time::interval(SHOW_EVERY);
        while own_result.is_none() || !others.is_empty() {
            tokio::select! {
                result = &mut own, if own_result.is_none() => own_result = Some(result),
                Some(ended) = others.join_next() => match ended {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failures.push(error),
                    Err(_) => failures.push(Error::Cancelled),
                },
                _ = tick.tick() => {
                    let _ = bar.watch(Progress { bytes: shared.done(), total: Some(self.size) });
                    keeper.save_if_stale();
                }
            }
        }
        fetched.transferred = shared.done().saturating_sub(fetched.resumed_from);
        // The reason of the session that is the caller's is the one that another try can do something about.
        failures.splice(0..0, own_result.and_then(Result::err));
        if shared.lock().plan.open() > 0 {
            return Err(failures.into_iter().next().unwrap_or(Error::Cancelled));
        }
        if let Some(error) = failures.first() {
            let count = sessions.saturating_sub(failures.len());
            fetched.notes.push(format!(
                "of {sessions} sessions for its parts {count} could be had to the end: {error}"
            ));
        }
        shared.file.sync_data().map_err(Error::Local)?;
        Ok(fetched)
    }

    /// What there is to do.
    fn plan(&self, notes: &mut Vec<String>) -> Plan {
        let new = |done| {
            Plan::new(self.size, self.modified, done, how_many(self.size.saturating_sub(done), self.segments))
        };
        let Some(known) = self.folder.known_partial(self.name).filter(|_| self.keep) else { return new(0) };
        let Some(text) = self.folder.parts(self.name) else {
            // The beginning, which an earlier run fetched in one part.
            return if self.is_beginning(known) { new(known.length) } else { new(0) };
        };
        let version = |plan: &Plan| (plan.size, plan.modified) == (self.size, self.modified);
        match Plan::parse(&text).filter(version) {
            Some(plan) if known.length == self.size && (self.same_run || self.modified.is_some()) => plan,
            _ => {
                notes.push("what is here cannot be told to be of the same version: fetched anew".to_owned());
                new(0)
            }
        }
    }

    fn is_beginning(&self, known: Known) -> bool {
        let changed = self.modified.zip(known.modified).is_some_and(|(changed, written)| changed > written);
        known.length <= self.size && !changed && (self.same_run || self.modified.is_some())
    }
}

/// Bytes of an unfinished file that are here, however it is fetched.
pub fn there(folder: &Folder, name: &str) -> u64 {
    let Some(known) = folder.known_partial(name) else { return 0 };
    match folder.parts(name) {
        Some(text) => Plan::parse(&text).map_or(0, |plan| plan.done()),
        None => known.length,
    }
}

/// Saves the plan, at the latest when the work ends, however it does.
struct Keeper<'a> {
    shared: &'a Shared,
    of: &'a Segmented<'a>,
}

impl Keeper<'_> {
    fn save_if_stale(&self) {
        let is_stale = {
            let progress = self.shared.lock();
            progress.plan.done().saturating_sub(progress.saved) >= SAVE_EVERY
        };
        if is_stale {
            self.save();
        }
    }

    fn save(&self) {
        let mut progress = self.shared.lock();
        // What cannot be saved is fetched again.
        if self.of.folder.keep_parts(self.of.name, &progress.plan.format()).is_ok() {
            progress.saved = progress.plan.done();
        }
    }
}

impl Drop for Keeper<'_> {
    fn drop(&mut self) {
        self.save();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Saved> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> u64 {
        self.lock().plan.done()
    }
}

/// Works on parts over a session of its own.
async fn another(connector: Connector, shared: Arc<Shared>, pace: Pace) -> Result<(), Error> {
    let mut client = connector.connect().await?;
    let result = work(&mut client, &shared, &pace).await;
    if !client.is_closed() {
        let _ = client.quit().await;
    }
    result
}

/// Fetches one part after the other until none is left that nobody works on.
async fn work(client: &mut Client, shared: &Arc<Shared>, pace: &Pace) -> Result<(), Error> {
    loop {
        let Some((number, range)) = shared.lock().plan.take() else { return Ok(()) };
        let size = shared.lock().plan.size;
        let place = InPlace { shared: Arc::clone(shared), number, at: range.start };
        let mut target = Throttle::sharing(place, pace.clone());
        let result =
            client.download_range(&shared.path, range, size, &mut target, &mut ftp_client::unwatched).await;
        if let Err(error) = result {
            shared.lock().plan.give_back(number);
            return Err(error);
        }
    }
}

/// Writes one part where it belongs.
struct InPlace {
    shared: Arc<Shared>,
    number: usize,
    at: u64,
}

impl AsyncWrite for InPlace {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = this.shared.file.write_at(bytes, this.at)?;
        this.at = this.at.saturating_add(count as u64);
        this.shared.lock().plan.wrote(this.number, count as u64);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

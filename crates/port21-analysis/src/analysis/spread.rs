//! The FTP stage on another thread than TCP.
//!
//! ```text
//! TCP        batch 1   batch 2   batch 3   ...
//!                 ╲    ▲    ╲    ▲    ╲
//!                events╱  ended  ╱
//! FTP                  batch 1   batch 2   ...
//! ```
//!
//! The stage travels: with a batch's events to the executor, and back with what came of them.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use port21_capture::Executor;

use crate::ftp::{Events, Stage};

/// The FTP stage, at hand or at work.
pub(super) struct Spread {
    executor: Arc<dyn Executor>,
    /// What the job under way brings back.
    away: Option<Receiver<(Box<Stage>, Events)>>,
    /// Told since the job under way was handed out.
    pub events: Events,
    /// Room for the next.
    spare: Events,
}

impl fmt::Debug for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spread").field("away", &self.away.is_some()).finish_non_exhaustive()
    }
}

impl Spread {
    pub fn new(executor: Arc<dyn Executor>) -> Spread {
        Spread { executor, away: None, events: Events::default(), spare: Events::default() }
    }

    /// Waits until the job under way is done, helping meanwhile. `None`: there is none, or it failed.
    pub fn fetch(&mut self) -> Option<Box<Stage>> {
        let away = self.away.take()?;
        loop {
            let done = self.executor.done();
            match away.try_recv() {
                Ok((stage, events)) => {
                    self.spare = events;
                    return Some(stage);
                }
                Err(TryRecvError::Empty) => self.executor.relieve(done),
                Err(TryRecvError::Disconnected) => return None,
            }
        }
    }

    /// Has the stage told what was gathered.
    pub fn send(&mut self, mut stage: Box<Stage>) {
        let mut events = std::mem::replace(&mut self.events, std::mem::take(&mut self.spare));
        let (sender, away) = mpsc::sync_channel(1);
        self.away = Some(away);
        self.executor.submit(Box::new(move || {
            events.tell(&mut stage);
            // Nobody waits for it any more where the analysis was given up.
            let _ = sender.send((stage, events));
        }));
    }
}

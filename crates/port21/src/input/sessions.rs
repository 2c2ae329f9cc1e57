//! From what has ended to the receiver: sessions are written down on any thread, everything is given in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};

use anyhow::anyhow;
use port21_analysis::analysis::{DnsTransaction, EndedSession, News, Share, Tally};
use port21_analysis::report::Connection;
use port21_capture::Executor;

use super::pool::{Pool, Shared};
use super::receiver::{Prepare, Receiver};

/// Sessions that are written down together.
const BATCH: usize = 16;

/// Of what ends between them, so much waits with them at most.
const MOST: usize = 256;

/// Batches that a thread may be ahead of the output.
const AHEAD: usize = 4;

/// Sessions on their way to a receiver that takes `P`.
pub struct Sessions<P> {
    prepare: Prepare<P>,
    workers: Option<Workers<P>>,
    tally: Tally,
}

struct Workers<P> {
    executor: Arc<Shared>,
    /// What waits until there is enough of it, and how many sessions are among it.
    gathered: Vec<News>,
    sessions: usize,
    /// Batches under way, first ended first.
    under_way: VecDeque<mpsc::Receiver<Vec<Ready<P>>>>,
    /// How many there may be.
    limit: usize,
}

/// What can be given to the receiver.
enum Ready<P> {
    Session(Box<(Share, P)>),
    Connection(Box<Connection>),
    Names(Box<DnsTransaction>),
}

impl<P: Send + 'static> Sessions<P> {
    /// With the threads of `pool`, or without.
    pub fn new(prepare: Prepare<P>, pool: Option<&Pool>, tally: Tally) -> Sessions<P> {
        let workers = pool.map(|pool| Workers {
            executor: pool.executor(),
            gathered: Vec::new(),
            sessions: 0,
            under_way: VecDeque::new(),
            limit: (pool.threads() + 1) * AHEAD,
        });
        Sessions { prepare, workers, tally }
    }

    /// Takes in what has ended, in that order, and gives `receiver` what is ready.
    pub fn take<R: Receiver<Prepared = P>>(
        &mut self,
        news: Vec<News>,
        receiver: &mut R,
    ) -> anyhow::Result<()> {
        let Some(workers) = &mut self.workers else {
            return news.into_iter().try_for_each(|news| {
                let ready = make_ready(news, &self.prepare);
                give(ready, &mut self.tally, receiver)
            });
        };
        for news in news {
            workers.sessions += usize::from(matches!(news, News::Session(_)));
            workers.gathered.push(news);
            if workers.sessions >= BATCH || workers.gathered.len() >= MOST {
                workers.hand_out(&self.prepare);
            }
        }
        let limit = workers.limit;
        self.deliver(limit, receiver)
    }

    /// Gives `receiver` everything that was taken in.
    pub fn flush<R: Receiver<Prepared = P>>(&mut self, receiver: &mut R) -> anyhow::Result<()> {
        if let Some(workers) = &mut self.workers {
            workers.hand_out(&self.prepare);
        }
        self.deliver(0, receiver)
    }

    /// What all sessions given so far add up to.
    pub fn into_tally(self) -> Tally {
        self.tally
    }

    /// Gives the batches that are ready, and waits for others while more than `limit` are under way.
    fn deliver<R: Receiver<Prepared = P>>(&mut self, limit: usize, receiver: &mut R) -> anyhow::Result<()> {
        let Some(workers) = &mut self.workers else { return Ok(()) };
        while let Some(first) = workers.under_way.front() {
            let done = workers.executor.done();
            let batch = match first.try_recv() {
                Ok(batch) => batch,
                Err(TryRecvError::Empty) if workers.under_way.len() <= limit => return Ok(()),
                Err(TryRecvError::Empty) => {
                    workers.executor.relieve(done);
                    continue;
                }
                Err(TryRecvError::Disconnected) => {
                    return Err(anyhow!("a session could not be written down; this is a mistake in port21"));
                }
            };
            workers.under_way.pop_front();
            for ready in batch {
                give(ready, &mut self.tally, receiver)?;
            }
        }
        Ok(())
    }
}

impl<P: Send + 'static> Workers<P> {
    fn hand_out(&mut self, prepare: &Prepare<P>) {
        if self.gathered.is_empty() {
            return;
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let (batch, prepare) = (std::mem::take(&mut self.gathered), Arc::clone(prepare));
        self.sessions = 0;
        self.under_way.push_back(receiver);
        self.executor.submit(Box::new(move || {
            let batch = batch.into_iter().map(|news| make_ready(news, &prepare)).collect();
            // Nobody waits for it any more where the output could not be written.
            let _ = sender.send(batch);
        }));
    }
}

fn make_ready<P>(news: News, prepare: &Prepare<P>) -> Ready<P> {
    match news {
        News::Session(ended) => Ready::Session(Box::new(write_down(*ended, prepare))),
        News::Connection(connection) => Ready::Connection(connection),
        News::Names(transaction) => Ready::Names(transaction),
    }
}

fn give<R: Receiver>(ready: Ready<R::Prepared>, tally: &mut Tally, receiver: &mut R) -> anyhow::Result<()> {
    match ready {
        Ready::Session(session) => {
            let (share, prepared) = *session;
            tally.add(share);
            receiver.session(prepared)
        }
        Ready::Connection(connection) => receiver.connection(*connection),
        Ready::Names(transaction) => receiver.dns(*transaction),
    }
}

fn write_down<P>(session: EndedSession, prepare: &Prepare<P>) -> (Share, P) {
    let session = session.write_down();
    (Share::of(&session), prepare(session))
}

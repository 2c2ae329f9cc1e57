//! SHA-256 of streams of bytes, computed at once or later by whoever has time.
//!
//! ```text
//! update() ──▶ Now:    hashed at once
//!         └──▶ Later:  buffer ──▶ pending ──▶ Executor ──▶ hashed, a stream's pieces in order ──▶ finish()
//! ```
//!
//! This module starts no thread: an [`Executor`] of the driver's does the work where it likes.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use port21_capture::Executor;
use sha2::{Digest as _, Sha256};

/// Bytes of one stream that are gathered before they are handed over.
const PIECE: usize = 32 << 10;

/// Bytes of all streams that may wait to be hashed; whoever brings more helps first.
const BACKLOG: usize = 4 << 20;

/// Whether, and when, to hash.
#[derive(Debug, Clone, Default)]
pub enum Hashing {
    /// Not at all.
    Off,
    /// At once.
    #[default]
    Now,
    /// On the threads of an executor.
    Later(Deferred),
}

impl Hashing {
    /// On the threads of `executor`.
    pub fn later(executor: Arc<dyn Executor>) -> Hashing {
        Hashing::Later(Deferred { executor, backlog: Arc::default() })
    }

    /// Whether hashes are wanted.
    pub fn is_on(&self) -> bool {
        !matches!(self, Hashing::Off)
    }
}

/// An executor, and how many bytes wait for it.
#[derive(Debug, Clone)]
pub struct Deferred {
    executor: Arc<dyn Executor>,
    backlog: Arc<AtomicUsize>,
}

/// The hash of one stream, under way.
#[derive(Debug)]
pub struct Digest(Way);

#[derive(Debug)]
enum Way {
    Now(Box<Sha256>),
    Later(Box<Later>),
}

#[derive(Debug)]
struct Later {
    deferred: Deferred,
    stream: Arc<Stream>,
    gathered: Vec<u8>,
}

#[derive(Debug, Default)]
struct Stream {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    hasher: Sha256,
    pending: VecDeque<Vec<u8>>,
    /// A job for it is waiting or being done.
    scheduled: bool,
    /// A thread is hashing pieces that it has taken out.
    busy: bool,
}

impl Digest {
    /// A stream that begins with `head`; `None` where no hash is wanted.
    pub fn new(hashing: &Hashing, head: &[u8]) -> Option<Digest> {
        let mut digest = Digest(match hashing {
            Hashing::Off => return None,
            Hashing::Now => Way::Now(Box::default()),
            Hashing::Later(deferred) => Way::Later(Box::new(Later {
                deferred: deferred.clone(),
                stream: Arc::default(),
                gathered: Vec::new(),
            })),
        });
        digest.update(head);
        Some(digest)
    }

    /// The stream goes on.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Way::Now(hasher) => hasher.update(bytes),
            Way::Later(later) => later.update(bytes),
        }
    }

    /// Nothing more comes soon: hands over what is gathered, and keeps no room for more.
    pub fn flush(&mut self) {
        if let Way::Later(later) = &mut self.0
            && !later.gathered.is_empty()
        {
            later.hand_over();
        }
    }

    /// SHA-256 of all bytes so far. Waits for other threads, or does what they have not begun.
    pub fn value(&self) -> [u8; 32] {
        match &self.0 {
            Way::Now(hasher) => hasher.as_ref().clone().finalize().into(),
            Way::Later(later) => {
                let mut hasher = later.stream.settle(&later.deferred.backlog);
                hasher.update(&later.gathered);
                hasher.finalize().into()
            }
        }
    }
}

impl Later {
    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.gathered.capacity() == 0 {
                self.gathered.reserve_exact(PIECE);
            }
            let room = PIECE.saturating_sub(self.gathered.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.gathered.extend_from_slice(now);
            bytes = rest;
            if self.gathered.len() >= PIECE {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        let piece = mem::take(&mut self.gathered);
        let Deferred { executor, backlog } = &self.deferred;
        backlog.fetch_add(piece.len(), Ordering::Relaxed);
        let mut state = self.stream.lock();
        state.pending.push_back(piece);
        let scheduled = mem::replace(&mut state.scheduled, true);
        drop(state);
        if !scheduled {
            let (stream, backlog) = (Arc::clone(&self.stream), Arc::clone(backlog));
            executor.submit(Box::new(move || stream.work(&backlog)));
        }
        let mut in_vain = 0;
        // An executor that does nothing any more is about to end, and the program with it.
        while in_vain < 2 {
            let done = executor.done();
            if backlog.load(Ordering::Relaxed) <= BACKLOG {
                return;
            }
            executor.relieve(done);
            in_vain = if executor.done() == done { in_vain + 1 } else { 0 };
        }
    }
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hashes what waits, until nothing does.
    fn work(&self, backlog: &AtomicUsize) {
        let mut state = self.lock();
        // Whoever wants the value may have begun already.
        while !state.busy && !state.pending.is_empty() {
            state = self.hash_pending(state, backlog);
        }
        state.scheduled = false;
    }

    /// Everything handed over so far, hashed.
    fn settle(&self, backlog: &AtomicUsize) -> Sha256 {
        let mut state = self.lock();
        loop {
            if state.busy {
                state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if state.pending.is_empty() {
                return state.hasher.clone();
            } else {
                state = self.hash_pending(state, backlog);
            }
        }
    }

    fn hash_pending<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        backlog: &AtomicUsize,
    ) -> MutexGuard<'a, State> {
        state.busy = true;
        let (pieces, mut hasher) = (mem::take(&mut state.pending), mem::take(&mut state.hasher));
        drop(state);
        for piece in pieces {
            hasher.update(&piece);
            backlog.fetch_sub(piece.len(), Ordering::Relaxed);
        }
        let mut state = self.lock();
        state.hasher = hasher;
        state.busy = false;
        self.idle.notify_all();
        state
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use port21_capture::Job;

    use super::*;

    /// Keeps jobs until it is asked to do one.
    #[derive(Default)]
    struct Lazy(Mutex<Vec<Job>>);

    impl fmt::Debug for Lazy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Lazy")
        }
    }

    impl Executor for Lazy {
        fn submit(&self, job: Job) {
            self.0.lock().unwrap().push(job);
        }

        fn done(&self) -> u64 {
            0
        }

        fn relieve(&self, _: u64) {
            let job = self.0.lock().unwrap().pop();
            job.expect("a job that waits")();
        }
    }

    fn stream(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 % 251) as u8).collect()
    }

    fn hashed(hashing: &Hashing, bytes: &[u8], step: usize) -> [u8; 32] {
        let mut digest = Digest::new(hashing, b"head").unwrap();
        bytes.chunks(step).for_each(|piece| digest.update(piece));
        digest.value()
    }

    #[test]
    fn later_is_the_same_as_now() {
        for length in [0, 1, PIECE - 4, PIECE - 3, 3 * PIECE + 17] {
            let bytes = stream(length);
            let later = Hashing::later(Arc::new(Lazy::default()));
            assert_eq!(hashed(&later, &bytes, 1460), hashed(&Hashing::Now, &bytes, 9000), "{length}");
        }
    }

    #[test]
    fn who_brings_too_much_helps() {
        let lazy = Arc::new(Lazy::default());
        let Hashing::Later(deferred) = Hashing::later(Arc::clone(&lazy) as Arc<dyn Executor>) else { return };
        let mut digest = Digest::new(&Hashing::Later(deferred.clone()), &[]).unwrap();
        let bytes = stream(PIECE);
        for _ in 0..=2 * BACKLOG / PIECE {
            digest.update(&bytes);
            assert!(deferred.backlog.load(Ordering::Relaxed) <= BACKLOG + PIECE);
        }
    }

    /// Forgets what it is asked to do, as an executor that is about to end.
    #[derive(Debug)]
    struct Ending;

    impl Executor for Ending {
        fn submit(&self, _: Job) {}

        fn done(&self) -> u64 {
            0
        }

        fn relieve(&self, _: u64) {}
    }

    #[test]
    fn an_executor_that_ends_keeps_nobody_waiting() {
        let mut digest = Digest::new(&Hashing::later(Arc::new(Ending)), &[]).unwrap();
        let bytes = stream(3 * BACKLOG);
        digest.update(&bytes);
        assert_eq!(digest.value(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    }

    #[test]
    fn a_stream_that_was_flushed_keeps_no_room_and_can_go_on() {
        let later = Hashing::later(Arc::new(Lazy::default()));
        let mut digest = Digest::new(&later, b"head").unwrap();
        digest.update(&stream(100));
        digest.flush();
        let Way::Later(stream_of) = &digest.0 else { return };
        assert_eq!(stream_of.gathered.capacity(), 0);
        assert_eq!(digest.value(), hashed(&Hashing::Now, &stream(100), 100));
        digest.flush();
        digest.update(b"more");
        assert_eq!(digest.value(), hashed(&Hashing::Now, &[stream(100), b"more".to_vec()].concat(), 104));
    }

    #[test]
    fn a_job_that_comes_after_the_value_was_taken_does_nothing() {
        let lazy = Arc::new(Lazy::default());
        let later = Hashing::later(Arc::clone(&lazy) as Arc<dyn Executor>);
        let mut digest = Digest::new(&later, &stream(PIECE)).unwrap();
        let before = digest.value();
        lazy.relieve(0);
        assert_eq!(digest.value(), before);
        digest.update(&stream(PIECE));
        assert_eq!(lazy.0.lock().unwrap().len(), 1, "the stream can be scheduled again");
    }
}

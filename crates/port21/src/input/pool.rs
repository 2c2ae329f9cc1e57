//! Threads that do what others hand them, in the order in which it was handed over.
//!
//! The thread that follows the packets is one of them: when more waits than its threads can do, it helps. So two threads share
//! the work evenly, whatever it consists of, and what waits stays bounded. Reading ahead comes last for the pool's threads and
//! first for who waits: he needs those packets next, and what a session takes up stays with the thread that understands it.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use port21_capture::{Executor, Job};

/// A few threads and the jobs that wait for them. They end when it is dropped; jobs that nobody has begun are forgotten.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
pub struct Shared {
    queue: Mutex<Queue>,
    /// A job has come, or there will be no more.
    work: Condvar,
    /// A job is done.
    finished: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Those that come before the others where somebody waits, else behind them.
    ahead: VecDeque<Job>,
    /// How many have been done so far.
    done: u64,
    closed: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

impl Pool {
    /// Starts `threads` threads; `None` where there is none to start, or the system refuses.
    pub fn start(threads: usize) -> Option<Pool> {
        let shared = Arc::<Shared>::default();
        let spawn = |number: usize| {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("worker {number}")).spawn(move || shared.serve()).ok()
        };
        let threads: Vec<JoinHandle<()>> = (1..=threads).map_while(spawn).collect();
        (!threads.is_empty()).then_some(Pool { shared, threads })
    }

    /// What takes jobs.
    pub fn executor(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.closed = true;
        let forgotten = (std::mem::take(&mut queue.jobs), std::mem::take(&mut queue.ahead));
        drop(queue);
        drop(forgotten);
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A job's panic was caught where it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does jobs until there will be no more.
    fn serve(&self) {
        let mut queue = self.lock();
        while !queue.closed {
            let job = queue.jobs.pop_front().or_else(|| queue.ahead.pop_front());
            queue = match job {
                Some(job) => self.run(job, queue),
                None => self.work.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Does a job without holding the queue.
    fn run<'a>(&'a self, job: Job, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        drop(queue);
        // Whoever waits for the result learns from its absence that the job failed.
        let _ = panic::catch_unwind(AssertUnwindSafe(job));
        let mut queue = self.lock();
        queue.done = queue.done.wrapping_add(1);
        self.finished.notify_all();
        queue
    }
}

impl Executor for Shared {
    fn submit(&self, job: Job) {
        self.lock().jobs.push_back(job);
        self.work.notify_one();
    }

    fn prepare(&self, job: Job) {
        self.lock().ahead.push_back(job);
        self.work.notify_one();
    }

    fn done(&self) -> u64 {
        self.lock().done
    }

    fn relieve(&self, done: u64) {
        let mut queue = self.lock();
        let job = queue.ahead.pop_front().or_else(|| queue.jobs.pop_front());
        match job {
            Some(job) => drop(self.run(job, queue)),
            None => {
                while queue.done == done && queue.jobs.is_empty() && queue.ahead.is_empty() && !queue.closed {
                    queue = self.finished.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn there_is_no_pool_without_threads() {
        assert!(Pool::start(0).is_none());
    }

    #[test]
    fn jobs_are_done_by_threads_or_by_who_helps() {
        let pool = Pool::start(2).unwrap();
        let (sender, receiver) = mpsc::channel();
        for number in 0..1000 {
            let sender = sender.clone();
            pool.executor().submit(Box::new(move || sender.send(number).unwrap()));
        }
        for _ in 0..10 {
            let executor = pool.executor();
            if !executor.lock().jobs.is_empty() {
                executor.relieve(executor.done());
            }
        }
        let mut done: Vec<i32> = receiver.iter().take(1000).collect();
        done.sort_unstable();
        assert!(done.into_iter().eq(0..1000));
    }

    #[test]
    fn what_is_prepared_comes_last_for_threads_and_first_for_who_waits() {
        let shared = Arc::<Shared>::default();
        let (sender, receiver) = mpsc::channel();
        let job = |number: u8| -> Job {
            let sender = sender.clone();
            Box::new(move || sender.send(number).unwrap())
        };
        (1..=3).for_each(|number| shared.submit(job(number)));
        (11..=13).for_each(|number| shared.prepare(job(number)));
        shared.relieve(shared.done());
        shared.relieve(shared.done());
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [11, 12]);
        let worker = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.serve())
        };
        assert_eq!(receiver.iter().take(4).collect::<Vec<_>>(), [1, 2, 3, 13]);
        shared.lock().closed = true;
        shared.work.notify_all();
        worker.join().unwrap();
    }

    #[test]
    fn a_job_that_panics_does_not_end_its_thread() {
        let pool = Pool::start(1).unwrap();
        let (sender, receiver) = mpsc::channel::<u8>();
        let lost = sender.clone();
        pool.executor().submit(Box::new(move || {
            let _held = lost;
            panic!("this panic is part of a test");
        }));
        pool.executor().submit(Box::new(move || sender.send(7).unwrap()));
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [7]);
    }
}

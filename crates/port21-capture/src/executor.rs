//! Work that need not be done by who asks for it.
//!
//! Libraries start no threads: they hand jobs to an [`Executor`] of the driver's, which does them where it likes.

use std::fmt;

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send>;

/// Does work at some time, on some thread.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Takes a job that is to be done soon.
    fn submit(&self, job: Job);

    /// Takes a job that is soon to be waited for by a thread that may as well do it itself: other jobs come first, unless that
    /// thread [has come to wait](Executor::relieve).
    fn prepare(&self, job: Job) {
        self.submit(job);
    }

    /// How many jobs have been done so far.
    fn done(&self) -> u64;

    /// Does one of the waiting jobs now, on the calling thread, or waits until more than `done` have been done. Who waits for
    /// something asks for [`Executor::done`] *before* looking whether it is there, so that no job ends in between unseen.
    fn relieve(&self, done: u64);
}

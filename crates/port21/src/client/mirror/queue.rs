//! What waits to be done, and who may take it: files before folders while there are enough of them, the deepest folder first, so that
//! little waits at a time however large the tree is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use super::item::{Item, Stamp};
use super::plan::Reason;
use super::state::Version;
use crate::client::local::Folder;

/// A folder to be listed and planned.
#[derive(Debug)]
pub struct FolderJob {
    /// From the root on, without a slash at its end; empty is the root.
    pub path: Vec<u8>,
    /// The target has it already.
    pub is_there: bool,
    /// The time that it is to have in the end, if one is told.
    pub time: Option<Stamp>,
    /// It has another one just now.
    pub is_off: bool,
    pub above: Option<Rc<Level>>,
}

/// A folder that was listed, to notice one that holds itself.
#[derive(Debug)]
pub struct Level {
    /// What its listing hashes to, or on this side what it is known by.
    pub hash: u64,
    pub above: Option<Rc<Level>>,
}

/// Folders above, beginning with the nearest.
pub fn levels(above: &Option<Rc<Level>>) -> impl Iterator<Item = &Level> {
    std::iter::successors(above.as_deref(), |level| level.above.as_deref())
}

/// A file to be transferred.
pub struct FileJob {
    pub item: Item,
    pub reason: Reason,
    /// Bytes of it that an earlier run left.
    pub partial: Option<u64>,
    pub batch: Rc<Batch>,
    /// It was tried before in this run.
    pub tried: bool,
    /// What of it an earlier try of this run sent.
    pub begun: Option<Begun>,
    /// The furthest byte of it that any try came to, or when it is sent began at, since only what is before that is surely there.
    pub reached: u64,
    /// The server cannot go on in its middle.
    pub from_start: bool,
}

impl FileJob {
    /// Its path from the root on.
    pub fn path(&self) -> Vec<u8> {
        [&self.batch.place, self.item.name.as_slice()].concat()
    }
}

/// What the server got of a file in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    pub version: Version,
    /// Under its own name.
    pub in_place: bool,
    /// The server has at most so many bytes of it that are worth going on behind.
    pub most: u64,
}

/// The files of one folder.
pub struct Batch {
    /// The folder's path with a slash at its end; empty is the root.
    pub place: Vec<u8>,
    /// The folder on this side.
    pub folder: Option<Folder>,
    /// Files that are not done yet.
    pub open: Cell<usize>,
    /// Files that were sent, with their sizes, to be compared with what the server then has.
    pub sent: RefCell<Vec<(Vec<u8>, u64)>>,
}

/// Something to do for a session.
pub enum Job {
    Folder(FolderJob),
    File(FileJob),
    /// Set time or mode of a file on the server.
    Adjust {
        path: Vec<u8>,
        item: Item,
        time: bool,
        mode: bool,
    },
    /// Look whether the server has what was sent.
    Check(Rc<Batch>),
    /// Set the time of a folder in which nothing changes any more.
    Date {
        path: Vec<u8>,
        time: Stamp,
    },
}

/// What waits.
#[derive(Default)]
pub struct Queue {
    ready: VecDeque<Job>,
    folders: Vec<FolderJob>,
    /// Jobs that somebody does just now, from which more may come.
    pub busy: usize,
    /// Folders are listed as long as fewer other jobs than this are ready.
    enough: usize,
}

impl Queue {
    /// An empty queue for so many sessions.
    pub fn new(sessions: usize) -> Self {
        Self { enough: sessions.saturating_mul(2), ..Self::default() }
    }

    pub fn add(&mut self, job: Job) {
        match job {
            Job::Folder(folder) => self.folders.push(folder),
            job => self.ready.push_back(job),
        }
    }

    /// The next job. Whoever takes it counts as busy until it tells that it is done.
    pub fn take(&mut self) -> Option<Job> {
        let lists = self.ready.len() < self.enough;
        let folder = if lists { self.folders.pop().map(Job::Folder) } else { None };
        let job = folder.or_else(|| self.ready.pop_front())?;
        self.busy = self.busy.saturating_add(1);
        Some(job)
    }

    /// Nothing waits, and nothing can come.
    pub fn is_over(&self) -> bool {
        self.busy == 0 && self.ready.is_empty() && self.folders.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> Job {
        Job::Folder(FolderJob { path: path.into(), is_there: true, time: None, is_off: false, above: None })
    }

    fn other(path: &str) -> Job {
        let kind = super::super::item::Kind::File;
        let item = Item { name: path.into(), kind, size: None, time: None, mode: None };
        Job::Adjust { path: path.into(), item, time: true, mode: false }
    }

    fn taken(queue: &mut Queue) -> Option<String> {
        let path = match queue.take()? {
            Job::Folder(folder) => folder.path,
            Job::Adjust { path, .. } => path,
            _ => Vec::new(),
        };
        Some(String::from_utf8(path).unwrap())
    }

    #[test]
    fn folders_are_listed_only_while_little_else_waits_and_the_last_first() {
        let mut queue = Queue::new(1);
        for job in [folder("1"), folder("2"), other("a"), other("b"), other("c")] {
            queue.add(job);
        }
        let order: Vec<String> = std::iter::from_fn(|| taken(&mut queue)).collect();
        assert_eq!(order, ["a", "b", "2", "1", "c"].map(str::to_owned));
        assert!(!queue.is_over() && queue.busy == 5);
    }
}

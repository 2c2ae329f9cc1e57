//! Reading ahead changes nothing in what is read, whoever does it and whenever.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use port21_capture::{Capture, Captures, Executor, Job};

use common::{Kept, gzip, pcap, read};

/// Does jobs only when it is asked to, the oldest first.
#[derive(Default)]
struct Lazy {
    jobs: Mutex<VecDeque<Job>>,
}

impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lazy")
    }
}

impl Executor for Lazy {
    fn submit(&self, job: Job) {
        self.jobs.lock().unwrap().push_back(job);
    }

    fn done(&self) -> u64 {
        0
    }

    fn relieve(&self, _: u64) {
        let job = self.jobs.lock().unwrap().pop_front();
        job.expect("something to do")();
    }
}

/// Does jobs at once.
#[derive(Debug)]
struct Eager;

impl Executor for Eager {
    fn submit(&self, job: Job) {
        job();
    }

    fn done(&self) -> u64 {
        0
    }

    fn relieve(&self, _: u64) {
        panic!("everything was done at once");
    }
}

/// Four megabytes of records, short ones and some that are longer than a block's headroom.
fn capture() -> Vec<u8> {
    let records: Vec<Vec<u8>> = (0..2000usize)
        .map(|number| {
            let length = match number % 500 {
                77 => 70_000,
                177 => 250_000,
                277 => 130_000,
                other => 1 + other % 1500,
            };
            (0..length).map(|at| (at * 31 + number) as u8).collect()
        })
        .collect();
    pcap(&records.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

fn ahead(path: &Path, executor: Arc<dyn Executor>) -> (Vec<Kept>, Vec<String>) {
    let mut capture = Capture::open(path).unwrap();
    capture.read_ahead(&executor);
    let packets = read(&mut capture);
    (packets, capture.info().problems.into_iter().map(|problem| problem.text).collect())
}

#[test]
fn packets_and_problems_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let whole = capture();
    let cut = &whole[..whole.len() - 100];
    for (name, bytes) in
        [("whole", whole.clone()), ("cut", cut.to_vec()), ("gzip", gzip(&whole)), ("cut.gz", gzip(cut))]
    {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let mut plain = Capture::open(&path).unwrap();
        let expected = read(&mut plain);
        let problems: Vec<String> = plain.info().problems.into_iter().map(|problem| problem.text).collect();
        assert!(expected.len() >= 1999, "{name}");
        assert_eq!(problems.len(), usize::from(name.starts_with("cut")), "{name}");
        for executor in [Arc::new(Eager) as Arc<dyn Executor>, Arc::<Lazy>::default()] {
            let (packets, told) = ahead(&path, executor);
            assert!(packets == expected, "{name}: packets differ");
            assert_eq!(told, problems, "{name}");
        }
    }
}

#[test]
fn several_files_are_read_ahead_too() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["one", "two"].map(|name| folder.path().join(name));
    paths.iter().for_each(|path| fs::write(path, capture()).unwrap());
    let numbered = |captures: &mut Captures| {
        let mut seen = Vec::new();
        while let Some(packet) = captures.next_packet() {
            seen.push(Kept::from(packet));
        }
        seen
    };
    let (mut plain, _) = Captures::open(&paths);
    let (mut ahead, _) = Captures::open(&paths);
    ahead.read_ahead(Arc::<Lazy>::default());
    assert!(numbered(&mut plain) == numbered(&mut ahead));
}

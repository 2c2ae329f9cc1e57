//! Reading ahead changes nothing in what is read, whoever does it and whenever.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use port21_capture::{Ahead, Batch, Captures, Decoded, Decoder, Executor, Job};

use common::{gzip, pcap};

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

/// An Ethernet frame with an IPv4 packet: a UDP datagram of `payload`, or a part of one.
fn frame(number: usize, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 14];
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    let length = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let identification = u16::try_from(number % 60_000).unwrap().to_be_bytes();
    frame.extend([0x45, 0, length[0], length[1], identification[0], identification[1]]);
    frame.extend(fragment.to_be_bytes());
    frame.extend([64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(payload);
    frame
}

fn datagram(number: usize, length: usize) -> Vec<u8> {
    let mut datagram = [1000 + u16::try_from(number % 50).unwrap(), 53].map(u16::to_be_bytes).concat();
    datagram.extend(u16::try_from(8 + length).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend((0..length).map(|at| (at * 31 + number) as u8));
    datagram
}

/// Four megabytes of datagrams: whole ones, some with much behind them, ones in fragments, and what is none.
fn capture() -> Vec<u8> {
    let mut frames = Vec::new();
    for number in 0..2500 {
        match number % 500 {
            77 => {
                let whole = datagram(number, 2000);
                frames.push(frame(number, 0x2000, &whole[..1000]));
                frames.push(frame(number, 125, &whole[1000..]));
            }
            177 => frames.push([frame(number, 0, &datagram(number, 60_000)), vec![1; 190_000]].concat()),
            277 => frames.push(vec![number as u8; 60]),
            other => frames.push(frame(number, 0, &datagram(number, other * 3))),
        }
    }
    pcap(&frames.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// What is kept of a packet.
fn told(decoded: &Decoded<'_>) -> String {
    format!("{decoded:?}")
}

fn in_turn(paths: &[PathBuf]) -> (Vec<String>, Captures) {
    let (mut captures, errors) = Captures::open(paths);
    assert!(errors.is_empty());
    let (mut decoder, mut seen) = (Decoder::default(), Vec::new());
    while let Some(packet) = captures.next_packet() {
        seen.push(told(&decoder.decode(&packet)));
    }
    (seen, captures)
}

fn ahead(paths: &[PathBuf], executor: Arc<dyn Executor>) -> (Vec<String>, Captures) {
    let (captures, _) = Captures::open(paths);
    let mut ahead = Ahead::start(executor, captures, Decoder::default());
    let (mut seen, mut done) = (Vec::new(), None);
    while let Some(batch) = ahead.next(done).unwrap() {
        seen.extend(batch.packets().map(|decoded| told(&decoded)));
        done = Some(batch);
    }
    (seen, ahead.into_parts().unwrap().0)
}

fn problems(captures: &Captures) -> Vec<String> {
    captures.infos().into_iter().flat_map(|info| info.problems).map(|problem| problem.text).collect()
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
        let paths = [path];
        let (expected, plain) = in_turn(&paths);
        assert!(expected.len() >= 2504, "{name}");
        assert!(expected.iter().any(|packet| packet.contains("reassembled: Some")), "{name}");
        assert_eq!(problems(&plain).len(), usize::from(name.starts_with("cut")), "{name}");
        for executor in [Arc::new(Eager) as Arc<dyn Executor>, Arc::<Lazy>::default()] {
            let (packets, captures) = ahead(&paths, executor);
            assert!(packets == expected, "{name}: packets differ");
            assert_eq!(problems(&captures), problems(&plain), "{name}");
        }
    }
}

#[test]
fn several_files_are_read_ahead_too() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["one", "two"].map(|name| folder.path().join(name));
    paths.iter().for_each(|path| fs::write(path, capture()).unwrap());
    let expected = in_turn(&paths).0;
    assert!(ahead(&paths, Arc::<Lazy>::default()).0 == expected);
}

#[test]
fn what_was_read_before_the_stop_is_given_and_no_more_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let paths = [folder.path().join("file")];
    fs::write(&paths[0], capture()).unwrap();
    let expected = in_turn(&paths).0;
    let (captures, _) = Captures::open(&paths);
    let mut ahead = Ahead::start(Arc::<Lazy>::default(), captures, Decoder::default());
    let mut seen = Vec::new();
    let mut take = |batch: &Batch| seen.extend(batch.packets().map(|decoded| told(&decoded)));
    let first = ahead.next(None).unwrap().unwrap();
    take(&first);
    ahead.stop();
    let mut done = Some(first);
    while let Some(batch) = ahead.next(done).unwrap() {
        take(&batch);
        done = Some(batch);
    }
    let (captures, _) = ahead.into_parts().unwrap();
    assert!(seen.len() < expected.len() && expected.starts_with(&seen));
    assert_eq!(captures.packets(), seen.len() as u64);
}

/// Forgets every job.
#[derive(Debug)]
struct Forgetful;

impl Executor for Forgetful {
    fn submit(&self, _: Job) {}

    fn done(&self) -> u64 {
        0
    }

    fn relieve(&self, _: u64) {}
}

#[test]
fn reading_that_is_given_up_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, capture()).unwrap();
    let (captures, _) = Captures::open(&[path]);
    let mut ahead = Ahead::start(Arc::new(Forgetful), captures, Decoder::default());
    assert!(ahead.next(None).is_err());
    assert!(ahead.into_parts().is_none());
}

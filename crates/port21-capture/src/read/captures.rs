//! Several captures in time order as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Capture, Info, OpenError, Progress};
use crate::packet::{Packet, Timestamp};

/// Several inputs read as one capture: packets by time, those of the same time in the order of the inputs, numbered
/// from 1 across all of them. The packets of one input keep their order even where its clock went back.
///
/// Files are opened when their first packet is due and closed at their end, so that a thousand rotated files do not
/// need a thousand descriptors.
#[derive(Debug, Default)]
pub struct Captures {
    sources: Vec<Source>,
    /// Sources that still have packets, by the time of their next one.
    due: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The source whose packet was given last; it is moved on before the next is given.
    latest: Option<usize>,
    /// Sources that have paused: when their next packet is due is not known, so nothing goes on without them.
    paused: Vec<usize>,
    packets: u64,
    errors: Vec<OpenError>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    state: State,
    total: Option<u64>,
    /// Number in the whole of the last packet given.
    latest: u64,
    /// Numbers of the packets near problems: in this input, in the whole.
    numbers: Vec<(u64, u64)>,
    /// How many problems `numbers` serves.
    problems: usize,
    /// Whether the next packet's number belongs into `numbers`.
    number_next: bool,
}

#[derive(Debug)]
enum State {
    /// Looked at and closed again.
    Waiting(Box<Info>),
    /// Being read, with its next packet at hand.
    Open(Box<Capture>),
    Ended(Box<Info>),
}

impl Captures {
    /// Looks at every file. Those that cannot be opened are left out, each with its error; the others are read.
    pub fn open(paths: &[PathBuf]) -> (Captures, Vec<OpenError>) {
        let mut captures = Captures::default();
        let mut errors = Vec::new();
        for path in paths {
            match Capture::open(path) {
                Ok(capture) => captures.add(path.clone(), capture, paths.len() > 1),
                Err(error) => errors.push(error),
            }
        }
        (captures, errors)
    }

    /// Reads captures that are open already (standard input among them) as one.
    pub fn from_captures(captures: impl IntoIterator<Item = Capture>) -> Captures {
        let mut whole = Captures::default();
        for capture in captures {
            whole.add(PathBuf::new(), capture, false);
        }
        whole
    }

    /// The next packet in time, or `None` when all inputs have ended, or one is [paused](Captures::is_paused).
    #[inline]
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        let index = self.move_on()?;
        self.packets = self.packets.saturating_add(1);
        self.sources.get_mut(index)?.give(self.packets)
    }

    /// The same, and the block that its bytes are part of: it stays as it is for as long as somebody holds it.
    #[inline]
    pub(crate) fn next_in_block(&mut self) -> Option<(Packet<'_>, &Arc<[u8]>)> {
        let index = self.move_on()?;
        self.packets = self.packets.saturating_add(1);
        self.sources.get_mut(index)?.give_in_block(self.packets)
    }

    /// Whether the last `None` means that an input has no whole packet at present, not that all have ended.
    pub fn is_paused(&self) -> bool {
        !self.paused.is_empty()
    }

    /// What is known of every input so far, in the order given; packets are numbered as in the whole.
    pub fn infos(&self) -> Vec<Info> {
        self.sources.iter().map(Source::info).collect()
    }

    /// Packets given so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Whether there is no input at all.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Files that could be looked at but not opened again when their turn came, since the last call.
    pub fn take_errors(&mut self) -> Vec<OpenError> {
        std::mem::take(&mut self.errors)
    }

    /// How far reading has come; the total is unknown if that of one input is.
    pub fn progress(&self) -> Progress {
        let mut whole = Progress { read: 0, total: Some(0) };
        for source in &self.sources {
            let read = match &source.state {
                State::Waiting(_) => 0,
                State::Open(capture) => capture.progress().read,
                State::Ended(_) => source.total.unwrap_or(0),
            };
            whole.read = whole.read.saturating_add(read);
            whole.total = whole.total.zip(source.total).map(|(sum, total)| sum.saturating_add(total));
        }
        whole
    }

    /// Takes an open capture in; its first packet decides when it is due. With `close` a regular file is closed until
    /// then.
    fn add(&mut self, path: PathBuf, capture: Capture, close: bool) {
        let index = self.sources.len();
        let mut source = Source::new(path, capture);
        let first = source.advance();
        if first.is_none() && source.is_paused() {
            self.paused.push(index);
        } else if close && source.total.is_some() {
            source.close();
        }
        self.sources.push(source);
        self.due.extend(first.map(|time| Reverse((time, index))));
    }

    /// The source whose next packet is due, with that packet at hand.
    #[inline]
    fn move_on(&mut self) -> Option<usize> {
        if let Some(index) = self.latest.take() {
            let next = self.sources.get_mut(index)?.advance();
            if let Some(time) = next {
                // One input, or one whose packets all come before those of the others: no need for the heap.
                if self.due.peek().is_none_or(|Reverse(first)| (time, index) < *first) {
                    self.latest = Some(index);
                    return Some(index);
                }
                self.due.push(Reverse((time, index)));
            } else if self.sources.get(index)?.is_paused() {
                self.paused.push(index);
            }
        }
        while let Some(index) = self.paused.last().copied() {
            let source = self.sources.get_mut(index)?;
            let next = source.advance();
            if next.is_none() && source.is_paused() {
                return None;
            }
            self.paused.pop();
            self.due.extend(next.map(|time| Reverse((time, index))));
        }
        while let Some(Reverse((_, index))) = self.due.pop() {
            match self.sources.get_mut(index)?.reopen() {
                Ok(true) => {
                    self.latest = Some(index);
                    return Some(index);
                }
                Ok(false) => {}
                Err(error) => self.errors.push(error),
            }
        }
        None
    }
}

impl Source {
    fn new(path: PathBuf, capture: Capture) -> Self {
        let total = capture.progress().total;
        let state = State::Open(Box::new(capture));
        Source { path, state, total, latest: 0, numbers: Vec::new(), problems: 0, number_next: false }
    }

    /// Moves on to the next packet of this input and gives its time.
    #[inline]
    fn advance(&mut self) -> Option<Timestamp> {
        let State::Open(capture) = &mut self.state else { return None };
        let given = capture.input.packets;
        let more = capture.advance();
        if capture.input.log.len() != self.problems {
            self.problems = capture.input.log.len();
            self.numbers.push((given, self.latest));
            self.number_next = true;
        }
        if more {
            return capture.record.as_ref().map(|record| record.time);
        }
        if capture.is_paused() {
            return None;
        }
        self.state = State::Ended(Box::new(capture.info()));
        None
    }

    fn is_paused(&self) -> bool {
        matches!(&self.state, State::Open(capture) if capture.is_paused())
    }

    /// The packet at hand, with the number that it has in the whole.
    #[inline]
    fn give(&mut self, number: u64) -> Option<Packet<'_>> {
        self.give_in_block(number).map(|(packet, _)| packet)
    }

    #[inline]
    fn give_in_block(&mut self, number: u64) -> Option<(Packet<'_>, &Arc<[u8]>)> {
        let State::Open(capture) = &self.state else { return None };
        let mut packet = capture.current()?;
        if self.number_next {
            self.number_next = false;
            self.numbers.push((packet.number, number));
        }
        self.latest = number;
        packet.number = number;
        Some((packet, capture.block()))
    }

    /// Closes a file that was looked at, until its first packet is due.
    fn close(&mut self) {
        if let State::Open(capture) = &self.state {
            let mut info = capture.info();
            (info.packets, info.bytes, info.last_time) = (0, 0, None);
            self.state = State::Waiting(Box::new(info));
            (self.problems, self.number_next) = (0, false);
            self.numbers.clear();
        }
    }

    /// Opens a file again that was closed; false if it has no packets any more.
    fn reopen(&mut self) -> Result<bool, OpenError> {
        if let State::Waiting(_) = &self.state {
            self.state = State::Open(Box::new(Capture::open(&self.path)?));
            return Ok(self.advance().is_some());
        }
        Ok(true)
    }

    fn info(&self) -> Info {
        let mut info = match &self.state {
            State::Open(capture) => capture.info(),
            State::Waiting(info) | State::Ended(info) => info.as_ref().clone(),
        };
        for problem in &mut info.problems {
            problem.packet = problem.packet.and_then(|number| self.number_in_whole(number));
        }
        info
    }

    fn number_in_whole(&self, number: u64) -> Option<u64> {
        self.numbers.iter().find(|(here, _)| *here == number).map(|(_, whole)| *whole)
    }
}

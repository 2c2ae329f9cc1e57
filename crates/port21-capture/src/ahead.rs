//! Reading and decoding ahead: the next packets are made ready on another thread while those before them are looked at.
//!
//! ```text
//! captures, decoder ──▶ Batch, Batch, ... ──▶ Decoded, Decoded, ...
//!  a job of the executor's   │                  for who asked
//!          ▲─────────────────┘ to be filled again
//! ```
//!
//! A batch holds the blocks that its packets lie in, so that no payload is copied.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use crate::decode::{Decoded, Decoder, Transport};
use crate::executor::Executor;
use crate::read::Captures;

/// How many batches there are: some are made ready while others are looked at.
const BATCHES: usize = 4;

/// Most packets of a batch.
const MOST_PACKETS: usize = 1024;

/// Most captured bytes of a batch; the last packet may go beyond.
const MOST_BYTES: usize = 512 << 10;

/// How many of the last blocks are searched for that of a packet: as many inputs may take turns.
const RECENT_BLOCKS: usize = 4;

/// Packets in order, with their decoded headers.
#[derive(Debug, Default)]
pub struct Batch {
    packets: Vec<Stored>,
    blocks: Vec<Arc<[u8]>>,
    /// Bytes taken from the inputs by then.
    read: u64,
}

/// One packet's headers; its bytes by their place.
#[derive(Debug)]
struct Stored {
    decoded: Decoded<'static>,
    /// The block that holds the datagram that was put together, all of it.
    datagram: usize,
    /// The block that holds the payload, and where.
    block: usize,
    payload: Range<usize>,
}

impl Batch {
    /// The packets.
    pub fn packets(&self) -> impl Iterator<Item = Decoded<'_>> {
        self.packets.iter().map(|stored| stored.give(&self.blocks))
    }

    /// Bytes that were taken from the inputs, before decompression, when its last packet had been read.
    pub fn read(&self) -> u64 {
        self.read
    }

    fn clear(&mut self) {
        self.packets.clear();
        self.blocks.clear();
    }

    fn take(&mut self, decoded: &Decoded<'_>, block: &Arc<[u8]>) {
        // A datagram that was put together is gone with the next packet.
        let datagram = decoded.reassembled.map(|(_, datagram)| (self.add(datagram.into()), datagram));
        let whole: (usize, &[u8]) = datagram.unwrap_or_else(|| (self.of(block), block.as_ref()));
        let payload = payload(decoded);
        let (block, payload) = match place(whole.1, payload) {
            Some(range) => (whole.0, range),
            None if payload.is_empty() => (whole.0, 0..0),
            None => (self.add(payload.into()), 0..payload.len()),
        };
        let datagram = datagram.map_or(0, |(index, _)| index);
        self.packets.push(Stored { decoded: without_bytes(decoded), datagram, block, payload });
    }

    /// The index of a block that the batch holds from now on.
    fn of(&mut self, block: &Arc<[u8]>) -> usize {
        let mut recent = self.blocks.iter().enumerate().rev().take(RECENT_BLOCKS);
        match recent.find(|(_, known)| Arc::ptr_eq(known, block)) {
            Some((index, _)) => index,
            None => self.add(Arc::clone(block)),
        }
    }

    fn add(&mut self, block: Arc<[u8]>) -> usize {
        self.blocks.push(block);
        self.blocks.len() - 1
    }
}

impl Stored {
    #[inline]
    fn give<'a>(&self, blocks: &'a [Arc<[u8]>]) -> Decoded<'a> {
        let bytes = |block: usize| blocks.get(block).map(AsRef::as_ref).unwrap_or_default();
        let whole: &'a [u8] = bytes(self.block);
        let mut decoded: Decoded<'a> = self.decoded;
        match &mut decoded.transport {
            Some(Transport::Tcp(segment)) => {
                segment.payload = whole.get(self.payload.clone()).unwrap_or_default();
            }
            Some(Transport::Udp { payload, .. }) => {
                *payload = whole.get(self.payload.clone()).unwrap_or_default();
            }
            _ => {}
        }
        if let Some((_, datagram)) = &mut decoded.reassembled {
            *datagram = bytes(self.datagram);
        }
        decoded
    }
}

/// The transport's payload.
fn payload<'a>(decoded: &Decoded<'a>) -> &'a [u8] {
    match decoded.transport {
        Some(Transport::Tcp(segment)) => segment.payload,
        Some(Transport::Udp { payload, .. }) => payload,
        _ => &[],
    }
}

/// Where `part` lies in `whole`, if it does.
fn place(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}

fn without_bytes(decoded: &Decoded<'_>) -> Decoded<'static> {
    let transport = decoded.transport.map(|transport| match transport {
        Transport::Tcp(segment) => Transport::Tcp(segment.with_payload(&[])),
        Transport::Udp { source_port, destination_port, .. } => {
            Transport::Udp { source_port, destination_port, payload: &[] }
        }
        Transport::Unreachable { kind, code, quoted_tcp } => {
            Transport::Unreachable { kind, code, quoted_tcp }
        }
        Transport::Fragment => Transport::Fragment,
        Transport::Other(number) => Transport::Other(number),
    });
    let reassembled = decoded.reassembled.map(|(protocol, _)| (protocol, &[][..]));
    Decoded {
        packet: decoded.packet,
        time: decoded.time,
        scope: decoded.scope,
        addresses: decoded.addresses,
        hop_limit: decoded.hop_limit,
        identification: decoded.identification,
        ip_length: decoded.ip_length,
        transport,
        reassembled,
        stopped: decoded.stopped,
    }
}

/// Who reads.
#[derive(Debug)]
struct Hand {
    captures: Captures,
    decoder: Decoder,
    /// There are no more packets.
    ended: bool,
}

impl Hand {
    fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        let mut bytes = 0;
        while batch.packets.len() < MOST_PACKETS && bytes < MOST_BYTES {
            let Some((packet, block)) = self.captures.next_in_block() else {
                self.ended = true;
                break;
            };
            bytes += packet.data.len();
            batch.take(&self.decoder.decode(&packet), block);
        }
        batch.read = self.captures.progress().read;
    }
}

/// What a job brings: batches as they are full, and at last who reads.
enum Brought {
    Batch(Batch),
    Hand(Box<Hand>),
}

/// Captures that are read some batches ahead.
pub struct Ahead {
    executor: Arc<dyn Executor>,
    /// What the job under way brings.
    coming: Option<Receiver<Brought>>,
    /// Who reads, where no job is under way.
    idle: Option<Box<Hand>>,
    ready: VecDeque<Batch>,
    empty: Vec<Batch>,
    stopped: bool,
}

impl fmt::Debug for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.coming.is_some();
        f.debug_struct("Ahead")
            .field("under_way", &under_way)
            .field("stopped", &self.stopped)
            .finish_non_exhaustive()
    }
}

impl Ahead {
    /// Starts to read. The inputs must be such that wait where they have nothing, and do not [pause](Captures::is_paused).
    pub fn start(executor: Arc<dyn Executor>, captures: Captures, decoder: Decoder) -> Ahead {
        let hand = Box::new(Hand { captures, decoder, ended: false });
        let empty = (0..BATCHES).map(|_| Batch::default()).collect();
        let (coming, ready) = (None, VecDeque::new());
        let mut ahead = Ahead { executor, coming, idle: Some(hand), ready, empty, stopped: false };
        ahead.go_on();
        ahead
    }

    /// The next packets, or `None` at the end. `done` is the batch before, which is no longer needed.
    ///
    /// # Errors
    ///
    /// Reading was given up by the executor.
    pub fn next(&mut self, done: Option<Batch>) -> io::Result<Option<Batch>> {
        self.empty.extend(done);
        loop {
            let jobs = self.executor.done();
            self.receive();
            self.go_on();
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            match (&self.coming, &self.idle) {
                (Some(_), _) => self.executor.relieve(jobs),
                (None, Some(_)) => return Ok(None),
                (None, None) => return Err(io::Error::other("reading was given up")),
            }
        }
    }

    /// No more is read than what has been begun, so that every packet that was read is given.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The captures and the decoder, after the end.
    pub fn into_parts(self) -> Option<(Captures, Decoder)> {
        self.idle.map(|hand| (hand.captures, hand.decoder))
    }

    /// Takes what the job under way has brought so far.
    fn receive(&mut self) {
        while let Some(coming) = &self.coming {
            match coming.try_recv() {
                Ok(Brought::Batch(batch)) => self.ready.push_back(batch),
                Ok(Brought::Hand(hand)) => (self.coming, self.idle) = (None, Some(hand)),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.coming = None,
            }
        }
    }

    /// Has the empty batches filled, if there is more to read.
    fn go_on(&mut self) {
        if self.stopped || self.empty.is_empty() {
            return;
        }
        let Some(mut hand) = self.idle.take_if(|hand| !hand.ended) else { return };
        let batches = std::mem::take(&mut self.empty);
        let (sender, coming) = mpsc::channel();
        self.coming = Some(coming);
        // Nobody waits for what is sent where reading was given up.
        self.executor.prepare(Box::new(move || {
            for mut batch in batches {
                hand.fill(&mut batch);
                if batch.packets.is_empty() {
                    break;
                }
                let _ = sender.send(Brought::Batch(batch));
            }
            let _ = sender.send(Brought::Hand(hand));
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_where_it_lies_and_nothing_else_is() {
        let whole = [1, 1, 1, 1];
        assert_eq!(place(&whole, &whole), Some(0..4));
        assert_eq!(place(&whole, &whole[1..3]), Some(1..3));
        assert_eq!(place(&whole, &whole[4..]), Some(4..4));
        assert_eq!(place(&whole[1..3], &whole), None);
        assert_eq!(place(&whole[1..3], &whole[2..]), None);
        assert_eq!(place(&whole[..1], &whole[2..]), None);
    }
}

//! The first half of the way: from packets to what TCP tells of them.

use std::collections::BTreeMap;

use port21_capture::decode::Stop;
use port21_capture::{Decoded, Transport};

use crate::ftp::{Hearer, Unwanted};
use crate::names::{DNS_PORT, Envelope};
use crate::report::Totals;
use crate::tcp::{Limits, Tracker};

/// Most packets of a batch.
const MOST_PACKETS: usize = 4096;

/// Most bytes that are told of in a batch; those of the last packet may go beyond.
const MOST_BYTES: u64 = 512 << 10;

/// Fewer bytes than this are soon copied.
const SHORT: u64 = 512;

/// Follows TCP, and counts packets.
#[derive(Debug)]
pub(super) struct Follower {
    pub tracker: Tracker,
    pub totals: Totals,
    pub undecoded: BTreeMap<Stop, u64>,
    /// Packets of the batch so far.
    packets: usize,
    /// Messages about names so far, and their bytes.
    names: (u64, u64),
    /// Runs of bytes that were told of before the batch, and their bytes.
    before: (u64, u64),
    chatty: bool,
    /// What is not wanted any more: found out in the batch before this one, and in this one.
    unwanted: [Vec<Unwanted>; 2],
}

impl Follower {
    pub fn new(limits: Limits) -> Follower {
        Follower {
            tracker: Tracker::new(limits),
            totals: Totals::default(),
            undecoded: BTreeMap::new(),
            packets: 0,
            names: (0, 0),
            before: (0, 0),
            chatty: false,
            unwanted: Default::default(),
        }
    }

    /// Takes one packet in. Says whether a batch is complete with it: what is a batch depends on the packets alone.
    pub fn packet<H: Hearer>(&mut self, decoded: &Decoded<'_>, hearer: &mut H) -> bool {
        self.totals.packets += 1;
        if let Some(stop) = decoded.stopped {
            self.totals.undecoded_packets += 1;
            *self.undecoded.entry(stop).or_default() += 1;
        }
        match (&decoded.transport, decoded.addresses) {
            (Some(Transport::Tcp(segment)), Some(_)) => {
                self.totals.tcp_packets += 1;
                self.tracker.segment(decoded, segment, hearer);
            }
            (
                Some(Transport::Udp { source_port, destination_port, payload }),
                Some((source, destination)),
            ) if *source_port == DNS_PORT || *destination_port == DNS_PORT => {
                let envelope = Envelope {
                    source: (source, *source_port),
                    destination: (destination, *destination_port),
                    transport: "udp",
                    packet: decoded.packet,
                    time: decoded.time,
                };
                self.names.0 += 1;
                self.names.1 += payload.len() as u64;
                hearer.names(envelope, payload);
            }
            (Some(Transport::Unreachable { kind, code, quoted_tcp: Some(quoted) }), _) => {
                self.tracker.unreachable(decoded, *quoted, *kind, *code);
            }
            _ => {}
        }
        self.packets += 1;
        self.packets >= MOST_PACKETS || self.told().1 >= MOST_BYTES
    }

    /// What was found out not to be wanted, in the batch before this one or (`now`) in this one.
    pub fn note_unwanted(&mut self, now: bool, found: Vec<Unwanted>) {
        let [earlier, latest] = &mut self.unwanted;
        if now { latest } else { earlier }.extend(found);
    }

    /// The next packet begins a batch. What is not wanted has effect only now, a batch later than it is found out, where the stage
    /// may hear a batch later; on one thread too, so that the same follows. In other batches TCP is told at once of connections
    /// of which nothing is wanted.
    pub fn begin_batch(&mut self) {
        let [earlier, latest] = &mut self.unwanted;
        for Unwanted { scope, ends, stream, what } in earlier.drain(..) {
            self.tracker.disregard(scope, ends, stream, what);
        }
        std::mem::swap(earlier, latest);
        let (runs, bytes) = self.told();
        self.chatty = runs >= MOST_PACKETS as u64 / 4 && bytes < runs.saturating_mul(SHORT);
        (self.packets, self.before) = (0, self.so_far());
    }

    /// Whether the batch before this one had much to tell, and little of each: then more is to be understood than to be copied.
    pub fn is_chatty(&self) -> bool {
        self.chatty
    }

    /// Runs of bytes that the batch tells of, and their bytes.
    fn told(&self) -> (u64, u64) {
        let (runs, bytes) = self.so_far();
        (runs.saturating_sub(self.before.0), bytes.saturating_sub(self.before.1))
    }

    fn so_far(&self) -> (u64, u64) {
        let ((runs, bytes), (messages, of_names)) = (self.tracker.delivered(), self.names);
        (runs.saturating_add(messages), bytes.saturating_add(of_names))
    }
}

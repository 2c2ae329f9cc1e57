//! Connections that have been reported already: what is needed to know their last packets when they come late.
//!
//! A closed connection is reported once it has been quiet for a moment, so that memory does not grow with the capture.
//! A FIN that is repeated a minute later is still the same connection, as Wireshark counts streams, and not a new one.

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use port21_capture::{Flags, Segment};

use super::connection::{Connection, End, Endpoint};
use super::sequence::SequenceNumber;
use super::table::Key;

/// What is remembered of a connection: of each end, the one with the smaller address and port first, its initial
/// sequence number and the number behind all that it sent.
#[derive(Debug, Clone, Copy)]
struct Trace {
    stream: u64,
    numbers: [Option<(SequenceNumber, SequenceNumber)>; 2],
}

/// The connections that were closed last, as many as the limit says.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    traces: HashMap<Key, Trace, RandomState>,
    order: VecDeque<(Key, u64)>,
}

impl Forgotten {
    /// Remembers a closed connection that is about to be reported; at most `limit` are remembered.
    pub fn remember(&mut self, connection: &Connection, limit: usize) {
        let [initiator, responder] = connection.ends;
        let numbers = |end: End| {
            let half = connection.half(end);
            let initial = SequenceNumber(half.initial_sequence?);
            // One for the SYN, one for the FIN.
            let sent = half.bytes.saturating_add(half.missing) as u32;
            Some((initial, initial.advance(sent).advance(2)))
        };
        let mut numbers = [numbers(End::Initiator), numbers(End::Responder)];
        if initiator > responder {
            numbers.reverse();
        }
        let key = Key::new(connection.scope, initiator, responder);
        self.traces.insert(key, Trace { stream: connection.stream, numbers });
        self.order.push_back((key, connection.stream));
        while self.order.len() > limit
            && let Some((key, stream)) = self.order.pop_front()
        {
            if self.traces.get(&key).is_some_and(|trace| trace.stream == stream) {
                self.traces.remove(&key);
            }
        }
    }

    /// Whether a segment only repeats what a reported connection has said: it opens nothing, and brings nothing new.
    /// Anything else ends the memory of that connection.
    pub fn repeats(&mut self, key: &Key, [sender, receiver]: [Endpoint; 2], segment: &Segment<'_>) -> bool {
        let Some(trace) = self.traces.get(key) else { return false };
        let [low, high] = trace.numbers;
        let numbers = if sender <= receiver { low } else { high };
        let repeats = match numbers {
            Some((initial, end)) => {
                let first = SequenceNumber(segment.sequence);
                let last = first.advance(segment.payload_length);
                let is_old = !first.is_before(initial) && !last.is_after(end);
                is_old && (!segment.flags.contains(Flags::SYN) || first == initial)
            }
            // Nothing is known of this end; a bare acknowledgment or reset brings nothing.
            None => segment.payload_length == 0 && !segment.flags.intersects(Flags::SYN | Flags::FIN),
        };
        if !repeats {
            self.traces.remove(key);
        }
        repeats
    }
}

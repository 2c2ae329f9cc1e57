//! The second pass: what TCP says of each packet, just when it comes by.

use std::collections::{HashMap, VecDeque};

use port21_analysis::tcp::{
    Chunk, Connection, End, Gap, Interest, Judgement, Limits, SequenceNumber, Sink, Tracker,
};
use port21_capture::{Decoded, Flags, Segment, Timestamp, Transport};

/// Segments that wait for their acknowledgment, in one direction.
const OUTSTANDING: usize = 4096;

/// A segment beside its connection.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its stream.
    pub stream: u64,
    /// What is odd about it.
    pub judgement: Judgement,
    /// Raw number of its first payload byte: a SYN comes before its data (RFC 9293, section 3.4).
    pub first_byte: u32,
    /// Relative sequence number: from the first number seen of its sender, or acknowledged to it, as Wireshark counts.
    pub sequence: u32,
    /// Relative acknowledgment number; 0 without ACK, as Wireshark has it.
    pub acknowledgement: u32,
    /// Packets whose data it is the first to acknowledge; only of the stream that is watched closely.
    pub acknowledges: Vec<u64>,
}

/// Follows all connections, so that each packet can be told apart.
#[derive(Debug)]
pub struct Watch {
    tracker: Tracker,
    last: Last,
}

/// What is known of the last segment, and of the stream that is watched closely.
#[derive(Debug, Default)]
struct Last {
    seen: Option<Seen>,
    close: Option<u64>,
    /// Segments of each end that were not acknowledged yet: packet, and the number after its last.
    outstanding: [VecDeque<(u64, SequenceNumber)>; 2],
    /// The segment under way: raw numbers.
    segment: Option<(SequenceNumber, SequenceNumber, bool)>,
    raw: (u32, u32),
    is_syn: bool,
    /// What each end's numbers are relative to, by stream; as many as there are open connections.
    bases: HashMap<u64, [Option<u32>; 2]>,
}

impl Watch {
    /// Nothing seen yet; of the stream `close`, also which segment acknowledges which.
    pub fn new(close: Option<u64>, limits: Limits) -> Watch {
        Watch { tracker: Tracker::new(limits), last: Last { close, ..Last::default() } }
    }

    /// Takes in a packet; what there is to say of it, if it is TCP.
    pub fn packet(&mut self, decoded: &Decoded<'_>) -> Option<Seen> {
        let (Some(Transport::Tcp(segment)), Some(_)) = (&decoded.transport, decoded.addresses) else {
            return None;
        };
        self.last.seen = None;
        self.last.begin(segment);
        self.tracker.segment(decoded, segment, &mut self.last);
        self.last.seen.take()
    }
}

impl Last {
    fn begin(&mut self, segment: &Segment<'_>) {
        let first = SequenceNumber(segment.sequence);
        let control = [Flags::SYN, Flags::FIN].iter().filter(|bit| segment.flags.contains(**bit)).count();
        let next = first.advance(segment.payload_length).advance(control as u32);
        self.segment = Some((first, next, segment.flags.contains(Flags::ACK)));
        self.raw = (segment.sequence, segment.acknowledgement);
        self.is_syn = segment.flags.contains(Flags::SYN);
    }

    /// Relative sequence and acknowledgment number of the segment under way.
    fn relative(&mut self, stream: u64, from: End) -> (u32, u32) {
        let (sequence, acknowledgement) = self.raw;
        let has_acknowledgement = self.segment.is_some_and(|(_, _, has)| has);
        let [initiator, responder] = self.bases.entry(stream).or_default();
        let (own, other) = match from {
            End::Initiator => (initiator, responder),
            End::Responder => (responder, initiator),
        };
        let before = u32::from(!self.is_syn);
        let own = *own.get_or_insert(sequence.wrapping_sub(before));
        if !has_acknowledgement {
            return (sequence.wrapping_sub(own), 0);
        }
        let other = *other.get_or_insert(acknowledgement.wrapping_sub(1));
        (sequence.wrapping_sub(own), acknowledgement.wrapping_sub(other))
    }

    /// Takes a segment of the watched stream in; the packets that it is the first to acknowledge.
    fn acknowledge(&mut self, packet: u64, from: End) -> Vec<u64> {
        let Some((first, next, has_acknowledgement)) = self.segment else { return Vec::new() };
        let [initiator, responder] = &mut self.outstanding;
        let (own, other) = match from {
            End::Initiator => (initiator, responder),
            End::Responder => (responder, initiator),
        };
        let mut acknowledged = Vec::new();
        if has_acknowledgement {
            let number = SequenceNumber(self.raw.1);
            other.retain(|(packet, end)| {
                let waits = end.is_after(number);
                if !waits {
                    acknowledged.push(*packet);
                }
                waits
            });
        }
        if next != first {
            if own.len() >= OUTSTANDING {
                own.pop_front();
            }
            own.push_back((packet, next));
        }
        acknowledged
    }
}

impl Sink for Last {
    fn opened(&mut self, _: &Connection) {}

    fn packet(&mut self, _: &Connection, _: u64, _: Timestamp, _: End, _: u32) {}

    fn judged(&mut self, connection: &Connection, judgement: &Judgement) {
        let from = judgement.from;
        let (sequence, acknowledgement) = self.relative(connection.stream, from);
        let acknowledges = match self.close == Some(connection.stream) {
            true => self.acknowledge(judgement.packet, from),
            false => Vec::new(),
        };
        self.seen = Some(Seen {
            stream: connection.stream,
            judgement: *judgement,
            first_byte: self.raw.0.wrapping_add(u32::from(self.is_syn)),
            sequence,
            acknowledgement,
            acknowledges,
        });
    }

    fn data(&mut self, _: &Connection, _: End, _: Chunk<'_>) -> Interest {
        Interest::Keep
    }

    fn gap(&mut self, _: &Connection, _: End, _: Gap) {}

    fn acknowledged(&mut self, _: &Connection, _: End, _: u64, _: u64) {}

    fn finished(&mut self, _: &Connection, _: End, _: u64) {}

    fn ended(&mut self, connection: Connection) {
        self.bases.remove(&connection.stream);
    }
}

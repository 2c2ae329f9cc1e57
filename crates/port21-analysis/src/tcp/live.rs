//! A connection under way: what happens to each of its segments, in order.

use port21_capture::{Flags, Segment, Timestamp};

use super::closing;
use super::connection::{Connection, End, HandshakeSegment, Interest, Sink, State, Unneeded};
use super::handshake;
use super::limits::Budget;
use super::observer::Observer;
use super::pending::Carrier;
use super::reassembly::{Outlet, Payload, Stream};
use super::sequence::SequenceNumber;

/// A segment as one connection sees it.
pub(super) struct Arrival<'a> {
    pub packet: u64,
    pub time: Timestamp,
    pub from: End,
    pub segment: &'a Segment<'a>,
    /// Length of the IP packet that brought it.
    pub ip_length: u32,
    /// Identification of that packet, if it was one of IPv4.
    pub identification: u16,
}

impl Arrival<'_> {
    pub fn raw_acknowledgement(&self) -> Option<u32> {
        self.segment.flags.contains(Flags::ACK).then_some(self.segment.acknowledgement)
    }

    pub fn handshake_segment(&self) -> HandshakeSegment {
        HandshakeSegment {
            packet: self.packet,
            time: self.time,
            raw_sequence: self.segment.sequence,
            raw_acknowledgement: self.raw_acknowledgement(),
        }
    }

    /// Number of the first payload byte: a SYN comes before its data (RFC 9293, section 3.4).
    fn first_byte(&self) -> SequenceNumber {
        let number = SequenceNumber(self.segment.sequence);
        if self.segment.flags.contains(Flags::SYN) { number.advance(1) } else { number }
    }
}

/// A connection and all that is needed to go on with it.
#[derive(Debug)]
pub(super) struct Live {
    pub connection: Connection,
    streams: [Stream; 2],
    observer: Observer,
    interest: Interest,
    /// Whether packets and acknowledgments are told.
    tells_packets: bool,
    tells_acknowledgements: bool,
    /// First RST.
    reset: Option<u64>,
    finished: [bool; 2],
    /// Whether it waits in the queue of closed connections.
    pub lingers: bool,
    /// When it is to be woken.
    alarm: Option<Timestamp>,
}

impl Live {
    /// A connection of which no segment has been taken in; `reuses_ports` where one with the same ends came before.
    pub fn new(connection: Connection, reuses_ports: bool) -> Live {
        Live {
            connection,
            observer: Observer::new(reuses_ports),
            streams: Default::default(),
            interest: Interest::Keep,
            tells_packets: true,
            tells_acknowledgements: true,
            reset: None,
            finished: [false; 2],
            lingers: false,
            alarm: None,
        }
    }

    /// Whether a segment cannot belong to this connection but opens a new one between the same ports: a SYN whose
    /// number is not the initial one of its sender, as Wireshark decides it.
    pub fn is_reopened_by(&self, from: End, segment: &Segment<'_>) -> bool {
        let opens = segment.flags.contains(Flags::SYN) && !segment.flags.contains(Flags::ACK);
        opens
            && self.connection.half(from).initial_sequence.is_some_and(|initial| initial != segment.sequence)
    }

    /// Whether both ends, or a reset, have ended the connection.
    pub fn is_closed(&self) -> bool {
        match self.connection.state {
            State::Closed | State::Reset => true,
            State::NeverOpened => self.reset.is_some(),
            State::Open | State::HalfClosed => false,
        }
    }

    /// Takes in a segment. `arrival.from` is corrected where the segment's SYN shows that the ends were taken for
    /// each other.
    pub fn take_in<S: Sink>(&mut self, mut arrival: Arrival<'_>, sink: &mut S, budget: &mut Budget) {
        self.settle_roles(&mut arrival);
        self.forget_earlier_end(&arrival);
        let first = self.count(&arrival);
        let (sender, receiver) = streams(&mut self.streams, arrival.from);
        handshake::take_in(&mut self.connection, sender, &arrival);
        if first {
            sink.opened(&self.connection);
        }
        let acknowledges = acknowledged_offset(receiver, &arrival);
        let (packet, from) = (arrival.packet, arrival.from);
        if self.tells_packets && self.interest == Interest::Keep {
            sink.packet(&self.connection, packet, arrival.time, from, arrival.segment.payload_length);
        }
        let conflicts = self.connection.quality.conflicts.len();
        let closed = self.is_data_after_close(&arrival);
        self.take_acknowledgement(&arrival, acknowledges, sink, budget);
        self.take_data(&arrival, acknowledges, sink, budget);
        let agrees = self.connection.quality.conflicts.len() == conflicts;
        let judgement = self.observer.take_in(&mut self.connection, &self.streams, &arrival, agrees, closed);
        sink.judged(&self.connection, &judgement);
        let (_, receiver) = streams(&mut self.streams, arrival.from);
        closing::take_in(&mut self.connection, receiver, &arrival, acknowledges);
        if arrival.segment.flags.contains(Flags::RST) {
            self.reset = self.reset.or(Some(arrival.packet));
        }
        self.give_up_proven_holes(arrival.from, arrival.time, sink, budget);
        self.release(budget);
    }

    /// Time has passed without a packet of the connection.
    pub fn wake<S: Sink>(&mut self, now: Timestamp, sink: &mut S, budget: &mut Budget) {
        self.alarm = None;
        self.give_up_proven_holes(End::Initiator, now, sink, budget);
    }

    /// From now on less is told.
    pub fn disregard(&mut self, unneeded: Unneeded, budget: &mut Budget) {
        match unneeded {
            Unneeded::Packets => self.tells_packets = false,
            Unneeded::Acknowledgements => self.tells_acknowledgements = false,
            Unneeded::AllButItsEnd => {
                self.interest = Interest::CountOnly;
                self.release(budget);
            }
        }
    }

    /// When the connection is to be woken, unless it will be anyway: bytes that wait behind a hole must not wait for
    /// the connection's next packet, which may never come.
    pub fn new_alarm(&mut self) -> Option<Timestamp> {
        if self.alarm.is_none() {
            self.alarm = self.streams.iter().filter_map(Stream::deadline).min();
            return self.alarm;
        }
        None
    }

    fn give_up_proven_holes<S: Sink>(
        &mut self,
        first: End,
        now: Timestamp,
        sink: &mut S,
        budget: &mut Budget,
    ) {
        for from in [first, first.other()] {
            let (stream, mut outlet) = self.outlet(from, sink, budget);
            stream.give_up_proven_holes(&mut outlet, now);
            self.finish_at_fin(from, sink);
        }
    }

    /// Delivers what waits, states what is missing, and gives the connection away.
    pub fn end<S: Sink>(mut self, sink: &mut S, budget: &mut Budget) {
        for from in [End::Initiator, End::Responder] {
            let (stream, mut outlet) = self.outlet(from, sink, budget);
            stream.close(&mut outlet);
            self.finish_at_fin(from, sink);
            if let Some(packet) = self.reset {
                self.finish(from, packet, sink);
            }
        }
        sink.ended(self.connection);
    }

    /// Swaps the ends where a SYN shows that the first packet seen was the responder's, and nobody has been told
    /// of any data yet.
    fn settle_roles(&mut self, arrival: &mut Arrival<'_>) {
        let Some(role) = handshake::role_of_sender(arrival.segment.flags) else { return };
        if self.connection.initiator_known {
            return;
        }
        if role != arrival.from {
            if !self.streams.iter().all(Stream::is_untouched) {
                return;
            }
            arrival.from = role;
            self.connection.swap_ends();
            self.streams.reverse();
            self.observer.swap_ends();
            self.finished.reverse();
        }
        self.connection.initiator_known = true;
    }

    /// A FIN without data, then the first SYN of an end: the FIN ended an earlier use of the same ports.
    fn forget_earlier_end(&mut self, arrival: &Arrival<'_>) {
        let opens =
            arrival.segment.flags.contains(Flags::SYN) && !self.connection.half(arrival.from).syn_seen;
        let ended = self.streams.iter().any(|stream| stream.fin.is_some());
        if !opens || !ended || !self.streams.iter().all(Stream::is_untouched) {
            return;
        }
        for (stream, half) in self.streams.iter_mut().zip(&mut self.connection.halves) {
            stream.fin = None;
            half.fin_offset = None;
        }
        self.finished = [false; 2];
        if matches!(self.connection.state, State::HalfClosed | State::Closed) {
            self.connection.state = State::Open;
        }
    }

    /// Counts a segment; true if it is the first.
    fn count(&mut self, arrival: &Arrival<'_>) -> bool {
        let connection = &mut self.connection;
        connection.packets.1 = arrival.packet;
        connection.times.1 = arrival.time;
        let first = connection.halves.iter().all(|half| half.packets == 0);
        let segment = arrival.segment;
        connection.letters.segment(arrival.from, segment.flags, segment.sequence, segment.payload_length);
        let half = connection.half_mut(arrival.from);
        half.packets += 1;
        half.data_packets += u64::from(segment.payload_length > 0);
        half.ip_bytes += u64::from(arrival.ip_length);
        first
    }

    /// Whether a segment carries data that no longer should come.
    fn is_data_after_close(&self, arrival: &Arrival<'_>) -> bool {
        let [initiator, responder] = &self.streams;
        let stream = if arrival.from == End::Initiator { initiator } else { responder };
        let length = i64::from(arrival.segment.payload_length);
        let end = stream.offset(arrival.first_byte()).map(|start| start.saturating_add(length));
        let behind_fin = || {
            let fin = stream.fin.and_then(|fin| i64::try_from(fin.offset).ok());
            fin.zip(end).is_some_and(|(fin, end)| end > fin)
        };
        length > 0 && (self.reset.is_some() || behind_fin())
    }

    fn take_acknowledgement<S: Sink>(
        &mut self,
        arrival: &Arrival<'_>,
        acknowledges: Option<u64>,
        sink: &mut S,
        budget: &mut Budget,
    ) {
        let sender = arrival.from.other();
        let tells = self.tells_acknowledgements;
        let (stream, mut outlet) = self.outlet(sender, sink, budget);
        stream.hear(&mut outlet, arrival);
        let Some(offset) = acknowledges else { return };
        stream.receiver_heard = true;
        let before = stream.acked_data();
        stream.acked = stream.acked.max(offset);
        let after = stream.acked_data();
        if after > before
            && tells
            && *outlet.interest == Interest::Keep
            && !stream.withhold_acknowledgement(after, arrival.packet)
        {
            sink.acknowledged(&self.connection, sender, after, arrival.packet);
        }
    }

    fn take_data<S: Sink>(
        &mut self,
        arrival: &Arrival<'_>,
        acknowledges: Option<u64>,
        sink: &mut S,
        budget: &mut Budget,
    ) {
        let segment = arrival.segment;
        let (stream, mut outlet) = self.outlet(arrival.from, sink, budget);
        let Some(start) = stream.offset(arrival.first_byte()) else {
            // A reset's number tells nothing of the stream, and neither do the bytes that it carries.
            return outlet.count_dropped(segment.payload.len() as u64);
        };
        let length = u64::from(segment.payload_length);
        if length > 0 {
            let (packet, time) = (arrival.packet, arrival.time);
            let carrier = Carrier { packet, time, flags: segment.flags, acknowledges };
            stream.receive(&mut outlet, Payload { start, bytes: segment.payload, length, carrier });
        }
        let end = start.saturating_add(i64::from(segment.payload_length));
        if segment.flags.contains(Flags::FIN)
            && !segment.flags.contains(Flags::RST)
            && let Ok(end) = u64::try_from(end)
            && stream.set_fin(&mut outlet, end, arrival.packet)
        {
            self.connection.half_mut(arrival.from).fin_offset = Some(end);
        }
    }

    fn outlet<'a, S>(
        &'a mut self,
        from: End,
        sink: &'a mut S,
        budget: &'a mut Budget,
    ) -> (&'a mut Stream, Outlet<'a, S>) {
        let keeps_history = self.connection.state != State::Closed;
        let (stream, _) = streams(&mut self.streams, from);
        let connection = &mut self.connection;
        (stream, Outlet { connection, from, sink, budget, interest: &mut self.interest, keeps_history })
    }

    /// Says that `from` has finished, if all its data up to its FIN is out.
    fn finish_at_fin<S: Sink>(&mut self, from: End, sink: &mut S) {
        let (stream, _) = streams(&mut self.streams, from);
        if let Some(fin) = stream.fin
            && stream.next >= fin.offset
            && !stream.start_is_open()
        {
            self.finish(from, fin.packet, sink);
        }
    }

    fn finish<S: Sink>(&mut self, from: End, packet: u64, sink: &mut S) {
        let [initiator, responder] = &mut self.finished;
        let finished = if from == End::Initiator { initiator } else { responder };
        if !std::mem::replace(finished, true) {
            sink.finished(&self.connection, from, packet);
        }
    }

    /// Frees what will not be used again.
    fn release(&mut self, budget: &mut Budget) {
        for (stream, from) in self.streams.iter_mut().zip([End::Initiator, End::Responder]) {
            if self.interest == Interest::CountOnly {
                stream.only_count(&mut self.connection, from, budget);
            } else if self.connection.state == State::Closed {
                stream.forget_history(budget);
            }
        }
    }
}

/// How far a segment acknowledges the bytes of `stream`, which its receiver sends. A FIN counts as a byte.
fn acknowledged_offset(stream: &mut Stream, arrival: &Arrival<'_>) -> Option<u64> {
    // The acknowledgment in a reset answers the segment that provoked it; it does not tell what was received.
    if arrival.segment.flags.contains(Flags::RST) {
        return None;
    }
    let offset = stream.offset(SequenceNumber(arrival.raw_acknowledgement()?))?;
    let plausible = handshake::confirm(stream, offset);
    u64::try_from(offset).ok().filter(|_| plausible)
}

/// The stream that `from` sends, and the other one.
fn streams(streams: &mut [Stream; 2], from: End) -> (&mut Stream, &mut Stream) {
    let [initiator, responder] = streams;
    match from {
        End::Initiator => (initiator, responder),
        End::Responder => (responder, initiator),
    }
}

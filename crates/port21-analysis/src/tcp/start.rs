//! The start of a direction whose SYN the capture does not hold.
//!
//! The first segment seen need not be the first one sent: it may have overtaken others, or others may be sent again. So
//! its bytes wait, and the start moves back to what comes from before it, until nothing from there is likely to come.

use port21_capture::{Flags, Timestamp};

use super::connection::{Interest, Sink};
use super::live::Arrival;
use super::reassembly::{Anchor, Outlet, Payload, Stream};
use super::sequence::SequenceNumber;

/// The start is settled this long after its acknowledgment, or after its data where no receiver is heard: mirror ports
/// swap packets.
const SETTLING_NANOSECONDS: i64 = 250_000_000;
/// It is settled after this time although the receiver acknowledges less: what it lacks was sent before the capture.
const OUTSTANDING_NANOSECONDS: i64 = 5_000_000_000;
/// Segments from before the start are taken from as far back as this; no usual window reaches further.
const REACH: u64 = 16 << 20;
/// A first segment with PSH that is no longer than this is taken for something said in a dialogue, in which whoever
/// speaks has no more on the way: it waits for any acknowledgment.
const SAYING: u64 = 512;
/// How often the start moves back. Each time costs a step for each waiting piece.
const MOVES: u32 = 64;
/// Acknowledgments that wait for the start: no dialogue has more of them before its next word.
const ACKNOWLEDGEMENTS: usize = 64;

/// A start that may still move back.
#[derive(Debug)]
pub(super) struct Start {
    /// When the first bytes came.
    since: Timestamp,
    /// When the receiver was first seen to have everything before the first byte.
    acknowledged: Option<Timestamp>,
    /// Whether the receiver was seen to lack something before the first byte.
    outstanding: bool,
    /// Whether all that waits is one short segment that looks like something said.
    is_saying: bool,
    moves: u32,
    /// How far the receiver has acknowledged, and in which packets.
    acknowledgements: Vec<(u64, u64)>,
}

impl Start {
    fn new(payload: &Payload<'_>) -> Start {
        Start {
            since: payload.carrier.time,
            acknowledged: None,
            outstanding: false,
            is_saying: payload.carrier.flags.contains(Flags::PSH) && payload.length <= SAYING,
            moves: 0,
            acknowledgements: Vec::new(),
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let (since, patience) = self.patience();
        now.nanoseconds_since(since) >= patience
    }

    /// When the start is settled if nothing comes until then.
    pub fn deadline(&self) -> Timestamp {
        let (since, patience) = self.patience();
        since.after_nanoseconds(patience)
    }

    /// Since when, and for how many nanoseconds, the start stays open.
    fn patience(&self) -> (Timestamp, i64) {
        match self.acknowledged {
            Some(acknowledged) => (acknowledged, SETTLING_NANOSECONDS),
            None if self.outstanding => (self.since, OUTSTANDING_NANOSECONDS),
            None => (self.since, SETTLING_NANOSECONDS),
        }
    }
}

impl Stream {
    /// Whether bytes from before the first one seen would still be taken.
    pub fn start_is_open(&self) -> bool {
        match self.anchor {
            Anchor::None | Anchor::FirstEmpty | Anchor::FirstData => {
                self.start.is_some() || self.is_untouched()
            }
            Anchor::Syn | Anchor::Confirmed | Anchor::Settled => false,
        }
    }

    /// Moves the start back to a payload that comes from before it, and lets the first bytes wait. Returns the
    /// payload's offset.
    pub(super) fn place<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, payload: &Payload<'_>) -> i64 {
        let begins = self.start.is_none();
        let start = payload.start;
        if *outlet.interest == Interest::CountOnly || payload.bytes.is_empty() || !self.start_is_open() {
            return start;
        }
        // A keep-alive probe may carry a byte of garbage before the next one (RFC 9293, section 3.8.4).
        let is_probe = self.is_untouched() && payload.length == 1 && start == -1;
        let before = if start < 0 { start.unsigned_abs() } else { 0 };
        if is_probe || before > REACH {
            return start;
        }
        match &mut self.start {
            Some(start) => start.is_saying = false,
            None => self.start = Some(Box::new(Start::new(payload))),
        }
        if before > 0 {
            self.move_start(outlet, before);
        }
        let answered = self.answered.and_then(|number| self.offset(number)).is_some_and(|offset| offset >= 0);
        let restless = self.start.as_ref().is_some_and(|start| start.moves >= MOVES);
        if restless || begins && answered {
            self.settle_start(outlet);
        }
        start.max(0)
    }

    /// Takes in what a segment of the receiver's says of the start.
    pub(super) fn hear<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, arrival: &Arrival<'_>) {
        let flags = arrival.segment.flags;
        if !self.start_is_open() || flags.contains(Flags::RST) {
            return;
        }
        let Some(number) = arrival.raw_acknowledgement().map(SequenceNumber) else { return };
        // Who says something has read what was said before; an acknowledgment alone may have overtaken its data.
        let answers = arrival.segment.payload_length > 0 || flags.intersects(Flags::SYN | Flags::FIN);
        if answers {
            self.answered = Some(number);
        }
        let Some(offset) = self.offset(number) else { return };
        let Some(start) = &mut self.start else { return };
        if offset < 0 {
            start.outstanding = true;
        } else if answers || start.is_saying {
            self.settle_start(outlet);
        } else {
            start.acknowledged.get_or_insert(arrival.time);
        }
    }

    /// Keeps an acknowledgment until the start is settled; false where it is.
    pub(super) fn withhold_acknowledgement(&mut self, offset: u64, packet: u64) -> bool {
        let Some(start) = &mut self.start else { return false };
        if start.acknowledgements.len() < ACKNOWLEDGEMENTS {
            start.acknowledgements.push((offset, packet));
        }
        true
    }

    /// Whether the start is still open at `now`; settles it where its time is over.
    pub(super) fn waits_for_start<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, now: Timestamp) -> bool {
        match &self.start {
            None => false,
            Some(start) if !start.is_over(now) => true,
            Some(_) => {
                self.settle_start(outlet);
                false
            }
        }
    }

    /// Lets the bytes go that have waited: the start moves no more.
    pub(super) fn settle_start<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>) {
        if self.start_is_open() {
            self.anchor = Anchor::Settled;
        }
        let Some(start) = self.start.take() else { return };
        self.deliver_pieces(outlet);
        for (offset, packet) in start.acknowledgements {
            if *outlet.interest == Interest::Keep {
                outlet.sink.acknowledged(outlet.connection, outlet.from, offset, packet);
            }
        }
    }

    fn move_start<S>(&mut self, outlet: &mut Outlet<'_, S>, before: u64) {
        let half = outlet.connection.half_mut(outlet.from);
        half.initial_sequence = half.initial_sequence.map(|number| number.wrapping_sub(before as u32));
        half.fin_offset = half.fin_offset.map(|offset| offset.saturating_add(before));
        self.origin = self.origin.map(|origin| origin.back(before as u32));
        self.shift(before);
        if let Some(start) = &mut self.start {
            start.moves += 1;
            for (offset, _) in &mut start.acknowledgements {
                *offset = offset.saturating_add(before);
            }
        }
        if outlet.connection.quality.conflicts.is_empty() {
            return;
        }
        let conflicts = &mut outlet.connection.quality.get_mut().conflicts;
        for conflict in conflicts.iter_mut().filter(|conflict| conflict.from == outlet.from) {
            conflict.offset = conflict.offset.saturating_add(before);
        }
    }
}

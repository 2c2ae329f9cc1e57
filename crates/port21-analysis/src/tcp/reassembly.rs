//! One direction of a connection: segments in any order in, bytes in stream order out.

use port21_capture::Timestamp;
use sha2::{Digest, Sha256};

use super::connection::{Chunk, Conflict, Connection, End, Gap, Interest, Quality, Sink};
use super::history::History;
use super::holes::Holes;
use super::limits::Budget;
use super::pending::{Carrier, Pending, slice};
use super::sequence::SequenceNumber;
use super::start::Start;

/// An acknowledgment proves a hole only this long after it was seen: mirror ports put an ACK before its data.
const SETTLING_NANOSECONDS: i64 = 100_000_000;
/// Where the receiver's packets are not captured at all, a hole is given up after this time.
const ONE_SIDED_NANOSECONDS: i64 = 5_000_000_000;

/// Where the bytes of one direction go, and what they are accounted to.
pub(super) struct Outlet<'a, S> {
    pub connection: &'a mut Connection,
    pub from: End,
    pub sink: &'a mut S,
    pub budget: &'a mut Budget,
    pub interest: &'a mut Interest,
    /// Whether delivered bytes are kept to compare retransmissions with.
    pub keeps_history: bool,
}

/// The payload of a segment and its place in the stream.
pub(super) struct Payload<'a> {
    /// Offset of the first byte; negative before the stream's start.
    pub start: i64,
    /// The bytes that the capture holds.
    pub bytes: &'a [u8],
    /// Length on the wire.
    pub length: u64,
    pub carrier: Carrier,
}

/// The end of a direction's data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fin {
    pub offset: u64,
    pub packet: u64,
    /// Whether its acknowledgment was seen.
    pub acknowledged: bool,
}

/// How the place of a direction's first byte is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Anchor {
    /// It is not.
    #[default]
    None,
    /// From a SYN that nobody has answered to yet.
    Syn,
    /// From a SYN that the other end has acknowledged.
    Confirmed,
    /// From the first segment seen, which carried no data.
    FirstEmpty,
    /// From the first segment seen, which carried data.
    FirstData,
    /// From the first segments seen, and nothing from before them is taken any more.
    Settled,
}

/// Reassembly of one direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Sequence number of offset 0, once known.
    pub origin: Option<SequenceNumber>,
    pub anchor: Anchor,
    /// Offset of the next byte to deliver.
    pub next: u64,
    /// One more than the highest offset of any byte sent.
    pub highest: u64,
    /// How far the receiver has acknowledged; counts the FIN as a byte.
    pub acked: u64,
    /// Whether any acknowledgment by the receiver was seen.
    pub receiver_heard: bool,
    pub fin: Option<Fin>,
    /// While bytes wait because the start may still move back.
    pub(super) start: Option<Box<Start>>,
    /// The last acknowledgment in a segment by which the receiver said something, while the start is open.
    pub(super) answered: Option<SequenceNumber>,
    /// What of `acked` is old enough to prove a hole, and what will be, since when.
    settled: u64,
    settling: Option<(u64, Timestamp)>,
    pending: Pending,
    history: History,
    /// What is missing where bytes are only counted.
    holes: Holes,
}

impl Stream {
    /// The offset that a raw number of this direction stands for, once its origin is known.
    pub fn offset(&self, raw: SequenceNumber) -> Option<i64> {
        Some(raw.offset(self.origin?, self.next.max(self.acked)))
    }

    /// Whether no byte of the direction has been placed yet, so that its origin may still be moved.
    pub fn is_untouched(&self) -> bool {
        self.next == 0 && self.highest == 0
    }

    /// Sets the end of the data; false where data behind it was delivered already, so that it cannot be true.
    pub fn set_fin<S>(&mut self, outlet: &mut Outlet<'_, S>, offset: u64, packet: u64) -> bool {
        if self.fin.is_some() || offset < self.next {
            return false;
        }
        self.fin = Some(Fin { offset, packet, acknowledged: false });
        let before = self.pending.usage();
        let dropped = self.pending.truncate(offset);
        self.account(outlet.budget, before);
        outlet.count_dropped(dropped as u64);
        true
    }

    /// The end of the direction's data as far as the receiver has acknowledged it.
    pub fn acked_data(&self) -> u64 {
        self.fin.map_or(self.acked, |fin| self.acked.min(fin.offset))
    }

    /// Takes the payload of a segment in and delivers what is in order now.
    pub fn receive<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, mut payload: Payload<'_>) {
        payload.start = self.place(outlet, &payload);
        let Some((mut start, mut bytes, length)) = self.within_stream(outlet, &payload) else { return };
        let end = start.saturating_add(length);
        // A keep-alive probe may carry one byte of garbage in the place of the last byte sent (RFC 9293, 3.8.4).
        if payload.length == 1 && end == self.highest {
            return;
        }
        self.highest = self.highest.max(end);
        if *outlet.interest == Interest::CountOnly {
            return self.count(outlet.connection, outlet.from, start, end);
        }
        loop {
            if start < self.next {
                self.compare_delivered(outlet, start, bytes, payload.carrier.packet);
                bytes = slice(bytes, self.next - start, u64::MAX);
                start = self.next;
            }
            if bytes.is_empty() {
                return;
            }
            if start == self.next && self.start.is_none() {
                return self.deliver_over_pending(outlet, bytes, payload.carrier);
            }
            if self.has_room(outlet.budget, bytes.len()) {
                return self.keep(outlet, start, bytes, payload.carrier);
            }
            if self.start.is_some() {
                self.settle_start(outlet);
                continue;
            }
            outlet.budget.dropped.holes += 1;
            let until = self.pending.first().map_or(start, |piece| piece.offset.min(start));
            self.give_up_hole(outlet, until);
        }
    }

    /// Gives up holes that the receiver has acknowledged past, or that are old and have no receiver in the capture.
    pub fn give_up_proven_holes<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, now: Timestamp) {
        if self.waits_for_start(outlet, now) {
            return;
        }
        if self.acked <= self.next {
            self.settling = None;
            return self.give_up_one_sided_holes(outlet, now);
        }
        match self.settling {
            None => self.settling = Some((self.acked, now)),
            Some((acked, since)) if now.nanoseconds_since(since) >= SETTLING_NANOSECONDS => {
                self.settled = acked;
                if acked != self.acked {
                    self.settling = Some((self.acked, now));
                }
            }
            Some(_) => {}
        }
        while let Some(start) = self.pending.first().map(|piece| piece.offset)
            && start <= self.settled
        {
            self.give_up_hole(outlet, start);
        }
    }

    /// When the passing of time alone will let waiting bytes go.
    pub fn deadline(&self) -> Option<Timestamp> {
        if let Some(start) = &self.start {
            return Some(start.deadline());
        }
        let piece = self.pending.first()?;
        if piece.offset <= self.acked {
            self.settling.map(|(_, since)| since.after_nanoseconds(SETTLING_NANOSECONDS))
        } else if self.receiver_heard {
            None
        } else {
            Some(piece.carrier().time.after_nanoseconds(ONE_SIDED_NANOSECONDS))
        }
    }

    fn give_up_one_sided_holes<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, now: Timestamp) {
        while !self.receiver_heard
            && let Some(piece) = self.pending.first()
            && now.nanoseconds_since(piece.carrier().time) >= ONE_SIDED_NANOSECONDS
        {
            self.give_up_hole(outlet, piece.offset);
        }
    }

    /// Delivers all that waits and states all that is missing: nothing more will come.
    pub fn close<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>) {
        self.settle_start(outlet);
        while let Some(start) = self.pending.first().map(|piece| piece.offset) {
            self.give_up_hole(outlet, start);
        }
        if *outlet.interest == Interest::Keep && self.origin.is_some() {
            self.state_gap(outlet, self.known_end());
        }
        for hole in self.holes.take() {
            self.give_up(outlet.connection, outlet.from, hole);
        }
        self.release(outlet.budget);
    }

    /// Counts bytes that nobody wants to have, each once.
    fn count(&mut self, connection: &mut Connection, from: End, start: u64, end: u64) {
        if start > self.next
            && let Some(hole) = self.holes.leave(self.next, start)
        {
            self.give_up(connection, from, hole);
        }
        let late = self.holes.fill(start, end.min(self.next));
        connection.half_mut(from).bytes += late + end.saturating_sub(start.max(self.next));
        self.next = self.next.max(end);
    }

    fn give_up(&self, connection: &mut Connection, from: End, (start, end): (u64, u64)) {
        connection.lacks(from, Gap { offset: start, length: end - start, acknowledged: end <= self.acked });
    }

    /// From now on bytes are only counted: what waits has come.
    pub fn only_count(&mut self, connection: &mut Connection, from: End, budget: &mut Budget) {
        while let Some(offset) = self.pending.first().map(|piece| piece.offset)
            && let before = self.pending.usage()
            && let Some(piece) = self.pending.take_at(offset)
        {
            self.account(budget, before);
            let length = piece.bytes().len() as u64;
            self.count(connection, from, offset, offset.saturating_add(length));
            budget.spare.put(piece);
        }
        self.release(budget);
    }

    /// Frees all buffers.
    pub fn release(&mut self, budget: &mut Budget) {
        let before = self.pending.usage();
        self.pending.clear();
        self.account(budget, before);
        self.start = None;
        self.forget_history(budget);
    }

    /// Counts all offsets from `before` places further back.
    pub(super) fn shift(&mut self, before: u64) {
        self.highest = self.highest.saturating_add(before);
        if self.receiver_heard {
            self.acked = self.acked.saturating_add(before);
        }
        if let Some((acked, _)) = &mut self.settling {
            *acked = acked.saturating_add(before);
        }
        if let Some(fin) = &mut self.fin {
            fin.offset = fin.offset.saturating_add(before);
        }
        self.pending.shift(before);
    }

    /// Frees the delivered bytes that are kept for comparison.
    pub fn forget_history(&mut self, budget: &mut Budget) {
        self.history.clear(budget);
    }

    /// Where the direction's data must have ended, by all that was seen of it.
    fn known_end(&self) -> u64 {
        match self.fin {
            Some(fin) => fin.offset,
            // An acknowledgment of just one more than what was sent is most likely that of a FIN which the capture
            // misses, not of a single byte.
            None if self.acked == self.highest.saturating_add(1) => self.highest,
            None => self.highest.max(self.acked),
        }
    }

    /// Cuts off what stands before the stream's start and behind its end: offset, captured bytes, length on the wire.
    fn within_stream<'a, S>(
        &self,
        outlet: &mut Outlet<'_, S>,
        payload: &Payload<'a>,
    ) -> Option<(u64, &'a [u8], u64)> {
        let before = if payload.start < 0 { payload.start.unsigned_abs() } else { 0 };
        let start = u64::try_from(payload.start).unwrap_or(0);
        let bytes = slice(payload.bytes, before, u64::MAX);
        let length = payload.length.saturating_sub(before);
        let room = self.fin.map_or(u64::MAX, |fin| fin.offset.saturating_sub(start));
        let inside = slice(bytes, 0, room);
        outlet.count_dropped((payload.bytes.len() - inside.len()) as u64);
        let length = length.min(room);
        (length > 0).then_some((start, inside, length))
    }

    /// Delivers bytes that start at `next`; waiting pieces in their range came first and win.
    fn deliver_over_pending<S: Sink>(
        &mut self,
        outlet: &mut Outlet<'_, S>,
        mut bytes: &[u8],
        carrier: Carrier,
    ) {
        while let Some(piece) = self.pending.first() {
            let offset = piece.offset;
            let until = offset.saturating_sub(self.next);
            let rest = slice(bytes, until, u64::MAX);
            if rest.is_empty() {
                break;
            }
            let common = rest.len().min(piece.bytes().len()) as u64;
            outlet.compare(
                offset,
                (slice(piece.bytes(), 0, common), &[]),
                Some(piece.carrier().packet),
                slice(rest, 0, common),
                carrier.packet,
            );
            self.deliver(outlet, slice(bytes, 0, until), carrier, 0);
            bytes = slice(rest, common, u64::MAX);
            self.deliver_next_piece(outlet, 0);
        }
        self.deliver(outlet, bytes, carrier, 0);
        self.deliver_pieces(outlet);
    }

    /// Delivers the waiting pieces that are in order.
    pub(super) fn deliver_pieces<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>) {
        let run_end = self.pending.run_end(self.next);
        while self.deliver_next_piece(outlet, run_end) {}
    }

    /// Delivers the first waiting piece if it is in order. What waits is in order up to `run_end` at least.
    fn deliver_next_piece<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, run_end: u64) -> bool {
        let before = self.pending.usage();
        let Some(piece) = self.pending.take_at(self.next) else { return false };
        self.account(outlet.budget, before);
        self.deliver(outlet, piece.bytes(), piece.carrier(), run_end);
        outlet.budget.spare.put(piece);
        true
    }

    fn deliver<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, bytes: &[u8], carrier: Carrier, run_end: u64) {
        if bytes.is_empty() {
            return;
        }
        let offset = self.next;
        self.next += bytes.len() as u64;
        outlet.connection.half_mut(outlet.from).bytes += bytes.len() as u64;
        if *outlet.interest == Interest::CountOnly {
            return;
        }
        let Carrier { packet, time, flags, acknowledges } = carrier;
        let chunk = Chunk { offset, bytes, packet, time, flags, acknowledges };
        let (runs, all) = outlet.budget.delivered;
        outlet.budget.delivered = (runs + 1, all.saturating_add(bytes.len() as u64));
        *outlet.interest = outlet.sink.data(outlet.connection, outlet.from, chunk);
        if outlet.keeps_history && *outlet.interest == Interest::Keep {
            let following = run_end.saturating_sub(self.next);
            self.history.push(offset, bytes, packet, following, outlet.budget);
        }
    }

    fn has_room(&self, budget: &Budget, more: usize) -> bool {
        self.pending.len() < budget.limits.segments_per_direction
            && budget.out_of_order_segments < budget.limits.out_of_order_segments
            && self.pending.bytes() + more <= budget.limits.out_of_order_bytes_per_direction
            && budget.out_of_order_bytes + more <= budget.limits.out_of_order_bytes
    }

    fn keep<S>(&mut self, outlet: &mut Outlet<'_, S>, start: u64, bytes: &[u8], carrier: Carrier) {
        let before = self.pending.usage();
        let mut spare = std::mem::take(&mut outlet.budget.spare);
        self.pending.insert(start, bytes, carrier, &mut spare, |offset, older, first_packet, newer| {
            outlet.compare(offset, (older, &[]), Some(first_packet), newer, carrier.packet);
        });
        outlet.budget.spare = spare;
        self.account(outlet.budget, before);
    }

    /// Brings what all connections share up to date; `before`: the bytes and pieces that waited until now.
    fn account(&self, budget: &mut Budget, before: (usize, usize)) {
        let (bytes, pieces) = self.pending.usage();
        budget.out_of_order_bytes = (budget.out_of_order_bytes + bytes).saturating_sub(before.0);
        budget.out_of_order_segments = (budget.out_of_order_segments + pieces).saturating_sub(before.1);
    }

    fn give_up_hole<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, until: u64) {
        self.state_gap(outlet, until);
        self.deliver_pieces(outlet);
    }

    /// States the bytes from `next` to `until` as missing, those that were acknowledged apart from those that were not.
    fn state_gap<S: Sink>(&mut self, outlet: &mut Outlet<'_, S>, until: u64) {
        let known = self.acked.clamp(self.next, until.max(self.next));
        for (end, acknowledged) in [(known, true), (until, false)] {
            if end <= self.next {
                continue;
            }
            let gap = Gap { offset: self.next, length: end - self.next, acknowledged };
            self.next = end;
            outlet.connection.lacks(outlet.from, gap);
            if *outlet.interest == Interest::Keep {
                outlet.sink.gap(outlet.connection, outlet.from, gap);
            }
        }
    }

    /// Compares bytes that stand before `next` with what was delivered there.
    fn compare_delivered<S>(&self, outlet: &mut Outlet<'_, S>, start: u64, bytes: &[u8], packet: u64) {
        let old = slice(bytes, 0, self.next - start);
        outlet.count_late(start, old.len() as u64);
        if let Some(overlap) = self.history.overlap(start, old.len()) {
            let length = (overlap.first.0.len() + overlap.first.1.len()) as u64;
            let skip = overlap.offset - start;
            let newer = slice(old, skip, skip + length);
            outlet.compare(overlap.offset, overlap.first, overlap.packet, newer, packet);
        }
    }
}

impl<S> Outlet<'_, S> {
    /// Counts bytes without a place in the stream.
    pub(super) fn count_dropped(&mut self, bytes: u64) {
        self.connection.half_mut(self.from).dropped_bytes += bytes;
        self.budget.dropped.bytes += bytes;
    }

    /// Counts the bytes that fall into gaps stated earlier: too late to be delivered.
    fn count_late(&mut self, start: u64, length: u64) {
        let gaps = &self.connection.half(self.from).gaps;
        let end = start.saturating_add(length);
        let first = gaps.partition_point(|gap| gap.offset + gap.length <= start);
        let late = gaps
            .iter()
            .skip(first)
            .take_while(|gap| gap.offset < end)
            .map(|gap| (gap.offset + gap.length).min(end).saturating_sub(gap.offset.max(start)));
        let late = late.sum();
        self.count_dropped(late);
    }

    /// Records a conflict where bytes for the same place differ. `first` may stand in two runs.
    fn compare(
        &mut self,
        offset: u64,
        first: (&[u8], &[u8]),
        first_packet: Option<u64>,
        second: &[u8],
        second_packet: u64,
    ) {
        let (head, tail) = second.split_at(first.0.len().min(second.len()));
        if (first.0 == head && first.1 == tail)
            || self.connection.quality.conflicts.len() >= Quality::LIST_LIMIT
        {
            return;
        }
        let first_sha256 = Sha256::new().chain_update(first.0).chain_update(first.1).finalize().into();
        self.connection.quality.get_mut().conflicts.push(Conflict {
            from: self.from,
            offset,
            length: second.len() as u64,
            first_packet,
            second_packet,
            first_sha256,
            second_sha256: Sha256::digest(second).into(),
        });
    }
}

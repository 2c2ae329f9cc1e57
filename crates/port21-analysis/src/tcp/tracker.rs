//! The tracker: finds the connection of each segment, opens and ends connections.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::IpAddr;

use port21_capture::{Decoded, Scope, Segment, Timestamp};

use super::connection::{Connection, End, Endpoint, Half, RareQuality, Sink, State, Unneeded};
use super::forgotten::Forgotten;
use super::handshake::role_of_sender;
use super::letters::Letters;
use super::limits::{Budget, Dropped, Limits};
use super::live::{Arrival, Live};
use super::table::{Key, Slot, Table};

/// Follows all TCP connections of a capture. Takes segments in capture order and tells a [`Sink`] what they mean.
#[derive(Debug, Default)]
pub struct Tracker {
    table: Table,
    /// Closed connections by when to look whether they have been quiet; stream and slot.
    closed: BinaryHeap<Reverse<(Timestamp, u64, Slot)>>,
    /// Connections of which bytes wait for time to pass, by when that will be so; stream and slot.
    alarms: BinaryHeap<Reverse<(Timestamp, u64, Slot)>>,
    /// Closed connections that have been reported.
    forgotten: Forgotten,
    /// Connections that began with a SYN, in that order; some have been answered since.
    unanswered: VecDeque<(Slot, u64)>,
    opened: u64,
    budget: Budget,
}

impl Tracker {
    /// A tracker that has seen nothing yet.
    pub fn new(limits: Limits) -> Tracker {
        Tracker { budget: Budget { limits, ..Budget::default() }, ..Tracker::default() }
    }

    /// Takes in a TCP segment; one without addresses is ignored.
    pub fn segment<S: Sink>(&mut self, decoded: &Decoded<'_>, segment: &Segment<'_>, sink: &mut S) {
        let Some((source, destination)) = decoded.addresses else { return };
        self.pass_time(decoded.time, sink);
        let sender = Endpoint { address: source, port: segment.source_port };
        let receiver = Endpoint { address: destination, port: segment.destination_port };
        let key = Key::new(decoded.scope, sender, receiver);
        let slot = match self.table.find(&key) {
            Some(slot) if self.is_reopened(slot, sender, segment) => {
                self.end(slot, sink);
                self.open(decoded, [sender, receiver], segment, true, sink)
            }
            Some(slot) => slot,
            None if self.forgotten.repeats(&key, [sender, receiver], segment) => {
                self.budget.dropped.late_packets += 1;
                return;
            }
            None => self.open(decoded, [sender, receiver], segment, false, sink),
        };
        let Some(live) = self.table.get_mut(slot) else { return };
        let from = sender_of(&live.connection, sender);
        let arrival = Arrival {
            packet: decoded.packet,
            time: decoded.time,
            from,
            segment,
            ip_length: decoded.ip_length,
            identification: decoded.identification,
        };
        live.take_in(arrival, sink, &mut self.budget);
        let room = self.alarms.len() < self.budget.limits.connections.saturating_mul(2);
        if room && let Some(due) = live.new_alarm() {
            self.alarms.push(Reverse((due, live.connection.stream, slot)));
        }
        if live.is_closed() && !live.lingers {
            live.lingers = true;
            let stream = live.connection.stream;
            self.closed.push(Reverse((self.quiet_after(decoded.time), stream, slot)));
            self.limit_closed(sink);
        }
    }

    /// Takes in an ICMP message that a packet of a connection could not be delivered: ends of the quoted packet
    /// (source, its port, destination, its port), type and code. The first such message of a connection is kept.
    pub fn unreachable(
        &mut self,
        decoded: &Decoded<'_>,
        quoted: (IpAddr, u16, IpAddr, u16),
        kind: u8,
        code: u8,
    ) {
        let source = Endpoint { address: quoted.0, port: quoted.1 };
        let destination = Endpoint { address: quoted.2, port: quoted.3 };
        let slot = self.table.find(&Key::new(decoded.scope, source, destination));
        if let Some(live) = slot.and_then(|slot| self.table.get_mut(slot)) {
            live.connection.unreachable.get_or_insert((decoded.packet, kind, code));
        }
    }

    /// The input pauses, and perhaps nothing more comes: connections that are closed end, first closed first. A late segment
    /// of one still opens no other.
    pub fn pause<S: Sink>(&mut self, sink: &mut S) {
        while let Some(Reverse((_, stream, slot))) = self.closed.pop() {
            if self.table.get(slot).is_some_and(|live| live.connection.stream == stream) {
                self.end_closed(slot, sink);
            }
        }
    }

    /// Ends all connections, in stream order: the capture is over.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) {
        self.closed.clear();
        self.alarms.clear();
        for live in self.table.drain() {
            live.end(sink, &mut self.budget);
        }
    }

    /// From now on the sink is not told what it does not need to know of a connection.
    pub fn disregard(&mut self, scope: Scope, ends: [Endpoint; 2], stream: u64, unneeded: Unneeded) {
        let [one, other] = ends;
        let slot = self.table.find(&Key::new(scope, one, other));
        let live = slot.and_then(|slot| self.table.get_mut(slot));
        if let Some(live) = live.filter(|live| live.connection.stream == stream) {
            live.disregard(unneeded, &mut self.budget);
        }
    }

    /// How often bytes were given to the sink so far, and how many.
    pub fn delivered(&self) -> (u64, u64) {
        self.budget.delivered
    }

    /// Connections seen so far, which is the number that the next stream will have.
    pub fn connections_seen(&self) -> u64 {
        self.opened
    }

    /// What the limits have cost so far.
    pub fn dropped(&self) -> &Dropped {
        &self.budget.dropped
    }

    /// What is in use of what all connections share.
    #[cfg(test)]
    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    fn is_reopened(&self, slot: Slot, sender: Endpoint, segment: &Segment<'_>) -> bool {
        self.table
            .get(slot)
            .is_some_and(|live| live.is_reopened_by(sender_of(&live.connection, sender), segment))
    }

    fn open<S: Sink>(
        &mut self,
        decoded: &Decoded<'_>,
        [sender, receiver]: [Endpoint; 2],
        segment: &Segment<'_>,
        reuses_ports: bool,
        sink: &mut S,
    ) -> Slot {
        let limit = self.budget.limits.connections.max(1);
        while self.table.len() >= limit
            && let Some(slot) = self.next_to_go()
        {
            let open = self.table.get(slot).is_some_and(|live| !live.lingers);
            self.budget.dropped.connections += u64::from(open);
            if open { self.end(slot, sink) } else { self.end_closed(slot, sink) }
        }
        let role = role_of_sender(segment.flags);
        let stream = self.opened;
        self.opened += 1;
        let state = if role.is_some() { State::NeverOpened } else { State::Open };
        let connection = Connection {
            stream,
            scope: decoded.scope,
            ends: if role == Some(End::Responder) { [receiver, sender] } else { [sender, receiver] },
            initiator_known: role.is_some(),
            turned: false,
            packets: (decoded.packet, decoded.packet),
            times: (decoded.time, decoded.time),
            syn: None,
            syn_ack: None,
            ack: None,
            halves: [Half::default(), Half::default()],
            closing: Vec::new(),
            state,
            quality: RareQuality::default(),
            unreachable: None,
            letters: Letters::default(),
        };
        let slot = self.table.insert(Live::new(connection, reuses_ports));
        if state == State::NeverOpened {
            self.unanswered.push_back((slot, stream));
            // Those that were answered stay behind; without this they could pile up.
            if self.unanswered.len() > limit.saturating_mul(2) {
                let table = &self.table;
                self.unanswered.retain(|(slot, stream)| is_unanswered(table, *slot, *stream));
            }
        }
        slot
    }

    /// The connection to give up where there are too many: the oldest that nobody has answered, so that no flood of SYNs ends
    /// conversations; else the one used least recently.
    fn next_to_go(&mut self) -> Option<Slot> {
        while let Some((slot, stream)) = self.unanswered.pop_front() {
            if is_unanswered(&self.table, slot, stream) {
                return Some(slot);
            }
        }
        self.table.least_recently_used()
    }

    fn end<S: Sink>(&mut self, slot: Slot, sink: &mut S) {
        if let Some(live) = self.table.remove(slot) {
            live.end(sink, &mut self.budget);
        }
    }

    /// Ends a closed connection of which late packets may still come.
    fn end_closed<S: Sink>(&mut self, slot: Slot, sink: &mut S) {
        if let Some(live) = self.table.get(slot) {
            self.forgotten.remember(&live.connection, self.budget.limits.remembered_connections);
        }
        self.end(slot, sink);
    }

    /// Does what is due at `now`, whatever the packet is that tells the time.
    fn pass_time<S: Sink>(&mut self, now: Timestamp, sink: &mut S) {
        self.end_quiet(now, sink);
        while let Some(&Reverse((due, stream, slot))) = self.alarms.peek()
            && due <= now
        {
            self.alarms.pop();
            let live = self.table.get_mut(slot).filter(|live| live.connection.stream == stream);
            if let Some(live) = live {
                live.wake(now, sink, &mut self.budget);
                // At the end of time nothing is ever over.
                if let Some(due) = live.new_alarm()
                    && due > now
                {
                    self.alarms.push(Reverse((due, stream, slot)));
                }
            }
        }
    }

    /// Ends the closed connections that have been quiet for long enough.
    fn end_quiet<S: Sink>(&mut self, now: Timestamp, sink: &mut S) {
        while let Some(&Reverse((due, stream, slot))) = self.closed.peek()
            && due <= now
        {
            self.closed.pop();
            let Some(live) = self.table.get(slot).filter(|live| live.connection.stream == stream) else {
                continue;
            };
            let due = self.quiet_after(live.connection.times.1);
            if due <= now {
                self.end_closed(slot, sink);
            } else {
                self.closed.push(Reverse((due, stream, slot)));
            }
        }
    }

    fn limit_closed<S: Sink>(&mut self, sink: &mut S) {
        while self.closed.len() > self.budget.limits.closed_connections
            && let Some(Reverse((_, stream, slot))) = self.closed.pop()
        {
            if self.table.get(slot).is_some_and(|live| live.connection.stream == stream) {
                self.end_closed(slot, sink);
            }
        }
    }

    fn quiet_after(&self, time: Timestamp) -> Timestamp {
        let nanoseconds = i64::from(self.budget.limits.quiet_seconds) * 1_000_000_000;
        Timestamp(time.0.saturating_add(nanoseconds))
    }
}

fn is_unanswered(table: &Table, slot: Slot, stream: u64) -> bool {
    let live = table.get(slot).filter(|live| live.connection.stream == stream);
    live.is_some_and(|live| live.connection.state == State::NeverOpened)
}

/// Which end sent a segment of this connection.
fn sender_of(connection: &Connection, sender: Endpoint) -> End {
    if connection.end(End::Initiator) == sender { End::Initiator } else { End::Responder }
}

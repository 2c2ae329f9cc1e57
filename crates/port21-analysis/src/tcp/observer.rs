//! Watches a connection's segments and records what is odd about them.

use port21_capture::{Flags, Timestamp};

use super::connection::{Connection, End, Quality};
use super::duplicates::Recent;
use super::live::Arrival;
use super::marks::{Mark, Marks};
use super::reassembly::Stream;
use super::stalls::Pace;
use super::verdict::{Side, judge};

/// What can be said of one segment beside those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// Its packet.
    pub packet: u64,
    /// Who sent it.
    pub from: End,
    /// What is odd about it.
    pub marks: Marks,
    /// Of a duplicate acknowledgment: the packet that acknowledged the same first, and how many repeated it so far, this
    /// one included.
    pub duplicate_of: Option<(u64, u32)>,
    /// Bytes that its sender is ready to receive (RFC 7323, section 2.2); `None` where the scale is not in the capture.
    pub window: Option<u64>,
}

/// What one end has sent.
#[derive(Debug, Default)]
struct Watched {
    side: Side,
    /// Packet that first acknowledged what the last one did.
    acknowledged_first: u64,
    /// How often it has repeated its last acknowledgment, to ask for what it lacks; copies that only the capture holds do not ask.
    asks: u32,
    recent: Recent,
    pace: Pace,
}

/// What both ends have sent.
#[derive(Debug, Default)]
pub(super) struct Observer {
    ends: [Watched; 2],
    /// Who sent the last segment.
    last: Option<End>,
    /// Time of the last SYN, and from there to the initiator's acknowledgment of the SYN/ACK in nanoseconds.
    syn: Option<Timestamp>,
    round_trip: Option<i64>,
    reuses_ports: bool,
}

impl Observer {
    /// Has seen nothing; the first segment is marked where it reuses the ports of an earlier connection.
    pub fn new(reuses_ports: bool) -> Observer {
        Observer { reuses_ports, ..Observer::default() }
    }

    pub fn swap_ends(&mut self) {
        self.ends.reverse();
        self.last = self.last.map(End::other);
    }

    /// Takes in a segment. `agrees`: its bytes are those seen before in their place, if any were; `closed`: it carries
    /// data after the close.
    pub fn take_in(
        &mut self,
        connection: &mut Connection,
        streams: &[Stream; 2],
        arrival: &Arrival<'_>,
        agrees: bool,
        closed: bool,
    ) -> Judgement {
        let (segment, time) = (arrival.segment, arrival.time);
        self.measure_round_trip(connection, arrival);
        let adjacent = self.last.replace(arrival.from) == Some(arrival.from);
        let [initiator, responder] = &mut self.ends;
        let (sender, receiver) = match arrival.from {
            End::Initiator => (initiator, responder),
            End::Responder => (responder, initiator),
        };
        if !sender.side.acknowledges(segment.acknowledgement) {
            sender.acknowledged_first = arrival.packet;
            sender.asks = 0;
        }
        let mut marks = judge(&mut sender.side, &mut receiver.side, segment, time, self.round_trip);
        marks.add_if(std::mem::take(&mut self.reuses_ports), Mark::ReusedPorts);
        // On a short way TCP itself repeats at once what the other end asks for by repeating its acknowledgment (RFC 5681, section 3.2).
        let is_asked_for =
            segment.payload_length > 0 && receiver.asks > 0 && receiver.side.acknowledges(segment.sequence);
        let repeats = sender.recent.repeats(arrival, adjacent);
        marks.add_if(repeats && agrees && !is_asked_for, Mark::DuplicateFrame);
        if marks.has(Mark::DuplicateAck) && !marks.has(Mark::DuplicateFrame) {
            sender.asks = sender.asks.saturating_add(1);
        }
        marks.add_if(closed, Mark::DataAfterClose);
        marks.add_if(segment.flags.contains(Flags::URG), Mark::Urgent);
        let duplicate_of =
            marks.has(Mark::DuplicateAck).then(|| (sender.acknowledged_first, sender.side.duplicates()));
        let window = sender.side.window_towards(&receiver.side);
        let is_probe = marks.has(Mark::KeepAlive) || marks.has(Mark::ZeroWindowProbe);
        if segment.payload_length > 0 && !is_probe {
            let repeated = marks.has(Mark::Retransmission);
            let stall = sender.pace.data(arrival.from, arrival.packet, time, repeated);
            if let Some(stall) = stall
                && connection.quality.stalls.len() < Quality::LIST_LIMIT
            {
                connection.quality.get_mut().stalls.push(stall);
            }
        }
        self.watch_window(streams, End::Initiator, time);
        self.watch_window(streams, End::Responder, time);
        record(connection, marks, arrival);
        Judgement { packet: arrival.packet, from: arrival.from, marks, duplicate_of, window }
    }

    /// From the last SYN to the acknowledgment that completes the handshake.
    fn measure_round_trip(&mut self, connection: &Connection, arrival: &Arrival<'_>) {
        if arrival.segment.flags.contains(Flags::SYN) && !arrival.segment.flags.contains(Flags::ACK) {
            self.syn = Some(arrival.time);
        }
        if self.round_trip.is_none()
            && connection.ack.is_some_and(|ack| ack.packet == arrival.packet)
            && let Some(syn) = self.syn
        {
            self.round_trip = Some(arrival.time.nanoseconds_since(syn)).filter(|time| *time > 0);
        }
    }

    /// Takes in whether the other end's window lets `sender` send more.
    fn watch_window(&mut self, streams: &[Stream; 2], sender: End, now: Timestamp) {
        let [initiator, responder] = &mut self.ends;
        let [initiators, responders] = streams;
        let (pace, receiver, stream) = match sender {
            End::Initiator => (&mut initiator.pace, &responder.side, initiators),
            End::Responder => (&mut responder.pace, &initiator.side, responders),
        };
        if !stream.receiver_heard {
            return;
        }
        let outstanding = stream.highest.saturating_sub(stream.acked);
        let full = outstanding > 0 && receiver.window().is_some_and(|window| outstanding >= window);
        pace.set_blocked(full || receiver.window_is_closed(), now);
    }
}

fn record(connection: &mut Connection, marks: Marks, arrival: &Arrival<'_>) {
    if marks.is_empty() {
        return;
    }
    if marks.has(Mark::Retransmission) {
        connection.letters.retransmission(arrival.from);
    }
    if marks.has(Mark::ZeroWindow) {
        connection.letters.zero_window(arrival.from);
    }
    connection.quality.get_mut().note(marks, arrival.packet);
}

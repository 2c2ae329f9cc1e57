//! How a connection opens: who is who, where each direction's bytes start, the three segments of the handshake.

use port21_capture::Flags;

use super::connection::{Connection, End, HandshakeSegment, State};
use super::live::Arrival;
use super::reassembly::{Anchor, Stream};
use super::sequence::SequenceNumber;

/// A number further than this from where an unanswered SYN puts the stream's start disowns that SYN.
const PLAUSIBLE_DISTANCE: i64 = 1 << 28;

/// What a segment says of its sender's role; `None` where it says nothing.
pub(super) fn role_of_sender(flags: Flags) -> Option<End> {
    if !flags.contains(Flags::SYN) {
        return None;
    }
    Some(if flags.contains(Flags::ACK) { End::Responder } else { End::Initiator })
}

/// Takes in what a segment says of the handshake and of the numbers of its sender. `sender` is the sender's stream.
pub(super) fn take_in(connection: &mut Connection, sender: &mut Stream, arrival: &Arrival<'_>) {
    let flags = arrival.segment.flags;
    if flags.contains(Flags::SYN) {
        synchronize(connection, sender, arrival);
    } else {
        pick_up(connection, sender, arrival);
    }
    record_acknowledgement(connection, arrival);
    let answers = !flags.intersects(Flags::SYN | Flags::RST) || flags.contains(Flags::SYN | Flags::ACK);
    if connection.state == State::NeverOpened && answers && !flags.contains(Flags::RST) {
        connection.state = State::Open;
    }
}

/// Tells the other end's stream that its SYN may have been acknowledged: true where `offset` is a plausible
/// acknowledgment of that stream at all.
pub(super) fn confirm(acknowledged: &mut Stream, offset: i64) -> bool {
    if acknowledged.anchor != Anchor::Syn {
        return true;
    }
    let plausible = (0..=PLAUSIBLE_DISTANCE).contains(&offset);
    if plausible {
        acknowledged.anchor = Anchor::Confirmed;
    }
    plausible
}

fn synchronize(connection: &mut Connection, sender: &mut Stream, arrival: &Arrival<'_>) {
    let initial = SequenceNumber(arrival.segment.sequence);
    let half = connection.half_mut(arrival.from);
    let first = SequenceNumber(initial.0).advance(1);
    let repeated = half.syn_seen && half.initial_sequence == Some(initial.0);
    if repeated || !(sender.is_untouched() || sender.origin == Some(first)) {
        return;
    }
    half.initial_sequence = Some(initial.0);
    half.syn_seen = true;
    half.maximum_segment_size = arrival.segment.options.maximum_segment_size;
    half.window_scale = arrival.segment.options.window_scale;
    sender.origin = Some(first);
    sender.anchor = Anchor::Syn;
    let slot = match arrival.from {
        End::Initiator => &mut connection.syn,
        End::Responder => &mut connection.syn_ack,
    };
    *slot = Some(arrival.handshake_segment());
    if arrival.from == End::Responder {
        // An ACK captured before the SYN/ACK counts only if it does acknowledge it.
        let acknowledges = |ack: &HandshakeSegment| {
            ack.raw_acknowledgement.is_some_and(|number| SequenceNumber(number).is_after(initial))
        };
        connection.ack = connection.ack.filter(acknowledges);
    }
}

/// Finds the start of a direction whose SYN was not seen.
fn pick_up(connection: &mut Connection, sender: &mut Stream, arrival: &Arrival<'_>) {
    let segment = arrival.segment;
    let number = SequenceNumber(segment.sequence);
    let half = connection.half_mut(arrival.from);
    let has_data = segment.payload_length > 0;
    let first = if has_data { Anchor::FirstData } else { Anchor::FirstEmpty };
    let Some(origin) = sender.origin else {
        half.initial_sequence = half.initial_sequence.or(Some(number.back(1).0));
        // A reset may carry any number that its sender makes up (RFC 9293, section 3.5.2).
        if !segment.flags.contains(Flags::RST) {
            half.initial_sequence = Some(number.back(1).0);
            sender.origin = Some(number);
            sender.anchor = first;
        }
        return;
    };
    if !sender.is_untouched() || segment.flags.contains(Flags::RST) {
        return;
    }
    let offset = number.offset(origin, 0);
    match sender.anchor {
        // Somebody else's SYN, or one that the other end ignored: the connection goes on with other numbers.
        Anchor::Syn if !(-1..=PLAUSIBLE_DISTANCE).contains(&offset) => {
            half.initial_sequence = Some(number.back(1).0);
            half.syn_seen = false;
            sender.origin = Some(number);
            sender.anchor = first;
        }
        // The first segment seen was a keep-alive probe, one before the next byte (RFC 9293, section 3.8.4).
        Anchor::FirstEmpty if offset == 1 => {
            half.initial_sequence = Some(number.back(1).0);
            sender.origin = Some(number);
        }
        _ => {}
    }
    if has_data && sender.anchor == Anchor::FirstEmpty {
        sender.anchor = Anchor::FirstData;
    }
}

/// Records the initiator's first acknowledgment of the SYN/ACK, seen or not.
fn record_acknowledgement(connection: &mut Connection, arrival: &Arrival<'_>) {
    let flags = arrival.segment.flags;
    if connection.ack.is_some()
        || arrival.from != End::Initiator
        || !flags.contains(Flags::ACK)
        || flags.contains(Flags::RST)
        || connection.syn.is_none()
    {
        return;
    }
    let responder = connection.half(End::Responder);
    let number = SequenceNumber(arrival.segment.acknowledgement);
    let acknowledges = match responder.initial_sequence {
        Some(initial) if responder.syn_seen => number.is_after(SequenceNumber(initial)),
        _ => true,
    };
    if acknowledges {
        connection.ack = Some(arrival.handshake_segment());
    }
}

//! What Wireshark's TCP analysis says of a segment, by the definitions in its User's Guide ("TCP Analysis").

use port21_capture::{Flags, Segment, Timestamp};

use super::marks::{Mark, Marks};
use super::outstanding::Outstanding;
use super::sequence::SequenceNumber;

/// A retransmission this soon after the duplicate acknowledgments is a fast one.
const FAST_NANOSECONDS: i64 = 20_000_000;
/// Where the round trip is unknown, a segment is out of order if it comes this soon after the highest one.
const OUT_OF_ORDER_NANOSECONDS: i64 = 3_000_000;

/// How the window in a direction's segments is scaled (RFC 7323, section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Scale {
    /// No SYN was seen.
    #[default]
    Unknown,
    /// Its SYN had no window scale option.
    None,
    Shift(u8),
}

/// What is remembered of the segments that one end sent.
#[derive(Debug, Default)]
pub(super) struct Side {
    /// The number after the highest one sent, and when that was sent.
    next: Option<SequenceNumber>,
    next_time: Timestamp,
    /// The number after the highest one that the capture holds without a hole.
    contiguous: Option<SequenceNumber>,
    /// Acknowledgment and window of the last segment.
    acknowledges: u32,
    acknowledged_at: Timestamp,
    window: u16,
    window_is_unscaled: bool,
    scale: Scale,
    /// Whether the last segment was a keep-alive, or a probe of a zero window.
    kept_alive: bool,
    probed: bool,
    /// Duplicates of the last acknowledgment.
    duplicates: u32,
    /// Segments that are not acknowledged yet.
    outstanding: Outstanding,
}

/// Judges a segment by what was seen before it, and remembers it. `round_trip` is that of the handshake, in nanoseconds.
pub(super) fn judge(
    sender: &mut Side,
    receiver: &mut Side,
    segment: &Segment<'_>,
    time: Timestamp,
    round_trip: Option<i64>,
) -> Marks {
    let mut marks = Marks::default();
    sender.learn_scale(segment);
    judge_place(sender, receiver, segment, &mut marks);
    if !marks.has(Mark::ZeroWindowProbe) {
        judge_window(sender, receiver, segment, &mut marks);
    }
    if segment.acknowledgement != sender.acknowledges {
        sender.duplicates = 0;
    }
    if marks.has(Mark::DuplicateAck) {
        sender.duplicates += 1;
    }
    judge_acknowledged(receiver, segment, &mut marks);
    if !marks.has(Mark::KeepAlive) {
        judge_repetition(sender, receiver, segment, time, round_trip, &mut marks);
    }
    sender.remember(segment, time, marks);
    receiver.outstanding.acknowledge(SequenceNumber(segment.acknowledgement));
    marks
}

impl Side {
    /// Bytes that this end is ready to receive, where the scale of its window is known.
    pub fn window(&self) -> Option<u64> {
        let shift = match self.scale {
            Scale::Unknown => return None,
            Scale::Shift(shift) if !self.window_is_unscaled => shift.min(14),
            _ => 0,
        };
        Some(u64::from(self.window) << shift)
    }

    /// As [`Side::window`]; scaling is in force only if the other end's SYN offered it too (RFC 7323, section 2.2).
    pub fn window_towards(&self, other: &Side) -> Option<u64> {
        let refused = other.scale == Scale::None && self.scale != Scale::Unknown;
        if refused { Some(u64::from(self.window)) } else { self.window() }
    }

    /// Whether the last segment of this end acknowledged up to `number`.
    pub fn acknowledges(&self, number: u32) -> bool {
        self.acknowledges == number
    }

    /// How often the last acknowledgment has been repeated.
    pub fn duplicates(&self) -> u32 {
        self.duplicates
    }

    /// Whether the last window of this end was 0.
    pub fn window_is_closed(&self) -> bool {
        self.window == 0
    }

    fn learn_scale(&mut self, segment: &Segment<'_>) {
        if segment.flags.contains(Flags::SYN) {
            self.scale = segment.options.window_scale.map_or(Scale::None, Scale::Shift);
        }
    }

    fn is_next(&self, segment: &Segment<'_>) -> bool {
        self.next == Some(SequenceNumber(segment.sequence))
    }

    fn remember(&mut self, segment: &Segment<'_>, time: Timestamp, marks: Marks) {
        let first = SequenceNumber(segment.sequence);
        let control = segment.flags.intersects(Flags::SYN | Flags::FIN);
        let next = first.advance(segment.payload_length).advance(u32::from(control));
        if next != first {
            self.outstanding.push(first, next);
        }
        if !marks.has(Mark::ZeroWindowProbe) {
            if self.next.is_none_or(|highest| next.is_after(highest)) {
                self.next = Some(next);
                self.next_time = time;
            }
            if self.contiguous.is_none_or(|contiguous| contiguous == first) {
                self.contiguous = self.next;
            }
        }
        self.acknowledges = segment.acknowledgement;
        self.acknowledged_at = time;
        self.window = segment.window;
        self.window_is_unscaled = segment.flags.contains(Flags::SYN);
        self.kept_alive = marks.has(Mark::KeepAlive);
        self.probed = marks.has(Mark::ZeroWindowProbe);
    }
}

/// Where the segment stands beside what its sender sent before.
fn judge_place(sender: &Side, receiver: &Side, segment: &Segment<'_>, marks: &mut Marks) {
    let first = SequenceNumber(segment.sequence);
    let plain = !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST);
    let Some(next) = sender.next else {
        marks.add_if(plain && segment.window == 0, Mark::ZeroWindow);
        return;
    };
    if segment.payload_length == 1 && first == next && receiver.next.is_some() && receiver.window == 0 {
        marks.add(Mark::ZeroWindowProbe);
        return;
    }
    marks.add_if(plain && segment.window == 0, Mark::ZeroWindow);
    marks.add_if(first.is_after(next) && !segment.flags.contains(Flags::RST), Mark::LostSegment);
    marks.add_if(plain && segment.payload_length <= 1 && first == next.back(1), Mark::KeepAlive);
}

/// What the segment says of its sender's window and of what it received.
fn judge_window(sender: &Side, receiver: &Side, segment: &Segment<'_>, marks: &mut Marks) {
    if segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST) {
        return;
    }
    if segment.payload_length > 0 {
        let end = segment.sequence.wrapping_add(segment.payload_length);
        let edge = receiver.window().map(|window| receiver.acknowledges.wrapping_add(window as u32));
        marks.add_if(receiver.next.is_some() && edge == Some(end), Mark::WindowFull);
        return;
    }
    if !sender.is_next(segment) || segment.acknowledgement != sender.acknowledges {
        return;
    }
    let same_window = segment.window == sender.window;
    match segment.window {
        0 if same_window && receiver.probed => marks.add(Mark::ZeroWindowProbeAck),
        0 => {}
        _ if same_window && receiver.kept_alive => marks.add(Mark::KeepAliveAck),
        _ if same_window || segment.options.sack_count > 0 => marks.add(Mark::DuplicateAck),
        _ => marks.add(Mark::WindowUpdate),
    }
}

/// Whether the segment acknowledges what the capture does not hold.
fn judge_acknowledged(receiver: &mut Side, segment: &Segment<'_>, marks: &mut Marks) {
    let Some(contiguous) = receiver.contiguous else { return };
    let number = SequenceNumber(segment.acknowledgement);
    if segment.flags.contains(Flags::ACK) && number.is_after(contiguous) {
        marks.add(Mark::AckedUnseen);
        receiver.contiguous = receiver.next;
    }
}

/// Whether the segment was sent before, or comes late.
fn judge_repetition(
    sender: &Side,
    receiver: &Side,
    segment: &Segment<'_>,
    time: Timestamp,
    round_trip: Option<i64>,
    marks: &mut Marks,
) {
    let first = SequenceNumber(segment.sequence);
    let control = segment.flags.intersects(Flags::SYN | Flags::FIN);
    let Some(next) = sender.next else { return };
    if (segment.payload_length == 0 && !control) || !first.is_before(next) {
        return;
    }
    let end = first.advance(segment.payload_length);
    let acknowledged = SequenceNumber(receiver.acknowledges);
    let since_acknowledgement = time.nanoseconds_since(receiver.acknowledged_at);
    if segment.payload_length > 0 && receiver.acknowledges != 0 && !end.is_after(acknowledged) {
        marks.add(Mark::SpuriousRetransmission);
        marks.add(Mark::Retransmission);
        return;
    }
    if receiver.duplicates >= 2 && acknowledged == first && since_acknowledgement < FAST_NANOSECONDS {
        marks.add(Mark::FastRetransmission);
        marks.add(Mark::Retransmission);
        return;
    }
    let threshold = round_trip.unwrap_or(OUT_OF_ORDER_NANOSECONDS);
    let late = time.nanoseconds_since(sender.next_time) < threshold && next != end;
    if late && !sender.outstanding.holds(first, end) {
        marks.add(Mark::OutOfOrder);
    } else {
        marks.add(Mark::Retransmission);
    }
}

//! Frames that the capture holds twice, as mirror ports that copy both directions make them.

use port21_capture::{Flags, Timestamp};

use super::live::Arrival;

/// Copies come within this time. TCP itself repeats nothing so soon by its timer (RFC 6298, section 2.4).
const WITHIN_NANOSECONDS: i64 = 1_000_000;

/// All that the TCP header says, and the payload's length. A host that sends the same again sends another packet, which most have
/// another identification for (RFC 6864, section 4); a copy has that of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Print {
    sequence: u32,
    acknowledgement: u32,
    flags: Flags,
    window: u16,
    payload_length: u32,
    timestamps: Option<(u32, u32)>,
    identification: u16,
}

/// The last two segments of one end.
#[derive(Debug, Default)]
pub(super) struct Recent {
    prints: [Option<(Print, Timestamp)>; 2],
    /// Which of them is the last.
    last: usize,
}

impl Recent {
    /// Whether a segment repeats one of the last two of its sender, apart from its bytes; remembers it. An
    /// acknowledgment or a reset without data repeats only the packet just before it (`adjacent`): receivers do send the
    /// same acknowledgment again for each segment that comes out of order (RFC 5681, section 4.2), and the same reset for
    /// each that comes after the close (RFC 9293, section 3.5.2).
    pub fn repeats(&mut self, arrival: &Arrival<'_>, adjacent: bool) -> bool {
        let (segment, time) = (arrival.segment, arrival.time);
        let print = Print {
            sequence: segment.sequence,
            acknowledgement: segment.acknowledgement,
            flags: segment.flags,
            window: segment.window,
            payload_length: segment.payload_length,
            timestamps: segment.options.timestamps,
            identification: arrival.identification,
        };
        let says_more = segment.payload_length > 0 || segment.flags.intersects(Flags::SYN | Flags::FIN);
        let same = |seen: &Option<(Print, Timestamp)>| {
            seen.as_ref().is_some_and(|(seen, at)| {
                *seen == print && (0..=WITHIN_NANOSECONDS).contains(&time.nanoseconds_since(*at))
            })
        };
        let repeats = if says_more {
            self.prints.iter().any(same)
        } else {
            adjacent && self.prints.get(self.last).is_some_and(same)
        };
        self.last = 1 - self.last;
        if let Some(oldest) = self.prints.get_mut(self.last) {
            *oldest = Some((print, time));
        }
        repeats
    }
}

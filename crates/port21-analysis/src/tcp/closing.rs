//! How a connection closes: FINs, their acknowledgments, resets.

use port21_capture::Flags;

use super::connection::{ClosingSegment, Connection, Quality, State};
use super::live::Arrival;
use super::reassembly::Stream;

/// Records a segment that takes part in closing. `acknowledges` is its acknowledgment as an offset of `receiver`'s
/// bytes (the stream that the segment's receiver sends).
pub(super) fn take_in(
    connection: &mut Connection,
    receiver: &mut Stream,
    arrival: &Arrival<'_>,
    acknowledges: Option<u64>,
) {
    let segment = arrival.segment;
    let acknowledges_fin = match &mut receiver.fin {
        Some(fin) if !fin.acknowledged && acknowledges.is_some_and(|offset| offset > fin.offset) => {
            fin.acknowledged = true;
            true
        }
        _ => false,
    };
    let closes = segment.flags.intersects(Flags::FIN | Flags::RST);
    if (closes || acknowledges_fin) && connection.closing.len() < Quality::LIST_LIMIT {
        connection.closing.push(ClosingSegment {
            packet: arrival.packet,
            from: arrival.from,
            flags: segment.flags,
            raw_sequence: segment.sequence,
            raw_acknowledgement: arrival.raw_acknowledgement(),
        });
    }
    if segment.flags.contains(Flags::RST) {
        connection.state = match connection.state {
            State::Open | State::HalfClosed => State::Reset,
            state @ (State::NeverOpened | State::Closed | State::Reset) => state,
        };
    } else if segment.flags.contains(Flags::FIN) {
        connection.state = match connection.state {
            state @ (State::Reset | State::Closed | State::NeverOpened) => state,
            _ if connection.halves.iter().all(|half| half.fin_offset.is_some()) => State::Closed,
            _ => State::HalfClosed,
        };
    }
}

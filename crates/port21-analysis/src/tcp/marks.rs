//! What can be odd about a segment, and where it is recorded.

use super::connection::Quality;

/// An oddity of one segment, in the order of [`Quality`]'s lists and counts, which say what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Mark {
    Retransmission,
    FastRetransmission,
    SpuriousRetransmission,
    OutOfOrder,
    DuplicateAck,
    LostSegment,
    AckedUnseen,
    KeepAlive,
    KeepAliveAck,
    ZeroWindow,
    ZeroWindowProbe,
    ZeroWindowProbeAck,
    WindowUpdate,
    WindowFull,
    ReusedPorts,
    DuplicateFrame,
    DataAfterClose,
    Urgent,
}

const ALL: [Mark; 18] = [
    Mark::Retransmission,
    Mark::FastRetransmission,
    Mark::SpuriousRetransmission,
    Mark::OutOfOrder,
    Mark::DuplicateAck,
    Mark::LostSegment,
    Mark::AckedUnseen,
    Mark::KeepAlive,
    Mark::KeepAliveAck,
    Mark::ZeroWindow,
    Mark::ZeroWindowProbe,
    Mark::ZeroWindowProbeAck,
    Mark::WindowUpdate,
    Mark::WindowFull,
    Mark::ReusedPorts,
    Mark::DuplicateFrame,
    Mark::DataAfterClose,
    Mark::Urgent,
];

/// The oddities of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks(u32);

impl Marks {
    /// Those that are set, in the order of [`Mark`].
    pub fn iter(self) -> impl Iterator<Item = Mark> {
        ALL.into_iter().filter(move |mark| self.has(*mark))
    }

    /// Whether `mark` is set.
    pub fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u32) != 0
    }

    /// Whether none is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn add(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u32;
    }

    pub(super) fn add_if(&mut self, condition: bool, mark: Mark) {
        if condition {
            self.add(mark);
        }
    }
}

impl Quality {
    /// Records the oddities of a packet.
    pub(super) fn note(&mut self, marks: Marks, packet: u64) {
        for mark in marks.iter() {
            if let Some(count) = self.counts.get_mut(mark as usize) {
                *count += 1;
            }
            let list = self.list_mut(mark);
            if list.len() < Quality::LIST_LIMIT {
                list.push(packet);
            }
        }
    }

    pub(super) fn list_mut(&mut self, mark: Mark) -> &mut Vec<u64> {
        match mark {
            Mark::Retransmission => &mut self.retransmissions,
            Mark::FastRetransmission => &mut self.fast_retransmissions,
            Mark::SpuriousRetransmission => &mut self.spurious_retransmissions,
            Mark::OutOfOrder => &mut self.out_of_order,
            Mark::DuplicateAck => &mut self.duplicate_acks,
            Mark::LostSegment => &mut self.lost_segments,
            Mark::AckedUnseen => &mut self.acked_unseen,
            Mark::KeepAlive => &mut self.keep_alives,
            Mark::KeepAliveAck => &mut self.keep_alive_acks,
            Mark::ZeroWindow => &mut self.zero_windows,
            Mark::ZeroWindowProbe => &mut self.zero_window_probes,
            Mark::ZeroWindowProbeAck => &mut self.zero_window_probe_acks,
            Mark::WindowUpdate => &mut self.window_updates,
            Mark::WindowFull => &mut self.window_full,
            Mark::ReusedPorts => &mut self.reused_ports,
            Mark::DuplicateFrame => &mut self.duplicate_frames,
            Mark::DataAfterClose => &mut self.data_after_close,
            Mark::Urgent => &mut self.urgent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stop_at_their_limit_and_counts_go_on() {
        let mut quality = Quality::default();
        let mut marks = Marks::default();
        marks.add(Mark::ZeroWindow);
        let many = Quality::LIST_LIMIT as u64 + 5;
        for packet in 1..=many {
            quality.note(marks, packet);
        }
        assert_eq!(quality.zero_windows.len(), Quality::LIST_LIMIT);
        assert_eq!(quality.counts[Mark::ZeroWindow as usize], many);
        assert_eq!(quality.counts.iter().sum::<u64>(), many);
    }
}

//! The last delivered bytes of a direction, to compare retransmissions with.

use std::collections::VecDeque;

use super::limits::Budget;

/// Most packets remembered of one direction's history.
const MARKS: usize = 64;

/// Room that is made at first, for bytes and for packets: what one end says in a short dialogue.
const FIRST_BYTES: usize = 512;
const FIRST_MARKS: usize = 16;

/// The last delivered bytes, which are contiguous and end at `end`.
#[derive(Debug, Default)]
pub(super) struct History {
    bytes: VecDeque<u8>,
    end: u64,
    /// Offset and number of the packets that carried the bytes, oldest first.
    marks: VecDeque<(u64, u64)>,
}

/// Delivered bytes that a later segment covers again.
pub(super) struct Overlap<'a> {
    /// Offset of the first byte that both have.
    pub offset: u64,
    /// The bytes as first seen, in up to two runs.
    pub first: (&'a [u8], &'a [u8]),
    /// The packet that carried the first of them, where it is still known.
    pub packet: Option<u64>,
}

impl History {
    /// Appends delivered bytes; forgets the oldest where there are too many. `following`: how many more are certain to be
    /// appended next; what they will push out is not even copied.
    pub fn push(&mut self, offset: u64, bytes: &[u8], packet: u64, following: u64, budget: &mut Budget) {
        if offset != self.end {
            self.clear(budget);
        }
        self.end = offset.saturating_add(bytes.len() as u64);
        let limit = budget.limits.history_bytes_per_direction;
        let others = budget.history_bytes.saturating_sub(self.bytes.len());
        // Where they might not be kept themselves, everything goes its usual way.
        if following >= limit as u64 && others.saturating_add(limit) <= budget.limits.history_bytes {
            budget.history_bytes = others;
            self.bytes.clear();
            self.marks.clear();
            return;
        }
        let kept = bytes.get(bytes.len().saturating_sub(limit)..).unwrap_or_default();
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(limit);
        if surplus > 0 {
            self.bytes.drain(..surplus);
            budget.history_bytes = budget.history_bytes.saturating_sub(surplus);
        }
        if budget.history_bytes + kept.len() > budget.limits.history_bytes {
            budget.dropped.history_bytes += kept.len() as u64;
            self.clear(budget);
            return;
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(kept.len().max(FIRST_BYTES.min(limit)));
            self.marks.reserve_exact(FIRST_MARKS);
        }
        // Never twice the limit, as doubling would make it.
        if self.bytes.len() >= limit / 2 {
            self.bytes.reserve_exact(limit.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend(kept);
        budget.history_bytes += kept.len();
        if self.marks.len() >= MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back((offset, packet));
    }

    /// Forgets everything.
    pub fn clear(&mut self, budget: &mut Budget) {
        budget.history_bytes = budget.history_bytes.saturating_sub(self.bytes.len());
        self.bytes = VecDeque::new();
        self.marks = VecDeque::new();
    }

    /// The part of `length` bytes at `offset` that is still kept, if any.
    pub fn overlap(&self, offset: u64, length: usize) -> Option<Overlap<'_>> {
        let start = self.end.saturating_sub(self.bytes.len() as u64);
        let from = offset.max(start);
        let to = offset.saturating_add(length as u64).min(self.end);
        if from >= to {
            return None;
        }
        let (skip, end) = (usize::try_from(from - start).ok()?, usize::try_from(to - start).ok()?);
        let (head, tail) = self.bytes.as_slices();
        let cut = |slice: &'_ [u8], from: usize, to: usize| (from.min(slice.len()), to.min(slice.len()));
        let (head_from, head_to) = cut(head, skip, end);
        let (tail_from, tail_to) = cut(tail, skip.saturating_sub(head.len()), end.saturating_sub(head.len()));
        Some(Overlap {
            offset: from,
            first: (
                head.get(head_from..head_to).unwrap_or_default(),
                tail.get(tail_from..tail_to).unwrap_or_default(),
            ),
            packet: self.marks.iter().rev().find(|(offset, _)| *offset <= from).map(|(_, packet)| *packet),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::Limits;

    fn budget(per_direction: usize, total: usize) -> Budget {
        let limits =
            Limits { history_bytes_per_direction: per_direction, history_bytes: total, ..Limits::default() };
        Budget { limits, ..Budget::default() }
    }

    fn text(overlap: &Overlap<'_>) -> String {
        let bytes = [overlap.first.0, overlap.first.1].concat();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn only_the_last_bytes_are_kept() {
        let (mut history, mut budget) = (History::default(), budget(8, 100));
        history.push(0, b"abcdef", 1, 0, &mut budget);
        history.push(6, b"ghij", 2, 0, &mut budget);
        let overlap = history.overlap(0, 8).unwrap();
        assert_eq!((overlap.offset, overlap.packet, text(&overlap).as_str()), (2, Some(1), "cdefgh"));
        let overlap = history.overlap(7, 100).unwrap();
        assert_eq!((overlap.offset, overlap.packet, text(&overlap).as_str()), (7, Some(2), "hij"));
        assert!(history.overlap(10, 5).is_none() && history.overlap(0, 2).is_none());
        assert_eq!(budget.history_bytes, 8);
    }

    #[test]
    fn what_the_next_bytes_push_out_is_not_kept() {
        let (mut history, mut budget) = (History::default(), budget(8, 100));
        history.push(0, b"abcdef", 1, 0, &mut budget);
        history.push(6, b"ghij", 2, 8, &mut budget);
        assert_eq!(budget.history_bytes, 0);
        history.push(10, b"klmn", 3, 4, &mut budget);
        history.push(14, b"opqr", 4, 0, &mut budget);
        let overlap = history.overlap(0, 18).unwrap();
        assert_eq!((overlap.offset, overlap.packet, text(&overlap).as_str()), (10, Some(3), "klmnopqr"));
        assert_eq!(budget.history_bytes, 8);
    }

    #[test]
    fn a_run_longer_than_the_limit_leaves_its_end() {
        let (mut history, mut budget) = (History::default(), budget(4, 100));
        history.push(0, b"abcdefgh", 1, 0, &mut budget);
        assert_eq!(text(&history.overlap(0, 8).unwrap()), "efgh");
    }

    #[test]
    fn a_gap_starts_the_history_anew() {
        let (mut history, mut budget) = (History::default(), budget(8, 100));
        history.push(0, b"abc", 1, 0, &mut budget);
        history.push(10, b"xyz", 2, 0, &mut budget);
        assert_eq!(text(&history.overlap(0, 20).unwrap()), "xyz");
        assert_eq!(budget.history_bytes, 3);
    }

    #[test]
    fn the_shared_limit_is_kept_and_what_it_cost_is_counted() {
        let (mut history, mut budget) = (History::default(), budget(8, 4));
        history.push(0, b"abc", 1, 0, &mut budget);
        history.push(3, b"def", 2, 0, &mut budget);
        assert!(history.overlap(0, 6).is_none());
        assert_eq!((budget.history_bytes, budget.dropped.history_bytes), (0, 3));
    }
}

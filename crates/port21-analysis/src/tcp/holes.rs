//! What a direction lacks of which the bytes are only counted.

/// Most holes that may still be filled.
const MOST: usize = 16;

/// Ranges of offsets that have been passed over: first, and behind the last. In order.
#[derive(Debug, Default)]
pub(super) struct Holes(Vec<(u64, u64)>);

impl Holes {
    /// Bytes behind all others were passed over. Where there are too many holes, gives up the first.
    pub fn leave(&mut self, from: u64, to: u64) -> Option<(u64, u64)> {
        self.0.push((from, to));
        (self.0.len() > MOST).then(|| self.0.remove(0))
    }

    /// Bytes have come late: how many of them were missing.
    pub fn fill(&mut self, from: u64, to: u64) -> u64 {
        if self.0.is_empty() || from >= to {
            return 0;
        }
        let mut filled: u64 = 0;
        let mut left = Vec::with_capacity(self.0.len() + 1);
        for (start, end) in self.0.drain(..) {
            let (first, last) = (start.max(from), end.min(to));
            filled = filled.saturating_add(last.saturating_sub(first));
            let around =
                if first < last { [(start, first), (last, end)] } else { [(start, end), (end, end)] };
            left.extend(around.into_iter().filter(|(start, end)| start < end));
        }
        self.0 = left;
        filled
    }

    /// What is left of them.
    pub fn take(&mut self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_is_filled_from_either_end_and_in_its_middle() {
        let mut holes = Holes::default();
        assert_eq!((holes.leave(10, 20), holes.leave(30, 40)), (None, None));
        assert_eq!(holes.fill(0, 12), 2);
        assert_eq!(holes.fill(14, 16), 2);
        assert_eq!(holes.fill(14, 16), 0);
        assert_eq!(holes.fill(18, 35), 7);
        assert_eq!(holes.take(), [(12, 14), (16, 18), (35, 40)]);
        assert_eq!(holes.fill(0, 100), 0);
    }

    #[test]
    fn of_too_many_holes_the_first_is_given_up() {
        let mut holes = Holes::default();
        for at in 0..MOST as u64 {
            assert_eq!(holes.leave(at * 10, at * 10 + 5), None);
        }
        assert_eq!(holes.leave(1000, 1001), Some((0, 5)));
        assert_eq!(holes.take().len(), MOST);
    }
}

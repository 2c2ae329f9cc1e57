//! What one end has sent and the other has not acknowledged yet.

use smallvec::SmallVec;

use super::sequence::SequenceNumber;

/// Most segments remembered of one direction.
const MOST: usize = 2048;

/// So many acknowledged ones are taken out at once, for the others are moved.
const MOST_GONE: usize = 64;

/// A segment's first number, and the number after its last.
type Run = (SequenceNumber, SequenceNumber);

/// Segments in the order in which they were sent. In a dialogue it is one at a time, which is kept in place.
#[derive(Debug, Default)]
pub(super) struct Outstanding {
    runs: SmallVec<[Run; 2]>,
    /// Those of `runs` that have been acknowledged, from the first one on.
    gone: usize,
}

impl Outstanding {
    /// A segment was sent; where there are too many, it is not remembered.
    pub fn push(&mut self, first: SequenceNumber, next: SequenceNumber) {
        if self.runs.len().saturating_sub(self.gone) < MOST {
            self.runs.push((first, next));
        }
    }

    /// Everything before `number` was acknowledged.
    pub fn acknowledge(&mut self, number: SequenceNumber) {
        while let Some((first, next)) = self.runs.get_mut(self.gone) {
            if next.is_after(number) {
                if number.is_after(*first) {
                    *first = number;
                }
                break;
            }
            self.gone += 1;
        }
        if self.gone >= self.runs.len() {
            self.runs.clear();
            self.gone = 0;
        } else if self.gone >= MOST_GONE {
            self.runs.drain(..self.gone);
            self.gone = 0;
        }
    }

    /// Whether one segment holds all from `first` up to `end`; the last ones are looked at first.
    pub fn holds(&self, first: SequenceNumber, end: SequenceNumber) -> bool {
        let runs = self.runs.get(self.gone..).unwrap_or_default();
        runs.iter().rev().any(|(from, to)| !first.is_before(*from) && !end.is_after(*to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(outstanding: &Outstanding, first: u32, end: u32) -> bool {
        outstanding.holds(SequenceNumber(first), SequenceNumber(end))
    }

    #[test]
    fn what_is_acknowledged_is_forgotten_and_the_rest_is_kept() {
        let mut outstanding = Outstanding::default();
        for start in (0..20_000).step_by(100) {
            outstanding.push(SequenceNumber(start), SequenceNumber(start + 100));
            // Half a segment more than the one that is two segments back.
            outstanding.acknowledge(SequenceNumber(start.saturating_sub(150)));
            assert!(holds(&outstanding, start, start + 100) && !holds(&outstanding, start, start + 101));
            if start >= 200 {
                assert!(holds(&outstanding, start - 150, start - 100), "{start}");
                assert!(!holds(&outstanding, start - 151, start - 100), "{start}");
            }
            assert!(outstanding.runs.len() <= MOST_GONE + 3);
        }
        outstanding.acknowledge(SequenceNumber(20_000));
        assert!(outstanding.runs.is_empty() && !holds(&outstanding, 19_900, 20_000));
    }

    #[test]
    fn no_more_than_the_limit_is_remembered() {
        let mut outstanding = Outstanding::default();
        (0..MOST as u32 + 9)
            .for_each(|start| outstanding.push(SequenceNumber(start), SequenceNumber(start + 1)));
        assert_eq!(outstanding.runs.len(), MOST);
        assert!(holds(&outstanding, MOST as u32 - 1, MOST as u32));
        assert!(!holds(&outstanding, MOST as u32, MOST as u32 + 1));
    }
}

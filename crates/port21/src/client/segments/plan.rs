//! Which part of a file which session fetches, and how far each part is; kept in a file beside the unfinished one.

use std::ops::Range;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Shortest part in bytes: below, one more session costs more time than it saves.
pub const SHORTEST: u64 = 1 << 20;

/// Most parts that are read from a state file.
const MOST: usize = 1024;

/// The parts of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The whole file's size in bytes.
    pub size: u64,
    /// The time of its last change on the server.
    pub modified: Option<SystemTime>,
    /// One behind the other, from the file's beginning to its end.
    parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    from: u64,
    to: u64,
    /// Bytes that are on the disk, from its beginning.
    done: u64,
    /// A session is fetching it.
    #[serde(skip)]
    taken: bool,
}

impl Part {
    fn missing(&self) -> Range<u64> {
        self.from.saturating_add(self.done).min(self.to)..self.to
    }
}

/// How many parts a file of `size` bytes is worth, `wanted` at most.
pub fn how_many(size: u64, wanted: u16) -> u64 {
    u64::from(wanted).min(size / SHORTEST).max(1)
}

impl Plan {
    /// A file of which the first `done` bytes are here, in `count` parts of about the same length.
    pub fn new(size: u64, modified: Option<SystemTime>, done: u64, count: u64) -> Self {
        let done = done.min(size);
        let rest = size.saturating_sub(done);
        let border = |index: u64| {
            let share = u128::from(rest).saturating_mul(u128::from(index)) / u128::from(count.max(1));
            done.saturating_add(u64::try_from(share).unwrap_or(rest))
        };
        let part = |index: u64| Part {
            from: border(index),
            to: border(index.saturating_add(1)),
            done: 0,
            taken: false,
        };
        let mut parts: Vec<Part> = (0..count.max(1)).map(part).collect();
        if let Some(first) = parts.first_mut() {
            first.from = 0;
            first.done = done;
        }
        Self { size, modified, parts }
    }

    /// Reads what an earlier run has left; `None` if that is no plan.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let plan: Self = serde_json::from_slice(text).ok()?;
        let mut at = 0;
        for part in &plan.parts {
            if part.from != at || part.to < part.from || part.done > part.to.saturating_sub(part.from) {
                return None;
            }
            at = part.to;
        }
        (at == plan.size && plan.parts.len() <= MOST).then_some(plan)
    }

    /// As [`Plan::parse`] reads it.
    pub fn format(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Gives the next part that nobody fetches, by its number, and what is missing of it.
    pub fn take(&mut self) -> Option<(usize, Range<u64>)> {
        let mut parts = self.parts.iter_mut().enumerate();
        let (number, part) = parts.find(|(_, part)| !part.taken && !part.missing().is_empty())?;
        part.taken = true;
        Some((number, part.missing()))
    }

    /// Takes a part back that was not fetched to its end.
    pub fn give_back(&mut self, number: usize) {
        if let Some(part) = self.parts.get_mut(number) {
            part.taken = false;
        }
    }

    /// So many bytes more of a part are on the disk.
    pub fn wrote(&mut self, number: usize, bytes: u64) {
        if let Some(part) = self.parts.get_mut(number) {
            part.done = part.done.saturating_add(bytes);
        }
    }

    /// Bytes that are on the disk.
    pub fn done(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.done))
    }

    /// Parts that are not whole yet.
    pub fn open(&self) -> usize {
        self.parts.iter().filter(|part| !part.missing().is_empty()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_not_cut() {
        assert_eq!([0, SHORTEST, 2 * SHORTEST, 100 * SHORTEST].map(|size| how_many(size, 4)), [1, 1, 2, 4]);
    }

    #[test]
    fn parts_cover_the_file_and_what_is_there_is_not_fetched() {
        for (size, done, count) in
            [(10, 0, 3), (10, 4, 3), (10, 10, 2), (0, 0, 1), (7, 0, 1), (u64::MAX, 5, 7)]
        {
            let mut plan = Plan::new(size, None, done, count);
            assert_eq!(Plan::parse(&plan.format()), Some(plan.clone()), "{size} {done} {count}");
            let mut at = done;
            while let Some((number, range)) = plan.take() {
                assert_eq!(range.start, at);
                at = range.end;
                plan.wrote(number, range.end - range.start);
            }
            assert_eq!((at, plan.done(), plan.open()), (size, size, 0));
        }
    }

    #[test]
    fn part_that_failed_is_taken_again_where_it_ended() {
        let mut plan = Plan::new(100, None, 0, 2);
        let (first, _) = plan.take().unwrap();
        let (second, range) = plan.take().unwrap();
        assert_eq!(range, 50..100);
        assert_eq!(plan.take(), None);
        plan.wrote(second, 20);
        plan.give_back(second);
        assert_eq!(plan.take(), Some((second, 70..100)));
        plan.give_back(first);
        assert_eq!(Plan::parse(&plan.format()).unwrap().take(), Some((first, 0..50)));
    }

    #[test]
    fn state_that_is_no_plan_is_refused() {
        let plan = |parts: &str| {
            Plan::parse(format!(r#"{{"size":9,"modified":null,"parts":[{parts}]}}"#).as_bytes())
        };
        assert!(plan(r#"{"from":0,"to":9,"done":9}"#).is_some());
        for wrong in [
            "",
            r#"{"from":0,"to":8,"done":0}"#,
            r#"{"from":1,"to":9,"done":0}"#,
            r#"{"from":0,"to":9,"done":10}"#,
            r#"{"from":0,"to":5,"done":0},{"from":4,"to":9,"done":0}"#,
            r#"{"from":0,"to":-1,"done":0}"#,
        ] {
            assert!(plan(wrong).is_none(), "{wrong}");
        }
        assert!(Plan::parse(b"\xff").is_none());
    }
}

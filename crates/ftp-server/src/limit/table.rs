//! A map of a bounded size that forgets what was not asked for longest, in constant time.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// Two generations: what is asked for moves to the young one; when that is half of the bound, the old one is forgotten.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// Holds at most `most` entries.
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (most / 2).max(1) }
    }

    /// What is kept for `key`, without making it younger.
    pub(super) fn peek(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// What is kept for `key`, or what `make` gives.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        if !self.young.contains_key(&key) && self.young.len() >= self.half {
            self.old = mem::take(&mut self.young);
        }
        let known = self.old.remove(&key);
        self.young.entry(key).or_insert_with(|| known.unwrap_or_else(make))
    }

    /// Forgets `key`.
    pub(super) fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_bound_and_keeps_what_is_asked_for() {
        let mut table = Table::new(100);
        for number in 0..10_000 {
            table.entry(number, || number);
            table.entry(-1, || -1);
            assert!(table.len() <= 100);
        }
        assert_eq!(table.peek(&-1), Some(&-1));
        assert_eq!(table.peek(&9_999), Some(&9_999));
        assert_eq!(table.peek(&1), None);
    }

    #[test]
    fn what_was_old_is_the_same_when_it_is_young_again() {
        let mut table = Table::new(4);
        *table.entry(1, || 0) = 7;
        table.entry(2, || 0);
        table.entry(3, || 0);
        assert_eq!(*table.entry(1, || 0), 7);
        table.remove(&1);
        assert_eq!(table.peek(&1), None);
    }
}

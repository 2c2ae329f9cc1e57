//! The count of what is used and of what uploads under way will use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Quota, Usage, usage};
use crate::store::{Result, Store, StoreError, VirtualPath};

/// What is used of one root, by all sessions of all accounts that have it.
#[derive(Debug, Default)]
pub struct Tally {
    state: Mutex<State>,
    /// Held while files take names, lose them or change them: what an upload replaces is what it was when it was asked.
    naming: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    counted: bool,
    used: Usage,
    /// What uploads under way will use beyond what they replace; the sum of all [`Held::beyond`].
    pending: Usage,
    held: HashMap<u64, Held>,
    next: u64,
}

/// What is kept for an upload under way.
#[derive(Debug, Default)]
struct Held {
    reserved: Usage,
    /// The file that it will replace. Each file is credited to one upload, since it goes only once; and no other upload
    /// can use what will be free, since it is not free yet.
    replaces: Option<(VirtualPath, Usage)>,
    in_place: Option<InPlace>,
}

/// A file that grows under its name.
#[derive(Debug)]
struct InPlace {
    path: VirtualPath,
    /// Bytes of it that are counted as used.
    counted: u64,
    /// It was removed or replaced meanwhile: what is still written is nobody's.
    gone: bool,
}

/// What is kept for one upload, until this is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    tally: Arc<Tally>,
    number: u64,
}

impl Tally {
    /// Nothing is counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts what `store` holds, once. Looks at every directory, so the first time takes long.
    pub fn count(&self, store: &dyn Store) -> Result<()> {
        let _naming = self.naming();
        if self.state().counted {
            return Ok(());
        }
        let used = usage(store)?;
        let mut state = self.state();
        state.used = used;
        state.counted = true;
        Ok(())
    }

    /// What is used now, uploads under way not counted.
    pub fn used(&self) -> Usage {
        self.state().used
    }

    /// What is used or will be by uploads under way.
    pub(super) fn claimed(&self) -> Usage {
        let state = self.state();
        state.used.plus(state.pending)
    }

    /// `path` has gone, and what it held.
    pub(super) fn remove(&self, path: &VirtualPath, gone: Usage) {
        self.state().remove(path, gone);
    }

    /// What was at `from`, and beneath it, is at `to` now.
    pub(super) fn moved(&self, from: &VirtualPath, to: &VirtualPath) {
        let mut state = self.state();
        state.forget(from);
        for file in state.held.values_mut().filter_map(|held| held.in_place.as_mut()) {
            if file.path.is_within(from) {
                let rest = file.path.as_bytes().get(from.as_bytes().len()..).unwrap_or_default();
                let path = [to.as_bytes(), rest].concat();
                file.path = VirtualPath::root().join(&path).unwrap_or_else(|_| file.path.clone());
            }
        }
    }

    pub(super) fn naming(&self) -> MutexGuard<'_, ()> {
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(self: &Arc<Self>) -> Hold {
        let mut state = self.state();
        let number = state.next;
        state.next = number.wrapping_add(1);
        state.held.insert(number, Held::default());
        Hold { tally: Arc::clone(self), number }
    }

    #[cfg(test)]
    pub(super) fn uploads(&self) -> usize {
        self.state().held.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hold {
    /// Keeps `want` more, if `quota` grants it. It may count on the file of `replaced`, if no other upload does.
    pub(super) fn reserve(
        &self,
        quota: Quota,
        want: Usage,
        replaced: Option<(&VirtualPath, u64)>,
    ) -> Result<()> {
        let mut state = self.tally.state();
        let replaced = replaced.filter(|(path, _)| !state.is_credited(path));
        let Some(held) = state.held.get(&self.number) else { return Err(StoreError::Unsupported) };
        let before = held.beyond();
        let reserved = held.reserved.plus(want);
        let replaces = match replaced {
            Some((path, bytes)) => Some((path.clone(), Usage { bytes, files: 1 })),
            None => held.replaces.clone(),
        };
        let pending = state.pending.minus(before).plus(beyond(reserved, replaces.as_ref()));
        let sum = state.used.plus(pending);
        let exceeds =
            |want: u64, sum: u64, limit: Option<u64>| want > 0 && limit.is_some_and(|limit| sum > limit);
        if exceeds(want.bytes, sum.bytes, quota.bytes) || exceeds(want.files, sum.files, quota.files) {
            return Err(StoreError::QuotaExceeded);
        }
        state.pending = pending;
        if let Some(held) = state.held.get_mut(&self.number) {
            (held.reserved, held.replaces) = (reserved, replaces);
        }
        Ok(())
    }

    /// What was kept is no longer needed: `after` is at `path` now, in place of `before`.
    pub(super) fn settle(&self, path: &VirtualPath, before: Usage, after: Usage) {
        let mut state = self.tally.state();
        state.clear(self.number);
        state.remove(path, before);
        state.used = state.used.plus(after);
    }

    /// The same, and it grows from now on.
    pub(super) fn begin_in_place(&self, path: &VirtualPath, before: Usage, length: u64) {
        self.settle(path, before, Usage { bytes: length, files: 1 });
        if let Some(held) = self.tally.state().held.get_mut(&self.number) {
            held.in_place = Some(InPlace { path: path.clone(), counted: length, gone: false });
        }
    }

    /// A file that grows in place has this length now; what was kept for that is no longer needed.
    pub(super) fn grown(&self, length: u64) {
        let mut state = self.tally.state();
        state.clear(self.number);
        let Some(file) = state.held.get_mut(&self.number).and_then(|held| held.in_place.as_mut()) else {
            return;
        };
        if !file.gone {
            let counted = std::mem::replace(&mut file.counted, length);
            state.used.bytes = state.used.bytes.saturating_add(length).saturating_sub(counted);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.tally.state();
        state.clear(self.number);
        state.held.remove(&self.number);
    }
}

impl State {
    fn is_credited(&self, path: &VirtualPath) -> bool {
        self.held.values().any(|held| held.replaces.as_ref().is_some_and(|(credited, _)| credited == path))
    }

    fn clear(&mut self, number: u64) {
        if let Some(held) = self.held.get_mut(&number) {
            let before = held.beyond();
            (held.reserved, held.replaces) = (Usage::default(), None);
            self.pending = self.pending.minus(before);
        }
    }

    /// `path` has gone, and what it held; of a file that grows, what is counted of it.
    fn remove(&mut self, path: &VirtualPath, gone: Usage) {
        let mut gone = gone;
        for file in self.held.values_mut().filter_map(|held| held.in_place.as_mut()) {
            if file.path == *path && !file.gone {
                gone.bytes = file.counted;
                file.gone = true;
            }
        }
        self.used = self.used.minus(gone);
        self.forget(path);
    }

    /// What was at `path` or beneath it is no longer what an upload under way will replace.
    fn forget(&mut self, path: &VirtualPath) {
        for held in self.held.values_mut() {
            if held.replaces.as_ref().is_some_and(|(replaced, _)| replaced.is_within(path)) {
                let before = held.beyond();
                held.replaces = None;
                self.pending = self.pending.minus(before).plus(held.beyond());
            }
        }
    }
}

impl Held {
    /// What it will use beyond what it replaces.
    fn beyond(&self) -> Usage {
        beyond(self.reserved, self.replaces.as_ref())
    }
}

fn beyond(reserved: Usage, replaces: Option<&(VirtualPath, Usage)>) -> Usage {
    replaces.map_or(reserved, |(_, free)| reserved.minus(*free))
}

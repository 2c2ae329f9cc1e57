//! What is to be done in one folder: two listings in, actions out. Nothing here reads or writes.

use std::collections::{HashMap, HashSet};

use super::filter::Filter;
use super::item::{Item, Kind};
use super::state;
use crate::client::local::{SUFFIX, name_for};

/// When a file is transferred that is on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compare {
    /// When size or time differ.
    #[default]
    SizeAndTime,
    /// When the size differs.
    Size,
    /// When the source's is newer.
    Newer,
    /// When size or checksum differ.
    Content,
    /// Always.
    Nothing,
}

/// What decides over actions.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub compare: Compare,
    pub filter: Filter,
    /// What is only in the target is deleted.
    pub delete: bool,
    /// Times and modes are kept.
    pub times: bool,
    pub modes: bool,
    /// Bits that a new mode lacks.
    pub umask: u32,
    /// The target is here, so that each name must be one for a file here.
    pub names_here: bool,
    /// The target's names that differ in case only are the same file.
    pub folds_case: bool,
}

/// Why a file is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Missing,
    Size,
    Time,
    Newer,
    Asked,
    /// Whether it is, its checksum must tell.
    Content,
}

impl Reason {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Size => "size",
            Self::Time => "time",
            Self::Newer => "newer",
            Self::Asked => "asked",
            Self::Content => "content",
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Go into a folder, or make it first. `time`: it has not the time that it is to have.
    Enter { item: Item, is_there: bool, time: bool },
    /// Transfer a file. `partial` is the size of what an earlier run left of it.
    Transfer { item: Item, reason: Reason, partial: Option<u64> },
    /// The content is the same; time or mode are not.
    Adjust { item: Item, time: bool, mode: bool },
    /// What is no folder stands where this is to be: it is removed at once. The next action needs its place.
    Clear(Item),
    /// A file that takes the place of a folder, once that and all in it is deleted in the end. `partial` as above.
    Follow { item: Item, partial: Option<u64> },
    /// Only in the target: removed in the end.
    Delete(Item),
    /// Nothing.
    Keep,
    /// Cannot be mirrored, which is a failure.
    Refuse { name: Vec<u8>, reason: String },
    /// Is not mirrored, which is none; `reason` names all that is left out like it.
    Skip { name: Vec<u8>, reason: &'static str },
}

/// What is known of files from earlier runs: whether this one, at a path, was sent as it is now, though the times do not show it.
pub type Known<'a> = &'a dyn Fn(&[u8], &Item, &Item) -> bool;

/// Plans the folder at `place`, which is empty or ends with a slash.
pub fn plan(
    place: &[u8],
    mut source: Vec<Item>,
    target: Vec<Item>,
    rules: &Rules,
    known: Known<'_>,
) -> Vec<Action> {
    source.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let key = |name: &[u8]| match rules.folds_case {
        true => String::from_utf8_lossy(name).to_lowercase().into_bytes(),
        false => name.to_vec(),
    };
    let mut there: HashMap<Vec<u8>, Item> = target.into_iter().map(|item| (key(&item.name), item)).collect();
    let (mut taken, mut actions) = (HashSet::new(), Vec::new());
    // What stays in the target because of the source, whatever becomes of it.
    let mut awaited = HashSet::new();
    for item in source {
        let path = [place, &item.name].concat();
        if is_ours(&item.name) {
            continue;
        }
        if rules.filter.leaves_out(&path, item.kind == Kind::Folder) {
            continue;
        }
        if !taken.insert(key(&item.name)) {
            let reason = "its name is that of another one here, but for the case of letters, or stands twice in the listing";
            actions.push(Action::Refuse { name: item.name, reason: reason.into() });
            continue;
        }
        if item.name.ends_with(SUFFIX.as_bytes()) {
            actions
                .push(Action::Skip { name: item.name, reason: "names of unfinished files (NAME.partial)" });
            continue;
        }
        if let Some(reason) = no_name_here(&item.name).filter(|_| rules.names_here) {
            actions.push(Action::Refuse { name: item.name, reason });
            continue;
        }
        let old = there.remove(&key(&item.name));
        let partial_name = [&item.name, SUFFIX.as_bytes()].concat();
        let partial = there.get(&key(&partial_name)).filter(|partial| partial.kind == Kind::File);
        let partial = partial.and_then(|partial| partial.size);
        let from = actions.len();
        one(item, old, partial, &path, rules, known, &mut actions);
        if actions
            .get(from..)
            .unwrap_or_default()
            .iter()
            .any(|action| matches!(action, Action::Transfer { .. } | Action::Follow { .. }))
        {
            awaited.insert(key(&partial_name));
        }
    }
    if rules.delete {
        let mut doomed: Vec<Item> =
            there.into_iter().filter(|(key, _)| !awaited.contains(key)).map(|(_, item)| item).collect();
        doomed.retain(|item| {
            let path = [place, &item.name].concat();
            !is_ours(&item.name)
                && !taken.contains(&key(&item.name))
                && !rules.filter.leaves_out(&path, item.kind == Kind::Folder)
        });
        doomed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        actions.extend(doomed.into_iter().map(Action::Delete));
    }
    actions
}

/// Why a file of this name cannot be here, if it cannot.
fn no_name_here(name: &[u8]) -> Option<String> {
    if name.contains(&b'/') {
        return Some("it is no name for a file here: it holds a slash".to_owned());
    }
    name_for(name).err()
}

/// Files that this program writes for itself.
fn is_ours(name: &[u8]) -> bool {
    name.starts_with(state::PREFIX.as_bytes())
}

fn one(
    item: Item,
    old: Option<Item>,
    partial: Option<u64>,
    path: &[u8],
    rules: &Rules,
    known: Known<'_>,
    actions: &mut Vec<Action>,
) {
    match item.kind {
        Kind::Link => {
            return actions.push(Action::Skip {
                name: item.name,
                reason: "symbolic links (--follow-links mirrors what they lead to)",
            });
        }
        Kind::Other => {
            return actions.push(Action::Skip { name: item.name, reason: "what is neither file nor folder" });
        }
        Kind::File | Kind::Folder => {}
    }
    let is_other_kind = |old: &Item| old.kind != item.kind;
    let old = match old {
        Some(old) if is_other_kind(&old) => {
            if !rules.delete {
                let reason =
                    "something of another kind stands in its place; --delete removes that".to_owned();
                return actions.push(Action::Refuse { name: item.name, reason });
            }
            if old.kind == Kind::Folder {
                actions.push(Action::Delete(old));
                return actions.push(Action::Follow { item, partial });
            }
            actions.push(Action::Clear(old));
            None
        }
        old => old,
    };
    if item.kind == Kind::Folder {
        let time = old.as_ref().is_none_or(|old| differs_in_time(&item, old));
        return actions.push(Action::Enter { is_there: old.is_some(), time, item });
    }
    let Some(old) = old else {
        return actions.push(Action::Transfer { item, reason: Reason::Missing, partial });
    };
    if let Some(reason) = difference(&item, &old, path, rules, known) {
        return actions.push(Action::Transfer { item, reason, partial });
    }
    let (time, mode) = (rules.times && rules.compare != Compare::Newer, rules.modes);
    let time = time && differs_in_time(&item, &old) && !known(path, &item, &old);
    let mode = mode && item.mode.zip(old.mode).is_some_and(|(new, old)| new & !rules.umask != old);
    actions.push(if time || mode { Action::Adjust { item, time, mode } } else { Action::Keep });
}

/// Why a file that is on both sides is to be transferred; `None`: it is the same.
fn difference(new: &Item, old: &Item, path: &[u8], rules: &Rules, known: Known<'_>) -> Option<Reason> {
    let other_size = new.size.zip(old.size).is_some_and(|(new, old)| new != old);
    match rules.compare {
        Compare::Nothing => Some(Reason::Asked),
        Compare::Newer => {
            new.time.zip(old.time).is_none_or(|(new, old)| new.is_after(old)).then_some(Reason::Newer)
        }
        _ if other_size => Some(Reason::Size),
        Compare::Size => None,
        Compare::Content => Some(Reason::Content),
        Compare::SizeAndTime => (differs_in_time(new, old) && !known(path, new, old)).then_some(Reason::Time),
    }
}

/// Times that are not told differ from none.
fn differs_in_time(new: &Item, old: &Item) -> bool {
    new.time.zip(old.time).is_some_and(|(new, old)| !new.may_be(old))
}

#[cfg(test)]
mod tests;

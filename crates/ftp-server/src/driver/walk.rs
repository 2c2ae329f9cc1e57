//! A listing, piece by piece: takes a store's directory, gives lines.

use std::sync::Arc;
use std::time::SystemTime;

use crate::account::{Permissions, Right};
use crate::listing::{self, Pattern};
use crate::session::ListFormat;
use crate::store::{Entry, Kind, Metadata, Result, Store, StoreError, VirtualPath};

/// Entries of a directory that are put in order; a larger one is sent as the store gives it.
const MOST_SORTED: usize = 4096;

/// Bytes of lines after which a piece is large enough to be sent.
const PIECE: usize = 32 << 10;

/// Entries looked at for one piece, whether or not they match.
const LOOKED_AT: usize = 1024;

/// Levels of directories that `-R` goes down.
const DEEPEST: usize = 64;

/// Directories that may wait in a listing with `-R`.
const MOST_WAITING: usize = 10_000;

/// A listing under way.
pub(super) struct Walk {
    store: Arc<dyn Store>,
    permissions: Permissions,
    format: ListFormat,
    pattern: Option<Pattern>,
    now: SystemTime,
    root: VirtualPath,
    /// The directory that is read.
    place: VirtualPath,
    sorted: std::vec::IntoIter<Entry>,
    rest: Option<Box<dyn Iterator<Item = Result<Entry>> + Send>>,
    /// A file, listed alone.
    alone: Option<Entry>,
    /// Directories that are still to be read, the next one last.
    waiting: Vec<VirtualPath>,
    found: Vec<VirtualPath>,
}

impl Walk {
    /// Opens the directory, or looks at the file.
    pub(super) fn open(
        store: Arc<dyn Store>,
        permissions: Permissions,
        path: VirtualPath,
        pattern: Option<&[u8]>,
        format: ListFormat,
        now: SystemTime,
    ) -> Result<Self> {
        let metadata = store.metadata(&path)?;
        let mut walk = Self {
            store,
            permissions,
            format,
            pattern: pattern.map(Pattern::new),
            now,
            root: path.clone(),
            place: path,
            sorted: Vec::new().into_iter(),
            rest: None,
            alone: None,
            waiting: Vec::new(),
            found: Vec::new(),
        };
        if metadata.kind == Kind::Directory {
            walk.enter()?;
        } else if matches!(walk.format, ListFormat::Facts(_)) {
            return Err(StoreError::NotADirectory);
        } else {
            walk.alone = Some(walk.entry(metadata));
        }
        Ok(walk)
    }

    /// Appends the next lines; `false` if there are none left.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        if let Some(entry) = self.alone.take() {
            match &self.format {
                ListFormat::Names { prefix, .. } if !prefix.is_empty() => {
                    listing::write_file_name(out, prefix)
                }
                _ => self.write(out, &entry),
            }
            return Ok(true);
        }
        for _ in 0..LOOKED_AT {
            if out.len() >= PIECE {
                break;
            }
            match self.next_entry()? {
                Some(entry) => self.take(out, &entry)?,
                None if self.descend(out)? => {}
                None => return Ok(!out.is_empty()),
            }
        }
        Ok(true)
    }

    fn entry(&self, metadata: Metadata) -> Entry {
        Entry { name: self.place.name().unwrap_or(b"/").to_vec(), metadata }
    }

    /// Begins to read the directory `place`.
    fn enter(&mut self) -> Result<()> {
        let mut entries = self.store.list(&self.place)?;
        let mut sorted = entries.by_ref().take(MOST_SORTED).collect::<Result<Vec<Entry>>>()?;
        if sorted.len() < MOST_SORTED {
            sorted.sort_by(|one, other| one.name.cmp(&other.name));
            self.rest = None;
        } else {
            self.rest = Some(entries);
        }
        self.sorted = sorted.into_iter();
        Ok(())
    }

    fn next_entry(&mut self) -> Result<Option<Entry>> {
        match self.sorted.next() {
            Some(entry) => Ok(Some(entry)),
            None => self.rest.as_mut().and_then(Iterator::next).transpose(),
        }
    }

    fn take(&mut self, out: &mut Vec<u8>, entry: &Entry) -> Result<()> {
        let (all, recursive) = match self.format {
            ListFormat::Long { all, recursive } => (all, recursive),
            ListFormat::Names { all, .. } => (all, false),
            ListFormat::Facts(_) => (true, false),
        };
        let asked_for = match &self.pattern {
            Some(pattern) => pattern.matches(&entry.name),
            None => all || !entry.name.starts_with(b"."),
        };
        if !asked_for || !listing::is_listable(&entry.name) {
            return Ok(());
        }
        self.write(out, entry);
        if recursive && entry.metadata.kind == Kind::Directory {
            self.remember(entry)?;
        }
        Ok(())
    }

    fn remember(&mut self, entry: &Entry) -> Result<()> {
        let Ok(path) = self.place.join(&entry.name) else { return Ok(()) };
        let depth = path.components().count().saturating_sub(self.root.components().count());
        if depth > DEEPEST || self.waiting.len().saturating_add(self.found.len()) >= MOST_WAITING {
            return Err(StoreError::Io(std::io::Error::other("the listing goes too deep or too wide")));
        }
        if self.permissions.allow(&path, Right::LIST) {
            self.found.push(path);
        }
        Ok(())
    }

    /// Goes on with the next directory of `-R`; `false` if there is none.
    fn descend(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        self.waiting.extend(self.found.drain(..).rev());
        let Some(next) = self.waiting.pop() else { return Ok(false) };
        let beneath = next.as_bytes().get(self.root.as_bytes().len()..).unwrap_or_default();
        out.extend_from_slice(b"\r\n./");
        out.extend_from_slice(beneath.strip_prefix(b"/").unwrap_or(beneath));
        out.extend_from_slice(b":\r\n");
        self.place = next;
        match self.enter() {
            // Gone or closed since it was listed: its heading stands alone, as with `ls`.
            Err(StoreError::NotFound | StoreError::NotPermitted | StoreError::NotADirectory) => {
                (self.sorted, self.rest) = (Vec::new().into_iter(), None);
                Ok(true)
            }
            result => result.map(|()| true),
        }
    }

    fn write(&self, out: &mut Vec<u8>, entry: &Entry) {
        match &self.format {
            ListFormat::Long { .. } => listing::write_long(out, entry, self.now),
            ListFormat::Names { prefix, .. } => listing::write_name(out, prefix, entry),
            ListFormat::Facts(facts) => {
                if let Ok(path) = self.place.join(&entry.name) {
                    listing::write_machine(out, facts, entry, &path, &self.permissions);
                }
            }
        }
    }
}

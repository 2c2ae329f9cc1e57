//! The second pass: takes the bytes of the wanted streams and writes each to its file, none of them kept in memory.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use port21_analysis::digest::Hashing;
use port21_analysis::report::Side;
use port21_analysis::tcp::{Chunk, Connection, End, Gap, Interest, Sink};
use port21_capture::Timestamp;

use super::partial::Partial;
use super::plan::Item;
use crate::escape;

/// Most files open at the same time; the one that waited longest is closed for another.
const OPEN_FILES: usize = 64;

/// Writes the files of a plan as their bytes come.
pub struct Writer<'a> {
    folder: &'a Path,
    items: &'a mut [Item],
    hashing: Hashing,
    /// Items by stream; several where sessions share a data connection.
    wanted: HashMap<u64, Vec<usize>>,
    writing: HashMap<usize, Writing>,
    /// Counts writes, to know which file waited longest.
    turn: u64,
    open: usize,
    /// Folders of sessions that were made.
    made: HashSet<PathBuf>,
    /// Files that could not be written: a sentence each.
    pub failures: Vec<String>,
}

struct Writing {
    partial: Partial,
    last_turn: u64,
}

impl<'a> Writer<'a> {
    /// Will write `items` below `folder`.
    pub fn new(folder: &'a Path, items: &'a mut [Item], hashing: Hashing) -> Writer<'a> {
        let mut wanted: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            wanted.entry(item.file.stream).or_default().push(index);
        }
        Writer {
            folder,
            items,
            hashing,
            wanted,
            writing: HashMap::new(),
            turn: 0,
            open: 0,
            made: HashSet::new(),
            failures: Vec::new(),
        }
    }

    /// Does `write` to every file that takes what `from` sent over `stream`.
    fn each(&mut self, stream: u64, from: End, write: impl Fn(&mut Partial) -> io::Result<()>) -> Interest {
        let Some(indices) = self.wanted.remove(&stream) else { return Interest::CountOnly };
        let mut wanted = Vec::with_capacity(indices.len());
        for index in indices {
            match self.one(index, from, &write) {
                Ok(()) => wanted.push(index),
                Err(error) => self.fail(index, &error),
            }
        }
        self.wanted.insert(stream, wanted);
        Interest::Keep
    }

    fn one(
        &mut self,
        index: usize,
        from: End,
        write: impl Fn(&mut Partial) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.items.get(index).is_none_or(|item| end(item.sender) != from) {
            return Ok(());
        }
        self.make_room(index)?;
        self.turn += 1;
        let turn = self.turn;
        let writing = self.writing(index)?;
        writing.last_turn = turn;
        let was_open = writing.partial.is_open();
        let result = write(&mut writing.partial);
        let is_open = writing.partial.is_open();
        self.open = self.open.saturating_add(usize::from(is_open && !was_open));
        result
    }

    fn writing(&mut self, index: usize) -> io::Result<&mut Writing> {
        use std::collections::hash_map::Entry;
        let target = self.target(index);
        match self.writing.entry(index) {
            Entry::Occupied(occupied) => Ok(occupied.into_mut()),
            Entry::Vacant(vacant) => {
                make_folders(self.folder, &target, &mut self.made)?;
                let partial = Partial::create(&target, &self.hashing)?;
                self.open = self.open.saturating_add(1);
                Ok(vacant.insert(Writing { partial, last_turn: self.turn }))
            }
        }
    }

    /// Closes the file that waited longest, if there are too many for one more.
    fn make_room(&mut self, index: usize) -> io::Result<()> {
        let is_open = |writing: &Writing| writing.partial.is_open();
        if self.open < OPEN_FILES || self.writing.get(&index).is_some_and(is_open) {
            return Ok(());
        }
        let open = self.writing.values_mut().filter(|writing| is_open(writing));
        if let Some(longest) = open.min_by_key(|writing| writing.last_turn) {
            longest.partial.close()?;
            self.open = self.open.saturating_sub(1);
        }
        Ok(())
    }

    /// Ends the files of a connection; those without a byte are made now.
    fn end(&mut self, stream: u64) {
        for index in self.wanted.remove(&stream).unwrap_or_default() {
            if let Err(error) = self.finish(index) {
                self.fail(index, &error);
            }
        }
    }

    fn finish(&mut self, index: usize) -> io::Result<()> {
        self.make_room(index)?;
        self.writing(index)?;
        let Some(Writing { partial, .. }) = self.writing.remove(&index) else { return Ok(()) };
        self.open = self.open.saturating_sub(usize::from(partial.is_open()));
        let written = partial.finish(&self.target(index))?;
        let Some(item) = self.items.get_mut(index) else { return Ok(()) };
        item.file.bytes = written.length;
        item.file.missing = written.missing;
        item.file.sha256 = written.sha256;
        item.file.partial = false;
        if item.file.bytes != item.length {
            return Err(io::Error::other(
                "its bytes are not those of the first pass: did the capture change?",
            ));
        }
        Ok(())
    }

    fn fail(&mut self, index: usize, error: &io::Error) {
        if let Some(writing) = self.writing.remove(&index) {
            self.open = self.open.saturating_sub(usize::from(writing.partial.is_open()));
        }
        if let Some(item) = self.items.get_mut(index) {
            item.file.complete = false;
            item.file.incomplete_because = Some(format!("it could not be written: {error}"));
            let name = escape::terminal(&item.file.written);
            self.failures.push(format!("{name} could not be written: {error}"));
        }
    }

    /// Ends before the captures have ended: what is not whole keeps the name that says so, and what was written of it.
    pub fn stop(&mut self) {
        for (index, item) in self.items.iter_mut().enumerate().filter(|(_, item)| item.file.partial) {
            item.file.complete = false;
            item.file.incomplete_because.get_or_insert("a signal ended port21 before it was written".into());
            item.file.sha256 = None;
            (item.file.bytes, item.file.missing) = (0, Vec::new());
            match self.writing.remove(&index).map(|writing| writing.partial.stop()) {
                Some(Ok(written)) => {
                    (item.file.bytes, item.file.missing) = (written.length, written.missing);
                }
                Some(Err(error)) => {
                    item.file.incomplete_because = Some(format!("it could not be written: {error}"));
                }
                None => {}
            }
        }
    }

    fn target(&self, index: usize) -> PathBuf {
        let written = self.items.get(index).map_or("", |item| item.file.written.as_str());
        written.split('/').fold(self.folder.to_path_buf(), |path, name| path.join(name))
    }
}

impl Sink for Writer<'_> {
    fn opened(&mut self, _: &Connection) {}

    fn packet(&mut self, _: &Connection, _: u64, _: Timestamp, _: End, _: u32) {}

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        self.each(connection.stream, from, |partial| partial.write(chunk.bytes))
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        self.each(connection.stream, from, |partial| partial.skip(gap.length));
    }

    fn acknowledged(&mut self, _: &Connection, _: End, _: u64, _: u64) {}

    fn finished(&mut self, _: &Connection, _: End, _: u64) {}

    fn ended(&mut self, connection: Connection) {
        self.end(connection.stream);
    }
}

/// Makes the folders between `folder` and `target`. That of the session must be new: then nothing of what is below it, a
/// symbolic link least of all, was put there by someone else before.
fn make_folders(folder: &Path, target: &Path, made: &mut HashSet<PathBuf>) -> io::Result<()> {
    let Some(session) = target.strip_prefix(folder).ok().and_then(|below| below.iter().next()) else {
        return Ok(());
    };
    let session = folder.join(session);
    if !made.contains(&session) {
        fs::create_dir(&session)?;
        made.insert(session);
    }
    target.parent().map_or(Ok(()), fs::create_dir_all)
}

fn end(side: Side) -> End {
    match side {
        Side::Initiator => End::Initiator,
        Side::Responder => End::Responder,
    }
}

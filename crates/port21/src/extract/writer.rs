//! The second pass: takes the bytes of the wanted streams and writes each to its file, none of them kept in memory.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use port21_analysis::digest::Hashing;
use port21_analysis::report::Side;
use port21_analysis::tcp::{Chunk, Connection, End, Gap, Interest, Sink};
use port21_capture::Timestamp;

use super::partial::Partial;
use super::plan::Item;
use crate::escape;

/// Memory that the buffers of all files may take, in bytes; then everything is written out.
const BUFFERS: usize = 16 << 20;

/// Writes the files of a plan as their bytes come.
pub struct Writer<'a> {
    folder: &'a Path,
    items: &'a mut [Item],
    hashing: Hashing,
    /// Items by stream; several where sessions share a data connection.
    wanted: HashMap<u64, Vec<usize>>,
    writing: HashMap<usize, Partial>,
    /// Memory that their buffers take.
    buffered: usize,
    /// Folders that were made.
    made: HashSet<PathBuf>,
    /// Files that could not be written: a sentence each.
    pub failures: Vec<String>,
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
            buffered: 0,
            made: HashSet::new(),
            failures: Vec::new(),
        }
    }

    /// Does `write` to every file that takes what `from` sent over `stream`.
    fn each(&mut self, stream: u64, from: End, write: impl Fn(&mut Partial) -> io::Result<()>) -> Interest {
        let wanted = self.wanted.get_mut(&stream).map(mem::take);
        let Some(mut indices) = wanted else { return Interest::CountOnly };
        indices.retain(|index| {
            let result = self.one(*index, from, &write);
            result.inspect_err(|error| self.fail(*index, error)).is_ok()
        });
        self.wanted.insert(stream, indices);
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
        let partial = self.writing(index)?;
        let before = partial.buffered();
        let result = write(partial);
        let after = partial.buffered();
        self.buffered = self.buffered.saturating_sub(before).saturating_add(after);
        if self.buffered > BUFFERS {
            self.writing.values_mut().for_each(Partial::give_way);
            self.buffered = 0;
        }
        result
    }

    fn writing(&mut self, index: usize) -> io::Result<&mut Partial> {
        let Writer { folder, items, hashing, writing, made, .. } = self;
        match writing.entry(index) {
            Entry::Occupied(occupied) => Ok(occupied.into_mut()),
            Entry::Vacant(vacant) => {
                let target = target(folder, items, index);
                make_folders(folder, &target, made)?;
                Ok(vacant.insert(Partial::new(&target, hashing)))
            }
        }
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
        self.writing(index)?;
        let Some(partial) = self.writing.remove(&index) else { return Ok(()) };
        self.buffered = self.buffered.saturating_sub(partial.buffered());
        let written = partial.finish(&target(self.folder, self.items, index))?;
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
        if let Some(partial) = self.writing.remove(&index) {
            self.buffered = self.buffered.saturating_sub(partial.buffered());
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
            match self.writing.remove(&index).map(Partial::stop) {
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

/// Where an item is written.
fn target(folder: &Path, items: &[Item], index: usize) -> PathBuf {
    let written = items.get(index).map_or("", |item| item.file.written.as_str());
    written.split('/').fold(folder.to_path_buf(), |path, name| path.join(name))
}

/// Makes the folders between `folder` and `target`. That of the session must be new: then nothing of what is below it, a
/// symbolic link least of all, was put there by someone else before.
fn make_folders(folder: &Path, target: &Path, made: &mut HashSet<PathBuf>) -> io::Result<()> {
    let Some(session) = target.strip_prefix(folder).ok().and_then(|below| below.iter().next()) else {
        return Ok(());
    };
    let Some(parent) = target.parent().filter(|parent| !made.contains(*parent)) else { return Ok(()) };
    let session = folder.join(session);
    if !made.contains(&session) {
        fs::create_dir(&session)?;
        made.insert(session);
    }
    if !made.contains(parent) {
        fs::create_dir_all(parent)?;
        made.insert(parent.to_path_buf());
    }
    Ok(())
}

fn end(side: Side) -> End {
    match side {
        Side::Initiator => End::Initiator,
        Side::Responder => End::Responder,
    }
}

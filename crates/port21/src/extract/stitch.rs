//! Puts the parts of one file together: downloads and uploads that REST or APPE continued.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use port21_analysis::report::{Missing, Type};
use sha2::{Digest as _, Sha256};

use super::manifest::{Overlap, Part, Stitched};
use super::partial::{hexadecimal, partial_path, rename};
use super::plan::{Chain, Item};

/// Bytes read at a time.
const BLOCK: usize = 64 << 10;

/// Longest whole: offsets come from REST and SIZE, which anyone can send.
const MAXIMUM_LENGTH: u64 = 16 << 40;

/// Longest file that is read again to be hashed, holes included.
const MAXIMUM_HASHED: u64 = 64 << 30;

/// Writes the whole of `chain` below `folder` from its parts, which are written there already.
pub fn stitch(folder: &Path, chain: &Chain, items: &[Item], hash: bool) -> io::Result<Option<Stitched>> {
    let parts: Vec<(&Item, u64)> = chain
        .items
        .iter()
        .filter_map(|index| items.get(*index))
        .filter(|item| !item.file.partial)
        .filter_map(|item| Some((item, item.file.offset?)))
        .filter(|(item, offset)| offset.saturating_add(item.file.bytes) <= MAXIMUM_LENGTH)
        .collect();
    let Some((first, _)) = parts.first() else { return Ok(None) };
    let target = join(folder, &chain.written);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(partial_path(&target))?;
    let mut whole = Whole { file, held: Ranges::default(), length: 0, overlaps: Vec::new() };
    for (item, offset) in &parts {
        whole.add(&join(folder, &item.file.written), *offset, &item.file.missing, item.file.bytes)?;
    }
    let Whole { mut file, held, length, overlaps } = whole;
    file.set_len(length)?;
    let sha256 = if hash && length <= MAXIMUM_HASHED { Some(sha256(&mut file)?) } else { None };
    drop(file);
    rename(&partial_path(&target), &target)?;
    let missing = held.missing(length);
    let agree = overlaps.iter().all(|overlap| overlap.agree);
    let ends_well = parts.last().is_some_and(|(item, _)| item.file.complete);
    let in_ascii = parts.iter().any(|(item, _)| item.file.origin.representation == Type::Ascii);
    Ok(Some(Stitched {
        path: first.file.origin.path.clone().unwrap_or_default(),
        path_bytes: first.file.origin.path_bytes.clone(),
        written: chain.written.clone(),
        bytes: length,
        sha256,
        complete: missing.is_empty() && agree && ends_well,
        missing,
        parts: parts.iter().map(|(item, offset)| part(item, *offset)).collect(),
        overlaps,
        note: in_ascii.then(|| {
            "sent in ASCII type, where servers count restart offsets in different ways: compare the overlaps".into()
        }),
    }))
}

fn part(item: &Item, offset: u64) -> Part {
    Part {
        session: item.file.origin.session,
        transfer: item.file.origin.transfer,
        written: item.file.written.clone(),
        offset,
        bytes: item.file.bytes,
    }
}

struct Whole {
    file: File,
    held: Ranges,
    length: u64,
    overlaps: Vec<Overlap>,
}

impl Whole {
    /// Adds what a part holds, its holes left out.
    fn add(&mut self, path: &Path, offset: u64, holes: &[Missing], length: u64) -> io::Result<()> {
        let mut part = File::open(path)?;
        let mut position = 0;
        let end = Missing { offset: length, length: 0 };
        for hole in holes.iter().chain([&end]) {
            part.seek(SeekFrom::Start(position))?;
            let run = hole.offset.saturating_sub(position);
            self.copy(&mut part, offset.saturating_add(position), run)?;
            position = hole.offset.saturating_add(hole.length);
        }
        self.length = self.length.max(offset.saturating_add(length));
        Ok(())
    }

    fn copy(&mut self, part: &mut File, offset: u64, length: u64) -> io::Result<()> {
        for (start, end) in self.held.within(offset, offset.saturating_add(length)) {
            self.overlaps.push(Overlap {
                offset: start,
                length: end - start,
                agree: true,
                first_difference: None,
            });
        }
        let mut block = vec![0; BLOCK];
        let mut position = offset;
        let end = offset.saturating_add(length);
        while position < end {
            let run = (end - position).min(BLOCK as u64) as usize;
            let Some(bytes) = block.get_mut(..run) else { break };
            part.read_exact(bytes)?;
            self.compare(position, bytes)?;
            self.file.seek(SeekFrom::Start(position))?;
            self.file.write_all(bytes)?;
            position += run as u64;
        }
        self.held.insert(offset, end);
        Ok(())
    }

    /// Compares with what earlier parts put here, before it is written over.
    fn compare(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        for (start, end) in self.held.within(position, position.saturating_add(bytes.len() as u64)) {
            let mut earlier = vec![0; (end - start) as usize];
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut earlier)?;
            let now = bytes.iter().skip((start - position) as usize);
            let Some(at) = earlier.iter().zip(now).position(|(earlier, now)| earlier != now) else {
                continue;
            };
            let difference = start.saturating_add(at as u64);
            let inside = |overlap: &&mut Overlap| {
                (overlap.offset..overlap.offset + overlap.length).contains(&difference)
            };
            if let Some(overlap) = self.overlaps.iter_mut().rev().find(inside) {
                overlap.agree = false;
                overlap.first_difference.get_or_insert(difference);
            }
        }
        Ok(())
    }
}

/// Ranges of offsets, apart from each other and in order.
#[derive(Debug, Default)]
struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let (mut start, mut end) = (start, end);
        self.0.retain(|(from, to)| {
            let touches = *from <= end && start <= *to;
            if touches {
                start = start.min(*from);
                end = end.max(*to);
            }
            !touches
        });
        let place = self.0.partition_point(|(from, _)| *from < start);
        self.0.insert(place, (start, end));
    }

    /// What of `start..end` is held.
    fn within(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let cut = self.0.iter().map(|(from, to)| ((*from).max(start), (*to).min(end)));
        cut.filter(|(from, to)| from < to).collect()
    }

    /// What of `0..length` is not held.
    fn missing(&self, length: u64) -> Vec<Missing> {
        let mut missing = Vec::new();
        let mut position = 0;
        for (from, to) in self.0.iter().copied().chain([(length, length)]) {
            if from > position {
                missing.push(Missing { offset: position, length: from - position });
            }
            position = to;
        }
        missing
    }
}

fn sha256(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK];
    file.rewind()?;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            read => hash.update(block.get(..read).unwrap_or_default()),
        }
    }
}

fn join(folder: &Path, written: &str) -> std::path::PathBuf {
    written.split('/').fold(folder.to_path_buf(), |path, name| path.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ranges = Ranges::default();
        for (start, end) in [(10, 20), (30, 40), (20, 30), (50, 60), (55, 55), (0, 5)] {
            ranges.insert(start, end);
        }
        assert_eq!(ranges.0, [(0, 5), (10, 40), (50, 60)]);
        assert_eq!(ranges.within(3, 55), [(3, 5), (10, 40), (50, 55)]);
        let missing = [(5, 5), (40, 10), (60, 10)].map(|(offset, length)| Missing { offset, length });
        assert_eq!(ranges.missing(70), missing);
    }

    /// Stitches parts of (offset, bytes) and gives the whole with its overlaps.
    fn whole(parts: &[(u64, &[u8], &[Missing])]) -> (Vec<u8>, Vec<Overlap>, Vec<Missing>) {
        let folder = tempfile::tempdir().unwrap();
        let file = tempfile::tempfile().unwrap();
        let mut whole = Whole { file, held: Ranges::default(), length: 0, overlaps: Vec::new() };
        for (offset, bytes, holes) in parts {
            let path = folder.path().join("part");
            fs::write(&path, bytes).unwrap();
            whole.add(&path, *offset, holes, bytes.len() as u64).unwrap();
        }
        let mut bytes = Vec::new();
        whole.file.set_len(whole.length).unwrap();
        whole.file.rewind().unwrap();
        whole.file.read_to_end(&mut bytes).unwrap();
        (bytes, whole.overlaps, whole.held.missing(whole.length))
    }

    #[test]
    fn resumed_download_is_put_together() {
        let (bytes, overlaps, missing) = whole(&[(0, b"hello ", &[]), (6, b"world", &[])]);
        assert_eq!((bytes.as_slice(), overlaps.len(), missing.len()), (&b"hello world"[..], 0, 0));
    }

    #[test]
    fn overlap_that_agrees_is_said_to() {
        let (bytes, overlaps, _) = whole(&[(0, b"hello wo", &[]), (6, b"world", &[])]);
        assert_eq!(bytes, b"hello world");
        assert_eq!(overlaps, [Overlap { offset: 6, length: 2, agree: true, first_difference: None }]);
    }

    #[test]
    fn overlap_that_differs_names_the_first_difference_and_the_later_part_counts() {
        let (bytes, overlaps, _) = whole(&[(0, b"hello wx", &[]), (6, b"world", &[])]);
        assert_eq!(bytes, b"hello world");
        assert_eq!(overlaps, [Overlap { offset: 6, length: 2, agree: false, first_difference: Some(7) }]);
    }

    #[test]
    fn holes_of_a_later_part_do_not_cover_what_is_known() {
        let hole = [Missing { offset: 0, length: 2 }];
        let (bytes, overlaps, missing) = whole(&[(0, b"abcd", &[]), (2, b"\0\0ef", &hole)]);
        assert_eq!((bytes.as_slice(), overlaps.len(), missing.len()), (&b"abcdef"[..], 0, 0));
    }

    #[test]
    fn what_no_part_holds_is_missing() {
        let (bytes, _, missing) = whole(&[(0, b"ab", &[]), (4, b"ef", &[])]);
        assert_eq!(bytes, b"ab\0\0ef");
        assert_eq!(missing, [Missing { offset: 2, length: 2 }]);
    }
}

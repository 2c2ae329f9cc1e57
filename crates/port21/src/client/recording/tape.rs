//! Where the blocks of a capture are kept: in a file, or the latest of them in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use port21_capture::write::beginning;

use crate::escape;
use crate::outcome::Failure;
use crate::output::complain;
use crate::serve::open_secret;

/// Most bytes of a recording in memory; beyond, the oldest packets are dropped.
const MOST_KEPT: usize = 8 << 20;

/// A capture that is being written.
#[derive(Debug)]
pub struct Tape {
    comment: &'static str,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
enum Kept {
    Memory {
        blocks: VecDeque<Vec<u8>>,
        /// Bytes in all blocks.
        length: usize,
    },
    File {
        path: PathBuf,
        /// `None` after an error: blocks behind half a block could not be read.
        file: Option<File>,
    },
}

impl Tape {
    /// An empty one, in a new file if one is named.
    pub fn new(comment: &'static str, path: Option<&Path>) -> anyhow::Result<Arc<Self>> {
        let kept = match path {
            None => Kept::Memory { blocks: VecDeque::new(), length: 0 },
            Some(path) => {
                let shown = escape::terminal(&path.to_string_lossy());
                let opened = open_secret(path).and_then(|mut file| {
                    file.write_all(&beginning(comment))?;
                    Ok(file)
                });
                let file = opened
                    .map_err(|error| Failure::Arguments(format!("{shown} cannot be written: {error}")))?;
                Kept::File { path: path.to_owned(), file: Some(file) }
            }
        };
        Ok(Arc::new(Self { comment, kept: Mutex::new(kept) }))
    }

    /// Adds whole blocks.
    pub fn add(&self, added: Vec<u8>) {
        match &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            Kept::Memory { blocks, length } => {
                *length = length.saturating_add(added.len());
                blocks.push_back(added);
                while *length > MOST_KEPT {
                    let Some(oldest) = blocks.pop_front() else { break };
                    *length = length.saturating_sub(oldest.len());
                }
            }
            Kept::File { path, file } => {
                if let Some(writer) = file
                    && let Err(error) = writer.write_all(&added)
                {
                    let shown = escape::terminal(&path.to_string_lossy());
                    complain(&format!("{shown} cannot be written any further: {error}"));
                    *file = None;
                }
            }
        }
    }

    /// The capture so far.
    pub fn read(&self) -> io::Result<Box<dyn Read + Send>> {
        match &*self.kept.lock().unwrap_or_else(PoisonError::into_inner) {
            Kept::Memory { blocks, .. } => {
                let mut file = beginning(self.comment);
                file.extend(blocks.iter().flatten());
                Ok(Box::new(Cursor::new(file)))
            }
            Kept::File { path, .. } => Ok(Box::new(File::open(path)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_keeps_the_latest_blocks_and_no_more_than_its_limit() {
        let tape = Tape::new("", None).unwrap();
        for number in 0..20_u8 {
            tape.add(vec![number; 1 << 20]);
        }
        let mut bytes = Vec::new();
        tape.read().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), beginning("").len() + MOST_KEPT);
        assert_eq!((bytes.last(), bytes[beginning("").len()]), (Some(&19), 12));
    }
}

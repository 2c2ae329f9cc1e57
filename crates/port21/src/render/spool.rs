//! Lines that wait in a temporary file until what is still missing of them is known.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

use anyhow::Context;

/// A temporary file of lines, each with a number to know it by. It has no name and vanishes with the program.
pub struct Spool {
    file: BufWriter<File>,
}

impl Spool {
    /// An empty one.
    pub fn new() -> anyhow::Result<Spool> {
        let file = tempfile::tempfile().context("a temporary file for the logs cannot be made")?;
        Ok(Spool { file: BufWriter::new(file) })
    }

    /// Adds a line; no cell may hold a tab or a line end.
    pub fn push(&mut self, key: u64, cells: &[String]) -> anyhow::Result<()> {
        writeln!(self.file, "{key}\t{}", cells.join("\t"))
            .context("a temporary file for the logs cannot be written")
    }

    /// Gives every line to `take`, in the order of [`Spool::push`].
    pub fn read(self, mut take: impl FnMut(u64, Vec<String>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let failed = "a temporary file for the logs cannot be read back";
        let mut file = self.file.into_inner().map_err(|error| error.into_error()).context(failed)?;
        file.rewind().context(failed)?;
        for line in BufReader::new(file).lines() {
            let line = line.context(failed)?;
            let mut cells = line.split('\t');
            let key = cells.next().and_then(|key| key.parse().ok()).unwrap_or(0);
            take(key, cells.map(str::to_owned).collect())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_in_order() {
        let mut spool = Spool::new().unwrap();
        spool.push(7, &["a".into(), String::new(), "c".into()]).unwrap();
        spool.push(1, &["d".into()]).unwrap();
        let mut lines = Vec::new();
        spool
            .read(|key, cells| {
                lines.push((key, cells));
                Ok(())
            })
            .unwrap();
        assert_eq!(lines, [(7, vec!["a".into(), String::new(), "c".into()]), (1, vec!["d".to_owned()])]);
    }
}

//! Where output goes: standard output or a file, with or without colour; and how the program talks.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::arguments::ColorChoice;
use crate::escape;
use crate::outcome::Failure;

/// A buffered place for data. Flush it with [`Output::finish`]: dropping it hides errors.
pub struct Output {
    writer: BufWriter<Box<dyn Write>>,
    name: String,
    color: bool,
}

impl Output {
    /// Standard output.
    pub fn standard(color: ColorChoice) -> Output {
        let stdout = io::stdout();
        let color = color.resolve(stdout.is_terminal());
        Output { writer: BufWriter::new(Box::new(stdout.lock())), name: "standard output".into(), color }
    }

    /// A new file, or an old one that is replaced.
    pub fn file(path: &Path, color: ColorChoice) -> anyhow::Result<Output> {
        let name = escape::terminal(&path.to_string_lossy());
        let file = File::create(path).with_context(|| format!("{name} cannot be written"))?;
        Ok(Output { writer: BufWriter::new(Box::new(file)), name, color: color.resolve(false) })
    }

    /// The file at `path`, or standard output where there is none.
    pub fn open(path: Option<&Path>, color: ColorChoice) -> anyhow::Result<Output> {
        match path {
            Some(path) => Output::file(path, color),
            None => Ok(Output::standard(color)),
        }
    }

    /// Whether to write colours.
    pub fn color(&self) -> bool {
        self.color
    }

    /// Writes what is still buffered.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let name = std::mem::take(&mut self.name);
        self.writer.flush().with_context(|| format!("{name} cannot be written"))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Says something on standard error. Nobody listening is not worth an error of its own.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "port21: {text}");
}

/// Refuses to write over a file that is being read: captures are evidence.
pub fn refuse_overwriting(inputs: &[PathBuf], output: &Path) -> anyhow::Result<()> {
    let Ok(wanted) = fs::metadata(output) else { return Ok(()) };
    match inputs.iter().find(|input| is_same_file(input, output, &wanted)) {
        None => Ok(()),
        Some(input) => Err(Failure::Arguments(format!(
            "{} is an input and would be overwritten; name another file after -o",
            escape::terminal(&input.to_string_lossy())
        ))
        .into()),
    }
}

#[cfg(unix)]
fn is_same_file(input: &Path, _output: &Path, wanted: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(input).is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()))
}

#[cfg(not(unix))]
fn is_same_file(input: &Path, output: &Path, _wanted: &fs::Metadata) -> bool {
    match (fs::canonicalize(input), fs::canonicalize(output)) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    }
}

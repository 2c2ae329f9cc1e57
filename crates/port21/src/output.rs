//! Where output goes: standard output or a file, with or without colour; and how the program talks.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::arguments::ColorChoice;
use crate::escape;
use crate::input::progress;
use crate::outcome::Failure;

/// How much is written at a time, in bytes.
const BUFFER: usize = 64 * 1024;

/// A buffered place for data. Flush it with [`Output::finish`]: dropping it hides errors.
pub struct Output {
    target: Target,
    name: String,
    color: bool,
    /// Whether it goes to a terminal on which a progress bar may be.
    shares_terminal: bool,
}

enum Target {
    /// A file that is made, or replaced, when there is something to write: an input that cannot be read costs nobody the
    /// report of yesterday.
    Later(PathBuf),
    Open(BufWriter<Box<dyn Write>>),
}

impl Output {
    /// Standard output.
    pub fn standard(color: ColorChoice) -> Output {
        let stdout = io::stdout();
        let shares_terminal = stdout.is_terminal();
        let color = color.resolve(shares_terminal);
        let target = open(Box::new(stdout.lock()));
        Output { target, name: "standard output".into(), color, shares_terminal }
    }

    /// A new file, or an old one that is replaced.
    pub fn file(path: &Path, color: ColorChoice) -> anyhow::Result<Output> {
        let mut output = Output::open(Some(path), color);
        output.begin()?;
        Ok(output)
    }

    /// The file at `path`, to be made later, or standard output where there is none.
    pub fn open(path: Option<&Path>, color: ColorChoice) -> Output {
        let Some(path) = path else { return Output::standard(color) };
        let name = escape::terminal(&path.to_string_lossy());
        let (target, color) = (Target::Later(path.to_owned()), color.resolve(false));
        Output { target, name, color, shares_terminal: false }
    }

    /// Makes the file, if that was not done yet.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        self.writer().map(|_| ()).with_context(|| format!("{} cannot be written", self.name))
    }

    /// Whether to write colours.
    pub fn color(&self) -> bool {
        self.color
    }

    /// Columns of the terminal that it goes to.
    pub fn columns(&self) -> Option<usize> {
        self.shares_terminal
            .then(terminal_size::terminal_size)
            .flatten()
            .map(|(width, _)| usize::from(width.0))
    }

    /// Writes what is still buffered.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let flushed = self.writer().and_then(Write::flush);
        flushed.with_context(|| format!("{} cannot be written", self.name))
    }

    fn writer(&mut self) -> io::Result<&mut BufWriter<Box<dyn Write>>> {
        if let Target::Later(path) = &self.target {
            self.target = open(Box::new(File::create(path)?));
        }
        match &mut self.target {
            Target::Open(writer) => Ok(writer),
            Target::Later(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn open(writer: Box<dyn Write>) -> Target {
    Target::Open(BufWriter::with_capacity(BUFFER, writer))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.shares_terminal) {
            progress::make_room();
        }
        self.writer()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Open(writer) => writer.flush(),
            Target::Later(_) => Ok(()),
        }
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

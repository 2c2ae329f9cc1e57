//! Reads captures packet by packet, shows how far it is, and says what was wrong with them.

mod about;
mod pool;
pub mod progress;
mod receiver;
mod sessions;
mod source;

use std::fs::File;
use std::io::{self, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use port21_analysis::analysis::{Analysis, Conclusion, Options, Tally};
use port21_analysis::digest::Hashing;
use port21_analysis::report::{self, Count, Finding, Totals};
use port21_capture::decode;
use port21_capture::{Ahead, Capture, Captures, Decoded, Decoder, OpenError, Packet};

use crate::escape;
use crate::interrupt;
use crate::outcome::Failure;
use crate::output;
pub use pool::Pool;
use progress::Progress;
pub use receiver::{Prepare, Receiver, as_it_is};
use sessions::Sessions;
use source::Source;

/// How long an input must have given nothing before sessions whose connections are closed are told without waiting for late
/// retransmissions.
const QUIET: Duration = Duration::from_secs(2);

/// What one pass over the inputs found out about them.
#[derive(Debug, Default)]
pub struct Reading {
    /// The inputs that could be read.
    pub captures: Vec<report::Capture>,
    /// Whether an input could not be read at all.
    pub unreadable: bool,
    /// IP fragments of which nothing came.
    pub fragments: Vec<Count>,
    /// Whether a signal has ended reading before the input ended.
    pub stopped: bool,
}

/// What reading comes to next.
#[derive(Debug)]
pub enum Step<'a> {
    /// The decoded headers of a packet.
    Packet(&'a Decoded<'a>),
    /// The input has nothing more at present.
    Pause,
    /// It has had nothing for a while.
    Quiet,
}

/// What the analysis says when all packets were read, besides what its [`Receiver`] got.
#[derive(Debug)]
pub struct Examined {
    /// The inputs.
    pub reading: Reading,
    /// Sums over everything.
    pub totals: Totals,
    /// Findings that belong to no session.
    pub findings: Vec<Finding>,
}

/// What the analysis is asked to do, and with how many threads.
#[derive(Debug)]
pub struct Effort {
    /// What to do.
    pub options: Options,
    /// Threads, the one that reads among them; at least 1. Nothing in the output depends on it.
    pub threads: usize,
}

impl Effort {
    /// The same without hashes.
    pub fn without_hash(&self) -> Effort {
        let options = Options { hash: Hashing::Off, ..self.options.clone() };
        Effort { options, threads: self.threads }
    }

    /// The same without what no finding needs: hashes, entries of listings.
    pub fn of_findings(&self) -> Effort {
        let options = Options { hash: Hashing::Off, entries: false, ..self.options.clone() };
        Effort { options, threads: self.threads }
    }

    /// The threads beside the one that reads, if there are any.
    pub fn pool(&self) -> Option<Pool> {
        Pool::start(self.threads.saturating_sub(1))
    }

    /// Whether to hash, and if so on the threads of `pool`.
    pub fn hashing(&self, pool: Option<&Pool>) -> Hashing {
        match (&self.options.hash, pool) {
            (Hashing::Now, Some(pool)) => Hashing::later(pool.executor()),
            (hashing, _) => hashing.clone(),
        }
    }
}

/// Inputs that can be read once, or as often as needed.
#[derive(Debug)]
pub struct Inputs<'a> {
    paths: &'a [PathBuf],
    /// What standard input held, if it must be read again.
    held: Option<File>,
    /// Whether a pass has told already what is wrong with the inputs.
    told: bool,
    /// Whether the file still grows: then only a signal ends reading, and that is its ordinary end.
    followed: bool,
    /// What bounds the putting together of IP fragments.
    fragments: decode::Limits,
}

impl<'a> Inputs<'a> {
    /// Inputs for one pass.
    pub fn once(paths: &'a [PathBuf]) -> Inputs<'a> {
        Inputs { paths, held: None, told: false, followed: false, fragments: decode::Limits::default() }
    }

    /// The same, with other limits for IP fragments.
    pub fn bounded(self, fragments: decode::Limits) -> Inputs<'a> {
        Inputs { fragments, ..self }
    }

    /// One input that still grows, for one pass that a signal ends.
    pub fn followed(paths: &'a [PathBuf]) -> anyhow::Result<Inputs<'a>> {
        match paths.len() {
            1 => Ok(Inputs { followed: true, ..Inputs::once(paths) }),
            _ => Err(Failure::Arguments(
                "--follow reads one capture; name only the one that still grows".into(),
            )
            .into()),
        }
    }

    /// Inputs for several passes: standard input is copied to a temporary file, which has no name and is gone when the
    /// program ends.
    pub fn repeatable(paths: &'a [PathBuf]) -> anyhow::Result<Inputs<'a>> {
        let mut held = None;
        if paths.iter().any(|path| is_standard_input(path)) {
            let cannot = "standard input cannot be copied to a temporary file";
            let mut file = tempfile::tempfile().context(cannot)?;
            io::copy(&mut Source::standard_input().context(cannot)?, &mut file).context(cannot)?;
            interrupt::check()?;
            held = Some(file);
        }
        Ok(Inputs { held, ..Inputs::once(paths) })
    }

    /// One pass over the decoded headers of every packet, to the end of the input or until a signal asks to end. Files are read and
    /// decoded ahead on the threads of `pool`.
    pub fn read(
        &mut self,
        pool: Option<&Pool>,
        mut take: impl FnMut(Step<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Reading> {
        let Opened { captures, errors, source } = self.open_any()?;
        let decoder = Decoder::with_limits(self.fragments);
        let end = match pool {
            // Only what has a length is never waited for.
            Some(pool) if captures.progress().total.is_some() => {
                read_ahead(pool, captures, decoder, |decoded| take(Step::Packet(decoded)))?
            }
            _ => {
                let mut silence = Silence::new();
                read_in_turn(captures, decoder, source, |event| match event {
                    Event::Packet(_, decoded) => take(Step::Packet(decoded)).map(ControlFlow::Continue),
                    Event::Silence(packets) => {
                        silence.step(packets).map_or(Ok(()), &mut take).map(ControlFlow::Continue)
                    }
                })?
            }
        };
        Ok(self.conclude(end, errors))
    }

    /// One pass over every packet, with its decoded headers, no further than `take` wants to.
    pub fn read_until(
        &mut self,
        mut take: impl FnMut(&Packet<'_>, &Decoded<'_>) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<Reading> {
        let Opened { captures, errors, source } = self.open_any()?;
        let decoder = Decoder::with_limits(self.fragments);
        let end = read_in_turn(captures, decoder, source, |event| match event {
            Event::Packet(packet, decoded) => take(packet, decoded),
            Event::Silence(_) => Ok(ControlFlow::Continue(())),
        })?;
        Ok(self.conclude(end, errors))
    }

    fn conclude(&mut self, end: End, mut errors: Vec<OpenError>) -> Reading {
        let End { mut captures, decoder, stopped } = end;
        errors.extend(captures.take_errors());
        let infos = captures.infos();
        if !std::mem::replace(&mut self.told, true) {
            about::tell(&infos, &errors);
        }
        let mut reading = Reading {
            captures: infos.iter().map(about::report).collect(),
            unreadable: !errors.is_empty(),
            fragments: about::fragments(decoder.dropped()),
            stopped,
        };
        if stopped && !self.followed {
            about::note_stop(&mut reading.captures, captures.packets());
        }
        reading
    }

    /// One pass through the analysis.
    pub fn examine<R: Receiver>(&mut self, effort: Effort, receiver: &mut R) -> anyhow::Result<Examined> {
        let pool = effort.pool();
        let options = Options { hash: effort.hashing(pool.as_ref()), ..effort.options };
        let mut sessions = Sessions::new(receiver.preparation(), pool.as_ref(), Tally::new(&options.limits));
        let mut analysis = match &pool {
            Some(pool) => Analysis::spread(options, pool.executor()),
            None => Analysis::new(options),
        };
        let mut begun = false;
        let reading = self.read(pool.as_ref(), |step| {
            match step {
                Step::Packet(decoded) => {
                    if !std::mem::replace(&mut begun, true) {
                        receiver.begin(decoded.time)?;
                    }
                    receiver.packet(decoded)?;
                    analysis.packet(decoded);
                    let news = analysis.has_news();
                    return if news { sessions.take(analysis.take_news(), receiver) } else { Ok(()) };
                }
                Step::Pause => analysis.settle()?,
                Step::Quiet => analysis.pause(),
            }
            sessions.take(analysis.take_news(), receiver)?;
            sessions.flush(receiver)?;
            receiver.pause()
        })?;
        analysis.settle()?;
        analysis.end();
        sessions.take(analysis.take_news(), receiver)?;
        sessions.flush(receiver)?;
        let Conclusion { mut totals, findings } = analysis.conclude(sessions.into_tally());
        totals.dropped.extend(reading.fragments.iter().cloned());
        Ok(Examined { reading, totals, findings })
    }

    /// Opens the inputs, of which at least one must be readable.
    fn open_any(&mut self) -> anyhow::Result<Opened> {
        let opened = self.open()?;
        if opened.captures.is_empty() {
            return Err(nothing_to_read(&opened.errors));
        }
        Ok(opened)
    }

    fn open(&mut self) -> anyhow::Result<Opened> {
        if let ([path], None) = (self.paths, &self.held) {
            let name = path.display().to_string();
            match Source::open(path, self.followed) {
                Ok(None) => {}
                Ok(Some(source)) => return self.open_source(name, source),
                Err(error) => return Ok(Opened::failed(OpenError::from_io(name, error))),
            }
        }
        if !self.paths.iter().any(|path| is_standard_input(path)) {
            let (captures, errors) = Captures::open(self.paths);
            return Ok(Opened { captures, errors, source: None });
        }
        let (mut opened, mut errors) = (Vec::new(), Vec::new());
        for path in self.paths {
            let capture = match (is_standard_input(path), &mut self.held) {
                (false, _) => Capture::open(path),
                (true, None) => Capture::from_reader("-".into(), Box::new(Source::standard_input()?)),
                (true, Some(held)) => {
                    held.rewind().context("the copy of standard input cannot be read")?;
                    let copy = held.try_clone().context("the copy of standard input cannot be read")?;
                    Capture::from_reader("-".into(), Box::new(copy))
                }
            };
            match capture {
                Ok(capture) => opened.push(capture),
                Err(error) => errors.push(error),
            }
        }
        Ok(Opened { captures: Captures::from_captures(opened), errors, source: None })
    }

    /// Opens the only input, which may pause once its header was read.
    fn open_source(&self, name: String, source: Source) -> anyhow::Result<Opened> {
        let capture = match Capture::from_reader(name, Box::new(source.clone())) {
            Ok(capture) => capture,
            Err(error) => return Ok(Opened::failed(error)),
        };
        match (capture.is_compressed(), self.followed) {
            (true, true) => return Err(cannot_follow_compressed(&capture.info().name).into()),
            (true, false) => {}
            (false, _) => source.pause_instead_of_waiting(),
        }
        let (captures, errors) = (Captures::from_captures([capture]), Vec::new());
        Ok(Opened { captures, errors, source: Some(source) })
    }
}

/// Inputs that are open.
struct Opened {
    captures: Captures,
    errors: Vec<OpenError>,
    /// What to wait for when reading pauses.
    source: Option<Source>,
}

impl Opened {
    fn failed(error: OpenError) -> Opened {
        Opened { captures: Captures::default(), errors: vec![error], source: None }
    }
}

/// What is left when reading has ended.
struct End {
    captures: Captures,
    decoder: Decoder,
    /// By a signal.
    stopped: bool,
}

/// Reads and decodes on another thread, a batch ahead.
fn read_ahead(
    pool: &Pool,
    captures: Captures,
    decoder: Decoder,
    mut take: impl FnMut(&Decoded<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<End> {
    let mut progress = Progress::new(captures.progress().total);
    let mut ahead = Ahead::start(pool.executor(), captures, decoder);
    let (mut done, mut stopped) = (None, false);
    while let Some(batch) = ahead.next(done)? {
        for decoded in batch.packets() {
            take(&decoded)?;
            progress.packet(decoded.packet, || batch.read());
        }
        if interrupt::signal().is_some() {
            stopped = true;
            ahead.stop();
        }
        done = Some(batch);
    }
    progress.finish();
    let (captures, decoder) = ahead.into_parts().context("reading was given up")?;
    Ok(End { captures, decoder, stopped })
}

/// What reading in turn comes to next.
enum Event<'a> {
    Packet(&'a Packet<'a>, &'a Decoded<'a>),
    /// Nothing more at present, after so many packets.
    Silence(u64),
}

/// Reads and decodes packet by packet. Waits for `source` where the inputs pause.
fn read_in_turn(
    mut captures: Captures,
    mut decoder: Decoder,
    source: Option<Source>,
    mut take: impl FnMut(Event<'_>) -> anyhow::Result<ControlFlow<()>>,
) -> anyhow::Result<End> {
    let mut progress = Progress::new(captures.progress().total);
    let stopped = loop {
        if interrupt::signal().is_some() {
            break true;
        }
        if let Some(packet) = captures.next_packet() {
            let number = packet.number;
            if take(Event::Packet(&packet, &decoder.decode(&packet)))?.is_break() {
                break false;
            }
            progress.packet(number, || captures.progress().read);
        } else if captures.is_paused() {
            if take(Event::Silence(captures.packets()))?.is_break() {
                break false;
            }
            source.iter().for_each(Source::wait);
        } else {
            break false;
        }
    };
    progress.finish();
    Ok(End { captures, decoder, stopped })
}

/// How long the input has given no packet.
struct Silence {
    packets: u64,
    since: Option<Instant>,
    long: bool,
}

impl Silence {
    fn new() -> Silence {
        Silence { packets: 0, since: None, long: false }
    }

    /// The input has given `packets` so far and has nothing more at present: what that means, if anything new.
    fn step<'a>(&mut self, packets: u64) -> Option<Step<'a>> {
        match self.since {
            Some(since) if packets == self.packets => {
                let quiet = !self.long && since.elapsed() >= QUIET;
                self.long |= quiet;
                quiet.then_some(Step::Quiet)
            }
            _ => {
                *self = Silence { packets, since: Some(Instant::now()), long: false };
                Some(Step::Pause)
            }
        }
    }
}

fn cannot_follow_compressed(name: &str) -> Failure {
    Failure::Arguments(format!(
        "{} is compressed, and what is missing of a compressed file cannot be waited for; follow the capture itself, or \
         leave --follow out",
        escape::terminal(name)
    ))
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Tells all errors but the last, which is the reason why the command ends.
fn nothing_to_read(errors: &[OpenError]) -> anyhow::Error {
    let mut sentences = errors.iter().map(|error| escape::terminal(&error.to_string()));
    let last = sentences.next_back().unwrap_or_else(|| "there is nothing to read".into());
    sentences.for_each(|sentence| output::complain(&sentence));
    Failure::Input(last).into()
}

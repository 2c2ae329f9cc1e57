//! Reads captures packet by packet, shows how far it is, and says what was wrong with them.

mod about;
mod progress;

use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use anyhow::Context;
use port21_analysis::analysis::{Analysis, DnsTransaction, Options};
use port21_analysis::report::{self, Connection, Count, Finding, Session, Totals};
use port21_capture::{Capture, Captures, Decoded, Decoder, OpenError, Packet, Timestamp};

use crate::escape;
use crate::outcome::Failure;
use crate::output;
use progress::Progress;

/// What one pass over the inputs found out about them.
#[derive(Debug, Default)]
pub struct Reading {
    /// The inputs that could be read.
    pub captures: Vec<report::Capture>,
    /// Whether an input could not be read at all.
    pub unreadable: bool,
    /// IP fragments of which nothing came.
    pub fragments: Vec<Count>,
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

/// Takes what the analysis finds as soon as it is known, so that nothing needs to be kept that is written at once.
pub trait Receiver {
    /// The first packet has been read; `first` is its time.
    fn begin(&mut self, first: Timestamp) -> anyhow::Result<()> {
        let _ = first;
        Ok(())
    }

    /// A session has ended. Sessions come in the order in which they end.
    fn session(&mut self, session: Session) -> anyhow::Result<()>;

    /// A TCP connection has ended; only with [`Options::record_connections`].
    fn connection(&mut self, connection: Connection) -> anyhow::Result<()> {
        let _ = connection;
        Ok(())
    }

    /// A DNS transaction has ended; only with [`Options::record_dns`].
    fn dns(&mut self, transaction: DnsTransaction) -> anyhow::Result<()> {
        let _ = transaction;
        Ok(())
    }
}

/// Reads the inputs to their end, analyses them, and gives every session to `receiver` as it ends.
pub fn examine(
    captures: &[PathBuf],
    options: Options,
    receiver: &mut dyn Receiver,
) -> anyhow::Result<Examined> {
    Inputs::once(captures).examine(options, receiver)
}

/// Inputs that can be read once, or as often as needed.
#[derive(Debug)]
pub struct Inputs<'a> {
    paths: &'a [PathBuf],
    /// What standard input held, if it must be read again.
    held: Option<File>,
    /// Whether a pass has told already what is wrong with the inputs.
    told: bool,
}

impl<'a> Inputs<'a> {
    /// Inputs for one pass.
    pub fn once(paths: &'a [PathBuf]) -> Inputs<'a> {
        Inputs { paths, held: None, told: false }
    }

    /// Inputs for several passes: standard input is copied to a temporary file, which has no name and is gone when the
    /// program ends.
    pub fn repeatable(paths: &'a [PathBuf]) -> anyhow::Result<Inputs<'a>> {
        let mut held = None;
        if paths.iter().any(|path| is_standard_input(path)) {
            let cannot = "standard input cannot be copied to a temporary file";
            let mut file = tempfile::tempfile().context(cannot)?;
            io::copy(&mut io::stdin().lock(), &mut file).context(cannot)?;
            held = Some(file);
        }
        Ok(Inputs { paths, held, told: false })
    }

    /// One pass over every packet, with its decoded headers.
    pub fn read(
        &mut self,
        mut take: impl FnMut(&Packet<'_>, &Decoded<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Reading> {
        let (mut captures, mut errors) = self.open()?;
        if captures.is_empty() {
            return Err(nothing_to_read(&errors));
        }
        let mut decoder = Decoder::default();
        let mut progress = Progress::new(captures.progress().total);
        while let Some(packet) = captures.next_packet() {
            let number = packet.number;
            take(&packet, &decoder.decode(&packet))?;
            progress.packet(number, || captures.progress().read);
        }
        progress.finish();
        errors.extend(captures.take_errors());
        let infos = captures.infos();
        if !std::mem::replace(&mut self.told, true) {
            about::tell(&infos, &errors);
        }
        Ok(Reading {
            captures: infos.iter().map(about::report).collect(),
            unreadable: !errors.is_empty(),
            fragments: about::fragments(decoder.dropped()),
        })
    }

    /// One pass through the analysis.
    pub fn examine(&mut self, options: Options, receiver: &mut dyn Receiver) -> anyhow::Result<Examined> {
        let mut analysis = Analysis::new(options);
        let mut begun = false;
        let reading = self.read(|_, decoded| {
            if !std::mem::replace(&mut begun, true) {
                receiver.begin(decoded.time)?;
            }
            analysis.packet(decoded);
            hand_over(&mut analysis, receiver)
        })?;
        let mut finished = analysis.finish();
        finished.totals.dropped.extend(reading.fragments.iter().cloned());
        for session in finished.sessions {
            receiver.session(session)?;
        }
        hand_over(&mut analysis, receiver)?;
        Ok(Examined { reading, totals: finished.totals, findings: finished.findings })
    }

    fn open(&mut self) -> anyhow::Result<(Captures, Vec<OpenError>)> {
        if !self.paths.iter().any(|path| is_standard_input(path)) {
            return Ok(Captures::open(self.paths));
        }
        let (mut opened, mut errors) = (Vec::new(), Vec::new());
        for path in self.paths {
            let capture = match (is_standard_input(path), &mut self.held) {
                (false, _) => Capture::open(path),
                (true, None) => Capture::from_reader("-".into(), Box::new(io::stdin())),
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
        Ok((Captures::from_captures(opened), errors))
    }
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

fn hand_over(analysis: &mut Analysis, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
    for session in analysis.take_sessions() {
        receiver.session(session)?;
    }
    for connection in analysis.take_connections() {
        receiver.connection(connection)?;
    }
    for transaction in analysis.take_dns() {
        receiver.dns(transaction)?;
    }
    Ok(())
}

//! `port21 shell`: the client's commands one after the other, at one place, from a terminal, a file or a pipe.
//!
//! ```text
//! editor (history, completion) ─┐
//! file, -c, standard input ─────┴▶ words ─▶ command ─▶ perform ─▶ ls, get, put, … as on the command line
//! ```
//!
//! Every command names files by their whole path, so that a session which the server has ended is replaced without anybody's noticing.

mod command;
mod complete;
mod editor;
mod mirror;
mod perform;
mod place;
pub mod words;

use std::cell::RefCell;
use std::fs::File;
use std::future::Future;
use std::io::{self, IsTerminal, Read, stdin};
use std::rc::Rc;

use ftp_client::session::Representation;
use ftp_client::url::FtpUrl;
use tokio::runtime::Runtime;

use super::sessions::Sessions;
use super::unless;
use crate::arguments::client::{ConnectionArguments, ShellArguments};
use crate::escape;
use crate::interrupt;
use crate::outcome::{Failure, Outcome, Told};
use crate::output::complain;
use command::{PlaceCommand, ShellCommand};
use place::Place;
use words::Line;

/// Most bytes of a batch.
const LONGEST_BATCH: u64 = 16 << 20;

/// A shell at its place.
pub struct Shell<'a> {
    runtime: Rc<Runtime>,
    connection: &'a ConnectionArguments,
    sessions: Sessions<'a>,
    place: Option<Place>,
    /// Where `open` did not lead, perhaps since a password was wrong: `user` tries again there.
    tried: Option<FtpUrl>,
    representation: Option<Representation>,
    /// Somebody types.
    interactive: bool,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    Quit,
}

/// Runs the shell.
pub fn run(arguments: &ShellArguments) -> anyhow::Result<Outcome> {
    let batch = batch(arguments)?;
    let shell = Rc::new(RefCell::new(Shell {
        runtime: Rc::new(tokio::runtime::Builder::new_current_thread().enable_all().build()?),
        connection: &arguments.connection,
        sessions: Sessions::new(&arguments.connection),
        place: None,
        tried: None,
        representation: None,
        interactive: batch.is_none(),
    }));
    let outcome = match batch {
        Some(_) => carry_out(&shell, arguments, batch),
        None => interrupt::interactive(|| carry_out(&shell, arguments, None)),
    };
    if let Some(shell) = Rc::into_inner(shell) {
        shell.into_inner().end();
    }
    outcome
}

fn carry_out<'a>(
    shell: &Rc<RefCell<Shell<'a>>>,
    arguments: &'a ShellArguments,
    batch: Option<String>,
) -> anyhow::Result<Outcome> {
    if let Some(url) = &arguments.url {
        let mut shell = shell.borrow_mut();
        let opened = shell.unless(ended, |shell| Box::pin(perform::open(shell, url.clone())));
        shell.go_on(opened.map(|()| Outcome::Complete))?;
    }
    match batch {
        Some(text) => shell.borrow_mut().batch(&text),
        None => editor::run(shell),
    }
}

/// The commands, unless somebody is to type them.
fn batch(arguments: &ShellArguments) -> anyhow::Result<Option<String>> {
    match (&arguments.commands, &arguments.file) {
        (Some(commands), _) => Ok(Some(commands.clone())),
        (None, Some(path)) if path.as_os_str() != "-" => {
            let shown = escape::terminal(&path.to_string_lossy());
            read(File::open(path), &shown).map(Some)
        }
        (None, None) if stdin().is_terminal() => Ok(None),
        _ => read(Ok(stdin().lock()), "standard input").map(Some),
    }
}

/// The whole of a batch. One that is too long is not carried out in part.
fn read(source: io::Result<impl Read>, shown: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let length =
        source.and_then(|source| source.take(LONGEST_BATCH.saturating_add(1)).read_to_string(&mut text));
    let length = length.map_err(|error| Failure::Arguments(format!("{shown} cannot be read: {error}")))?;
    if length as u64 > LONGEST_BATCH {
        let most = LONGEST_BATCH >> 20;
        return Err(Failure::Arguments(format!(
            "{shown} is longer than {most} MiB, the most that a batch has"
        ))
        .into());
    }
    Ok(text)
}

/// Fails once somebody wants what is under way to end.
fn ended(interactive: bool) -> anyhow::Result<()> {
    if interactive && interrupt::take_interactive() {
        anyhow::bail!("interrupted");
    }
    interrupt::check()
}

impl<'a> Shell<'a> {
    /// Carries out a batch, up to its end or the first command that fails: what follows may rely on it.
    fn batch(&mut self, text: &str) -> anyhow::Result<Outcome> {
        let lines = words::parse(text).map_err(|wrong| Failure::Arguments(wrong.to_string()))?;
        for line in &lines {
            let (next, outcome) = self.perform(line)?;
            if outcome != Outcome::Complete || next == Next::Quit {
                return Ok(outcome);
            }
        }
        Ok(Outcome::Complete)
    }

    /// Carries out one line that was typed. What goes wrong is told, and is no reason to end.
    fn typed(&mut self, text: &str) -> anyhow::Result<Next> {
        let lines = match words::parse(text) {
            Ok(lines) => lines,
            Err(wrong) => {
                complain(&wrong.to_string());
                return Ok(Next::Command);
            }
        };
        for line in &lines {
            match self.perform(line) {
                Ok((Next::Quit, _)) => return Ok(Next::Quit),
                Ok((Next::Command, Outcome::Complete)) => {}
                // The commands behind it on the line may rely on it.
                Ok((Next::Command, _)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Next::Command)
    }

    fn perform(&mut self, line: &Line) -> anyhow::Result<(Next, Outcome)> {
        // A signal may have come while a child ran.
        interrupt::check()?;
        let words = match line {
            Line::System(command) => return Ok((Next::Command, perform::system(command))),
            Line::Words(words) => words,
        };
        let command = match command::parse(words) {
            Ok(command) => command,
            Err(error) => {
                let is_help = !error.use_stderr();
                match command::unknown(&error) {
                    Some(text) => complain(&text),
                    None => drop(error.print()),
                }
                let outcome = if is_help { Outcome::Complete } else { Outcome::Incomplete };
                if !is_help && !self.interactive {
                    return Err(Told::told(Failure::Arguments("a command is wrong".to_owned()).into()));
                }
                return Ok((Next::Command, outcome));
            }
        };
        if matches!(command, ShellCommand::Quit) {
            return Ok((Next::Quit, Outcome::Complete));
        }
        // A mirror ends by itself, and tells what it has done by then.
        let ends_itself = matches!(command, ShellCommand::AtPlace(PlaceCommand::Mirror(_)));
        let ended = move |interactive| if ends_itself { Ok(()) } else { ended(interactive) };
        let outcome = self.unless(ended, |shell| Box::pin(perform::perform(shell, command)));
        Ok((Next::Command, self.go_on(outcome)?))
    }

    /// Whoever types is told what went wrong; a batch ends with it.
    fn go_on(&mut self, outcome: anyhow::Result<Outcome>) -> anyhow::Result<Outcome> {
        if self.interactive && outcome.is_err() {
            // Whoever asks for a password hears of Ctrl-C first.
            interrupt::take_interactive();
        }
        let outcome = match outcome {
            Err(error) if self.interactive && interrupt::signal().is_none() => {
                complain(&format!("{error:#}"));
                Outcome::Incomplete
            }
            Err(error) => {
                return Err(error);
            }
            Ok(outcome) => outcome,
        };
        if self.interactive && outcome != Outcome::Complete && self.connection.explain {
            super::recording::explain(&self.connection.recording);
        }
        Ok(outcome)
    }

    /// Does something until it is done, or until `ended` fails, as at Ctrl-C: then what is under way is given up, and the shell goes on if
    /// somebody types.
    fn unless<T>(
        &mut self,
        ended: impl Fn(bool) -> anyhow::Result<()>,
        work: impl for<'b> FnOnce(
            &'b mut Shell<'a>,
        ) -> std::pin::Pin<Box<dyn Future<Output = anyhow::Result<T>> + 'b>>,
    ) -> anyhow::Result<T> {
        let runtime = Rc::clone(&self.runtime);
        let interactive = self.interactive;
        runtime.block_on(unless(|| ended(interactive), work(self)))
    }

    /// Ends the session, and tells what was odd.
    fn end(self) {
        let Self { runtime, sessions, .. } = self;
        runtime.block_on(sessions.end());
        // A name that is still being looked up must not hold the program.
        if let Some(runtime) = Rc::into_inner(runtime) {
            runtime.shutdown_background();
        }
    }
}

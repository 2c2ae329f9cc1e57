//! The FTP client: `ls`, `cat`, `get`, `put`, `mirror`, `rm`, `mv`, `mkdir`, `raw`, `shell` and `bookmark`.
//!
//! ```text
//! arguments ──▶ credentials ──▶ sessions (one for each server and user) ──▶ ls, get, put, … ──▶ standard output, local
//! ```
//!
//! Names from a server are escaped before they are shown, and reach the disk only through `local`, which keeps them in one folder.

pub mod bookmarks;
mod cat;
mod change;
mod credentials;
mod folders;
mod get;
mod local;
mod ls;
mod mirror;
mod netrc;
mod pattern;
mod progress;
mod put;
mod raw;
pub mod recording;
mod screen;
mod secret;
mod segments;
mod sessions;
mod shell;
mod throttle;
mod tree;
mod verify;

use std::future::Future;

use ftp_client::Error;

use crate::arguments::client::{
    CatArguments, ConnectionArguments, GetArguments, LsArguments, MkdirArguments, MvArguments, PutArguments,
    RawArguments, RmArguments, ShellArguments,
};
use crate::arguments::mirror::MirrorArguments;
use crate::interrupt;
use crate::outcome::{Failure, Outcome, Told, is_closed_pipe};
use crate::output::complain;
use change::Kinds;
use sessions::Sessions;

/// A command of the client.
pub enum Command<'a> {
    /// `ls`
    Ls(&'a LsArguments),
    /// `cat`
    Cat(&'a CatArguments),
    /// `get`
    Get(&'a GetArguments),
    /// `put`
    Put(&'a PutArguments),
    /// `mirror`
    Mirror(&'a MirrorArguments),
    /// `rm`
    Rm(&'a RmArguments),
    /// `mv`
    Mv(&'a MvArguments),
    /// `mkdir`
    Mkdir(&'a MkdirArguments),
    /// `raw`
    Raw(&'a RawArguments),
    /// `shell`
    Shell(&'a ShellArguments),
}

impl Command<'_> {
    fn connection(&self) -> &ConnectionArguments {
        match self {
            Self::Ls(arguments) => &arguments.connection,
            Self::Cat(arguments) => &arguments.connection,
            Self::Get(arguments) => &arguments.connection,
            Self::Put(arguments) => &arguments.connection,
            Self::Mirror(arguments) => &arguments.connection,
            Self::Rm(arguments) => &arguments.connection,
            Self::Mv(arguments) => &arguments.connection,
            Self::Mkdir(arguments) => &arguments.connection,
            Self::Raw(arguments) => &arguments.connection,
            Self::Shell(arguments) => &arguments.connection,
        }
    }
}

pub use mirror::filter::Filter;

/// Carries a command out.
pub fn run(command: Command<'_>) -> anyhow::Result<Outcome> {
    let connection = command.connection();
    let outcome = carry_out(&command);
    let failed = match &outcome {
        Ok(outcome) => *outcome != Outcome::Complete,
        // Whoever reads our output has seen enough.
        Err(error) => !is_closed_pipe(error),
    };
    if !failed || !connection.explain || interrupt::signal().is_some() {
        return outcome;
    }
    // The error stands first, and then what is behind it.
    let outcome = outcome.map_err(Told::tell);
    recording::explain(&connection.recording);
    outcome
}

fn carry_out(command: &Command<'_>) -> anyhow::Result<Outcome> {
    if let Command::Shell(arguments) = command {
        return shell::run(arguments);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut sessions = Sessions::new(command.connection());
    // A mirror ends by itself, and tells what it has done by then.
    let ended = || if matches!(command, Command::Mirror(_)) { Ok(()) } else { interrupt::check() };
    let outcome = runtime.block_on(unless(ended, async {
        let sessions = &mut sessions;
        match command {
            Command::Ls(arguments) => ls::run(sessions, arguments).await,
            Command::Cat(arguments) => cat::run(sessions, arguments).await,
            Command::Get(arguments) => get::run(sessions, arguments).await,
            Command::Put(arguments) => put::run(sessions, arguments).await,
            // It has sessions of its own, and ends them.
            Command::Mirror(arguments) => mirror::run(arguments).await,
            Command::Rm(arguments) if arguments.recursive => {
                change::remove_all(sessions, &arguments.urls).await
            }
            Command::Rm(arguments) => change::remove(sessions, &arguments.urls, Kinds::Any).await,
            Command::Mv(arguments) => change::rename(sessions, arguments).await,
            Command::Mkdir(arguments) => change::make_directories(sessions, arguments).await,
            Command::Raw(arguments) => raw::run(sessions, arguments).await,
            Command::Shell(_) => Ok(Outcome::Complete),
        }
    }));
    // However it went: what was odd is wanted most where something failed.
    runtime.block_on(sessions.end());
    // A name that is still being looked up must not hold the program.
    runtime.shutdown_background();
    outcome
}

/// Does something until it is done, or until `ended` fails, which is asked all the time; what is written stays for `--resume`. It is
/// begun in any case.
async fn unless<T>(
    ended: impl Fn() -> anyhow::Result<()>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            _ = tick.tick() => ended()?,
        }
    }
}

/// What an error means for the exit code: 3 if there never was a session, 2 if the arguments cannot be, otherwise 1.
fn failure(error: Error) -> anyhow::Error {
    match &error {
        Error::Settings(_) | Error::Argument { .. } => Failure::Arguments(error.to_string()).into(),
        _ if error.is_before_login() => Failure::Input(error.to_string()).into(),
        _ => anyhow::Error::new(error),
    }
}

/// Complains of one of several things, and goes on with the others unless there is no session to go on with.
fn go_on(place: &str, error: Error) -> anyhow::Result<Outcome> {
    if error.is_before_login() || matches!(error, Error::Settings(_)) {
        return Err(failure(error).context(place.to_owned()));
    }
    complain(&format!("{place}: {error}"));
    Ok(Outcome::Incomplete)
}

//! What a command came to, and the exit code that says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

use port21_analysis::report::Session;

use crate::input::Examined;
use crate::output;
use crate::render::words;

/// How a command ended that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Everything was done.
    Complete,
    /// Done, but something is incomplete: exit code 1.
    Incomplete,
    /// Done for the inputs that could be read; one or more could not be read at all: exit code 3.
    Unreadable,
}

impl Outcome {
    /// The exit code of the program.
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Outcome::Complete => 0,
            Outcome::Incomplete => 1,
            Outcome::Unreadable => 3,
        })
    }
}

/// Notices what is incomplete in what the analysis says, for `--strict`.
#[derive(Debug, Default)]
pub struct Completeness {
    incomplete: bool,
}

impl Completeness {
    /// Looks at a session: are all its transfers whole, and does its dialogue lack nothing?
    pub fn look_at(&mut self, session: &Session) {
        let hole = !session.control.quality.gaps.is_empty();
        let cut = session.transfers.iter().any(|transfer| !transfer.complete || !transfer.missing.is_empty());
        self.incomplete |= hole || cut;
    }

    /// Takes in what others noticed.
    pub fn add(&mut self, other: Completeness) {
        self.incomplete |= other.incomplete;
    }

    /// What the command came to, after all sessions.
    pub fn outcome(&self, examined: &Examined, strict: bool) -> Outcome {
        let totals = &examined.totals;
        let damaged = examined.reading.captures.iter().any(|capture| !capture.problems.is_empty());
        let lost = totals.undecoded_packets > 0 || !totals.dropped.is_empty();
        match examined.reading.unreadable {
            true => Outcome::Unreadable,
            false if strict && (self.incomplete || damaged || lost) => Outcome::Incomplete,
            false => Outcome::Complete,
        }
    }
}

/// Why a command could not do its work at all, where that decides the exit code.
#[derive(Debug)]
pub enum Failure {
    /// The arguments ask for something that does not exist: exit code 2.
    Arguments(String),
    /// No input could be read, or a server cannot listen: exit code 3.
    Input(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Arguments(text) | Failure::Input(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Failure {}

/// An error that has been told already.
#[derive(Debug)]
pub struct Told;

impl Told {
    /// Tells an error before the program ends with it, unless it was told already.
    pub fn tell(error: anyhow::Error) -> anyhow::Error {
        if error.is::<Self>() {
            return error;
        }
        output::complain(&format!("{error:#}"));
        error.context(Told)
    }

    /// An error that was told in another way.
    pub fn told(error: anyhow::Error) -> anyhow::Error {
        error.context(Told)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("told already")
    }
}

/// Says that a stream was asked for which does not exist; `count`: how many there are.
pub fn no_such_stream(stream: u64, count: u64) -> Failure {
    Failure::Arguments(match count.checked_sub(1) {
        None => format!("there is no stream {stream}: the capture holds no TCP connection"),
        Some(0) => format!("there is no stream {stream}: the capture holds one TCP connection, stream 0"),
        Some(last) => format!("there is no stream {stream}: the capture holds streams 0 to {last}"),
    })
}

/// Says that a session was asked for which does not exist; `count`: how many there are.
pub fn no_such_session(session: u64, count: u64) -> Failure {
    let held = words::count(count, "FTP session");
    Failure::Arguments(format!("there is no session {session}: the capture holds {held}"))
}

/// The exit code for an error that ended a command.
pub fn failure_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(match error.downcast_ref::<Failure>() {
        Some(Failure::Arguments(_)) => 2,
        Some(Failure::Input(_)) => 3,
        // The output could not be written: what there is of it is incomplete.
        None => 1,
    })
}

/// Whether an error only says that nobody reads our output any more.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_pipe_is_found_beneath_a_context() {
        let error =
            anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("standard output");
        assert!(is_closed_pipe(&error));
    }

    #[test]
    fn full_disk_is_not_a_closed_pipe() {
        assert!(!is_closed_pipe(&anyhow::Error::from(io::Error::from(io::ErrorKind::StorageFull))));
    }
}

//! What a command came to, and the exit code that says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

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

/// Why a command could not do its work at all, where that decides the exit code.
#[derive(Debug)]
pub enum Failure {
    /// The arguments ask for something that does not exist: exit code 2.
    Arguments(String),
    /// No input could be read: exit code 3.
    Input(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::Arguments(text) | Failure::Input(text)) = self;
        f.write_str(text)
    }
}

impl std::error::Error for Failure {}

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

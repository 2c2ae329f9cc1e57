//! `port21 answer`: the laboratory's questions, answered for one session.

use crate::arguments::AnswerArguments;
use crate::outcome::Outcome;

/// Runs the command.
pub fn run(arguments: &AnswerArguments) -> anyhow::Result<Outcome> {
    let _ = (&arguments.captures, arguments.format, &arguments.common);
    anyhow::bail!("answer is not built yet")
}

//! `port21 follow`: both sides of one TCP stream.

use crate::arguments::FollowArguments;
use crate::outcome::Outcome;

/// Runs the command.
pub fn run(arguments: &FollowArguments) -> anyhow::Result<Outcome> {
    let _ = (&arguments.captures, arguments.stream, arguments.form, arguments.side, &arguments.common);
    anyhow::bail!("follow is not built yet")
}

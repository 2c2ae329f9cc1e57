//! `port21 extract`: the transferred files, with a manifest.

use crate::arguments::ExtractArguments;
use crate::outcome::Outcome;

/// Runs the command.
pub fn run(arguments: &ExtractArguments) -> anyhow::Result<Outcome> {
    let _ = (&arguments.captures, &arguments.output, &arguments.common);
    anyhow::bail!("extract is not built yet")
}

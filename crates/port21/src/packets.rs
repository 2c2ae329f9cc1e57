//! `port21 packets`: the packet list, or one packet taken apart.

use crate::arguments::PacketsArguments;
use crate::outcome::Outcome;

/// Runs the command.
pub fn run(arguments: &PacketsArguments) -> anyhow::Result<Outcome> {
    let _ = (arguments.operands(), arguments.stream, arguments.format, &arguments.common);
    anyhow::bail!("packets is not built yet")
}

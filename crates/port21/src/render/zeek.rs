//! `--format zeek`: logs as Zeek writes them.

use crate::arguments::ExplainArguments;
use crate::outcome::Outcome;

/// Runs `explain --format zeek`: reads the captures and writes to standard output or to `arguments.output`.
pub fn run(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let _ = (&arguments.captures, &arguments.output, arguments.zeek_json, &arguments.common);
    anyhow::bail!("--format zeek is not built yet")
}

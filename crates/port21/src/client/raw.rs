//! `port21 raw`

use std::io::Write;

use super::sessions::{Sessions, without_last_slash};
use super::{failure, go_on};
use crate::arguments::ColorChoice;
use crate::arguments::client::RawArguments;
use crate::escape;
use crate::outcome::Outcome;
use crate::output::Output;

/// Sends commands as they are, and shows the replies. A refusal is an answer, too: exit code 1.
pub async fn run(arguments: &RawArguments) -> anyhow::Result<Outcome> {
    let mut sessions = Sessions::new(&arguments.connection);
    let mut output = Output::standard(ColorChoice::Never);
    let mut outcome = Outcome::Complete;
    let client = sessions.get(&arguments.url).await?;
    if !arguments.url.path.is_empty() {
        client.change_directory(without_last_slash(&arguments.url.path)).await.map_err(failure)?;
    }
    for command in &arguments.commands {
        match client.raw(command.as_bytes()).await {
            Ok(reply) => {
                let code = reply.code.unwrap_or_default();
                if code >= 400 {
                    outcome = outcome.max(Outcome::Incomplete);
                }
                for line in &reply.lines {
                    writeln!(output, "{code:03} {}", escape::terminal_bytes(line))?;
                }
            }
            Err(error) => outcome = outcome.max(go_on(&escape::terminal(command), error)?),
        }
    }
    sessions.end().await;
    output.finish()?;
    Ok(outcome)
}

//! `port21 raw`

use std::io::Write;

use ftp_client::Client;

use super::sessions::{Sessions, without_last_slash};
use super::{failure, go_on, secret};
use crate::arguments::ColorChoice;
use crate::arguments::client::RawArguments;
use crate::escape;
use crate::outcome::Outcome;
use crate::output::Output;

/// Sends commands as they are, and shows the replies. A refusal is an answer, too: exit code 1.
pub async fn run(sessions: &mut Sessions<'_>, arguments: &RawArguments) -> anyhow::Result<Outcome> {
    let client = sessions.get(&arguments.url).await?;
    if !arguments.url.path.is_empty() {
        client.change_directory(without_last_slash(&arguments.url.path)).await.map_err(failure)?;
    }
    let commands: Vec<Vec<u8>> =
        arguments.commands.iter().map(|command| command.as_bytes().to_vec()).collect();
    send(client, &commands, false).await
}

/// Sends commands over a session that is there. With `quietly`, replies are shown only if they refuse.
pub async fn send(client: &mut Client, commands: &[Vec<u8>], quietly: bool) -> anyhow::Result<Outcome> {
    let mut output = Output::standard(ColorChoice::Never);
    let mut outcome = Outcome::Complete;
    for command in commands {
        match client.raw(command).await {
            Ok(reply) => {
                let code = reply.code.unwrap_or_default();
                if code >= 400 {
                    outcome = outcome.max(Outcome::Incomplete);
                }
                for line in reply.lines.iter().filter(|_| !quietly || code >= 400) {
                    writeln!(output, "{code:03} {}", escape::terminal_bytes(line))?;
                }
            }
            Err(error) => {
                let shown = secret::hidden(command).unwrap_or_else(|| command.clone());
                outcome = outcome.max(go_on(&escape::terminal_bytes(&shown), error)?);
            }
        }
    }
    output.finish()?;
    Ok(outcome)
}

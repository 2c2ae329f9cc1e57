//! `port21 cat`

use std::io::Write;

use ftp_client::url::FtpUrl;
use ftp_client::{Error, Fetch};
use tokio::io::AsyncReadExt;

use super::go_on;
use super::screen::Screen;
use super::sessions::Sessions;
use crate::arguments::client::CatArguments;
use crate::outcome::Outcome;

/// Writes files to standard output; a terminal is not shown what it would obey.
pub async fn run(sessions: &mut Sessions<'_>, arguments: &CatArguments) -> anyhow::Result<Outcome> {
    with(sessions, &arguments.urls, &mut Screen::default()).await
}

/// Writes the files of `urls` to `target`.
pub async fn with(
    sessions: &mut Sessions<'_>,
    urls: &[FtpUrl],
    target: &mut (dyn Write + Send),
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Complete;
    for url in urls {
        let found = sessions.expand(url).await?;
        outcome = outcome.max(found.outcome);
        for (path, _) in found.names {
            let how = Fetch { representation: url.representation.unwrap_or_default(), ..Fetch::default() };
            let client = sessions.get(url).await?;
            let mut download = match client.fetch(&path, how).await {
                Ok(download) => download,
                Err(error) => {
                    outcome = outcome.max(go_on(&url.to_string(), error)?);
                    continue;
                }
            };
            let mut buffer = Vec::with_capacity(128 * 1024);
            loop {
                buffer.clear();
                match download.read_buf(&mut buffer).await {
                    Ok(0) => break,
                    Ok(_) => target.write_all(&buffer)?,
                    Err(error) => {
                        outcome = outcome.max(go_on(&url.to_string(), Error::from(error))?);
                        break;
                    }
                }
            }
        }
    }
    target.flush()?;
    Ok(outcome)
}

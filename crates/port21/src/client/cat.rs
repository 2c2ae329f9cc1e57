//! `port21 cat`

use std::io::Write;

use ftp_client::url::FtpUrl;
use ftp_client::{Error, Fetch};
use tokio::io::AsyncReadExt;

use super::go_on;
use super::sessions::Sessions;
use crate::arguments::client::{CatArguments, ConnectionArguments};
use crate::outcome::Outcome;

/// Writes files to standard output.
pub async fn run(arguments: &CatArguments) -> anyhow::Result<Outcome> {
    write_out(&arguments.urls, &arguments.connection).await
}

/// Writes the files of `urls` to standard output.
pub async fn write_out(urls: &[FtpUrl], connection: &ConnectionArguments) -> anyhow::Result<Outcome> {
    let mut sessions = Sessions::new(connection);
    let mut outcome = Outcome::Complete;
    for url in urls {
        for (path, _) in sessions.expand(url).await? {
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
                    Ok(_) => std::io::stdout().lock().write_all(&buffer)?,
                    Err(error) => {
                        outcome = outcome.max(go_on(&url.to_string(), Error::from(error))?);
                        break;
                    }
                }
            }
        }
    }
    sessions.end().await;
    std::io::stdout().lock().flush()?;
    Ok(outcome)
}

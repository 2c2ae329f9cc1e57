//! `port21 rm`, `mv` and `mkdir`

use ftp_client::url::FtpUrl;
use ftp_client::{Client, Entry, Error};

use super::sessions::{Sessions, without_last_slash};
use super::tree::Tree;
use super::{failure, go_on};
use crate::arguments::client::{MkdirArguments, MvArguments};
use crate::escape;
use crate::outcome::{Failure, Outcome};
use crate::output::complain;

/// What is to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kinds {
    /// Files and empty directories, as the listing has them, or the URL where nothing was listed.
    Any,
    /// Nothing but files.
    Files,
    /// Nothing but directories.
    Directories,
}

impl Kinds {
    /// Whether what was found is to be removed as a directory, or why it is not to be removed. The server judges what it did not list
    /// with a kind.
    fn is_directory(self, url: &FtpUrl, entry: Option<&Entry>) -> Result<bool, &'static str> {
        let has_kind = entry.is_some_and(|entry| entry.kind.is_some());
        let is_directory = entry.map_or(url.is_directory, Entry::is_directory);
        match self {
            Self::Any => Ok(is_directory),
            Self::Files if has_kind && is_directory => Err("it is a directory"),
            Self::Directories if has_kind && !is_directory => Err("it is no directory"),
            only => Ok(only == Self::Directories),
        }
    }
}

/// Removes what is of these kinds.
pub async fn remove(sessions: &mut Sessions<'_>, urls: &[FtpUrl], kinds: Kinds) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Complete;
    for url in urls {
        let found = sessions.expand(url).await?;
        outcome = outcome.max(found.outcome);
        let client = sessions.get(url).await?;
        for (path, entry) in found.names {
            let path = without_last_slash(&path);
            let removed = match kinds.is_directory(url, entry.as_ref()) {
                Ok(true) => client.remove_directory(path).await,
                Ok(false) => client.remove_file(path).await,
                Err(reason) => {
                    complain(&format!("{}: {reason}", escape::terminal_bytes(path)));
                    outcome = outcome.max(Outcome::Incomplete);
                    continue;
                }
            };
            if let Err(error) = removed {
                outcome = outcome.max(go_on(&escape::terminal_bytes(path), error)?);
            }
        }
    }
    Ok(outcome)
}

/// Removes whatever the URLs mean, directories with all that they hold.
pub async fn remove_all(sessions: &mut Sessions<'_>, urls: &[FtpUrl]) -> anyhow::Result<Outcome> {
    if let Some(url) = urls.iter().find(|url| url.path.iter().all(|&byte| byte == b'/' || byte == b'.')) {
        let text = format!("{url} is all that there is: name what is to be removed, or a pattern");
        return Err(Failure::Arguments(text).into());
    }
    let mut outcome = Outcome::Complete;
    for url in urls {
        let found = sessions.expand(url).await?;
        outcome = outcome.max(found.outcome);
        let mut tree = Tree::new(sessions.get(url).await?).await.map_err(failure)?;
        for (path, _) in found.names {
            tree.remove(&path).await.map_err(failure)?;
        }
        outcome = outcome.max(tree.outcome);
    }
    Ok(outcome)
}

/// Renames on one server.
pub async fn rename(sessions: &mut Sessions<'_>, arguments: &MvArguments) -> anyhow::Result<Outcome> {
    let (from, to) = (&arguments.from, &arguments.to);
    let place = |url: &FtpUrl| (url.scheme, url.host.clone(), url.port_or_default(), url.user.clone());
    if place(from) != place(to) {
        let text = "both URLs must name the same server and user: files are renamed, not copied".to_owned();
        return Err(Failure::Arguments(text).into());
    }
    let client = sessions.get(from).await?;
    let source = without_last_slash(&from.path);
    let target = match to.is_directory {
        true => {
            let name = source.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
            [&to.path, name].concat()
        }
        false => to.path.clone(),
    };
    match client.rename(source, &target).await {
        Ok(()) => Ok(Outcome::Complete),
        Err(error) => go_on(&from.to_string(), error),
    }
}

/// Makes directories.
pub async fn make_directories(
    sessions: &mut Sessions<'_>,
    arguments: &MkdirArguments,
) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Complete;
    for url in &arguments.urls {
        let path = without_last_slash(&url.path);
        if path.is_empty() {
            return Err(Failure::Arguments(format!("{url} names no directory to make")).into());
        }
        let client = sessions.get(url).await?;
        let made =
            if arguments.parents { make_all(client, path).await } else { client.make_directory(path).await };
        if let Err(error) = made {
            outcome = outcome.max(go_on(&url.to_string(), error)?);
        }
    }
    Ok(outcome)
}

/// Makes a directory and those above it. What is refused may be there already: the last one decides.
pub async fn make_all(client: &mut Client, path: &[u8]) -> Result<(), Error> {
    let slashes = path.iter().enumerate().filter(|&(at, &byte)| byte == b'/' && at > 0).map(|(at, _)| at);
    for end in slashes.chain([path.len()]) {
        let directory = path.get(..end).unwrap_or(path);
        match client.make_directory(directory).await {
            Ok(()) => {}
            Err(error @ Error::Refused { .. }) if end == path.len() => {
                let home = client.working_directory().await?;
                let there = client.change_directory(directory).await.is_ok();
                if !there {
                    return Err(error);
                }
                client.change_directory(&home).await?;
            }
            Err(Error::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

//! `port21 ls`

use std::io::Write;
use std::time::SystemTime;

use ftp_client::url::FtpUrl;
use ftp_client::{Client, Entry, EntryKind, Error};
use ftp_protocol::listing;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::sessions::{Sessions, nothing_matches, without_last_slash};
use super::tree::Tree;
use super::{failure, go_on, pattern};
use crate::arguments::ColorChoice;
use crate::arguments::client::LsArguments;
use crate::escape;
use crate::outcome::Outcome;
use crate::output::Output;

/// Lists every URL.
pub async fn run(sessions: &mut Sessions<'_>, arguments: &LsArguments) -> anyhow::Result<Outcome> {
    let mut output = Output::standard(ColorChoice::Never);
    let mut outcome = Outcome::Complete;
    for url in &arguments.urls {
        let client = sessions.get(url).await?;
        match entries(client, url, arguments.all).await {
            Ok(entries) if entries.is_empty() && pattern::is_pattern(&url.path) => {
                outcome = outcome.max(nothing_matches(url));
            }
            Ok(entries) => {
                for entry in &entries {
                    write(&mut output, entry, arguments)?;
                }
                if arguments.recursive {
                    let mut tree = Tree::new(client).await.map_err(failure)?;
                    tree.below(&base(url), &entries, |entry| write(&mut output, entry, arguments)).await?;
                    outcome = outcome.max(tree.outcome);
                }
            }
            Err(error) => outcome = outcome.max(go_on(&url.to_string(), error)?),
        }
    }
    output.finish()?;
    Ok(outcome)
}

/// What stands before the names of a URL's entries, to make paths of them.
fn base(url: &FtpUrl) -> Vec<u8> {
    match pattern::literal(&url.path) {
        Some(path) if path.is_empty() || path.ends_with(b"/") => path,
        Some(path) => [&path, &b"/"[..]].concat(),
        None => pattern::split(&url.path).0.to_vec(),
    }
}

async fn entries(client: &mut Client, url: &FtpUrl, all: bool) -> Result<Vec<Entry>, Error> {
    let literal = pattern::literal(&url.path);
    let (directory, wanted) = match &literal {
        Some(path) => (path.as_slice(), &b""[..]),
        None => pattern::split(&url.path),
    };
    let place = without_last_slash(directory);
    let listed = if all { Tree::new(client).await?.list(place, 0).await } else { client.list(place).await };
    let mut entries = match listed {
        Ok(entries) => entries,
        // MLSD lists directories only (RFC 3659 section 7.2).
        Err(Error::Refused { command, reply }) if wanted.is_empty() && !url.is_directory => {
            match client.metadata(directory).await {
                Ok(entry) => vec![entry],
                Err(_) => return Err(Error::Refused { command, reply }),
            }
        }
        Err(error) => return Err(error),
    };
    // To LIST, some servers answer with nothing for what is not there. MLSD is refused then (RFC 3659 section 7.2.1).
    if entries.is_empty() && !place.is_empty() && !client.features().has_machine_listings() {
        look_for(client, place).await?;
    }
    entries.retain(|entry| wanted.is_empty() || pattern::matches(wanted, &entry.name));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Fails if there is no such directory, as far as the server can be asked for that and brought back to where it is.
async fn look_for(client: &mut Client, directory: &[u8]) -> Result<(), Error> {
    let Ok(home) = client.working_directory().await else { return Ok(()) };
    client.change_directory(directory).await?;
    client.change_directory(home).await
}

/// An entry as a line of JSON.
#[derive(Serialize)]
struct Line {
    name: String,
    /// The name's bytes in hexadecimal where they are not UTF-8.
    name_bytes: Option<String>,
    kind: Option<&'static str>,
    size: Option<u64>,
    modified: Option<String>,
    permissions: Option<String>,
    owner: Option<String>,
    group: Option<String>,
    target: Option<String>,
}

fn write(output: &mut Output, entry: &Entry, arguments: &LsArguments) -> anyhow::Result<()> {
    if arguments.json {
        serde_json::to_writer(&mut *output, &line(entry))?;
        output.write_all(b"\n")?;
    } else if arguments.names && !arguments.long {
        writeln!(output, "{}", escape::terminal_bytes(&entry.name))?;
    } else {
        writeln!(output, "{}", long(entry))?;
    }
    Ok(())
}

fn kind(entry: &Entry) -> Option<&'static str> {
    entry.kind.map(|kind| match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "directory",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
    })
}

fn line(entry: &Entry) -> Line {
    let text =
        |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let is_text = std::str::from_utf8(&entry.name).is_ok();
    let hexadecimal = || entry.name.iter().map(|byte| format!("{byte:02x}")).collect();
    Line {
        name: String::from_utf8_lossy(&entry.name).into_owned(),
        name_bytes: (!is_text).then(hexadecimal),
        kind: kind(entry),
        size: entry.size,
        modified: entry.modified.and_then(timestamp).map(|time| time.to_string()),
        permissions: text(&entry.line.permissions),
        owner: text(&entry.line.owner),
        group: text(&entry.line.group),
        target: text(&entry.line.target),
    }
}

/// Kind, size, time and name in columns. A line of no known form is shown as it is.
fn long(entry: &Entry) -> String {
    let mark = match entry.kind {
        Some(EntryKind::Directory) => 'd',
        Some(EntryKind::Link) => 'l',
        Some(EntryKind::Other) => 'o',
        Some(EntryKind::File) => '-',
        None => '?',
    };
    let size = entry.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let written = |line: &listing::Entry| line.modified.as_deref().map(escape::terminal_bytes);
    let time = match entry.modified.and_then(timestamp) {
        Some(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => written(&entry.line).unwrap_or_default(),
    };
    let target = entry.line.target.as_deref().map(|target| format!(" -> {}", escape::terminal_bytes(target)));
    format!(
        "{mark} {size:>12} {time:19} {}{}",
        escape::terminal_bytes(&entry.name),
        target.unwrap_or_default()
    )
}

fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let (before, since) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (false, since),
        Err(before) => (true, before.duration()),
    };
    let since = SignedDuration::try_from(since).ok()?;
    Timestamp::from_duration(if before { since.checked_neg()? } else { since }).ok()
}

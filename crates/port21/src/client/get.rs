//! `port21 get`

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use ftp_client::session::Representation;
use ftp_client::url::FtpUrl;
use ftp_client::{Client, Connector, Entry, Error, Fetch, Retry};
use ftp_protocol::Verb;
use serde::Serialize;

use super::go_on;
use super::local::{Folder, Known, name_for};
use super::progress::Bar;
use super::screen::Screen;
use super::segments::{self, Segmented};
use super::sessions::Sessions;
use super::throttle::Throttle;
use super::verify::{self, Verdict};
use crate::arguments::client::GetArguments;
use crate::escape;
use crate::outcome::{Failure, Outcome};
use crate::output::complain;

/// A file to fetch.
struct Job<'a> {
    url: &'a FtpUrl,
    path: Vec<u8>,
    listed: Option<Entry>,
    folder: &'a Folder,
    name: String,
    /// What was found at the first try; a file that has changed since is fetched anew.
    found: Option<Found>,
    /// What is there already may be kept.
    keep: bool,
    /// In how many parts it may be fetched.
    segments: u16,
}

/// What the server tells of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    size: Option<u64>,
    modified: Option<SystemTime>,
}

/// What came of a file, as a line of JSON.
#[derive(Debug, Default, Serialize)]
struct Done {
    url: String,
    local: String,
    /// Bytes of the whole file.
    bytes: Option<u64>,
    /// Bytes that crossed in the last try.
    transferred: u64,
    resumed_from: u64,
    seconds: f64,
    complete: bool,
    /// The algorithm by which both sides were found to be the same.
    verified: Option<&'static str>,
    error: Option<String>,
}

/// Fetches every URL.
pub async fn run(sessions: &mut Sessions<'_>, arguments: &GetArguments) -> anyhow::Result<Outcome> {
    if let Some(output) = arguments.options.output.as_deref() {
        if output == Path::new("-") {
            return super::cat::with(sessions, &arguments.urls, &mut Screen::default()).await;
        }
        if takes_bytes_only(output) {
            let shown = || escape::terminal(&output.to_string_lossy());
            let opened = std::fs::File::options().write(true).open(output);
            let mut stream = opened.with_context(|| format!("{} cannot be written", shown()))?;
            return super::cat::with(sessions, &arguments.urls, &mut stream).await;
        }
    }
    let (folder, wished) = target(arguments)?;
    let mut outcome = Outcome::Complete;
    let mut taken = HashSet::new();
    for url in &arguments.urls {
        let found = sessions.expand(url).await?;
        outcome = outcome.max(found.outcome);
        for (path, listed) in found.names {
            if listed.as_ref().is_some_and(|entry| !entry.is_file()) {
                continue;
            }
            if wished.is_none() && matches!(path.last(), None | Some(b'/')) {
                complain(&format!("{url}: it is a directory, which `ls` lists and `mirror` fetches"));
                outcome = outcome.max(Outcome::Incomplete);
                continue;
            }
            let name = match wished.clone().map_or_else(|| name_for(&path), Ok) {
                Ok(name) => name,
                Err(reason) => {
                    complain(&format!("{url}: {reason}; -o names another"));
                    outcome = outcome.max(Outcome::Incomplete);
                    continue;
                }
            };
            if !taken.insert(name.clone()) {
                let shown = escape::terminal_bytes(&path);
                complain(&format!(
                    "{shown}: a file was fetched under this name just now; -o names another folder"
                ));
                outcome = outcome.max(Outcome::Incomplete);
                continue;
            }
            let keep = arguments.options.resume;
            let job = Job {
                url,
                path,
                listed,
                folder: &folder,
                name,
                found: None,
                keep,
                segments: arguments.options.segments,
            };
            outcome = outcome.max(fetch(sessions, job, arguments).await?);
        }
    }
    Ok(outcome)
}

/// Whether what is at `path` is written to as it is, and must not be replaced: a device such as /dev/null, a named pipe, or a name in /dev
/// for something that is open, as /dev/stdout.
fn takes_bytes_only(path: &Path) -> bool {
    let is_special = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
    is_special || path.starts_with("/dev") && path.is_symlink()
}

/// The folder to write to, and the name of the file if `-o` gives one.
fn target(arguments: &GetArguments) -> anyhow::Result<(Folder, Option<String>)> {
    let Some(path) = &arguments.options.output else { return Ok((Folder::open(Path::new("."))?, None)) };
    let shown = path.to_string_lossy();
    if shown.ends_with('/') || path.is_dir() {
        std::fs::create_dir_all(path)?;
        return Ok((Folder::open(path)?, None));
    }
    if arguments.urls.len() > 1 || arguments.urls.iter().any(|url| super::pattern::is_pattern(&url.path)) {
        let text = format!(
            "several files cannot be written to {}: -o needs a folder, with / at its end",
            escape::terminal(&shown)
        );
        return Err(Failure::Arguments(text).into());
    }
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let name = name
        .ok_or_else(|| Failure::Arguments(format!("{} is no name for a file", escape::terminal(&shown))))?;
    Ok((Folder::open(path.parent().unwrap_or(Path::new(".")))?, Some(name)))
}

/// Fetches one file, again and again if need be.
async fn fetch(
    sessions: &mut Sessions<'_>,
    mut job: Job<'_>,
    arguments: &GetArguments,
) -> anyhow::Result<Outcome> {
    let mut retry =
        Retry::new(arguments.options.transfer.retries, Duration::from_secs(1), Duration::from_secs(60));
    let bar =
        Bar::new(&escape::terminal(&job.name), arguments.connection.quiet || arguments.options.transfer.json);
    let place = escape::terminal_bytes(&job.path);
    loop {
        let before = segments::there(job.folder, &job.name);
        let mut notes = Vec::new();
        let result = match sessions.try_get_with_connector(job.url).await? {
            Ok((client, connector)) => {
                attempt(client, connector, &mut job, arguments, &bar, &mut notes).await
            }
            Err(error) => Err(error),
        };
        notes.into_iter().for_each(|note| sessions.note(job.url, format!("{place}: {note}")));
        let error = match result {
            Ok(done) => {
                tell(&done, arguments)?;
                return Ok(Outcome::Complete);
            }
            Err(error) => error,
        };
        // What was written in this run is of the file that was found.
        job.keep |= job.found.is_some();
        if matches!(&error, Error::Refused { command, .. } if command.verb() == Some(Verb::Rest)) {
            sessions.note(
                job.url,
                format!("{place}: the server cannot begin in the middle of a file: fetched anew"),
            );
            job.keep = false;
            job.segments = 1;
            job.found = None;
            continue;
        }
        if segments::there(job.folder, &job.name) > before {
            retry.progressed();
        }
        // A server that was never there is not waited for, unless it is only full.
        let absent = job.found.is_none() && error.is_before_login() && !error.is_too_many_sessions();
        let pause = if absent { None } else { retry.after(&error) };
        let Some(pause) = pause else { return give_up(&job, error, arguments) };
        if !arguments.connection.quiet {
            complain(&format!("{place}: {error}; trying again in {} s", pause.as_secs()));
        }
        sessions.close().await;
        tokio::time::sleep(pause).await;
    }
}

fn give_up(job: &Job<'_>, error: Error, arguments: &GetArguments) -> anyhow::Result<Outcome> {
    if arguments.options.transfer.json && !error.is_before_login() {
        let local = job.name.clone();
        let done =
            Done { url: job.url.to_string(), local, error: Some(error.to_string()), ..Done::default() };
        tell(&done, arguments)?;
    }
    go_on(&escape::terminal_bytes(&job.path), error)
}

fn tell(done: &Done, arguments: &GetArguments) -> anyhow::Result<()> {
    if arguments.options.transfer.json {
        use std::io::Write;
        writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(done)?)?;
    }
    Ok(())
}

async fn attempt(
    client: &mut Client,
    connector: &Connector,
    job: &mut Job<'_>,
    arguments: &GetArguments,
    bar: &Bar,
    notes: &mut Vec<String>,
) -> Result<Done, Error> {
    let started = Instant::now();
    let representation = job.url.representation.unwrap_or_default();
    let found = look(client, job).await?;
    let mut done = Done {
        url: job.url.to_string(),
        local: job.name.clone(),
        bytes: found.size,
        complete: true,
        ..Done::default()
    };
    if arguments.options.resume
        && let Some(known) = job.folder.known(&job.name)
        && is_same(known, found)
    {
        return Ok(done);
    }
    let before = job.found.replace(found);
    let changed = before.is_some_and(|before| before != found);
    if before.is_none()
        && job.keep
        && found.size == Some(segments::there(job.folder, &job.name))
        && let Some(file) = job.folder.read_partial(&job.name)
        && verify::may_differ(client, &job.path, file).await?
    {
        notes.push("what is here of it is not what the server has: fetched anew".to_owned());
        job.keep = false;
    }
    if let Some(segmented) = segmented(client, job, found, representation, arguments, notes) {
        let segmented = Segmented { keep: job.keep && !changed, same_run: before.is_some(), ..segmented };
        let fetched = segmented.fetch(client, connector, bar).await?;
        // Its parts came at different moments, and must be of one version.
        let was_listed = job.listed.take().is_some();
        let again = look(client, job).await?;
        // A listing may tell the time less exactly than MDTM does.
        if again.size != found.size || (!was_listed && again.modified != found.modified) {
            // What came is of two versions, and of no use.
            job.folder.forget_partial(&job.name).map_err(Error::Local)?;
            return Err(Error::Local(std::io::Error::other(
                "it changed on the server while its parts were fetched",
            )));
        }
        let partial = job.folder.partial(&job.name, true).map_err(Error::Local)?;
        if let Some(file) = job.folder.read_partial(&job.name) {
            match verify::compare(client, &job.path, file).await? {
                Verdict::Same(algorithm) => done.verified = Some(algorithm.name()),
                Verdict::Differs(difference) => return Err(difference.into()),
                Verdict::Unknown(doubt) if arguments.options.verify => notes.push(doubt.to_string()),
                Verdict::Unknown(_) => {}
            }
        }
        partial.finish(found.modified, None).map_err(Error::Local)?;
        job.folder.forget_parts(&job.name);
        notes.extend(fetched.notes);
        done.transferred = fetched.transferred;
        done.resumed_from = fetched.resumed_from;
        done.seconds = started.elapsed().as_secs_f64();
        return Ok(done);
    }
    job.folder.forget_parts(&job.name);
    let partial =
        job.folder.known_partial(&job.name).filter(|_| job.keep && representation == Representation::Image);
    let offset = match partial {
        None => 0,
        Some(_) if changed => {
            notes.push("it changed between two tries: fetched anew".to_owned());
            0
        }
        Some(partial) => {
            resume_from(partial, found, client.features().is_known() && !client.features().can_restart())
                .unwrap_or_else(|reason| {
                    notes.push(reason.to_owned());
                    0
                })
        }
    };
    let partial = job.folder.partial(&job.name, offset > 0).map_err(Error::Local)?;
    let mut writer = Throttle::new(partial.writer(), arguments.options.transfer.limit_rate);
    done.resumed_from = offset;
    if offset == 0 || found.size != Some(offset) {
        let how = Fetch { offset, representation, size: found.size };
        let mut watch = |progress| bar.watch(progress);
        done.transferred = client.download(&job.path, how, &mut writer, &mut watch).await?;
    }
    if arguments.options.verify && representation == Representation::Ascii {
        notes.push("as text it cannot be verified: its line ends are others on both sides".to_owned());
    } else if let Some(file) = job.folder.read_partial(&job.name).filter(|_| arguments.options.verify) {
        match verify::compare(client, &job.path, file).await? {
            Verdict::Same(algorithm) => done.verified = Some(algorithm.name()),
            Verdict::Differs(difference) => return Err(difference.into()),
            Verdict::Unknown(doubt) => notes.push(doubt.to_string()),
        }
    }
    partial.finish(found.modified, None).map_err(Error::Local)?;
    done.seconds = started.elapsed().as_secs_f64();
    done.bytes = Some(offset.saturating_add(done.transferred));
    Ok(done)
}

/// How to fetch it in parts, if it is to be: as asked for, or since an earlier run has begun so.
fn segmented<'a>(
    client: &Client,
    job: &'a Job<'_>,
    found: Found,
    representation: Representation,
    arguments: &GetArguments,
    notes: &mut Vec<String>,
) -> Option<Segmented<'a>> {
    let size = found.size.filter(|_| representation == Representation::Image)?;
    let begun = job.keep && job.folder.parts(&job.name).is_some();
    if !begun && segments::how_many(size, job.segments) < 2 {
        return None;
    }
    if client.features().is_known() && !client.features().can_restart() {
        notes.push("the server cannot begin in the middle of a file: fetched in one part".to_owned());
        return None;
    }
    Some(Segmented {
        folder: job.folder,
        name: &job.name,
        path: &job.path,
        size,
        modified: found.modified,
        segments: job.segments,
        rate: arguments.options.transfer.limit_rate,
        keep: job.keep,
        same_run: false,
    })
}

/// Asks for size and time. A server that refuses may still send the file.
async fn look(client: &mut Client, job: &Job<'_>) -> Result<Found, Error> {
    let optional = |result: Result<_, Error>| match result {
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => Ok(None),
        other => other,
    };
    let size = match job.listed.as_ref().and_then(|entry| entry.size) {
        Some(size) => Some(size),
        None => optional(client.size(&job.path).await)?,
    };
    let modified = match job.listed.as_ref().and_then(|entry| entry.modified) {
        Some(modified) => Some(modified),
        None => match client.modified(&job.path).await {
            Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => None,
            other => other?,
        },
    };
    Ok(Found { size, modified })
}

/// Whether the whole file is here already: of the same size and time.
fn is_same(known: Known, found: Found) -> bool {
    found.size == Some(known.length) && (found.modified.is_none() || found.modified == known.modified)
}

/// Where to go on, or why not.
fn resume_from(partial: Known, found: Found, cannot: bool) -> Result<u64, &'static str> {
    let size = found.size.ok_or(
        "the server does not tell its size, so that what is here may not belong to it: fetched anew",
    )?;
    if cannot {
        return Err("the server cannot begin in the middle of a file: fetched anew");
    }
    if partial.length > size {
        return Err("what is here is longer than the server's file: fetched anew");
    }
    if let (Some(changed), Some(written)) = (found.modified, partial.modified)
        && changed > written
    {
        return Err("the server's file changed since the earlier run: fetched anew");
    }
    Ok(partial.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_the_same_file_is_resumed() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let partial = Known { length: 10, modified: at(100) };
        let resume = |size, modified| resume_from(partial, Found { size, modified }, false).ok();
        assert_eq!(resume(Some(20), at(90)), Some(10));
        assert_eq!(resume(Some(10), None), Some(10));
        assert_eq!(resume(Some(20), at(101)), None);
        assert_eq!(resume(Some(9), at(90)), None);
        assert_eq!(resume(None, at(90)), None);
        assert!(resume_from(partial, Found { size: Some(20), modified: None }, true).is_err());
    }
}

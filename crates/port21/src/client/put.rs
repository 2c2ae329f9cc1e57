//! `port21 put`

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use ftp_client::session::Representation;
use ftp_client::url::FtpUrl;
use ftp_client::{Client, Error, Retry, Store, TEMPORARY_SUFFIX};
use ftp_protocol::Verb;
use serde::Serialize;

use super::go_on;
use super::local::{LocalFile, WORTH_RESUMING};
use super::progress::Bar;
use super::sessions::Sessions;
use super::throttle::Throttle;
use super::verify::{self, Verdict};
use crate::arguments::client::PutArguments;
use crate::escape;
use crate::outcome::{Failure, Outcome};
use crate::output::complain;

/// A file to send.
struct Job<'a> {
    url: &'a FtpUrl,
    local: &'a Path,
    path: Vec<u8>,
    /// The version of which bytes have crossed in this run: what is on the server is of that one, and of no other.
    crossed: Option<Version>,
    /// Bytes that the server had under that name before, which it has still if it keeps nothing of an upload that is cut.
    stood: Option<u64>,
    /// The furthest byte that any try began at, since only these are surely on the server.
    reached: u64,
}

/// Length and time of the last change of a file here.
type Version = (u64, Option<SystemTime>);

/// What came of a file, as a line of JSON.
#[derive(Debug, Default, Serialize)]
struct Done {
    local: String,
    url: String,
    /// The path on the server.
    path: String,
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

/// Sends every file.
pub async fn run(sessions: &mut Sessions<'_>, arguments: &PutArguments) -> anyhow::Result<Outcome> {
    let wrong = |text: String| anyhow::Error::from(Failure::Arguments(text));
    let Some((last, files)) = arguments.files_and_url.split_last() else {
        return Err(wrong("files and a URL are due".into()));
    };
    let url = super::bookmarks::parse_url(last);
    if files.is_empty() {
        let text = if url.is_ok() { "a file is due before the URL" } else { "a URL is due behind the files" };
        return Err(wrong(format!("{text}: port21 put FILE... URL")));
    }
    let url = url.map_err(wrong)?;
    with(sessions, files, &url, arguments).await
}

/// Sends `files` to `url`.
pub async fn with(
    sessions: &mut Sessions<'_>,
    files: &[String],
    url: &FtpUrl,
    arguments: &PutArguments,
) -> anyhow::Result<Outcome> {
    let wrong = |text: String| anyhow::Error::from(Failure::Arguments(text));
    if files.len() > 1 && !url.is_directory {
        return Err(wrong(format!(
            "several files cannot be written to {url}: a directory, with / at its end, is due"
        )));
    }
    let mut outcome = Outcome::Complete;
    for file in files {
        let local = Path::new(file);
        let path = if url.is_directory {
            let name = local
                .file_name()
                .ok_or_else(|| wrong(format!("{} names no file", escape::terminal(file))))?;
            [&url.path, name.as_encoded_bytes()].concat()
        } else {
            url.path.clone()
        };
        let job = Job { url, local, path, crossed: None, stood: None, reached: 0 };
        outcome = outcome.max(send(sessions, job, arguments).await?);
    }
    Ok(outcome)
}

/// Sends one file, again and again if need be.
async fn send(
    sessions: &mut Sessions<'_>,
    mut job: Job<'_>,
    arguments: &PutArguments,
) -> anyhow::Result<Outcome> {
    let shown = escape::terminal(&job.local.to_string_lossy());
    if let Err(reason) = is_file(job.local) {
        tell_failure(&job, &reason, arguments)?;
        complain(&format!("{shown}: {reason}"));
        return Ok(Outcome::Incomplete);
    }
    let mut retry =
        Retry::new(arguments.options.transfer.retries, Duration::from_secs(1), Duration::from_secs(60));
    let bar = Bar::new(&shown, arguments.connection.quiet || arguments.options.transfer.json);
    let mut met = false;
    loop {
        let mut notes = Vec::new();
        let before = job.reached;
        let result = match sessions.try_get(job.url).await? {
            Ok(client) => {
                met = true;
                attempt(client, &mut job, arguments, &bar, &mut notes).await
            }
            Err(error) => Err(error),
        };
        notes.into_iter().for_each(|note| sessions.note(job.url, format!("{shown}: {note}")));
        let error = match result {
            Ok(done) => {
                tell(&done, arguments)?;
                return Ok(Outcome::Complete);
            }
            Err(error) => error,
        };
        if job.reached > before {
            retry.progressed();
        }
        // A server that was never there is not waited for, unless it is only full.
        let absent = !met && error.is_before_login() && !error.is_too_many_sessions();
        // Appending twice would double it.
        let pause = if arguments.options.append || absent { None } else { retry.after(&error) };
        let Some(pause) = pause else {
            if !error.is_before_login() {
                tell_failure(&job, &error.to_string(), arguments)?;
            }
            if matches!(&error, Error::Refused { command, .. } if command.verb() == Some(Verb::Rnto)) {
                let there = escape::terminal_bytes(&[&job.path, TEMPORARY_SUFFIX].concat());
                let doubt = "the URL of a directory ends with /";
                sessions.note(job.url, format!("{shown}: what was sent stays there as {there}; {doubt}"));
            }
            if error.is_out_of_space()
                && let Some(advice) = on_lack_of_room(sessions, &job, arguments).await
            {
                sessions.note(job.url, format!("{shown}: {advice}"));
            }
            return go_on(&shown, error);
        };
        if !arguments.connection.quiet {
            complain(&format!("{shown}: {error}; trying again in {} s", pause.as_secs()));
        }
        sessions.close().await;
        tokio::time::sleep(pause).await;
    }
}

/// A server may have room for a file, and none for it beside the one that it is to replace. Then the room is given back that an unfinished
/// file takes, unless `--resume` says that it is wanted, and what can be done is told; the old file is left for the user to risk.
async fn on_lack_of_room(
    sessions: &mut Sessions<'_>,
    job: &Job<'_>,
    arguments: &PutArguments,
) -> Option<String> {
    let client = sessions.open(job.url).filter(|client| !client.is_closed())?;
    if !has_temporary_name(client, arguments) || !matches!(size_of(client, &job.path).await, Ok(Some(_))) {
        return None;
    }
    let there = [&job.path, TEMPORARY_SUFFIX].concat();
    let is_left = match size_of(client, &there).await {
        Ok(Some(_)) => arguments.options.resume || client.remove_file(&there).await.is_err(),
        _ => false,
    };
    let mut advice = "the file that it was to replace is there as it was; --in-place writes over it at once, which may need less room, and \
                      loses it if that fails"
        .to_owned();
    if is_left {
        advice += &format!("; {}, which takes room, too, stays there", escape::terminal_bytes(&there));
    }
    Some(advice)
}

/// Whether the file is sent under another name first.
fn has_temporary_name(client: &Client, arguments: &PutArguments) -> bool {
    !arguments.options.in_place && !arguments.options.append && client.can_rename()
}

/// Whether there is something to send, or what speaks against it; nothing is opened, since a pipe has its bytes only once.
fn is_file(local: &Path) -> Result<(), String> {
    match std::fs::metadata(local) {
        Ok(found) if found.is_dir() => Err("it is a folder, which `mirror` sends".to_owned()),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("it cannot be read here: {error}")),
    }
}

fn tell_failure(job: &Job<'_>, reason: &str, arguments: &PutArguments) -> anyhow::Result<()> {
    let (local, url) = (escape::terminal(&job.local.to_string_lossy()), job.url.to_string());
    tell(&Done { local, url, error: Some(reason.to_owned()), ..Done::default() }, arguments)
}

fn tell(done: &Done, arguments: &PutArguments) -> anyhow::Result<()> {
    if arguments.options.transfer.json {
        use std::io::Write;
        writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(done)?)?;
    }
    Ok(())
}

async fn attempt(
    client: &mut Client,
    job: &mut Job<'_>,
    arguments: &PutArguments,
    bar: &Bar,
    notes: &mut Vec<String>,
) -> Result<Done, Error> {
    let started = Instant::now();
    let file = File::open(job.local).map_err(Error::Local)?;
    let metadata = file.metadata().map_err(Error::Local)?;
    let length = metadata.len();
    let version = (length, metadata.modified().ok());
    let representation = job.url.representation.unwrap_or_default();
    let temporary_name = has_temporary_name(client, arguments);
    // Before anything has crossed, what is there is what an earlier run left, or something else altogether.
    let resumes = arguments.options.resume || length >= WORTH_RESUMING;
    let keep = job.crossed.map_or(arguments.options.resume, |crossed| resumes && crossed == version);
    let there = if temporary_name { [&job.path, TEMPORARY_SUFFIX].concat() } else { job.path.clone() };
    let offset = if keep { resume_from(client, job, &there, &file, length).await? } else { 0 };
    if offset == 0 && job.crossed.is_none() && !arguments.options.append && length >= WORTH_RESUMING {
        job.stood = size_of(client, &there).await?;
    }
    let how = Store { offset, representation, append: arguments.options.append, temporary_name };
    let mut source = Throttle::new(LocalFile(file), arguments.options.transfer.limit_rate);
    job.reached = offset.max(job.reached);
    let crossed = &mut job.crossed;
    let mut watch = |progress| {
        *crossed = Some(version);
        bar.watch(progress)
    };
    let mut verified = None;
    let look = async |client: &mut Client, there: &[u8]| {
        verified = check(client, there, job.local, length, how, arguments, notes).await?;
        Ok(())
    };
    let transferred = client.upload_checked(&job.path, how, &mut source, &mut watch, look).await?;
    Ok(Done {
        local: job.local.to_string_lossy().into_owned(),
        url: job.url.to_string(),
        path: String::from_utf8_lossy(&job.path).into_owned(),
        bytes: Some(length),
        transferred,
        resumed_from: offset,
        seconds: started.elapsed().as_secs_f64(),
        complete: true,
        verified,
        error: None,
    })
}

/// Looks whether the server has at `path` what was sent: its size and, if that is asked for, its checksum. Gives the checksum's name.
async fn check(
    client: &mut Client,
    path: &[u8],
    local: &Path,
    length: u64,
    how: Store,
    arguments: &PutArguments,
    notes: &mut Vec<String>,
) -> Result<Option<&'static str>, Error> {
    let is_copy = how.representation == Representation::default() && !how.append;
    // RFC 3659 section 4: the size as TYPE I transfers it.
    if is_copy
        && let Ok(Some(size)) = client.size(path).await
        && size != length
    {
        return Err(Error::Short { expected: length, received: size });
    }
    if !arguments.options.verify {
        return Ok(None);
    }
    if !is_copy {
        notes
            .push("it cannot be verified: what the server has is not what is here, byte for byte".to_owned());
        return Ok(None);
    }
    match verify::compare(client, path, File::open(local).map_err(Error::Local)?).await? {
        Verdict::Same(algorithm) => Ok(Some(algorithm.name())),
        Verdict::Differs(difference) => Err(difference.into()),
        Verdict::Unknown(doubt) => {
            notes.push(doubt.to_string());
            Ok(None)
        }
    }
}

/// Where to go on: behind what the server has at `there`, if that can be the beginning of this file.
async fn resume_from(
    client: &mut Client,
    job: &Job<'_>,
    there: &[u8],
    file: &File,
    length: u64,
) -> Result<u64, Error> {
    if client.features().is_known() && !client.features().can_restart() {
        return Ok(0);
    }
    let Some(size) = size_of(client, there).await?.filter(|&size| Some(size) != job.stood) else {
        return Ok(0);
    };
    let written = match client.modified(there).await {
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => None,
        other => other?,
    };
    let changed = file.metadata().and_then(|metadata| metadata.modified()).ok();
    // A file that changed here after the server got its beginning begins anew.
    let is_newer = changed.zip(written).is_some_and(|(changed, written)| changed > written);
    if size > length || is_newer {
        return Ok(0);
    }
    if size == length && job.crossed.is_none() {
        let whole = file.try_clone().map_err(Error::Local)?;
        if verify::may_differ(client, there, whole).await? {
            return Ok(0);
        }
    }
    Ok(size)
}

/// The size of a file on the server, if it is there and told.
async fn size_of(client: &mut Client, path: &[u8]) -> Result<Option<u64>, Error> {
    match client.size(path).await {
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => Ok(None),
        other => other,
    }
}

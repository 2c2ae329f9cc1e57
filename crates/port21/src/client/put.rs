//! `port21 put`

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use ftp_client::url::FtpUrl;
use ftp_client::{Client, Error, Retry, Store, TEMPORARY_SUFFIX};
use serde::Serialize;

use super::go_on;
use super::local::LocalFile;
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
    /// What is on the server already may be kept.
    keep: bool,
}

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
pub async fn run(arguments: &PutArguments) -> anyhow::Result<Outcome> {
    let wrong = |text: String| anyhow::Error::from(Failure::Arguments(text));
    let Some((last, files)) = arguments.files_and_url.split_last() else {
        return Err(wrong("files and a URL are due".into()));
    };
    let url = super::bookmarks::parse_url(last).map_err(wrong)?;
    let mut sessions = Sessions::new(&arguments.connection);
    let outcome = with(&mut sessions, files, &url, arguments).await?;
    sessions.end().await;
    Ok(outcome)
}

/// Sends `files` to `url` over sessions that are there.
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
        let job = Job { url, local, path, keep: arguments.resume };
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
    let mut retry = Retry::new(arguments.transfer.retries, Duration::from_secs(1), Duration::from_secs(60));
    let bar = Bar::new(&shown, arguments.connection.quiet || arguments.transfer.json);
    let mut met = false;
    loop {
        let mut notes = Vec::new();
        let result = match sessions.try_get(job.url).await? {
            Ok(client) => {
                met = true;
                attempt(client, &job, arguments, &bar, &mut notes).await
            }
            Err(error) => Err(error),
        };
        let error = match result {
            Ok(done) => {
                notes.into_iter().for_each(|note| sessions.note(job.url, format!("{shown}: {note}")));
                tell(&done, arguments)?;
                return Ok(Outcome::Complete);
            }
            Err(error) => error,
        };
        // What is on the server is of this run; appending twice would double it.
        job.keep = !arguments.append;
        // A server that was never there is not waited for, unless it is only full.
        let absent = !met && error.is_before_login() && !error.is_too_many_sessions();
        let pause = if arguments.append || absent { None } else { retry.after(&error) };
        let Some(pause) = pause else {
            if arguments.transfer.json && !error.is_before_login() {
                let (local, url) = (shown.clone(), job.url.to_string());
                tell(&Done { local, url, error: Some(error.to_string()), ..Done::default() }, arguments)?;
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

fn tell(done: &Done, arguments: &PutArguments) -> anyhow::Result<()> {
    if arguments.transfer.json {
        use std::io::Write;
        writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(done)?)?;
    }
    Ok(())
}

async fn attempt(
    client: &mut Client,
    job: &Job<'_>,
    arguments: &PutArguments,
    bar: &Bar,
    notes: &mut Vec<String>,
) -> Result<Done, Error> {
    let started = Instant::now();
    let file = File::open(job.local).map_err(Error::Local)?;
    let length = file.metadata().map_err(Error::Local)?.len();
    let representation = job.url.representation.unwrap_or_default();
    let temporary_name = !arguments.in_place && !arguments.append;
    let offset = if job.keep { resume_from(client, job, &file, length, temporary_name).await? } else { 0 };
    let how = Store { offset, representation, append: arguments.append, temporary_name };
    let mut source = Throttle::new(LocalFile(file), arguments.transfer.limit_rate);
    let mut watch = |progress| bar.watch(progress);
    let transferred = client.upload(&job.path, how, &mut source, &mut watch).await?;
    // RFC 3659 section 4: the size as TYPE I transfers it.
    if representation == Default::default()
        && !arguments.append
        && let Ok(Some(size)) = client.size(&job.path).await
        && size != length
    {
        return Err(Error::Short { expected: length, received: size });
    }
    let mut verified = None;
    if arguments.verify && (arguments.append || representation != Default::default()) {
        notes
            .push("it cannot be verified: what the server has is not what is here, byte for byte".to_owned());
    } else if arguments.verify {
        match verify::compare(client, &job.path, File::open(job.local).map_err(Error::Local)?).await? {
            Verdict::Same(algorithm) => verified = Some(algorithm.name()),
            Verdict::Unknown(reason) => notes.push(reason),
        }
    }
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

/// Where to go on: behind what the server has, if that can be the beginning of this file.
async fn resume_from(
    client: &mut Client,
    job: &Job<'_>,
    file: &File,
    length: u64,
    temporary_name: bool,
) -> Result<u64, Error> {
    let path = if temporary_name { [&job.path, TEMPORARY_SUFFIX].concat() } else { job.path.clone() };
    if client.features().is_known() && !client.features().can_restart() {
        return Ok(0);
    }
    let size = match client.size(&path).await {
        Ok(size) => size.unwrap_or_default(),
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => 0,
        Err(error) => return Err(error),
    };
    let written = match client.modified(&path).await {
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => None,
        other => other?,
    };
    let changed = file.metadata().and_then(|metadata| metadata.modified()).ok();
    // A file that changed here after the server got its beginning begins anew.
    let is_newer = changed.zip(written).is_some_and(|(changed, written)| changed > written);
    Ok(if size > length || is_newer { 0 } else { size })
}

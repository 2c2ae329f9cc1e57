//! `port21 mirror`: makes a folder here like a directory on a server, or the other way round.
//!
//! ```text
//! listing of the source ─┐
//!                        ├▶ plan (pure) ──▶ queue ──▶ crew: sessions that fetch or send ──▶ report
//! listing of the target ─┘      ▲                        │
//!                             filter                   state, for the next run
//! ```
//!
//! One folder at a time is compared, and few wait: memory does not grow with the tree. Nothing is deleted before all was listed.

mod crew;
mod dates;
mod far;
mod fetch;
pub mod filter;
mod folder;
mod item;
mod near;
mod plan;
mod queue;
mod remove;
mod report;
mod send;
mod state;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use ftp_client::session::Representation;
use ftp_client::url::FtpUrl;
use ftp_client::{Connector, Error, Retry};
use tokio::task::LocalSet;

use super::local::Folder;
use super::sessions::{connector_for, without_last_slash};
use super::throttle::Pace;
use super::{failure, unless};
use crate::arguments::client::ConnectionArguments;
use crate::arguments::mirror::{MirrorArguments, MirrorOptions};
use crate::outcome::{Failure, Outcome};
use crate::output::complain;
use crate::{escape, interrupt};
use crew::{Crew, Seat, Settings};
use plan::{Compare, Rules};
use queue::{FolderJob, Job};
use report::{Manner, Report};
use state::{Problem, State};

/// What is mirrored, where to, and how the server is reached.
pub struct Sides<'a> {
    pub url: FtpUrl,
    pub near: &'a Path,
    /// From this side to the server.
    pub sends: bool,
    pub connector: Connector,
}

/// Mirrors as the command line says, and tells what was odd.
pub async fn run(arguments: &MirrorArguments) -> anyhow::Result<Outcome> {
    let MirrorArguments { options, connection, .. } = arguments;
    let (url, near, sends) = sides(arguments)?;
    let connector = connector_for(&url, connection)?;
    let host = escape::terminal(&url.host);
    let sides = Sides { url, near, sends, connector: connector.clone() };
    let outcome = with(options, connection, sides, interrupt::check).await;
    if !connection.quiet {
        connector.notes().iter().for_each(|note| complain(&format!("note: {host}: {note}")));
    }
    outcome
}

/// Mirrors, until all is done or `ended` fails: what was done by then is told in any case, and what was odd in that. What was odd in
/// the sessions is left to the caller.
pub async fn with(
    options: &MirrorOptions,
    connection: &ConnectionArguments,
    sides: Sides<'_>,
    ended: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<Outcome> {
    let Sides { url, near, sends, connector } = sides;
    if sends && !near.is_dir() {
        let shown = escape::terminal(&near.to_string_lossy());
        return Err(Failure::Arguments(format!("{shown} is no folder that could be mirrored")).into());
    }
    let base = without_last_slash(&url.path).to_vec();
    let manner = Manner {
        json: options.transfer.json,
        verbose: options.verbose,
        quiet: connection.quiet,
        dry_run: options.dry_run,
    };
    let report = Report::new(manner);
    let with = (rules(options, sends), settings(options, sends));
    let crew = Rc::new(Crew::new((connector, base), with, report, options.in_place));
    let missing = missing_folders(near);
    let local = LocalSet::new();
    let done = local.run_until(unless(ended, mirror(&crew, options, near, &url))).await;
    // Tasks hold the crew, and their sessions what was odd.
    drop(local);
    let crew = Rc::into_inner(crew).context("a session is still at work")?;
    let unlisted = crew.unsure.get();
    if let Err(error) = crew.state.into_inner().finish() {
        complain(&format!("what the next run has to know cannot be written: {error}"));
    }
    let report = crew.report.into_inner();
    // Who never got to a server has nothing to sum up.
    let told = if done.is_err() && report.is_empty() { Ok(Outcome::Complete) } else { report.summary() };
    if !connection.quiet {
        let host = escape::terminal(&url.host);
        crew.notes.into_inner().iter().for_each(|note| complain(&format!("note: {host}: {note}")));
    }
    if !sends && (done.is_err() || unlisted) {
        // Made for nothing, if they are still empty; others cannot be removed so.
        let _ = missing.iter().try_for_each(std::fs::remove_dir);
    }
    done?;
    Ok(told?)
}

/// The folder and those above it that are not there, the lowest first.
fn missing_folders(near: &Path) -> Vec<&Path> {
    let named = near.ancestors().filter(|path| !path.as_os_str().is_empty());
    named.take_while(|path| path.symlink_metadata().is_err()).collect()
}

/// The URL, the folder, and whether the folder is the source.
fn sides(arguments: &MirrorArguments) -> anyhow::Result<(FtpUrl, &Path, bool)> {
    let wrong = |text: &str| anyhow::Error::from(Failure::Arguments(text.to_owned()));
    let is_url = |text: &str| text.contains("://");
    let (url, near, sends) = match (is_url(&arguments.from), is_url(&arguments.to)) {
        (true, false) => (&arguments.from, &arguments.to, false),
        (false, true) => (&arguments.to, &arguments.from, true),
        (true, true) => {
            return Err(wrong(
                "one of both must be a folder here: files are not copied from server to server",
            ));
        }
        (false, false) => return Err(wrong("one of both must be a URL, as ftp://host/folder/")),
    };
    let url = super::bookmarks::parse_url(url).map_err(|reason| wrong(&reason))?;
    if url.representation == Some(Representation::Ascii) {
        return Err(wrong("files are mirrored as they are: ;type=a cannot be"));
    }
    Ok((url, Path::new(near), sends))
}

/// Opens the folder here, and what earlier runs left to be known. A target that is missing is made, or in a dry run none.
fn settle(crew: &Crew, options: &MirrorOptions, near: &Path, url: &FtpUrl) -> anyhow::Result<()> {
    let (sends, dry_run) = (crew.settings.sends, crew.settings.dry_run);
    let root = if !sends && dry_run && !near.exists() {
        None
    } else {
        if !sends && !dry_run {
            let shown = || escape::terminal(&near.to_string_lossy());
            std::fs::create_dir_all(near)
                .with_context(|| format!("the folder {} cannot be made", shown()))?;
        }
        Some(Folder::open(near)?)
    };
    let state = open_state(options, root.as_ref(), url, sends, &crew.report.borrow())?;
    crew.state.replace(state);
    if let Some(root) = root {
        crew.root.get_or_init(|| root);
    }
    Ok(())
}

fn rules(options: &MirrorOptions, sends: bool) -> Rules {
    let compare = match options {
        MirrorOptions { size_only: true, .. } => Compare::Size,
        MirrorOptions { newer: true, .. } => Compare::Newer,
        MirrorOptions { checksum: true, .. } => Compare::Content,
        MirrorOptions { ignore_times: true, .. } => Compare::Nothing,
        _ => Compare::SizeAndTime,
    };
    Rules {
        compare,
        filter: options.filter.clone(),
        delete: options.delete,
        times: !options.no_times,
        modes: !options.no_perms,
        umask: if sends { 0 } else { near::umask() },
        names_here: !sends,
        folds_case: !sends && cfg!(any(windows, target_os = "macos")),
    }
}

fn settings(options: &MirrorOptions, sends: bool) -> Settings {
    let parallel = usize::from(options.parallel);
    Settings {
        sends,
        parallel,
        depth: usize::from(options.depth),
        dry_run: options.dry_run,
        verify: options.verify,
        follow_links: options.follow_links,
        max_delete: options.max_delete,
        retries: options.transfer.retries,
        pace: Pace::new(options.transfer.limit_rate),
    }
}

/// What earlier runs left to be known.
fn open_state(
    options: &MirrorOptions,
    root: Option<&Folder>,
    url: &FtpUrl,
    sends: bool,
    report: &Report,
) -> anyhow::Result<State> {
    let direction = if sends { "to" } else { "from" };
    let place = format!("{direction} {url}");
    let (folder, name) = match (&options.state, root) {
        (Some(path), _) => {
            let shown = || escape::terminal(&path.to_string_lossy());
            let name = path.file_name().and_then(|name| name.to_str());
            let name =
                name.ok_or_else(|| Failure::Arguments(format!("{} is no name for a file", shown())))?;
            let parent =
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let folder = Dir::open_ambient_dir(parent, ambient_authority());
            (folder.with_context(|| format!("{} cannot be written", shown()))?, name.to_owned())
        }
        (None, Some(root)) => (root.dir().try_clone()?, State::name_for(&place)),
        (None, None) => return Ok(State::none()),
    };
    let (state, problem) = State::open(folder, &name, &place);
    if let (Some(Problem::Foreign(reason)), Some(path)) = (&problem, &options.state) {
        let shown = escape::terminal(&path.to_string_lossy());
        let text = format!(
            "{shown} is no state file that could be written over: {reason}; name another, or remove it"
        );
        return Err(Failure::Arguments(text).into());
    }
    if let Some(problem) = problem {
        report.complain(&format!("the state file {} is ignored: {problem}", escape::terminal(&name)));
    }
    Ok(if options.dry_run { state.read_only() } else { state })
}

/// Sets the crew to work, and waits until all is done.
async fn mirror(crew: &Rc<Crew>, options: &MirrorOptions, near: &Path, url: &FtpUrl) -> anyhow::Result<()> {
    let seat = first(crew, options, url).await?;
    if options.checksum && seat.client.checksum_algorithm().is_none() {
        crew.close(&mut Some(seat)).await;
        let text =
            "the server offers no checksums (HASH, XCRC, XMD5, XSHA…), so that --checksum cannot compare";
        return Err(Failure::Arguments(text.into()).into());
    }
    // Not before: of a server that is not there nothing is left here.
    if let Err(error) = settle(crew, options, near, url) {
        crew.close(&mut Some(seat)).await;
        return Err(error);
    }
    let (is_there, seat) = (!crew.is_missing.get(), Some(seat));
    // What the folder itself has as its time is of no account.
    let root = FolderJob { path: Vec::new(), is_there, time: None, is_off: false, above: None };
    crew.add(Job::Folder(root));
    let mut last = work(crew, seat, crew.settings.parallel).await?;
    if let Err(trouble) = remove::in_the_end(crew, &mut last).await {
        crew.report.borrow_mut().fail(b"", trouble.to_string());
    }
    if !crew.queue.borrow().is_over() {
        last = work(crew, last, crew.settings.parallel).await?;
    }
    let sessions = dates::in_the_end(crew);
    if sessions > 0 {
        last = work(crew, last, sessions).await?;
    }
    crew.close(&mut last).await;
    let fatal = crew.fatal.borrow_mut().take();
    match fatal {
        Some(error) => Err(anyhow::Error::new(error)),
        None => Ok(()),
    }
}

/// Has so many sessions work until nothing is left to do, beginning with the one in `seat`; gives one back that is still open.
async fn work(crew: &Rc<Crew>, seat: Option<Seat>, sessions: usize) -> anyhow::Result<Option<Seat>> {
    let mut tasks = vec![tokio::task::spawn_local(Rc::clone(crew).work(seat))];
    for _ in 1..sessions {
        tasks.push(tokio::task::spawn_local(Rc::clone(crew).work(None)));
    }
    let mut last = None;
    for task in tasks {
        let mut seat = task.await?;
        if last.is_none() {
            last = seat.take();
        }
        crew.close(&mut seat).await;
    }
    Ok(last)
}

/// The first session. A server that was never there is not waited for, unless it is only full.
async fn first(crew: &Crew, options: &MirrorOptions, url: &FtpUrl) -> anyhow::Result<Seat> {
    let mut retry = Retry::new(options.transfer.retries, Duration::from_secs(1), Duration::from_secs(60));
    loop {
        let error = match crew.open().await {
            Ok(seat) => return Ok(seat),
            Err(error) => error,
        };
        let is_absent = error.is_before_login() && !error.is_too_many_sessions();
        let pause = if is_absent { None } else { retry.after(&error) };
        let Some(pause) = pause else {
            return Err(match error {
                Error::Refused { .. } => not_entered(url, &error, crew.settings.sends),
                error => failure(error),
            });
        };
        crew.report.borrow().complain(&format!("{error}; trying again in {} s", pause.as_secs()));
        tokio::time::sleep(pause).await;
    }
}

/// The server lets nobody into the directory that is mirrored.
fn not_entered(url: &FtpUrl, error: &Error, sends: bool) -> anyhow::Error {
    if sends {
        return anyhow!("{url} can be neither entered nor made: {error}");
    }
    let path = without_last_slash(&url.path);
    let above =
        path.iter().rposition(|&byte| byte == b'/').and_then(|at| path.get(..=at)).unwrap_or_default();
    let above = FtpUrl { path: above.to_vec(), is_directory: true, ..url.clone() };
    let reason = error.to_string();
    let reason = reason.trim_end_matches('.');
    anyhow!(
        "{url} is no directory that can be mirrored: {reason}; `ls {above}` lists what is there, and `get` fetches a file"
    )
}

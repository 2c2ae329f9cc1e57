//! Carries commands of the shell out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow};
use ftp_client::Client;
use ftp_client::session::Representation;
use ftp_client::url::FtpUrl;
use ftp_protocol::{Command as FtpCommand, Verb};

use super::Shell;
use super::command::{PlaceCommand, PutLine, ShellCommand};
use super::mirror;
use super::place::Place;
use super::words::Word;
use crate::arguments::client::{
    GetArguments, GetOptions, LsArguments, MkdirArguments, MvArguments, PutArguments,
};
use crate::client::change::Kinds;
use crate::client::screen::Screen;
use crate::client::sessions::without_last_slash;
use crate::client::{bookmarks, cat, change, failure, get, ls, pattern, put, raw};
use crate::outcome::{Failure, Outcome};
use crate::output::complain;
use crate::{escape, interrupt};

/// How long the session is looked at for a good-bye that came while nobody asked for anything.
const GLANCE: Duration = Duration::from_millis(1);

/// Carries a command out.
pub async fn perform(shell: &mut Shell<'_>, command: ShellCommand) -> anyhow::Result<Outcome> {
    match command {
        ShellCommand::Lcd { directory } => lcd(directory),
        ShellCommand::Lpwd => {
            say(&escape::terminal(&std::env::current_dir()?.to_string_lossy()))?;
            Ok(Outcome::Complete)
        }
        ShellCommand::Binary => Ok(represent(shell, Representation::Image)),
        ShellCommand::Ascii => Ok(represent(shell, Representation::Ascii)),
        ShellCommand::Open { url } => {
            let url = bookmarks::parse_url(&Word::from_parsed(&url).text()).map_err(Failure::Arguments)?;
            open(shell, url).await.map(|()| Outcome::Complete)
        }
        ShellCommand::User { name, password } => {
            let (user, password) = (text(&name), password.as_deref().map(text));
            let url = match &shell.tried {
                Some(url) => FtpUrl { user: Some(user), password, ..url.clone() },
                None => place(shell)?.as_user(user, password),
            };
            open(shell, url).await.map(|()| Outcome::Complete)
        }
        ShellCommand::Close => {
            shell.sessions.close().await;
            (shell.place, shell.tried) = (None, None);
            Ok(Outcome::Complete)
        }
        ShellCommand::Quit => Ok(Outcome::Complete),
        ShellCommand::AtPlace(command) => {
            refresh(shell).await?;
            at_the_place(shell, command).await
        }
    }
}

/// Connects to a server, and goes to the directory of the URL.
pub async fn open(shell: &mut Shell<'_>, url: FtpUrl) -> anyhow::Result<()> {
    shell.sessions.forget().await;
    (shell.place, shell.tried) = (None, Some(url.clone()));
    let client = shell.sessions.get(&url).await?;
    // A server that does not tell where it is can be used all the same.
    let home = client.working_directory().await.unwrap_or_default();
    let mut place = Place::new(url.clone(), home);
    if !url.path.is_empty() {
        let path = without_last_slash(&url.path);
        client.change_directory(path).await.map_err(failure)?;
        place.enter(client.working_directory().await.unwrap_or_else(|_| path.to_vec()));
    }
    (shell.place, shell.tried) = (Some(place), None);
    Ok(())
}

async fn at_the_place(shell: &mut Shell<'_>, command: PlaceCommand) -> anyhow::Result<Outcome> {
    let connection = || shell.connection.clone();
    let here = place(shell)?.clone();
    let representation = shell.representation;
    let urls =
        |names: &[String]| names.iter().map(|name| here.resolve(name, representation)).collect::<Vec<_>>();
    let sessions = &mut shell.sessions;
    match command {
        PlaceCommand::Ls { names, names_only, recursive, all, long } => {
            let urls = if names.is_empty() { vec![here.url()] } else { urls(&names) };
            let (connection, names) = (connection(), names_only);
            let arguments = LsArguments { urls, recursive, all, long, names, json: false, connection };
            ls::run(sessions, &arguments).await
        }
        PlaceCommand::Cd { directory } => cd(shell, here, directory.as_deref()).await,
        PlaceCommand::Pwd => {
            say(&escape::terminal_bytes(here.directory()))?;
            Ok(Outcome::Complete)
        }
        PlaceCommand::Get(line) => {
            let urls = urls(&line.names);
            let output = line.options.output.as_deref().map(local_path);
            if output.as_deref() == Some(Path::new("-")) {
                return show(shell, &urls).await;
            }
            let options = GetOptions { output, ..line.options };
            get::run(sessions, &GetArguments { urls, options, connection: connection() }).await
        }
        PlaceCommand::Put(PutLine { names, output, options }) => {
            let files = local_names(&names)?;
            let target = output.as_deref();
            let url = target.map_or_else(|| here.url(), |name| here.resolve_name(name, None));
            let url = FtpUrl { representation, ..url };
            let arguments = PutArguments { files_and_url: Vec::new(), options, connection: connection() };
            put::with(sessions, &files, &url, &arguments).await
        }
        PlaceCommand::Mirror(line) => mirror::run(shell, &here, &line).await,
        PlaceCommand::Rm { names, recursive: true } => change::remove_all(sessions, &urls(&names)).await,
        PlaceCommand::Rm { names, .. } => change::remove(sessions, &urls(&names), Kinds::Files).await,
        PlaceCommand::Rmdir { names } => change::remove(sessions, &urls(&names), Kinds::Directories).await,
        PlaceCommand::Mv { from, to } => {
            let url = |name: &str| here.resolve_name(name, None);
            let arguments = MvArguments { from: url(&from), to: url(&to), connection: connection() };
            change::rename(sessions, &arguments).await
        }
        PlaceCommand::Mkdir { names, parents } => {
            let urls = names.iter().map(|name| here.resolve_name(name, None)).collect();
            change::make_directories(sessions, &MkdirArguments { urls, parents, connection: connection() })
                .await
        }
        PlaceCommand::Cat { names } => show(shell, &urls(&names)).await,
        PlaceCommand::More { names } => more(shell, &urls(&names)).await,
        PlaceCommand::Size { names } => size(shell, &urls(&names)).await,
        PlaceCommand::Chmod { mode, names } => {
            let (mut commands, mut outcome) = (Vec::new(), Outcome::Complete);
            let beginning = format!("SITE CHMOD {} ", text(&mode));
            for url in urls(&names) {
                let found = sessions.expand(&url).await?;
                outcome = outcome.max(found.outcome);
                let command = |path: &[u8]| [beginning.as_bytes(), without_last_slash(path)].concat();
                commands.extend(found.names.iter().map(|(path, _)| command(path)));
            }
            Ok(outcome.max(raw::send(client(shell, &here).await?, &commands, true).await?))
        }
        PlaceCommand::Quote { words } => {
            let words: Vec<String> = words.iter().map(|word| text(word)).collect();
            raw::send(client(shell, &here).await?, &[words.join(" ").into_bytes()], false).await
        }
        PlaceCommand::Site { words } => {
            let words: Vec<String> = words.iter().map(|word| text(word)).collect();
            raw::send(client(shell, &here).await?, &[format!("SITE {}", words.join(" ")).into_bytes()], false)
                .await
        }
        PlaceCommand::Stat { name } => {
            let path = name.map(|name| here.path_of(&name));
            let command = FtpCommand::new(Verb::Stat, path.as_deref().map(without_last_slash));
            let command = command.encode().map_err(|error| anyhow!("{error}"))?;
            let command = command.strip_suffix(b"\r\n").unwrap_or(&command).to_vec();
            raw::send(client(shell, &here).await?, &[command], false).await
        }
    }
}

/// Notices that the server has ended the session while nobody asked for anything, as with 421: the next request makes a new one.
async fn refresh(shell: &mut Shell<'_>) -> anyhow::Result<()> {
    let url = place(shell)?.url();
    if let Some(client) = shell.sessions.open(&url) {
        let _ = tokio::time::timeout(GLANCE, client.keep_alive()).await;
        if client.is_closed() && !shell.connection.quiet {
            complain("the server has ended the session: connecting anew");
        }
    }
    Ok(())
}

/// A session whose working directory is that of the shell, for commands that go as they are.
async fn client<'b>(shell: &'b mut Shell<'_>, here: &Place) -> anyhow::Result<&'b mut Client> {
    let client = shell.sessions.get(&here.url()).await?;
    if !here.directory().is_empty() {
        client.change_directory(here.directory()).await.map_err(failure)?;
    }
    Ok(client)
}

fn place<'b>(shell: &'b Shell<'_>) -> anyhow::Result<&'b Place> {
    let none = || Failure::Arguments("there is no session: `open URL` begins one".to_owned());
    Ok(shell.place.as_ref().ok_or_else(none)?)
}

async fn cd(shell: &mut Shell<'_>, mut here: Place, directory: Option<&str>) -> anyhow::Result<Outcome> {
    let path = match directory {
        Some(name) => here.path_of(name),
        None => here.home().to_vec(),
    };
    let client = shell.sessions.get(&here.url()).await?;
    let path = without_last_slash(&path);
    client.change_directory(path).await.map_err(failure)?;
    here.enter(client.working_directory().await.unwrap_or_else(|_| path.to_vec()));
    shell.place = Some(here);
    Ok(Outcome::Complete)
}

async fn size(shell: &mut Shell<'_>, urls: &[FtpUrl]) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::Complete;
    for url in urls {
        let found = shell.sessions.expand(url).await?;
        outcome = outcome.max(found.outcome);
        for (path, listed) in found.names {
            let known = listed.and_then(|entry| entry.size);
            let shown = escape::terminal_bytes(&path);
            let told = match known {
                Some(size) => Ok(Some(size)),
                None => shell.sessions.get(url).await?.size(&path).await,
            };
            match told {
                Ok(Some(size)) => say(&format!("{size:>12} {shown}"))?,
                Ok(None) => say(&format!("{:>12} {shown}", "-"))?,
                Err(error) => outcome = outcome.max(crate::client::go_on(&shown, error)?),
            }
        }
    }
    Ok(outcome)
}

/// Shows files, so that a terminal obeys nothing in them.
async fn show(shell: &mut Shell<'_>, urls: &[FtpUrl]) -> anyhow::Result<Outcome> {
    let mut screen = Screen::default();
    let outcome = cat::with(&mut shell.sessions, urls, &mut screen).await;
    if shell.interactive {
        screen.end_line()?;
    }
    outcome
}

/// Shows files in the user's pager, or as `cat` does where nobody types.
async fn more(shell: &mut Shell<'_>, urls: &[FtpUrl]) -> anyhow::Result<Outcome> {
    if !shell.interactive {
        return show(shell, urls).await;
    }
    let mut file = tempfile::tempfile().context("there is no place for a temporary file")?;
    let outcome = cat::with(&mut shell.sessions, urls, &mut file).await?;
    if outcome != Outcome::Complete && file.metadata()?.len() == 0 {
        return Ok(outcome);
    }
    std::io::Seek::rewind(&mut file)?;
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let mut process = Command::new("sh");
    process.args(["-c", &pager]).stdin(Stdio::from(file));
    let run = interrupt::leave_to_child(|| process.status());
    run.with_context(|| format!("the pager {} cannot be run", escape::terminal(&pager)))?;
    Ok(outcome)
}

/// Has the system's shell run something.
pub fn system(command: &str) -> Outcome {
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let mut process = Command::new(&shell);
    if !command.is_empty() {
        process.args(["-c", command]);
    }
    match interrupt::leave_to_child(|| process.status()) {
        Ok(status) if status.success() => Outcome::Complete,
        Ok(_) => Outcome::Incomplete,
        Err(error) => {
            complain(&format!("{} cannot be run: {error}", escape::terminal(&shell.to_string_lossy())));
            Outcome::Incomplete
        }
    }
}

fn lcd(directory: Option<PathBuf>) -> anyhow::Result<Outcome> {
    let directory = match directory {
        Some(path) => local_path(&path),
        None => std::env::home_dir().context("there is no home directory")?,
    };
    let shown = escape::terminal(&directory.to_string_lossy());
    std::env::set_current_dir(&directory).with_context(|| format!("{shown} cannot be entered"))?;
    Ok(Outcome::Complete)
}

/// The files here that names mean; a pattern in the last part means those that match.
fn local_names(names: &[String]) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for name in names {
        let word = Word::from_parsed(name);
        let wanted = word.pattern();
        if !pattern::is_pattern(wanted.as_bytes()) {
            found.push(word.text());
            continue;
        }
        let (directory, last) =
            wanted.rsplit_once('/').map_or(("", wanted.as_str()), |(directory, last)| (directory, last));
        let folder = if wanted.starts_with('/') && directory.is_empty() { "/" } else { directory };
        let listed = std::fs::read_dir(if folder.is_empty() { Path::new(".") } else { Path::new(folder) });
        let shown = escape::terminal(&word.text());
        let listed = listed.with_context(|| format!("{shown}: the folder cannot be read"))?;
        let mut matching: Vec<String> = listed
            .filter_map(|entry| {
                entry.ok().filter(|entry| entry.path().is_file())?.file_name().into_string().ok()
            })
            .filter(|name| pattern::matches(last.as_bytes(), name.as_bytes()))
            .map(|name| Path::new(folder).join(name).to_string_lossy().into_owned())
            .collect();
        if matching.is_empty() {
            return Err(anyhow!("{shown}: nothing matches"));
        }
        matching.sort();
        found.extend(matching);
    }
    Ok(found)
}

fn represent(shell: &mut Shell<'_>, representation: Representation) -> Outcome {
    shell.representation = Some(representation);
    Outcome::Complete
}

/// A path here, as it was typed.
fn local_path(path: &Path) -> PathBuf {
    PathBuf::from(text(&path.to_string_lossy()))
}

fn text(word: &str) -> String {
    Word::from_parsed(word).text()
}

fn say(text: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}

//! What a user does, all of it in one session.

use std::io::Cursor;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::mirrored::there_and_back;
use crate::servers::{Ability, Kind};
use ftp_client::session::Representation;
use ftp_client::{Client, Connector, Entry, Error, Fetch, Note, Store, unwatched};

/// Names that servers and clients stumble over.
const ODD_NAMES: [&str; 8] =
    ["ünïcode 世界.txt", "two  spaces", "semi;colon=x", "quo\"te", "-dash", "100%", "a & b (c)", "#hash"];

/// Bytes of the large file, at least.
const LARGE: usize = 100 << 20;

/// Uploads and downloads of the same file: with all others over fifty transfers in one session, so that tickets of TLS must be renewed.
const MANY: usize = 16;

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 7 + at / 251) % 256).unwrap_or(0)).collect()
}

/// A session, and how to get another one if it ends: TLS 1.3's tickets may run out, and some servers do not outlive a reset.
pub struct Run<'a> {
    connector: &'a Connector,
    kind: Kind,
    client: Client,
    /// Data connections are being reset.
    resets: bool,
    /// How many there have been.
    sessions: usize,
    /// Those of sessions that have ended.
    notes: Vec<Note>,
}

/// Most sessions of a scenario.
pub const MOST_SESSIONS: usize = 4;

impl Run<'_> {
    /// Goes on in a new session if `error` says that this one is of no use; gives the error back otherwise.
    async fn go_on(&mut self, what: &str, error: Error) -> Result<(), String> {
        let is_due_to_reset = self.resets
            && match &error {
                Error::ConnectionClosed { .. } => !self.kind.can(Ability::OutlivesReset),
                Error::Refused { .. } | Error::TransferFailed { .. } => {
                    error.code() == Some(426) && !self.kind.can(Ability::AbortInOrder)
                }
                _ => false,
            };
        if !(error.is_reuse_of_tls_refused() || is_due_to_reset) || self.sessions == MOST_SESSIONS {
            return Err(format!("{what}: {error}"));
        }
        self.sessions += 1;
        let told = self.client.notes().to_vec();
        self.notes.extend(told);
        self.client = connect(self.connector, self.kind).await?;
        step("cwd", self.client.change_directory("odd ü").await)
    }
}

/// Connects and logs in, as often as the server needs for it.
async fn connect(connector: &Connector, kind: Kind) -> Result<Client, String> {
    for _ in 1..MOST_SESSIONS {
        match connector.connect().await {
            Err(Error::TlsFailed(_)) if !kind.can(Ability::TlsInOrder) => {}
            connected => return step("connect", connected),
        }
    }
    step("connect", connector.connect().await)
}

/// Plays everything; gives the session's notes, or what failed first.
pub async fn run(
    connector: &Connector,
    kind: Kind,
    certificate: &Path,
    large: bool,
) -> Result<Vec<Note>, String> {
    let client = connect(connector, kind).await?;
    let mut run = Run { connector, kind, client, resets: false, sessions: 1, notes: Vec::new() };
    let result = play(&mut run, kind, large).await;
    let mut notes = run.notes;
    notes.extend(run.client.notes().iter().cloned());
    result.map_err(|error| format!("{error}\n    notes: {notes:?}"))?;
    there_and_back(connector, kind, certificate, "mirrored")?;
    step("rmd", run.client.remove_directory("mirrored").await)?;
    step("quit", run.client.quit().await)?;
    Ok(notes)
}

async fn play(run: &mut Run<'_>, kind: Kind, large: bool) -> Result<(), String> {
    let home = step("pwd", run.client.working_directory().await)?;
    step("mkdir", run.client.make_directory("odd ü").await)?;
    step("cwd", run.client.change_directory("odd ü").await)?;
    names(run, kind).await?;
    if kind.can(Ability::Restart) {
        resuming(run).await?;
    } else {
        put(run, "half", &pattern(300_000)).await?;
    }
    if kind.can(Ability::UploadText) {
        text(run).await?;
    }
    let place = if kind.can(Ability::MlstHere) { "" } else { "/odd ü/" };
    changing(&mut run.client, place).await?;
    for number in 0..MANY {
        let bytes = pattern(1000 + number);
        put(run, "again", &bytes).await?;
        same(&format!("transfer {number}"), &get(run, "again").await?, &bytes)?;
    }
    if large {
        // A length that no buffer's is a multiple of.
        let bytes = pattern(65_521).repeat(LARGE / 65_521 + 1);
        put(run, "large", &bytes).await?;
        same("large file", &get(run, "large").await?, &bytes)?;
        step("dele", run.client.remove_file("large").await)?;
    }
    run.resets = true;
    cancelling(run).await?;
    if kind.can(Ability::Restart) {
        in_parts(run).await?;
    }
    run.resets = false;
    let left = list(run).await?;
    for entry in left {
        step("dele", run.client.remove_file(&entry.name).await)?;
    }
    step("cwd", run.client.change_directory(&home).await)?;
    step("rmd", run.client.remove_directory("odd ü").await)?;
    let left = step("list", run.client.list("").await)?;
    if left.is_empty() { Ok(()) } else { Err(format!("something is left: {left:?}")) }
}

/// Odd names, and files of no bytes.
async fn names(run: &mut Run<'_>, kind: Kind) -> Result<(), String> {
    let odd_names: Vec<&str> =
        ODD_NAMES.into_iter().filter(|name| kind.can(Ability::NamesInUtf8) || name.is_ascii()).collect();
    for (number, name) in odd_names.iter().enumerate() {
        put(run, name, &pattern(number)).await?;
    }
    let listed = list(run).await?;
    for (number, name) in odd_names.iter().enumerate() {
        let entry = listed.iter().find(|entry| entry.name == name.as_bytes());
        let entry = entry.ok_or_else(|| format!("{name} is not listed among {listed:?}"))?;
        if entry.size != Some(number as u64) {
            return Err(format!("{name} is listed with {:?} bytes, not {number}", entry.size));
        }
        same(name, &get(run, name).await?, &pattern(number))?;
    }
    if !kind.can(Ability::Nlst) {
        return Ok(());
    }
    let names = loop {
        match run.client.names("").await {
            Ok(names) => break names,
            Err(error) => run.go_on("nlst", error).await?,
        }
    };
    if names.len() == odd_names.len() { Ok(()) } else { Err(format!("NLST gives {names:?}")) }
}

/// Both ways from the middle of a file.
async fn resuming(run: &mut Run<'_>) -> Result<(), String> {
    let bytes = pattern(300_000);
    let in_place = Store { temporary_name: false, ..Store::default() };
    put_as(run, "half", &bytes[..100_000], in_place).await?;
    put_as(run, "half", &bytes, Store { offset: 100_000, ..in_place }).await?;
    same("resumed upload", &get(run, "half").await?, &bytes)?;
    let tail = get_as(run, "half", Fetch { offset: 200_000, ..Fetch::default() }).await?;
    same("resumed download", &tail, &bytes[200_000..])
}

/// TYPE A converts line ends, both ways.
async fn text(run: &mut Run<'_>) -> Result<(), String> {
    let lines = b"one\ntwo\n\nthree";
    put_as(run, "text", lines, Store { representation: Representation::Ascii, ..Store::default() }).await?;
    let how = Fetch { representation: Representation::Ascii, ..Fetch::default() };
    same("text", &get_as(run, "text", how).await?, lines)
}

/// `place` comes before what MLST is asked for.
async fn changing(client: &mut Client, place: &str) -> Result<(), String> {
    step("rename", client.rename("half", "whole").await)?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let set = step("mfmt", client.set_modified("whole", time).await)?;
    let told = step("mlst", client.metadata(&format!("{place}whole")).await)?;
    if told.size != Some(300_000) || (set && told.modified != Some(time)) {
        return Err(format!("the server tells {told:?} of the file, time set: {set}"));
    }
    match client.size("half").await {
        Err(Error::Refused { .. }) => {}
        other => return Err(format!("a file that was renamed still has a size: {other:?}")),
    }
    // libunftp says so behind its 150 only.
    match client.download("half", Fetch::default(), &mut Vec::new(), &mut unwatched).await {
        Err(Error::Refused { .. } | Error::TransferFailed { .. }) => Ok(()),
        other => Err(format!("a file that is not there is served: {other:?}")),
    }
}

/// A transfer that is ended early leaves a session that can be used.
async fn cancelling(run: &mut Run<'_>) -> Result<(), String> {
    put(run, "cancelled", &pattern(2_000_000)).await?;
    let mut sink = Vec::new();
    let mut stop = |_| std::ops::ControlFlow::Break(());
    match run.client.download("cancelled", Fetch::default(), &mut sink, &mut stop).await {
        Err(Error::Cancelled) => {}
        other => return Err(format!("ending a download gives {other:?}")),
    }
    while let Err(error) = run.client.size("cancelled").await {
        run.go_on("size after a cancelled transfer", error).await?;
    }
    // A download that is dropped in its middle.
    drop(run.client.retrieve("cancelled").await.map(|_| ()));
    same("after a dropped transfer", &get(run, "cancelled").await?, &pattern(2_000_000))
}

/// Parts of a file, as several sessions would fetch them: each ends where it has to, and the session can be used again.
async fn in_parts(run: &mut Run<'_>) -> Result<(), String> {
    let whole = pattern(2_000_000);
    for range in [0..700_000_u64, 700_000..1_400_000, 1_400_000..2_000_000] {
        let places = usize::try_from(range.start).unwrap_or(0)..usize::try_from(range.end).unwrap_or(0);
        let expected = whole.get(places).unwrap_or_default();
        let part = loop {
            let mut part = Vec::new();
            let size = whole.len() as u64;
            let got =
                run.client.download_range("cancelled", range.clone(), size, &mut part, &mut unwatched).await;
            match got {
                Ok(_) => break part,
                Err(error) => run.go_on(&format!("bytes {range:?}"), error).await?,
            }
        };
        same(&format!("bytes {range:?}"), &part, expected)?;
    }
    step("size after parts", run.client.size("cancelled").await).map(drop)
}

async fn put(run: &mut Run<'_>, name: &str, bytes: &[u8]) -> Result<(), String> {
    put_as(run, name, bytes, Store::default()).await
}

async fn put_as(run: &mut Run<'_>, name: &str, bytes: &[u8], how: Store) -> Result<(), String> {
    loop {
        let mut source = Cursor::new(bytes.to_vec());
        match run.client.upload(name, how, &mut source, &mut unwatched).await {
            Ok(_) => return Ok(()),
            Err(error) => run.go_on(&format!("put {name}"), error).await?,
        }
    }
}

async fn get(run: &mut Run<'_>, name: &str) -> Result<Vec<u8>, String> {
    get_as(run, name, Fetch::default()).await
}

async fn get_as(run: &mut Run<'_>, name: &str, how: Fetch) -> Result<Vec<u8>, String> {
    loop {
        let mut bytes = Vec::new();
        match run.client.download(name, how, &mut bytes, &mut unwatched).await {
            Ok(_) => return Ok(bytes),
            Err(error) => run.go_on(&format!("get {name}"), error).await?,
        }
    }
}

async fn list(run: &mut Run<'_>) -> Result<Vec<Entry>, String> {
    loop {
        match run.client.list("").await {
            Ok(entries) => return Ok(entries),
            Err(error) => run.go_on("list", error).await?,
        }
    }
}

fn step<T>(what: &str, result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| format!("{what}: {error}"))
}

fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {} bytes came, {} were awaited, and they differ", found.len(), expected.len()))
}

//! From this side to the server.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use ftp_client::{Error, Store};

use super::crew::{Crew, Seat, Trouble};
use super::dates;
use super::far;
use super::fetch::{compare, watch};
use super::folder;
use super::item::{Item, Kind, Stamp};
use super::near;
use super::plan::Reason;
use super::queue::{Batch, Begun, FileJob, Job};
use super::report::Event;
use super::state::Version;
use crate::client::local::{LocalFile, SUFFIX, WORTH_RESUMING};
use crate::client::throttle::Throttle;
use crate::client::verify::Verdict;

/// Of so many files in a folder each one's size is asked for; of more, the directory is listed again.
const ASKED_EACH: usize = 3;

/// What servers give new files that do not tell.
const USUAL_MODE: u32 = 0o644;

/// Does a job.
pub async fn carry_out(crew: &Crew, seat: &mut Seat, job: &mut Job) -> Result<(), Trouble> {
    match job {
        Job::Folder(job) => folder::carry_out(crew, seat, job).await,
        Job::File(job) => send(crew, seat, job).await,
        Job::Adjust { path, item, time, mode } => {
            let set = set_time(crew, seat, path, item.time.filter(|_| *time)).await?.unwrap_or(false);
            let set = set_mode(crew, seat, path, item.mode.filter(|_| *mode)).await? || set;
            if set {
                crew.report.borrow_mut().done(Event { action: "adjust", path, ..Event::default() });
            } else {
                crew.report.borrow_mut().keep();
            }
            Ok(())
        }
        Job::Check(batch) => check(crew, seat, batch).await,
        Job::Date { path, time } => dates::set_there(crew, seat, path, *time).await,
    }
}

/// A file of a batch is done, whatever became of it; the last one leaves the batch to be checked.
pub fn over(crew: &Crew, batch: &Rc<Batch>) {
    batch.open.set(batch.open.get().saturating_sub(1));
    if batch.open.get() == 0 && !batch.sent.borrow().is_empty() {
        crew.add(Job::Check(Rc::clone(batch)));
    }
}

async fn send(crew: &Crew, seat: &mut Seat, job: &mut FileJob) -> Result<(), Trouble> {
    let path = job.path();
    let started = Instant::now();
    let batch = Rc::clone(&job.batch);
    let folder = batch.folder.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let file = match crew.root.get() {
        Some(root) if crew.settings.follow_links => root.dir().open(near::path(&path))?,
        _ => folder.dir().open(near::path(&job.item.name))?,
    };
    // As it is now, which may be otherwise than when the folder was listed.
    let item = near::item(job.item.name.clone(), &file.metadata()?);
    let file = file.into_std();
    if item.kind != Kind::File {
        return Err(Trouble::Other("it is no file any more".into()));
    }
    if job.reason == Reason::Content
        && let Verdict::Same(_) = compare(crew, seat, &path, file.try_clone()?).await?
    {
        crew.report.borrow_mut().keep();
        over(crew, &batch);
        return Ok(());
    }
    job.item = item;
    let size = job.item.size.unwrap_or_default();
    let version = Version::new(size, job.item.time);
    let offset = offset(crew, seat, job, &path, version).await?;
    let Sent { transferred, timed, verified } = transfer(crew, seat, job, &file, &path, offset).await?;
    if let Some(mode) = job.item.mode.filter(|_| crew.rules.modes) {
        // What was written over has the mode that it had.
        let is_new = job.partial.is_none() && (!crew.in_place.get() || job.reason == Reason::Missing);
        if !is_new || !has_new_mode(crew, seat, &path, mode).await? {
            set_mode(crew, seat, &path, Some(mode)).await?;
        }
    }
    {
        let mut state = crew.state.borrow_mut();
        state.end(&path);
        match timed {
            Some(true) => state.forget(&path),
            _ => state.sent(&path, version, None),
        }
    }
    batch.sent.borrow_mut().push((job.item.name.clone(), size));
    crew.report.borrow_mut().done(Event {
        action: "put",
        path: &path,
        bytes: Some(size),
        transferred,
        resumed_from: offset,
        reason: Some(job.reason.word()),
        verified,
        seconds: started.elapsed().as_secs_f64(),
        ..Event::default()
    });
    over(crew, &batch);
    Ok(())
}

/// Where to go on: behind what an earlier try left, if that is surely of this version.
async fn offset(
    crew: &Crew,
    seat: &mut Seat,
    job: &FileJob,
    path: &[u8],
    version: Version,
) -> Result<u64, Trouble> {
    let features = seat.client.features();
    if job.from_start || features.is_known() && !features.can_restart() {
        return Ok(0);
    }
    let in_place = crew.in_place.get();
    let most = match job.begun {
        Some(begun) if (begun.version, begun.in_place) == (version, in_place) => begun.most,
        None if !in_place && crew.state.borrow().has_begun(path, version) => job.partial.unwrap_or_default(),
        // What stands there may be anything else.
        _ => return Ok(0),
    };
    let left = if job.tried {
        match seat.client.size(there(crew, path)).await {
            Ok(size) => size,
            Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => None,
            Err(error) => return Err(error.into()),
        }
    } else {
        Some(most)
    };
    Ok(left.filter(|&left| left <= most.min(version.size)).unwrap_or_default())
}

/// The name under which a file is sent.
fn there(crew: &Crew, path: &[u8]) -> Vec<u8> {
    if crew.in_place.get() { path.to_vec() } else { [path, SUFFIX.as_bytes()].concat() }
}

/// What came of a file that is sent.
struct Sent {
    /// Bytes that crossed.
    transferred: u64,
    /// Whether its time is set, if that is wished.
    timed: Option<bool>,
    /// The server's checksum is the same.
    verified: bool,
}

/// Sends, verifies, sets the time, and renames, so that the name is of a whole file of the right time or of none, and of the old one
/// until then.
async fn transfer(
    crew: &Crew,
    seat: &mut Seat,
    job: &mut FileJob,
    file: &File,
    path: &[u8],
    offset: u64,
) -> Result<Sent, Trouble> {
    let temporary = there(crew, path);
    let mut transferred = 0;
    let before = Instance::of(file)?;
    if offset == 0 || job.item.size != Some(offset) {
        transferred = upload(crew, seat, job, file, path, offset).await?;
    }
    if Instance::of(file)? != before {
        return Err(
            spoilt(crew, seat, path, "it changed while it was sent; the next run sends it again").await
        );
    }
    let mut verified = false;
    if crew.settings.verify {
        match compare(crew, seat, &temporary, file.try_clone()?).await? {
            Verdict::Same(_) => verified = true,
            Verdict::Unknown(_) => {}
            Verdict::Differs(_) => {
                let text = "the server's checksum is another one: what it has is not what was sent";
                return Err(spoilt(crew, seat, path, text).await);
            }
        }
    }
    let timed = set_time(crew, seat, &temporary, job.item.time).await?;
    let sent = Sent { transferred, timed, verified };
    if temporary == path {
        return Ok(sent);
    }
    if seat.client.publish(path).await? {
        return Ok(sent);
    }
    crew.in_place.set(true);
    Box::pin(transfer(crew, seat, job, file, path, 0)).await
}

/// A file as it is at a moment, to the precision of the file system.
#[derive(PartialEq, Eq)]
struct Instance {
    length: u64,
    modified: Option<SystemTime>,
}

impl Instance {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { length: metadata.len(), modified: metadata.modified().ok() })
    }
}

/// What the server got is of no use, for the reason in `text`: it is not resumed, and the next run does not take it for what is here even
/// if it stands under its own name.
async fn spoilt(crew: &Crew, seat: &mut Seat, path: &[u8], text: &str) -> Trouble {
    crew.state.borrow_mut().end(path);
    if crew.in_place.get() {
        crew.state.borrow_mut().forget(path);
        if crew.rules.times {
            // Its time is that of just now, and may be that of the file here.
            let _ = seat.client.set_modified(path, SystemTime::UNIX_EPOCH).await;
        }
    }
    Trouble::Other(text.into())
}

/// Sends content. Of which version the server's bytes are is written down when the first of them crosses, and not before: as long as
/// the server has not accepted the transfer it has what it had.
async fn upload(
    crew: &Crew,
    seat: &mut Seat,
    job: &mut FileJob,
    file: &File,
    path: &[u8],
    offset: u64,
) -> Result<u64, Trouble> {
    let version = Version::new(job.item.size.unwrap_or_default(), job.item.time);
    let (temporary, in_place) = (there(crew, path), crew.in_place.get());
    let is_one_version = offset > 0 || make_way(crew, seat, job, path).await?;
    let resumable = is_one_version && version.size >= WORTH_RESUMING;
    job.reached = job.reached.max(offset);
    let mut so_far = offset;
    let begun = Cell::new(false);
    let begin = || {
        begun.set(true);
        if resumable && !in_place {
            crew.state.borrow_mut().begin(path, version);
        }
    };
    let source = FirstTold { file, tell: Some(begin) };
    let mut source = Throttle::sharing(LocalFile(source), crew.settings.pace.clone());
    let how = Store { offset, temporary_name: false, ..Store::default() };
    let done = seat.client.upload(&temporary, how, &mut source, &mut watch(crew, &mut so_far)).await;
    if begun.get() {
        job.begun = Some(Begun { version, in_place, most: if resumable { so_far } else { 0 } });
    }
    if done.as_ref().is_err_and(Error::is_out_of_space) && job.reason != Reason::Missing && !in_place {
        // There may be room for one of both. What has come takes some as well, and is of no use before the other is gone.
        let _ = make_way(crew, seat, job, path).await;
    }
    Ok(done?)
}

/// Removes what would be taken for the beginning of a file that is sent anew, if the server drops what came of an upload that is cut and
/// keeps what it had. `false`: the server may have that still.
async fn make_way(crew: &Crew, seat: &mut Seat, job: &mut FileJob, path: &[u8]) -> Result<bool, Trouble> {
    crew.state.borrow_mut().end(path);
    let begun = job.begun.take();
    if crew.in_place.get() {
        return Ok(job.reason == Reason::Missing && begun.is_none_or(|begun| !begun.in_place));
    }
    if job.partial.is_none() && begun.is_none() {
        return Ok(true);
    }
    match seat.client.remove_file(there(crew, path)).await {
        Ok(()) => job.partial = None,
        Err(Error::Refused { .. }) => {
            job.partial = job.partial.or(Some(0));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    }
    Ok(true)
}

/// A file that tells when it is read first.
struct FirstTold<'a, F> {
    file: &'a File,
    tell: Option<F>,
}

impl<F: FnOnce()> Read for FirstTold<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(tell) = self.tell.take() {
            tell();
        }
        self.file.read(buffer)
    }
}

impl<F> Seek for FirstTold<'_, F> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Sets a file's time on the server; `None` if that is not wished, or `false` if the server cannot.
async fn set_time(
    crew: &Crew,
    seat: &mut Seat,
    path: &[u8],
    time: Option<Stamp>,
) -> Result<Option<bool>, Trouble> {
    let Some(time) = time.filter(|_| crew.rules.times).and_then(Stamp::to_time) else { return Ok(None) };
    let set = match seat.client.set_modified(path, time).await {
        Ok(set) => set,
        Err(Error::Refused { .. } | Error::Settings(_)) => {
            crew.note(
                "the times of some files could not be set: what was sent is remembered here instead".into(),
            );
            return Ok(Some(false));
        }
        Err(error) => return Err(error.into()),
    };
    if !set {
        crew.note("the server takes no times of files (MFMT, MDTM, SITE UTIME): what was sent is remembered here instead".into());
    }
    Ok(Some(set))
}

async fn set_mode(crew: &Crew, seat: &mut Seat, path: &[u8], mode: Option<u32>) -> Result<bool, Trouble> {
    let Some(mode) = mode else { return Ok(false) };
    let set = match seat.client.set_mode(path, mode).await {
        Ok(set) => set,
        Err(Error::Refused { .. }) => {
            crew.note("the server refused the modes of some files".into());
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    if !set {
        crew.note("the server takes no modes of files (SITE CHMOD)".into());
    }
    Ok(set)
}

/// Whether the new file at `path` has this mode already. Which mode the server gives a new file is learnt from the first, so that most
/// need no command for theirs; a server that tells none is taken to give the usual one.
async fn has_new_mode(crew: &Crew, seat: &mut Seat, path: &[u8], mode: u32) -> Result<bool, Trouble> {
    if crew.new_mode.get().is_none() {
        let told = told_mode(crew, seat, path).await?;
        crew.new_mode.set(Some(told.unwrap_or(USUAL_MODE)));
    }
    Ok(crew.new_mode.get() == Some(mode))
}

/// The mode that the server tells of a file: by MLST, or where that has none in the listing of its folder.
async fn told_mode(crew: &Crew, seat: &mut Seat, path: &[u8]) -> Result<Option<u32>, Trouble> {
    let facts = seat.client.features().parameters("MLST").map(str::to_ascii_lowercase);
    let told = match facts {
        Some(facts) if !facts.contains("unix.mode*") => return Ok(None),
        Some(_) => seat.client.metadata(path).await.map(|entry| Item::of_entry(entry, 0, 0).mode),
        None => {
            let (place, name) = near::split(path);
            let listed = far::list(crew, seat, place).await;
            listed.map(|listed| {
                listed.items.into_iter().find(|item| item.name == name).and_then(|item| item.mode)
            })
        }
    };
    match told {
        Ok(told) => Ok(told),
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Looks whether the server has as many bytes as were sent, of each file of a folder.
async fn check(crew: &Crew, seat: &mut Seat, batch: &Batch) -> Result<(), Trouble> {
    let sent = batch.sent.borrow().clone();
    let place = batch.place.strip_suffix(b"/").unwrap_or_default();
    let listed: Option<HashMap<Vec<u8>, Option<u64>>> = if sent.len() > ASKED_EACH {
        let items = far::list(crew, seat, place).await?.items;
        Some(items.into_iter().map(|item| (item.name, item.size)).collect())
    } else {
        None
    };
    for (name, size) in sent {
        let path = near::join(place, &name);
        let there = match &listed {
            Some(listed) => listed.get(&name).copied(),
            None => match seat.client.size(&path).await {
                Ok(there) => Some(there),
                Err(Error::Refused { .. }) => None,
                Err(Error::NotUnderstood { .. }) => Some(None),
                Err(error) => return Err(error.into()),
            },
        };
        match there {
            Some(Some(there)) if there != size => {
                let text = format!("{size} bytes were sent, and the server has {there}");
                crew.report.borrow_mut().take_back(&path, text);
                crew.state.borrow_mut().forget(&path);
            }
            // A name that the server writes otherwise than it was sent.
            None if listed.is_some() => crew.note(format!(
                "{} was sent, and the server lists no such name: it may change names",
                crate::escape::terminal_bytes(&path)
            )),
            None => {
                crew.report
                    .borrow_mut()
                    .take_back(&path, "it was sent, and the server does not have it".into());
                crew.state.borrow_mut().forget(&path);
            }
            _ => {}
        }
    }
    Ok(())
}

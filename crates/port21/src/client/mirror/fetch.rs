//! From the server to this side.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::time::Instant;

use ftp_client::{Error, Fetch, Progress};

use super::crew::{Crew, Seat, Trouble};
use super::item::{Item, Stamp};
use super::plan::Reason;
use super::queue::{FileJob, Job};
use super::report::Event;
use super::state::Version;
use super::{folder, near, send};
use crate::client::local::{Folder, Partial, WORTH_RESUMING};
use crate::client::throttle::Throttle;
use crate::client::verify::{self, Doubt, Verdict};

/// Does a job.
pub async fn carry_out(crew: &Crew, seat: &mut Seat, job: &mut Job) -> Result<(), Trouble> {
    match job {
        Job::Folder(job) => folder::carry_out(crew, seat, job).await,
        Job::File(job) => fetch(crew, seat, job).await,
        Job::Adjust { path, item, time, mode } => {
            adjust(crew, path, item, *time, *mode)?;
            crew.report.borrow_mut().done(Event { action: "adjust", path, ..Event::default() });
            Ok(())
        }
        Job::Check(_) | Job::Date { .. } => Ok(()),
    }
}

async fn fetch(crew: &Crew, seat: &mut Seat, job: &mut FileJob) -> Result<(), Trouble> {
    let path = job.path();
    let started = Instant::now();
    let name = String::from_utf8_lossy(&job.item.name).into_owned();
    if job.tried {
        look_again(seat, &path, job).await?;
    }
    let batch = std::rc::Rc::clone(&job.batch);
    let folder = batch.folder.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    if job.reason == Reason::Content {
        let file = folder.dir().open(&name)?.into_std();
        if let Verdict::Same(_) = compare(crew, seat, &path, file).await? {
            crew.report.borrow_mut().keep();
            send::over(crew, &batch);
            return Ok(());
        }
    }
    let (mut offset, mut again) = (offset(crew, seat, job, &path), false);
    loop {
        let (partial, resumed, transferred) = transfer(crew, seat, job, folder, &path, &name, offset).await?;
        let mut verified = false;
        if let Some(file) = folder.read_partial(&name).filter(|_| crew.settings.verify) {
            match compare(crew, seat, &path, file).await? {
                Verdict::Same(_) => verified = true,
                Verdict::Unknown(_) => {}
                Verdict::Differs(_) if again => {
                    let text =
                        "the checksum is not the server's, twice: what came is left as an unfinished file";
                    crew.state.borrow_mut().end(&path);
                    return Err(Trouble::Other(text.into()));
                }
                Verdict::Differs(_) => {
                    (offset, again) = (0, true);
                    continue;
                }
            }
        }
        // Most have the mode that new files have.
        let new_mode = 0o666 & !crew.rules.umask;
        let mode = job.item.mode.filter(|_| crew.rules.modes).map(|mode| mode & !crew.rules.umask);
        let mode = mode.filter(|&mode| mode != new_mode);
        let time = job.item.time.filter(|_| crew.rules.times).and_then(Stamp::to_time);
        partial.finish(time, mode)?;
        crew.state.borrow_mut().end(&path);
        crew.report.borrow_mut().done(Event {
            action: "get",
            path: &path,
            bytes: Some(resumed.saturating_add(transferred)),
            transferred,
            resumed_from: resumed,
            reason: Some(job.reason.word()),
            verified,
            seconds: started.elapsed().as_secs_f64(),
            ..Event::default()
        });
        send::over(crew, &batch);
        return Ok(());
    }
}

/// Fetches into the unfinished file; gives where it began, and the bytes that crossed.
async fn transfer<'a>(
    crew: &Crew,
    seat: &mut Seat,
    job: &mut FileJob,
    folder: &'a Folder,
    path: &[u8],
    name: &str,
    offset: u64,
) -> Result<(Partial<'a>, u64, u64), Trouble> {
    let partial = folder.partial(name, offset > 0)?;
    if offset == 0 {
        // It is empty now; before, it may have been of another version.
        crew.state.borrow_mut().end(path);
        if let Some(size) = job.item.size.filter(|&size| size >= WORTH_RESUMING) {
            crew.state.borrow_mut().begin(path, Version::new(size, job.item.time));
        }
    }
    if offset > 0 && job.item.size == Some(offset) {
        return Ok((partial, offset, 0));
    }
    let mut writer = Throttle::sharing(partial.writer(), crew.settings.pace.clone());
    let mut so_far = offset;
    let how = Fetch { offset, size: job.item.size, ..Fetch::default() };
    let done = seat.client.download(path, how, &mut writer, &mut watch(crew, &mut so_far)).await;
    job.reached = job.reached.max(so_far);
    Ok((partial, offset, done?))
}

/// Moves the bar as far as a transfer is, and `so_far` with it.
pub fn watch(crew: &Crew, so_far: &mut u64) -> impl FnMut(Progress) -> ControlFlow<()> + Send {
    let bar = crew.report.borrow().bar();
    move |progress| {
        bar.crossed(progress.bytes.saturating_sub(*so_far));
        *so_far = progress.bytes;
        ControlFlow::Continue(())
    }
}

/// Where to begin: behind what is here, if it is surely of this version.
fn offset(crew: &Crew, seat: &Seat, job: &FileJob, path: &[u8]) -> u64 {
    let cannot = job.from_start || seat.client.features().is_known() && !seat.client.features().can_restart();
    let Some((partial, size)) = job.partial.zip(job.item.size).filter(|_| !cannot) else { return 0 };
    let known = crew.state.borrow().has_begun(path, Version::new(size, job.item.time));
    if known && partial <= size { partial } else { 0 }
}

/// After a failure the listing may tell of a file that has changed since, and there may be more of it here.
async fn look_again(seat: &mut Seat, path: &[u8], job: &mut FileJob) -> Result<(), Trouble> {
    let name = String::from_utf8_lossy(&job.item.name).into_owned();
    job.partial =
        job.batch.folder.as_ref().and_then(|folder| folder.known_partial(&name)).map(|known| known.length);
    let told = match seat.client.metadata(path).await {
        Ok(entry) => Item::of_entry(entry.clone(), 0, 0),
        Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let same = job.item.size == told.size && job.item.time.zip(told.time).is_none_or(|(a, b)| a.may_be(b));
    if told.size.is_some() && !same {
        (job.item.size, job.item.time) = (told.size, told.time.or(job.item.time));
        job.partial = None;
    }
    Ok(())
}

/// Compares a file on the server with one here; what the server cannot tell is a note.
pub async fn compare(crew: &Crew, seat: &mut Seat, path: &[u8], file: File) -> Result<Verdict, Trouble> {
    let verdict = verify::compare(&mut seat.client, path, file).await?;
    match &verdict {
        Verdict::Unknown(Doubt::NoChecksums) => {
            crew.note("the server offers no checksums: transfers were verified by their sizes only".into());
        }
        Verdict::Unknown(Doubt::Refused(_)) => crew.note(
            "the server tells no checksums of some files, which were verified by their sizes only".into(),
        ),
        Verdict::Same(_) | Verdict::Differs(_) => {}
    }
    Ok(verdict)
}

/// Sets time and mode of a file here.
fn adjust(crew: &Crew, path: &[u8], item: &Item, time: bool, mode: bool) -> io::Result<()> {
    let Some(root) = crew.root.get() else { return Ok(()) };
    let file = root.dir().open(near::path(path))?.into_std();
    if let Some(time) = item.time.filter(|_| time).and_then(Stamp::to_time) {
        file.set_modified(time)?;
    }
    #[cfg(unix)]
    if let Some(mode) = item.mode.filter(|_| mode) {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(mode & !crew.rules.umask))?;
    }
    Ok(())
}

//! One folder: lists both sides, plans, and hands out what is to be done.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use ftp_client::Error;

use super::crew::{Crew, Seat, Trouble};
use super::dates;
use super::far::{self, Listed};
use super::item::{Item, Kind, Stamp};
use super::near::{self, join};
use super::plan::{Action, Reason, plan};
use super::queue::{Batch, FileJob, FolderJob, Job, Level, levels};
use super::remove::{self, Doomed};
use super::report::Event;
use super::state::Version;

/// As many folders above with the same content show that a folder holds itself. Those with a single entry may well be alike.
const SAME_ABOVE: usize = 2;

/// Lists, plans, and hands out.
pub async fn carry_out(crew: &Crew, seat: &mut Seat, job: &FolderJob) -> Result<(), Trouble> {
    let (source, target, level) = if crew.settings.sends {
        let source = near_list(crew, &job.path)?;
        let level = level_here(crew, job)?;
        if level.as_ref().is_some_and(|level| levels(&job.above).any(|above| above.hash == level.hash)) {
            skip(crew, &job.path, "links to folders above them");
            return Ok(());
        }
        (source, far_target(crew, seat, job).await?, level)
    } else {
        let mut listed = far::list(crew, seat, &job.path).await?;
        if let Some(problem) = repeats(&listed, job) {
            return Err(Trouble::Other(problem.into()));
        }
        if crew.settings.follow_links {
            follow(crew, seat, &job.path, &mut listed.items).await?;
        }
        if listed.is_partial {
            crew.unsure.set(true);
        }
        let level = Level { hash: listed.hash, above: job.above.clone() };
        (listed.items, near_target(crew, job)?, Some(Rc::new(level)))
    };
    let place = if job.path.is_empty() { Vec::new() } else { [&job.path, b"/".as_slice()].concat() };
    let known =
        |path: &[u8], new: &Item, old: &Item| crew.settings.sends && was_sent(crew, path, new, old.time);
    let actions = plan(&place, source, target, &crew.rules, &known);
    dates::later(crew, job, &actions);
    let folder = match crew.root.get() {
        Some(root) if !crew.settings.dry_run => Some(root.at(&near::path(&job.path))?),
        _ => None,
    };
    let batch = Rc::new(Batch { place, folder, open: Cell::new(0), sent: RefCell::default() });
    let mut actions = actions.into_iter();
    while let Some(action) = actions.next() {
        match action {
            Action::Clear(item) => {
                let path = join(&job.path, &item.name);
                if let Err(trouble) = remove::at_once(crew, seat, &path).await {
                    crew.report.borrow_mut().fail(&path, trouble.to_string());
                    // It needs the place.
                    actions.next();
                }
            }
            action => take(crew, action, &batch, &level, job),
        }
    }
    Ok(())
}

/// Whether this version was sent before to a server that takes no times; what time the server has is remembered when it is seen first.
fn was_sent(crew: &Crew, path: &[u8], new: &Item, there: Option<Stamp>) -> bool {
    let version = Version::new(new.size.unwrap_or_default(), new.time);
    let mut state = crew.state.borrow_mut();
    let was = state.was_sent(path, version, there);
    if was && state.lacks_time(path) && !crew.settings.dry_run {
        state.sent(path, version, there);
    }
    was
}

fn take(crew: &Crew, action: Action, batch: &Rc<Batch>, level: &Option<Rc<Level>>, job: &FolderJob) {
    let path = |name: &[u8]| join(&job.path, name);
    match action {
        Action::Enter { item, is_there, time } => {
            let (path, above) = (path(&item.name), level.clone());
            enter(crew, &item, FolderJob { path, is_there, time: item.time, is_off: time, above });
        }
        Action::Transfer { item, reason, partial } => {
            if let Some(job) = file_job(crew, item, reason, partial, batch) {
                crew.add(Job::File(job));
            }
        }
        Action::Follow { item, partial } => {
            let job = file_job(crew, item, Reason::Missing, partial, batch);
            crew.followers.borrow_mut().extend(job);
        }
        Action::Adjust { item, time, mode } => {
            let path = path(&item.name);
            if crew.settings.dry_run {
                crew.report.borrow_mut().done(Event { action: "adjust", path: &path, ..Event::default() });
            } else {
                crew.add(Job::Adjust { path, item, time, mode });
            }
        }
        Action::Delete(item) => {
            let doomed = Doomed { path: path(&item.name), is_folder: item.kind == Kind::Folder };
            remove::later(crew, doomed);
        }
        // Done before.
        Action::Clear(_) => {}
        Action::Keep => crew.report.borrow_mut().keep(),
        Action::Refuse { name, reason } => crew.report.borrow_mut().fail(&path(&name), reason),
        Action::Skip { name, reason } => skip(crew, &path(&name), reason),
    }
}

/// The job of a file; in a dry run it is only told.
fn file_job(
    crew: &Crew,
    item: Item,
    reason: Reason,
    partial: Option<u64>,
    batch: &Rc<Batch>,
) -> Option<FileJob> {
    let job = FileJob {
        item,
        reason,
        partial,
        batch: Rc::clone(batch),
        tried: false,
        begun: None,
        reached: 0,
        from_start: false,
    };
    if crew.settings.dry_run {
        let action = if crew.settings.sends { "put" } else { "get" };
        let (path, bytes, reason) = (job.path(), job.item.size, Some(reason.word()));
        crew.report.borrow_mut().done(Event { action, path: &path, bytes, reason, ..Event::default() });
        return None;
    }
    batch.open.set(batch.open.get().saturating_add(1));
    crew.report.borrow().awaits(job.item.size);
    Some(job)
}

/// Leaves something out; which kinds of things that were is told once in the end.
fn skip(crew: &Crew, path: &[u8], reason: &str) {
    crew.report.borrow_mut().skip(path, reason);
    crew.note(format!("left out: {reason}"));
}

/// Hands out a folder. One that is missing here is made at once; one on the server when somebody goes into it.
fn enter(crew: &Crew, item: &Item, job: FolderJob) {
    let path = &job.path;
    let depth = path.iter().filter(|&&byte| byte == b'/').count().saturating_add(2);
    if depth > crew.settings.depth {
        return skip(crew, path, "folders deeper than --depth");
    }
    if !job.is_there {
        if let Err(error) = make(crew, path, item) {
            crew.unsure.set(true);
            return crew.report.borrow_mut().fail(path, format!("the folder cannot be made: {error}"));
        }
        if crew.settings.dry_run || !crew.settings.sends {
            crew.report.borrow_mut().done(Event { action: "mkdir", path, ..Event::default() });
        }
    }
    crew.add(Job::Folder(job));
}

fn make(crew: &Crew, path: &[u8], item: &Item) -> io::Result<()> {
    let Some(root) = crew.root.get().filter(|_| !crew.settings.dry_run && !crew.settings.sends) else {
        return Ok(());
    };
    root.dir().create_dir(near::path(path))?;
    #[cfg(unix)]
    if let Some(mode) = item.mode.filter(|_| crew.rules.modes) {
        use cap_std::fs::{Permissions, PermissionsExt};
        // Whoever mirrors must be able to write there.
        let mode = (mode | 0o700) & !crew.rules.umask;
        root.dir().set_permissions(near::path(path), Permissions::from_mode(mode))?;
    }
    let _ = item;
    Ok(())
}

fn near_list(crew: &Crew, path: &[u8]) -> Result<Vec<Item>, Trouble> {
    let Some(root) = crew.root.get() else { return Ok(Vec::new()) };
    near::list(root, path, crew.settings.follow_links && crew.settings.sends)
        .map_err(|error| Trouble::Other(format!("the folder cannot be read: {error}")))
}

fn near_target(crew: &Crew, job: &FolderJob) -> Result<Vec<Item>, Trouble> {
    // In a dry run a folder that would be made is not there.
    if crew.settings.dry_run && !job.is_there { Ok(Vec::new()) } else { near_list(crew, &job.path) }
}

/// What the server has; a directory that is missing is made.
async fn far_target(crew: &Crew, seat: &mut Seat, job: &FolderJob) -> Result<Vec<Item>, Trouble> {
    if !job.is_there {
        if crew.settings.dry_run {
            return Ok(Vec::new());
        }
        match seat.client.make_directory(&job.path).await {
            Ok(()) => {
                crew.report.borrow_mut().done(Event { action: "mkdir", path: &job.path, ..Event::default() });
                return Ok(Vec::new());
            }
            // It may be there, though it was not listed.
            Err(refused @ Error::Refused { .. }) => {
                return match far::list(crew, seat, &job.path).await {
                    Ok(listed) => Ok(listed.items),
                    Err(Error::Refused { .. }) => Err(refused.into()),
                    Err(error) => Err(error.into()),
                };
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(far::list(crew, seat, &job.path).await?.items)
}

/// Which folder it is on this side, where links are followed and may lead to one above.
fn level_here(crew: &Crew, job: &FolderJob) -> io::Result<Option<Rc<Level>>> {
    let Some(root) = crew.root.get().filter(|_| crew.settings.follow_links) else { return Ok(None) };
    Ok(near::identity(root, &job.path)?.map(|hash| Rc::new(Level { hash, above: job.above.clone() })))
}

/// Why a directory seems to hold itself, if it does.
fn repeats(listed: &Listed, job: &FolderJob) -> Option<&'static str> {
    let has_folders = listed.items.iter().any(|item| item.kind == Kind::Folder);
    let same = levels(&job.above).filter(|level| level.hash == listed.hash).count();
    (has_folders && listed.items.len() > 1 && same >= SAME_ABOVE)
        .then_some("the directory seems to hold itself: it lists the same as those above it, again and again")
}

/// Makes of links what they lead to: a directory that can be gone into, or a file that has a size.
async fn follow(crew: &Crew, seat: &mut Seat, place: &[u8], items: &mut [Item]) -> Result<(), Trouble> {
    let links = items.iter_mut().filter(|item| item.kind == Kind::Link);
    for item in links {
        let path = join(place, &item.name);
        if crew.rules.filter.leaves_out(&path, false) && crew.rules.filter.leaves_out(&path, true) {
            continue;
        }
        let home = seat.client.working_directory().await?;
        match seat.client.change_directory(&path).await {
            Ok(()) => {
                if let Err(error) = seat.client.change_directory(&home).await {
                    // Every path would lead elsewhere from here.
                    let _ = seat.client.quit().await;
                    return Err(error.into());
                }
                // The time is the link's.
                (item.kind, item.time) = (Kind::Folder, None);
            }
            Err(Error::Refused { .. }) => match seat.client.metadata(&path).await {
                Ok(entry) => {
                    let target = Item::of_entry(entry, crew.east.get().unwrap_or_default(), 0);
                    *item = Item { name: std::mem::take(&mut item.name), kind: Kind::File, ..target };
                    if item.time.is_none()
                        && let Ok(time) = seat.client.modified(&path).await
                    {
                        item.time = time.map(Stamp::of);
                    }
                }
                Err(Error::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

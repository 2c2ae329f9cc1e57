//! Times of folders. Whatever is made, renamed or deleted in a folder changes its time, so that they are set in the end.

use super::crew::{Crew, Seat, Trouble};
use super::item::Stamp;
use super::near;
use super::plan::Action;
use super::queue::{FolderJob, Job};

/// Most folders whose times one run sets; the next run finds that the others have not theirs.
const MAXIMUM: usize = 100_000;

/// A further session is worth it for so many folders.
const WORTH_A_SESSION: usize = 32;

/// Remembers a folder for the end, if what is planned for it changes its time, or it has not the right one.
pub fn later(crew: &Crew, job: &FolderJob, actions: &[Action]) {
    let Some(time) = job.time.filter(|_| crew.rules.times && !crew.settings.dry_run) else { return };
    let changes = actions.iter().any(|action| match action {
        Action::Enter { is_there, .. } => !is_there,
        Action::Transfer { .. } | Action::Clear(_) | Action::Follow { .. } | Action::Delete(_) => true,
        Action::Adjust { .. } | Action::Keep | Action::Refuse { .. } | Action::Skip { .. } => false,
    });
    let mut dated = crew.dated.borrow_mut();
    if (changes || job.is_off) && dated.len() < MAXIMUM {
        dated.push((job.path.clone(), time));
    }
}

/// Sets the times of the folders here, or hands out those on the server; how many sessions these are worth.
pub fn in_the_end(crew: &Crew) -> usize {
    let dated = std::mem::take(&mut *crew.dated.borrow_mut());
    if crew.fatal.borrow().is_some() {
        return 0;
    }
    if !crew.settings.sends {
        dated.iter().for_each(|(path, time)| set_here(crew, path, *time));
        return 0;
    }
    let sessions = dated.len().div_ceil(WORTH_A_SESSION).min(crew.settings.parallel);
    dated.into_iter().for_each(|(path, time)| crew.add(Job::Date { path, time }));
    sessions
}

/// A file system that cannot keep it is no reason to fail.
fn set_here(crew: &Crew, path: &[u8], time: Stamp) {
    if let Some(root) = crew.root.get()
        && let Some(time) = time.to_time()
        // Opened as a file is; a directory is opened only to find what is beneath it.
        && let Ok(folder) = root.dir().open(near::path(path))
    {
        let _ = folder.into_std().set_modified(time);
    }
}

/// Sets the time of a folder on the server, unless that has refused the first one: many servers take times of files only.
pub async fn set_there(crew: &Crew, seat: &mut Seat, path: &[u8], time: Stamp) -> Result<(), Trouble> {
    if let Some(time) = time.to_time().filter(|_| crew.takes_dates.get() != Some(false)) {
        let set = seat.client.set_directory_modified(path, time).await?;
        crew.takes_dates.set(crew.takes_dates.get().or(Some(set)));
    }
    Ok(())
}

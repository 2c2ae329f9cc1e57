//! Deletions: found while folders are planned, done in the end, and only if all could be listed.

use std::collections::HashSet;

use ftp_client::Error;

use super::crew::{Crew, Seat, Trouble};
use super::far;
use super::item::{Item, Kind};
use super::near::{self, join};
use super::queue::Job;
use super::report::Event;
use super::send;

/// Most files and folders that one run deletes.
const MAXIMUM: usize = 100_000;

/// Something to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    pub path: Vec<u8>,
    pub is_folder: bool,
}

/// Remembers something for the end.
pub fn later(crew: &Crew, doomed: Doomed) {
    let mut all = crew.doomed.borrow_mut();
    if all.len() < MAXIMUM {
        all.push(doomed);
    } else {
        crew.note(format!("more than {MAXIMUM} things are to be deleted: the next run goes on"));
    }
}

/// Deletes something that stands in the way, and is no folder. It counts as what is deleted in the end does.
pub async fn at_once(crew: &Crew, seat: &mut Seat, path: &[u8]) -> Result<(), Trouble> {
    if let Some(most) = crew.settings.max_delete.filter(|&most| crew.cleared.get() >= most) {
        let text = format!("something of another kind stands in its place, and --max-delete is {most}");
        return Err(Trouble::Other(text));
    }
    crew.cleared.set(crew.cleared.get().saturating_add(1));
    delete_one(crew, seat, &Doomed { path: path.to_owned(), is_folder: false }).await.map_err(Trouble::from)
}

/// Deletes what was remembered, unless that is not safe, and hands out the files that take the places of deleted folders.
pub async fn in_the_end(crew: &Crew, seat: &mut Option<Seat>) -> Result<(), Trouble> {
    let ended = end(crew, seat).await;
    let gone = ended.as_ref().ok();
    for job in std::mem::take(&mut *crew.followers.borrow_mut()) {
        let path = job.path();
        if gone.is_some_and(|gone| gone.contains(&path)) {
            crew.add(Job::File(job));
        } else {
            let text = "a folder stands in its place, and was not deleted";
            crew.report.borrow_mut().fail(&path, text);
            send::over(crew, &job.batch);
        }
    }
    ended.map(drop)
}

/// Deletes what was remembered, unless that is not safe; gives the folders that are gone.
async fn end(crew: &Crew, seat: &mut Option<Seat>) -> Result<HashSet<Vec<u8>>, Trouble> {
    let doomed = std::mem::take(&mut *crew.doomed.borrow_mut());
    let nothing = Ok(HashSet::new());
    if doomed.is_empty() {
        return nothing;
    }
    if crew.unsure.get() || crew.fatal.borrow().is_some() {
        let text = "nothing was deleted, since not all that is to be mirrored could be listed";
        crew.report.borrow_mut().fail(b"", text);
        return nothing;
    }
    if seat.as_ref().is_none_or(|seat| seat.client.is_closed()) {
        crew.close(seat).await;
        *seat = Some(crew.open().await?);
    }
    let Some(seat) = seat else { return nothing };
    let all = expand(crew, seat, doomed).await?;
    let count = all.len().saturating_add(crew.cleared.get());
    if let Some(most) = crew.settings.max_delete
        && count > most
    {
        let text =
            format!("nothing was deleted: it would be {count} files and folders, and --max-delete is {most}");
        crew.report.borrow_mut().fail(b"", text);
        return nothing;
    }
    delete(crew, seat, all).await
}

/// All that is in what is to be deleted, each folder behind what it holds. What is left out of mirroring is kept, and so are the folders
/// above it.
async fn expand(crew: &Crew, seat: &mut Seat, roots: Vec<Doomed>) -> Result<Vec<Doomed>, Trouble> {
    let (mut waiting, mut found, mut kept) = (roots, Vec::new(), HashSet::new());
    while let Some(doomed) = waiting.pop() {
        if doomed.is_folder {
            let items = list(crew, seat, &doomed.path).await?;
            for item in items {
                let (path, is_folder) = (join(&doomed.path, &item.name), item.kind == Kind::Folder);
                // A name that leads elsewhere is not followed there.
                let is_safe =
                    !item.name.contains(&b'/') && !matches!(item.name.as_slice(), b"" | b"." | b"..");
                if is_safe && !crew.rules.filter.leaves_out(&path, is_folder) {
                    waiting.push(Doomed { path, is_folder });
                } else {
                    keep_above(&mut kept, &path);
                }
            }
        }
        found.push(doomed);
        if found.len().saturating_add(waiting.len()) > MAXIMUM {
            return Err(Trouble::Other(format!(
                "nothing was deleted: it would be more than {MAXIMUM} files and folders"
            )));
        }
    }
    found.reverse();
    found.retain(|doomed| !kept.contains(&doomed.path));
    Ok(found)
}

fn keep_above(kept: &mut HashSet<Vec<u8>>, path: &[u8]) {
    let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
    kept.extend(slashes.filter_map(|(at, _)| path.get(..at).map(<[u8]>::to_vec)));
}

async fn list(crew: &Crew, seat: &mut Seat, path: &[u8]) -> Result<Vec<Item>, Trouble> {
    if crew.settings.sends {
        return Ok(far::list(crew, seat, path).await?.items);
    }
    let Some(root) = crew.root.get() else { return Ok(Vec::new()) };
    Ok(near::list(root, path, false)?)
}

/// Deletes all that can be; gives the folders that are gone.
async fn delete(crew: &Crew, seat: &mut Seat, all: Vec<Doomed>) -> Result<HashSet<Vec<u8>>, Trouble> {
    let mut gone = HashSet::new();
    for doomed in all {
        match delete_one(crew, seat, &doomed).await {
            Ok(()) if doomed.is_folder => drop(gone.insert(doomed.path)),
            Ok(()) => {}
            Err(error @ (Error::Refused { .. } | Error::Local(_) | Error::Argument { .. })) => {
                crew.report.borrow_mut().fail(&doomed.path, error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(gone)
}

async fn delete_one(crew: &Crew, seat: &mut Seat, Doomed { path, is_folder }: &Doomed) -> Result<(), Error> {
    let client = &mut seat.client;
    match (crew.settings.sends, is_folder) {
        _ if crew.settings.dry_run => {}
        (true, true) => client.remove_directory(path).await?,
        (true, false) => client.remove_file(path).await?,
        (false, _) => here(crew, path, *is_folder)?,
    }
    crew.state.borrow_mut().forget(path);
    crew.report.borrow_mut().done(Event { action: "delete", path, ..Event::default() });
    Ok(())
}

fn here(crew: &Crew, path: &[u8], is_folder: bool) -> Result<(), Error> {
    let Some(root) = crew.root.get() else { return Ok(()) };
    let path = near::path(path);
    let removed = if is_folder { root.dir().remove_dir(path) } else { root.dir().remove_file(path) };
    removed.map_err(Error::Local)
}

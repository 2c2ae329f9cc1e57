//! Deletions: found while folders are planned, done in the end, and only if all could be listed.

use std::collections::HashSet;

use ftp_client::Error;

use super::crew::{Crew, Seat, Trouble};
use super::far;
use super::item::{Item, Kind};
use super::near::{self, join};
use super::report::Event;

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

/// Deletes something that stands in the way.
pub async fn at_once(crew: &Crew, seat: &mut Seat, doomed: Doomed) -> Result<(), Trouble> {
    let all = expand(crew, seat, vec![doomed]).await?;
    delete(crew, Some(seat), all).await
}

/// Deletes what was remembered, unless that is not safe.
pub async fn in_the_end(crew: &Crew, seat: &mut Option<Seat>) -> Result<(), Trouble> {
    let doomed = std::mem::take(&mut *crew.doomed.borrow_mut());
    if doomed.is_empty() {
        return Ok(());
    }
    if crew.unsure.get() || crew.fatal.borrow().is_some() {
        let text = "nothing was deleted, since not all that is to be mirrored could be listed";
        crew.report.borrow_mut().fail(b"", text);
        return Ok(());
    }
    if seat.as_ref().is_none_or(|seat| seat.client.is_closed()) {
        crew.close(seat).await;
        *seat = Some(crew.open().await?);
    }
    let Some(seat) = seat else { return Ok(()) };
    let all = expand(crew, seat, doomed).await?;
    if let Some(most) = crew.settings.max_delete
        && all.len() > most
    {
        let text = format!(
            "nothing was deleted: it would be {} files and folders, and --max-delete is {most}",
            all.len()
        );
        crew.report.borrow_mut().fail(b"", text);
        return Ok(());
    }
    delete(crew, Some(seat), all).await
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
    let Some(root) = &crew.root else { return Ok(Vec::new()) };
    Ok(near::list(root, path, false)?)
}

async fn delete(crew: &Crew, mut seat: Option<&mut Seat>, all: Vec<Doomed>) -> Result<(), Trouble> {
    for Doomed { path, is_folder } in all {
        let deleted = match &mut seat {
            _ if crew.settings.dry_run => Ok(()),
            Some(seat) if crew.settings.sends => {
                let client = &mut seat.client;
                if is_folder { client.remove_directory(&path).await } else { client.remove_file(&path).await }
            }
            _ => here(crew, &path, is_folder),
        };
        match deleted {
            Ok(()) => {
                crew.state.borrow_mut().forget(&path);
                crew.report.borrow_mut().done(Event { action: "delete", path: &path, ..Event::default() });
            }
            Err(error @ (Error::Refused { .. } | Error::Local(_) | Error::Argument { .. })) => {
                crew.report.borrow_mut().fail(&path, error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn here(crew: &Crew, path: &[u8], is_folder: bool) -> Result<(), Error> {
    let Some(root) = &crew.root else { return Ok(()) };
    let path = near::path(path);
    let removed = if is_folder { root.dir().remove_dir(path) } else { root.dir().remove_file(path) };
    removed.map_err(Error::Local)
}

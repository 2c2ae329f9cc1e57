//! The directory on the server: what it holds, by the server's clock or by UTC.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::SystemTime;

use ftp_client::{Client, Entry, Error};

use super::crew::{Crew, Seat};
use super::item::{Item, Kind, Stamp};
use super::near::join;

/// Files whose times are asked for, at most, to learn by how much the server's clock is off.
const PROBES: usize = 3;

/// Time zones differ by quarters of an hour.
const QUARTER: i64 = 900;

/// A directory.
pub struct Listed {
    pub items: Vec<Item>,
    /// Some of it could not be read, so that what is missing here may be there.
    pub is_partial: bool,
    /// What it holds, in a number.
    pub hash: u64,
}

/// Lists the directory at `path` from the root on.
pub async fn list(crew: &Crew, seat: &mut Seat, path: &[u8]) -> Result<Listed, Error> {
    let now = now();
    let (mut items, mut late) = (Vec::new(), Vec::new());
    let known = crew.east.get();
    let each = |entry: Entry| match (known, Item::is_by_servers_clock(&entry)) {
        (None, true) => late.push(entry),
        (east, _) => items.push(Item::of_entry(entry, east.unwrap_or_default(), now)),
    };
    let Seat { client, home } = seat;
    let scanned = client.scan(path, home.as_deref(), each).await?;
    if !late.is_empty() {
        let east = offset(client, path, &late, now).await?;
        if let Some(east) = east {
            crew.east.set(Some(east));
        }
        items.extend(late.into_iter().map(|entry| Item::of_entry(entry, east.unwrap_or_default(), now)));
    }
    if scanned.without_hidden {
        crew.note(
            "files whose names begin with a dot are not listed by this server, and so not mirrored".into(),
        );
    }
    let mut hasher = DefaultHasher::new();
    for item in &items {
        (&item.name, item.size, item.time.map(|time| time.start), item.kind == Kind::Folder)
            .hash(&mut hasher);
    }
    if !seat.client.features().has_machine_listings() {
        // Of folders only a time that is told to the second and in UTC is kept.
        let folders = items.iter_mut().filter(|item| item.kind == Kind::Folder);
        folders.for_each(|folder| folder.time = None);
    }
    Ok(Listed { items, is_partial: scanned.unread > 0 || scanned.without_hidden, hash: hasher.finish() })
}

/// By how many seconds the server's clock is ahead of UTC: what its listing says of a file, less what MDTM says (RFC 3659 section 2.3).
async fn offset(
    client: &mut Client,
    place: &[u8],
    entries: &[Entry],
    now: i64,
) -> Result<Option<i32>, Error> {
    let files = entries.iter().filter(|entry| entry.is_file());
    for entry in files.take(PROBES) {
        let told = match client.modified(join(place, &entry.name)).await {
            Ok(Some(told)) => told,
            Ok(None) => return Ok(Some(0)),
            Err(Error::Refused { .. } | Error::NotUnderstood { .. } | Error::Argument { .. }) => continue,
            Err(error) => return Err(error),
        };
        let listed = entry.line.date.and_then(|date| Stamp::of_listing(date, 0, now));
        if let Some(listed) = listed {
            let off = listed.start.saturating_sub(Stamp::of(told).start);
            let quarters = off.saturating_add(QUARTER / 2).div_euclid(QUARTER);
            return Ok(i32::try_from(quarters.saturating_mul(QUARTER))
                .ok()
                .filter(|off| off.abs() <= 26 * 3600));
        }
    }
    Ok(None)
}

/// Seconds since 1970.
fn now() -> i64 {
    Stamp::of(SystemTime::now()).start
}

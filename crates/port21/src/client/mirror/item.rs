//! What a folder holds, on either side, in the one form that is compared.

use std::time::{Duration, SystemTime};

use ftp_client::{Entry, EntryKind};
use ftp_protocol::listing::{Date, Zone};

/// A day, for listings that tell no time.
const DAY: u32 = 86_400;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    Other,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub name: Vec<u8>,
    pub kind: Kind,
    /// The size in bytes, if it is told.
    pub size: Option<u64>,
    /// When it changed last, if that is told.
    pub time: Option<Stamp>,
    /// The nine bits of `rwxrwxrwx`, if they are told.
    pub mode: Option<u32>,
}

/// A time as far as it is told: somewhere in the seconds from `start` on, as many as `width`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970-01-01 UTC.
    pub start: i64,
    /// 1 for a second, 60 for a minute, 86,400 for a day.
    pub width: u32,
}

impl Stamp {
    /// The second that holds a time of a file system.
    pub fn of(time: SystemTime) -> Self {
        let start = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let up = u64::from(before.subsec_nanos() > 0);
                i64::try_from(before.as_secs().saturating_add(up))
                    .map_or(i64::MIN, |seconds| seconds.saturating_neg())
            }
        };
        Self { start, width: 1 }
    }

    /// The time of a listing; `east` is by how many seconds the server's clock is ahead of UTC, `now` the time in seconds since 1970.
    pub fn of_listing(date: Date, east: i32, now: i64) -> Option<Self> {
        let width = match date.time {
            None => DAY,
            Some(time) if time.second.is_none() => 60,
            Some(_) => 1,
        };
        Some(Self { start: date.completed(now).seconds(east)?, width })
    }

    fn end(self) -> i64 {
        self.start.saturating_add(i64::from(self.width))
    }

    /// Whether both may be the same moment.
    pub fn may_be(self, other: Self) -> bool {
        self.start < other.end() && other.start < self.end()
    }

    /// Whether this is surely after the other.
    pub fn is_after(self, other: Self) -> bool {
        self.start >= other.end()
    }

    /// Its beginning, as file systems and the client take it.
    pub fn to_time(self) -> Option<SystemTime> {
        let distance = Duration::from_secs(self.start.unsigned_abs());
        if self.start < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        }
    }
}

impl Item {
    /// An entry of the server's listing. `east` and `now` as for [`Stamp::of_listing`].
    pub fn of_entry(entry: Entry, east: i32, now: i64) -> Self {
        let kind = match entry.kind {
            Some(EntryKind::File) | None => Kind::File,
            Some(EntryKind::Directory) => Kind::Folder,
            Some(EntryKind::Link) => Kind::Link,
            Some(EntryKind::Other) => Kind::Other,
        };
        let listed = entry.line.date.and_then(|date| Stamp::of_listing(date, east, now));
        let time = listed.or(entry.modified.map(Stamp::of));
        let mode = entry.line.permissions.as_deref().and_then(mode);
        Self { name: entry.name, kind, size: entry.size, time, mode }
    }

    /// Whether an entry's time is by the server's own clock.
    pub fn is_by_servers_clock(entry: &Entry) -> bool {
        entry.line.date.is_some_and(|date| date.zone == Zone::Server && date.time.is_some())
    }
}

/// The mode in `rwxr-xr-x` or in octal digits. The letters of "perm" (RFC 3659 section 7.5.5) say what this user may do, and are no mode;
/// and one that lets not even the owner read is none that a server means.
fn mode(text: &[u8]) -> Option<u32> {
    told_mode(text).filter(|mode| mode & 0o400 != 0)
}

fn told_mode(text: &[u8]) -> Option<u32> {
    if matches!(text.len(), 3..=5) && text.iter().all(|byte| matches!(byte, b'0'..=b'7')) {
        let text = std::str::from_utf8(text).ok()?;
        return u32::from_str_radix(text, 8).ok().map(|mode| mode & 0o777);
    }
    let letters = text.get(..9)?;
    let mut mode = 0;
    for (at, &letter) in letters.iter().enumerate() {
        let set = match (at % 3, letter) {
            (_, b'-') | (2, b'S' | b'T') => false,
            (0, b'r') | (1, b'w') | (2, b'x' | b's' | b't') => true,
            _ => return None,
        };
        mode = mode << 1 | u32::from(set);
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftp_protocol::listing::Time;

    #[test]
    fn modes_are_read_from_letters_and_digits() {
        for (text, expected) in [
            ("rwxr-xr-x", Some(0o755)),
            ("rw-r--r--", Some(0o644)),
            ("rwsr-Sr-t", Some(0o745)),
            ("rw-r--r--+", Some(0o644)),
            ("0640", Some(0o640)),
            ("100644", None),
            ("755", Some(0o755)),
            ("adfrw", None),
            ("el", None),
            ("---------", None),
            ("000", None),
            ("", None),
        ] {
            assert_eq!(mode(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn times_are_the_same_within_what_both_tell() {
        let stamp = |start, width| Stamp { start, width };
        assert!(stamp(120, 60).may_be(stamp(179, 1)));
        assert!(!stamp(120, 60).may_be(stamp(180, 1)) && stamp(180, 1).is_after(stamp(120, 60)));
        assert!(!stamp(120, 60).may_be(stamp(119, 1)) && stamp(120, 60).is_after(stamp(119, 1)));
        assert!(stamp(0, DAY).may_be(stamp(86_399, 1)) && !stamp(0, DAY).may_be(stamp(86_400, 60)));
        assert!(!stamp(130, 1).is_after(stamp(120, 60)));
    }

    #[test]
    fn listed_times_are_as_wide_as_they_are_told() {
        let date = Date::new(Some(1970), 1, 2).unwrap();
        let at = |time| Stamp::of_listing(Date { time, ..date }, 3600, 0).unwrap();
        assert_eq!(at(None), Stamp { start: 82_800, width: DAY });
        assert_eq!(at(Time::new(1, 0, None)), Stamp { start: 86_400, width: 60 });
        assert_eq!(at(Time::new(1, 0, Some(5))), Stamp { start: 86_405, width: 1 });
    }

    #[test]
    fn time_that_stands_in_no_listing_is_known_too() {
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(5));
        let line = ftp_protocol::listing::Entry::default();
        let entry = Entry { name: b"a".to_vec(), kind: None, size: Some(1), modified, line };
        assert_eq!(Item::of_entry(entry, 3600, 0).time, Some(Stamp { start: 5, width: 1 }));
    }

    #[test]
    fn times_before_1970_are_kept() {
        let time = SystemTime::UNIX_EPOCH - Duration::from_millis(1500);
        assert_eq!(Stamp::of(time).start, -2);
        assert_eq!(Stamp::of(Stamp { start: -2, width: 1 }.to_time().unwrap()).start, -2);
    }
}

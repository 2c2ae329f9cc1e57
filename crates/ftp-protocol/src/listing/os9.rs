//! Lines of OS-9, as `dir -e` writes them (Microware, Using Professional OS-9): group and user, date, time without a
//! colon, attributes, sector in hexadecimal digits, bytes, name:
//!
//! ```text
//!                            Directory of . 11:44:44
//!  Owner    Last modified  Attributes Sector Bytecount Name
//! -------   -------------  ---------- ------ --------- ----
//!   20.3    24/03/14 0926   d-ewrewr    2C8      2176 CMDS
//! ```

use super::stamp::{Order, Stamp};
use super::words::{Line, is_numeric_date, number};
use super::{Date, Entry, EntryKind, Time};

/// Reads a line; `None` if it is not of this form.
pub(super) fn parse(line: &Line<'_>) -> Option<Entry> {
    let [owner, date, time, attributes, sector, size, _, ..] = &*line.words else { return None };
    let mut people = owner.bytes.split(|&byte| byte == b'.');
    let (group, user) = (people.next()?, people.next()?);
    let is_set = attributes.bytes.len() == 8
        && attributes.bytes.iter().zip(b"dsewrewr").all(|(letter, known)| letter == known || *letter == b'-');
    let is_sector = !sector.bytes.is_empty() && sector.bytes.iter().all(u8::is_ascii_hexdigit);
    if number(group).is_none() || number(user).is_none() || people.next().is_some() || !is_set || !is_sector {
        return None;
    }
    let clock = number(time.bytes).filter(|_| time.bytes.len() == 4 && is_numeric_date(date.bytes))?;
    let directory = attributes.bytes.starts_with(b"d");
    let [hour, minute] =
        [clock.checked_div(100)?, clock.checked_rem(100)?].map(|part| u8::try_from(part).ok());
    // Four digits would be a year elsewhere.
    let date = Stamp::read(date.bytes)
        .date([Order::Year, Order::Month, Order::Day])
        .map(|date| Date { time: Time::new(hour.unwrap_or(99), minute.unwrap_or(99), None), ..date });
    Some(Entry {
        kind: Some(if directory { EntryKind::Directory } else { EntryKind::File }),
        size: Some(number(size.bytes)?).filter(|_| !directory),
        modified: line.span(1, 2).map(<[u8]>::to_vec),
        date,
        permissions: Some(attributes.bytes.to_vec()),
        owner: Some(user.to_vec()),
        group: Some(group.to_vec()),
        ..Entry::of_name(line.rest_after(5)?)
    })
}

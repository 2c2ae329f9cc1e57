//! A line of LIST, as `ls -l` writes it.

use std::io::Write as _;
use std::time::{Duration, SystemTime};

use super::time::civil;
use crate::store::{Entry, Kind, Metadata};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Half of a year of 365.2425 days, as `ls` has it: an older time is shown with its year in place of hour and minute.
const HALF_A_YEAR: Duration = Duration::from_secs(31_556_952 / 2);

/// Mode that is shown when the store knows none.
const USUAL_FILE_MODE: u32 = 0o644;

/// The same of a directory.
const USUAL_DIRECTORY_MODE: u32 = 0o755;

/// Appends the line of an entry, in UTC. `now` decides whether year or hour is shown.
pub fn write_long(out: &mut Vec<u8>, entry: &Entry, now: SystemTime) {
    let metadata = &entry.metadata;
    write_mode(out, metadata);
    // Writing into memory cannot fail.
    let _ = write!(out, " {:>3} ", metadata.links.unwrap_or(1));
    write_who(out, metadata.owner.as_deref());
    write_who(out, metadata.group.as_deref());
    let _ = write!(out, "{:>12} ", metadata.size);
    write_time(out, metadata.modified.unwrap_or(SystemTime::UNIX_EPOCH), now);
    out.extend_from_slice(&entry.name);
    if let (Kind::Link, Some(target)) = (metadata.kind, &metadata.target) {
        out.extend_from_slice(b" -> ");
        out.extend(target.iter().map(|&byte| if byte.is_ascii_control() { b'?' } else { byte }));
    }
    out.extend_from_slice(b"\r\n");
}

fn write_mode(out: &mut Vec<u8>, metadata: &Metadata) {
    let (letter, usual) = match metadata.kind {
        Kind::File => (b'-', USUAL_FILE_MODE),
        Kind::Directory => (b'd', USUAL_DIRECTORY_MODE),
        Kind::Link => (b'l', 0o777),
        Kind::Other => (b'p', USUAL_FILE_MODE),
    };
    let mode = metadata.mode.unwrap_or(usual);
    out.push(letter);
    for (shift, special, with, without) in
        [(6, 0o4000, b's', b'S'), (3, 0o2000, b's', b'S'), (0, 0o1000, b't', b'T')]
    {
        let bits = mode >> shift & 7;
        out.push(if bits & 4 != 0 { b'r' } else { b'-' });
        out.push(if bits & 2 != 0 { b'w' } else { b'-' });
        out.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => with,
            (true, false) => without,
            (false, true) => b'x',
            (false, false) => b'-',
        });
    }
}

/// A name with a space in it would move the columns behind it.
fn write_who(out: &mut Vec<u8>, name: Option<&str>) {
    let name = name.filter(|name| !name.is_empty()).unwrap_or("ftp");
    let clean = |byte: u8| if byte == b' ' || byte.is_ascii_control() { b'_' } else { byte };
    out.extend(name.bytes().map(clean));
    out.resize(out.len().saturating_add(9usize.saturating_sub(name.len()).max(1)), b' ');
}

fn write_time(out: &mut Vec<u8>, time: SystemTime, now: SystemTime) {
    let Some(civil) = civil(time) else {
        out.extend_from_slice(b"Jan  1  1970 ");
        return;
    };
    let month = usize::try_from(civil.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let _ = write!(out, "{} {:>2} ", month.unwrap_or(&"Jan"), civil.day());
    let recent = now.duration_since(time).is_ok_and(|age| age < HALF_A_YEAR);
    let _ = if recent {
        write!(out, "{:02}:{:02} ", civil.hour(), civil.minute())
    } else {
        write!(out, " {:04} ", civil.year())
    };
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::listing::plain;

    const MODIFIED: u64 = 951_827_696;

    fn line(metadata: Metadata, age: Duration) -> String {
        let modified = UNIX_EPOCH + Duration::from_secs(MODIFIED);
        let metadata = Metadata { modified: Some(modified), ..metadata };
        let mut out = Vec::new();
        write_long(&mut out, &Entry { name: b"a b".to_vec(), metadata }, modified + age);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_recent_file_has_hour_and_minute() {
        let metadata = Metadata {
            mode: Some(0o640),
            owner: Some("joe".into()),
            links: Some(2),
            ..plain(Kind::File, 1234)
        };
        assert_eq!(
            line(metadata, Duration::from_secs(60)),
            "-rw-r-----   2 joe      ftp              1234 Feb 29 12:34 a b\r\n"
        );
    }

    #[test]
    fn after_half_a_year_the_year_is_shown() {
        let day = Duration::from_secs(86_400);
        let of = |age: Duration| line(plain(Kind::File, 0), age);
        assert!(of(HALF_A_YEAR - day).contains("Feb 29 12:34"));
        assert!(of(HALF_A_YEAR).contains("Feb 29  2000"));
    }

    #[test]
    fn a_time_to_come_has_its_year() {
        let mut out = Vec::new();
        let modified = UNIX_EPOCH + Duration::from_secs(MODIFIED);
        let entry = Entry {
            name: b"a".to_vec(),
            metadata: Metadata { modified: Some(modified), ..plain(Kind::File, 0) },
        };
        write_long(&mut out, &entry, modified - Duration::from_secs(1));
        assert!(String::from_utf8(out).unwrap().contains("Feb 29  2000"));
    }

    #[test]
    fn kinds_and_special_bits_are_shown() {
        let mode =
            |kind, mode| line(Metadata { mode: Some(mode), ..plain(kind, 0) }, HALF_A_YEAR)[..10].to_owned();
        assert_eq!(mode(Kind::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(mode(Kind::File, 0o4755), "-rwsr-xr-x");
        assert_eq!(mode(Kind::File, 0o6644), "-rwSr-Sr--");
        let link = Metadata { target: Some(b"x\ny".to_vec()), ..plain(Kind::Link, 3) };
        assert!(line(link, HALF_A_YEAR).ends_with(" a b -> x?y\r\n"));
    }

    #[test]
    fn a_group_with_a_space_moves_no_column() {
        let metadata = Metadata { group: Some("domain users".into()), ..plain(Kind::File, 7) };
        assert!(line(metadata, HALF_A_YEAR).contains(" domain_users "));
    }

    #[test]
    fn our_own_reader_understands_it() {
        let text = line(plain(Kind::Directory, 4096), Duration::ZERO);
        let listing =
            ftp_protocol::listing::parse_listing(text.as_bytes(), Some(ftp_protocol::listing::Hint::List));
        assert_eq!(listing.entries.len(), 1);
        assert_eq!(listing.entries[0].name.as_deref(), Some(&b"a b"[..]));
    }
}

//! Times as FTP writes them: `YYYYMMDDHHMMSS[.fraction]` in UTC (RFC 3659 section 2.3).

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Reads a time; a fraction is cut to nanoseconds. `None` if it is none.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// let time = ftp_client::time::parse(b"19700102030405.25").unwrap();
/// assert_eq!(time.duration_since(SystemTime::UNIX_EPOCH).unwrap(), Duration::from_millis(97_445_250));
/// ```
pub fn parse(text: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    // Servers of 1999 wrote the year 2000 as 19100: 1900 and the years since.
    let (year, rest) = match whole.len() {
        15 if whole.starts_with("191") => {
            (whole.get(2..5)?.parse::<i16>().ok()?.checked_add(1900)?, whole.get(5..)?)
        }
        14 => (whole.get(..4)?.parse().ok()?, whole.get(4..)?),
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at.checked_add(2)?)?.parse::<i8>().ok();
    // A leap second is no time of a file system's.
    let second = two(8)?.min(59);
    let nanoseconds = if fraction.is_empty() {
        0
    } else if fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("{:0<9}", fraction.get(..9).unwrap_or(fraction)).parse().ok()?
    } else {
        return None;
    };
    let time = DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, second, nanoseconds).ok()?;
    let since = TimeZone::UTC.to_timestamp(time).ok()?.duration_since(Timestamp::UNIX_EPOCH);
    if since.is_negative() {
        return SystemTime::UNIX_EPOCH.checked_sub(since.unsigned_abs());
    }
    SystemTime::UNIX_EPOCH.checked_add(since.unsigned_abs())
}

/// Writes a time, without fraction. `None` outside of the years 0 to 9999.
pub fn format(time: SystemTime) -> Option<String> {
    let (before, since) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => (false, since),
        Err(before) => (true, before.duration()),
    };
    let since = SignedDuration::try_from(since).ok()?;
    let since = if before { since.checked_neg()? } else { since };
    let time = TimeZone::UTC.to_datetime(Timestamp::from_duration(since).ok()?);
    let (year, month, day) = (u16::try_from(time.year()).ok()?, time.month(), time.day());
    Some(format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", time.hour(), time.minute(), time.second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for text in ["20240229123456", "19700101000000", "19991231235959", "20380119031408"] {
            assert_eq!(format(parse(text.as_bytes()).unwrap()).unwrap(), text);
        }
        assert_eq!(parse(b"19100229123456"), None);
        assert_eq!(parse(b"191000229123456"), parse(b"20000229123456"));
        assert_eq!(parse(b"20240229123460"), parse(b"20240229123459"));
        for wrong in [
            "",
            "2024",
            "20241329123456",
            "20230229000000",
            "2024022912345x",
            "20240229123456.x",
            "é0240229123456",
        ] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}

//! Times as RFC 3659 section 2.3 writes them: `YYYYMMDDHHMMSS`, in UTC.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// Date and time in UTC; `None` outside of the years -9999 to 9999.
pub(super) fn civil(time: SystemTime) -> Option<DateTime> {
    Timestamp::try_from(time).ok().map(|time| Offset::UTC.to_datetime(time))
}

/// Writes a time; `None` outside of the years 1 to 9999, which have no four digits.
pub fn write(time: SystemTime) -> Option<String> {
    let civil = civil(time).filter(|civil| civil.year() > 0)?;
    let (date, clock) = (civil.date(), civil.time());
    Some(format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        date.year(),
        date.month(),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    ))
}

/// Reads a time, with or without a fraction of a second. A leap second is the one before it.
pub fn read(text: &[u8]) -> Option<SystemTime> {
    let (digits, fraction) = text.split_at_checked(14)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i16> {
        std::str::from_utf8(digits.get(from..to)?).ok()?.parse().ok()
    };
    let small = |from: usize, to: usize| -> Option<i8> { i8::try_from(number(from, to)?).ok() };
    let second = small(12, 14).filter(|second| *second <= 60)?.min(59);
    let civil = DateTime::new(
        number(0, 4)?,
        small(4, 6)?,
        small(6, 8)?,
        small(8, 10)?,
        small(10, 12)?,
        second,
        nanoseconds(fraction)?,
    )
    .ok()?;
    Offset::UTC.to_timestamp(civil).ok().and_then(|time| SystemTime::try_from(time).ok())
}

/// Of `.123` the part of a second; digits behind the ninth do not count.
fn nanoseconds(fraction: &[u8]) -> Option<i32> {
    if fraction.is_empty() {
        return Some(0);
    }
    let digits = fraction.strip_prefix(b".").filter(|digits| !digits.is_empty())?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(padded.fold(0i32, |value, &digit| value.saturating_mul(10).saturating_add(i32::from(digit & 15))))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn times_are_read_and_written_in_utc() {
        let time = UNIX_EPOCH + Duration::from_secs(951_827_696);
        assert_eq!(write(time).unwrap(), "20000229123456");
        assert_eq!(read(b"20000229123456"), Some(time));
        assert_eq!(read(b"20000229123456.25"), Some(time + Duration::from_millis(250)));
        assert_eq!(write(UNIX_EPOCH - Duration::from_secs(1)).unwrap(), "19691231235959");
        assert_eq!(read(b"20161231235960"), read(b"20161231235959"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2000022912345",
            "20000230000000",
            "20001301000000",
            "20000101240000",
            "20000101006000",
            "2000010100006x",
            "20000101000061",
            "20000101000000.",
            "20000101000000.x",
            "+2000101000000",
            "200001010000001",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}

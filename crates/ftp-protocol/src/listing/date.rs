//! Dates as a listing tells them: often without a year, mostly by the server's own clock.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::Offset;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Two 29ths of February are at most eight years apart (1896 and 1904).
const LONGEST_WAIT_FOR_LEAP_YEAR: i16 = 8;

/// A date with what is told of it. The day exists in its month; without a year, 29 February does too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date {
    /// The year, for example 2024. `None`: the listing leaves it out, as `ls -l` does within half a year.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// The time of the day, where it is told.
    pub time: Option<Time>,
    /// Whose clock this is.
    pub zone: Zone,
}

/// A time of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    /// 0 to 24; 24:00 is the midnight at the end of the day.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60, where it is told.
    pub second: Option<u8>,
    /// Billionths of a second, 0 where they are not told.
    pub nanosecond: u32,
}

/// Whose clock a date is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// UTC: facts of RFC 3659 section 2.3, and seconds since 1970.
    Utc,
    /// So many minutes east of UTC, as the line says.
    Offset(i16),
    /// The server's; where that is, no listing tells.
    Server,
}

impl Date {
    /// A date of the server's clock without a time. `None`: there is no such day.
    pub fn new(year: Option<i16>, month: u8, day: u8) -> Option<Self> {
        // Any leap year will do for a day of an unknown year.
        let (month_of, day_of) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        civil::Date::new(year.unwrap_or(2000), month_of, day_of).ok()?;
        Some(Self { year, month, day, time: None, zone: Zone::Server })
    }

    /// The date of so many seconds since 1970-01-01 in UTC.
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        let moment = Offset::UTC.to_datetime(Timestamp::from_second(seconds).ok()?);
        let unsigned = |number: i8| u8::try_from(number).ok();
        Some(Self {
            year: Some(moment.year()),
            month: unsigned(moment.month())?,
            day: unsigned(moment.day())?,
            time: Some(Time {
                hour: unsigned(moment.hour())?,
                minute: unsigned(moment.minute())?,
                second: unsigned(moment.second()),
                nanosecond: 0,
            }),
            zone: Zone::Utc,
        })
    }

    /// This date with a year. One that lacks it gets the latest year in which it is at most a day after `now`, in
    /// seconds since 1970-01-01 UTC: the day leaves room for time zones and for clocks that are wrong.
    #[must_use]
    pub fn completed(self, now: i64) -> Self {
        if self.year.is_some() {
            return self;
        }
        let latest = now.saturating_add(DAY);
        let Some(year) = Self::of_seconds(latest).and_then(|date| date.year) else { return self };
        (0..=LONGEST_WAIT_FOR_LEAP_YEAR)
            .map(|back| Self { year: year.checked_sub(back), ..self })
            .find(|date| date.seconds(0).is_some_and(|seconds| seconds <= latest))
            .unwrap_or(self)
    }

    /// Seconds since 1970-01-01 UTC, with midnight for a time that is not told. `east`: seconds by which the
    /// server's clock is ahead of UTC. `None`: the year is unknown, or beyond 9999.
    pub fn seconds(&self, east: i32) -> Option<i64> {
        let (month, day) = (i8::try_from(self.month).ok()?, i8::try_from(self.day).ok()?);
        let midnight = civil::Date::new(self.year?, month, day).ok()?.at(0, 0, 0, 0);
        let midnight = Offset::UTC.to_timestamp(midnight).ok()?.as_second();
        let east = match self.zone {
            Zone::Utc => 0,
            Zone::Offset(minutes) => i64::from(minutes).saturating_mul(60),
            Zone::Server => i64::from(east),
        };
        midnight.checked_add(self.time.map_or(0, Time::seconds))?.checked_sub(east)
    }
}

impl Time {
    /// A time of the day. `None`: no clock shows it.
    pub fn new(hour: u8, minute: u8, second: Option<u8>) -> Option<Self> {
        let shown = minute < 60 && second.is_none_or(|second| second <= 60);
        let end_of_day = hour == 24 && minute == 0 && second.unwrap_or(0) == 0;
        (shown && (hour < 24 || end_of_day)).then_some(Self { hour, minute, second, nanosecond: 0 })
    }

    /// Seconds since midnight.
    fn seconds(self) -> i64 {
        let minutes = i64::from(self.hour).saturating_mul(60).saturating_add(i64::from(self.minute));
        minutes.saturating_mul(60).saturating_add(i64::from(self.second.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Seconds of a date and time in UTC.
    fn at(year: i16, month: u8, day: u8, hour: u8, minute: u8) -> i64 {
        let date = Date { time: Time::new(hour, minute, None), ..Date::new(Some(year), month, day).unwrap() };
        date.seconds(0).unwrap()
    }

    fn year_of(month: u8, day: u8, time: (u8, u8), now: i64) -> Option<i16> {
        let date = Date { time: Time::new(time.0, time.1, None), ..Date::new(None, month, day).unwrap() };
        date.completed(now).year
    }

    #[test]
    fn year_is_the_latest_that_is_not_more_than_a_day_ahead() {
        let now = at(2024, 3, 14, 9, 26);
        assert_eq!(year_of(3, 14, (9, 26), now), Some(2024));
        assert_eq!(year_of(3, 15, (9, 26), now), Some(2024), "a day ahead is another zone");
        assert_eq!(year_of(3, 15, (9, 27), now), Some(2023), "more than a day ahead is last year");
        assert_eq!(year_of(12, 31, (23, 59), now), Some(2023));
        assert_eq!(year_of(1, 1, (0, 0), at(2023, 12, 31, 23, 0)), Some(2024), "over the turn of the year");
        assert_eq!(year_of(1, 2, (0, 0), at(2023, 12, 31, 23, 0)), Some(2023));
        assert_eq!(year_of(12, 31, (23, 59), at(2024, 1, 1, 0, 1)), Some(2023));
    }

    #[test]
    fn leap_day_is_in_the_last_leap_year() {
        assert_eq!(year_of(2, 29, (12, 0), at(2024, 3, 1, 0, 0)), Some(2024));
        assert_eq!(year_of(2, 29, (12, 0), at(2023, 3, 1, 0, 0)), Some(2020));
        assert_eq!(year_of(2, 29, (12, 0), at(2024, 2, 28, 13, 0)), Some(2024));
        assert_eq!(year_of(2, 29, (12, 0), at(2024, 2, 28, 11, 0)), Some(2020));
        assert_eq!(year_of(2, 29, (12, 0), at(2103, 6, 1, 0, 0)), Some(2096), "2100 is no leap year");
    }

    #[test]
    fn days_that_do_not_exist_are_none() {
        assert_eq!(Date::new(Some(2023), 2, 29), None);
        assert_eq!(Date::new(None, 2, 30), None);
        assert_eq!(Date::new(None, 13, 1), None);
        assert_eq!(Date::new(None, 4, 0), None);
        assert_eq!(Time::new(24, 1, None), None);
        assert_eq!(Time::new(9, 60, None), None);
        assert!(Time::new(24, 0, None).is_some());
    }

    #[test]
    fn zone_moves_the_moment() {
        let date = Date { time: Time::new(9, 26, Some(53)), ..Date::new(Some(2024), 3, 14).unwrap() };
        assert_eq!(date.seconds(0), Some(1_710_408_413));
        assert_eq!(date.seconds(3600), Some(1_710_408_413 - 3600));
        assert_eq!(Date { zone: Zone::Utc, ..date }.seconds(3600), Some(1_710_408_413));
        assert_eq!(Date { zone: Zone::Offset(-90), ..date }.seconds(3600), Some(1_710_408_413 + 5400));
        assert_eq!(Date { year: None, ..date }.seconds(0), None);
        let midnight = Date { time: Time::new(24, 0, None), ..date };
        assert_eq!(midnight.seconds(0), Some(at(2024, 3, 15, 0, 0)));
    }

    proptest! {
        #[test]
        fn seconds_come_back(seconds in -60_000_000_000_i64..200_000_000_000) {
            prop_assert_eq!(Date::of_seconds(seconds).unwrap().seconds(7200), Some(seconds));
        }

        #[test]
        fn completed_date_is_within_reach(month in 1u8..=12, day in 1u8..=31, now in 0i64..4_000_000_000) {
            let Some(date) = Date::new(None, month, day) else { return Ok(()) };
            let ahead = date.completed(now).seconds(0).unwrap() - now;
            let longest = if (month, day) == (2, 29) { 8 * 366 * DAY } else { 366 * DAY };
            prop_assert!(ahead <= DAY && ahead >= -longest);
        }

        #[test]
        fn nothing_overflows(now: i64, east: i32, year: i16, month: u8, day: u8) {
            let date = Date { year: None, month, day, time: None, zone: Zone::Server };
            let _ = date.completed(now);
            let _ = Date { year: Some(year), ..date }.seconds(east);
        }
    }
}

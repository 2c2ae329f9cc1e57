//! From the report's seconds, which count from the capture's first packet, to absolute times.

use port21_capture::Timestamp;

/// Knows when the capture began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    start: Timestamp,
}

impl Clock {
    /// Counts from the first packet.
    pub fn starting_at(start: Timestamp) -> Clock {
        Clock { start }
    }

    /// When the capture began.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The time `seconds` after the first packet, to the nanosecond for captures of up to 104 days.
    pub fn at(self, seconds: f64) -> Timestamp {
        Timestamp(self.start.0.saturating_add((seconds * 1e9).round() as i64))
    }
}

/// Year, month, day, hour, minute, second and nanosecond in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// Astronomical year.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999,999,999.
    pub nanosecond: u32,
}

impl Calendar {
    /// The proleptic Gregorian date and the time of day.
    pub fn of(time: Timestamp) -> Calendar {
        let seconds = time.0.div_euclid(1_000_000_000);
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Days since 0000-03-01: years that begin in March have their leap day at the end.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Calendar {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as u8,
            day: (of_year - (153 * march_month + 2) / 5 + 1) as u8,
            hour: (of_day / 3_600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
            nanosecond: time.0.rem_euclid(1_000_000_000) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(seconds: i64) -> (i64, u8, u8, u8, u8, u8) {
        let calendar = Calendar::of(Timestamp(seconds * 1_000_000_000));
        let Calendar { year, month, day, hour, minute, second, .. } = calendar;
        (year, month, day, hour, minute, second)
    }

    #[test]
    fn dates_that_are_known() {
        assert_eq!(date(0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(date(951_782_400), (2000, 2, 29, 0, 0, 0));
        assert_eq!(date(1_710_408_413), (2024, 3, 14, 9, 26, 53));
        assert_eq!(date(-1), (1969, 12, 31, 23, 59, 59));
        assert_eq!(date(4_107_542_400), (2100, 3, 1, 0, 0, 0));
    }

    #[test]
    fn seconds_count_from_the_first_packet() {
        let clock = Clock::starting_at(Timestamp(1_710_408_413_589_793_000));
        assert_eq!(clock.at(0.000_001), Timestamp(1_710_408_413_589_794_000));
        assert_eq!(clock.at(-1.0), Timestamp(1_710_408_412_589_793_000));
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for time in [i64::MIN, i64::MAX] {
            let calendar = Calendar::of(Timestamp(time));
            assert!((1..=12).contains(&calendar.month) && (1..=31).contains(&calendar.day));
        }
        assert_eq!(Clock::starting_at(Timestamp(i64::MAX)).at(1e300), Timestamp(i64::MAX));
    }
}

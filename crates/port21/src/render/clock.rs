//! From the report's seconds, which count from the capture's first packet, to absolute times.

use jiff::civil::DateTime;
use jiff::tz::Offset;
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

/// The date and the time of day in UTC.
pub fn calendar(time: Timestamp) -> DateTime {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.0)).unwrap_or_default();
    Offset::UTC.to_datetime(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(seconds: i64) -> (i16, i8, i8, i8, i8, i8) {
        let date = calendar(Timestamp(seconds * 1_000_000_000));
        (date.year(), date.month(), date.day(), date.hour(), date.minute(), date.second())
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
            assert!([1677, 2262].contains(&calendar(Timestamp(time)).year()));
        }
        assert_eq!(Clock::starting_at(Timestamp(i64::MAX)).at(1e300), Timestamp(i64::MAX));
    }
}

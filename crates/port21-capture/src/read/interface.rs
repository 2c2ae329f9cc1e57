//! The interfaces of a pcapng section, and how their clocks count.

use crate::packet::{LinkType, Timestamp};

/// What a pcapng Interface Description Block says that is needed to read packets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interface {
    pub(super) link_type: LinkType,
    /// Longest captured length in bytes; 0 is without limit.
    pub(super) snap_length: u32,
    pub(super) clock: Clock,
    /// Bytes of frame check sequence at the end of every frame (option if_fcslen).
    pub(super) check_sequence: u32,
}

/// The unit and the zero of an interface's time stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    resolution: Resolution,
    /// Seconds to add (option if_tsoffset).
    offset: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolution {
    /// A unit of this many nanoseconds.
    Nanoseconds(u64),
    /// 10 to the minus so many seconds, finer than a nanosecond.
    Decimal(u32),
    /// 2 to the minus so many seconds.
    Binary(u32),
}

impl Default for Clock {
    fn default() -> Self {
        Clock::new(6, 0)
    }
}

impl Clock {
    /// From the options if_tsresol (the most significant bit says powers of two) and if_tsoffset.
    pub(super) fn new(resolution: u8, offset: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let resolution = if resolution & 0x80 != 0 {
            Resolution::Binary(exponent)
        } else if let Some(unit) = 9_u32.checked_sub(exponent).map(|power| 10_u64.pow(power)) {
            Resolution::Nanoseconds(unit)
        } else {
            Resolution::Decimal(exponent)
        };
        Clock { resolution, offset }
    }

    /// The time that `units` after the clock's zero is; what lies outside `i64` is its end.
    #[inline]
    pub(super) fn time(self, units: u64) -> Timestamp {
        let nanoseconds = match self.resolution {
            Resolution::Nanoseconds(unit) => i128::from(units) * i128::from(unit),
            // 10 to the 29th and more than 64 binary digits leave nothing of any u64 of units.
            Resolution::Decimal(exponent) => {
                10_i128.checked_pow(exponent - 9).map_or(0, |parts| i128::from(units) / parts)
            }
            Resolution::Binary(exponent) => {
                (i128::from(units) * 1_000_000_000).checked_shr(exponent).unwrap_or(0)
            }
        };
        let shifted = nanoseconds + i128::from(self.offset) * 1_000_000_000;
        Timestamp(i64::try_from(shifted).unwrap_or(if shifted < 0 { i64::MIN } else { i64::MAX }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_the_default() {
        assert_eq!(Clock::default().time(1_000_001), Timestamp(1_000_001_000));
    }

    #[test]
    fn decimal_resolutions_from_seconds_to_attoseconds() {
        assert_eq!(Clock::new(0, 0).time(5), Timestamp(5_000_000_000));
        assert_eq!(Clock::new(9, 0).time(5), Timestamp(5));
        assert_eq!(Clock::new(12, 0).time(5_999), Timestamp(5));
        assert_eq!(Clock::new(127, 0).time(u64::MAX), Timestamp(0));
    }

    #[test]
    fn binary_resolutions() {
        assert_eq!(Clock::new(0x80 | 10, 0).time(1024 + 512), Timestamp(1_500_000_000));
        assert_eq!(Clock::new(0x80, 0).time(2), Timestamp(2_000_000_000));
        assert_eq!(Clock::new(0xff, 0).time(u64::MAX), Timestamp(0));
    }

    #[test]
    fn offsets_may_be_negative_and_never_overflow() {
        assert_eq!(Clock::new(9, -1).time(1_000_000_001), Timestamp(1));
        assert_eq!(Clock::new(0, i64::MAX).time(u64::MAX), Timestamp(i64::MAX));
        assert_eq!(Clock::new(0, i64::MIN).time(0), Timestamp(i64::MIN));
    }
}

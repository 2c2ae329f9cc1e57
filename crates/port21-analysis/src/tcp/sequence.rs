//! Sequence numbers: a 32-bit circle, and the way from it to 64-bit stream offsets.

/// A TCP sequence or acknowledgment number. All its arithmetic is modulo 2^32 (RFC 9293, section 3.4) and cannot panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SequenceNumber(pub u32);

impl SequenceNumber {
    /// The number `count` places further on.
    pub fn advance(self, count: u32) -> SequenceNumber {
        SequenceNumber(self.0.wrapping_add(count))
    }

    /// The number `count` places back.
    pub fn back(self, count: u32) -> SequenceNumber {
        SequenceNumber(self.0.wrapping_sub(count))
    }

    /// Steps from `other` to `self` on the shorter way round: negative where `self` comes before `other`.
    pub fn distance(self, other: SequenceNumber) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }

    /// Whether `self` comes before `other` (RFC 9293's `<`).
    pub fn is_before(self, other: SequenceNumber) -> bool {
        self.distance(other) < 0
    }

    /// Whether `self` comes after `other` (RFC 9293's `>`).
    pub fn is_after(self, other: SequenceNumber) -> bool {
        self.distance(other) > 0
    }

    /// The offset of `self` in a stream whose byte 0 is numbered `origin`: of all offsets with this number the one
    /// nearest to `near`. Negative where `self` stands before the stream's start.
    pub fn offset(self, origin: SequenceNumber, near: u64) -> i64 {
        let distance = self.0.wrapping_sub(origin.0).wrapping_sub(near as u32) as i32;
        i64::try_from(near).unwrap_or(i64::MAX).saturating_add(i64::from(distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_goes_round_zero() {
        let (last, first) = (SequenceNumber(u32::MAX), SequenceNumber(2));
        assert!(last.is_before(first) && first.is_after(last));
        assert_eq!(first.distance(last), 3);
        assert!(!last.is_before(last) && !last.is_after(last));
    }

    #[test]
    fn offset_follows_the_stream_past_four_gibibytes() {
        let origin = SequenceNumber(u32::MAX - 9);
        assert_eq!(SequenceNumber(0).offset(origin, 0), 10);
        assert_eq!(SequenceNumber(0).offset(origin, 5 << 32), (5 << 32) + 10);
        assert_eq!(origin.offset(origin, (1 << 32) - 1), 1 << 32);
    }

    #[test]
    fn number_before_the_start_has_a_negative_offset() {
        assert_eq!(SequenceNumber(7).offset(SequenceNumber(10), 0), -3);
    }

    #[test]
    fn arithmetic_at_the_ends_does_not_panic() {
        assert_eq!(SequenceNumber(u32::MAX).advance(1), SequenceNumber(0));
        assert_eq!(SequenceNumber(0).back(1), SequenceNumber(u32::MAX));
        assert!(SequenceNumber(0).offset(SequenceNumber(1), u64::MAX) > 0);
    }
}

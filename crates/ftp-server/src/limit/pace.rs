//! Whether a transfer goes as fast as it has to: a client that sends a byte from time to time holds a connection as well as one that
//! sends nothing.

use std::time::Duration;

/// Watches one transfer. Only the time counts in which the server waited for the client.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Bytes a second; 0 is any.
    least: u64,
    /// Waiting time over which the rate is an average.
    window: Duration,
    waited: Duration,
    moved: u64,
}

impl Pace {
    /// At least `least` bytes a second, on average over each `window` of waiting. 0 lets transfers be as slow as they like.
    pub fn new(least: u64, window: Duration) -> Self {
        Self { least, window, waited: Duration::ZERO, moved: 0 }
    }

    /// The server has waited for the client.
    pub fn wait(&mut self, time: Duration) {
        self.waited = self.waited.saturating_add(time);
    }

    /// Bytes have crossed. Tells whether that is still fast enough.
    pub fn keeps_up(&mut self, bytes: u64) -> bool {
        self.moved = self.moved.saturating_add(bytes);
        if self.waited < self.window {
            return true;
        }
        let millisecond_bytes = u128::from(self.least).saturating_mul(self.waited.as_millis());
        let keeps_up = u128::from(self.moved).saturating_mul(1000) >= millisecond_bytes;
        (self.waited, self.moved) = (Duration::ZERO, 0);
        keeps_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Whether a transfer lasts in which `bytes` cross after each wait of `time`.
    fn lasts(least: u64, time: Duration, bytes: u64) -> bool {
        let mut pace = Pace::new(least, MINUTE);
        (0..1000).all(|_| {
            pace.wait(time);
            pace.keeps_up(bytes)
        })
    }

    #[test]
    fn a_byte_a_second_is_too_slow_and_a_modem_is_not() {
        assert!(!lasts(16, Duration::from_secs(1), 1));
        assert!(lasts(16, Duration::from_secs(1), 16));
        assert!(
            lasts(16, Duration::from_secs(59), 1460),
            "one segment each time the silence is almost too long"
        );
        assert!(!lasts(16, Duration::from_secs(59), 900));
    }

    #[test]
    fn a_burst_does_not_pay_for_what_comes_much_later() {
        let mut pace = Pace::new(16, MINUTE);
        assert!(pace.keeps_up(1 << 30));
        pace.wait(MINUTE);
        assert!(pace.keeps_up(1));
        pace.wait(MINUTE);
        assert!(!pace.keeps_up(1));
    }

    #[test]
    fn time_in_which_the_client_is_not_waited_for_does_not_count() {
        let mut pace = Pace::new(u64::MAX, MINUTE);
        assert!((0..1_000_000).all(|_| pace.keeps_up(1)));
    }

    #[test]
    fn without_a_least_rate_nothing_is_too_slow() {
        assert!(lasts(0, MINUTE, 0));
    }
}

//! How often, and after which pauses, something is tried again.

use std::time::Duration;

use crate::error::Error;

/// Pauses that grow from one try to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often something is tried again in a row without any progress.
    pub most: u32,
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    failures: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self::new(5, Duration::from_secs(1), Duration::from_secs(60))
    }
}

impl Retry {
    /// At most `most` tries more, after pauses from `first` to `longest`.
    pub fn new(most: u32, first: Duration, longest: Duration) -> Self {
        Self { most, first, longest, failures: 0 }
    }

    /// The pause before the next try; `None` if there is to be none, since the error will not pass or there were enough.
    pub fn after(&mut self, error: &Error) -> Option<Duration> {
        if !error.is_transient() || self.failures >= self.most {
            return None;
        }
        let pause = self.first.saturating_mul(2u32.saturating_pow(self.failures)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        // A server that is full is not asked again at once.
        Some(if error.is_too_many_sessions() { pause.saturating_mul(4).min(self.longest) } else { pause })
    }

    /// Something went well: the pauses begin anew.
    pub fn progressed(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut retry = Retry::new(4, Duration::from_secs(1), Duration::from_secs(5));
        let error = Error::ConnectionClosed { command: None, reason: None };
        let pauses: Vec<_> = (0..6).map(|_| retry.after(&error).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(4), Some(5), None, None]);
        retry.progressed();
        assert_eq!(retry.after(&error), Some(Duration::from_secs(1)));
        assert_eq!(retry.after(&Error::PlaintextBehindTls(1)), None);
    }
}

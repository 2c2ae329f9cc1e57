//! How often one source may connect.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Source;
use super::table::Table;

/// Sources that are remembered; more make the server forget those that were silent longest.
const MOST_SOURCES: usize = 1 << 16;

/// How often one source may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcceptPolicy {
    /// New connections that may come at once.
    pub burst: u32,
    /// Time after which one more may come.
    pub interval: Duration,
}

impl AcceptPolicy {
    /// As often as it likes.
    pub const UNLIMITED: Self = Self { burst: u32::MAX, interval: Duration::ZERO };
}

impl Default for AcceptPolicy {
    /// 100 at once, then 20 a second.
    fn default() -> Self {
        Self { burst: 100, interval: Duration::from_millis(50) }
    }
}

/// A token bucket for each source: it holds [`AcceptPolicy::burst`] tokens, and gains one each interval.
#[derive(Debug)]
pub struct AcceptRate {
    policy: AcceptPolicy,
    /// When each source's bucket is full again.
    full_at: Mutex<Table<Source, Instant>>,
}

impl AcceptRate {
    /// None has connected yet.
    pub fn new(policy: AcceptPolicy) -> Self {
        Self { policy, full_at: Mutex::new(Table::new(MOST_SOURCES)) }
    }

    /// Whether a connection of `address` that comes at `now` is taken. One that is refused does not count.
    pub fn admit(&self, now: Instant, address: IpAddr) -> bool {
        let mut table = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = table.entry(Source::from(address), || now);
        let start = (*full_at).max(now);
        let next = start.checked_add(self.policy.interval).unwrap_or(start);
        let admitted = next - now <= self.policy.interval.saturating_mul(self.policy.burst);
        if admitted {
            *full_at = next;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_then_one_each_interval() {
        let rate = AcceptRate::new(AcceptPolicy { burst: 3, interval: Duration::from_secs(1) });
        let start = Instant::now();
        let source: IpAddr = "192.0.2.1".parse().unwrap();
        let taken = |after: u64| rate.admit(start + Duration::from_millis(after), source);
        assert_eq!([taken(0), taken(0), taken(0), taken(0)], [true, true, true, false]);
        assert_eq!([taken(999), taken(1000), taken(1001), taken(2000)], [false, true, false, true]);
        assert_eq!([taken(60_000), taken(60_000), taken(60_000), taken(60_000)], [true, true, true, false]);
    }

    #[test]
    fn without_a_limit_all_are_taken_at_once() {
        let rate = AcceptRate::new(AcceptPolicy::UNLIMITED);
        let now = Instant::now();
        assert!((0..10_000).all(|_| rate.admit(now, "192.0.2.1".parse().unwrap())));
    }

    #[test]
    fn sources_do_not_hinder_each_other() {
        let rate = AcceptRate::new(AcceptPolicy { burst: 1, interval: Duration::from_secs(1) });
        let now = Instant::now();
        assert!(rate.admit(now, "192.0.2.1".parse().unwrap()));
        assert!(!rate.admit(now, "192.0.2.1".parse().unwrap()));
        assert!(rate.admit(now, "192.0.2.2".parse().unwrap()));
        assert!(rate.admit(now, "2001:db8::1".parse().unwrap()));
        assert!(!rate.admit(now, "2001:db8::2".parse().unwrap()));
    }
}

//! Who has failed to log in too often, and how long he has to wait.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Source;
use super::table::Table;

/// Sources and names, each, that are remembered; more make the server forget those that failed longest ago.
const MOST_REMEMBERED: usize = 1 << 16;

/// Doublings of the delay that are counted: more than any delay needs.
const MOST_DOUBLINGS: u32 = 32;

/// What failures cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanPolicy {
    /// Failures of one source that cost nothing; 0 is no ban at all.
    pub failures_of_source: u32,
    /// Failures under one name, from wherever, that cost nothing; 0 is no ban of names. Larger than the other, since a
    /// stranger can make a name wait that is not his.
    pub failures_of_user: u32,
    /// Delay after the first failure that costs; each further one doubles it.
    pub first_delay: Duration,
    /// The longest delay of a source.
    pub longest_delay_of_source: Duration,
    /// The longest delay of a name.
    pub longest_delay_of_user: Duration,
    /// Time after which one failure is forgotten.
    pub forgotten_after: Duration,
}

impl Default for BanPolicy {
    /// A source waits from its sixth failure on, 2 s to 1 h; a name from its 21st on, 2 s to 1 min; a failure is forgotten
    /// after 10 min.
    fn default() -> Self {
        Self {
            failures_of_source: 5,
            failures_of_user: 20,
            first_delay: Duration::from_secs(2),
            longest_delay_of_source: Duration::from_secs(3600),
            longest_delay_of_user: Duration::from_secs(60),
            forgotten_after: Duration::from_secs(600),
        }
    }
}

/// Failed logins of sources and of names.
#[derive(Debug)]
pub struct Bans {
    policy: BanPolicy,
    hasher: RandomState,
    tables: Mutex<Tables>,
}

#[derive(Debug)]
struct Tables {
    sources: Table<Source, Record>,
    /// By a keyed hash of the name: a client chooses names, and may choose long ones.
    users: Table<u64, Record>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    /// Since when the next failure to be forgotten is being forgotten.
    since: Instant,
    banned_until: Instant,
}

impl Bans {
    /// Nobody has failed yet.
    pub fn new(policy: BanPolicy) -> Self {
        let tables = Tables { sources: Table::new(MOST_REMEMBERED), users: Table::new(MOST_REMEMBERED) };
        Self { policy, hasher: RandomState::new(), tables: Mutex::new(tables) }
    }

    /// How long `address` still has to wait; `None` if it may try. For a new connection, before anything is read.
    pub fn source_waits(&self, now: Instant, address: IpAddr) -> Option<Duration> {
        self.with(|tables| waits(now, tables.sources.peek(&Source::from(address))))
    }

    /// How long a try of `address` to log in as `user` still has to wait; `None` if it may be made.
    pub fn waits(&self, now: Instant, address: IpAddr, user: &[u8]) -> Option<Duration> {
        let user = self.hasher.hash_one(user);
        self.with(|tables| {
            waits(now, tables.sources.peek(&Source::from(address))).max(waits(now, tables.users.peek(&user)))
        })
    }

    /// A try was refused. Gives the delay until the next one is heard, if it costs one.
    pub fn failed(&self, now: Instant, address: IpAddr, user: &[u8]) -> Option<Duration> {
        let BanPolicy { failures_of_source, failures_of_user, .. } = self.policy;
        let user = self.hasher.hash_one(user);
        let new = || Record { failures: 0, since: now, banned_until: now };
        self.with(|tables| {
            let source = tables.sources.entry(Source::from(address), new);
            let of_source = self.count(now, source, failures_of_source, self.policy.longest_delay_of_source);
            let user = tables.users.entry(user, new);
            of_source.max(self.count(now, user, failures_of_user, self.policy.longest_delay_of_user))
        })
    }

    /// A login succeeded: its source is free of blame. The name is not, or guessing under it would cost nothing as often
    /// as its owner logs in.
    pub fn succeeded(&self, address: IpAddr) {
        self.with(|tables| tables.sources.remove(&Source::from(address)));
    }

    fn count(&self, now: Instant, record: &mut Record, free: u32, longest: Duration) -> Option<Duration> {
        record.forget(now, self.policy.forgotten_after);
        record.failures = record.failures.saturating_add(1).min(free.saturating_add(MOST_DOUBLINGS));
        let beyond = record.failures.checked_sub(free.saturating_add(1))?;
        if free == 0 {
            return None;
        }
        let delay = self.policy.first_delay.saturating_mul(1 << beyond.min(MOST_DOUBLINGS - 1)).min(longest);
        record.banned_until = now.checked_add(delay).unwrap_or(now);
        Some(delay)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        work(&mut self.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Record {
    /// One failure less for each `after` that has passed.
    fn forget(&mut self, now: Instant, after: Duration) {
        let passed = now.saturating_duration_since(self.since).as_nanos() / after.as_nanos().max(1);
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if passed >= self.failures {
            *self = Self { failures: 0, since: now, banned_until: self.banned_until };
        } else {
            self.failures -= passed;
            self.since = self.since.checked_add(after.saturating_mul(passed)).unwrap_or(now);
        }
    }
}

fn waits(now: Instant, record: Option<&Record>) -> Option<Duration> {
    record.and_then(|record| record.banned_until.checked_duration_since(now)).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: BanPolicy = BanPolicy {
        failures_of_source: 2,
        failures_of_user: 4,
        first_delay: Duration::from_secs(1),
        longest_delay_of_source: Duration::from_secs(10),
        longest_delay_of_user: Duration::from_secs(4),
        forgotten_after: Duration::from_secs(100),
    };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn seconds(delays: impl IntoIterator<Item = Option<Duration>>) -> Vec<u64> {
        delays.into_iter().map(|delay| delay.map_or(0, |delay| delay.as_secs())).collect()
    }

    #[test]
    fn the_delay_of_a_source_doubles_up_to_the_longest() {
        let bans = Bans::new(POLICY);
        let now = Instant::now();
        let delays = (0..8).map(|number: u8| bans.failed(now, address(1), &[number]));
        assert_eq!(seconds(delays), [0, 0, 1, 2, 4, 8, 10, 10]);
        assert_eq!(bans.source_waits(now, address(1)), Some(Duration::from_secs(10)));
        assert_eq!(bans.source_waits(now + Duration::from_secs(10), address(1)), None);
        assert_eq!(bans.source_waits(now, address(2)), None);
    }

    #[test]
    fn a_name_that_is_tried_from_everywhere_waits_too_but_not_long() {
        let bans = Bans::new(POLICY);
        let now = Instant::now();
        let delays = (0..9).map(|number| bans.failed(now, address(number), b"root"));
        assert_eq!(seconds(delays), [0, 0, 0, 0, 1, 2, 4, 4, 4]);
        assert_eq!(bans.waits(now, address(200), b"root"), Some(Duration::from_secs(4)));
        assert_eq!(bans.waits(now, address(200), b"anna"), None);
    }

    #[test]
    fn failures_are_forgotten_one_by_one() {
        let bans = Bans::new(POLICY);
        let start = Instant::now();
        let fail =
            |after: u64| seconds([bans.failed(start + Duration::from_secs(after), address(1), b"x")])[0];
        assert_eq!([fail(0), fail(0), fail(0)], [0, 0, 1]);
        assert_eq!([fail(200), fail(200)], [0, 1]);
        assert_eq!([fail(1000), fail(1000), fail(1000)], [0, 0, 1]);
    }

    #[test]
    fn success_clears_the_source_and_not_the_name() {
        let bans = Bans::new(POLICY);
        let now = Instant::now();
        for _ in 0..6 {
            bans.failed(now, address(1), b"anna");
        }
        bans.succeeded(address(1));
        assert_eq!(bans.source_waits(now, address(1)), None);
        assert_eq!(bans.waits(now, address(1), b"anna"), Some(Duration::from_secs(2)));
    }

    #[test]
    fn zero_failures_in_the_policy_ban_nobody() {
        let bans = Bans::new(BanPolicy { failures_of_source: 0, failures_of_user: 0, ..POLICY });
        let now = Instant::now();
        assert_eq!(seconds((0..50).map(|_| bans.failed(now, address(1), b"anna"))), vec![0; 50]);
        assert_eq!(bans.waits(now, address(1), b"anna"), None);
    }
}

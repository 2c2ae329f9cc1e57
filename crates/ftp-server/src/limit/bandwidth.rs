//! How fast bytes may cross: of a session, an account, an address and all together.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::Source;
use crate::account::Rates;

/// A bucket holds as many bytes as cross in this time, so that rates are even to the eye.
const BURST: Duration = Duration::from_millis(250);

/// Bytes that every bucket can hold at least, so that slow rates do not cut data into crumbs.
const SMALLEST_BURST: u64 = 4096;

/// The largest piece that is worth sending at once.
const LARGEST_PIECE: u64 = 1 << 20;

/// Which way bytes cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the server to the client.
    Download,
    /// From the client to the server.
    Upload,
}

/// Limits that hold whoever has logged in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BandwidthPolicy {
    /// Of each session.
    pub session: Rates,
    /// Of all sessions of one address.
    pub address: Rates,
    /// Of all sessions.
    pub all: Rates,
}

/// Shares bandwidth between sessions.
#[derive(Debug)]
pub struct Bandwidth {
    policy: BandwidthPolicy,
    all: Arc<Buckets>,
    addresses: Mutex<Shared<Source>>,
    accounts: Mutex<Shared<String>>,
}

/// What holds for one session. Dropping it frees what only it used.
#[derive(Debug, Clone)]
pub struct Throttle(Vec<Arc<Buckets>>);

impl Bandwidth {
    /// Nobody transfers yet.
    pub fn new(policy: BandwidthPolicy) -> Self {
        let all = Arc::new(Buckets::new(policy.all));
        Self { policy, all, addresses: Mutex::default(), accounts: Mutex::default() }
    }

    /// What holds for a new session of `address`; with the account's `rates` once somebody has logged in.
    pub fn throttle(&self, address: IpAddr, account: Option<(&str, Rates)>) -> Throttle {
        let mut buckets = vec![Arc::new(Buckets::new(self.policy.session))];
        if self.policy.address != Rates::default() {
            buckets.push(shared(&self.addresses, Source::from(address), self.policy.address));
        }
        if let Some((name, rates)) = account.filter(|(_, rates)| *rates != Rates::default()) {
            buckets.push(shared(&self.accounts, name.to_string(), rates));
        }
        buckets.push(Arc::clone(&self.all));
        buckets.retain(|buckets| buckets.download.is_some() || buckets.upload.is_some());
        Throttle(buckets)
    }
}

impl Throttle {
    /// A session without limits.
    pub fn unlimited() -> Self {
        Self(Vec::new())
    }

    /// How many bytes may be sent or read at once so that rates stay even; `None` is no limit at all.
    pub fn piece(&self, direction: Direction) -> Option<u64> {
        self.buckets(direction).map(|bucket| bucket.capacity().min(LARGEST_PIECE)).min()
    }

    /// `bytes` crossed at `now`: how long to wait before the next may. Zero if they may follow at once. What crossed is
    /// counted whatever its amount, so that a piece too large only makes the wait longer.
    pub fn take(&self, now: Instant, direction: Direction, bytes: u64) -> Duration {
        self.buckets(direction).map(|bucket| bucket.take(now, bytes)).max().unwrap_or(Duration::ZERO)
    }

    fn buckets(&self, direction: Direction) -> impl Iterator<Item = &Bucket> {
        self.0.iter().filter_map(move |buckets| match direction {
            Direction::Download => buckets.download.as_ref(),
            Direction::Upload => buckets.upload.as_ref(),
        })
    }
}

#[derive(Debug)]
struct Buckets {
    rates: Rates,
    download: Option<Bucket>,
    upload: Option<Bucket>,
}

impl Buckets {
    fn new(rates: Rates) -> Self {
        Self { rates, download: rates.download.map(Bucket::new), upload: rates.upload.map(Bucket::new) }
    }
}

/// A token bucket, kept as the time at which it is full again.
#[derive(Debug)]
struct Bucket {
    rate: u64,
    full_at: Mutex<Option<Instant>>,
}

impl Bucket {
    fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), full_at: Mutex::new(None) }
    }

    /// Bytes that may cross at once.
    fn capacity(&self) -> u64 {
        let burst = u128::from(self.rate) * BURST.as_millis() / 1000;
        u64::try_from(burst).unwrap_or(u64::MAX).max(SMALLEST_BURST)
    }

    fn time_for(&self, bytes: u64) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    fn take(&self, now: Instant, bytes: u64) -> Duration {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let start = full_at.map_or(now, |at| at.max(now));
        let next = start.checked_add(self.time_for(bytes)).unwrap_or(start);
        *full_at = Some(next);
        next.saturating_duration_since(now).saturating_sub(self.time_for(self.capacity()))
    }
}

/// Buckets that several sessions share, kept while one of them is there.
#[derive(Debug)]
struct Shared<K> {
    buckets: HashMap<K, Weak<Buckets>>,
    /// How many there may be before those that nobody uses are swept out.
    sweep_at: usize,
}

impl<K> Default for Shared<K> {
    fn default() -> Self {
        Self { buckets: HashMap::new(), sweep_at: 64 }
    }
}

fn shared<K: Hash + Eq>(table: &Mutex<Shared<K>>, key: K, rates: Rates) -> Arc<Buckets> {
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    let known = table.buckets.get(&key).and_then(Weak::upgrade).filter(|buckets| buckets.rates == rates);
    if let Some(buckets) = known {
        return buckets;
    }
    if table.buckets.len() >= table.sweep_at {
        table.buckets.retain(|_, buckets| buckets.strong_count() > 0);
        table.sweep_at = (table.buckets.len() * 2).max(64);
    }
    let buckets = Arc::new(Buckets::new(rates));
    table.buckets.insert(key, Arc::downgrade(&buckets));
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: [u8; 4] = [192, 0, 2, 1];

    fn down(rate: u64) -> Rates {
        Rates { download: Some(rate), upload: None }
    }

    /// Seconds that sending `bytes` takes on `throttles` in turn, in pieces.
    fn seconds(throttles: &[Throttle], bytes: u64) -> f64 {
        let start = Instant::now();
        let mut clocks = vec![start; throttles.len()];
        let mut left = vec![bytes; throttles.len()];
        while left.iter().any(|left| *left > 0) {
            // The one whose clock is behind goes first, as in real time.
            let next = (0..clocks.len())
                .filter(|&index| left[index] > 0)
                .min_by_key(|&index| clocks[index])
                .unwrap();
            let piece = throttles[next].piece(Direction::Download).unwrap().min(left[next]);
            let now = clocks[next];
            clocks[next] = now + throttles[next].take(now, Direction::Download, piece);
            left[next] -= piece;
        }
        clocks.iter().map(|clock| clock.duration_since(start).as_secs_f64()).fold(0.0, f64::max)
    }

    #[test]
    fn a_session_is_as_fast_as_its_rate() {
        let bandwidth =
            Bandwidth::new(BandwidthPolicy { session: down(100_000), ..BandwidthPolicy::default() });
        let taken = seconds(&[bandwidth.throttle(ADDRESS.into(), None)], 1_000_000);
        assert!((9.7..=10.0).contains(&taken), "{taken}");
    }

    #[test]
    fn sessions_of_an_account_share_its_rate_and_others_do_not() {
        let bandwidth = Bandwidth::new(BandwidthPolicy::default());
        let anna = || bandwidth.throttle(ADDRESS.into(), Some(("anna", down(100_000))));
        let both = seconds(&[anna(), anna()], 500_000);
        assert!((9.5..=10.3).contains(&both), "{both}");
        let berta = bandwidth.throttle(ADDRESS.into(), Some(("berta", down(100_000))));
        let _anna = anna();
        let alone = seconds(&[berta], 500_000);
        assert!((4.7..=5.0).contains(&alone), "{alone}");
    }

    #[test]
    fn the_narrowest_limit_counts() {
        let policy =
            BandwidthPolicy { session: down(50_000), address: down(1_000_000), all: down(10_000_000) };
        let taken = seconds(&[Bandwidth::new(policy).throttle(ADDRESS.into(), None)], 500_000);
        assert!((9.5..=10.0).contains(&taken), "{taken}");
    }

    #[test]
    fn without_rates_nothing_waits() {
        let throttle = Bandwidth::new(BandwidthPolicy::default()).throttle(ADDRESS.into(), None);
        assert_eq!(throttle.piece(Direction::Download), None);
        assert_eq!(throttle.take(Instant::now(), Direction::Upload, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn directions_do_not_hinder_each_other() {
        let bandwidth = Bandwidth::new(BandwidthPolicy { all: down(1000), ..BandwidthPolicy::default() });
        let throttle = bandwidth.throttle(ADDRESS.into(), None);
        assert_eq!(throttle.take(Instant::now(), Direction::Upload, 1 << 30), Duration::ZERO);
        assert!(throttle.take(Instant::now(), Direction::Download, 1 << 20) > Duration::from_secs(60));
    }

    #[test]
    fn accounts_that_nobody_uses_are_forgotten() {
        let bandwidth = Bandwidth::new(BandwidthPolicy::default());
        for number in 0..10_000 {
            bandwidth.throttle(ADDRESS.into(), Some((&number.to_string(), down(1000))));
        }
        assert!(bandwidth.accounts.lock().unwrap().buckets.len() <= 64);
    }
}

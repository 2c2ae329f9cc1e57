//! How many may be there at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Source;

/// How many may be there at once; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionPolicy {
    /// Control connections in all.
    pub total: Option<usize>,
    /// Control connections of one source.
    pub per_source: Option<usize>,
}

impl Default for ConnectionPolicy {
    /// 10,000 in all, 50 of one source.
    fn default() -> Self {
        Self { total: Some(10_000), per_source: Some(50) }
    }
}

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Full {
    /// The server has as many connections as it may.
    #[error("the server has as many connections as it may")]
    Server,
    /// The address has as many connections as it may.
    #[error("the address has as many connections as it may")]
    Source,
    /// The account has as many sessions as it may.
    #[error("the account has as many sessions as it may")]
    Account,
}

/// Counts who is there. A copy counts the same.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    policy: ConnectionPolicy,
    total: usize,
    sources: HashMap<Source, usize>,
    accounts: HashMap<String, usize>,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub struct Ticket {
    connections: Connections,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Connection(Source),
    Session(String),
}

impl Connections {
    /// Nobody is there yet.
    pub fn new(policy: ConnectionPolicy) -> Self {
        Self(Arc::new(Mutex::new(Counts { policy, ..Counts::default() })))
    }

    /// Other limits from now on; who is there stays.
    pub fn set_policy(&self, policy: ConnectionPolicy) {
        self.counts().policy = policy;
    }

    /// A place for a control connection from `address`.
    pub fn connect(&self, address: IpAddr) -> Result<Ticket, Full> {
        let source = Source::from(address);
        let mut counts = self.counts();
        if is_full(counts.total, counts.policy.total) {
            return Err(Full::Server);
        }
        if is_full(counts.sources.get(&source).copied().unwrap_or(0), counts.policy.per_source) {
            return Err(Full::Source);
        }
        counts.total += 1;
        *counts.sources.entry(source).or_insert(0) += 1;
        Ok(self.ticket(Place::Connection(source)))
    }

    /// A place for a session of the account `name`, which may have `maximum` at once.
    pub fn log_in(&self, name: &str, maximum: Option<usize>) -> Result<Ticket, Full> {
        let mut counts = self.counts();
        if is_full(counts.accounts.get(name).copied().unwrap_or(0), maximum) {
            return Err(Full::Account);
        }
        *counts.accounts.entry(name.to_string()).or_insert(0) += 1;
        Ok(self.ticket(Place::Session(name.to_string())))
    }

    /// How many control connections there are.
    pub fn count(&self) -> usize {
        self.counts().total
    }

    /// How many sessions the account `name` has.
    pub fn sessions_of(&self, name: &str) -> usize {
        self.counts().accounts.get(name).copied().unwrap_or(0)
    }

    fn ticket(&self, place: Place) -> Ticket {
        Ticket { connections: self.clone(), place }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_full(count: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| count >= maximum)
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.connections.counts();
        match &self.place {
            Place::Connection(source) => {
                counts.total = counts.total.saturating_sub(1);
                leave(&mut counts.sources, source);
            }
            Place::Session(name) => leave(&mut counts.accounts, name),
        }
    }
}

/// One less; what nobody has is forgotten, so that the table is as large as there are connections.
fn leave<K: Hash + Eq>(table: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = table.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            table.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_place_is_free_again_when_its_ticket_is_dropped() {
        let connections = Connections::new(ConnectionPolicy { total: Some(2), per_source: None });
        let first = connections.connect(address(1)).unwrap();
        let _second = connections.connect(address(2)).unwrap();
        assert_eq!(connections.connect(address(3)).unwrap_err(), Full::Server);
        drop(first);
        assert_eq!(connections.count(), 1);
        assert!(connections.connect(address(3)).is_ok());
    }

    #[test]
    fn one_source_cannot_take_all_places() {
        let connections = Connections::new(ConnectionPolicy { total: None, per_source: Some(1) });
        let _ticket = connections.connect("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!(connections.connect("2001:db8::2".parse().unwrap()).unwrap_err(), Full::Source);
        assert!(connections.connect(address(1)).is_ok());
    }

    #[test]
    fn an_account_has_its_own_limit_wherever_it_comes_from() {
        let connections = Connections::default();
        let ticket = connections.log_in("anna", Some(1)).unwrap();
        assert_eq!(connections.log_in("anna", Some(1)).unwrap_err(), Full::Account);
        assert!(connections.log_in("berta", Some(1)).is_ok());
        drop(ticket);
        assert!(connections.log_in("anna", Some(1)).is_ok());
        assert_eq!(connections.sessions_of("anna"), 0);
    }

    #[test]
    fn the_tables_are_empty_when_all_have_left() {
        let connections = Connections::default();
        let tickets: Vec<Ticket> = (0..40)
            .flat_map(|last| {
                [connections.connect(address(last)), connections.log_in(&last.to_string(), None)]
            })
            .map(Result::unwrap)
            .collect();
        drop(tickets);
        let counts = connections.counts();
        assert_eq!((counts.total, counts.sources.len(), counts.accounts.len()), (0, 0, 0));
    }

    #[test]
    fn threads_never_hold_more_places_than_there_are() {
        let connections = Connections::new(ConnectionPolicy { total: Some(3), per_source: None });
        std::thread::scope(|scope| {
            for last in 0..8 {
                let connections = connections.clone();
                scope.spawn(move || {
                    for _ in 0..1000 {
                        if let Ok(_ticket) = connections.connect(address(last)) {
                            assert!(connections.count() <= 3);
                        }
                    }
                });
            }
        });
        assert_eq!(connections.count(), 0);
    }
}

//! Which sessions and which strangers there are between two hosts: what is not announced can only be found there.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use hashbrown::HashMap;

use crate::tcp::Endpoint;

/// Ended strangers that are remembered; the oldest is forgotten.
const ENDED_LIMIT: usize = 4096;

/// An unordered pair of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pair(IpAddr, IpAddr);

impl Pair {
    fn new(a: IpAddr, b: IpAddr) -> Self {
        Pair(a.min(b), a.max(b))
    }
}

/// Sessions and strangers by the hosts that they are between.
#[derive(Debug, Default)]
pub struct Pairs {
    between: HashMap<Pair, Hosts>,
    ended: VecDeque<(u64, [Endpoint; 2])>,
    /// Strangers that were forgotten because there were too many.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Hosts {
    sessions: BTreeSet<u64>,
    strangers: BTreeSet<u64>,
}

impl Pairs {
    /// A session between two hosts.
    pub fn add_session(&mut self, client: IpAddr, server: IpAddr, id: u64) {
        self.between.entry(Pair::new(client, server)).or_default().sessions.insert(id);
    }

    /// The session is over.
    pub fn remove_session(&mut self, client: IpAddr, server: IpAddr, id: u64) {
        self.change(Pair::new(client, server), |hosts| {
            hosts.sessions.remove(&id);
        });
    }

    /// A connection of which it is not known what it is.
    pub fn add_stranger(&mut self, stream: u64, ends: [Endpoint; 2]) {
        self.between.entry(pair(ends)).or_default().strangers.insert(stream);
    }

    /// It is known now, or forgotten.
    pub fn remove_stranger(&mut self, stream: u64, ends: [Endpoint; 2]) {
        self.change(pair(ends), |hosts| {
            hosts.strangers.remove(&stream);
        });
    }

    /// A stranger has ended but is remembered; returns another one that is to be forgotten for it.
    pub fn stranger_ended(&mut self, stream: u64, ends: [Endpoint; 2]) -> Option<(u64, [Endpoint; 2])> {
        self.ended.push_back((stream, ends));
        if self.ended.len() <= ENDED_LIMIT {
            return None;
        }
        let (oldest, ends) = self.ended.pop_front()?;
        let still_there =
            self.between.get(&pair(ends)).is_some_and(|hosts| hosts.strangers.contains(&oldest));
        // One that nobody speaks FTP with is no loss.
        self.dropped += u64::from(still_there && self.has_session(ends));
        Some((oldest, ends))
    }

    /// Whether a session goes on between the hosts.
    pub fn has_session(&self, ends: [Endpoint; 2]) -> bool {
        self.between.get(&pair(ends)).is_some_and(|hosts| !hosts.sessions.is_empty())
    }

    /// Sessions between the hosts.
    pub fn sessions(&self, ends: [Endpoint; 2]) -> Vec<u64> {
        self.between
            .get(&pair(ends))
            .map(|hosts| hosts.sessions.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Whether just one session goes on between the hosts, so that what is between them belongs to it.
    pub fn has_one_session(&self, [a, b]: [IpAddr; 2]) -> bool {
        self.between.get(&Pair::new(a, b)).is_some_and(|hosts| hosts.sessions.len() == 1)
    }

    /// Strangers between two hosts.
    pub fn of(&self, [a, b]: [IpAddr; 2]) -> impl Iterator<Item = u64> {
        self.between.get(&Pair::new(a, b)).into_iter().flat_map(|hosts| hosts.strangers.iter().copied())
    }

    /// Strangers between a host and any of several others.
    pub fn strangers<'a>(&'a self, peer: IpAddr, others: &'a [IpAddr]) -> impl Iterator<Item = u64> + 'a {
        others.iter().flat_map(move |other| self.of([peer, *other]))
    }

    fn change(&mut self, pair: Pair, change: impl FnOnce(&mut Hosts)) {
        if let Some(hosts) = self.between.get_mut(&pair) {
            change(hosts);
            if hosts.sessions.is_empty() && hosts.strangers.is_empty() {
                self.between.remove(&pair);
            }
        }
    }
}

fn pair([a, b]: [Endpoint; 2]) -> Pair {
    Pair::new(a.address, b.address)
}

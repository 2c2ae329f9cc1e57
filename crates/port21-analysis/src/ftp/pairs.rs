//! Which sessions and which strangers there are between two hosts: what is not announced can only be found there.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use hashbrown::HashMap;

use crate::tcp::Endpoint;

/// So many strangers between two hosts, the last ones, are looked at for a data connection that is announced late.
const LATE: usize = 256;

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
    /// Strangers that have ended and are remembered, at most.
    limit: usize,
    /// Strangers that were forgotten because there were too many.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Hosts {
    sessions: BTreeSet<u64>,
    strangers: BTreeSet<u64>,
    /// How many of the strangers have not ended.
    alive: usize,
}

impl Pairs {
    /// None yet; of strangers that have ended, at most `limit` will be remembered.
    pub fn new(limit: usize) -> Self {
        Pairs { limit, ..Pairs::default() }
    }

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
        let hosts = self.between.entry(pair(ends)).or_default();
        hosts.strangers.insert(stream);
        hosts.alive += 1;
    }

    /// It is known now, or forgotten; `alive`: it had not ended.
    pub fn remove_stranger(&mut self, stream: u64, ends: [Endpoint; 2], alive: bool) {
        self.change(pair(ends), |hosts| {
            let removed = hosts.strangers.remove(&stream);
            hosts.alive = hosts.alive.saturating_sub(usize::from(removed && alive));
        });
    }

    /// Whether a stranger between the hosts has not ended yet.
    pub fn has_alive(&self, [a, b]: [IpAddr; 2]) -> bool {
        self.between.get(&Pair::new(a, b)).is_some_and(|hosts| hosts.alive > 0)
    }

    /// A stranger has ended but is remembered; returns another one that is to be forgotten for it.
    pub fn stranger_ended(&mut self, stream: u64, ends: [Endpoint; 2]) -> Option<(u64, [Endpoint; 2])> {
        self.change(pair(ends), |hosts| hosts.alive = hosts.alive.saturating_sub(1));
        self.ended.push_back((stream, ends));
        if self.ended.len() <= self.limit {
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

    /// The same, one by one.
    pub fn sessions_between(&self, [a, b]: [IpAddr; 2]) -> impl Iterator<Item = u64> {
        self.between.get(&Pair::new(a, b)).into_iter().flat_map(|hosts| hosts.sessions.iter().copied())
    }

    /// Strangers between two hosts.
    pub fn of(&self, [a, b]: [IpAddr; 2]) -> impl Iterator<Item = u64> {
        self.between.get(&Pair::new(a, b)).into_iter().flat_map(|hosts| hosts.strangers.iter().copied())
    }

    /// The last strangers between a host and each of several others.
    pub fn strangers<'a>(&'a self, peer: IpAddr, others: &'a [IpAddr]) -> impl Iterator<Item = u64> + 'a {
        let last = move |other: &IpAddr| {
            let hosts = self.between.get(&Pair::new(peer, *other)).into_iter();
            hosts.flat_map(|hosts| hosts.strangers.iter().rev().take(LATE).copied())
        };
        others.iter().flat_map(last)
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

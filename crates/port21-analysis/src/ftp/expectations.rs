//! Data connections that were announced, by where they will go.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;
use port21_capture::Scope;

use super::transfer::Index;
use crate::report::{Endpoint, Pairing};

/// Announcements remembered for one address and port; an answered one is forgotten, else the oldest.
const PER_ENDPOINT: usize = 64;

/// One announced data connection.
#[derive(Debug, Clone, Copy)]
pub struct Expectation {
    /// Session that announced it.
    pub session: u64,
    /// Which announcement of that session.
    pub announcement: Index,
    /// Address as announced; `None`: not announced (EPSV) .
    pub announced: Option<IpAddr>,
    /// Address of the listening end on the control connection.
    pub on_control: IpAddr,
    /// Address of the other end on the control connection: who is expected to connect.
    pub peer: IpAddr,
    /// VLANs and tunnel of the control connection.
    pub scope: Scope,
    /// The server listens.
    pub passive: bool,
    /// Packet of the announcement.
    pub packet: u64,
    /// Its time.
    pub time: i64,
    /// The connection that was opened, if one was.
    pub stream: Option<u64>,
}

impl Expectation {
    /// How a connection to `address`, first seen in `first_packet`, is paired.
    pub fn pairing(&self, address: IpAddr, first_packet: u64) -> Pairing {
        if first_packet < self.packet {
            Pairing::Late
        } else if self.announced.unwrap_or(self.on_control) == address {
            Pairing::Exact
        } else {
            Pairing::AddressTranslated
        }
    }

    /// One PASV, one connection; a port of the client's serves until it announces another.
    fn is_open(&self) -> bool {
        self.stream.is_none() || !self.passive
    }
}

/// All announced data connections.
#[derive(Debug, Default)]
pub struct Expectations {
    by_listener: HashMap<(IpAddr, u16), Vec<Expectation>>,
    /// In the order in which they were announced: address and port, session and announcement. Some are gone.
    order: VecDeque<(IpAddr, u16, u64, Index)>,
    count: usize,
    /// How many are remembered in all.
    limit: usize,
    /// How many a limit dropped.
    pub dropped: u64,
}

impl Expectations {
    /// None yet; at most `limit` will be remembered.
    pub fn new(limit: usize) -> Self {
        Expectations { limit, ..Expectations::default() }
    }

    /// Watches for a connection to `port`, at the announced address and at the one known from the control connection.
    pub fn add(&mut self, port: u16, expectation: Expectation) {
        for address in addresses(&expectation) {
            let list = self.by_listener.entry((address, port)).or_insert_with(|| Vec::with_capacity(1));
            if list.len() >= PER_ENDPOINT {
                // One that has been answered is no loss.
                let answered = list.iter().position(|e| !e.is_open());
                list.remove(answered.unwrap_or(0));
                self.dropped += u64::from(answered.is_none());
                self.count -= 1;
            }
            list.push(expectation);
            self.count += 1;
            self.order.push_back((address, port, expectation.session, expectation.announcement));
        }
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        while self.count > self.limit
            && let Some((address, port, session, announcement)) = self.order.pop_front()
        {
            let before = self.count;
            self.remove(port, session, announcement, &[address]);
            self.dropped += (before - self.count) as u64;
        }
        // What is gone stays behind in the order; without this it could pile up there.
        if self.order.len() > self.limit.saturating_mul(2).saturating_add(64) {
            let by_listener = &self.by_listener;
            self.order.retain(|(address, port, session, announcement)| {
                let list = by_listener.get(&(*address, *port));
                list.is_some_and(|list| {
                    list.iter().any(|e| e.session == *session && e.announcement == *announcement)
                })
            });
        }
    }

    /// Forgets what a session announced.
    pub fn remove(&mut self, port: u16, session: u64, announcement: Index, addresses: &[IpAddr]) {
        for address in addresses {
            if let Some(list) = self.by_listener.get_mut(&(*address, port)) {
                let before = list.len();
                list.retain(|e| e.session != session || e.announcement != announcement);
                self.count -= before - list.len();
                if list.is_empty() {
                    self.by_listener.remove(&(*address, port));
                }
            }
        }
    }

    /// What a connection from `from` to `listener` was announced as. Two: one server listens, the other was told to connect.
    /// Where the same ports are in use on several VLANs, the one of the control connection counts.
    pub fn matching(&self, listener: Endpoint, from: IpAddr, scope: Scope) -> Vec<Expectation> {
        let Some(list) = self.by_listener.get(&(listener.address, listener.port)) else { return Vec::new() };
        let newest = |accept: &dyn Fn(&Expectation) -> bool| {
            let open = || list.iter().rev().filter(|e| e.is_open() && accept(e));
            open().find(|e| e.scope == scope).or_else(|| open().next()).copied()
        };
        if let Some(ours) = newest(&|e| e.peer == from) {
            // Server-to-server: another session was told the same address and port, and its server is the one that connects.
            let other = newest(&|e| e.session != ours.session && e.passive != ours.passive);
            return std::iter::once(ours).chain(other.filter(|_| !ours.passive)).collect();
        }
        // Nobody expected on either control connection, but the very address and port that was announced.
        newest(&|e| e.announced == Some(listener.address)).into_iter().collect()
    }

    /// The other half of a server-to-server transfer: what another session announced of the same address and port, for its
    /// server to listen where this one's connects, or to connect where this one's listens. Of several, the newest that is `fit`.
    pub fn partner(
        &self,
        listener: (IpAddr, u16),
        of: &Expectation,
        fit: impl Fn(&Expectation) -> bool,
    ) -> Option<Expectation> {
        let other = |e: &&Expectation| {
            e.session != of.session && e.passive != of.passive && e.scope == of.scope && fit(e)
        };
        self.by_listener.get(&listener)?.iter().rev().find(other).copied()
    }

    /// Notes that a connection was opened as announced, or (`None`) that the attempt came to nothing.
    pub fn set_stream(&mut self, port: u16, expectation: &Expectation, stream: Option<u64>) {
        for address in addresses(expectation) {
            for e in self.by_listener.get_mut(&(address, port)).into_iter().flatten() {
                if e.session == expectation.session && e.announcement == expectation.announcement {
                    e.stream = stream;
                }
            }
        }
    }
}

/// Where to look for a connection: at the announced address, and, since addresses are translated, at the control connection's.
pub fn addresses(expectation: &Expectation) -> Vec<IpAddr> {
    let mut addresses = vec![expectation.on_control];
    addresses.extend(expectation.announced.filter(|announced| *announced != expectation.on_control));
    addresses
}

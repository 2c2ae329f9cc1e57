//! The connections under way: found by their ends, in the order of their last use.

use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use port21_capture::Scope;

use super::connection::Endpoint;
use super::live::Live;

/// Scope and ends of a connection, the same for both directions. The hash is seeded at random, so that nobody can
/// choose ends that collide; nothing ever depends on the map's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    scope: u64,
    addresses: [[u64; 2]; 2],
    ports: u32,
    version: u8,
}

impl Key {
    pub fn new(scope: Scope, one: Endpoint, other: Endpoint) -> Key {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        let version = u8::from(low.address.is_ipv6()) << 1 | u8::from(high.address.is_ipv6());
        Key {
            scope: scope.0,
            addresses: [words(low.address), words(high.address)],
            ports: u32::from(low.port) << 16 | u32::from(high.port),
            version,
        }
    }

    fn of(live: &Live) -> Key {
        let [initiator, responder] = live.connection.ends;
        Key::new(live.connection.scope, initiator, responder)
    }
}

fn words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => [0, u64::from(u32::from(address))],
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            [(bits >> 64) as u64, bits as u64]
        }
    }
}

/// Place of a connection in the table.
pub(super) type Slot = u32;

const NOWHERE: Slot = Slot::MAX;

/// Neighbours in the order of use.
#[derive(Debug, Clone, Copy)]
struct Link {
    older: Slot,
    newer: Slot,
}

/// Connections in slots, an index by their ends, and a list in the order of their last use.
#[derive(Debug)]
pub(super) struct Table {
    index: HashMap<Key, Slot, RandomState>,
    slots: Vec<Option<Box<Live>>>,
    links: Vec<Link>,
    free: Vec<Slot>,
    oldest: Slot,
    newest: Slot,
}

impl Default for Table {
    fn default() -> Self {
        Table {
            index: HashMap::default(),
            slots: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            oldest: NOWHERE,
            newest: NOWHERE,
        }
    }
}

impl Table {
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn find(&self, key: &Key) -> Option<Slot> {
        self.index.get(key).copied()
    }

    pub fn get(&self, slot: Slot) -> Option<&Live> {
        self.slots.get(slot as usize)?.as_deref()
    }

    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Live> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    /// Adds a connection as the one used last.
    pub fn insert(&mut self, live: Live) -> Slot {
        let key = Key::of(&live);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.links.push(Link { older: NOWHERE, newer: NOWHERE });
                (self.slots.len() - 1) as Slot
            }
        };
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(Box::new(live));
        }
        self.index.insert(key, slot);
        self.append(slot);
        slot
    }

    /// Takes a connection out.
    pub fn remove(&mut self, slot: Slot) -> Option<Box<Live>> {
        let live = self.slots.get_mut(slot as usize)?.take()?;
        self.index.remove(&Key::of(&live));
        self.unlink(slot);
        self.free.push(slot);
        Some(live)
    }

    /// Marks a connection as the one used last.
    pub fn touch(&mut self, slot: Slot) {
        if self.newest != slot {
            self.unlink(slot);
            self.append(slot);
        }
    }

    /// The connection whose last use is longest ago.
    pub fn least_recently_used(&self) -> Option<Slot> {
        (self.oldest != NOWHERE).then_some(self.oldest)
    }

    /// Takes all connections out, in stream order.
    pub fn drain(&mut self) -> impl Iterator<Item = Box<Live>> + use<> {
        let mut slots = std::mem::take(self).slots;
        slots.sort_unstable_by_key(|live| live.as_ref().map(|live| live.connection.stream));
        slots.into_iter().flatten()
    }

    fn append(&mut self, slot: Slot) {
        let older = std::mem::replace(&mut self.newest, slot);
        self.set_link(slot, Link { older, newer: NOWHERE });
        match self.links.get_mut(older as usize) {
            Some(link) => link.newer = slot,
            None => self.oldest = slot,
        }
    }

    fn unlink(&mut self, slot: Slot) {
        let Some(&Link { older, newer }) = self.links.get(slot as usize) else { return };
        match self.links.get_mut(older as usize) {
            Some(link) => link.newer = newer,
            None => self.oldest = newer,
        }
        match self.links.get_mut(newer as usize) {
            Some(link) => link.older = older,
            None => self.newest = older,
        }
    }

    fn set_link(&mut self, slot: Slot, link: Link) {
        if let Some(place) = self.links.get_mut(slot as usize) {
            *place = link;
        }
    }
}

//! The connections under way: found by their ends, or by whose last packet is longest ago.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
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

/// Entries of the order of use that may belong to connections which are gone, beside one for each that is there.
const STALE: usize = 4096;

/// Connections in slots, an index by their ends, and what is needed to find the one used least recently.
#[derive(Debug, Default)]
pub(super) struct Table {
    index: HashMap<Key, Slot, RandomState>,
    slots: Vec<Option<Box<Live>>>,
    free: Vec<Slot>,
    /// A packet of each connection, its stream and its slot: the last packet when it was looked at last. Keeping a list in the
    /// order of use would touch the neighbours of a connection with its every packet.
    order: BinaryHeap<Reverse<(u64, u64, Slot)>>,
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
                (self.slots.len() - 1) as Slot
            }
        };
        self.index.insert(key, slot);
        self.order.push(Reverse((live.connection.packets.1, live.connection.stream, slot)));
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(Box::new(live));
        }
        if self.order.len() > self.index.len().saturating_mul(2).saturating_add(STALE) {
            let slots = &self.slots;
            self.order.retain(|Reverse((_, stream, slot))| is_at(slots, *slot, *stream));
        }
        slot
    }

    /// Takes a connection out.
    pub fn remove(&mut self, slot: Slot) -> Option<Box<Live>> {
        let live = self.slots.get_mut(slot as usize)?.take()?;
        self.index.remove(&Key::of(&live));
        self.free.push(slot);
        Some(live)
    }

    /// The connection whose last packet is longest ago.
    pub fn least_recently_used(&mut self) -> Option<Slot> {
        loop {
            let Reverse((packet, stream, slot)) = *self.order.peek()?;
            let live = self.get(slot).filter(|live| live.connection.stream == stream);
            match live.map(|live| live.connection.packets.1) {
                Some(last) if last == packet => return Some(slot),
                Some(last) => {
                    self.order.pop();
                    self.order.push(Reverse((last, stream, slot)));
                }
                None => {
                    self.order.pop();
                }
            }
        }
    }

    /// Takes all connections out, in stream order.
    pub fn drain(&mut self) -> impl Iterator<Item = Box<Live>> + use<> {
        let mut slots = std::mem::take(self).slots;
        slots.sort_unstable_by_key(|live| live.as_ref().map(|live| live.connection.stream));
        slots.into_iter().flatten()
    }
}

/// Whether the connection in `slot` is `stream`.
fn is_at(slots: &[Option<Box<Live>>], slot: Slot, stream: u64) -> bool {
    let live = slots.get(slot as usize).and_then(Option::as_deref);
    live.is_some_and(|live| live.connection.stream == stream)
}

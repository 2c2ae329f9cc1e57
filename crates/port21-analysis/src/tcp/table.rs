//! The connections under way: found by their ends, or by whose last packet is longest ago.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use port21_capture::Scope;

use super::connection::Endpoint;
use super::live::Live;

/// Scope and ends of a connection, the same for both directions. The hash is seeded at random, so that nobody can
/// choose ends that collide; nothing ever depends on the map's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    scope: Scope,
    /// The smaller one first.
    ends: [Endpoint; 2],
}

impl Key {
    pub fn new(scope: Scope, one: Endpoint, other: Endpoint) -> Key {
        Key { scope, ends: if one <= other { [one, other] } else { [other, one] } }
    }

    fn of(live: &Live) -> Key {
        let [initiator, responder] = live.connection.ends;
        Key::new(live.connection.scope, initiator, responder)
    }

    fn is_of(&self, live: &Live) -> bool {
        let ([low, high], [initiator, responder]) = (self.ends, live.connection.ends);
        self.scope == live.connection.scope
            && (low == initiator && high == responder || low == responder && high == initiator)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.scope.0);
        let [low, high] = self.ends;
        for end in [low, high] {
            match end.address {
                IpAddr::V4(address) => hasher.write_u32(address.into()),
                IpAddr::V6(address) => hasher.write_u128(address.into()),
            }
        }
        hasher.write_u32(u32::from(low.port) << 16 | u32::from(high.port));
    }
}

/// Place of a connection in the table.
pub(super) type Slot = u32;

/// Connections that lie together. They are not moved when there are more.
const BLOCK: usize = 16;

/// Entries of the order of use that may belong to connections which are gone, beside one for each that is there.
const STALE: usize = 4096;

/// Connections in slots, an index by their ends, and what is needed to find the one used least recently.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Slots by the hashes of their connections' ends, which are not kept here: who finds a connection looks at it anyway.
    index: HashTable<Slot>,
    hashes: RandomState,
    slots: Slots,
    /// A packet of each connection, its stream and its slot: the last packet when it was looked at last. Keeping a list in the
    /// order of use would touch the neighbours of a connection with its every packet.
    order: BinaryHeap<Reverse<(u64, u64, Slot)>>,
}

impl Table {
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn find(&self, key: &Key) -> Option<Slot> {
        let Table { index, hashes, slots, .. } = self;
        let is_it = |slot: &Slot| slots.get(*slot).is_some_and(|live| key.is_of(live));
        index.find(hashes.hash_one(key), is_it).copied()
    }

    pub fn get(&self, slot: Slot) -> Option<&Live> {
        self.slots.get(slot)
    }

    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Live> {
        self.slots.place(slot)?.as_mut()
    }

    /// Adds a connection as the one used last.
    pub fn insert(&mut self, live: Live) -> Slot {
        let key = Key::of(&live);
        let (packet, stream) = (live.connection.packets.1, live.connection.stream);
        let slot = self.slots.insert(live);
        let Table { index, hashes, slots, .. } = self;
        index.insert_unique(hashes.hash_one(key), slot, |slot| {
            slots.get(*slot).map_or(0, |live| hashes.hash_one(Key::of(live)))
        });
        self.order.push(Reverse((packet, stream, slot)));
        if self.order.len() > self.index.len().saturating_mul(2).saturating_add(STALE) {
            let slots = &self.slots;
            self.order.retain(|Reverse((_, stream, slot))| is_at(slots, *slot, *stream));
        }
        slot
    }

    /// Takes a connection out.
    pub fn remove(&mut self, slot: Slot) -> Option<Live> {
        let live = self.slots.remove(slot)?;
        let entry = self.index.find_entry(self.hashes.hash_one(Key::of(&live)), |other| *other == slot);
        if let Ok(entry) = entry {
            entry.remove();
        }
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
    pub fn drain(&mut self) -> impl Iterator<Item = Live> + use<> {
        let Table { index, mut slots, .. } = std::mem::take(self);
        let stream = |slot: Slot| slots.get(slot).map(|live| live.connection.stream);
        let mut left: Vec<_> = index.into_iter().map(|slot| (stream(slot), slot)).collect();
        left.sort_unstable();
        left.into_iter().filter_map(move |(_, slot)| slots.remove(slot))
    }
}

/// Room for connections, in blocks. The place that was left last is taken next, while it is still at hand for the processor.
#[derive(Debug, Default)]
struct Slots {
    blocks: Vec<Box<[Option<Live>; BLOCK]>>,
    free: Vec<Slot>,
}

impl Slots {
    fn get(&self, slot: Slot) -> Option<&Live> {
        let slot = slot as usize;
        self.blocks.get(slot / BLOCK)?.get(slot % BLOCK)?.as_ref()
    }

    fn place(&mut self, slot: Slot) -> Option<&mut Option<Live>> {
        let slot = slot as usize;
        self.blocks.get_mut(slot / BLOCK)?.get_mut(slot % BLOCK)
    }

    fn insert(&mut self, live: Live) -> Slot {
        if self.free.is_empty() {
            let first = self.blocks.len() * BLOCK;
            self.blocks.push(Box::new([const { None }; BLOCK]));
            self.free.extend((first..first + BLOCK).rev().map(|slot| slot as Slot));
        }
        let slot = self.free.pop().unwrap_or_default();
        if let Some(place) = self.place(slot) {
            *place = Some(live);
        }
        slot
    }

    fn remove(&mut self, slot: Slot) -> Option<Live> {
        let live = self.place(slot)?.take()?;
        self.free.push(slot);
        Some(live)
    }
}

/// Whether the connection in `slot` is `stream`.
fn is_at(slots: &Slots, slot: Slot, stream: u64) -> bool {
    slots.get(slot).is_some_and(|live| live.connection.stream == stream)
}

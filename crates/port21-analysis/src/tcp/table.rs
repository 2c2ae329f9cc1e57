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

/// Connections that lie together. They are not moved when there are more.
const BLOCK: usize = 16;

/// Entries of the order of use that may belong to connections which are gone, beside one for each that is there.
const STALE: usize = 4096;

/// Connections in slots, an index by their ends, and what is needed to find the one used least recently.
#[derive(Debug, Default)]
pub(super) struct Table {
    index: HashMap<Key, Slot, RandomState>,
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
        self.index.get(key).copied()
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
        self.index.insert(key, slot);
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
        self.index.remove(&Key::of(&live));
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
        let mut left: Vec<_> = index.into_values().map(|slot| (stream(slot), slot)).collect();
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

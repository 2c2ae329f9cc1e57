//! IP fragments, put together again.
//!
//! Of bytes that arrive twice the first are kept, in IPv4 as in IPv6. A datagram is given with the fragment that
//! completes it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::model::{Scope, Stop};
use super::view::View;
use crate::packet::Timestamp;

/// How much is held of fragments that wait for their siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Datagrams that may be incomplete at a time.
    pub datagrams: usize,
    /// Bytes held of all of them.
    pub bytes: usize,
    /// Separate ranges of one datagram.
    pub ranges: usize,
    /// How long a datagram may wait after its first fragment, in nanoseconds of packet time (RFC 8200,
    /// section 4.5: 60 seconds).
    pub timeout: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { datagrams: 4096, bytes: 16 * 1024 * 1024, ranges: 1024, timeout: 60_000_000_000 }
    }
}

/// What was given up of fragmented datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Datagrams dropped because a limit was reached.
    pub by_limit: u64,
    /// Datagrams whose other fragments did not come in time.
    pub by_timeout: u64,
    /// Fragments that end beyond 65,535 bytes, or beyond an end that was already known.
    pub malformed: u64,
    /// Fragments that the capture holds only in part.
    pub cut: u64,
}

/// The longest payload of a fragmented datagram, in bytes.
const LONGEST: u32 = 65_535;

/// A part of a datagram, as its IP header describes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fragment<'a> {
    pub(super) identifier: u32,
    pub(super) protocol: u8,
    /// Place of its first byte in the datagram's payload.
    pub(super) offset: u32,
    /// Whether there are bytes after it.
    pub(super) more: bool,
    pub(super) payload: View<'a>,
}

/// What the fragments of one datagram have in common (RFC 791, section 3.2; RFC 8200, section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    addresses: Option<(IpAddr, IpAddr)>,
    scope: Scope,
    identifier: u32,
    /// 0 in IPv6, where only the first fragment's counts.
    protocol: u8,
}

impl Key {
    pub(super) fn new(addresses: Option<(IpAddr, IpAddr)>, scope: Scope, fragment: &Fragment<'_>) -> Self {
        let protocol = match addresses {
            Some((IpAddr::V4(_), _)) => fragment.protocol,
            _ => 0,
        };
        Key { addresses, scope, identifier: fragment.identifier, protocol }
    }
}

/// What became of a fragment.
pub(super) enum Outcome {
    /// It waits, or was dropped.
    Incomplete(Option<Stop>),
    /// Protocol and payload of the whole datagram.
    Complete(u8, Vec<u8>),
}

/// Datagrams of which some fragments have been seen.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    limits: Limits,
    waiting: HashMap<Key, Datagram>,
    /// Keys by age, with the serial number of the datagram they stood for.
    ages: VecDeque<(u64, Key)>,
    serial: u64,
    bytes: usize,
    dropped: Dropped,
}

#[derive(Debug)]
struct Datagram {
    serial: u64,
    began: Timestamp,
    bytes: Vec<u8>,
    /// What has arrived: disjoint, not touching, in order.
    ranges: Vec<(u32, u32)>,
    /// Its length, once the last fragment has been seen.
    length: Option<u32>,
    /// Protocol of the first fragment.
    protocol: Option<u8>,
}

impl Fragments {
    pub(super) fn new(limits: Limits) -> Self {
        Fragments { limits, ..Fragments::default() }
    }

    pub(super) fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Takes a fragment in.
    pub(super) fn add(&mut self, key: Key, fragment: &Fragment<'_>, now: Timestamp) -> Outcome {
        self.expire(now);
        if fragment.payload.data.len() < fragment.payload.wire {
            self.dropped.cut = self.dropped.cut.saturating_add(1);
            return Outcome::Incomplete(Some(Stop::Cut("IP fragment")));
        }
        let Some(end) = end_of(fragment) else { return self.malformed() };
        let serial = self.serial;
        let datagram = self.waiting.entry(key).or_insert_with(|| Datagram::new(serial, now));
        if datagram.serial == serial {
            self.serial = self.serial.wrapping_add(1);
            self.ages.push_back((serial, key));
        }
        let before = datagram.bytes.len();
        if !datagram.add(fragment, end) {
            return self.malformed();
        }
        self.bytes = self.bytes.saturating_add(datagram.bytes.len().saturating_sub(before));
        let too_many_ranges = datagram.ranges.len() > self.limits.ranges;
        if let Some(protocol) = datagram.complete() {
            let bytes = self.remove(&key).map(|datagram| datagram.bytes).unwrap_or_default();
            return Outcome::Complete(protocol, bytes);
        }
        if too_many_ranges && self.remove(&key).is_some() {
            self.dropped.by_limit = self.dropped.by_limit.saturating_add(1);
        }
        self.enforce_limits();
        Outcome::Incomplete(None)
    }

    fn malformed(&mut self) -> Outcome {
        self.dropped.malformed = self.dropped.malformed.saturating_add(1);
        Outcome::Incomplete(Some(Stop::Malformed("IP fragment")))
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((serial, key)) = self.ages.front().copied() {
            match self.waiting.get(&key).filter(|datagram| datagram.serial == serial) {
                Some(datagram) if now.nanoseconds_since(datagram.began) <= self.limits.timeout => return,
                Some(_) => {
                    self.remove(&key);
                    self.dropped.by_timeout = self.dropped.by_timeout.saturating_add(1);
                }
                None => {}
            }
            self.ages.pop_front();
        }
    }

    fn enforce_limits(&mut self) {
        while self.waiting.len() > self.limits.datagrams || self.bytes > self.limits.bytes {
            let Some((serial, key)) = self.ages.pop_front() else { return };
            if self.waiting.get(&key).is_some_and(|datagram| datagram.serial == serial) {
                self.remove(&key);
                self.dropped.by_limit = self.dropped.by_limit.saturating_add(1);
            }
        }
        // Keys of completed datagrams stay behind in the queue; without this they could pile up there.
        if self.ages.len() > self.limits.datagrams.saturating_mul(2) {
            let waiting = &self.waiting;
            self.ages.retain(|(serial, key)| waiting.get(key).is_some_and(|found| found.serial == *serial));
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.waiting.remove(key)?;
        self.bytes = self.bytes.saturating_sub(datagram.bytes.len());
        Some(datagram)
    }
}

/// Where a fragment ends, if it may: all but the last are multiples of 8 bytes long.
fn end_of(fragment: &Fragment<'_>) -> Option<u32> {
    let length = u32::try_from(fragment.payload.data.len()).ok()?;
    let end = fragment.offset.checked_add(length).filter(|end| *end <= LONGEST)?;
    let fits = !fragment.more || (length > 0 && length.is_multiple_of(8));
    fits.then_some(end)
}

impl Datagram {
    fn new(serial: u64, began: Timestamp) -> Self {
        Datagram { serial, began, bytes: Vec::new(), ranges: Vec::new(), length: None, protocol: None }
    }

    /// Takes in what is new; false where the fragment contradicts the length that is known.
    fn add(&mut self, fragment: &Fragment<'_>, end: u32) -> bool {
        let reached = self.ranges.last().map_or(0, |range| range.1);
        let contradicts = match self.length {
            Some(length) => end > length || (!fragment.more && end != length),
            None => !fragment.more && end < reached,
        };
        if contradicts {
            return false;
        }
        if !fragment.more {
            self.length = Some(end);
        }
        if fragment.offset == 0 && self.protocol.is_none() {
            self.protocol = Some(fragment.protocol);
        }
        self.write(fragment.payload.data, fragment.offset, end);
        true
    }

    /// Copies the bytes of `offset..end` that have not arrived before.
    fn write(&mut self, data: &[u8], offset: u32, end: u32) {
        if self.bytes.len() < end as usize {
            self.bytes.resize(end as usize, 0);
        }
        let mut from = offset;
        let mut merged = Vec::with_capacity(self.ranges.len().saturating_add(1));
        let mut grown = (offset, end);
        for range in std::mem::take(&mut self.ranges) {
            if range.1 < grown.0 || range.0 > grown.1 {
                merged.push(range);
                continue;
            }
            self.bytes_between(data, offset, from, range.0.min(end));
            from = from.max(range.1);
            grown = (grown.0.min(range.0), grown.1.max(range.1));
        }
        self.bytes_between(data, offset, from, end);
        let place = merged.partition_point(|range| range.0 < grown.0);
        merged.insert(place, grown);
        self.ranges = merged;
    }

    fn bytes_between(&mut self, data: &[u8], offset: u32, from: u32, to: u32) {
        let source = from.saturating_sub(offset) as usize..to.saturating_sub(offset) as usize;
        let place = self.bytes.get_mut(from as usize..to as usize);
        if let (Some(place), Some(source)) = (place, data.get(source)) {
            place.copy_from_slice(source);
        }
    }

    /// The protocol, if every byte has arrived.
    fn complete(&self) -> Option<u8> {
        let length = self.length?;
        match self.ranges.as_slice() {
            [(0, end)] if *end == length => self.protocol,
            _ => None,
        }
    }
}

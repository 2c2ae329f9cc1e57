//! Where passwords stand: learnt in a first pass over the whole capture, so that no packet shows what another one only
//! completes.
//!
//! Passwords are found as `follow` finds them, in the streams' bytes in order, and kept as places in the stream. So they are
//! hidden in every packet that carries them: split, out of order, sent again.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::Range;

use port21_analysis::tcp::{Chunk, Connection, End, Gap, Half};

use crate::secrets::{Run, Secrets, loose};

/// Places of passwords, and streams with bytes out of place, that are kept. Behind it all payload is hidden.
const LIMIT: usize = 1 << 20;

/// What is known of one direction of a stream.
#[derive(Debug, Default)]
struct Side {
    /// Places of passwords, in order.
    secrets: Vec<Range<u64>>,
    /// Raw number of byte 0, known once the stream has ended.
    first: u32,
    /// Bytes that were captured but have no place in the stream: what was delivered of it otherwise.
    misplaced: Option<Delivered>,
}

/// Which bytes of a direction were delivered: all up to `end` but the gaps.
#[derive(Debug)]
struct Delivered {
    end: u64,
    gaps: Vec<Range<u64>>,
}

/// The places of passwords in all streams of a capture.
#[derive(Debug, Default)]
pub struct Masks {
    show: bool,
    live: HashMap<u64, Secrets>,
    streams: HashMap<u64, [Side; 2]>,
    /// Ends of streams with passwords.
    ends: HashSet<(IpAddr, u16)>,
    kept: usize,
    /// There were too many to keep.
    full: bool,
}

impl Masks {
    /// No stream seen yet; with `show`, nothing will be hidden.
    pub fn new(show: bool) -> Masks {
        Masks { show, ..Masks::default() }
    }

    /// Bytes in order, in the first pass.
    pub fn data(&mut self, connection: &Connection, from: End, chunk: &Chunk<'_>) {
        if self.show {
            return;
        }
        let port = connection.end(End::Responder).port;
        let secrets = self.live.entry(connection.stream).or_insert_with(|| Secrets::new(port, false));
        let mut at = chunk.offset;
        for run in secrets.part(from, chunk.bytes) {
            let length = match run {
                Run::Plain(bytes) => bytes.len(),
                Run::Secret { length, .. } => length,
            } as u64;
            if matches!(run, Run::Secret { .. }) {
                if self.kept >= LIMIT {
                    self.full = true;
                    return;
                }
                self.kept += 1;
                let sides = self.streams.entry(connection.stream).or_default();
                side_mut(sides, from).secrets.push(at..at.saturating_add(length));
                self.ends.extend(connection.ends.map(|end| (end.address, end.port)));
            }
            at = at.saturating_add(length);
        }
    }

    /// Bytes that will not come, in the first pass.
    pub fn gap(&mut self, connection: &Connection, from: End, _: Gap) {
        if let Some(secrets) = self.live.get_mut(&connection.stream) {
            secrets.gap(from);
        }
    }

    /// A stream has ended, in the first pass.
    pub fn ended(&mut self, connection: &Connection) {
        self.live.remove(&connection.stream);
        for from in [End::Initiator, End::Responder] {
            let half = connection.half(from);
            if !self.show && half.dropped_bytes > 0 {
                if self.kept >= LIMIT {
                    self.full = true;
                    return;
                }
                self.kept += 1;
                let sides = self.streams.entry(connection.stream).or_default();
                side_mut(sides, from).misplaced = Some(Delivered::of(half));
            }
            if let Some(sides) = self.streams.get_mut(&connection.stream) {
                side_mut(sides, from).first = half.initial_sequence.unwrap_or(0).wrapping_add(1);
            }
        }
    }

    /// A stream carries files or listings: a line in it that reads like PASS is no command.
    pub fn forget(&mut self, stream: u64) {
        self.streams.remove(&stream);
        self.live.remove(&stream);
    }

    /// Whether so many passwords were found that their places could not all be kept: then all payload is hidden.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether any password was found.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty() && !self.full
    }

    /// Whether packets of this end may carry a password.
    pub fn concerns(&self, end: (IpAddr, u16)) -> bool {
        self.full || self.ends.contains(&end)
    }

    /// What of `payload`, whose first byte `from` sent with the raw number `first_byte`, must not be shown.
    pub fn of_segment(&self, stream: u64, from: End, first_byte: u32, payload: &[u8]) -> Vec<Range<usize>> {
        if self.full {
            return std::iter::once(0..payload.len()).filter(|range| !range.is_empty()).collect();
        }
        let Some(side) = self.streams.get(&stream).map(|sides| side(sides, from)) else { return Vec::new() };
        let near = i64::from(first_byte.wrapping_sub(side.first) as i32);
        let last = side.secrets.last().map_or(0, |range| range.end);
        // A number stands for one place in each 4 GiB of the stream; all of them are looked at.
        let mut found = Vec::new();
        for turn in 0..=last >> 32 {
            side.hide(near.saturating_add_unsigned(turn << 32), payload, &mut found);
        }
        found
    }
}

impl Side {
    /// Adds what must not be shown of a payload that begins at `start`.
    fn hide(&self, start: i64, payload: &[u8], found: &mut Vec<Range<usize>>) {
        let end = start.saturating_add_unsigned(payload.len() as u64);
        let within = |range: &Range<u64>| {
            let place = |offset: u64| {
                let offset = i64::try_from(offset).unwrap_or(i64::MAX).clamp(start, end);
                usize::try_from(offset.saturating_sub(start)).unwrap_or(0)
            };
            Some(place(range.start)..place(range.end)).filter(|range| !range.is_empty())
        };
        let begin =
            self.secrets.partition_point(|range| i64::try_from(range.end).is_ok_and(|end| end <= start));
        let behind = self.secrets.get(begin..).unwrap_or_default().iter();
        let near = behind.take_while(|range| i64::try_from(range.start).is_ok_and(|begin| begin < end));
        found.extend(near.filter_map(within));
        if let Some(delivered) = &self.misplaced
            && !delivered.contains(start, end)
        {
            found.extend(loose(payload));
            if !self.secrets.is_empty() {
                found.extend(delivered.gaps.iter().filter_map(within));
            }
        }
    }
}

impl Delivered {
    fn of(half: &Half) -> Delivered {
        let gaps = half.gaps.iter().map(|gap| gap.offset..gap.offset.saturating_add(gap.length)).collect();
        Delivered { end: half.bytes.saturating_add(half.missing), gaps }
    }

    fn contains(&self, start: i64, end: i64) -> bool {
        let (Ok(start), Ok(end)) = (u64::try_from(start), u64::try_from(end)) else { return false };
        end <= self.end && !self.gaps.iter().any(|gap| gap.start < end && start < gap.end)
    }
}

fn side(sides: &[Side; 2], from: End) -> &Side {
    let [initiator, responder] = sides;
    if from == End::Initiator { initiator } else { responder }
}

fn side_mut(sides: &mut [Side; 2], from: End) -> &mut Side {
    let [initiator, responder] = sides;
    if from == End::Initiator { initiator } else { responder }
}

//! The pcapng format: blocks in sections (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>).
//!
//! Blocks are read here and not by a parser crate: the one at hand refuses a packet for a wrong option or trailing
//! length, reads if_tsoffset in one byte order only, and does not know the obsolete Packet Block.

use std::collections::BTreeSet;

use super::interface::{Clock, Interface};
use super::log::Kind;
use super::{ByteOrder, Input, MAX_RECORD, OpenError, Record};
use crate::packet::{LinkType, Timestamp};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Blocks that hold nothing that is needed here: names, statistics, decryption secrets, process information.
const PASSED_OVER: &[u32] = &[4, 5, 7, 0x0a, 0x8000_0001];

/// Journal entries, system calls (three forms) and custom blocks: no packets, but records with a number to Wireshark.
const NUMBERED: &[u32] = &[9, 0x0204, 0x0216, 0x0221, 0x0000_0bad, 0x4000_0bad];

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

/// Type, length and, at the end, length again.
const SMALLEST_BLOCK: usize = 12;
/// Length of the shortest section header in bytes.
const SMALLEST_SECTION: usize = 28;
/// How many interfaces of one section are remembered.
const MAX_INTERFACES: usize = 65_536;

/// A pcapng file whose first section header has been seen.
#[derive(Debug)]
pub(super) struct PcapNgReader {
    order: ByteOrder,
    /// False in a section of a version that is not known.
    readable: bool,
    interfaces: Vec<Interface>,
    link_types: BTreeSet<LinkType>,
}

/// The frame of a block that lies whole in the window.
#[derive(Debug, Clone, Copy)]
struct Block {
    kind: u32,
    /// Its length as stated, in bytes.
    stated: usize,
    /// The same, rounded up to 32 bits.
    padded: usize,
    offset: u64,
}

/// Whether these are the first bytes of a pcapng file.
pub(super) fn recognises(start: &[u8]) -> bool {
    start.starts_with(&SECTION_HEADER.to_be_bytes())
}

impl PcapNgReader {
    /// Looks at the first section header, which [`PcapNgReader::next`] then reads.
    pub(super) fn open(name: &str, input: &mut Input) -> Result<Self, OpenError> {
        let start = input.window.require(SMALLEST_SECTION);
        let name = name.to_owned();
        if start.len() < SMALLEST_SECTION {
            return Err(OpenError::CutHeader { name, length: start.len() });
        }
        let Some(order) = section_order(start) else {
            let what =
                "a damaged pcapng file: its byte-order magic is neither 1a2b3c4d nor 4d3c2b1a".to_owned();
            return Err(OpenError::NotACapture { name, what });
        };
        Ok(PcapNgReader { order, readable: true, interfaces: Vec::new(), link_types: BTreeSet::new() })
    }

    /// Link types of the interfaces described so far.
    pub(super) fn link_types(&self) -> &BTreeSet<LinkType> {
        &self.link_types
    }

    /// The next packet, or `None` where reading stops.
    #[inline]
    pub(super) fn next(&mut self, input: &mut Input) -> Option<Record> {
        loop {
            let block = self.block(input)?;
            let record = match block.kind {
                SECTION_HEADER => self.section(input, &block),
                _ if !self.readable => leave_out(input, &block),
                ENHANCED_PACKET => self.enhanced(input, &block),
                INTERFACE_DESCRIPTION => self.interface(input, &block),
                SIMPLE_PACKET => self.simple(input, &block),
                OBSOLETE_PACKET => self.obsolete(input, &block),
                other if NUMBERED.contains(&other) => Some(number(input, &block, other)),
                other => pass_over(input, &block, other),
            };
            if record.is_some() {
                return record;
            }
        }
    }

    /// Brings the next block into the window, or says why reading stops.
    #[inline]
    fn block(&mut self, input: &mut Input) -> Option<Block> {
        loop {
            let start = input.window.require(SMALLEST_BLOCK);
            let Some([k0, k1, k2, k3, l0, l1, l2, l3]) = start.first_chunk::<8>().copied() else {
                return stop_unless_empty(input, SMALLEST_BLOCK);
            };
            if (k0, k1, k2, k3) == (0x0a, 0x0d, 0x0d, 0x0a) {
                match section_order(start) {
                    Some(order) => self.order = order,
                    None => return stop(input, "is a section header without byte-order magic"),
                }
            }
            let kind = self.order.u32([k0, k1, k2, k3]);
            let stated = self.order.u32([l0, l1, l2, l3]);
            if (stated as usize) < SMALLEST_BLOCK {
                return stop(input, &format!("says that it has {stated} bytes, fewer than a block can have"));
            }
            if stated > MAX_RECORD {
                self.skip_long(input, kind, stated)?;
                continue;
            }
            let (stated, padded) = (stated as usize, (stated as usize).next_multiple_of(4));
            let length = input.window.require(padded).len();
            if length < stated || (length < padded && input.window.is_paused()) {
                return stop_unless_empty(input, stated);
            }
            let offset = input.window.offset();
            let block = Block { kind, stated, padded, offset };
            self.check_trailer(input, &block);
            return Some(block);
        }
    }

    /// Passes over a block that is too long to hold, if it is of a kind that may be passed over.
    #[cold]
    fn skip_long(&self, input: &mut Input, kind: u32, stated: u32) -> Option<()> {
        if matches!(
            kind,
            SECTION_HEADER | INTERFACE_DESCRIPTION | ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET
        ) {
            return stop(input, &format!("says that it has {stated} bytes"));
        }
        let (packet, offset) = (input.packets, input.window.offset());
        input.log.note(Kind::UnknownBlock(kind), Some(packet), Some(offset), || {
            format!("a block of type {kind:#010x} and {stated} bytes at offset {offset} was passed over")
        });
        let skipped = input.window.skip(u64::from(stated).next_multiple_of(4));
        if skipped < u64::from(stated) {
            return stop(input, &format!("was cut after {skipped} of {stated} bytes of the block before it"));
        }
        Some(())
    }

    fn check_trailer(&self, input: &mut Input, block: &Block) {
        let at = block.stated.saturating_sub(4);
        let trailer = input.window.available().get(at..).and_then(|rest| rest.first_chunk::<4>());
        let repeated = trailer.map_or(0, |bytes| self.order.u32(*bytes));
        if repeated as usize != block.stated {
            let (packet, offset, stated) = (input.packets, block.offset, block.stated);
            input.log.note(Kind::BlockLengths, Some(packet), Some(offset), || {
                format!(
                    "the block at offset {offset} has {stated} as its first and {repeated} as its second length; \
                     the first is used"
                )
            });
        }
    }

    /// Begins a section (section 4.1 of the draft).
    fn section(&mut self, input: &mut Input, block: &Block) -> Option<Record> {
        let body = body(input, block);
        let major =
            body.get(4..6).and_then(|bytes| bytes.first_chunk::<2>()).map(|bytes| self.order.u16(*bytes));
        let options_fit = options(self.order, body.get(16..).unwrap_or_default(), |_, _| {});
        self.interfaces.clear();
        self.readable = major == Some(1);
        let (packet, offset) = (input.packets, block.offset);
        match major {
            Some(1) if !options_fit => note_option(input, block),
            Some(1) => {}
            Some(major) => input.log.note(Kind::SectionVersion, Some(packet), Some(offset), || {
                format!(
                    "the section at offset {offset} has version {major}, and only version 1 is known; its packets \
                     are left out"
                )
            }),
            None => note_short(input, block),
        }
        input.window.consume(block.padded);
        None
    }

    /// Remembers an interface (section 4.2 of the draft).
    fn interface(&mut self, input: &mut Input, block: &Block) -> Option<Record> {
        let order = self.order;
        let Some((fixed, rest)) = body(input, block).split_first_chunk::<8>() else {
            note_short(input, block);
            input.window.consume(block.padded);
            return None;
        };
        let [t0, t1, _, _, s0, s1, s2, s3] = *fixed;
        let link_type = LinkType(u32::from(order.u16([t0, t1])));
        let (mut resolution, mut offset, mut check_sequence) = (6, 0, 0);
        let options_fit = options(order, rest, |code, value| match (code, value) {
            (9, [exponent, ..]) => resolution = *exponent,
            (13, [bits, ..]) if link_type == LinkType::ETHERNET => check_sequence = u32::from(*bits) / 8,
            (14, value) => offset = value.first_chunk().map_or(0, |bytes| order.i64(*bytes)),
            _ => {}
        });
        if !options_fit {
            note_option(input, block);
        }
        if self.interfaces.len() < MAX_INTERFACES {
            let clock = Clock::new(resolution, offset);
            let snap_length = order.u32([s0, s1, s2, s3]);
            self.interfaces.push(Interface { link_type, snap_length, clock, check_sequence });
            self.link_types.insert(link_type);
        } else {
            let (packet, offset) = (input.packets, block.offset);
            input.log.note(Kind::Interfaces, Some(packet), Some(offset), || {
                format!(
                    "the block at offset {offset} describes one interface more than the {MAX_INTERFACES} of a section that \
                     are kept; packets of the others are counted, but not decoded"
                )
            });
        }
        input.window.consume(block.padded);
        None
    }

    /// An Enhanced Packet Block (section 4.3 of the draft).
    #[inline]
    fn enhanced(&self, input: &mut Input, block: &Block) -> Option<Record> {
        let Some(fixed) = body(input, block).first_chunk::<20>() else { return short(input, block) };
        let [i0, i1, i2, i3, rest @ ..] = *fixed;
        let interface = self.order.u32([i0, i1, i2, i3]);
        self.timed_packet(input, block, interface, rest)
    }

    /// An obsolete Packet Block (appendix A of the draft).
    fn obsolete(&self, input: &mut Input, block: &Block) -> Option<Record> {
        let Some(fixed) = body(input, block).first_chunk::<20>() else { return short(input, block) };
        let [i0, i1, _, _, rest @ ..] = *fixed;
        let interface = u32::from(self.order.u16([i0, i1]));
        self.timed_packet(input, block, interface, rest)
    }

    #[inline]
    fn timed_packet(
        &self,
        input: &mut Input,
        block: &Block,
        interface: u32,
        fixed: [u8; 16],
    ) -> Option<Record> {
        let [h0, h1, h2, h3, l0, l1, l2, l3, c0, c1, c2, c3, o0, o1, o2, o3] = fixed;
        let order = self.order;
        let units = u64::from(order.u32([h0, h1, h2, h3])) << 32 | u64::from(order.u32([l0, l1, l2, l3]));
        let captured = order.u32([c0, c1, c2, c3]);
        let original = order.u32([o0, o1, o2, o3]);
        let described = self.interface_of(input, block, interface);
        let time = described.map_or(Clock::default(), |interface| interface.clock).time(units);
        Some(packet(input, block, described, Some(time), 20, captured, original))
    }

    /// A Simple Packet Block (section 4.4 of the draft): of the first interface, without a time.
    fn simple(&self, input: &mut Input, block: &Block) -> Option<Record> {
        let Some(fixed) = body(input, block).first_chunk::<4>() else { return short(input, block) };
        let original = self.order.u32(*fixed);
        let described = self.interface_of(input, block, 0);
        let limit = described.map_or(0, |interface| interface.snap_length);
        let captured = if limit == 0 { original } else { original.min(limit) };
        Some(packet(input, block, described, None, 4, captured, original))
    }

    #[inline]
    fn interface_of(&self, input: &mut Input, block: &Block, number: u32) -> Option<Interface> {
        let described = self.interfaces.get(number as usize).copied();
        if described.is_none() {
            let (packet, offset) = (input.packets.saturating_add(1), block.offset);
            input.log.note(Kind::UndescribedInterface, Some(packet), Some(offset), || {
                format!(
                    "packet {packet} at offset {offset} is of interface {number}, which the section does not \
                     describe; it is counted, but not decoded"
                )
            });
        }
        described
    }
}

/// Takes the packet bytes out of a block whose body has `fixed` bytes before them.
#[inline]
fn packet(
    input: &mut Input,
    block: &Block,
    interface: Option<Interface>,
    time: Option<Timestamp>,
    fixed: usize,
    captured: u32,
    original: u32,
) -> Record {
    let room = block.stated.saturating_sub(SMALLEST_BLOCK + fixed);
    let number = input.packets.saturating_add(1);
    let offset = block.offset;
    if captured as usize > room {
        input.log.note(Kind::PacketLongerThanBlock, Some(number), Some(offset), || {
            format!("packet {number} at offset {offset} says {captured} bytes, but its block holds {room}")
        });
    }
    let length = room.min(captured as usize);
    if length > original as usize {
        input.log.note(Kind::CapturedMoreThanOriginal, Some(number), Some(offset), || {
            format!(
                "packet {number} at offset {offset} was captured with {length} bytes but had {original} on the wire; \
                 the larger number is used"
            )
        });
    }
    let before = fixed.saturating_add(8);
    input.window.consume(before);
    let range = input.window.consume(length);
    input.window.consume(block.padded.saturating_sub(before).saturating_sub(length));
    let record = Record {
        time: time.or(input.last_time).unwrap_or_default(),
        timed: time.is_some(),
        link_type: interface.map_or(LinkType::UNDESCRIBED, |interface| interface.link_type),
        original_length: original.max(u32::try_from(length).unwrap_or(u32::MAX)),
        range,
    };
    record.without_check_sequence(interface.map_or(0, |interface| interface.check_sequence))
}

fn section_order(start: &[u8]) -> Option<ByteOrder> {
    let magic = start.get(8..12)?.first_chunk::<4>()?;
    [ByteOrder::Little, ByteOrder::Big].into_iter().find(|order| order.u32(*magic) == BYTE_ORDER_MAGIC)
}

/// A block's bytes between its two lengths.
#[inline]
fn body<'a>(input: &'a Input, block: &Block) -> &'a [u8] {
    input.window.available().get(8..block.stated.saturating_sub(4)).unwrap_or_default()
}

/// Calls `each` with code and value of every option; false where one is longer than its block (section 3.5).
fn options(order: ByteOrder, mut rest: &[u8], mut each: impl FnMut(u16, &[u8])) -> bool {
    while let Some(([c0, c1, l0, l1], after)) = rest.split_first_chunk::<4>() {
        let code = order.u16([*c0, *c1]);
        let length = usize::from(order.u16([*l0, *l1]));
        if code == 0 {
            break;
        }
        let Some((value, beyond)) = after.split_at_checked(length) else { return false };
        each(code, value);
        rest = beyond.get(length.next_multiple_of(4) - length..).unwrap_or_default();
    }
    true
}

/// Gives a block that is no packet the number that it has in Wireshark.
#[cold]
fn number(input: &mut Input, block: &Block, kind: u32) -> Record {
    let (packet, offset) = (input.packets.saturating_add(1), block.offset);
    input.log.note(Kind::UnknownBlock(kind), Some(packet), Some(offset), || {
        format!(
            "the block of type {kind:#010x} at offset {offset} is no packet; it counts as #{packet} all the same, as in \
             Wireshark"
        )
    });
    let time = input.last_time.unwrap_or_default();
    let length = body(input, block).len();
    input.window.consume(8);
    let range = input.window.consume(length);
    input.window.consume(block.padded.saturating_sub(8).saturating_sub(length));
    let original_length = u32::try_from(length).unwrap_or(u32::MAX);
    Record { time, timed: false, link_type: LinkType::NO_PACKET, original_length, range }
}

fn pass_over(input: &mut Input, block: &Block, kind: u32) -> Option<Record> {
    if !PASSED_OVER.contains(&kind) {
        let (packet, offset) = (input.packets, block.offset);
        input.log.note(Kind::UnknownBlock(kind), Some(packet), Some(offset), || {
            format!("a block of unknown type {kind:#010x} at offset {offset} was passed over")
        });
    }
    input.window.consume(block.padded);
    None
}

fn leave_out(input: &mut Input, block: &Block) -> Option<Record> {
    input.window.consume(block.padded);
    None
}

#[cold]
fn short(input: &mut Input, block: &Block) -> Option<Record> {
    note_short(input, block);
    input.window.consume(block.padded);
    None
}

#[cold]
fn note_short(input: &mut Input, block: &Block) {
    let (packet, offset, kind, stated) = (input.packets, block.offset, block.kind, block.stated);
    input.log.note(Kind::ShortBlock, Some(packet), Some(offset), || {
        format!(
            "the block at offset {offset} has {stated} bytes, too few for its type {kind}; it was passed over"
        )
    });
}

#[cold]
fn note_option(input: &mut Input, block: &Block) {
    let (packet, offset) = (input.packets, block.offset);
    input.log.note(Kind::OptionTooLong, Some(packet), Some(offset), || {
        format!(
            "the block at offset {offset} has an option that is longer than the block; its options end there"
        )
    });
}

#[cold]
fn stop_unless_empty<T>(input: &mut Input, wanted: usize) -> Option<T> {
    match input.window.available().len() {
        0 => None,
        length => stop(input, &format!("has {length} of its {wanted} bytes")),
    }
}

/// Ends reading at the block that would be next, unless the rest of it may still come.
#[cold]
fn stop<T>(input: &mut Input, what: &str) -> Option<T> {
    if input.window.is_paused() {
        return None;
    }
    let (last, offset) = (input.packets, input.window.offset());
    input.log.note(Kind::Single, Some(last), Some(offset), || {
        format!(
            "capture cut short: the block at offset {offset}, after packet {last}, {what}; reading stops here"
        )
    });
    None
}

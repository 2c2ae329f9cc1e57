//! Classic pcap files: a file header, then records (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>).
//!
//! Record headers are read here and not by a parser crate: the one at hand knows neither swapped modified files
//! nor a length that is to be refused before it is waited for, and this is the hottest loop of reading.

use super::log::Kind;
use super::{ByteOrder, Input, MAX_RECORD, OpenError, Record};
use crate::packet::{LinkType, Timestamp};

/// Length of the file header in bytes.
const FILE_HEADER: usize = 24;

/// The record length that is accepted whatever the snap length says, in bytes: libpcap's own maximum.
const USUAL_MAXIMUM: u32 = 256 * 1024;

/// A pcap file whose header has been read.
#[derive(Debug)]
pub(super) struct PcapReader {
    order: ByteOrder,
    nanoseconds: bool,
    record_header: usize,
    /// Longest record that is believed, in bytes.
    maximum: u32,
    lengths: LengthOrder,
    link_type: LinkType,
    /// Bytes of frame check sequence at the end of every frame.
    check_sequence: u32,
}

/// Which of the two lengths of a record comes first: it changed with version 2.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LengthOrder {
    CapturedFirst,
    OriginalFirst,
    SmallerIsCaptured,
}

/// What a magic number says of a file.
struct Magic {
    order: ByteOrder,
    nanoseconds: bool,
    record_header: usize,
    /// Bytes between file header and first record.
    extra: usize,
}

fn magic(start: &[u8]) -> Option<Magic> {
    let number = start.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))?;
    let known = |number| match number {
        0xa1b2_c3d4 => Some((false, 16, 0)),
        0xa1b2_3c4d => Some((true, 16, 0)),
        // Kuznetzov's modified format: interface index, protocol, packet type and padding follow the lengths.
        0xa1b2_cd34 => Some((false, 24, 0)),
        // IXIA's hardware and software captures: the size of all records follows the file header.
        0x1c00_01ac | 0x1c00_01ab => Some((true, 16, 4)),
        _ => None,
    };
    let (order, (nanoseconds, record_header, extra)) = match known(number) {
        Some(what) => (ByteOrder::Big, what),
        None => (ByteOrder::Little, known(number.swap_bytes())?),
    };
    Some(Magic { order, nanoseconds, record_header, extra })
}

/// Whether these are the first bytes of a pcap file.
pub(super) fn recognises(start: &[u8]) -> bool {
    magic(start).is_some()
}

impl PcapReader {
    /// Reads the file header.
    pub(super) fn open(name: &str, input: &mut Input) -> Result<Self, OpenError> {
        let start = input.window.require(FILE_HEADER);
        let cut = OpenError::CutHeader { name: name.to_owned(), length: start.len() };
        let (Some(magic), Some(header)) = (magic(start), start.first_chunk::<FILE_HEADER>()) else {
            return Err(cut);
        };
        let order = magic.order;
        let [_, _, _, _, a, b, c, d, _, _, _, _, _, _, _, _, rest @ ..] = *header;
        let (major, minor) = (order.u16([a, b]), order.u16([c, d]));
        let [s0, s1, s2, s3, l0, l1, l2, l3] = rest;
        let snap_length = order.u32([s0, s1, s2, s3]);
        let network = order.u32([l0, l1, l2, l3]);
        if major != 2 && (major, minor) != (543, 0) {
            return Err(OpenError::UnsupportedVersion { name: name.to_owned(), major, minor });
        }
        input.window.consume(FILE_HEADER);
        input.window.skip(magic.extra as u64);
        Ok(PcapReader {
            order,
            nanoseconds: magic.nanoseconds,
            record_header: magic.record_header,
            maximum: snap_length.clamp(USUAL_MAXIMUM, MAX_RECORD),
            lengths: length_order(major, minor),
            link_type: LinkType(network & 0xffff),
            check_sequence: check_sequence(network, input),
        })
    }

    /// What the file header says the packets begin with.
    pub(super) fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// The next record, or `None` where reading stops.
    #[inline]
    pub(super) fn next(&self, input: &mut Input) -> Option<Record> {
        let header_length = self.record_header;
        let start = input.window.require(header_length);
        let Some(header) = start.first_chunk::<16>().filter(|_| start.len() >= header_length) else {
            self.stop_in_header(input);
            return None;
        };
        let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3] = *header;
        let seconds = self.order.u32([a0, a1, a2, a3]);
        let fraction = self.order.u32([b0, b1, b2, b3]);
        let lengths = (self.order.u32([c0, c1, c2, c3]), self.order.u32([d0, d1, d2, d3]));
        let (captured, original) = self.order_lengths(lengths);
        if captured > self.maximum {
            stop(input, &format!("says {captured} bytes"));
            return None;
        }
        if (seconds, fraction, captured, original) == (0, 0, 0, 0) {
            stop(input, "is nothing but zeros");
            return None;
        }
        let whole = header_length + captured as usize;
        if input.window.require(whole).len() < whole {
            self.stop_in_data(input, captured);
            return None;
        }
        let offset = input.window.offset();
        input.window.consume(header_length);
        let range = input.window.consume(captured as usize);
        let original_length = if captured > original {
            note_original(input, offset, captured, original);
            captured
        } else {
            original
        };
        let record = Record {
            time: self.time(input, offset, seconds, fraction),
            timed: true,
            link_type: self.link_type,
            original_length,
            range,
        };
        Some(record.without_check_sequence(self.check_sequence))
    }

    #[inline]
    fn order_lengths(&self, (first, second): (u32, u32)) -> (u32, u32) {
        match self.lengths {
            LengthOrder::CapturedFirst => (first, second),
            LengthOrder::OriginalFirst => (second, first),
            LengthOrder::SmallerIsCaptured => (first.min(second), first.max(second)),
        }
    }

    #[inline]
    fn time(&self, input: &mut Input, offset: u64, seconds: u32, fraction: u32) -> Timestamp {
        let (unit, in_a_second) = if self.nanoseconds { (1, 1_000_000_000) } else { (1000, 1_000_000) };
        if fraction >= in_a_second {
            let record = input.packets.saturating_add(1);
            input.log.note(Kind::Fraction, Some(record), Some(offset), || {
                format!(
                    "packet {record} at offset {offset} has {fraction} as its fraction of a second, of {in_a_second} \
                     parts; the time is taken as seconds plus that"
                )
            });
        }
        // A u32 of seconds and a u32 of microseconds stay far below i64::MAX nanoseconds.
        Timestamp(i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * unit)
    }

    #[cold]
    fn stop_in_header(&self, input: &mut Input) {
        let length = input.window.available().len();
        if length > 0 {
            let header = self.record_header;
            stop(input, &format!("has {length} of the {header} bytes of its header"));
        }
    }

    #[cold]
    fn stop_in_data(&self, input: &mut Input, captured: u32) {
        let length = input.window.available().len().saturating_sub(self.record_header);
        stop(input, &format!("has {length} of its {captured} bytes"));
    }
}

fn length_order(major: u16, minor: u16) -> LengthOrder {
    match (major, minor) {
        (543, _) | (2, ..3) => LengthOrder::OriginalFirst,
        (2, 3) => LengthOrder::SmallerIsCaptured,
        _ => LengthOrder::CapturedFirst,
    }
}

/// Reads what stands above the link type in its field: with bit 26, the top four bits count the two-byte units of
/// frame check sequence at the end of every frame.
fn check_sequence(network: u32, input: &mut Input) -> u32 {
    let link_type = network & 0xffff;
    let length = if network & 0x0400_0000 != 0 { (network >> 28) * 2 } else { 0 };
    if network & 0x03ff_0000 != 0 {
        input.log.note(Kind::LinkTypeBits, None, Some(20), || {
            format!(
                "the link type field is {network:#010x}; reserved bits are ignored: link type {link_type}"
            )
        });
    }
    if length == 0 || link_type != LinkType::ETHERNET.0 {
        return 0;
    }
    input.log.note(Kind::FrameCheckSequence, None, Some(20), || {
        format!("every frame ends with a check sequence of {length} bytes, which is left out")
    });
    length
}

#[cold]
fn note_original(input: &mut Input, offset: u64, captured: u32, original: u32) {
    let record = input.packets.saturating_add(1);
    input.log.note(Kind::CapturedMoreThanOriginal, Some(record), Some(offset), || {
        format!(
            "packet {record} at offset {offset} was captured with {captured} bytes but had {original} on the wire; \
             the larger number is used"
        )
    });
}

/// Ends reading at the record that would be next, unless the rest of it may still come.
#[cold]
fn stop(input: &mut Input, what: &str) {
    if input.window.is_paused() {
        return;
    }
    let (last, record, offset) = (input.packets, input.packets.saturating_add(1), input.window.offset());
    input.log.note(Kind::Single, Some(last), Some(offset), || {
        format!("capture cut short: record {record} at offset {offset} {what}; reading stops here")
    });
}

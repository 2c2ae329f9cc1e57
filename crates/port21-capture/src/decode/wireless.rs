//! IEEE 802.11 frames and the headers that capturing drivers put before them.

use super::Step;
use super::model::Stop;
use super::view::View;
use crate::packet::LinkType;

const DATA: u8 = 2;
const TO_AND_FROM_DISTRIBUTION: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
const SUBTYPE_NO_DATA: u8 = 0x4;
const SUBTYPE_QUALITY: u8 = 0x8;
const AGGREGATE: u8 = 0x80;

/// An IEEE 802.11 MAC header (section 9.2.4); only data frames carry more.
pub(super) fn read(view: View<'_>) -> Step<'_> {
    let Some([control, flags]) = view.first::<2>().copied() else {
        return Step::Stop(Stop::Cut("802.11"));
    };
    let (kind, subtype) = (control >> 2 & 0x3, control >> 4);
    if kind != DATA || subtype & SUBTYPE_NO_DATA != 0 {
        return Step::Done;
    }
    if flags & PROTECTED != 0 {
        return Step::Stop(Stop::Unsupported("encrypted 802.11 frame"));
    }
    let four_addresses = flags & TO_AND_FROM_DISTRIBUTION == TO_AND_FROM_DISTRIBUTION;
    let mut length = if four_addresses { 30 } else { 24 };
    let fragment = view.byte(22).unwrap_or(0) & 0x0f;
    if flags & MORE_FRAGMENTS != 0 || fragment != 0 {
        return Step::Stop(Stop::Unsupported("802.11 fragment"));
    }
    if subtype & SUBTYPE_QUALITY != 0 {
        if view.byte(length).unwrap_or(0) & AGGREGATE != 0 {
            return Step::Stop(Stop::Unsupported("802.11 aggregate"));
        }
        length += if flags & ORDER != 0 { 6 } else { 2 };
    }
    match view.after(length) {
        Some(payload) => Step::LogicalLink(payload),
        None => Step::Stop(Stop::Cut("802.11")),
    }
}

/// A radiotap header (<https://www.radiotap.org>): its length is all that matters, and its flags field, which may say
/// that the MAC header is padded to 32 bits.
pub(super) fn radiotap(view: View<'_>) -> Step<'_> {
    let Some([_, _, l0, l1]) = view.first::<4>() else { return Step::Stop(Stop::Cut("radiotap")) };
    let length = usize::from(u16::from_le_bytes([*l0, *l1]));
    let Some(frame) = view.after(length) else { return Step::Stop(Stop::Cut("radiotap")) };
    if radiotap_flags(view) & 0x20 != 0 {
        return Step::Stop(Stop::Unsupported("padded 802.11 header"));
    }
    Step::Wireless(frame)
}

/// The radiotap flags field: behind all words of presence and, if there is one, the 64-bit timer.
fn radiotap_flags(view: View<'_>) -> u8 {
    const TIMER: u32 = 1;
    const FLAGS: u32 = 2;
    const ANOTHER_WORD: u32 = 1 << 31;
    let Some(present) = view.u32(4).map(u32::swap_bytes) else { return 0 };
    let mut at = 8;
    let mut word = present;
    while word & ANOTHER_WORD != 0 {
        let Some(next) = view.u32(at).map(u32::swap_bytes) else { return 0 };
        word = next;
        at = at.saturating_add(4);
    }
    if present & FLAGS == 0 {
        return 0;
    }
    if present & TIMER != 0 {
        at = at.next_multiple_of(8).saturating_add(8);
    }
    view.byte(at).unwrap_or(0)
}

/// A Prism header, which states its length, or an AVS header, which begins with its version.
pub(super) fn prism(view: View<'_>) -> Step<'_> {
    const AVS: u32 = 0x8021_1000;
    let (Some(first), Some(length)) = (view.u32(0), view.u32(4)) else {
        return Step::Stop(Stop::Cut("Prism header"));
    };
    let length = match first & 0xffff_f000 {
        AVS => length,
        // The length is in the byte order of the capturing host.
        _ => length.min(length.swap_bytes()),
    };
    match view.after(length as usize) {
        Some(frame) => Step::Wireless(frame),
        None => Step::Stop(Stop::Cut("Prism header")),
    }
}

/// Per-packet information: version, flags, length and the link type of what follows, in little-endian order.
pub(super) fn per_packet_information(view: View<'_>) -> Step<'_> {
    let Some([_, _, l0, l1, t0, t1, t2, t3]) = view.first::<8>() else {
        return Step::Stop(Stop::Cut("PPI"));
    };
    let length = usize::from(u16::from_le_bytes([*l0, *l1]));
    let link_type = LinkType(u32::from_le_bytes([*t0, *t1, *t2, *t3]));
    match view.after(length) {
        Some(_) if length < 8 => Step::Stop(Stop::Malformed("PPI")),
        Some(frame) => Step::Link(link_type, frame),
        None => Step::Stop(Stop::Cut("PPI")),
    }
}

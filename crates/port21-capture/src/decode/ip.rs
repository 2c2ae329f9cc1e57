//! IPv4 (RFC 791) and IPv6 (RFC 8200) with its extension headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Step;
use super::fragments::Fragment;
use super::model::{Decoded, Stop};
use super::view::View;

/// IPv4 or IPv6, by the first nibble.
pub(super) fn read<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    match view.byte(0).map(|byte| byte >> 4) {
        Some(4) => version_4(view, decoded),
        Some(6) => version_6(view, decoded),
        Some(_) => Step::Stop(Stop::Malformed("IP")),
        None => Step::Stop(Stop::Cut("IP")),
    }
}

/// An IPv4 header (RFC 791, section 3.1).
#[inline]
pub(super) fn version_4<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let Some(header) = view.first::<20>() else { return Step::Stop(Stop::Cut("IPv4")) };
    let [first, _, l0, l1, i0, i1, f0, f1, hop_limit, protocol, _, _, addresses @ ..] = *header;
    let header_length = usize::from(first & 0x0f) * 4;
    if first >> 4 != 4 || header_length < 20 {
        return Step::Stop(Stop::Malformed("IPv4"));
    }
    let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
    let ends = (Ipv4Addr::new(s0, s1, s2, s3), Ipv4Addr::new(d0, d1, d2, d3));
    decoded.addresses = Some((IpAddr::V4(ends.0), IpAddr::V4(ends.1)));
    decoded.hop_limit = hop_limit;
    decoded.identification = u16::from_be_bytes([i0, i1]);
    let datagram = match usize::from(u16::from_be_bytes([l0, l1])) {
        // Segmentation offload: the host gave the packet to its network card before a length was known.
        0 => view,
        length if length < header_length => return Step::Stop(Stop::Malformed("IPv4")),
        length => view.of_length(length),
    };
    decoded.ip_length = length(0, datagram.wire);
    let Some(payload) = datagram.after(header_length) else { return Step::Stop(Stop::Cut("IPv4 options")) };
    let fragment = u16::from_be_bytes([f0, f1]);
    let (offset, more) = (u32::from(fragment & 0x1fff) * 8, fragment & 0x2000 != 0);
    if offset == 0 && !more {
        return Step::Protocol(protocol, payload);
    }
    let identifier = u32::from(decoded.identification);
    Step::Fragment(Fragment { identifier, protocol, offset, more, payload })
}

/// An IPv6 header (RFC 8200, section 3).
#[inline]
pub(super) fn version_6<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let (Some(header), Some(rest)) = (view.first::<40>(), view.after(40)) else {
        return Step::Stop(Stop::Cut("IPv6"));
    };
    let [first, _, _, _, l0, l1, next, hop_limit, addresses @ ..] = *header;
    if first >> 4 != 6 {
        return Step::Stop(Stop::Malformed("IPv6"));
    }
    if let (Some(source), Some(destination)) = (addresses.first_chunk(), addresses.last_chunk()) {
        let ends: (Ipv6Addr, Ipv6Addr) = (Ipv6Addr::from(*source), Ipv6Addr::from(*destination));
        decoded.addresses = Some((IpAddr::V6(ends.0), IpAddr::V6(ends.1)));
    }
    decoded.hop_limit = hop_limit;
    decoded.identification = 0;
    let payload = match usize::from(u16::from_be_bytes([l0, l1])) {
        0 => jumbo_length(next, rest).map_or(rest, |length| rest.of_length(length)),
        length => rest.of_length(length),
    };
    decoded.ip_length = length(40, payload.wire);
    Step::Protocol(next, payload)
}

/// Bytes of a header and of what it carries.
pub(super) fn length(header: u32, payload: usize) -> u32 {
    u32::try_from(payload).unwrap_or(u32::MAX).saturating_add(header)
}

/// The length that a jumbo payload option gives (RFC 2675, section 2), if there is one. Without it a length of 0 is
/// segmentation offload, and the frame's length counts.
fn jumbo_length(next: u8, rest: View<'_>) -> Option<usize> {
    const HOP_BY_HOP: u8 = 0;
    const JUMBO: u8 = 0xc2;
    if next != HOP_BY_HOP {
        return None;
    }
    let length = usize::from(rest.byte(1)?) * 8 + 8;
    let mut options = rest.data.get(2..length)?;
    loop {
        options = match options {
            [JUMBO, 4, l0, l1, l2, l3, ..] => return Some(u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize),
            [0, rest @ ..] => rest,
            [_, length, rest @ ..] => rest.get(usize::from(*length)..)?,
            _ => return None,
        };
    }
}

/// An IPv6 extension header of the usual form: next header, length in units of 8 bytes without the first.
pub(super) fn extension(view: View<'_>) -> Step<'_> {
    header_of_length(view, |units| units * 8 + 8, "IPv6 extension header")
}

/// An authentication header (RFC 4302, section 2.2): its length counts 4 bytes and leaves out two units.
pub(super) fn authentication_header(view: View<'_>) -> Step<'_> {
    header_of_length(view, |units| units * 4 + 8, "authentication header")
}

fn header_of_length<'a>(view: View<'a>, length: fn(usize) -> usize, name: &'static str) -> Step<'a> {
    let Some([next, units]) = view.first::<2>() else { return Step::Stop(Stop::Cut(name)) };
    let length = length(usize::from(*units));
    if length > view.wire {
        return Step::Stop(Stop::Malformed(name));
    }
    match view.after(length) {
        Some(rest) => Step::Protocol(*next, rest),
        None => Step::Stop(Stop::Cut(name)),
    }
}

/// An IPv6 fragment header (RFC 8200, section 4.5). A datagram in one fragment is none (RFC 6946).
pub(super) fn fragment_header(view: View<'_>) -> Step<'_> {
    let (Some(header), Some(payload)) = (view.first::<8>(), view.after(8)) else {
        return Step::Stop(Stop::Cut("IPv6 fragment header"));
    };
    let [protocol, _, o0, o1, i0, i1, i2, i3] = *header;
    let field = u16::from_be_bytes([o0, o1]);
    let (offset, more) = (u32::from(field & 0xfff8), field & 1 != 0);
    if offset == 0 && !more {
        return Step::Protocol(protocol, payload);
    }
    let identifier = u32::from_be_bytes([i0, i1, i2, i3]);
    Step::Fragment(Fragment { identifier, protocol, offset, more, payload })
}

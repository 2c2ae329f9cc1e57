//! TCP, UDP and the part of ICMP that speaks of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::model::{Decoded, Flags, Segment, Stop, TcpOptions, Transport};
use super::view::View;
use super::{Step, tunnel};

/// The largest shift count (RFC 7323, section 2.3).
const LARGEST_WINDOW_SCALE: u8 = 14;

/// A TCP header (RFC 9293, section 3.1).
#[inline]
pub(super) fn tcp<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let Some(header) = view.first::<20>() else {
        let stop = if view.wire < 20 { Stop::Malformed("TCP") } else { Stop::Cut("TCP") };
        return Step::Stop(stop);
    };
    let [s0, s1, d0, d1, n0, n1, n2, n3, a0, a1, a2, a3, offset, bits, w0, w1, _, _, u0, u1] = *header;
    let header_length = usize::from(offset >> 4) * 4;
    if header_length < 20 || header_length > view.wire {
        return Step::Stop(Stop::Malformed("TCP"));
    }
    let payload = view.after_or_none(header_length);
    let options = view.data.get(20..header_length);
    decoded.transport = Some(Transport::Tcp(Segment {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([n0, n1, n2, n3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: Flags(u16::from_be_bytes([offset & 0x0f, bits])),
        window: u16::from_be_bytes([w0, w1]),
        urgent_pointer: u16::from_be_bytes([u0, u1]),
        options: tcp_options(options.or(view.data.get(20..)).unwrap_or_default()),
        payload: payload.data,
        payload_length: u32::try_from(payload.wire).unwrap_or(u32::MAX),
    }));
    if options.is_none() { Step::Stop(Stop::Cut("TCP options")) } else { Step::Done }
}

/// TCP options (RFC 9293, section 3.2); reading ends at the first that contradicts itself.
#[inline]
fn tcp_options(mut rest: &[u8]) -> TcpOptions {
    let mut options = TcpOptions::default();
    loop {
        rest = match rest {
            [1, rest @ ..] => rest,
            [0, ..] | [] | [_] => return options,
            [kind, length, ..] => {
                let Some((option, after)) = rest.split_at_checked(usize::from(*length)) else {
                    return options;
                };
                let Some(value) = option.get(2..) else { return options };
                tcp_option(*kind, value, &mut options);
                after
            }
        };
    }
}

#[inline]
fn tcp_option(kind: u8, value: &[u8], options: &mut TcpOptions) {
    match (kind, value) {
        (2, [s0, s1]) => options.maximum_segment_size = Some(u16::from_be_bytes([*s0, *s1])),
        (3, [shift]) => options.window_scale = Some((*shift).min(LARGEST_WINDOW_SCALE)),
        (4, []) => options.sack_permitted = true,
        (5, blocks) => selective_acknowledgements(blocks, options),
        (8, [v0, v1, v2, v3, e0, e1, e2, e3]) => {
            let (value, echo) = ([*v0, *v1, *v2, *v3], [*e0, *e1, *e2, *e3]);
            options.timestamps = Some((u32::from_be_bytes(value), u32::from_be_bytes(echo)));
        }
        _ => {}
    }
}

/// SACK blocks (RFC 2018, section 3): pairs of left and right edge.
fn selective_acknowledgements(value: &[u8], options: &mut TcpOptions) {
    for (block, bytes) in options.sack_blocks.iter_mut().zip(value.chunks_exact(8)) {
        if let (Some(left), Some(right)) = (bytes.first_chunk(), bytes.last_chunk()) {
            *block = (u32::from_be_bytes(*left), u32::from_be_bytes(*right));
            options.sack_count = options.sack_count.saturating_add(1);
        }
    }
}

/// A UDP header (RFC 768).
pub(super) fn udp<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let Some([s0, s1, d0, d1, l0, l1, _, _]) = view.first::<8>().copied() else {
        return Step::Stop(if view.wire < 8 { Stop::Malformed("UDP") } else { Stop::Cut("UDP") });
    };
    let (source_port, destination_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    let payload = match usize::from(u16::from_be_bytes([l0, l1])) {
        // Jumbograms (RFC 2675, section 4) and segmentation offload.
        0 => view.after_or_none(8),
        length if length < 8 => return Step::Stop(Stop::Malformed("UDP")),
        length => view.of_length(length.min(view.wire)).after_or_none(8),
    };
    if let Some(step) = tunnel::in_udp(destination_port, payload, &mut decoded.scope) {
        return step;
    }
    decoded.transport = Some(Transport::Udp { source_port, destination_port, payload: payload.data });
    Step::Done
}

/// ICMP (RFC 792): types that quote a packet which was not delivered.
pub(super) fn icmp<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    const UNREACHABLE: u8 = 3;
    const TIME_EXCEEDED: u8 = 11;
    const PARAMETER_PROBLEM: u8 = 12;
    let Some([kind, code]) = view.first::<2>().copied() else { return Step::Stop(Stop::Cut("ICMP")) };
    decoded.transport = Some(match kind {
        UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM => {
            Transport::Unreachable { kind, code, quoted_tcp: quoted_version_4(view.after_or_none(8)) }
        }
        _ => Transport::Other(1),
    });
    Step::Done
}

/// ICMPv6 (RFC 4443): types 1 to 4 quote a packet which was not delivered.
pub(super) fn icmp_version_6<'a>(view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let Some([kind, code]) = view.first::<2>().copied() else { return Step::Stop(Stop::Cut("ICMPv6")) };
    decoded.transport = Some(match kind {
        1..=4 => Transport::Unreachable { kind, code, quoted_tcp: quoted_version_6(view.after_or_none(8)) },
        _ => Transport::Other(58),
    });
    Step::Done
}

type Ends = (IpAddr, u16, IpAddr, u16);

fn quoted_version_4(view: View<'_>) -> Option<Ends> {
    let header = view.first::<20>()?;
    let [first, _, _, _, _, _, f0, f1, _, 6, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header else {
        return None;
    };
    let header_length = usize::from(first & 0x0f) * 4;
    let is_first_fragment = u16::from_be_bytes([f0, f1]) & 0x1fff == 0;
    if first >> 4 != 4 || header_length < 20 || !is_first_fragment {
        return None;
    }
    let source = IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3));
    let destination = IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3));
    let segment = view.after(header_length)?;
    Some((source, segment.u16(0)?, destination, segment.u16(2)?))
}

fn quoted_version_6(view: View<'_>) -> Option<Ends> {
    let header = view.first::<40>()?;
    let [first, _, _, _, _, _, mut next, _, addresses @ ..] = *header;
    if first >> 4 != 6 {
        return None;
    }
    let source: [u8; 16] = *addresses.first_chunk()?;
    let destination: [u8; 16] = *addresses.last_chunk()?;
    let mut rest = view.after(40)?;
    while matches!(next, 0 | 43 | 60) {
        let length = usize::from(rest.byte(1)?) * 8 + 8;
        next = rest.byte(0)?;
        rest = rest.after(length)?;
    }
    if next != 6 {
        return None;
    }
    let (source, destination) = (IpAddr::V6(Ipv6Addr::from(source)), IpAddr::V6(Ipv6Addr::from(destination)));
    Some((source, rest.u16(0)?, destination, rest.u16(2)?))
}

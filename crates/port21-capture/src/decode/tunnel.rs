//! Headers that carry packets of other networks: MPLS, GRE, VXLAN, Geneve, EtherIP.

use super::Step;
use super::ethernet::{self, IPV4};
use super::model::{Scope, Stop};
use super::scope::Tunnel;
use super::view::View;

/// UDP ports of VXLAN: IANA's, and the one that Linux used before.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// An MPLS label stack (RFC 3032, section 2.1). Nothing in it says what it carries: the first nibble tells IP from a
/// control word (RFC 4385, section 3), and everything else is taken for Ethernet.
pub(super) fn mpls(view: View<'_>) -> Step<'_> {
    const BOTTOM_OF_STACK: u32 = 0x100;
    let mut rest = view;
    loop {
        let Some(entry) = rest.u32(0) else { return Step::Stop(Stop::Cut("MPLS")) };
        rest = rest.after_or_none(4);
        if entry & BOTTOM_OF_STACK != 0 {
            break;
        }
    }
    match rest.byte(0).map(|byte| byte >> 4) {
        Some(4) => Step::Ipv4(rest),
        Some(6) => Step::Ipv6(rest),
        Some(0) if rest.byte(0) == Some(0) => Step::Ethernet(rest.after_or_none(4)),
        Some(_) => Step::Ethernet(rest),
        None => Step::Stop(Stop::Cut("MPLS")),
    }
}

/// A GRE header (RFC 2784, RFC 2890; version 1: RFC 2637, section 4.1).
pub(super) fn gre<'a>(view: View<'a>, scope: &mut Scope) -> Step<'a> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGEMENT: u16 = 0x0080;
    let cut = Step::Stop(Stop::Cut("GRE"));
    let (Some(flags), Some(number)) = (view.u16(0), view.u16(2)) else { return cut };
    let mut rest = view.after_or_none(4);
    if flags & (CHECKSUM | ROUTING) != 0 {
        rest = rest.after_or_none(4);
    }
    if flags & KEY != 0 {
        let Some(key) = rest.u32(0) else { return cut };
        // In version 1 it holds length and call number, and that differs between the directions.
        if flags & 0x7 == 0 {
            scope.enter(Tunnel::Gre, u64::from(key));
        }
        rest = rest.after_or_none(4);
    }
    if flags & SEQUENCE != 0 {
        rest = rest.after_or_none(4);
    }
    match flags & 0x7 {
        0 => {
            if flags & ROUTING != 0 {
                rest = skip_routing(rest);
            }
            gre_payload(number, flags & SEQUENCE != 0, rest)
        }
        1 => {
            if flags & ACKNOWLEDGEMENT != 0 {
                rest = rest.after_or_none(4);
            }
            // Without a sequence number there is no payload, only an acknowledgment.
            if flags & SEQUENCE == 0 { Step::Done } else { Step::Link(crate::LinkType::PPP, rest) }
        }
        _ => Step::Stop(Stop::Malformed("GRE")),
    }
}

/// Source route entries end with one of length 0 (RFC 1701).
fn skip_routing(mut rest: View<'_>) -> View<'_> {
    while let Some([_, _, _, length]) = rest.first::<4>().copied() {
        rest = rest.after_or_none(usize::from(length).saturating_add(4));
        if length == 0 {
            break;
        }
    }
    rest
}

fn gre_payload(number: u16, has_sequence: bool, rest: View<'_>) -> Step<'_> {
    match number {
        // ERSPAN type II has a header of 8 bytes and always a sequence number; type I has neither.
        0x88be if has_sequence => ethernet::read(rest.after_or_none(8)),
        0x88be => ethernet::read(rest),
        // ERSPAN type III: 12 bytes, and 8 more where the last bit says so.
        0x22eb => {
            let more = rest.byte(11).unwrap_or(0) & 1;
            ethernet::read(rest.after_or_none(if more == 1 { 20 } else { 12 }))
        }
        // Web cache redirection: version 2 puts four bytes before the IP header, version 1 nothing.
        0x883e => match rest.byte(0).map(|byte| byte >> 4) {
            Some(4) => Step::Ipv4(rest),
            _ => Step::EtherType(IPV4, rest.after_or_none(4)),
        },
        0x0000 => Step::Done,
        number => Step::EtherType(number, rest),
    }
}

/// What a UDP datagram carries, if it is a tunnel.
pub(super) fn in_udp<'a>(destination_port: u16, payload: View<'a>, scope: &mut Scope) -> Option<Step<'a>> {
    if VXLAN_PORTS.contains(&destination_port) {
        vxlan(payload, scope)
    } else if destination_port == GENEVE_PORT {
        geneve(payload, scope)
    } else {
        None
    }
}

/// A VXLAN header (RFC 7348, section 5): the flag I must be set, and of the others only that of group policies is in
/// use. Other programs use these ports too, so that a header with any other bit, or without a frame, is none.
fn vxlan<'a>(view: View<'a>, scope: &mut Scope) -> Option<Step<'a>> {
    const NETWORK: u8 = 0x08;
    const GROUP_POLICY: u8 = 0x80;
    const ETHERNET_HEADER: usize = 14;
    let [flags, _, _, _, n0, n1, n2, last] = *view.first::<8>()?;
    if flags & !GROUP_POLICY != NETWORK || last != 0 || view.wire < 8 + ETHERNET_HEADER {
        return None;
    }
    scope.enter(Tunnel::Vxlan, u64::from(u32::from_be_bytes([0, n0, n1, n2])));
    Some(Step::Ethernet(view.after_or_none(8)))
}

/// A Geneve header (RFC 8926, section 3.4) of version 0.
fn geneve<'a>(view: View<'a>, scope: &mut Scope) -> Option<Step<'a>> {
    let [options, _, p0, p1, n0, n1, n2, _] = *view.first::<8>()?;
    if options >> 6 != 0 {
        return None;
    }
    scope.enter(Tunnel::Geneve, u64::from(u32::from_be_bytes([0, n0, n1, n2])));
    let length = usize::from(options & 0x3f) * 4 + 8;
    Some(Step::EtherType(u16::from_be_bytes([p0, p1]), view.after_or_none(length)))
}

/// EtherIP (RFC 3378): two bytes, of which the first nibble is the version 3.
pub(super) fn ether_ip(view: View<'_>) -> Step<'_> {
    match view.byte(0).map(|byte| byte >> 4) {
        Some(3) => Step::Ethernet(view.after_or_none(2)),
        Some(_) => Step::Stop(Stop::Malformed("EtherIP")),
        None => Step::Stop(Stop::Cut("EtherIP")),
    }
}

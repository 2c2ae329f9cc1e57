//! Ethernet and everything that an EtherType names.

use super::model::{Scope, Stop};
use super::view::View;
use super::{Step, tunnel};

pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;
pub(super) const MPLS_UNICAST: u16 = 0x8847;
pub(super) const TRANSPARENT_ETHERNET: u16 = 0x6558;

/// Numbers from here on are EtherTypes, smaller ones lengths (IEEE 802.3, section 3.2.6).
pub(super) const SMALLEST_ETHER_TYPE: u16 = 0x0600;
const LONGEST_LENGTH: u16 = 1500;

/// An Ethernet header: two addresses, and a type or length.
#[inline]
pub(super) fn read(view: View<'_>) -> Step<'_> {
    let (Some(number), Some(payload)) = (view.u16(12), view.after(14)) else {
        return Step::Stop(Stop::Cut("Ethernet"));
    };
    Step::EtherType(number, payload)
}

/// What comes after an EtherType, which may also be a length.
#[inline]
pub(super) fn ether_type<'a>(number: u16, view: View<'a>, scope: &mut Scope) -> Step<'a> {
    match number {
        IPV4 => Step::Ipv4(view),
        IPV6 => Step::Ipv6(view),
        // IEEE 802.1Q and 802.1ad, and the numbers that were used for stacked tags before 802.1ad.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => vlan(view, scope),
        MPLS_UNICAST | 0x8848 => tunnel::mpls(view),
        0x8864 => pppoe_session(view),
        TRANSPARENT_ETHERNET => Step::Ethernet(view),
        0x880b => Step::Ppp(view),
        // Jumbo frames of IEEE 802.2: no length, since it would not fit.
        0x8870 => Step::LogicalLink(view),
        // Tags whose last two bytes are the EtherType of what follows: VN-Tag, Cisco metadata, IEEE 802.1BR.
        0x8926 => tag(view, 4),
        0x8909 | 0x893f => tag(view, 6),
        0x88e5 => Step::Stop(Stop::Unsupported("MACsec")),
        0..=LONGEST_LENGTH => Step::LogicalLink(view.of_length(usize::from(number))),
        _ => Step::Done,
    }
}

fn vlan<'a>(view: View<'a>, scope: &mut Scope) -> Step<'a> {
    let (Some(control), Some(number), Some(payload)) = (view.u16(0), view.u16(2), view.after(4)) else {
        return Step::Stop(Stop::Cut("VLAN tag"));
    };
    scope.enter_vlan(control);
    Step::EtherType(number, payload)
}

fn tag(view: View<'_>, length: usize) -> Step<'_> {
    match (view.u16(length), view.after(length.saturating_add(2))) {
        (Some(number), Some(payload)) => Step::EtherType(number, payload),
        _ => Step::Stop(Stop::Cut("tag")),
    }
}

/// A PPPoE header (RFC 2516, section 4); code 0 is session data, others are discovery.
pub(super) fn pppoe_session(view: View<'_>) -> Step<'_> {
    let Some([version, code, _, _, l0, l1]) = view.first::<6>() else {
        return Step::Stop(Stop::Cut("PPPoE"));
    };
    if *version != 0x11 {
        return Step::Stop(Stop::Malformed("PPPoE"));
    }
    if *code != 0 {
        return Step::Done;
    }
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    Step::Ppp(view.after_or_none(6).of_length(length))
}

/// An IEEE 802.2 header, with its SNAP extension.
pub(super) fn logical_link(view: View<'_>) -> Step<'_> {
    let Some([destination, source, control]) = view.first::<3>() else {
        return if view.wire < 3 { Step::Done } else { Step::Stop(Stop::Cut("LLC")) };
    };
    match (destination, source, control) {
        (0xaa, 0xaa, 0x03) => subnetwork_access(view.after_or_none(3)),
        // IP directly over LLC (RFC 1042, before SNAP).
        (0x06, 0x06, 0x03) => Step::Ip(view.after_or_none(3)),
        _ => Step::Done,
    }
}

/// A SNAP header: the organization that owns the protocol number, then the number.
fn subnetwork_access(view: View<'_>) -> Step<'_> {
    let (Some([o0, o1, o2, p0, p1]), Some(payload)) = (view.first::<5>(), view.after(5)) else {
        return Step::Stop(Stop::Cut("SNAP"));
    };
    let number = u16::from_be_bytes([*p0, *p1]);
    match (o0, o1, o2) {
        // Encapsulated Ethernet, and the bridge tunnel encapsulation of IEEE 802.1H.
        (0, 0, 0) | (0, 0, 0xf8) if number >= SMALLEST_ETHER_TYPE => Step::EtherType(number, payload),
        _ => Step::Done,
    }
}

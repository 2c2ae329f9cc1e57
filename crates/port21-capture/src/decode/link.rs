//! Where decoding begins: the link types.

use super::ethernet::{self, SMALLEST_ETHER_TYPE};
use super::model::Stop;
use super::view::View;
use super::{Step, ppp, wireless};
use crate::packet::LinkType;

/// Reads the first header of a packet.
#[inline]
pub(super) fn read(link_type: LinkType, view: View<'_>) -> Step<'_> {
    match link_type {
        LinkType::ETHERNET => ethernet::read(view),
        LinkType::LINUX_SLL => linux_cooked(view),
        LinkType::LINUX_SLL2 => linux_cooked_2(view),
        LinkType::RAW | LinkType(12 | 14) => Step::Ip(view),
        LinkType::IPV4 => Step::Ipv4(view),
        LinkType::IPV6 => Step::Ipv6(view),
        LinkType::NULL | LinkType::LOOP => loopback(view),
        LinkType::PPP | LinkType::PPP_HDLC => ppp::framed(view),
        LinkType::PPP_PPPD | LinkType(204) => ppp::directed(view),
        LinkType::PPP_ETHER => ethernet::pppoe_session(view),
        LinkType::C_HDLC => ppp::cisco_hdlc(view),
        LinkType::IEEE802_11 => wireless::read(view),
        LinkType::IEEE802_11_RADIOTAP => wireless::radiotap(view),
        LinkType::IEEE802_11_PRISM | LinkType::IEEE802_11_AVS => wireless::prism(view),
        LinkType::PPI => wireless::per_packet_information(view),
        LinkType::NFLOG => netfilter_log(view),
        LinkType::NO_PACKET => Step::Done,
        LinkType(other) => Step::Stop(Stop::UnknownLinkType(other)),
    }
}

/// Linux cooked capture: packet type, device type, address, protocol.
fn linux_cooked(view: View<'_>) -> Step<'_> {
    match (view.u16(2), view.u16(14), view.after(16)) {
        (Some(device), Some(protocol), Some(payload)) => cooked_protocol(device, protocol, payload),
        _ => Step::Stop(Stop::Cut("Linux cooked header")),
    }
}

/// Linux cooked capture, version 2: the protocol comes first.
fn linux_cooked_2(view: View<'_>) -> Step<'_> {
    match (view.u16(0), view.u16(8), view.after(20)) {
        (Some(protocol), Some(device), Some(payload)) => cooked_protocol(device, protocol, payload),
        _ => Step::Stop(Stop::Cut("Linux cooked header")),
    }
}

fn cooked_protocol(device: u16, protocol: u16, payload: View<'_>) -> Step<'_> {
    const NETLINK: u16 = 824;
    match protocol {
        _ if device == NETLINK => Step::Done,
        // ETH_P_802_2
        0x0004 => Step::LogicalLink(payload),
        SMALLEST_ETHER_TYPE.. => Step::EtherType(protocol, payload),
        _ => Step::Done,
    }
}

/// BSD loopback: an address family of the capturing host, in its byte order.
fn loopback(view: View<'_>) -> Step<'_> {
    let Some(family) = view.u32(0) else { return Step::Stop(Stop::Cut("loopback header")) };
    // Families are small numbers: whichever order makes it small is the right one.
    let family = family.min(family.swap_bytes());
    let payload = view.after_or_none(4);
    match family {
        2 => Step::Ipv4(payload),
        // AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS.
        10 | 23 | 24 | 28 | 30 => Step::Ipv6(payload),
        // Some programs write another word there; then the packet's own version tells.
        _ if matches!(payload.byte(0), Some(0x45..=0x4f | 0x60..=0x6f)) => Step::Ip(payload),
        _ => Step::Done,
    }
}

/// A netfilter log message: a header, then attributes in the byte order of the capturing host.
fn netfilter_log(view: View<'_>) -> Step<'_> {
    const PAYLOAD: u16 = 9;
    if view.data.len() < 4 {
        return Step::Stop(Stop::Cut("NFLOG"));
    }
    let mut rest = view.after_or_none(4);
    // An attribute is longer than its own header and shorter than 4096 before the payload; the order is that in which
    // the first length is the smaller number.
    let little = rest.u16(0).is_some_and(|length| length.swap_bytes() < length);
    let number = |offset, view: View<'_>| view.u16(offset).map(|n| if little { n.swap_bytes() } else { n });
    while let (Some(length), Some(kind)) = (number(0, rest), number(2, rest)) {
        let length = usize::from(length);
        if length < 4 {
            return Step::Stop(Stop::Malformed("NFLOG"));
        }
        if kind & 0x7fff == PAYLOAD {
            return Step::Ip(rest.of_length(length).after_or_none(4));
        }
        rest = rest.after_or_none(length.next_multiple_of(4));
    }
    if rest.wire > rest.data.len() { Step::Stop(Stop::Cut("NFLOG")) } else { Step::Done }
}

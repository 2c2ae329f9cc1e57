//! Decodes the headers of a packet, from the link layer to TCP or UDP, as far as its bytes go.
//!
//! Headers are read here, layer by layer, and not by a parser crate: every packet passes through, most layers below IP
//! are known to no crate at hand, and what a cut packet still holds must survive.
//!
//! ```text
//! link type ─▶ [Step] ─▶ one layer is read ─▶ [Step] ─▶ ... ─▶ transport
//!                          │        ▲
//!                          ▼        │ complete
//!                        fragments ─┘
//! ```

mod ethernet;
mod fragments;
mod ip;
mod link;
mod model;
mod ppp;
mod scope;
mod transport;
mod tunnel;
mod view;
mod wireless;

use std::net::IpAddr;

use crate::packet::{LinkType, Packet};

pub use fragments::{Dropped, Limits};
pub use model::{Decoded, Flags, Scope, Segment, Stop, TcpOptions, Transport};

use fragments::{Fragment, Fragments};
use view::View;

/// How many headers one packet may have, each VLAN tag and IPv6 extension header counted.
const MAX_LAYERS: usize = 64;

/// TCP's IP protocol number.
const TCP: u8 = 6;

/// How many reassembled datagrams may lie within one another.
const MAX_REASSEMBLED: usize = 2;

/// Decodes packets; holds the IP fragments that still wait for their siblings.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
    /// The datagrams that the last packet completed, the outer one first.
    datagrams: [Vec<u8>; MAX_REASSEMBLED],
}

/// What to read next; small, since it is handed from layer to layer.
#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    /// A link-layer header of that type.
    Link(LinkType, View<'a>),
    Ethernet(View<'a>),
    /// What an EtherType names.
    EtherType(u16, View<'a>),
    /// An IEEE 802.2 header.
    LogicalLink(View<'a>),
    /// A PPP protocol field.
    Ppp(View<'a>),
    Wireless(View<'a>),
    /// IPv4 or IPv6, whichever its first nibble says.
    Ip(View<'a>),
    Ipv4(View<'a>),
    Ipv6(View<'a>),
    /// What an IP protocol number names.
    Protocol(u8, View<'a>),
    /// A part of a datagram.
    Fragment(Fragment<'a>),
    /// The innermost header has been read, or nothing more comes that matters here: ARP, spanning tree, a keep-alive.
    Done,
    Stop(Stop),
}

impl Decoder {
    /// A decoder with other limits than the default ones.
    pub fn with_limits(limits: Limits) -> Self {
        Decoder { fragments: Fragments::new(limits), ..Decoder::default() }
    }

    /// What the limits have dropped so far.
    pub fn dropped(&self) -> Dropped {
        self.fragments.dropped()
    }

    /// Decodes one packet.
    pub fn decode<'a>(&'a mut self, packet: &Packet<'a>) -> Decoded<'a> {
        let mut decoded = Decoded {
            packet: packet.number,
            time: packet.time,
            scope: Scope::default(),
            addresses: None,
            hop_limit: 0,
            identification: 0,
            ip_length: 0,
            transport: None,
            reassembled: None,
            stopped: None,
        };
        let mut datagrams = self.datagrams.iter_mut();
        let mut step = usual(packet.link_type, View::new(packet.data, packet.original_length), &mut decoded);
        for _ in 0..MAX_LAYERS {
            step = match step {
                Step::Done => return decoded,
                Step::Stop(stop) => {
                    decoded.stopped = Some(stop);
                    return decoded;
                }
                Step::Fragment(fragment) => {
                    let key = fragments::Key::new(decoded.addresses, decoded.scope, &fragment);
                    match self.fragments.add(key, &fragment, packet.time) {
                        fragments::Outcome::Incomplete(stopped) => {
                            decoded.transport = Some(Transport::Fragment);
                            stopped.map_or(Step::Done, Step::Stop)
                        }
                        fragments::Outcome::Complete(protocol, bytes) => match datagrams.next() {
                            Some(datagram) => {
                                let version_6 = matches!(decoded.addresses, Some((IpAddr::V6(_), _)));
                                decoded.ip_length = ip::length(if version_6 { 40 } else { 20 }, bytes.len());
                                *datagram = bytes;
                                let datagram: &'a [u8] = datagram;
                                decoded.reassembled = Some((protocol, datagram));
                                Step::Protocol(protocol, View::new(datagram, 0))
                            }
                            None => Step::Stop(Stop::Unsupported("nested fragments")),
                        },
                    }
                }
                other => read(other, &mut decoded),
            };
        }
        decoded.stopped = Some(Stop::Unsupported("so many nested headers"));
        decoded
    }
}

/// Reads the headers that most packets have, without the choice among all others before each: a link layer, IPv4 and TCP.
/// Gives what is next where a packet has others.
#[inline]
fn usual<'a>(link_type: LinkType, view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let step = link::read(link_type, view);
    let Step::EtherType(ethernet::IPV4, view) = step else { return step };
    let step = ip::version_4(view, decoded);
    let Step::Protocol(TCP, view) = step else { return step };
    transport::tcp(view, decoded)
}

/// Reads one header.
#[inline]
fn read<'a>(step: Step<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    match step {
        Step::Link(link_type, view) => link::read(link_type, view),
        Step::Ethernet(view) => ethernet::read(view),
        Step::EtherType(number, view) => ethernet::ether_type(number, view, &mut decoded.scope),
        Step::LogicalLink(view) => ethernet::logical_link(view),
        Step::Ppp(view) => ppp::read(view),
        Step::Wireless(view) => wireless::read(view),
        Step::Ip(view) => ip::read(view, decoded),
        Step::Ipv4(view) => ip::version_4(view, decoded),
        Step::Ipv6(view) => ip::version_6(view, decoded),
        Step::Protocol(number, view) => protocol(number, view, decoded),
        Step::Fragment(_) | Step::Done | Step::Stop(_) => step,
    }
}

/// Reads what an IP protocol number names (<https://www.iana.org/assignments/protocol-numbers>).
#[inline]
fn protocol<'a>(number: u8, view: View<'a>, decoded: &mut Decoded<'a>) -> Step<'a> {
    let version_6 = matches!(decoded.addresses, Some((IpAddr::V6(_), _)));
    match number {
        TCP => transport::tcp(view, decoded),
        17 => transport::udp(view, decoded),
        1 if !version_6 => transport::icmp(view, decoded),
        58 if version_6 => transport::icmp_version_6(view, decoded),
        0 | 43 | 60 | 135 | 139 | 140 if version_6 => ip::extension(view),
        44 if version_6 => ip::fragment_header(view),
        51 => ip::authentication_header(view),
        4 => Step::Ipv4(view),
        41 => Step::Ipv6(view),
        47 => tunnel::gre(view, &mut decoded.scope),
        97 => tunnel::ether_ip(view),
        137 => Step::EtherType(ethernet::MPLS_UNICAST, view),
        other => {
            decoded.transport = Some(Transport::Other(other));
            Step::Done
        }
    }
}

#[cfg(test)]
mod tests;

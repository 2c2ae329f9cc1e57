//! Link layers: Ethernet and what an EtherType names, Linux cooked captures, loopback, netfilter logs.

use super::layer::{Layer, Span, ethernet_address};
use super::{Dissector, Next, Step, names};
use crate::decode::Stop;
use crate::link_type::link_type_name;
use crate::packet::LinkType;

/// Numbers from here on are EtherTypes, smaller ones lengths (IEEE 802.3, section 3.2.6).
const SMALLEST_ETHER_TYPE: u16 = 0x0600;

impl Dissector<'_> {
    pub(super) fn link(&mut self, link_type: LinkType, span: Span) -> Step {
        match link_type {
            LinkType::ETHERNET => self.ethernet(span),
            LinkType::LINUX_SLL => self.linux_cooked(span),
            LinkType::LINUX_SLL2 => self.linux_cooked_2(span),
            LinkType::RAW | LinkType(12 | 14) => self.ip(span),
            LinkType::IPV4 => self.ipv4(span),
            LinkType::IPV6 => self.ipv6(span),
            LinkType::NULL | LinkType::LOOP => self.loopback(span),
            LinkType::PPP | LinkType::PPP_HDLC => self.ppp_framed(span),
            LinkType::PPP_PPPD | LinkType(204) => self.ppp_directed(span),
            LinkType::PPP_ETHER => self.pppoe(span),
            LinkType::C_HDLC => self.cisco_hdlc(span),
            LinkType::IEEE802_11 => self.wireless(span),
            LinkType::IEEE802_11_RADIOTAP => self.radiotap(span),
            LinkType::IEEE802_11_PRISM | LinkType::IEEE802_11_AVS => self.prism(span),
            LinkType::PPI => self.per_packet_information(span),
            LinkType::NFLOG => self.netfilter_log(span),
            LinkType(other) => {
                self.say(&link_type_name(link_type), format!("link type {other} is not taken apart"));
                Err(Stop::UnknownLinkType(other))
            }
        }
    }

    /// An Ethernet header.
    pub(super) fn ethernet(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Ethernet", "eth", span);
        let destination = layer.ethernet_address("Destination", "eth.dst", 0);
        let source = layer.ethernet_address("Source", "eth.src", 6);
        let number = ether_type(&mut layer, 12, "eth.type");
        if let (Some(source), Some(destination)) = (source, destination) {
            layer.title(format!("Src: {source}, Dst: {destination}"));
            if self.addresses.is_none() {
                (self.result.columns.source, self.result.columns.destination) = (source, destination);
            }
        }
        let (field, rest) = layer.end(14);
        self.push(field);
        self.say("Ethernet", String::new());
        match number {
            Some(number) => Ok((Next::EtherType(number), rest)),
            None => Err(Stop::Cut("Ethernet")),
        }
    }

    /// What comes after an EtherType, as [`crate::decode`] has it.
    pub(super) fn ether_type(&mut self, number: u16, span: Span) -> Step {
        match number {
            0x0800 => self.ipv4(span),
            0x86dd => self.ipv6(span),
            0x0806 => self.arp(span),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => self.vlan(number, span),
            0x8847 | 0x8848 => self.mpls(span),
            0x8863 | 0x8864 => self.pppoe(span),
            0x6558 => self.ethernet(span),
            0x880b => self.ppp(span),
            0x8870 => self.logical_link(span),
            0x8926 => self.tag(span, 4),
            0x8909 | 0x893f => self.tag(span, 6),
            0x88e5 => Err(Stop::Unsupported("MACsec")),
            0..=1500 => self.logical_link(span.of_length(usize::from(number).min(span.wire))),
            _ => {
                let name = names::ether_type(number);
                let protocol = if name == "Unknown" { format!("0x{number:04x}") } else { name.to_owned() };
                self.say(&protocol, format!("{name} (0x{number:04x})"));
                Ok((Next::Payload("Data", "data.data"), span))
            }
        }
    }

    /// A VLAN tag (IEEE 802.1Q, section 9.6).
    fn vlan(&mut self, number: u16, span: Span) -> Step {
        let name = if number == 0x88a8 { "802.1ad Virtual LAN" } else { "802.1Q Virtual LAN" };
        let mut layer = self.layer(name, "vlan", span);
        if let Some(control) = layer.u16(0) {
            let (priority, identifier) = (control >> 13, control & 0x0fff);
            let eligible = if control & 0x1000 != 0 { "Eligible" } else { "Ineligible" };
            layer.text("Priority", "vlan.priority", 0, 2, priority.to_string());
            layer.text("DEI", "vlan.dei", 0, 2, eligible);
            layer.text("ID", "vlan.id", 0, 2, identifier.to_string());
            layer.title(format!("PRI: {priority}, ID: {identifier}"));
        }
        let next = ether_type(&mut layer, 2, "vlan.etype");
        let (field, rest) = layer.end(4);
        self.push(field);
        next.map(|next| (Next::EtherType(next), rest)).ok_or(Stop::Cut("VLAN tag"))
    }

    /// A tag whose last two bytes are the EtherType of what follows: VN-Tag, Cisco metadata, IEEE 802.1BR.
    fn tag(&mut self, span: Span, length: usize) -> Step {
        let mut layer = self.layer("Tag", "", span);
        layer.text("Content", "", 0, length, "");
        let next = ether_type(&mut layer, length, "");
        let (field, rest) = layer.end(length + 2);
        self.push(field);
        next.map(|next| (Next::EtherType(next), rest)).ok_or(Stop::Cut("tag"))
    }

    /// An IEEE 802.2 header, with its SNAP extension.
    pub(super) fn logical_link(&mut self, span: Span) -> Step {
        if span.wire < 3 {
            self.say("LLC", "no header".into());
            return Ok((Next::Payload("Data", "data.data"), span));
        }
        let mut layer = self.layer("Logical-Link Control", "llc", span);
        for (name, filter, at) in
            [("DSAP", "llc.dsap", 0), ("SSAP", "llc.ssap", 1), ("Control field", "llc.control", 2)]
        {
            if let Some(byte) = layer.byte(at) {
                layer.text(name, filter, at, 1, format!("0x{byte:02x}"));
            }
        }
        self.say("LLC", "logical link control".into());
        let (length, next) = match layer.array::<3>(0) {
            None => (3, Err(Stop::Cut("LLC"))),
            Some([0xaa, 0xaa, 0x03]) => match (layer.array::<3>(3), layer.u16(6)) {
                (Some(organization), Some(number)) => {
                    layer.text("Organization Code", "llc.oui", 3, 3, ethernet_address(&organization));
                    let known =
                        matches!(organization, [0, 0, 0] | [0, 0, 0xf8]) && number >= SMALLEST_ETHER_TYPE;
                    let name = if known { names::ether_type(number) } else { "Protocol" };
                    layer.text("Type", "llc.type", 6, 2, format!("{name} (0x{number:04x})"));
                    let next =
                        if known { Next::EtherType(number) } else { Next::Payload("Data", "data.data") };
                    (8, Ok(next))
                }
                _ => (8, Err(Stop::Cut("SNAP"))),
            },
            // IP directly over LLC (RFC 1042, before SNAP).
            Some([0x06, 0x06, 0x03]) => (3, Ok(Next::Ip)),
            Some([0x42, 0x42, _]) => {
                self.say("STP", "Spanning tree".into());
                (3, Ok(Next::Payload("Spanning Tree Protocol", "stp")))
            }
            Some(_) => (3, Ok(Next::Payload("Data", "data.data"))),
        };
        let (field, rest) = layer.end(length);
        self.push(field);
        next.map(|next| (next, rest))
    }

    /// Linux cooked capture: packet type, device type, address, protocol.
    fn linux_cooked(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Linux cooked capture v1", "sll", span);
        packet_type(&mut layer, 0, 2);
        layer.number_16("Link-layer address type", "sll.hatype", 2);
        let length = layer.number_16("Link-layer address length", "sll.halen", 4);
        let address = usize::from(length.unwrap_or(0)).min(8);
        if address > 0 {
            self.cooked_source(&mut layer, 6, address);
        }
        if address < 8 {
            layer.text("Unused", "sll.unused", 6 + address, 8 - address, "");
        }
        let device = layer.u16(2);
        let protocol = ether_type(&mut layer, 14, "sll.etype");
        let (field, rest) = layer.end(16);
        self.push(field);
        self.cooked_protocol(device, protocol, rest)
    }

    /// Linux cooked capture, version 2: the protocol comes first.
    fn linux_cooked_2(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Linux cooked capture v2", "sll", span);
        let protocol = ether_type(&mut layer, 0, "sll.etype");
        layer.hex_16("Reserved", "", 2);
        layer.number_32("Interface index", "sll.ifindex", 4);
        let device = layer.number_16("Link-layer address type", "sll.hatype", 8);
        packet_type(&mut layer, 10, 1);
        let length = layer.number_8("Link-layer address length", "sll.halen", 11);
        let address = usize::from(length.unwrap_or(0)).min(8);
        if address > 0 {
            self.cooked_source(&mut layer, 12, address);
        }
        if address < 8 {
            layer.text("Unused", "sll.unused", 12 + address, 8 - address, "");
        }
        let (field, rest) = layer.end(20);
        self.push(field);
        self.cooked_protocol(device, protocol, rest)
    }

    fn cooked_source(&mut self, layer: &mut Layer<'_>, at: usize, length: usize) {
        let bytes = layer.bytes().get(at..at + length).unwrap_or_default();
        let source = ethernet_address(bytes);
        layer.text("Source", "sll.src.eth", at, length, source.clone());
        self.result.columns.source = source;
    }

    fn cooked_protocol(&mut self, device: Option<u16>, protocol: Option<u16>, rest: Span) -> Step {
        const NETLINK: u16 = 824;
        let (Some(device), Some(protocol)) = (device, protocol) else {
            return Err(Stop::Cut("Linux cooked header"));
        };
        match protocol {
            _ if device == NETLINK => Ok((Next::Payload("Data", "data.data"), rest)),
            // ETH_P_802_2
            0x0004 => Ok((Next::LogicalLink, rest)),
            SMALLEST_ETHER_TYPE.. => Ok((Next::EtherType(protocol), rest)),
            _ => Ok((Next::Payload("Data", "data.data"), rest)),
        }
    }

    /// BSD loopback: an address family of the capturing host, in its byte order.
    fn loopback(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Null/Loopback", "null", span);
        let Some(word) = layer.u32(0) else { return Err(Stop::Cut("loopback header")) };
        // Families are small numbers: whichever order makes it small is the right one.
        let family = word.min(word.swap_bytes());
        let (name, next) = match family {
            2 => ("IP", Some(Next::Ipv4)),
            10 | 23 | 24 | 28 | 30 => ("IPv6", Some(Next::Ipv6)),
            _ => ("unknown", None),
        };
        layer.text("Family", "null.family", 0, 4, format!("{name} ({family})"));
        // Some programs write another word there; then the packet's own version tells.
        let next = match (next, layer.byte(4)) {
            (Some(next), _) => next,
            (None, Some(0x45..=0x4f | 0x60..=0x6f)) => Next::Ip,
            (None, _) => Next::Payload("Data", "data.data"),
        };
        let (field, rest) = layer.end(4);
        self.push(field);
        Ok((next, rest))
    }

    /// A netfilter log message: a header, then attributes in the byte order of the capturing host.
    fn netfilter_log(&mut self, span: Span) -> Step {
        const PAYLOAD: u16 = 9;
        let mut layer = self.layer("Linux Netfilter NFLOG", "nflog", span);
        layer.number_8("Family", "nflog.family", 0);
        layer.number_8("Version", "nflog.version", 1);
        if layer.number_16("Resource id", "nflog.res_id", 2).is_none() {
            return Err(Stop::Cut("NFLOG"));
        }
        let little = layer.u16(4).is_some_and(|length| length.swap_bytes() < length);
        let order = |number: u16| if little { number.swap_bytes() } else { number };
        let mut at = 4;
        while let (Some(length), Some(kind)) = (layer.u16(at).map(order), layer.u16(at + 2).map(order)) {
            let length = usize::from(length);
            if length < 4 {
                let (field, _) = layer.end(at);
                self.push(field);
                return Err(Stop::Malformed("NFLOG"));
            }
            if kind & 0x7fff == PAYLOAD {
                layer.text("TLV", "nflog.tlv", at, 4, format!("type {PAYLOAD} (payload), {length} bytes"));
                let (field, rest) = layer.end(at + 4);
                self.push(field);
                return Ok((Next::Ip, rest.of_length(length - 4)));
            }
            layer.text("TLV", "nflog.tlv", at, length, format!("type {}, {length} bytes", kind & 0x7fff));
            at += length.next_multiple_of(4);
        }
        let (field, rest) = layer.end(at.min(span.wire));
        self.push(field);
        if rest.wire > rest.captured {
            Err(Stop::Cut("NFLOG"))
        } else {
            Ok((Next::Payload("Data", ""), rest))
        }
    }
}

/// A type or length field.
pub(super) fn ether_type(layer: &mut Layer<'_>, at: usize, filter: &'static str) -> Option<u16> {
    let number = layer.u16(at)?;
    if number < SMALLEST_ETHER_TYPE && filter == "eth.type" {
        layer.text("Length", "eth.len", at, 2, number.to_string());
    } else {
        let value = format!("{} (0x{number:04x})", names::ether_type(number));
        let name = if filter == "sll.etype" { "Protocol" } else { "Type" };
        layer.text(name, filter, at, 2, value);
    }
    Some(number)
}

fn packet_type(layer: &mut Layer<'_>, at: usize, length: usize) {
    let number = if length == 1 { layer.byte(at).map(u16::from) } else { layer.u16(at) };
    let Some(number) = number else { return };
    let name = match number {
        0 => "Unicast to us",
        1 => "Broadcast",
        2 => "Multicast",
        3 => "Unicast to another host",
        4 => "Sent by us",
        _ => "Unknown",
    };
    layer.text("Packet type", "sll.pkttype", at, length, format!("{name} ({number})"));
}

//! Headers that carry packets of other networks: MPLS, GRE, VXLAN, Geneve, EtherIP.

use super::layer::{Layer, Span};
use super::link::ether_type;
use super::{Dissector, Next, Step};
use crate::decode::Stop;

const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

impl Dissector<'_> {
    /// An MPLS label stack (RFC 3032, section 2.1). Nothing in it says what it carries: see [`crate::decode`].
    pub(super) fn mpls(&mut self, span: Span) -> Step {
        const BOTTOM_OF_STACK: u32 = 0x100;
        let mut rest = span;
        loop {
            let mut layer = self.layer("MultiProtocol Label Switching Header", "mpls", rest);
            let Some(entry) = layer.u32(0) else { return Err(Stop::Cut("MPLS")) };
            layer.text("MPLS Label", "mpls.label", 0, 4, (entry >> 12).to_string());
            layer.text("MPLS Experimental Bits", "mpls.exp", 0, 4, (entry >> 9 & 7).to_string());
            layer.text("MPLS Bottom Of Label Stack", "mpls.bottom", 0, 4, (entry >> 8 & 1).to_string());
            layer.text("MPLS TTL", "mpls.ttl", 0, 4, (entry & 0xff).to_string());
            let field;
            (field, rest) = layer.end(4);
            self.push(field);
            if entry & BOTTOM_OF_STACK != 0 {
                break;
            }
        }
        match self.data.get(rest.start).filter(|_| rest.captured > 0) {
            Some(byte) if byte >> 4 == 4 => Ok((Next::Ipv4, rest)),
            Some(byte) if byte >> 4 == 6 => Ok((Next::Ipv6, rest)),
            Some(0) => {
                let mut layer = self.layer("PW Ethernet Control Word", "pwethcw", rest);
                layer.hex_32("Control word", "", 0);
                let (field, rest) = layer.end(4);
                self.push(field);
                Ok((Next::Ethernet, rest))
            }
            Some(_) => Ok((Next::Ethernet, rest)),
            None => Err(Stop::Cut("MPLS")),
        }
    }

    /// A GRE header (RFC 2784, RFC 2890; version 1: RFC 2637, section 4.1).
    pub(super) fn gre(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Generic Routing Encapsulation", "gre", span);
        let flags = layer.hex_16("Flags and Version", "gre.flags_and_version", 0);
        let number = layer.u16(2);
        ether_type(&mut layer, 2, "gre.proto");
        let (Some(flags), Some(number)) = (flags, number) else { return Err(Stop::Cut("GRE")) };
        let mut at = gre_fields(&mut layer, flags);
        self.say("GRE", format!("Encapsulated 0x{number:04x}"));
        let extra = match (number, flags & 0x1000 != 0) {
            // ERSPAN type II has a header of 8 bytes and always a sequence number; type I has neither.
            (0x88be, true) => 8,
            (0x22eb, _) if layer.byte(at + 11).unwrap_or(0) & 1 == 1 => 20,
            (0x22eb, _) => 12,
            // Web cache redirection, version 2: four bytes before the IP header.
            (0x883e, _) if layer.byte(at).is_none_or(|byte| byte >> 4 != 4) => 4,
            _ => 0,
        };
        if extra > 0 {
            layer.text("Header of what is carried", "", at, extra, format!("{extra} bytes"));
            at += extra;
        }
        let (field, rest) = layer.end(at);
        self.push(field);
        match (flags & 7, number) {
            (0, 0x88be | 0x22eb) => Ok((Next::Ethernet, rest)),
            (0, 0x883e) => Ok((Next::Ipv4, rest)),
            (0, 0) => Ok((Next::Payload("Data", "data.data"), rest)),
            (0, number) => Ok((Next::EtherType(number), rest)),
            // Without a sequence number there is no payload, only an acknowledgment.
            (1, _) if flags & 0x1000 == 0 => Ok((Next::Payload("Data", "data.data"), rest)),
            (1, _) => Ok((Next::Link(crate::LinkType::PPP), rest)),
            _ => Err(Stop::Malformed("GRE")),
        }
    }

    /// A tunnel in UDP, if the port and the header say so.
    pub(super) fn tunnel_in_udp(&mut self, port: u16, span: Span) -> Option<(Next, Span)> {
        if VXLAN_PORTS.contains(&port) {
            return self.vxlan(span);
        }
        if port == GENEVE_PORT { self.geneve(span) } else { None }
    }

    /// A VXLAN header (RFC 7348, section 5): the flag I must be set.
    fn vxlan(&mut self, span: Span) -> Option<(Next, Span)> {
        let mut layer = self.layer("Virtual eXtensible Local Area Network", "vxlan", span);
        let [flags, _, _, _, n0, n1, n2, _] = layer.array::<8>(0)?;
        if flags & 0x08 == 0 {
            return None;
        }
        layer.hex_16("Flags", "vxlan.flags", 0);
        let network = u32::from_be_bytes([0, n0, n1, n2]);
        layer.text("VXLAN Network Identifier (VNI)", "vxlan.vni", 4, 3, network.to_string());
        let (field, rest) = layer.end(8);
        self.push(field);
        Some((Next::Ethernet, rest))
    }

    /// A Geneve header (RFC 8926, section 3.4) of version 0.
    fn geneve(&mut self, span: Span) -> Option<(Next, Span)> {
        let mut layer = self.layer("Generic Network Virtualization Encapsulation", "geneve", span);
        let [options, _, p0, p1, n0, n1, n2, _] = layer.array::<8>(0)?;
        if options >> 6 != 0 {
            return None;
        }
        let length = usize::from(options & 0x3f) * 4;
        layer.text("Options Length", "geneve.opt_len", 0, 1, format!("{length} bytes"));
        ether_type(&mut layer, 2, "geneve.proto_type");
        let network = u32::from_be_bytes([0, n0, n1, n2]);
        layer.text("Virtual Network Identifier (VNI)", "geneve.vni", 4, 3, network.to_string());
        if length > 0 {
            layer.text("Options", "geneve.options", 8, length, format!("{length} bytes"));
        }
        let (field, rest) = layer.end(length + 8);
        self.push(field);
        Some((Next::EtherType(u16::from_be_bytes([p0, p1])), rest))
    }

    /// EtherIP (RFC 3378): two bytes, of which the first nibble is the version 3.
    pub(super) fn ether_ip(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Ethernet over IP", "etherip", span);
        let Some(first) = layer.byte(0) else { return Err(Stop::Cut("EtherIP")) };
        layer.text("Version", "etherip.ver", 0, 1, (first >> 4).to_string());
        let (field, rest) = layer.end(2);
        self.push(field);
        if first >> 4 == 3 { Ok((Next::Ethernet, rest)) } else { Err(Stop::Malformed("EtherIP")) }
    }
}

/// The fields that the flags announce; gives where they end.
fn gre_fields(layer: &mut Layer<'_>, flags: u16) -> usize {
    let mut at = 4;
    if flags & 0xc000 != 0 {
        layer.hex_16("Checksum", "gre.checksum", at);
        layer.number_16("Offset", "gre.offset", at + 2);
        at += 4;
    }
    if flags & 0x2000 != 0 {
        layer.hex_32("Key", "gre.key", at);
        at += 4;
    }
    if flags & 0x1000 != 0 {
        layer.number_32("Sequence Number", "gre.sequence_number", at);
        at += 4;
    }
    if flags & 7 == 1 && flags & 0x80 != 0 {
        layer.number_32("Acknowledgement Number", "gre.ack_number", at);
        at += 4;
    }
    // Source route entries end with one of length 0 (RFC 1701).
    let routed = flags & 0x4007 == 0x4000;
    while let Some(length) = layer.byte(at + 3).filter(|_| routed) {
        let whole = usize::from(length) + 4;
        layer.text("Routing", "gre.routing", at, whole, format!("{whole} bytes"));
        at += whole;
        if length == 0 {
            break;
        }
    }
    at
}

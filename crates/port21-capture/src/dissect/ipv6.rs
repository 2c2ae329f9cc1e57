//! IPv6 (RFC 8200), its extension headers, and the authentication header.

use std::net::{IpAddr, Ipv6Addr};

use super::layer::{Layer, Span};
use super::{Dissector, Next, Step, names};
use crate::decode::Stop;

impl Dissector<'_> {
    /// An IPv6 header (RFC 8200, section 3).
    pub(super) fn ipv6(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Internet Protocol Version 6", "ipv6", span);
        let Some(first) = layer.byte(0) else { return Err(Stop::Cut("IPv6")) };
        layer.text("Version", "ipv6.version", 0, 1, (first >> 4).to_string());
        if let Some(word) = layer.u32(0) {
            let class = (word >> 20) as u8;
            let (services, congestion) = (names::codepoint(class >> 2), names::congestion(class & 3));
            let value = format!("0x{class:02x} (DSCP: {services}, ECN: {congestion})");
            layer.text("Traffic Class", "ipv6.tclass", 0, 4, value);
            layer.text("Flow Label", "ipv6.flow", 1, 3, format!("0x{:05x}", word & 0xf_ffff));
        }
        let length = layer.number_16("Payload Length", "ipv6.plen", 4);
        next_header(&mut layer, "ipv6.nxt", 6);
        layer.number_8("Hop Limit", "ipv6.hlim", 7);
        let addresses = layer.array::<16>(8).zip(layer.array::<16>(24));
        if let Some((source, destination)) = addresses {
            let (source, destination) = (Ipv6Addr::from(source), Ipv6Addr::from(destination));
            layer.text("Source Address", "ipv6.src", 8, 16, source.to_string());
            layer.text("Destination Address", "ipv6.dst", 24, 16, destination.to_string());
            layer.title(format!("Src: {source}, Dst: {destination}"));
            self.meet(IpAddr::V6(source), IpAddr::V6(destination));
            self.say("IPv6", String::new());
        }
        let next = layer.byte(6);
        let jumbo = jumbo_length(&layer);
        let (field, rest) = layer.end(40);
        self.push(field);
        let (Some(length), Some(next), Some(_)) = (length, next, addresses) else {
            return Err(Stop::Cut("IPv6"));
        };
        if first >> 4 != 6 {
            return Err(Stop::Malformed("IPv6"));
        }
        let payload = match (usize::from(length), jumbo) {
            (0, None) => rest,
            (0, Some(length)) => rest.of_length(length),
            (length, _) => rest.of_length(length),
        };
        if next == 59 {
            self.say("IPv6", "IPv6 no next header".into());
            return Ok((Next::Payload("Data", "data.data"), payload));
        }
        Ok((Next::Protocol(next), payload))
    }

    /// An extension header of the usual form: next header, length in units of 8 bytes without the first.
    pub(super) fn extension(&mut self, number: u8, span: Span) -> Step {
        let (name, filter, next_filter, length_filter) = match number {
            0 => ("IPv6 Hop-by-Hop Option", "ipv6.hopopts", "ipv6.hopopts.nxt", "ipv6.hopopts.len"),
            43 => ("Routing Header for IPv6", "ipv6.routing", "ipv6.routing.nxt", "ipv6.routing.len"),
            60 => ("Destination Options for IPv6", "ipv6.dstopts", "ipv6.dstopts.nxt", "ipv6.dstopts.len"),
            135 => ("Mobile IPv6", "mipv6", "mip6.proto", "mip6.hlen"),
            _ => ("IPv6 extension header", "", "", ""),
        };
        let mut layer = self.layer(name, filter, span);
        let next = next_header(&mut layer, next_filter, 0);
        let units = layer.byte(1).map(usize::from);
        if let Some(units) = units {
            layer.text("Length", length_filter, 1, 1, format!("{units} ({} bytes)", units * 8 + 8));
        }
        let length = units.map_or(2, |units| units * 8 + 8);
        match number {
            0 | 60 => options(&mut layer, length),
            43 => routing(&mut layer, length),
            _ => {}
        }
        self.end_extension(layer, next.zip(units), length, span, "IPv6 extension header")
    }

    /// An authentication header (RFC 4302, section 2.2): its length counts 4 bytes and leaves out two units.
    pub(super) fn authentication_header(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Authentication Header", "ah", span);
        let next = next_header(&mut layer, "ah.next_header", 0);
        let units = layer.byte(1).map(usize::from);
        let length = units.map_or(2, |units| units * 4 + 8);
        if let Some(units) = units {
            layer.text("Length", "ah.length", 1, 1, format!("{units} ({length} bytes)"));
        }
        layer.hex_32("AH SPI", "ah.spi", 4);
        layer.number_32("AH Sequence", "ah.sequence", 8);
        if length > 12 {
            layer.text("AH ICV", "ah.icv", 12, length - 12, "");
        }
        self.end_extension(layer, next.zip(units), length, span, "authentication header")
    }

    fn end_extension(
        &mut self,
        layer: Layer<'_>,
        read: Option<(u8, usize)>,
        length: usize,
        span: Span,
        name: &'static str,
    ) -> Step {
        let (field, rest) = layer.end(length);
        self.push(field);
        match read {
            _ if length > span.wire => Err(Stop::Malformed(name)),
            Some((59, _)) => Ok((Next::Payload("Data", "data.data"), rest)),
            Some((next, _)) if length <= span.captured => Ok((Next::Protocol(next), rest)),
            _ => Err(Stop::Cut(name)),
        }
    }

    /// A fragment header (RFC 8200, section 4.5). A datagram in one fragment is none (RFC 6946).
    pub(super) fn fragment_header(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Fragment Header for IPv6", "ipv6.fraghdr", span);
        let protocol = next_header(&mut layer, "ipv6.fraghdr.nxt", 0);
        if let Some(reserved) = layer.byte(1) {
            let value = format!("0x{reserved:02x}");
            layer.text("Reserved octet", "ipv6.fraghdr.reserved_octet", 1, 1, value);
        }
        let field = layer.u16(2);
        if let Some(field) = field {
            layer.text("Offset", "ipv6.fraghdr.offset", 2, 2, (field & 0xfff8).to_string());
            layer.text(
                "More Fragments",
                "ipv6.fraghdr.more",
                2,
                2,
                if field & 1 != 0 { "Yes" } else { "No" },
            );
        }
        let identifier = layer.hex_32("Identification", "ipv6.fraghdr.ident", 4);
        let (layer, rest) = layer.end(8);
        self.push(layer);
        let (Some(protocol), Some(field), Some(identifier)) = (protocol, field, identifier) else {
            return Err(Stop::Cut("IPv6 fragment header"));
        };
        let (offset, more) = (u32::from(field & 0xfff8), field & 1 != 0);
        if offset == 0 && !more {
            return Ok((Next::Protocol(protocol), rest));
        }
        self.fragment_of(protocol, offset, more, format!("0x{identifier:08x}"));
        Ok((Next::Payload("Fragment of a datagram", "data.data"), rest))
    }
}

fn next_header(layer: &mut Layer<'_>, filter: &'static str, at: usize) -> Option<u8> {
    let number = layer.byte(at)?;
    layer.text("Next Header", filter, at, 1, format!("{} ({number})", names::ip_protocol(number)));
    Some(number)
}

/// Options (RFC 8200, section 4.2) from byte 2 to `length`.
fn options(layer: &mut Layer<'_>, length: usize) {
    let end = length.min(layer.bytes().len());
    let mut at = 2;
    while let Some(kind) = layer.byte(at).filter(|_| at < end) {
        let total = match (kind, layer.byte(at + 1)) {
            (0, _) => 1,
            (_, Some(length)) => usize::from(length) + 2,
            (_, None) => end - at,
        };
        let total = total.min(end - at);
        let (name, value) = match (kind, layer.u32(at + 2)) {
            (0, _) => ("Pad1", String::new()),
            (1, _) => ("PadN", format!("{total} bytes")),
            (0xc2, Some(length)) => ("Jumbo payload", format!("{length} bytes (RFC 2675)")),
            (5, _) => ("Router alert", layer.u16(at + 2).unwrap_or(0).to_string()),
            _ => ("Option", format!("type 0x{kind:02x}, {total} bytes")),
        };
        layer.text(name, "ipv6.opt", at, total, value);
        at += total;
    }
}

fn routing(layer: &mut Layer<'_>, length: usize) {
    layer.number_8("Type", "ipv6.routing.type", 2);
    layer.number_8("Segments Left", "ipv6.routing.segleft", 3);
    if length > 4 {
        layer.text("Type-specific data", "", 4, length - 4, format!("{} bytes", length - 4));
    }
}

/// The length that a jumbo payload option gives (RFC 2675, section 2) in a hop-by-hop header behind the IPv6 header.
fn jumbo_length(layer: &Layer<'_>) -> Option<usize> {
    if layer.byte(6)? != 0 {
        return None;
    }
    let end = 40 + usize::from(layer.byte(41)?) * 8 + 8;
    let mut at = 42;
    while at < end {
        at += match (layer.byte(at)?, layer.byte(at + 1)?) {
            (0xc2, 4) => return usize::try_from(layer.u32(at + 2)?).ok(),
            (0, _) => 1,
            (_, length) => usize::from(length) + 2,
        };
    }
    None
}

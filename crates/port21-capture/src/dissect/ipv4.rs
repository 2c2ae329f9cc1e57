//! IPv4 (RFC 791) and its options.

use std::net::{IpAddr, Ipv4Addr};

use super::layer::{Layer, Span, set};
use super::{Checksum, Dissector, Next, Step, checksum, names};
use crate::decode::Stop;

const MORE_FRAGMENTS: u16 = 0x2000;
const DO_NOT_FRAGMENT: u16 = 0x4000;
const RESERVED: u16 = 0x8000;

impl Dissector<'_> {
    /// IPv4 or IPv6, by the first nibble.
    pub(super) fn ip(&mut self, span: Span) -> Step {
        match self.data.get(span.start).filter(|_| span.captured > 0).map(|byte| byte >> 4) {
            Some(4) => self.ipv4(span),
            Some(6) => self.ipv6(span),
            Some(_) => Err(Stop::Malformed("IP")),
            None => Err(Stop::Cut("IP")),
        }
    }

    /// An IPv4 header (RFC 791, section 3.1).
    pub(super) fn ipv4(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Internet Protocol Version 4", "ip", span);
        let Some(first) = layer.byte(0) else { return Err(Stop::Cut("IPv4")) };
        let header_length = usize::from(first & 0x0f) * 4;
        let wrong = first >> 4 != 4 || header_length < 20;
        layer.text("Version", "ip.version", 0, 1, (first >> 4).to_string());
        let value = format!("{header_length} bytes ({})", first & 0x0f);
        layer.text("Header Length", "ip.hdr_len", 0, 1, value);
        services(&mut layer, 1, ["ip.dsfield", "ip.dsfield.dscp", "ip.dsfield.ecn"]);
        let total_length = layer.number_16("Total Length", "ip.len", 2);
        if let Some(identifier) = layer.u16(4) {
            layer.text("Identification", "ip.id", 4, 2, format!("0x{identifier:04x} ({identifier})"));
        }
        let fragment = fragmentation(&mut layer);
        layer.number_8("Time to Live", "ip.ttl", 8);
        let protocol = layer.byte(9);
        if let Some(number) = protocol {
            layer.text("Protocol", "ip.proto", 9, 1, format!("{} ({number})", names::ip_protocol(number)));
        }
        header_checksum(&mut layer, header_length);
        if let (Some(source), Some(destination)) = (layer.array::<4>(12), layer.array::<4>(16)) {
            let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
            layer.text("Source Address", "ip.src", 12, 4, source.to_string());
            layer.text("Destination Address", "ip.dst", 16, 4, destination.to_string());
            layer.title(format!("Src: {source}, Dst: {destination}"));
            self.meet(IpAddr::V4(source), IpAddr::V4(destination));
            self.say("IPv4", String::new());
        }
        options(&mut layer, header_length);
        let captured_whole = span.captured >= header_length.max(20);
        let (field, _) = layer.end(header_length.max(20));
        self.push(field);
        let (Some(total_length), Some(fragment), Some(protocol), true) =
            (total_length, fragment, protocol, captured_whole)
        else {
            return Err(if wrong { Stop::Malformed("IPv4") } else { Stop::Cut("IPv4") });
        };
        let datagram = match usize::from(total_length) {
            // Segmentation offload: the host gave the packet to its network card before a length was known.
            0 => span,
            length if wrong || length < header_length => return Err(Stop::Malformed("IPv4")),
            length => span.of_length(length),
        };
        let payload = datagram.skip(header_length);
        let offset = u32::from(fragment & 0x1fff) * 8;
        if offset == 0 && fragment & MORE_FRAGMENTS == 0 {
            return Ok((Next::Protocol(protocol), payload));
        }
        self.fragment_of(protocol, offset, fragment & MORE_FRAGMENTS != 0, layer_identifier(self, span));
        Ok((Next::Payload("Fragment of a datagram", "data.data"), payload))
    }

    /// Notes that the packet holds a fragment.
    pub(super) fn fragment_of(&mut self, protocol: u8, offset: u32, more: bool, identifier: String) {
        self.result.fragment = true;
        let more = if more { ", more follow" } else { ", the last" };
        let of = names::ip_protocol(protocol);
        let version = if matches!(self.addresses, Some((IpAddr::V6(_), _))) { "IPv6" } else { "IPv4" };
        self.say(
            version,
            format!("Fragmented IP protocol (proto={of} {protocol}, off={offset}, ID={identifier}{more})"),
        );
    }
}

fn layer_identifier(dissector: &Dissector<'_>, span: Span) -> String {
    let bytes = dissector.data.get(span.start + 4..span.start + 6).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The differentiated services field (RFC 2474; its last two bits: RFC 3168), which begins in the byte at `at`.
fn services(layer: &mut Layer<'_>, at: usize, [field, codepoint, notification]: [&'static str; 3]) {
    let Some(byte) = layer.byte(at) else { return };
    let (class, ecn) = (names::codepoint(byte >> 2), names::congestion(byte & 3));
    layer.text(
        "Differentiated Services Field",
        field,
        at,
        1,
        format!("0x{byte:02x} (DSCP: {class}, ECN: {ecn})"),
    );
    let value = format!("{class} ({})", byte >> 2);
    layer.beneath("Differentiated Services Codepoint", codepoint, at, 1, value);
    layer.beneath("Explicit Congestion Notification", notification, at, 1, format!("{ecn} ({})", byte & 3));
}

/// Flags and fragment offset, which share two bytes.
fn fragmentation(layer: &mut Layer<'_>) -> Option<u16> {
    let field = layer.u16(6)?;
    let names: Vec<&str> =
        [(RESERVED, "Reserved bit"), (DO_NOT_FRAGMENT, "Don't fragment"), (MORE_FRAGMENTS, "More fragments")]
            .iter()
            .filter(|(bit, _)| field & bit != 0)
            .map(|(_, name)| *name)
            .collect();
    let names = if names.is_empty() { String::new() } else { format!(", {}", names.join(", ")) };
    layer.text("Flags", "ip.flags", 6, 1, format!("0x{:x}{names}", field >> 13));
    layer.beneath("Reserved bit", "ip.flags.rb", 6, 1, set(field & RESERVED != 0));
    layer.beneath("Don't fragment", "ip.flags.df", 6, 1, set(field & DO_NOT_FRAGMENT != 0));
    layer.beneath("More fragments", "ip.flags.mf", 6, 1, set(field & MORE_FRAGMENTS != 0));
    layer.text("Fragment Offset", "ip.frag_offset", 6, 2, (u32::from(field & 0x1fff) * 8).to_string());
    Some(field)
}

fn header_checksum(layer: &mut Layer<'_>, header_length: usize) {
    let found = match (layer.bytes().get(..header_length), layer.u16(10)) {
        (Some(header), Some(stated)) if header_length >= 20 => checksum::verify(&[], header, 10, stated),
        _ => Checksum::Unverified,
    };
    let words = ["Header Checksum", "ip.checksum", "Header checksum status", "ip.checksum.status"];
    checksum::add(layer, words, 10, found);
}

/// Options (RFC 791, section 3.1), each with its type, length and value.
fn options(layer: &mut Layer<'_>, header_length: usize) {
    let end = header_length.min(layer.bytes().len());
    if end <= 20 {
        return;
    }
    layer.text("Options", "ip.options", 20, end - 20, format!("{} bytes", header_length - 20));
    let mut at = 20;
    while let Some(kind) = layer.byte(at).filter(|_| at < end) {
        // Of one byte: end of options, no operation.
        let length = match (kind, layer.byte(at + 1).filter(|_| at + 1 < end)) {
            (0 | 1, _) => 1,
            (_, Some(length)) if length >= 2 => usize::from(length),
            _ => end - at,
        };
        let length = length.min(end - at);
        let name = names::ip_option(kind);
        let value = match length {
            1 => format!("type {kind}"),
            _ => format!("type {kind}, {length} bytes"),
        };
        layer.beneath(name, "ip.opt.type", at, length, value);
        at += length;
        if kind == 0 {
            break;
        }
    }
}

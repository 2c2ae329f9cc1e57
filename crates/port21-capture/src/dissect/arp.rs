//! ARP (RFC 826).

use std::net::Ipv4Addr;

use super::layer::{Span, ethernet_address};
use super::{Dissector, Next, Step, names};
use crate::decode::Stop;

impl Dissector<'_> {
    /// An ARP message; addresses are taken apart where they are Ethernet's and IPv4's.
    pub(super) fn arp(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Address Resolution Protocol", "arp", span);
        if let Some(hardware) = layer.u16(0) {
            let name = if hardware == 1 { "Ethernet (1)".to_owned() } else { hardware.to_string() };
            layer.text("Hardware type", "arp.hw.type", 0, 2, name);
        }
        if let Some(protocol) = layer.u16(2) {
            let name = names::ether_type(protocol);
            layer.text("Protocol type", "arp.proto.type", 2, 2, format!("{name} (0x{protocol:04x})"));
        }
        let hardware = layer.number_8("Hardware size", "arp.hw.size", 4);
        let protocol = layer.number_8("Protocol size", "arp.proto.size", 5);
        let operation = layer.u16(6);
        let (Some(hardware), Some(protocol), Some(operation)) = (hardware, protocol, operation) else {
            let (field, _) = layer.end(8.min(span.wire));
            self.push(field);
            return Err(Stop::Cut("ARP"));
        };
        let name = match operation {
            1 => "request",
            2 => "reply",
            3 => "reverse request",
            4 => "reverse reply",
            _ => "unknown",
        };
        layer.text("Opcode", "arp.opcode", 6, 2, format!("{name} ({operation})"));
        let (hardware, protocol) = (usize::from(hardware), usize::from(protocol));
        let mut at = 8;
        let mut told = Vec::new();
        for (name, filter, length) in [
            ("Sender MAC address", "arp.src.hw_mac", hardware),
            ("Sender IP address", "arp.src.proto_ipv4", protocol),
            ("Target MAC address", "arp.dst.hw_mac", hardware),
            ("Target IP address", "arp.dst.proto_ipv4", protocol),
        ] {
            let bytes = layer.bytes().get(at..at + length).unwrap_or_default();
            let text = match <[u8; 4]>::try_from(bytes) {
                Ok(address) if length == protocol => Ipv4Addr::from(address).to_string(),
                _ => ethernet_address(bytes),
            };
            if length > 0 {
                layer.text(name, filter, at, length, text.clone());
            }
            told.push(text);
            at += length;
        }
        let (field, _) = layer.end(at.min(span.wire));
        self.push(field);
        if let [sender_hardware, sender, _, target] = told.as_slice() {
            self.say(
                "ARP",
                match operation {
                    1 if sender == target => format!("ARP Announcement for {sender}"),
                    1 if sender == "0.0.0.0" => format!("Who has {target}? (ARP Probe)"),
                    1 => format!("Who has {target}? Tell {sender}"),
                    2 if sender == target => format!("Gratuitous ARP for {sender} (Reply)"),
                    2 => format!("{sender} is at {sender_hardware}"),
                    _ => format!("ARP {name}"),
                },
            );
        }
        // What Ethernet padded it to is left for the trailer.
        let length = at.min(span.wire);
        if at > span.captured {
            return Err(Stop::Cut("ARP"));
        }
        self.end = span.start.saturating_add(length);
        Ok((Next::Payload("Data", "data.data"), Span { start: self.end, captured: 0, wire: 0 }))
    }
}

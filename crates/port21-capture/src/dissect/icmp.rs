//! ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861).

use std::net::Ipv6Addr;

use super::layer::{Layer, Span};
use super::{Checksum, Dissection, Dissector, Next, Step, checksum, names};
use crate::decode::Stop;

impl Dissector<'_> {
    /// An ICMP message.
    pub(super) fn icmp(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Internet Control Message Protocol", "icmp", span);
        let (Some(kind), Some(code)) = (layer.byte(0), layer.byte(1)) else { return Err(Stop::Cut("ICMP")) };
        let (meaning, detail) = names::icmp(kind, code);
        layer.text("Type", "icmp.type", 0, 1, format!("{kind} ({meaning})"));
        layer.text(
            "Code",
            "icmp.code",
            1,
            1,
            match detail {
                "" => code.to_string(),
                detail => format!("{code} ({detail})"),
            },
        );
        let found = match layer.u16(2) {
            Some(stated) if span.captured == span.wire => checksum::verify(&[], layer.bytes(), 2, stated),
            _ => Checksum::Unverified,
        };
        checksum::add(
            &mut layer,
            ["Checksum", "icmp.checksum", "Checksum Status", "icmp.checksum.status"],
            2,
            found,
        );
        let mut info = if detail.is_empty() { meaning.to_owned() } else { format!("{meaning} ({detail})") };
        let quotes = matches!(kind, 3 | 4 | 5 | 11 | 12);
        match kind {
            0 | 8 => echo(&mut layer, &mut info, ["icmp.ident", "icmp.seq"]),
            3 if code == 4 => {
                layer.number_16("MTU of next hop", "icmp.mtu", 6);
            }
            5 => {
                if let Some(gateway) = layer.array::<4>(4) {
                    let gateway = std::net::Ipv4Addr::from(gateway);
                    layer.text("Gateway Address", "icmp.redir_gw", 4, 4, gateway.to_string());
                }
            }
            _ => {}
        }
        let length = 8.min(span.wire);
        let (field, rest) = layer.end(length);
        self.push(field);
        self.say("ICMP", info);
        if quotes {
            Ok(self.quoted(Next::Ipv4, rest))
        } else {
            Ok((Next::Payload("Data", "data.data"), rest))
        }
    }

    /// An ICMPv6 message.
    pub(super) fn icmp_version_6(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Internet Control Message Protocol v6", "icmpv6", span);
        let (Some(kind), Some(code)) = (layer.byte(0), layer.byte(1)) else {
            return Err(Stop::Cut("ICMPv6"));
        };
        let (meaning, detail) = names::icmp_version_6(kind, code);
        layer.text("Type", "icmpv6.type", 0, 1, format!("{meaning} ({kind})"));
        layer.text(
            "Code",
            "icmpv6.code",
            1,
            1,
            match detail {
                "" => code.to_string(),
                detail => format!("{code} ({detail})"),
            },
        );
        let found = checksum::of_transport(&layer, span, self.addresses, 58, 2);
        checksum::add(
            &mut layer,
            ["Checksum", "icmpv6.checksum", "Checksum Status", "icmpv6.checksum.status"],
            2,
            found,
        );
        let mut info = if detail.is_empty() { meaning.to_owned() } else { format!("{meaning} ({detail})") };
        let mut length = 8;
        match kind {
            2 => {
                layer.number_32("MTU", "icmpv6.mtu", 4);
            }
            128 | 129 => {
                echo(&mut layer, &mut info, ["icmpv6.echo.identifier", "icmpv6.echo.sequence_number"]);
            }
            135 | 136 => {
                if let Some(target) = layer.array::<16>(8) {
                    let target = Ipv6Addr::from(target);
                    let filter = if kind == 135 {
                        "icmpv6.nd.ns.target_address"
                    } else {
                        "icmpv6.nd.na.target_address"
                    };
                    layer.text("Target Address", filter, 8, 16, target.to_string());
                    let word = if kind == 135 { "for " } else { "" };
                    info = format!("{meaning} {word}{target}");
                    length = 24;
                }
            }
            _ => {}
        }
        let (field, rest) = layer.end(length.min(span.wire));
        self.push(field);
        self.say("ICMPv6", info);
        if (1..=4).contains(&kind) {
            return Ok(self.quoted(Next::Ipv6, rest));
        }
        Ok((Next::Payload(if kind >= 133 { "Options" } else { "Data" }, "data.data"), rest))
    }

    /// The beginning of a packet that was not delivered. Its layers follow, but the columns stay those of the message.
    fn quoted(&mut self, first: Next, span: Span) -> (Next, Span) {
        let mut inner = Dissector::new(self.data);
        let Dissection { layers, .. } = {
            inner.end = span.end();
            let (mut next, mut rest) = (first, span);
            // No message quotes a packet that quotes another for long.
            for _ in 0..8 {
                if matches!(next, Next::Payload(..) | Next::Dns) {
                    break;
                }
                match inner.read(next, rest) {
                    Ok(step) => (next, rest) = step,
                    Err(_) => break,
                }
            }
            inner.result
        };
        let read = layers.iter().map(super::Field::end).max().unwrap_or(span.start);
        self.result.layers.extend(layers);
        let rest = span.skip(read.saturating_sub(span.start));
        (Next::Payload("Data of the quoted packet", "data.data"), Span { wire: rest.captured, ..rest })
    }
}

fn echo(layer: &mut Layer<'_>, info: &mut String, [identifier, sequence]: [&'static str; 2]) {
    if let (Some(id), Some(number)) = (layer.u16(4), layer.u16(6)) {
        layer.text("Identifier", identifier, 4, 2, format!("{id} (0x{id:04x})"));
        layer.text("Sequence Number", sequence, 6, 2, format!("{number} (0x{number:04x})"));
        *info = format!("{info} id=0x{id:04x}, seq={number}");
    }
}

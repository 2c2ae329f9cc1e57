//! IEEE 802.11 frames and the headers that capturing drivers put before them.

use super::layer::{Span, ethernet_address, set};
use super::{Dissector, Next, Step};
use crate::decode::Stop;
use crate::packet::LinkType;

const DATA: u8 = 2;
const FLAGS: [(&str, &str, u8); 8] = [
    ("To DS", "wlan.fc.tods", 0x01),
    ("From DS", "wlan.fc.fromds", 0x02),
    ("More Fragments", "wlan.fc.frag", 0x04),
    ("Retry", "wlan.fc.retry", 0x08),
    ("PWR MGT", "wlan.fc.pwrmgt", 0x10),
    ("More Data", "wlan.fc.moredata", 0x20),
    ("Protected flag", "wlan.fc.protected", 0x40),
    ("+HTC/Order flag", "wlan.fc.order", 0x80),
];

impl Dissector<'_> {
    /// An IEEE 802.11 MAC header (section 9.2.4); only data frames carry more.
    pub(super) fn wireless(&mut self, span: Span) -> Step {
        let mut layer = self.layer("IEEE 802.11", "wlan", span);
        let (Some(control), Some(flags)) = (layer.byte(0), layer.byte(1)) else {
            return Err(Stop::Cut("802.11"));
        };
        let (kind, subtype) = (control >> 2 & 0x3, control >> 4);
        let kind_name = match kind {
            0 => "Management frame",
            1 => "Control frame",
            2 => "Data frame",
            _ => "Extension frame",
        };
        layer.text("Version", "wlan.fc.version", 0, 1, (control & 3).to_string());
        layer.text("Type", "wlan.fc.type", 0, 1, format!("{kind_name} ({kind})"));
        layer.text("Subtype", "wlan.fc.subtype", 0, 1, subtype.to_string());
        layer.text("Flags", "wlan.flags", 1, 1, format!("0x{flags:02x}"));
        for (name, filter, bit) in FLAGS {
            layer.beneath(name, filter, 1, 1, set(flags & bit != 0));
        }
        layer.text("Duration", "wlan.duration", 2, 2, layer.u16(2).unwrap_or(0).swap_bytes().to_string());
        let names = ["Address 1 (receiver)", "Address 2 (transmitter)", "Address 3"];
        let filters = ["wlan.ra", "wlan.ta", "wlan.addr"];
        for (index, (name, filter)) in names.into_iter().zip(filters).enumerate() {
            let found = layer.ethernet_address(name, filter, 4 + index * 6);
            match (index, found) {
                (0, Some(address)) => self.result.columns.destination = address,
                (1, Some(address)) => self.result.columns.source = address,
                _ => {}
            }
        }
        self.say("802.11", format!("{kind_name}, subtype {subtype}"));
        if kind != DATA || subtype & 4 != 0 {
            let (field, rest) = layer.end(if kind == 1 { 10 } else { 24 }.min(span.wire));
            self.push(field);
            return Ok((Next::Payload("Data", "data.data"), rest));
        }
        let fragment = layer.u16(22).map(u16::swap_bytes);
        if let Some(field) = fragment {
            layer.text("Fragment number", "wlan.frag", 22, 2, (field & 15).to_string());
            layer.text("Sequence number", "wlan.seq", 22, 2, (field >> 4).to_string());
        }
        let mut length = 24;
        if flags & 3 == 3 {
            let address = layer.array::<6>(24).map(|address| ethernet_address(&address)).unwrap_or_default();
            layer.text("Address 4", "wlan.addr", 24, 6, address);
            length = 30;
        }
        let quality = layer.byte(length).filter(|_| subtype & 8 != 0);
        if subtype & 8 != 0 {
            layer.text("Qos Control", "wlan.qos", length, 2, "");
            length += 2;
            if flags & 0x80 != 0 {
                layer.text("HT Control", "wlan.htc", length, 4, "");
                length += 4;
            }
        }
        let (field, rest) = layer.end(length);
        self.push(field);
        if flags & 0x40 != 0 {
            return Err(Stop::Unsupported("encrypted 802.11 frame"));
        }
        if flags & 0x04 != 0 || fragment.unwrap_or(0) & 15 != 0 {
            return Err(Stop::Unsupported("802.11 fragment"));
        }
        if quality.unwrap_or(0) & 0x80 != 0 {
            return Err(Stop::Unsupported("802.11 aggregate"));
        }
        if span.captured < length { Err(Stop::Cut("802.11")) } else { Ok((Next::LogicalLink, rest)) }
    }

    /// A radiotap header (<https://www.radiotap.org>).
    pub(super) fn radiotap(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Radiotap Header", "radiotap", span);
        layer.number_8("Header revision", "radiotap.version", 0);
        layer.number_8("Header pad", "radiotap.pad", 1);
        let Some(length) = layer.u16(2).map(u16::swap_bytes) else { return Err(Stop::Cut("radiotap")) };
        layer.text("Header length", "radiotap.length", 2, 2, length.to_string());
        let length = usize::from(length).max(4);
        if length > 4 {
            layer.text("Fields", "", 4, length - 4, format!("{} bytes", length - 4));
        }
        let (field, rest) = layer.end(length);
        self.push(field);
        if length > span.captured { Err(Stop::Cut("radiotap")) } else { Ok((Next::Wireless, rest)) }
    }

    /// A Prism header, which states its length, or an AVS header, which begins with its version.
    pub(super) fn prism(&mut self, span: Span) -> Step {
        const AVS: u32 = 0x8021_1000;
        let mut layer = self.layer("Prism or AVS capture header", "prism", span);
        let (Some(first), Some(length)) = (layer.u32(0), layer.u32(4)) else {
            return Err(Stop::Cut("Prism header"));
        };
        let avs = first & 0xffff_f000 == AVS;
        // A Prism header's length is in the byte order of the capturing host.
        let length = if avs { length } else { length.min(length.swap_bytes()) } as usize;
        layer.text("Message code", "", 0, 4, format!("0x{first:08x}"));
        layer.text("Message length", "", 4, 4, length.to_string());
        let (field, rest) = layer.end(length.max(8).min(span.wire));
        self.push(field);
        if length > span.captured { Err(Stop::Cut("Prism header")) } else { Ok((Next::Wireless, rest)) }
    }

    /// Per-packet information: version, flags, length and the link type of what follows, in little-endian order.
    pub(super) fn per_packet_information(&mut self, span: Span) -> Step {
        let mut layer = self.layer("PPI header", "ppi", span);
        layer.number_8("Version", "ppi.version", 0);
        layer.number_8("Flags", "ppi.flags", 1);
        let (Some(length), Some(link_type)) = (layer.u16(2), layer.u32(4)) else {
            return Err(Stop::Cut("PPI"));
        };
        let (length, link_type) = (usize::from(length.swap_bytes()), link_type.swap_bytes());
        layer.text("Header length", "ppi.length", 2, 2, length.to_string());
        layer.text("DLT", "ppi.dlt", 4, 4, link_type.to_string());
        if length > 8 {
            layer.text("Fields", "", 8, length - 8, format!("{} bytes", length - 8));
        }
        let (field, rest) = layer.end(length.max(8));
        self.push(field);
        match length {
            0..8 => Err(Stop::Malformed("PPI")),
            _ if length > span.captured => Err(Stop::Cut("PPI")),
            _ => Ok((Next::Link(LinkType(link_type)), rest)),
        }
    }
}

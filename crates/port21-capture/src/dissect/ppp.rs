//! PPP (RFC 1661), PPP over Ethernet (RFC 2516) and Cisco HDLC.

use super::layer::Span;
use super::link::ether_type;
use super::{Dissector, Next, Step, names};
use crate::decode::Stop;

impl Dissector<'_> {
    /// A PPP protocol field of one or two bytes, and what it names.
    pub(super) fn ppp(&mut self, span: Span) -> Step {
        self.ppp_behind(span, 0)
    }

    /// PPP behind the HDLC-like address and control bytes, if they are there (RFC 1662, section 3.1).
    pub(super) fn ppp_framed(&mut self, span: Span) -> Step {
        let layer = self.layer("", "", span);
        match layer.array::<2>(0) {
            Some([0xff, 0x03]) => self.ppp_behind(span, 2),
            Some([0x0f | 0x8f, 0]) => self.cisco_hdlc(span),
            _ => self.ppp_behind(span, 0),
        }
    }

    /// PPP behind the direction byte of the Linux PPP daemon and perhaps address and control.
    pub(super) fn ppp_directed(&mut self, span: Span) -> Step {
        let layer = self.layer("", "", span);
        match (layer.array::<2>(0), layer.array::<2>(1)) {
            (Some([_, 0x03]), _) => self.ppp_behind(span, 2),
            (_, Some([0xff, 0x03])) => self.ppp_behind(span, 3),
            _ => self.ppp_behind(span, 1),
        }
    }

    fn ppp_behind(&mut self, span: Span, before: usize) -> Step {
        let mut layer = self.layer("Point-to-Point Protocol", "ppp", span);
        match before {
            2 => {
                for (name, filter, at) in [("Address", "ppp.address", 0), ("Control", "ppp.control", 1)] {
                    if let Some(byte) = layer.byte(at) {
                        layer.text(name, filter, at, 1, format!("0x{byte:02x}"));
                    }
                }
            }
            0 => {}
            _ => {
                layer.text("Direction, address and control", "", 0, before, "");
            }
        }
        let Some(first) = layer.byte(before) else { return Err(Stop::Cut("PPP")) };
        // An odd first byte is a compressed field.
        let (number, length) = match (first & 1, layer.u16(before)) {
            (1, _) => (u16::from(first), 1),
            (_, Some(number)) => (number, 2),
            (_, None) => return Err(Stop::Cut("PPP")),
        };
        let value = format!("{} (0x{number:04x})", names::ppp_protocol(number));
        layer.text("Protocol", "ppp.protocol", before, length, value);
        let (field, rest) = layer.end(before + length);
        self.push(field);
        self.say("PPP", names::ppp_protocol(number).to_owned());
        match number {
            0x0021 => Ok((Next::Ipv4, rest)),
            0x0057 => Ok((Next::Ipv6, rest)),
            0x0281 | 0x0283 => Ok((Next::EtherType(0x8847), rest)),
            0x002d | 0x002f | 0x0061 | 0x0063 => Err(Stop::Unsupported("compressed TCP/IP header")),
            0x003d => Err(Stop::Unsupported("PPP multilink fragment")),
            0x0053 => Err(Stop::Unsupported("PPP encryption")),
            0x00fd | 0x00fb => Err(Stop::Unsupported("PPP compression")),
            _ => Ok((Next::Payload("Data", "data.data"), rest)),
        }
    }

    /// A PPPoE header (RFC 2516, section 4); code 0 is session data, others are discovery.
    pub(super) fn pppoe(&mut self, span: Span) -> Step {
        let mut layer = self.layer("PPP-over-Ethernet", "pppoes", span);
        let version = layer.byte(0);
        if let Some(version) = version {
            layer.text("Version", "pppoe.version", 0, 1, (version >> 4).to_string());
            layer.text("Type", "pppoe.type", 0, 1, (version & 15).to_string());
        }
        let code = layer.byte(1);
        if let Some(code) = code {
            let name = match code {
                0x00 => "Session Data",
                0x07 => "Active Discovery Offer (PADO)",
                0x09 => "Active Discovery Initiation (PADI)",
                0x19 => "Active Discovery Request (PADR)",
                0x65 => "Active Discovery Session-confirmation (PADS)",
                0xa7 => "Active Discovery Terminate (PADT)",
                _ => "Unknown",
            };
            layer.text("Code", "pppoe.code", 1, 1, format!("{name} (0x{code:02x})"));
            self.say("PPPoE", name.to_owned());
        }
        layer.hex_16("Session ID", "pppoe.session_id", 2);
        let length = layer.number_16("Payload Length", "pppoe.payload_length", 4);
        let (field, rest) = layer.end(6);
        self.push(field);
        let (Some(version), Some(code), Some(length)) = (version, code, length) else {
            return Err(Stop::Cut("PPPoE"));
        };
        let rest = rest.of_length(usize::from(length).min(rest.wire));
        match (version, code) {
            (0x11, 0) => Ok((Next::Ppp, rest)),
            (0x11, _) => Ok((Next::Payload("Tags", "pppoed.tags"), rest)),
            _ => Err(Stop::Malformed("PPPoE")),
        }
    }

    /// Cisco HDLC: address, control, EtherType.
    pub(super) fn cisco_hdlc(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Cisco HDLC", "chdlc", span);
        for (name, filter, at) in [("Address", "chdlc.address", 0), ("Control", "chdlc.control", 1)] {
            if let Some(byte) = layer.byte(at) {
                layer.text(name, filter, at, 1, format!("0x{byte:02x}"));
            }
        }
        let number = ether_type(&mut layer, 2, "chdlc.protocol");
        let (field, rest) = layer.end(4);
        self.push(field);
        number.map(|number| (Next::EtherType(number), rest)).ok_or(Stop::Cut("Cisco HDLC"))
    }
}

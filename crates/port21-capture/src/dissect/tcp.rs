//! TCP (RFC 9293).

use super::layer::{Layer, Span, set};
use super::{Dissector, Next, Step, checksum, tcp_options};
use crate::decode::{Flags, Stop};

/// Control bits: name, filter, bit, in which byte of the header.
const CONTROL_BITS: [(&str, &str, u16, usize); 9] = [
    ("Accurate ECN", "tcp.flags.ae", 0x100, 12),
    ("Congestion Window Reduced", "tcp.flags.cwr", 0x80, 13),
    ("ECN-Echo", "tcp.flags.ece", 0x40, 13),
    ("Urgent", "tcp.flags.urg", 0x20, 13),
    ("Acknowledgment", "tcp.flags.ack", 0x10, 13),
    ("Push", "tcp.flags.push", 0x08, 13),
    ("Reset", "tcp.flags.reset", 0x04, 13),
    ("Syn", "tcp.flags.syn", 0x02, 13),
    ("Fin", "tcp.flags.fin", 0x01, 13),
];

impl Dissector<'_> {
    /// A TCP header (RFC 9293, section 3.1).
    pub(super) fn tcp(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Transmission Control Protocol", "tcp", span);
        let ports = header(&mut layer);
        let header_length = layer.byte(12).map(|byte| usize::from(byte >> 4) * 4);
        let found = checksum::of_transport(&layer, span, self.addresses, 6, 16);
        let words = ["Checksum", "tcp.checksum", "Checksum Status", "tcp.checksum.status"];
        checksum::add(&mut layer, words, 16, found);
        let urgent = layer.number_16("Urgent Pointer", "tcp.urgent_pointer", 18);
        tcp_options::add(&mut layer, header_length.unwrap_or(20).min(span.wire));
        if let Some((source, destination)) = ports {
            layer.title(format!("Src Port: {source}, Dst Port: {destination}"));
            self.say("TCP", format!("{source} → {destination}"));
        }
        let length = header_length.unwrap_or(20).max(20);
        let (field, rest) = layer.end(length.min(span.wire));
        self.push(field);
        match (header_length, urgent) {
            (Some(length), Some(_)) if length < 20 || length > span.wire => Err(Stop::Malformed("TCP")),
            (Some(length), Some(_)) if length > span.captured => Err(Stop::Cut("TCP options")),
            (Some(_), Some(_)) => Ok((Next::Payload("TCP payload", "tcp.payload"), rest)),
            _ if span.wire < 20 => Err(Stop::Malformed("TCP")),
            _ => Err(Stop::Cut("TCP")),
        }
    }
}

/// The fields up to the window; gives the ports.
fn header(layer: &mut Layer<'_>) -> Option<(u16, u16)> {
    let source = layer.number_16("Source Port", "tcp.srcport", 0)?;
    let destination = layer.number_16("Destination Port", "tcp.dstport", 2)?;
    let ports = Some((source, destination));
    layer.number_32("Sequence Number (raw)", "tcp.seq_raw", 4)?;
    layer.number_32("Acknowledgment number (raw)", "tcp.ack_raw", 8).and_then(|_| {
        let length = layer.byte(12)? >> 4;
        let value = format!("{} bytes ({length})", u32::from(length) * 4);
        layer.text("Header Length", "tcp.hdr_len", 12, 1, value);
        flags(layer)?;
        layer.number_16("Window", "tcp.window_size_value", 14)
    });
    ports
}

fn flags(layer: &mut Layer<'_>) -> Option<()> {
    let bits = layer.u16(12)? & 0x0fff;
    let names = Flags(bits).names();
    let names = if names.is_empty() { "None".to_owned() } else { names.join(", ") };
    layer.text("Flags", "tcp.flags", 12, 2, format!("0x{bits:03x} ({names})"));
    layer.beneath("Reserved", "tcp.flags.res", 12, 1, set(bits & 0xe00 != 0));
    for (name, filter, bit, at) in CONTROL_BITS {
        layer.beneath(name, filter, at, 1, set(bits & bit != 0));
    }
    Some(())
}

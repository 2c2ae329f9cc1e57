//! UDP (RFC 768).

use super::layer::Span;
use super::{Checksum, Dissector, Next, Step, checksum};
use crate::decode::Stop;

/// The ports of DNS and of multicast DNS, whose messages have the same form.
const DNS_PORTS: [u16; 2] = [53, 5353];

impl Dissector<'_> {
    /// A UDP header.
    pub(super) fn udp(&mut self, span: Span) -> Step {
        let mut layer = self.layer("User Datagram Protocol", "udp", span);
        let source = layer.number_16("Source Port", "udp.srcport", 0);
        let destination = layer.number_16("Destination Port", "udp.dstport", 2);
        let length = layer.number_16("Length", "udp.length", 4);
        // 0: jumbograms (RFC 2675, section 4) and segmentation offload.
        let datagram = match length.map(usize::from) {
            None | Some(0) => span,
            Some(length) => span.of_length(length.min(span.wire)),
        };
        let found = match (layer.u16(6), self.addresses) {
            (Some(0), Some((address, _))) if address.is_ipv4() => Checksum::Absent,
            _ => {
                let covered = self.layer("", "", datagram);
                checksum::of_transport(&covered, datagram, self.addresses, 17, 6)
            }
        };
        checksum::add(
            &mut layer,
            ["Checksum", "udp.checksum", "Checksum Status", "udp.checksum.status"],
            6,
            found,
        );
        if let (Some(source), Some(destination)) = (source, destination) {
            layer.title(format!("Src Port: {source}, Dst Port: {destination}"));
            let bytes = datagram.wire.saturating_sub(8);
            self.say("UDP", format!("{source} → {destination} Len={bytes}"));
        }
        let complete = layer.u16(6).is_some();
        let (field, _) = layer.end(8.min(span.wire));
        self.push(field);
        match (source, destination, length) {
            (Some(source), Some(destination), Some(length)) if complete => {
                if (1..8).contains(&length) {
                    return Err(Stop::Malformed("UDP"));
                }
                Ok(self.in_udp(source, destination, datagram.skip(8)))
            }
            _ if span.wire < 8 => Err(Stop::Malformed("UDP")),
            _ => Err(Stop::Cut("UDP")),
        }
    }

    fn in_udp(&mut self, source: u16, destination: u16, payload: Span) -> (Next, Span) {
        if let Some(step) = self.tunnel_in_udp(destination, payload) {
            return step;
        }
        let dns = [source, destination].iter().any(|port| DNS_PORTS.contains(port));
        if dns && payload.captured >= 12 {
            return (Next::Dns, payload);
        }
        (Next::Payload("UDP payload", "udp.payload"), payload)
    }
}

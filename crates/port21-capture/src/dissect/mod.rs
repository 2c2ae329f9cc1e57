//! Takes a packet apart, field by field, for people who want to see what stands where.
//!
//! Takes the bytes of a packet, gives a tree of fields, each with its place in those bytes. Judges nothing: what could be
//! read is returned together with where reading stopped. [`crate::decode`] is the fast path; this is the faithful one.
//!
//! ```text
//! link type ─▶ [Next] ─▶ one layer becomes a [Field] ─▶ [Next] ─▶ ... ─▶ payload ─▶ padding
//! ```

mod arp;
mod checksum;
mod dns;
mod field;
mod icmp;
mod ipv4;
mod ipv6;
mod layer;
mod link;
mod names;
mod ppp;
mod tcp;
mod tcp_options;
mod tunnel;
mod udp;
mod wireless;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::decode::Stop;
use crate::packet::{LinkType, Packet};

pub use checksum::Checksum;
pub use field::{Field, Layers};
use layer::{Layer, Span};

/// How many headers one packet may have, each VLAN tag and IPv6 extension header counted.
const MAX_LAYERS: usize = 64;

/// What a packet list says of a packet, in Wireshark's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Columns {
    /// Sender: an IP address, or the address of the link layer where there is no IP; empty where there is neither.
    pub source: String,
    /// Receiver.
    pub destination: String,
    /// The innermost protocol that was read ("ARP", "ICMP", "DNS").
    pub protocol: String,
    /// What it says, in one line. Text that stands in the packet is not escaped.
    pub info: String,
}

/// A packet, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dissection {
    /// The layers from outside in, then the payload, then what lies behind it. Layers do not overlap.
    pub layers: Vec<Field>,
    /// Why reading ended before the payload; `None` where nothing was wrong.
    pub stopped: Option<Stop>,
    /// One line about it.
    pub columns: Columns,
    /// Whether the packet is a fragment of an IP datagram: what it carries is not read.
    pub fragment: bool,
}

/// Takes a packet apart.
pub fn dissect(packet: &Packet<'_>) -> Dissection {
    let wire = packet.data.len().max(packet.original_length as usize);
    let span = Span { start: 0, captured: packet.data.len(), wire };
    Dissector::new(packet.data).run(Next::Link(packet.link_type), span)
}

/// Takes apart what an IP datagram carries that was put together from fragments: `protocol` is its IP protocol number,
/// offsets count from the start of `data`.
pub fn dissect_datagram(protocol: u8, addresses: Option<(IpAddr, IpAddr)>, data: &[u8]) -> Dissection {
    let span = Span { start: 0, captured: data.len(), wire: data.len() };
    let mut dissector = Dissector::new(data);
    if let Some((source, destination)) = addresses {
        dissector.meet(source, destination);
    }
    dissector.run(Next::Protocol(protocol), span)
}

/// What to read next.
#[derive(Debug, Clone, Copy)]
enum Next {
    Link(LinkType),
    Ethernet,
    /// What an EtherType names, which may also be a length.
    EtherType(u16),
    LogicalLink,
    Ppp,
    Wireless,
    /// IPv4 or IPv6, whichever its first nibble says.
    Ip,
    Ipv4,
    Ipv6,
    /// What an IP protocol number names.
    Protocol(u8),
    Dns,
    /// Bytes that are not taken apart: name and filter name.
    Payload(&'static str, &'static str),
}

/// What a layer says of what follows it.
type Step = Result<(Next, Span), Stop>;

struct Dissector<'a> {
    data: &'a [u8],
    result: Dissection,
    /// Addresses of the innermost IP header.
    addresses: Option<(IpAddr, IpAddr)>,
    /// Where what the headers describe ends: behind it is padding.
    end: usize,
}

impl<'a> Dissector<'a> {
    fn new(data: &'a [u8]) -> Dissector<'a> {
        Dissector { data, result: Dissection::default(), addresses: None, end: 0 }
    }

    fn run(mut self, first: Next, whole: Span) -> Dissection {
        let (mut next, mut span) = (first, whole);
        for _ in 0..MAX_LAYERS {
            self.end = span.end();
            if let Next::Payload(name, filter) = next {
                self.payload(name, filter, span);
                return self.finish(whole);
            }
            match self.read(next, span) {
                Ok((after, rest)) => (next, span) = (after, rest),
                Err(stop) => {
                    self.result.stopped = Some(stop);
                    self.say_stop(stop);
                    let read = self.result.layers.iter().map(Field::end).max().unwrap_or(span.start);
                    let rest = span.skip(read.saturating_sub(span.start));
                    self.payload("Data", "data.data", rest);
                    return self.finish(whole);
                }
            }
        }
        self.result.stopped = Some(Stop::Unsupported("so many nested headers"));
        self.payload("Data", "data.data", span);
        self.finish(whole)
    }

    fn read(&mut self, next: Next, span: Span) -> Step {
        match next {
            Next::Link(link_type) => self.link(link_type, span),
            Next::Ethernet => self.ethernet(span),
            Next::EtherType(number) => self.ether_type(number, span),
            Next::LogicalLink => self.logical_link(span),
            Next::Ppp => self.ppp(span),
            Next::Wireless => self.wireless(span),
            Next::Ip => self.ip(span),
            Next::Ipv4 => self.ipv4(span),
            Next::Ipv6 => self.ipv6(span),
            Next::Protocol(number) => self.protocol(number, span),
            Next::Dns => self.dns(span),
            Next::Payload(..) => Ok((next, span)),
        }
    }

    /// What an IP protocol number names, as [`crate::decode`] has it.
    fn protocol(&mut self, number: u8, span: Span) -> Step {
        let version_6 = matches!(self.addresses, Some((IpAddr::V6(_), _)));
        match number {
            6 => self.tcp(span),
            17 => self.udp(span),
            1 if !version_6 => self.icmp(span),
            58 if version_6 => self.icmp_version_6(span),
            0 | 43 | 60 | 135 | 139 | 140 if version_6 => self.extension(number, span),
            44 if version_6 => self.fragment_header(span),
            51 => self.authentication_header(span),
            4 => self.ipv4(span),
            41 => self.ipv6(span),
            47 => self.gre(span),
            97 => self.ether_ip(span),
            137 => self.mpls(span),
            other => {
                self.say(&names::ip_protocol(other), format!("IP protocol {other}"));
                Ok((Next::Payload("Data", "data.data"), span))
            }
        }
    }

    /// A layer that begins at the start of `span`.
    fn layer(&self, name: &'static str, filter: &'static str, span: Span) -> Layer<'a> {
        Layer::new(self.data, span, name, filter)
    }

    fn push(&mut self, field: Field) {
        self.result.layers.push(field);
    }

    /// The addresses of an IP header.
    fn meet(&mut self, source: IpAddr, destination: IpAddr) {
        self.addresses = Some((source, destination));
        self.result.columns.source = source.to_string();
        self.result.columns.destination = destination.to_string();
    }

    fn say(&mut self, protocol: &str, info: String) {
        self.result.columns.protocol = protocol.to_owned();
        self.result.columns.info = info;
    }

    /// That reading ended early, behind what was said before.
    fn say_stop(&mut self, stop: Stop) {
        let info = &mut self.result.columns.info;
        // An unknown link type was told already.
        if matches!(stop, Stop::UnknownLinkType(_)) {
            return;
        }
        *info = if info.is_empty() { format!("[{stop}]") } else { format!("{info} [{stop}]") };
    }

    fn payload(&mut self, name: &'static str, filter: &'static str, span: Span) {
        if span.wire == 0 {
            return;
        }
        let unit = if span.wire == 1 { "byte" } else { "bytes" };
        let value = match span.wire - span.captured.min(span.wire) {
            0 => format!("{} {unit}", span.wire),
            missing => format!("{} {unit}, of which the capture misses the last {missing}", span.wire),
        };
        self.push(Field { value, ..Field::new(name, filter, span.start, span.captured) });
    }

    /// What lies behind the end that the headers state: padding, or a trailer.
    fn finish(mut self, whole: Span) -> Dissection {
        let read = self.result.layers.iter().map(Field::end).max().unwrap_or(0).max(self.end);
        let behind = whole.skip(read.saturating_sub(whole.start));
        if behind.captured > 0 {
            self.payload("Padding and trailer of the link layer", "eth.trailer", behind);
        }
        self.result
    }
}

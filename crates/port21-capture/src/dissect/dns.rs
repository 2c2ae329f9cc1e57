//! DNS messages (RFC 1035): header, questions and records, with names followed through compression.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::field::Field;
use super::layer::{Layer, Span};
use super::{Dissector, Next, Step};
use crate::decode::Stop;

/// Labels followed in one name: the longest has 127 (RFC 1035, section 3.1), and pointers may go round in a circle.
const MAX_LABELS: usize = 128;
/// Records shown of one message.
const MAX_RECORDS: usize = 256;

impl Dissector<'_> {
    /// A DNS message in a datagram.
    pub(super) fn dns(&mut self, span: Span) -> Step {
        let mut layer = self.layer("Domain Name System", "dns", span);
        let (Some(id), Some(flags)) = (layer.u16(0), layer.u16(2)) else { return Err(Stop::Cut("DNS")) };
        let response = flags & 0x8000 != 0;
        layer.title(if response { "response" } else { "query" });
        layer.hex_16("Transaction ID", "dns.id", 0);
        let (operation, outcome) = (operation(flags >> 11 & 15), outcome(flags & 15));
        let value = match response {
            true => format!("0x{flags:04x} {operation} response, {outcome}"),
            false => format!("0x{flags:04x} {operation}"),
        };
        layer.text("Flags", "dns.flags", 2, 2, value);
        let counts = [
            layer.number_16("Questions", "dns.count.queries", 4),
            layer.number_16("Answer RRs", "dns.count.answers", 6),
            layer.number_16("Authority RRs", "dns.count.auth_rr", 8),
            layer.number_16("Additional RRs", "dns.count.add_rr", 10),
        ];
        let [questions, answers, authority, additional] = counts.map(|count| usize::from(count.unwrap_or(0)));
        let mut at = 12;
        let mut info = format!("{operation}{} 0x{id:04x}", if response { " response" } else { "" });
        if response && flags & 15 != 0 {
            let _ = write!(info, " {outcome}");
        }
        let questions = (0..questions.min(MAX_RECORDS)).map_while(|_| question(&layer, &mut at)).collect();
        group(&mut layer, "Queries", questions, &mut info, true);
        for (name, count) in [
            ("Answers", answers),
            ("Authoritative nameservers", authority),
            ("Additional records", additional),
        ] {
            let found = (0..count.min(MAX_RECORDS)).map_while(|_| record(&layer, &mut at)).collect();
            group(&mut layer, name, found, &mut info, name == "Answers");
        }
        let (field, rest) = layer.end(at.min(span.captured));
        self.push(field);
        self.say(if id == 0 && self.is_multicast() { "MDNS" } else { "DNS" }, info);
        if rest.wire > rest.captured {
            return Err(Stop::Cut("DNS"));
        }
        Ok((Next::Payload("Data", "data.data"), rest))
    }

    fn is_multicast(&self) -> bool {
        self.addresses.is_some_and(|(_, destination)| destination.is_multicast())
    }
}

/// Adds records as one field, and what they say to the line about the message.
fn group(layer: &mut Layer<'_>, name: &'static str, found: Vec<Field>, info: &mut String, tell: bool) {
    let (Some(first), Some(last)) = (found.first(), found.last()) else { return };
    let mut all = Field::new(name, "", first.offset, last.end().saturating_sub(first.offset));
    if tell {
        for field in &found {
            let (kind, data) = field.value.split_once(' ').unwrap_or((&field.value, ""));
            let _ = match name {
                "Queries" => write!(info, " {kind} {}", owner(field)),
                _ => write!(info, " {kind} {data}"),
            };
        }
    }
    all.value = found.len().to_string();
    all.children = found;
    layer.add(all);
}

fn owner(field: &Field) -> &str {
    field.children.first().map_or("", |name| &name.value)
}

/// A question at `at`, which is moved behind it. Its value is the type.
fn question(layer: &Layer<'_>, at: &mut usize) -> Option<Field> {
    let start = *at;
    let (name, after) = name(layer, start)?;
    let kind = layer.u16(after)?;
    let class = layer.u16(after + 2)?;
    let base = layer.start();
    let mut field = Field::new("Query", "", base + start, after + 4 - start);
    field.value = type_name(kind);
    field.children = vec![
        part("Name", "dns.qry.name", base + start, after - start, name),
        part("Type", "dns.qry.type", base + after, 2, format!("{} ({kind})", type_name(kind))),
        part("Class", "dns.qry.class", base + after + 2, 2, format!("0x{class:04x}")),
    ];
    *at = after + 4;
    Some(field)
}

/// A record at `at`, which is moved behind it. Its value is the type and what it says.
fn record(layer: &Layer<'_>, at: &mut usize) -> Option<Field> {
    let start = *at;
    let (name, after) = name(layer, start)?;
    let (kind, class) = (layer.u16(after)?, layer.u16(after + 2)?);
    let (life, length) = (layer.u32(after + 4)?, usize::from(layer.u16(after + 8)?));
    let data = after + 10;
    layer.bytes().get(data..data + length)?;
    let text = record_data(layer, kind, data, length);
    let base = layer.start();
    let mut field = Field::new("Record", "", base + start, data + length - start);
    field.value = format!("{} {text}", type_name(kind));
    field.children = vec![
        part("Name", "dns.resp.name", base + start, after - start, name),
        part("Type", "dns.resp.type", base + after, 2, format!("{} ({kind})", type_name(kind))),
        part("Class", "dns.resp.class", base + after + 2, 2, format!("0x{class:04x}")),
        part("Time to live", "dns.resp.ttl", base + after + 4, 4, format!("{life} s")),
        part("Data length", "dns.resp.len", base + after + 8, 2, length.to_string()),
        part("Data", "", base + data, length, text),
    ];
    *at = data + length;
    Some(field)
}

fn part(name: &'static str, filter: &'static str, offset: usize, length: usize, value: String) -> Field {
    Field { value, ..Field::new(name, filter, offset, length) }
}

fn record_data(layer: &Layer<'_>, kind: u16, at: usize, length: usize) -> String {
    let told = match (kind, length) {
        (1, 4) => layer.array::<4>(at).map(|bytes| Ipv4Addr::from(bytes).to_string()),
        (28, 16) => layer.array::<16>(at).map(|bytes| Ipv6Addr::from(bytes).to_string()),
        (2 | 5 | 6 | 12, _) => name(layer, at).map(|(name, _)| name),
        (15, 3..) => name(layer, at + 2).map(|(name, _)| format!("{} {name}", layer.u16(at).unwrap_or(0))),
        _ => None,
    };
    told.unwrap_or_else(|| format!("{length} bytes"))
}

/// The name at `at`, and where it ends (RFC 1035, sections 3.1 and 4.1.4).
fn name(layer: &Layer<'_>, at: usize) -> Option<(String, usize)> {
    let (mut place, mut end) = (at, None);
    let mut text = String::new();
    for _ in 0..MAX_LABELS {
        let length = layer.byte(place)?;
        match length {
            0 => {
                let text = if text.is_empty() { "<Root>".to_owned() } else { text };
                return Some((text, end.unwrap_or(place + 1)));
            }
            1..=63 => {
                let label = layer.bytes().get(place + 1..place + 1 + usize::from(length))?;
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&String::from_utf8_lossy(label));
                place += 1 + usize::from(length);
            }
            0xc0.. => {
                end = end.or(Some(place + 2));
                place = usize::from(layer.u16(place)? & 0x3fff);
            }
            _ => return None,
        }
    }
    None
}

fn operation(number: u16) -> &'static str {
    match number {
        0 => "Standard query",
        1 => "Inverse query",
        2 => "Server status request",
        4 => "Zone change notification",
        5 => "Dynamic update",
        _ => "Unknown operation",
    }
}

fn outcome(number: u16) -> &'static str {
    match number {
        0 => "No error",
        1 => "Format error",
        2 => "Server failure",
        3 => "No such name",
        4 => "Not implemented",
        5 => "Refused",
        _ => "Unknown error",
    }
}

fn type_name(number: u16) -> String {
    match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        41 => "OPT",
        43 => "DS",
        46 => "RRSIG",
        47 => "NSEC",
        48 => "DNSKEY",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        other => return format!("TYPE{other}"),
    }
    .to_owned()
}

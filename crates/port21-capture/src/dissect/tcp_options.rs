//! TCP options (RFC 9293, section 3.2, and those that name theirs).

use super::field::Field;
use super::layer::Layer;

/// Adds the options, which begin at byte 20 and end with the header.
pub(super) fn add(layer: &mut Layer<'_>, header_length: usize) {
    let end = header_length.min(layer.bytes().len());
    if end <= 20 {
        return;
    }
    let mut names = Vec::new();
    let mut options = Vec::new();
    let mut at = 20;
    while at < end {
        let Some((field, ends)) = option(layer, at, end) else { break };
        at = at.saturating_add(field.length.max(1));
        names.push(field.name.trim_start_matches("TCP Option - "));
        options.push(field);
        if ends {
            break;
        }
    }
    let value = format!("({} bytes), {}", header_length - 20, names.join(", "));
    if let Some(all) = layer.text("Options", "tcp.options", 20, end - 20, value) {
        all.children = options;
    }
}

/// The option at `at`, and whether it is the last.
fn option(layer: &Layer<'_>, at: usize, end: usize) -> Option<(Field, bool)> {
    let kind = layer.byte(at)?;
    let name = name(kind);
    let base = layer_offset(layer, at);
    let kind_field = part("Kind", "tcp.option_kind", base, 1, format!("{} ({kind})", short_name(kind)));
    if kind < 2 {
        let mut field = Field::new(name, "tcp.option", base, 1);
        field.children.push(kind_field);
        return Some((field, kind == 0));
    }
    let stated = layer.byte(at + 1).filter(|_| at + 1 < end).map(usize::from);
    let there = end - at;
    let Some(length) = stated.filter(|length| (2..=there).contains(length)) else {
        // It contradicts itself: what follows cannot be told apart.
        let value = match stated {
            Some(length) => format!("its length says {length}, of {there} bytes that are left"),
            None => "its length is missing".to_owned(),
        };
        let mut field = part(name, "tcp.option", base, there, value);
        field.children.push(kind_field);
        return Some((field, true));
    };
    let value = layer.bytes().get(at + 2..at + length)?;
    let mut field = part(name, "tcp.option", base, length, summary(kind, value));
    field.children.push(kind_field);
    field.children.push(part("Length", "tcp.option_len", base + 1, 1, length.to_string()));
    field.children.extend(values(kind, value, base + 2));
    Some((field, false))
}

fn layer_offset(layer: &Layer<'_>, at: usize) -> usize {
    layer.start().saturating_add(at)
}

fn part(name: &'static str, filter: &'static str, offset: usize, length: usize, value: String) -> Field {
    Field { value, ..Field::new(name, filter, offset, length) }
}

fn u16_of(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn u32_of(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

fn summary(kind: u8, value: &[u8]) -> String {
    match (kind, value) {
        (2, [_, _]) => format!("{} bytes", u16_of(value).unwrap_or(0)),
        (3, [shift]) => format!("{shift} (multiply by {})", multiplier(*shift)),
        (5, _) => {
            let edges = value.chunks_exact(8).map(|block| {
                let (left, right) = (u32_of(block), block.get(4..).and_then(u32_of));
                format!("{}-{}", left.unwrap_or(0), right.unwrap_or(0))
            });
            format!("{} (raw)", edges.collect::<Vec<_>>().join(" "))
        }
        (8, [_, _, _, _, echo @ ..]) if echo.len() == 4 => {
            format!("TSval {}, TSecr {}", u32_of(value).unwrap_or(0), u32_of(echo).unwrap_or(0))
        }
        (4, []) => String::new(),
        _ => format!("{} bytes", value.len() + 2),
    }
}

/// What the window is multiplied by: shifts above 14 count as 14 (RFC 7323, section 2.3).
fn multiplier(shift: u8) -> u32 {
    1 << shift.min(14)
}

fn values(kind: u8, value: &[u8], at: usize) -> Vec<Field> {
    match (kind, value) {
        (2, [_, _]) => {
            let size = u16_of(value).unwrap_or(0).to_string();
            vec![part("MSS Value", "tcp.options.mss_val", at, 2, size)]
        }
        (3, [shift]) => vec![
            part("Shift count", "tcp.options.wscale.shift", at, 1, shift.to_string()),
            part("Multiplier", "tcp.options.wscale.multiplier", at, 1, multiplier(*shift).to_string()),
        ],
        (5, _) => {
            let edge = |index: usize, bytes: &[u8]| {
                let (name, filter) = match index % 2 {
                    0 => ("left edge (raw)", "tcp.options.sack_le"),
                    _ => ("right edge (raw)", "tcp.options.sack_re"),
                };
                part(name, filter, at + index * 4, 4, u32_of(bytes).unwrap_or(0).to_string())
            };
            value.chunks_exact(4).enumerate().map(|(index, bytes)| edge(index, bytes)).collect()
        }
        (8, [_, _, _, _, echo @ ..]) if echo.len() == 4 => {
            let (sent, echo) = (u32_of(value).unwrap_or(0), u32_of(echo).unwrap_or(0));
            vec![
                part("Timestamp value", "tcp.options.timestamp.tsval", at, 4, sent.to_string()),
                part("Timestamp echo reply", "tcp.options.timestamp.tsecr", at + 4, 4, echo.to_string()),
            ]
        }
        (_, []) => Vec::new(),
        _ => vec![part("Value", "", at, value.len(), format!("{} bytes", value.len()))],
    }
}

/// Names of <https://www.iana.org/assignments/tcp-parameters>, as Wireshark writes them.
fn name(kind: u8) -> &'static str {
    match kind {
        0 => "TCP Option - End of Option List (EOL)",
        1 => "TCP Option - No-Operation (NOP)",
        2 => "TCP Option - Maximum segment size",
        3 => "TCP Option - Window scale",
        4 => "TCP Option - SACK permitted",
        5 => "TCP Option - SACK",
        6 => "TCP Option - Echo",
        7 => "TCP Option - Echo reply",
        8 => "TCP Option - Timestamps",
        14 => "TCP Option - Alternate checksum request",
        19 => "TCP Option - TCP MD5 signature",
        28 => "TCP Option - User timeout",
        29 => "TCP Option - TCP Authentication Option",
        30 => "TCP Option - Multipath TCP",
        34 => "TCP Option - TCP Fast Open",
        253 | 254 => "TCP Option - Experimental",
        _ => "TCP Option - Unknown",
    }
}

fn short_name(kind: u8) -> &'static str {
    name(kind).trim_start_matches("TCP Option - ")
}

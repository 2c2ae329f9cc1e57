//! The Internet checksum (RFC 1071).

use std::net::IpAddr;

use super::layer::{Layer, Span};

/// What a checksum says of the bytes that it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// It fits the bytes.
    Correct,
    /// It does not; the right one.
    Incorrect(u16),
    /// It holds the sum of the pseudo-header alone: the host left the rest to its network card. The right one.
    Offloaded(u16),
    /// The sender left it out (UDP over IPv4, RFC 768).
    Absent,
    /// It cannot be verified, because the capture does not hold all that it covers.
    Unverified,
}

impl Checksum {
    /// Wireshark's word for it in fields such as `tcp.checksum.status`.
    pub fn status(self) -> &'static str {
        match self {
            Checksum::Correct => "Good",
            Checksum::Incorrect(_) | Checksum::Offloaded(_) => "Bad",
            Checksum::Absent => "Not present",
            Checksum::Unverified => "Unverified",
        }
    }

    fn remark(self) -> String {
        match self {
            Checksum::Correct => "[correct]".into(),
            Checksum::Incorrect(right) => format!("[incorrect, should be 0x{right:04x}]"),
            Checksum::Offloaded(right) => {
                format!("[only of the pseudo-header: left to the network card; should be 0x{right:04x}]")
            }
            Checksum::Absent => "[not used]".into(),
            Checksum::Unverified => "[unverified: the packet is not whole]".into(),
        }
    }
}

/// The one's complement sum of 16-bit words, an odd last byte padded with zero, folded to 16 bits.
pub(super) fn sum(parts: &[&[u8]]) -> u16 {
    let mut total: u64 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            total += u64::from(match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                [high] => u16::from_be_bytes([*high, 0]),
                _ => 0,
            });
        }
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
}

/// Judges the checksum `stated` at `at` in `bytes`, which the capture holds whole. `before` is the pseudo-header.
pub(super) fn verify(before: &[u8], bytes: &[u8], at: usize, stated: u16) -> Checksum {
    let (head, tail) = (bytes.get(..at).unwrap_or_default(), bytes.get(at + 2..).unwrap_or_default());
    // `at` is even in every header, so the parts keep their alignment.
    let right = !sum(&[before, head, tail]);
    // Both zeros of one's complement arithmetic mean the same.
    match stated {
        _ if stated == right || (stated == 0xffff && right == 0) => Checksum::Correct,
        _ if !before.is_empty() && stated == sum(&[before]) => Checksum::Offloaded(right),
        _ => Checksum::Incorrect(right),
    }
}

/// The pseudo-header of TCP, UDP and ICMPv6 (RFC 9293, section 3.1; RFC 8200, section 8.1).
pub(super) fn pseudo_header(addresses: (IpAddr, IpAddr), protocol: u8, length: usize) -> Option<Vec<u8>> {
    match addresses {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let length = u16::try_from(length).ok()?.to_be_bytes();
            Some([&source.octets()[..], &destination.octets(), &[0, protocol], &length].concat())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let length = u32::try_from(length).ok()?.to_be_bytes();
            Some([&source.octets()[..], &destination.octets(), &length, &[0, 0, 0, protocol]].concat())
        }
        _ => None,
    }
}

/// Judges the checksum of a transport header of which the capture may miss the end.
pub(super) fn of_transport(
    layer: &Layer<'_>,
    span: Span,
    addresses: Option<(IpAddr, IpAddr)>,
    protocol: u8,
    at: usize,
) -> Checksum {
    let verified = || {
        let stated = layer.u16(at)?;
        if span.captured < span.wire {
            return None;
        }
        let pseudo = pseudo_header(addresses?, protocol, span.wire)?;
        Some(verify(&pseudo, layer.bytes(), at, stated))
    };
    verified().unwrap_or(Checksum::Unverified)
}

/// Adds the fields of a checksum.
pub(super) fn add(
    layer: &mut Layer<'_>,
    [name, filter, status_name, status_filter]: [&'static str; 4],
    at: usize,
    found: Checksum,
) {
    if let Some(stated) = layer.u16(at) {
        layer.text(name, filter, at, 2, format!("0x{stated:04x} {}", found.remark()));
        layer.text(status_name, status_filter, at, 0, found.status());
    }
}

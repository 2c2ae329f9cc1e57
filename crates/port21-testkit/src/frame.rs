//! Ethernet frames with correct lengths and checksums.

use std::net::{IpAddr, SocketAddr};

/// TCP's control bits as they stand in the header (RFC 9293, section 3.1).
pub mod flag {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgment field means something.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer means something.
    pub const URG: u8 = 0x20;
}

const TCP: u8 = 6;
const UDP: u8 = 17;

/// The fields of a TCP header that a conversation decides.
pub struct TcpHeader {
    /// Raw sequence number.
    pub sequence: u32,
    /// Raw acknowledgment number.
    pub acknowledgement: u32,
    /// Control bits, of [`flag`].
    pub flags: u8,
    /// Receive window, unscaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent_pointer: u16,
    /// Options, in whole 32-bit words.
    pub options: Vec<u8>,
}

/// Where a frame comes from and goes to, below TCP and UDP.
pub struct Envelope<'a> {
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// 802.1Q VLAN identifiers, outermost first.
    pub vlans: &'a [u16],
    /// IPv4 identification.
    pub identification: u16,
    /// Pad to the 60 bytes that Ethernet demands (without its checksum).
    pub padded: bool,
}

impl Envelope<'_> {
    /// A TCP segment in its frame.
    pub fn tcp(&self, header: &TcpHeader, payload: &[u8]) -> Vec<u8> {
        assert!(header.options.len().is_multiple_of(4), "TCP options come in 32-bit words");
        let mut segment = Vec::with_capacity(20 + header.options.len() + payload.len());
        segment.extend(self.source.port().to_be_bytes());
        segment.extend(self.destination.port().to_be_bytes());
        segment.extend(header.sequence.to_be_bytes());
        segment.extend(header.acknowledgement.to_be_bytes());
        segment.push((((20 + header.options.len()) / 4) << 4) as u8);
        segment.push(header.flags);
        segment.extend(header.window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(header.urgent_pointer.to_be_bytes());
        segment.extend(&header.options);
        segment.extend(payload);
        let checksum = self.checksum(TCP, &segment);
        segment[16..18].copy_from_slice(&checksum.to_be_bytes());
        self.frame(TCP, &segment)
    }

    /// A UDP datagram in its frame.
    pub fn udp(&self, payload: &[u8]) -> Vec<u8> {
        let mut datagram = Vec::with_capacity(8 + payload.len());
        datagram.extend(self.source.port().to_be_bytes());
        datagram.extend(self.destination.port().to_be_bytes());
        datagram.extend((8 + payload.len() as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        let checksum = self.checksum(UDP, &datagram);
        datagram[6..8].copy_from_slice(&checksum.to_be_bytes());
        self.frame(UDP, &datagram)
    }

    /// Of the pseudo header and the segment (RFC 9293, section 3.1; RFC 8200, section 8.1).
    fn checksum(&self, protocol: u8, segment: &[u8]) -> u16 {
        let mut covered = Vec::with_capacity(40 + segment.len());
        for address in [self.source.ip(), self.destination.ip()] {
            match address {
                IpAddr::V4(address) => covered.extend(address.octets()),
                IpAddr::V6(address) => covered.extend(address.octets()),
            }
        }
        covered.extend((segment.len() as u32).to_be_bytes());
        covered.extend([0, 0, 0, protocol]);
        covered.extend(segment);
        ones_complement(&covered)
    }

    fn frame(&self, protocol: u8, body: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(58 + body.len());
        frame.extend(hardware_address(self.destination.ip()));
        frame.extend(hardware_address(self.source.ip()));
        for vlan in self.vlans {
            frame.extend([0x81, 0x00]);
            frame.extend(vlan.to_be_bytes());
        }
        match (self.source.ip(), self.destination.ip()) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                frame.extend([0x08, 0x00]);
                let mut header = vec![0x45, 0];
                header.extend((20 + body.len() as u16).to_be_bytes());
                header.extend(self.identification.to_be_bytes());
                header.extend([0x40, 0, 64, protocol, 0, 0]);
                header.extend(source.octets());
                header.extend(destination.octets());
                let checksum = ones_complement(&header);
                header[10..12].copy_from_slice(&checksum.to_be_bytes());
                frame.extend(header);
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
                frame.extend((body.len() as u16).to_be_bytes());
                frame.extend([protocol, 64]);
                frame.extend(source.octets());
                frame.extend(destination.octets());
            }
            _ => panic!("{} and {} are not of one family", self.source, self.destination),
        }
        frame.extend(body);
        if self.padded && frame.len() < 60 {
            frame.resize(60, 0);
        }
        frame
    }
}

/// Locally administered, made from the last four bytes of the address.
fn hardware_address(address: IpAddr) -> [u8; 6] {
    let tail = match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => address.octets()[12..].try_into().unwrap(),
    };
    [0x02, 0, tail[0], tail[1], tail[2], tail[3]]
}

/// The Internet checksum (RFC 1071).
fn ones_complement(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(source: &str, destination: &str) -> Envelope<'static> {
        Envelope {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            vlans: &[],
            identification: 1,
            padded: true,
        }
    }

    fn header() -> TcpHeader {
        TcpHeader {
            sequence: 1,
            acknowledgement: 0,
            flags: flag::SYN,
            window: 1024,
            urgent_pointer: 0,
            options: vec![],
        }
    }

    #[test]
    fn checksum_of_rfc_1071_section_3() {
        assert_eq!(ones_complement(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn short_frame_is_padded_behind_its_ip_packet() {
        let frame = envelope("10.0.0.1:1", "10.0.0.2:2").tcp(&header(), b"abc");
        assert_eq!(frame.len(), 60);
        assert_eq!(frame[16..18], [0, 43]);
    }

    #[test]
    fn a_correct_checksum_makes_the_sum_of_the_segment_zero() {
        let envelope = envelope("[fd00::1]:1", "[fd00::2]:2");
        let frame = envelope.tcp(&header(), b"odd");
        assert_eq!(envelope.checksum(TCP, &frame[54..]), 0);
    }
}

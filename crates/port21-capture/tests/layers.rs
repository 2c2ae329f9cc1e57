//! Every link layer, tag and tunnel that is decoded, around the same TCP segment, written down byte by byte.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use port21_capture::{Decoder, LinkType, Packet, Timestamp, Transport};

/// IPv4 and TCP from 10.0.0.1:21 to 10.0.0.2:4000, with 6 bytes of payload.
const IP: &[u8] = b"\x45\0\0\x2e\0\x07\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\
    \0\x15\x0f\xa0\0\0\0\x01\0\0\0\x02\x50\x18\x10\0\0\0\0\x00220 hi";
const PAYLOAD: &[u8] = b"220 hi";
/// Destination and source of an Ethernet frame.
const ENDS: &[u8] = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01";

/// Innermost addresses, port of the source, payload and its length on the wire; `None` if there is no TCP segment.
fn segment(link_type: LinkType, data: &[u8]) -> Option<(String, u16, Vec<u8>, u32)> {
    let original_length = data.len() as u32;
    let packet = Packet { number: 1, time: Timestamp(0), link_type, original_length, data };
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&packet);
    let Some(Transport::Tcp(segment)) = decoded.transport else { return None };
    let (from, to) = decoded.addresses?;
    Some((format!("{from} {to}"), segment.source_port, segment.payload.to_vec(), segment.payload_length))
}

/// The segment of [`IP`] comes out of these bytes, and nothing of what is around it.
fn holds_the_segment(name: &str, link_type: LinkType, data: &[u8]) {
    let expected = ("10.0.0.1 10.0.0.2".to_string(), 21, PAYLOAD.to_vec(), 6);
    assert_eq!(segment(link_type, data), Some(expected), "{name}");
}

/// [`IP`]'s TCP segment in an IPv6 packet, behind these extension headers, the first of which has number `next`.
fn ipv6(next: u8, extensions: &[u8], payload_length: u16) -> Vec<u8> {
    let addresses = [
        [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
    ];
    let length = payload_length.to_be_bytes();
    [&[0x60, 0, 0, 0][..], &length, &[next, 64], &addresses.concat(), extensions, &IP[20..]].concat()
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [ENDS, &ether_type.to_be_bytes(), payload].concat()
}

/// An IPv4 header of this protocol in front of `payload`.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len() as u16).to_be_bytes();
    [&[0x45, 0][..], &length, &[0, 1, 0, 0, 64, protocol, 0, 0], &[192, 0, 2, 1, 192, 0, 2, 2], payload]
        .concat()
}

#[test]
fn ethernet_with_up_to_three_tags_and_logical_links() {
    let cases: [(&str, &[u8]); 9] = [
        ("plain", b"\x08\0"),
        ("802.1Q", b"\x81\0\0\x07\x08\0"),
        ("802.1ad, two tags", b"\x88\xa8\0\x64\x81\0\0\x07\x08\0"),
        ("stacked tags before 802.1ad", b"\x91\0\0\x64\x81\0\0\x07\x08\0"),
        ("three tags", b"\x88\xa8\0\x64\x81\0\0\x07\x81\0\0\x09\x08\0"),
        ("SNAP", b"\0\x36\xaa\xaa\x03\0\0\0\x08\0"),
        ("SNAP in a VLAN", b"\x81\0\0\x07\0\x36\xaa\xaa\x03\0\0\0\x08\0"),
        ("IP over 802.2 without SNAP", b"\0\x31\x06\x06\x03"),
        ("PPPoE", b"\x88\x64\x11\0\0\x01\0\x30\0\x21"),
    ];
    for (name, header) in cases {
        holds_the_segment(name, LinkType::ETHERNET, &[ENDS, header, IP].concat());
        holds_the_segment(
            &format!("{name}, padded"),
            LinkType::ETHERNET,
            &[ENDS, header, IP, &[0xee; 9]].concat(),
        );
    }
}

#[test]
fn link_types_other_than_ethernet() {
    let cases: [(&str, LinkType, &[u8]); 21] = [
        ("Linux cooked", LinkType::LINUX_SLL, b"\0\0\0\x01\0\x06\x02\0\0\0\0\x01\0\0\x08\0"),
        (
            "Linux cooked, tagged",
            LinkType::LINUX_SLL,
            b"\0\0\0\x01\0\x06\x02\0\0\0\0\x01\0\0\x81\0\0\x07\x08\0",
        ),
        ("Linux cooked 2", LinkType::LINUX_SLL2, b"\x08\0\0\0\0\0\0\x02\0\x01\0\x06\x02\0\0\0\0\x01\0\0"),
        ("raw", LinkType::RAW, b""),
        ("raw of BSD", LinkType(12), b""),
        ("raw of OpenBSD", LinkType(14), b""),
        ("raw IPv4", LinkType::IPV4, b""),
        ("null, little-endian host", LinkType::NULL, b"\x02\0\0\0"),
        ("null, big-endian host", LinkType::NULL, b"\0\0\0\x02"),
        ("loopback of OpenBSD", LinkType::LOOP, b"\0\0\0\x02"),
        ("PPP", LinkType::PPP, b"\xff\x03\0\x21"),
        ("PPP without address and control", LinkType::PPP, b"\0\x21"),
        ("PPP with a protocol field of one byte", LinkType::PPP, b"\x21"),
        ("PPP in HDLC framing", LinkType::PPP_HDLC, b"\xff\x03\0\x21"),
        ("Cisco HDLC as PPP_HDLC", LinkType::PPP_HDLC, b"\x0f\0\x08\0"),
        ("Cisco HDLC", LinkType::C_HDLC, b"\x0f\0\x08\0"),
        ("PPPoE alone", LinkType::PPP_ETHER, b"\x11\0\0\x01\0\x30\0\x21"),
        ("PPP of pppd", LinkType::PPP_PPPD, b"\0\xff\x03\0\x21"),
        ("PPI over Ethernet", LinkType::PPI, b"\0\0\x08\0\x01\0\0\0\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0"),
        (
            "NFLOG of a little-endian host",
            LinkType::NFLOG,
            b"\x02\0\0\0\x08\0\x01\0\x08\0\x01\x00\x32\0\x09\0",
        ),
        ("NFLOG of a big-endian host", LinkType::NFLOG, b"\x02\0\0\0\0\x08\0\x01\x08\0\x01\x00\0\x32\0\x09"),
    ];
    for (name, link_type, header) in cases {
        holds_the_segment(name, link_type, &[header, IP].concat());
    }
}

#[test]
fn wireless_data_frames() {
    let addresses = [2_u8; 18];
    let snap = b"\xaa\xaa\x03\0\0\0\x08\0";
    let plain = [&b"\x08\x01\0\0"[..], &addresses, b"\0\0", snap, IP].concat();
    holds_the_segment("802.11", LinkType::IEEE802_11, &plain);
    let quality = [&b"\x88\x01\0\0"[..], &addresses, b"\0\0\0\0", snap, IP].concat();
    holds_the_segment("802.11 with QoS", LinkType::IEEE802_11, &quality);
    let bridged = [&b"\x08\x03\0\0"[..], &addresses, b"\0\0", &[2; 6], snap, IP].concat();
    holds_the_segment("802.11 with four addresses", LinkType::IEEE802_11, &bridged);
    let radiotap = [&b"\0\0\x08\0\0\0\0\0"[..], &plain].concat();
    holds_the_segment("802.11 behind radiotap", LinkType::IEEE802_11_RADIOTAP, &radiotap);
    let encrypted = [&b"\x08\x41\0\0"[..], &addresses, b"\0\0", snap, IP].concat();
    assert_eq!(segment(LinkType::IEEE802_11, &encrypted), None);
}

#[test]
fn tunnels_beneath_ip() {
    let inner = ethernet(0x0800, IP);
    let udp = |port: u16, payload: &[u8]| {
        let ports = [&40_000_u16.to_be_bytes()[..], &port.to_be_bytes()].concat();
        [&ports[..], &(8 + payload.len() as u16).to_be_bytes(), &[0, 0], payload].concat()
    };
    let cases: [(&str, Vec<u8>); 10] = [
        ("IP in IP", ipv4(4, IP)),
        ("IP in IP in IP", ipv4(4, &ipv4(4, IP))),
        ("GRE", ipv4(47, &[b"\0\0\x08\0", IP].concat())),
        (
            "GRE with checksum, key, sequence",
            ipv4(47, &[b"\xb0\0\x08\0\0\0\0\0\0\0\0\x07\0\0\0\x01", IP].concat()),
        ),
        ("Ethernet in GRE", ipv4(47, &[b"\0\0\x65\x58", &inner[..]].concat())),
        (
            "PPP in GRE of version 1",
            ipv4(47, &[b"\x30\x01\x88\x0b\0\x31\0\x01\0\0\0\x01\xff\x03\0\x21", IP].concat()),
        ),
        ("VXLAN", ipv4(17, &udp(4789, &[b"\x08\0\0\0\0\0\x07\0", &inner[..]].concat()))),
        ("Geneve", ipv4(17, &udp(6081, &[b"\0\0\x65\x58\0\0\x07\0", &inner[..]].concat()))),
        ("EtherIP", ipv4(97, &[b"\x30\0", &inner[..]].concat())),
        ("MPLS in IP", ipv4(137, &[b"\0\x01\x01\xff", IP].concat())),
    ];
    for (name, packet) in cases {
        holds_the_segment(name, LinkType::ETHERNET, &ethernet(0x0800, &packet));
    }
}

#[test]
fn label_stacks() {
    let inner = ethernet(0x0800, IP);
    let cases: [(&str, Vec<u8>); 4] = [
        ("one label", [b"\0\x01\x01\xff", IP].concat()),
        ("three labels", [b"\0\x01\0\xff\0\x02\0\xff\0\x03\x01\xff", IP].concat()),
        ("Ethernet with a control word", [&b"\0\x01\x01\xff\0\0\0\0"[..], &inner].concat()),
        ("Ethernet without one", [&b"\0\x01\x01\xff"[..], &[0x52], &inner[1..]].concat()),
    ];
    for (name, packet) in cases {
        holds_the_segment(name, LinkType::ETHERNET, &ethernet(0x8847, &packet));
    }
}

#[test]
fn ipv6_with_extension_headers_and_jumbo_payload() {
    let expected = Some(("fd00::1 fd00::2".to_string(), 21, PAYLOAD.to_vec(), 6));
    let hop_by_hop = [6, 0, 1, 4, 0, 0, 0, 0];
    let routing_then_destination = [60, 0, 4, 0, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0];
    let authentication = [6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    // RFC 2675: a payload length of 0 and the true one, 8 + 26, in an option.
    let jumbo = [6, 0, 0xc2, 4, 0, 0, 0, 34];
    // RFC 6946: a fragment header on a datagram that is whole.
    let atomic = [6, 0, 0, 0, 0, 0, 0, 9];
    let cases: [(&str, Vec<u8>); 7] = [
        ("plain", ipv6(6, &[], 26)),
        ("hop-by-hop options", ipv6(0, &hop_by_hop, 34)),
        ("routing and destination options", ipv6(43, &routing_then_destination, 42)),
        ("authentication header", ipv6(51, &authentication, 50)),
        ("atomic fragment", ipv6(44, &atomic, 34)),
        ("jumbogram", ipv6(0, &jumbo, 0)),
        ("segmentation offload", ipv6(6, &[], 0)),
    ];
    for (name, packet) in cases {
        assert_eq!(segment(LinkType::ETHERNET, &ethernet(0x86dd, &packet)), expected, "{name}");
        assert_eq!(segment(LinkType::IPV6, &packet), expected, "{name}, raw");
        let in_ipv4 = ethernet(0x0800, &ipv4(41, &packet));
        assert_eq!(segment(LinkType::ETHERNET, &in_ipv4), expected, "{name}, in IPv4");
    }
}

#[test]
fn total_length_of_zero_takes_the_whole_frame() {
    let mut offloaded = ethernet(0x0800, IP);
    offloaded[16..18].fill(0);
    offloaded.extend(vec![b'x'; 70_000]);
    let (_, _, payload, length) = segment(LinkType::ETHERNET, &offloaded).unwrap();
    assert_eq!((payload.len(), length), (70_006, 70_006));
}

use super::*;
use crate::packet::{LinkType, Packet, Timestamp};

/// IPv4 and TCP from 10.0.0.1:21 to 10.0.0.2:4000, with 6 bytes of payload.
const IP: &[u8] = b"\x45\0\0\x2e\0\x07\x40\0\x40\x06\0\0\x0a\0\0\x01\x0a\0\0\x02\
    \0\x15\x0f\xa0\0\0\0\x01\0\0\0\x02\x50\x18\x10\0\0\0\0\x00220 hi";
const ENDS: &[u8] = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02";

/// Scope, captured payload and its length on the wire of the TCP segment in `data`.
fn segment(link_type: LinkType, data: &[u8], missing: u32) -> (Scope, Vec<u8>, u32) {
    let original_length = data.len() as u32 + missing;
    let packet = Packet { number: 1, time: Timestamp(0), link_type, original_length, data };
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&packet);
    let Some(Transport::Tcp(segment)) = decoded.transport else { panic!("{decoded:?}") };
    (decoded.scope, segment.payload.to_vec(), segment.payload_length)
}

#[test]
fn padding_of_ethernet_is_no_payload() {
    let frame = [ENDS, b"\x08\0", IP, &[0; 6]].concat();
    assert_eq!(segment(LinkType::ETHERNET, &frame, 0).1, b"220 hi");
}

#[test]
fn cut_packet_keeps_its_length_on_the_wire() {
    let frame = [ENDS, b"\x08\0", IP].concat();
    let (_, payload, length) = segment(LinkType::ETHERNET, &frame[..frame.len() - 2], 2);
    assert_eq!((&payload[..], length), (&b"220 "[..], 6));
}

#[test]
fn total_length_of_zero_means_the_rest_of_the_frame() {
    let mut frame = [ENDS, b"\x08\0", IP].concat();
    frame[16..18].fill(0);
    assert_eq!(segment(LinkType::ETHERNET, &frame, 0).1, b"220 hi");
}

#[test]
fn vlans_are_kept_apart_and_a_priority_tag_is_none() {
    let tagged = |tag: &[u8]| segment(LinkType::ETHERNET, &[ENDS, tag, b"\x08\0", IP].concat(), 0).0;
    let scopes = [tagged(b""), tagged(b"\x81\0\0\x07"), tagged(b"\x88\xa8\0\x08\x81\0\0\x07")];
    assert!(scopes[0] != scopes[1] && scopes[1] != scopes[2]);
    assert_eq!(tagged(b"\x81\0\xe0\0"), scopes[0]);
}

#[test]
fn loopback_header_of_either_order_or_of_a_strange_family_is_read() {
    for family in [b"\x02\0\0\0", b"\0\0\0\x02", b"\x0f\0\x08\0"] {
        assert_eq!(segment(LinkType::NULL, &[&family[..], IP].concat(), 0).1, b"220 hi");
    }
}

#[test]
fn padding_that_the_ip_header_counts_as_its_own_is_no_payload() {
    // PPPoE says 42 bytes: the protocol field and 40 of IP, whose header says 46.
    let frame = [ENDS, b"\x88\x64\x11\0\0\x07\0\x2a\0\x21", IP].concat();
    let (_, payload, length) = segment(LinkType::ETHERNET, &frame, 0);
    assert_eq!((&payload[..], length), (&b""[..], 0));
}

#[test]
fn other_protocols_on_a_vxlan_port_are_no_vxlan() {
    let datagram = |header: &[u8]| {
        let inner = [header, &[0x5a; 40]].concat();
        let udp =
            [&b"\x30\x39\x21\x18"[..], &(8 + inner.len() as u16).to_be_bytes(), b"\0\0", &inner].concat();
        let mut ip = IP[..20].to_vec();
        (ip[2], ip[3], ip[9]) = (0, 20 + udp.len() as u8, 17);
        [ENDS, b"\x08\0", &ip, &udp].concat()
    };
    let decoded = |frame: &[u8]| {
        let packet = Packet {
            number: 1,
            time: Timestamp(0),
            link_type: LinkType::ETHERNET,
            original_length: frame.len() as u32,
            data: frame,
        };
        let mut decoder = Decoder::default();
        matches!(decoder.decode(&packet).transport, Some(Transport::Udp { destination_port: 8472, .. }))
    };
    assert!(!decoded(&datagram(b"\x08\0\0\0\0\0\x07\0")));
    for other in [b"\x0c\0\0\0\0\0\x07\0", b"\x08\0\0\0\0\0\x07\x01", b"\0\0\0\0\0\0\x07\0"] {
        assert!(decoded(&datagram(other)));
    }
}

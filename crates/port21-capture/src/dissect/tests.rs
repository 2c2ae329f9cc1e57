use super::*;
use crate::packet::Timestamp;

/// An IPv4 header as in RFC 791, section 3.1: 20 bytes, don't fragment, TCP, 10.0.0.1 to 10.0.0.2, checksum right.
const IPV4: &[u8] = b"\x45\0\0\x30\0\x07\x40\0\x40\x06\x26\xbf\x0a\0\0\x01\x0a\0\0\x02";
/// A SYN from port 4000 to 21 with MSS 1460, two no-operations and SACK permitted: 28 bytes, checksum right.
const SYN: &[u8] = b"\x0f\xa0\0\x15\x11\x22\x33\x44\0\0\0\0\x70\x02\xfa\xf0\x20\x11\0\0\
    \x02\x04\x05\xb4\x01\x01\x04\x02";

fn dissect_as(link_type: LinkType, data: &[u8], missing: u32) -> Dissection {
    let original_length = data.len() as u32 + missing;
    dissect(&Packet { number: 1, time: Timestamp(0), link_type, original_length, data })
}

fn raw(parts: &[&[u8]]) -> Dissection {
    dissect_as(LinkType::RAW, &parts.concat(), 0)
}

/// Value, offset and length of a field.
fn field<'a>(dissection: &'a Dissection, filter: &str) -> (&'a str, usize, usize) {
    let found = dissection.layers.field(filter).unwrap_or_else(|| panic!("{filter}: {dissection:#?}"));
    (&found.value, found.offset, found.length)
}

#[test]
fn sum_is_that_of_rfc_1071() {
    assert_eq!(checksum::sum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), 0xddf2);
}

#[test]
fn ipv4_header_is_taken_apart() {
    let found = raw(&[IPV4, SYN]);
    assert_eq!(field(&found, "ip.version"), ("4", 0, 1));
    assert_eq!(field(&found, "ip.hdr_len"), ("20 bytes (5)", 0, 1));
    assert_eq!(field(&found, "ip.len"), ("48", 2, 2));
    assert_eq!(field(&found, "ip.id"), ("0x0007 (7)", 4, 2));
    assert_eq!(field(&found, "ip.flags"), ("0x2, Don't fragment", 6, 1));
    assert_eq!(field(&found, "ip.flags.mf"), ("Not set", 6, 1));
    assert_eq!(field(&found, "ip.frag_offset"), ("0", 6, 2));
    assert_eq!(field(&found, "ip.ttl"), ("64", 8, 1));
    assert_eq!(field(&found, "ip.proto"), ("TCP (6)", 9, 1));
    assert_eq!(field(&found, "ip.checksum"), ("0x26bf [correct]", 10, 2));
    assert_eq!(field(&found, "ip.src"), ("10.0.0.1", 12, 4));
    assert_eq!(field(&found, "ip.dst"), ("10.0.0.2", 16, 4));
    assert_eq!(found.stopped, None);
}

#[test]
fn wrong_header_checksum_is_told_with_the_right_one() {
    let mut wrong = IPV4.to_vec();
    wrong[8] = 63;
    let found = raw(&[&wrong, SYN]);
    assert_eq!(field(&found, "ip.checksum").0, "0x26bf [incorrect, should be 0x27bf]");
    assert_eq!(field(&found, "ip.checksum.status").0, "Bad");
}

#[test]
fn ipv4_options_are_listed() {
    // Router alert (RFC 2113) and end of options: header of 24 + 4 bytes.
    let header = b"\x47\0\0\x1c\0\0\0\0\x01\x02\0\0\x0a\0\0\x01\xe0\0\0\x16\x94\x04\0\0\0\0\0\0";
    let found = raw(&[header]);
    assert_eq!(field(&found, "ip.options"), ("8 bytes", 20, 8));
    let options = &found.layers.field("ip.options").unwrap().children;
    assert_eq!(options[0].name, "IP Option - Router Alert");
    assert_eq!((options[1].name, options[1].offset), ("IP Option - End of Options List (EOL)", 24));
}

#[test]
fn tcp_header_is_taken_apart() {
    let found = raw(&[IPV4, SYN]);
    assert_eq!(field(&found, "tcp.srcport"), ("4000", 20, 2));
    assert_eq!(field(&found, "tcp.dstport"), ("21", 22, 2));
    assert_eq!(field(&found, "tcp.seq_raw"), ("287454020", 24, 4));
    assert_eq!(field(&found, "tcp.ack_raw"), ("0", 28, 4));
    assert_eq!(field(&found, "tcp.hdr_len"), ("28 bytes (7)", 32, 1));
    assert_eq!(field(&found, "tcp.flags"), ("0x002 (SYN)", 32, 2));
    assert_eq!(field(&found, "tcp.flags.syn"), ("Set", 33, 1));
    assert_eq!(field(&found, "tcp.window_size_value"), ("64240", 34, 2));
    assert_eq!(field(&found, "tcp.checksum"), ("0x2011 [correct]", 36, 2));
    assert_eq!(field(&found, "tcp.options.mss_val"), ("1460", 42, 2));
    assert_eq!(
        field(&found, "tcp.options").0,
        "(8 bytes), Maximum segment size, No-Operation (NOP), \
        No-Operation (NOP), SACK permitted"
    );
}

/// A segment without data whose options are `options`, which must be a multiple of 4 bytes.
fn with_options(options: &[u8]) -> Dissection {
    let length = (20 + options.len()) as u8;
    let mut ip = IPV4.to_vec();
    ip[3] = 20 + length;
    let mut tcp = SYN[..20].to_vec();
    tcp[12] = (length / 4) << 4;
    raw(&[&ip, &tcp, options])
}

#[test]
fn each_tcp_option_is_decoded() {
    // RFC 7323: window scale and timestamps; RFC 2018: SACK with two blocks.
    let found = with_options(b"\x01\x03\x03\x07\x01\x01\x08\x0a\0\0\0\x05\0\0\0\x06");
    assert_eq!(field(&found, "tcp.options.wscale.shift"), ("7", 43, 1));
    assert_eq!(field(&found, "tcp.options.wscale.multiplier"), ("128", 43, 1));
    assert_eq!(field(&found, "tcp.options.timestamp.tsval"), ("5", 48, 4));
    assert_eq!(field(&found, "tcp.options.timestamp.tsecr"), ("6", 52, 4));
    let found = with_options(b"\x01\x01\x05\x12\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0\x04");
    let edges = found.layers.field("tcp.options").unwrap().children[2].children.iter();
    let edges: Vec<(&str, &str)> = edges.skip(2).map(|edge| (edge.filter, edge.value.as_str())).collect();
    assert_eq!(
        edges,
        [
            ("tcp.options.sack_le", "1"),
            ("tcp.options.sack_re", "2"),
            ("tcp.options.sack_le", "3"),
            ("tcp.options.sack_re", "4")
        ]
    );
}

#[test]
fn option_that_is_longer_than_the_header_ends_the_list_and_says_so() {
    let found = with_options(b"\x01\x08\x0a\0");
    let options = &found.layers.field("tcp.options").unwrap().children;
    assert_eq!(options.len(), 2);
    assert_eq!(options[1].value, "its length says 10, of 3 bytes that are left");
    assert_eq!(found.stopped, None);
}

#[test]
fn wrong_tcp_checksum_is_told_with_the_right_one() {
    let mut wrong = SYN.to_vec();
    wrong[7] = 0x45;
    let found = raw(&[IPV4, &wrong]);
    assert_eq!(field(&found, "tcp.checksum").0, "0x2011 [incorrect, should be 0x2010]");
}

#[test]
fn checksum_that_the_host_left_to_its_network_card_is_recognised() {
    // 0a00 + 0001 + 0a00 + 0002 + 0006 + 001c
    let mut offloaded = SYN.to_vec();
    offloaded[16..18].copy_from_slice(b"\x14\x25");
    let value = field(&raw(&[IPV4, &offloaded]), "tcp.checksum").0.to_owned();
    assert!(value.starts_with("0x1425 [only of the pseudo-header"), "{value}");
    assert!(value.ends_with("should be 0x2011]"), "{value}");
}

#[test]
fn checksum_of_a_cut_segment_is_unverified() {
    let data = [IPV4, SYN].concat();
    let mut longer = data.clone();
    longer[3] = 0x32;
    let found = dissect_as(LinkType::RAW, &longer, 2);
    assert_eq!(field(&found, "tcp.checksum.status").0, "Unverified");
    assert_eq!(field(&found, "tcp.payload"), ("2 bytes, of which the capture misses the last 2", 48, 0));
}

#[test]
fn cut_header_gives_the_fields_that_are_there() {
    let data = [IPV4, &SYN[..10]].concat();
    let found = dissect_as(LinkType::RAW, &data, 18);
    assert_eq!(field(&found, "tcp.seq_raw").0, "287454020");
    assert_eq!(found.layers.field("tcp.flags"), None);
    assert_eq!(found.stopped, Some(Stop::Cut("TCP")));
}

#[test]
fn ipv6_and_its_extension_headers_are_taken_apart() {
    // RFC 8200, sections 3, 4.3 and 4.6: hop-by-hop with a PadN, then destination options, then UDP.
    let header = b"\x60\x01\x23\x45\0\x18\0\x40\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
        \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02";
    let hop = b"\x3c\0\x01\x04\0\0\0\0";
    let destination = b"\x11\0\x01\x04\0\0\0\0";
    let udp = b"\x03\xe8\x03\xe9\0\x08\x9c\x98";
    let found = raw(&[header, hop, destination, udp]);
    assert_eq!(field(&found, "ipv6.flow"), ("0x12345", 1, 3));
    assert_eq!(field(&found, "ipv6.plen"), ("24", 4, 2));
    assert_eq!(field(&found, "ipv6.nxt").0, "IPv6 Hop-by-Hop Option (0)");
    assert_eq!(field(&found, "ipv6.src"), ("2001:db8::1", 8, 16));
    assert_eq!(field(&found, "ipv6.hopopts"), ("", 40, 8));
    assert_eq!(field(&found, "ipv6.dstopts.nxt"), ("UDP (17)", 48, 1));
    assert_eq!(field(&found, "udp.srcport"), ("1000", 56, 2));
    assert_eq!(field(&found, "udp.checksum.status").0, "Good");
}

#[test]
fn fragment_is_not_read_as_what_it_carries() {
    let mut fragment = IPV4.to_vec();
    fragment[6] = 0x20;
    let found = raw(&[&fragment, SYN]);
    assert!(found.fragment);
    assert_eq!(found.layers.field("tcp"), None);
    assert_eq!(field(&found, "data.data"), ("28 bytes", 20, 28));
}

#[test]
fn vlan_tags_and_padding_have_their_places() {
    let ends = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01";
    let frame = [&ends[..], b"\x81\0\x60\x07\x08\0", IPV4, SYN, &[0; 4]].concat();
    let found = dissect_as(LinkType::ETHERNET, &frame, 0);
    assert_eq!(field(&found, "vlan.id"), ("7", 14, 2));
    assert_eq!(field(&found, "vlan.priority"), ("3", 14, 2));
    assert_eq!(field(&found, "tcp.srcport"), ("4000", 38, 2));
    assert_eq!(field(&found, "eth.trailer"), ("4 bytes", 66, 4));
}

#[test]
fn address_resolution_is_told_in_a_sentence() {
    let frame = b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\x06\
        \0\x01\x08\0\x06\x04\0\x01\x02\0\0\0\0\x01\x0a\0\0\x01\0\0\0\0\0\0\x0a\0\0\x02";
    let found = dissect_as(LinkType::ETHERNET, frame, 0);
    assert_eq!(found.columns.info, "Who has 10.0.0.2? Tell 10.0.0.1");
    assert_eq!(found.columns.source, "02:00:00:00:00:01");
    assert_eq!(found.columns.protocol, "ARP");
}

#[test]
fn unreachable_message_quotes_the_packet_that_it_is_about() {
    let header = b"\x45\0\0\x38\0\0\0\0\x40\x01\0\0\x0a\0\0\x02\x0a\0\0\x01";
    let found = raw(&[header, b"\x03\x03\0\0\0\0\0\0", IPV4, &SYN[..8]]);
    assert_eq!(found.columns.info, "Destination unreachable (Port unreachable)");
    assert_eq!(found.columns.source, "10.0.0.2");
    assert_eq!(field(&found, "tcp.seq_raw"), ("287454020", 52, 4));
}

#[test]
fn dns_names_are_followed_through_pointers_but_not_in_circles() {
    let ip = b"\x45\0\0\0\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02\0\x35\x10\0\0\0\0\0";
    let message = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x03ftp\x01x\0\0\x01\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    let found = raw(&[ip, message]);
    assert_eq!(found.columns.info, "Standard query response 0x1234 A ftp.x A 192.0.2.1");
    let circle = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\xc0\x0c\0\x01\0\x01";
    assert_eq!(raw(&[ip, circle]).columns.info, "Standard query 0x1234");
}

#[test]
fn unknown_link_type_is_shown_as_bytes() {
    let found = dissect_as(LinkType(160), b"abc", 0);
    assert_eq!(found.stopped, Some(Stop::UnknownLinkType(160)));
    assert_eq!(field(&found, "data.data"), ("3 bytes", 0, 3));
}

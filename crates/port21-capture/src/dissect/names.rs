//! Names of numbers, as the lists at <https://www.iana.org/protocols> have them and Wireshark writes them.

use std::borrow::Cow;

/// An IP protocol number.
pub(super) fn ip_protocol(number: u8) -> Cow<'static, str> {
    Cow::Borrowed(match number {
        0 => "IPv6 Hop-by-Hop Option",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6",
        43 => "Routing Header for IPv6",
        44 => "Fragment Header for IPv6",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        59 => "IPv6 No Next Header",
        60 => "Destination Options for IPv6",
        88 => "EIGRP",
        89 => "OSPF",
        97 => "ETHERIP",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        135 => "Mobile IPv6",
        137 => "MPLS",
        other => return Cow::Owned(format!("protocol {other}")),
    })
}

pub(super) fn ether_type(number: u16) -> &'static str {
    match number {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x6558 => "Transparent Ethernet bridging",
        0x8035 => "RARP",
        0x8100 => "802.1Q Virtual LAN",
        0x86dd => "IPv6",
        0x880b => "PPP",
        0x8847 => "MPLS label switched packet",
        0x8848 => "MPLS multicast packet",
        0x8863 => "PPPoE Discovery",
        0x8864 => "PPPoE Session",
        0x888e => "802.1X Authentication",
        0x88a8 => "802.1ad Provider Bridge",
        0x88be => "ERSPAN",
        0x88cc => "LLDP",
        0x88e5 => "MACsec",
        0x9000 => "Loopback",
        _ => "Unknown",
    }
}

pub(super) fn ppp_protocol(number: u16) -> &'static str {
    match number {
        0x0021 => "Internet Protocol version 4",
        0x002d => "Van Jacobson Compressed TCP/IP",
        0x002f => "Van Jacobson Uncompressed TCP/IP",
        0x003d => "Multilink",
        0x0053 => "Encryption",
        0x0057 => "Internet Protocol version 6",
        0x00fd => "Compressed datagram",
        0x0281 => "MPLS Unicast",
        0x8021 => "Internet Protocol Control Protocol",
        0x8057 => "IPv6 Control Protocol",
        0x80fd => "Compression Control Protocol",
        0xc021 => "Link Control Protocol",
        0xc023 => "Password Authentication Protocol",
        0xc223 => "Challenge Handshake Authentication Protocol",
        _ => "Unknown",
    }
}

/// A differentiated services codepoint (RFC 2474 and its registry).
pub(super) fn codepoint(number: u8) -> &'static str {
    match number {
        0 => "CS0",
        1 => "LE",
        8 => "CS1",
        10 => "AF11",
        12 => "AF12",
        14 => "AF13",
        16 => "CS2",
        18 => "AF21",
        20 => "AF22",
        22 => "AF23",
        24 => "CS3",
        26 => "AF31",
        28 => "AF32",
        30 => "AF33",
        32 => "CS4",
        34 => "AF41",
        36 => "AF42",
        38 => "AF43",
        40 => "CS5",
        44 => "VOICE-ADMIT",
        46 => "EF PHB",
        48 => "CS6",
        56 => "CS7",
        _ => "Unknown",
    }
}

/// Explicit congestion notification (RFC 3168, section 5).
pub(super) fn congestion(number: u8) -> &'static str {
    match number & 3 {
        0 => "Not-ECT",
        1 => "ECT(1)",
        2 => "ECT(0)",
        _ => "CE",
    }
}

/// An IPv4 option type.
pub(super) fn ip_option(kind: u8) -> &'static str {
    match kind {
        0 => "IP Option - End of Options List (EOL)",
        1 => "IP Option - No-Operation (NOP)",
        7 => "IP Option - Record Route",
        68 => "IP Option - Time Stamp",
        130 => "IP Option - Security",
        131 => "IP Option - Loose Source Route",
        137 => "IP Option - Strict Source Route",
        148 => "IP Option - Router Alert",
        _ => "IP Option - Unknown",
    }
}

/// An ICMP type and code (RFC 792, RFC 1812).
pub(super) fn icmp(kind: u8, code: u8) -> (&'static str, &'static str) {
    match (kind, code) {
        (0, _) => ("Echo (ping) reply", ""),
        (3, _) => (
            "Destination unreachable",
            match code {
                0 => "Network unreachable",
                1 => "Host unreachable",
                2 => "Protocol unreachable",
                3 => "Port unreachable",
                4 => "Fragmentation needed",
                5 => "Source route failed",
                9 => "Network administratively prohibited",
                10 => "Host administratively prohibited",
                13 => "Communication administratively filtered",
                _ => "",
            },
        ),
        (4, _) => ("Source quench", ""),
        (5, 0) => ("Redirect", "Redirect for network"),
        (5, _) => ("Redirect", "Redirect for host"),
        (8, _) => ("Echo (ping) request", ""),
        (9, _) => ("Router advertisement", ""),
        (10, _) => ("Router solicitation", ""),
        (11, 0) => ("Time-to-live exceeded", "Time to live exceeded in transit"),
        (11, _) => ("Time-to-live exceeded", "Fragment reassembly time exceeded"),
        (12, _) => ("Parameter problem", ""),
        (13, _) => ("Timestamp request", ""),
        (14, _) => ("Timestamp reply", ""),
        _ => ("Unknown", ""),
    }
}

/// An ICMPv6 type and code (RFC 4443, RFC 4861).
pub(super) fn icmp_version_6(kind: u8, code: u8) -> (&'static str, &'static str) {
    match (kind, code) {
        (1, _) => (
            "Destination Unreachable",
            match code {
                0 => "no route to destination",
                1 => "Administratively prohibited",
                3 => "Address unreachable",
                4 => "Port unreachable",
                _ => "",
            },
        ),
        (2, _) => ("Packet Too Big", ""),
        (3, 0) => ("Time Exceeded", "hop limit exceeded in transit"),
        (3, _) => ("Time Exceeded", "fragment reassembly time exceeded"),
        (4, _) => ("Parameter Problem", ""),
        (128, _) => ("Echo (ping) request", ""),
        (129, _) => ("Echo (ping) reply", ""),
        (130, _) => ("Multicast Listener Query", ""),
        (131, _) => ("Multicast Listener Report", ""),
        (132, _) => ("Multicast Listener Done", ""),
        (133, _) => ("Router Solicitation", ""),
        (134, _) => ("Router Advertisement", ""),
        (135, _) => ("Neighbor Solicitation", ""),
        (136, _) => ("Neighbor Advertisement", ""),
        (137, _) => ("Redirect", ""),
        (143, _) => ("Multicast Listener Report Message v2", ""),
        _ => ("Unknown", ""),
    }
}

//! Names and numbers of link-layer header types (<https://www.tcpdump.org/linktypes.html>).

use std::borrow::Cow;

use crate::packet::LinkType;

impl LinkType {
    /// BSD loopback: four bytes of address family in the byte order of the capturing host.
    pub const NULL: LinkType = LinkType(0);
    /// IEEE 802.3 Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// PPP, with or without the HDLC-like address and control bytes.
    pub const PPP: LinkType = LinkType(9);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_HDLC: LinkType = LinkType(50);
    /// PPPoE, beginning with the PPPoE header.
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// Raw IP, of the version that its first nibble says.
    pub const RAW: LinkType = LinkType(101);
    /// Cisco HDLC.
    pub const C_HDLC: LinkType = LinkType(104);
    /// IEEE 802.11.
    pub const IEEE802_11: LinkType = LinkType(105);
    /// OpenBSD loopback: four bytes of address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux "cooked" capture.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// IEEE 802.11 behind a Prism header.
    pub const IEEE802_11_PRISM: LinkType = LinkType(119);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: LinkType = LinkType(127);
    /// IEEE 802.11 behind an AVS header.
    pub const IEEE802_11_AVS: LinkType = LinkType(163);
    /// PPP as the Linux PPP daemon captures it, with a direction byte.
    pub const PPP_PPPD: LinkType = LinkType(166);
    /// Per-packet information, then a header of another link type.
    pub const PPI: LinkType = LinkType(192);
    /// Raw IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Raw IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Linux netfilter log messages.
    pub const NFLOG: LinkType = LinkType(239);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
    /// The link type of a packet whose interface the capture does not describe.
    pub const UNDESCRIBED: LinkType = LinkType(u32::MAX);
    /// The link type of a record that is no packet, and has a packet number as in Wireshark: custom blocks, journal
    /// entries and system calls of pcapng.
    pub const NO_PACKET: LinkType = LinkType(u32::MAX - 1);
}

/// The name of a link type as the list of LINKTYPE_ values has it, without that prefix ("ETHERNET",
/// "LINUX_SLL2"); a number that is not in the list is given as "LINKTYPE_160".
pub fn link_type_name(link_type: LinkType) -> Cow<'static, str> {
    match NAMES.iter().find(|(number, _)| *number == link_type.0) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(link_type.to_string()),
    }
}

const NAMES: &[(u32, &str)] = &[
    (0, "NULL"),
    (1, "ETHERNET"),
    (3, "AX25"),
    (6, "IEEE802_5"),
    (7, "ARCNET_BSD"),
    (8, "SLIP"),
    (9, "PPP"),
    (10, "FDDI"),
    (12, "RAW"),
    (14, "RAW"),
    (50, "PPP_HDLC"),
    (51, "PPP_ETHER"),
    (100, "ATM_RFC1483"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (113, "LINUX_SLL"),
    (114, "LTALK"),
    (117, "PFLOG"),
    (119, "IEEE802_11_PRISM"),
    (122, "IP_OVER_FC"),
    (123, "SUNATM"),
    (127, "IEEE802_11_RADIOTAP"),
    (129, "ARCNET_LINUX"),
    (138, "APPLE_IP_OVER_IEEE1394"),
    (139, "MTP2_WITH_PHDR"),
    (140, "MTP2"),
    (141, "MTP3"),
    (142, "SCCP"),
    (143, "DOCSIS"),
    (144, "LINUX_IRDA"),
    (147, "USER0"),
    (163, "IEEE802_11_AVS"),
    (165, "BACNET_MS_TP"),
    (166, "PPP_PPPD"),
    (169, "GPRS_LLC"),
    (177, "LINUX_LAPD"),
    (187, "BLUETOOTH_HCI_H4"),
    (189, "USB_LINUX"),
    (192, "PPI"),
    (195, "IEEE802_15_4_WITHFCS"),
    (201, "BLUETOOTH_HCI_H4_WITH_PHDR"),
    (203, "LAPD"),
    (204, "PPP_WITH_DIR"),
    (205, "C_HDLC_WITH_DIR"),
    (220, "USB_LINUX_MMAPPED"),
    (224, "FC_2"),
    (226, "IPNET"),
    (227, "CAN_SOCKETCAN"),
    (228, "IPV4"),
    (229, "IPV6"),
    (230, "IEEE802_15_4_NOFCS"),
    (231, "DBUS"),
    (235, "DVB_CI"),
    (239, "NFLOG"),
    (240, "NETANALYZER"),
    (242, "IPOIB"),
    (247, "INFINIBAND"),
    (248, "SCTP"),
    (249, "USBPCAP"),
    (251, "BLUETOOTH_LE_LL"),
    (252, "WIRESHARK_UPPER_PDU"),
    (253, "NETLINK"),
    (258, "PKTAP"),
    (259, "EPON"),
    (264, "ISO_14443"),
    (266, "SDLC"),
    (272, "NORDIC_BLE"),
    (274, "ETHERNET_MPACKET"),
    (276, "LINUX_SLL2"),
    (279, "ETW"),
    (u32::MAX - 1, "NO_PACKET"),
    (u32::MAX, "UNDESCRIBED"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_have_the_names_of_the_list() {
        assert_eq!(link_type_name(LinkType::ETHERNET), "ETHERNET");
        assert_eq!(link_type_name(LinkType::LINUX_SLL2), "LINUX_SLL2");
    }

    #[test]
    fn unknown_types_keep_their_number() {
        assert_eq!(link_type_name(LinkType(160)), "LINKTYPE_160");
    }
}

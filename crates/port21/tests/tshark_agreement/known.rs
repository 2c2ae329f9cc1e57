//! Where tshark and we differ, and why ours is right.

/// One or more places of a capture.
pub struct Difference {
    /// What was compared: "requests", "reply codes", "commands of ours", "connections", "objects", "segments".
    pub kind: &'static str,
    pub capture: &'static str,
    /// "#8" is packet 8; separated by spaces.
    pub places: &'static str,
    /// tshark shows a piece of a line that goes over several segments, where there is no request to compare.
    pub piece: bool,
    pub reason: &'static str,
}

/// Every difference there is.
pub const DIFFERENCES: [Difference; 9] = [
    Difference {
        kind: "requests",
        capture: "suricata-verify/ftp-too-long-command-buffered.pcap",
        places: "#26 #28 #30 #32 #34 #36 #38 #40 #42 #44 #46 #48 #50 #52 #54 #56 #58 #60 #62 #64 \
         #66 #68 #70 #72 #74 #76 #78 #80 #82 #84 #86 #88 #90 #92 #94 #96 #98 #100 #102 \
         #104 #106 #108 #110",
        piece: true,
        reason: "one RETR of 42,066 bytes in 43 segments; tshark makes a request of each",
    },
    Difference {
        kind: "requests",
        capture: "suricata-verify/ftp-too-long-command-first.pcap",
        places: "#26 #28",
        piece: true,
        reason: "one RETR whose last byte, \"Z\", is in the second segment; tshark makes a request Z of it",
    },
    Difference {
        kind: "requests",
        capture: "zeek/globus-url-copy.pcap",
        places: "#13 #14",
        piece: true,
        reason: "one ADAT in two segments; tshark cuts the argument and makes a request of its second half",
    },
    Difference {
        kind: "requests",
        capture: "zeek/globus-url-copy-bad-encoding.pcap",
        places: "#9 #13 #14",
        piece: true,
        reason: "the line end in 9 was overwritten, so the line goes on to that in 14",
    },
    Difference {
        kind: "reply codes",
        capture: "zeek/ipv6-violation.pcap",
        places: "#14",
        piece: false,
        reason: "the server sent a piece of SSH in 12 that ends without a line end, so that 530 in 14 stands inside a line \
                 and begins no reply (RFC 959, section 4.2); tshark takes the beginning of a segment for that of a line",
    },
    Difference {
        kind: "commands of ours",
        capture: "pcapplusplus/Ftp-fragments.pcap",
        places: "#8",
        piece: false,
        reason: "single packets of many captures put together: 8 repeats 15 bytes with other ones, which is reported as a \
                 conflict, and brings three new ones, \"N\" and a line end; tshark drops it whole",
    },
    Difference {
        kind: "objects",
        capture: "zeek/bigtransfer.pcap",
        places: "rand.txt",
        piece: false,
        reason: "23,822 of 5,416,666,670 bytes are in the capture; tshark closes the holes up and says nothing",
    },
    Difference {
        kind: "segments",
        capture: "pcapplusplus/Ftp-fragments.pcap",
        places: "#5 #10",
        piece: false,
        reason: "both acknowledge bytes up to 3,753,096,006, and the client's last one in the capture is 3,753,095,952; \
                 tshark says so of 9, which bears the same number, and not of these",
    },
    Difference {
        kind: "segments",
        capture: "zeek/bigtransfer.pcap",
        places: "#61 #65",
        piece: false,
        reason: "both acknowledge gigabytes that no packet of the capture holds, as 57, 60, 64 and 67 do, of which tshark \
                 says so",
    },
];

//! Where tshark and we differ, and why ours is right.

/// (what is compared, capture, places, reason).
pub const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "requests",
        "suricata-verify/ftp-too-long-command-buffered.pcap",
        "#26 #28 #30 #32 #34 #36 #38 #40 #42 #44 #46 #48 #50 #52 #54 #56 #58 #60 #62 #64 #66 #68 #70 #72 #74 #76 #78 \
         #80 #82 #84 #86 #88 #90 #92 #94 #96 #98 #100 #102 #104 #106 #108 #110",
        "one command of 42,066 bytes in 43 segments: tshark takes each segment for a request of its own",
    ),
    (
        "requests",
        "suricata-verify/ftp-too-long-command-first.pcap",
        "#26 #28",
        "one command in two segments, the second of which tshark takes for a request of its own",
    ),
    (
        "requests",
        "zeek/globus-url-copy.pcap",
        "#13 #14",
        "one ADAT in two segments: tshark takes the second, base64 text, for a request",
    ),
    (
        "requests",
        "zeek/globus-url-copy-bad-encoding.pcap",
        "#9 #13 #14",
        "one ADAT in two segments; in #9 a byte is not UTF-8, which tshark writes as an escape and we as U+FFFD",
    ),
    (
        "reply codes",
        "zeek/ipv6-violation.pcap",
        "#14",
        "the bytes before it, of SSH, have no line end: what tshark shows as 530 stands in the middle of a line",
    ),
    (
        "objects",
        "zeek/bigtransfer.pcap",
        "rand.txt",
        "tshark closes up nine holes and writes 23,822 bytes; the sequence numbers say 5,416,666,670",
    ),
    (
        "commands of ours",
        "pcapplusplus/Ftp-fragments.pcap",
        "#8",
        "a retransmission that brings three new bytes behind the old ones: they are part of the stream",
    ),
];

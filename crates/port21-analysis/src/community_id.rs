//! Community ID: a name for a flow that other analysers give it too.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};
use smallvec::SmallVec;

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;

/// Community ID, version 1, seed 0, of the flow between two ends (address and port): the same in both directions.
/// `protocol` is an IP protocol number with ports ([`TCP`], [`UDP`]). See
/// <https://github.com/corelight/community-id-spec>.
pub fn community_id(a: (IpAddr, u16), b: (IpAddr, u16), protocol: u8) -> String {
    const SEED: [u8; 2] = [0, 0];
    const PADDING: u8 = 0;
    const VERSION: &str = "1:";
    // An IPv4 end compares with an IPv6 end only in invented input; `IpAddr` orders IPv4 first, so it stays stable.
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    // Hashed in one piece: two IPv6 addresses and eight bytes beside them are the most there is.
    let mut hashed = SmallVec::<[u8; 40]>::new();
    let mut add = |bytes: &[u8]| hashed.extend_from_slice(bytes);
    add(&SEED);
    for end in [low, high] {
        match end.0 {
            IpAddr::V4(address) => add(&address.octets()),
            IpAddr::V6(address) => add(&address.octets()),
        }
    }
    add(&[protocol, PADDING]);
    add(&low.1.to_be_bytes());
    add(&high.1.to_be_bytes());
    let mut text = String::with_capacity(VERSION.len() + 28);
    text.push_str(VERSION);
    STANDARD.encode_string(Sha1::digest(&hashed), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(address: &str, port: u16) -> (IpAddr, u16) {
        (address.parse().unwrap(), port)
    }

    #[test]
    fn tcp_over_ipv4_as_published() {
        let client = end("128.232.110.120", 34855);
        let server = end("66.35.250.204", 80);
        assert_eq!(community_id(client, server, TCP), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    }

    #[test]
    fn direction_does_not_matter() {
        let client = end("128.232.110.120", 34855);
        let server = end("66.35.250.204", 80);
        assert_eq!(community_id(server, client, TCP), community_id(client, server, TCP));
    }

    #[test]
    fn udp_over_ipv4_as_published() {
        let client = end("192.168.1.52", 54585);
        let server = end("8.8.8.8", 53);
        assert_eq!(community_id(client, server, UDP), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }

    #[test]
    fn tcp_over_ipv6_as_published() {
        let client = end("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943);
        let server = end("2607:f8b0:400c:c03::1a", 25);
        assert_eq!(community_id(client, server, TCP), "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
    }

    #[test]
    fn equal_addresses_are_ordered_by_port() {
        let low = end("127.0.0.1", 21);
        let high = end("127.0.0.1", 37950);
        assert_eq!(community_id(low, high, TCP), community_id(high, low, TCP));
    }
}

//! The listener of a session for one data connection (PASV, EPSV).

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use socket2::{Domain, Protocol, Socket, Type};
use tokio_rustls::rustls::crypto::ring::default_provider;

/// Ports that are tried before the client is told that none is free.
const MOST_TRIES: u32 = 100;

/// Connections that may wait to be accepted: the client's, and a few of strangers before it.
const BACKLOG: i32 = 8;

/// Ports that are nobody's by name (RFC 6335 section 6), where the operating system does not say which it gives away.
const DYNAMIC_PORTS: RangeInclusive<u16> = 49_152..=65_535;

/// Ports from which the operating system chooses those that nobody asks for by number.
static EPHEMERAL_PORTS: LazyLock<RangeInclusive<u16>> = LazyLock::new(|| {
    let told = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    ephemeral_ports(&told).unwrap_or(DYNAMIC_PORTS)
});

fn ephemeral_ports(told: &str) -> Option<RangeInclusive<u16>> {
    let mut numbers = told.split_whitespace().map(str::parse);
    let (Some(Ok(first)), Some(Ok(last)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        return None;
    };
    (first > 0 && first <= last).then_some(first..=last)
}

/// Listens on `address` and a port that nobody can foretell: of `ports`, or else of those that the operating system gives away.
///
/// The operating system is not asked to choose as long as there is a free one among the first few tried: it passes over every port
/// with a connection in TIME-WAIT, of which a session that fetches many small files leaves thousands, and its search takes longer
/// than the transfer.
pub(super) fn listen(address: IpAddr, ports: Option<&RangeInclusive<u16>>) -> io::Result<TcpListener> {
    let Some(ports) = ports else {
        return listen_within(address, &EPHEMERAL_PORTS).or_else(|_| listen_at(SocketAddr::new(address, 0)));
    };
    listen_within(address, ports)
}

fn listen_within(address: IpAddr, ports: &RangeInclusive<u16>) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in shuffled(ports) {
        match listen_at(SocketAddr::new(address, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A port is free again at once, although connections of an earlier listener are in TIME-WAIT (RFC 9293 section 3.4.2).
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Ports of the range, each at most once, from a random one on with a random stride.
fn shuffled(ports: &RangeInclusive<u16>) -> impl Iterator<Item = u16> {
    let (first, count) = (u32::from(*ports.start()), u32::from(*ports.end()) + 1);
    let count = count.saturating_sub(first).max(1);
    let [start, stride] = random_pair();
    // A stride without a common divisor visits every port.
    let mut stride = stride % count;
    while greatest_common_divisor(stride, count) != 1 {
        stride = (stride + 1) % count.max(2);
    }
    let start = start % count;
    (0..count.min(MOST_TRIES)).map(move |step| {
        let offset = (u64::from(start) + u64::from(step) * u64::from(stride)) % u64::from(count);
        u16::try_from(u64::from(first) + offset).unwrap_or(u16::MAX)
    })
}

fn random_pair() -> [u32; 2] {
    let mut bytes = [0; 8];
    // Without randomness the first port that is free serves as well, only less safely; the client's address is checked in any case.
    let _ = default_provider().secure_random.fill(&mut bytes);
    let [a, b, c, d, e, f, g, h] = bytes;
    [u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h])]
}

fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn every_port_of_a_small_range_is_tried_once() {
        for range in [5000..=5000, 5000..=5001, 5000..=5009, 5000..=5096] {
            for _ in 0..50 {
                let tried: Vec<u16> = shuffled(&range).collect();
                let distinct: BTreeSet<u16> = tried.iter().copied().collect();
                assert_eq!(tried.len(), distinct.len());
                assert_eq!(distinct, range.clone().collect());
            }
        }
    }

    #[test]
    fn of_a_large_range_a_bounded_number_is_tried_in_no_fixed_order() {
        let tries = || shuffled(&(1024..=65535)).collect::<Vec<u16>>();
        assert_eq!(tries().len(), MOST_TRIES as usize);
        let firsts: BTreeSet<u16> = (0..20).filter_map(|_| tries().first().copied()).collect();
        assert!(firsts.len() > 10, "{firsts:?}");
    }

    #[test]
    fn the_range_of_the_operating_system_is_read_or_not_guessed() {
        assert_eq!(ephemeral_ports("32768\t60999\n"), Some(32_768..=60_999));
        for odd in ["", "32768", "60999 32768", "0 5", "1 2 3", "a b", "1 70000"] {
            assert_eq!(ephemeral_ports(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn without_a_range_a_port_of_the_operating_systems_is_taken() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let ports: BTreeSet<u16> =
            (0..20).map(|_| listen(address, None).unwrap().local_addr().unwrap().port()).collect();
        assert!(ports.len() > 10, "{ports:?}");
        assert!(ports.iter().all(|port| EPHEMERAL_PORTS.contains(port)), "{ports:?}");
    }

    #[test]
    fn a_port_in_use_is_passed_over_and_a_full_range_is_an_error() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = listen(address, None).unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(listen(address, Some(&(port..=port))).is_err());
        drop(first);
        assert!(listen(address, Some(&(port..=port))).is_ok());
    }
}

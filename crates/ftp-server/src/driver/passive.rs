//! The listener of a session for one data connection (PASV, EPSV).

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};
use tokio_rustls::rustls::crypto::ring::default_provider;

/// Ports that are tried before the client is told that none is free.
const MOST_TRIES: u32 = 100;

/// Connections that may wait to be accepted: the client's, and a few of strangers before it.
const BACKLOG: i32 = 8;

/// Ports that are nobody's by name (RFC 6335 section 6), where the operating system does not say which it gives away.
const DYNAMIC_PORTS: RangeInclusive<u16> = 49_152..=65_535;

/// Ports that may be taken without being asked for by number: where no range is configured, passive data connections come to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreePorts {
    range: RangeInclusive<u16>,
    /// Those of the range that are kept for others.
    reserved: Vec<RangeInclusive<u16>>,
}

impl Default for FreePorts {
    fn default() -> Self {
        Self { range: DYNAMIC_PORTS, reserved: Vec::new() }
    }
}

impl FreePorts {
    /// Those that the operating system gives away (Linux: `ip_local_port_range` without `ip_local_reserved_ports`). To be asked before
    /// the process shuts itself off from the files that say so; the ports of RFC 6335 section 6 where they do not say.
    pub fn of_system() -> Self {
        let told = |name| std::fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).unwrap_or_default();
        Self::told(&told("ip_local_port_range"), &told("ip_local_reserved_ports"))
    }

    fn told(range: &str, reserved: &str) -> Self {
        let mut ends = range.split_whitespace().map(str::parse);
        let range = match (ends.next(), ends.next(), ends.next()) {
            (Some(Ok(first)), Some(Ok(last)), None) if first > 0 && first <= last => first..=last,
            _ => DYNAMIC_PORTS,
        };
        let ports = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
        };
        Self { range, reserved: reserved.split(',').filter_map(ports).collect() }
    }

    fn holds(&self, port: u16) -> bool {
        self.range.contains(&port) && !self.reserved.iter().any(|range| range.contains(&port))
    }
}

/// Listens on `address` and a port that nobody can foretell: of `ports`, or else one that is free.
///
/// The operating system is not asked to choose as long as there is a free one among the first few tried: it passes over every port
/// with a connection in TIME-WAIT, of which a session that fetches many small files leaves thousands, and its search takes longer
/// than the transfer.
pub(super) fn listen(
    address: IpAddr,
    ports: Option<&RangeInclusive<u16>>,
    free: &FreePorts,
) -> io::Result<TcpListener> {
    match ports {
        Some(ports) => listen_at_one_of(address, shuffled(ports)),
        None => {
            let ports = shuffled(&free.range).filter(|port| free.holds(*port));
            listen_at_one_of(address, ports).or_else(|_| listen_at(SocketAddr::new(address, 0)))
        }
    }
}

fn listen_at_one_of(address: IpAddr, ports: impl Iterator<Item = u16>) -> io::Result<TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in ports {
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
    fn what_the_operating_system_tells_is_read_or_not_guessed() {
        let told = FreePorts::told("32768\t60999\n", "40000-40009,50000\n");
        assert_eq!(
            told,
            FreePorts { range: 32_768..=60_999, reserved: vec![40_000..=40_009, 50_000..=50_000] }
        );
        for (port, is_free) in
            [(32_767, false), (32_768, true), (40_005, false), (40_010, true), (50_000, false)]
        {
            assert_eq!(told.holds(port), is_free, "{port}");
        }
        for odd in ["", "32768", "60999 32768", "0 5", "1 2 3", "a b", "1 70000"] {
            assert_eq!(FreePorts::told(odd, "\n"), FreePorts::default(), "{odd:?}");
        }
    }

    #[test]
    fn without_a_range_a_free_port_is_taken_and_no_reserved_one() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let free = FreePorts { range: 50_000..=50_199, reserved: vec![50_100..=50_199] };
        for _ in 0..20 {
            let port = listen(address, None, &free).unwrap().local_addr().unwrap().port();
            assert!(!(50_100..=50_199).contains(&port), "{port}");
        }
        // Where all are reserved, the operating system knows another one.
        let none = FreePorts { reserved: vec![0..=u16::MAX], ..FreePorts::default() };
        assert!(listen(address, None, &none).is_ok());
    }

    #[test]
    fn a_port_in_use_is_passed_over_and_a_full_range_is_an_error() {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = listen(address, None, &FreePorts::default()).unwrap();
        let port = first.local_addr().unwrap().port();
        assert!(listen(address, Some(&(port..=port)), &FreePorts::default()).is_err());
        drop(first);
        assert!(listen(address, Some(&(port..=port)), &FreePorts::default()).is_ok());
    }
}

//! What a server grants to how many, and how fast.
//!
//! Takes addresses, accounts, counts of bytes and the time, gives leave or a refusal. Never reads a clock, waits or
//! opens anything; every table has a named bound, so that no crowd of sources makes it grow.
//!
//! ```text
//!  accept ──▶ AccessList ──▶ AcceptRate ──▶ Connections ── Ticket ──▶ session
//!                                                                       │ PASS
//!                                     Bans ◀── failed, succeeded ───────┤
//!                                     Accounts' Ticket ◀────────────────┤
//!                                     Bandwidth ── Throttle ──▶ how long to wait for so many bytes
//!                                     Pace ─────────▶ whether a transfer goes fast enough
//! ```

mod accept;
mod access;
mod ban;
mod bandwidth;
mod connections;
mod pace;
mod table;

use std::net::{IpAddr, Ipv6Addr};

pub use accept::{AcceptPolicy, AcceptRate};
pub use access::{AccessList, BadNetwork, Network};
pub use ban::{BanPolicy, Bans};
pub use bandwidth::{Bandwidth, BandwidthPolicy, Direction, Throttle};
pub use connections::{ConnectionPolicy, Connections, Full, Ticket};
pub use pace::Pace;

/// Whom an address counts as: an IPv4 address as itself, also when it is written as IPv6 (`::ffff:a.b.c.d`); an IPv6
/// address as its network of 64 bits, since whoever has one address of it has them all (RFC 4291 section 2.5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from(network)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let source = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:0:0:1"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
    }
}

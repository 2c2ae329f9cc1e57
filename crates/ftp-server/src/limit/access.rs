//! Which networks may connect.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// A network as `192.0.2.0/24` or `2001:db8::/32`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// A text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither an address nor a network such as 192.0.2.0/24")]
pub struct BadNetwork(String);

impl Network {
    /// Whether `address` is in it; an IPv4 address also when it is written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// How many bits are fixed: the larger, the narrower.
    pub fn prefix_length(&self) -> u8 {
        self.0.prefix_len()
    }
}

impl FromStr for Network {
    type Err = BadNetwork;
    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => text.parse().map_err(|_| BadNetwork(text.to_string()))?,
        };
        Ok(Self(network.trunc()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(formatter)
        } else {
            self.0.fmt(formatter)
        }
    }
}

/// Who may come and who may not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessList {
    /// Only these may, if there are any.
    pub allow: Vec<Network>,
    /// These may not, unless a narrower network of [`allow`](Self::allow) holds them.
    pub deny: Vec<Network>,
}

impl AccessList {
    /// Whether `address` may connect: the narrowest network that holds it decides, and a denial over an equal leave.
    pub fn permits(&self, address: IpAddr) -> bool {
        let narrowest = |networks: &[Network]| {
            networks.iter().filter(|network| network.contains(address)).map(Network::prefix_length).max()
        };
        match (narrowest(&self.allow), narrowest(&self.deny)) {
            (Some(allowed), Some(denied)) => allowed > denied,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => self.allow.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(allow: &[&str], deny: &[&str]) -> AccessList {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        AccessList { allow: networks(allow), deny: networks(deny) }
    }

    fn permits(list: &AccessList, address: &str) -> bool {
        list.permits(address.parse().unwrap())
    }

    #[test]
    fn without_networks_everybody_may_connect() {
        assert!(permits(&list(&[], &[]), "192.0.2.1"));
        assert!(permits(&list(&[], &[]), "2001:db8::1"));
    }

    #[test]
    fn an_allow_list_shuts_out_all_others() {
        let list = list(&["192.0.2.0/24", "2001:db8::/32"], &[]);
        assert!(permits(&list, "192.0.2.255"));
        assert!(permits(&list, "::ffff:192.0.2.9"));
        assert!(permits(&list, "2001:db8:1::1"));
        assert!(!permits(&list, "192.0.3.0"));
        assert!(!permits(&list, "2001:db9::1"));
    }

    #[test]
    fn the_narrowest_network_decides() {
        let list = list(&["10.1.0.0/16", "10.0.0.1"], &["10.0.0.0/8", "10.1.2.3", "10.1.3.0/24"]);
        for (address, may) in [
            ("10.2.0.1", false),
            ("10.1.0.1", true),
            ("10.1.2.3", false),
            ("10.1.3.9", false),
            ("10.0.0.1", true),
        ] {
            assert_eq!(permits(&list, address), may, "{address}");
        }
    }

    #[test]
    fn a_denial_wins_over_an_equal_leave() {
        assert!(!permits(&list(&["10.0.0.0/8"], &["10.0.0.0/8"]), "10.0.0.1"));
    }

    #[test]
    fn networks_are_read_and_written_as_people_do() {
        for (text, written) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), written);
        }
        for text in ["", "192.0.2", "192.0.2.0/33", "example.com", "10.0.0.0/8/8", "::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}

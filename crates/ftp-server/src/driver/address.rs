//! The address that a client is told for passive data connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use super::configuration::{DataSettings, Host};
use crate::limit::Network;

/// Chooses the address, and keeps the addresses of names.
pub(super) struct PassiveAddresses {
    fallback: Option<Host>,
    networks: Vec<(Network, Host)>,
    resolved: RwLock<HashMap<String, Vec<IpAddr>>>,
}

impl PassiveAddresses {
    pub(super) fn new(settings: &DataSettings) -> Self {
        Self {
            fallback: settings.passive_address.clone(),
            networks: settings.passive_address_for.clone(),
            resolved: RwLock::default(),
        }
    }

    /// What `client` is told, who reached the server at `local`: an address of the same family.
    pub(super) fn choose(&self, client: IpAddr, local: IpAddr) -> IpAddr {
        let narrowest = self
            .networks
            .iter()
            .filter(|(network, _)| network.contains(client))
            .max_by_key(|(network, _)| network.prefix_length());
        let host = narrowest.map(|(_, host)| host).or(self.fallback.as_ref());
        host.and_then(|host| self.address(host, local)).unwrap_or(local)
    }

    fn address(&self, host: &Host, local: IpAddr) -> Option<IpAddr> {
        let same_family = |address: &IpAddr| address.is_ipv4() == local.is_ipv4();
        match host {
            Host::Address(address) => Some(*address).filter(same_family),
            Host::Name(name) => {
                let resolved = self.resolved.read().unwrap_or_else(PoisonError::into_inner);
                resolved.get(name)?.iter().copied().find(same_family)
            }
        }
    }

    /// Looks all names up again. A name that cannot be resolved keeps what it had, and is named in the result.
    pub(super) async fn refresh(&self) -> Vec<String> {
        let hosts = self.networks.iter().map(|(_, host)| host).chain(self.fallback.as_ref());
        let names: Vec<&String> = hosts
            .filter_map(|host| match host {
                Host::Name(name) => Some(name),
                Host::Address(_) => None,
            })
            .collect();
        let mut failed = Vec::new();
        for name in names {
            match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(found) => {
                    let addresses: Vec<IpAddr> = found.map(|address| address.ip().to_canonical()).collect();
                    let mut resolved = self.resolved.write().unwrap_or_else(PoisonError::into_inner);
                    resolved.insert(name.clone(), addresses);
                }
                Err(error) => failed.push(format!("{name} could not be resolved: {error}")),
            }
        }
        failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_narrowest_network_decides_then_the_fixed_address_then_the_servers_own() {
        let host = |text: &str| Host::Address(address(text));
        let settings = DataSettings {
            passive_address: Some(host("203.0.113.1")),
            passive_address_for: vec![
                ("10.0.0.0/8".parse().unwrap(), host("10.9.9.9")),
                ("10.1.0.0/16".parse().unwrap(), host("10.1.9.9")),
            ],
            ..DataSettings::default()
        };
        let addresses = PassiveAddresses::new(&settings);
        let local = address("192.168.0.1");
        assert_eq!(addresses.choose(address("10.1.2.3"), local), address("10.1.9.9"));
        assert_eq!(addresses.choose(address("10.2.2.3"), local), address("10.9.9.9"));
        assert_eq!(addresses.choose(address("198.51.100.1"), local), address("203.0.113.1"));
        // PASV has no room for an IPv6 address, and an IPv6 client no use for an IPv4 address.
        assert_eq!(addresses.choose(address("2001:db8::1"), address("2001:db8::2")), address("2001:db8::2"));
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let settings = DataSettings {
            passive_address: Some(Host::Name("localhost".to_owned())),
            ..DataSettings::default()
        };
        let addresses = PassiveAddresses::new(&settings);
        let (client, local) = (address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(addresses.choose(client, local), local, "before it is known");
        assert!(addresses.refresh().await.is_empty());
        assert_eq!(addresses.choose(client, local), address("127.0.0.1"));
    }
}

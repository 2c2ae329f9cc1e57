//! Opens TCP connections: to every address of a name, the fastest first (RFC 8305), or through a proxy.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attempt::Attempt;
use super::proxy::{self, Proxy};
use super::stream::Stream;
use crate::error::Error;
use crate::tap::{Purpose, Tap};

/// RFC 8305 section 5: how long an attempt has before the next begins beside it.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 16;

/// When a quiet connection is probed, and how often: a middlebox that forgot it, or a dead peer, shows within two minutes.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(15);

/// Which kind of addresses is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Whichever connects first.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    fn takes(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

/// Connects to `host` for a control connection.
pub(crate) async fn control(
    host: &str,
    port: u16,
    family: Family,
    proxy: Option<&Proxy>,
    tap: Option<&Arc<dyn Tap>>,
    patience: Duration,
) -> Result<Stream, Error> {
    let place = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let connecting = async {
        match proxy {
            None => {
                let (stream, mut attempt) = direct(host, port, family, tap).await?;
                let wire = attempt.opened(stream.local_addr());
                Ok(Stream::plain(stream, wire))
            }
            Some(proxy) => {
                let (stream, _) = direct(&proxy.host, proxy.port, Family::Any, None).await?;
                let stream = proxy::tunnel(stream, proxy, host, port).await;
                let stream = stream.map_err(|error| Error::Proxy {
                    proxy: proxy.to_string(),
                    place: place.clone(),
                    reason: error.to_string(),
                })?;
                let (local, peer) = (stream.local_addr(), stream.peer_addr());
                let wire = peer
                    .ok()
                    .and_then(|peer| Attempt::new(tap.cloned(), Purpose::Control, peer).opened(local));
                Ok(Stream::plain(stream, wire))
            }
        }
    };
    match timeout(patience, connecting).await {
        Ok(connected) => connected,
        Err(_) => {
            let reason = format!("no answer within {} s", patience.as_secs());
            Err(Error::NotConnected { place, reason })
        }
    }
}

/// Connects to `address` for data; through the proxy, if there is one, to `host`.
pub(crate) async fn data(address: SocketAddr, host: String, proxy: Option<Proxy>) -> io::Result<TcpStream> {
    match proxy {
        None => {
            let stream = TcpStream::connect(address).await?;
            // A dead peer shows as a stall, so that a file of few bytes need not pay for keep-alive.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Some(proxy) => {
            let connected = direct(&proxy.host, proxy.port, Family::Any, None).await;
            let (stream, _) = connected.map_err(io::Error::other)?;
            proxy::tunnel(stream, &proxy, &host, address.port()).await
        }
    }
}

async fn direct(
    host: &str,
    port: u16,
    family: Family,
    tap: Option<&Arc<dyn Tap>>,
) -> Result<(TcpStream, Attempt), Error> {
    let not_resolved = |reason: String| Error::NotResolved { host: host.to_owned(), reason };
    let found =
        tokio::net::lookup_host((host, port)).await.map_err(|error| not_resolved(error.to_string()))?;
    let found: Vec<SocketAddr> = found.filter(|address| family.takes(address.ip())).collect();
    let addresses = interleaved(found);
    if addresses.is_empty() {
        let kind = match family {
            Family::Any => "there is none",
            Family::V4 => "there is none of IPv4",
            Family::V6 => "there is none of IPv6",
        };
        return Err(not_resolved(kind.into()));
    }
    race(addresses, tap).await
}

/// One family after the other, beginning with the resolver's first (RFC 8305 section 4).
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut mixed = Vec::new();
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let before = mixed.len();
        mixed.extend(first.next());
        mixed.extend(second.next());
        if mixed.len() == before || mixed.len() >= MOST_ADDRESSES {
            mixed.truncate(MOST_ADDRESSES);
            return mixed;
        }
    }
}

async fn race(addresses: Vec<SocketAddr>, tap: Option<&Arc<dyn Tap>>) -> Result<(TcpStream, Attempt), Error> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure: Option<(SocketAddr, io::Error)> = None;
    loop {
        if let Some(address) = waiting.next() {
            let mut attempt = Attempt::new(tap.cloned(), Purpose::Control, address);
            attempts.spawn(async move {
                let connected = TcpStream::connect(address).await;
                if let Err(error) = &connected {
                    attempt.failed(error);
                }
                (address, connected.map(|stream| (stream, attempt)))
            });
        }
        let more = waiting.len() > 0;
        let ended = tokio::select! {
            ended = attempts.join_next() => ended,
            () = sleep(ATTEMPT_DELAY), if more => continue,
        };
        match ended {
            Some(Ok((_, Ok((stream, attempt))))) => {
                prepare(&stream);
                return Ok((stream, attempt));
            }
            Some(Ok((address, Err(error)))) => failure = Some((address, error)),
            Some(Err(_)) => {}
            None if more => {}
            None => {
                return Err(match failure {
                    Some((address, error)) => {
                        Error::NotConnected { place: address.to_string(), reason: error.to_string() }
                    }
                    None => Error::Cancelled,
                });
            }
        }
    }
}

/// Small commands leave at once, and a dead peer is noticed. A system that allows neither is no reason to fail.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER);
    #[cfg(not(any(windows, target_os = "openbsd")))]
    let keepalive = keepalive.with_interval(KEEPALIVE_EVERY);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let found = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(address).to_vec();
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(address);
        assert_eq!(interleaved(found), expected);
        assert_eq!(interleaved(Vec::new()), []);
        assert_eq!(interleaved(vec![address("1.1.1.1:1"); 40]).len(), MOST_ADDRESSES);
    }
}

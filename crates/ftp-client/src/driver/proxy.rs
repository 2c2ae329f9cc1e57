//! Proxies: SOCKS5 (RFC 1928, RFC 1929) and HTTP CONNECT (RFC 9110 section 9.3.6). The server's name is resolved by the proxy.

use std::fmt;
use std::io;
use std::net::IpAddr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::error::Error;
use crate::text::shown;

/// Longest head of an HTTP proxy's answer in bytes.
const LONGEST_HEAD: usize = 8192;

/// A proxy through which control and data connections go.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks.
    pub kind: ProxyKind,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password, where it asks for them.
    pub login: Option<(String, String)>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// SOCKS version 5.
    Socks5,
    /// CONNECT of HTTP.
    Http,
}

impl Proxy {
    /// Reads `socks5://[user:password@]host[:port]` or `http://…`; the ports are 1080 and 8080 by default.
    ///
    /// # Errors
    /// The text is none of these.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            || Error::Settings(format!("{text} is no proxy; socks5://host:port and http://host:port are"));
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (kind, port) = match scheme {
            "socks5" | "socks5h" | "socks" => (ProxyKind::Socks5, 1080),
            "http" => (ProxyKind::Http, 8080),
            _ => return Err(wrong()),
        };
        let rest = rest.trim_end_matches('/');
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (Some((user.to_owned(), password.to_owned())), place)
            }
            None => (None, rest),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, text)) if !text.ends_with(']') => (host, text.parse().map_err(|_| wrong())?),
            _ => (place, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { kind, host: host.to_owned(), port, login })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Socks5 => "socks5",
            ProxyKind::Http => "http",
        };
        write!(formatter, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Asks the proxy at the other end of `stream` to go on to `host`.
pub(crate) async fn tunnel<S>(mut stream: S, proxy: &Proxy, host: &str, port: u16) -> io::Result<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match proxy.kind {
        ProxyKind::Socks5 => socks5(&mut stream, proxy, host, port).await?,
        ProxyKind::Http => http(&mut stream, proxy, host, port).await?,
    }
    Ok(stream)
}

async fn socks5<S>(stream: &mut S, proxy: &Proxy, host: &str, port: u16) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // RFC 1928 section 3: version, then the methods: none, and user with password.
    let greeting: &[u8] = if proxy.login.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    stream.write_all(greeting).await?;
    let mut chosen = [0; 2];
    stream.read_exact(&mut chosen).await?;
    match (chosen, &proxy.login) {
        ([5, 0], _) => {}
        ([5, 2], Some((user, password))) => {
            // RFC 1929 section 2.
            let mut login = vec![1];
            push_short(&mut login, user.as_bytes())?;
            push_short(&mut login, password.as_bytes())?;
            stream.write_all(&login).await?;
            let mut status = [0; 2];
            stream.read_exact(&mut status).await?;
            if status != [1, 0] {
                return Err(io::Error::other("it refused user and password"));
            }
        }
        ([5, _], _) => return Err(io::Error::other("it wants another way to log in")),
        _ => return Err(io::Error::other("it does not speak SOCKS5")),
    }
    // RFC 1928 section 4: version, CONNECT, reserved, address.
    let mut request = vec![5, 1, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            request.push(3);
            push_short(&mut request, host.as_bytes())?;
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [version, reply, _, kind] = head;
    if version != 5 {
        return Err(io::Error::other("it does not speak SOCKS5"));
    }
    if reply != 0 {
        return Err(io::Error::other(socks5_refusal(reply)));
    }
    let length = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(io::Error::other("it answered with an unknown kind of address")),
    };
    let mut bound = vec![0; length.saturating_add(2)];
    stream.read_exact(&mut bound).await?;
    Ok(())
}

/// A length of one byte, then the bytes.
fn push_short(request: &mut Vec<u8>, text: &[u8]) -> io::Result<()> {
    let length = u8::try_from(text.len()).map_err(|_| io::Error::other("a name of over 255 bytes"))?;
    request.push(length);
    request.extend_from_slice(text);
    Ok(())
}

/// RFC 1928 section 6.
fn socks5_refusal(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "its rules forbid it",
        3 => "the network is unreachable",
        4 => "the host is unreachable",
        5 => "the connection was refused",
        6 => "the time to live expired",
        7 => "it cannot connect",
        8 => "it does not know this kind of address",
        _ => "an unknown failure",
    }
}

async fn http<S>(stream: &mut S, proxy: &Proxy, host: &str, port: u16) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    if authority.bytes().any(|byte| byte <= b' ') {
        return Err(io::Error::other("the host's name cannot be sent"));
    }
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some((user, password)) = &proxy.login {
        let login = BASE64_STANDARD.encode(format!("{user}:{password}"));
        request += &format!("Proxy-Authorization: Basic {login}\r\n");
    }
    request += "\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    // What stands behind the head is the server's, so not a byte more may be read.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD {
            return Err(io::Error::other("its answer does not end"));
        }
        head.push(stream.read_u8().await?);
    }
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let speaks_http = words.next().is_some_and(|version| version.starts_with(b"HTTP/1."));
    match words.next() {
        Some([b'2', _, _]) if speaks_http => Ok(()),
        _ => Err(io::Error::other(format!("it said: {}", shown(line)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_read() {
        let proxy = Proxy::parse("socks5://joe:pass@proxy.example:9050").unwrap();
        assert_eq!((proxy.kind, proxy.host.as_str(), proxy.port), (ProxyKind::Socks5, "proxy.example", 9050));
        assert_eq!(proxy.login, Some(("joe".into(), "pass".into())));
        assert_eq!(Proxy::parse("http://[::1]/").unwrap().port, 8080);
        assert!(!format!("{proxy:?} {proxy}").contains("pass"));
        for wrong in ["proxy:1080", "ftp://proxy", "http://", "http://a:b"] {
            assert!(Proxy::parse(wrong).is_err(), "{wrong}");
        }
    }
}

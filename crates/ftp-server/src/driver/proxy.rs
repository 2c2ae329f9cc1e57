//! The header in which a proxy says whom it speaks for (PROXY protocol, versions 1 and 2).

use std::io;
use std::net::SocketAddr;

use ppp::{HeaderResult, PartialResult as _, v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How version 2 begins.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Longest header of version 1, with its line end.
const LONGEST_LINE: usize = 107;

/// Longest header of version 2 that is read: addresses, and some room for what the proxy adds.
const LONGEST_BINARY: usize = 1024;

/// Whom a proxy speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    /// For a client.
    For {
        /// The client's end.
        client: SocketAddr,
        /// What the client connected to.
        server: SocketAddr,
    },
    /// For itself: a health check (LOCAL, UNKNOWN).
    Itself,
}

/// Reads the header, and no byte more.
pub(super) async fn read_header<R: AsyncRead + Unpin>(socket: &mut R) -> io::Result<Spoken> {
    let mut header = vec![0; SIGNATURE.len()];
    socket.read_exact(&mut header).await?;
    if header == SIGNATURE {
        read_binary(socket, &mut header).await?;
    } else if header.starts_with(b"PROXY ") {
        read_line(socket, &mut header).await?;
    } else {
        return Err(wrong("no PROXY header"));
    }
    match HeaderResult::parse(&header) {
        result if result.is_incomplete() => Err(wrong("the header is cut")),
        HeaderResult::V1(Ok(header)) => Ok(of_line(&header.addresses)),
        HeaderResult::V2(Ok(header)) if header.command == v2::Command::Local => Ok(Spoken::Itself),
        HeaderResult::V2(Ok(header)) => of_binary(&header.addresses),
        HeaderResult::V1(Err(_)) | HeaderResult::V2(Err(_)) => Err(wrong("the header is not understood")),
    }
}

async fn read_binary<R: AsyncRead + Unpin>(socket: &mut R, header: &mut Vec<u8>) -> io::Result<()> {
    let mut fixed = [0; 4];
    socket.read_exact(&mut fixed).await?;
    header.extend_from_slice(&fixed);
    let [_, _, high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_BINARY {
        return Err(wrong("the header is too long"));
    }
    let mut rest = vec![0; length];
    socket.read_exact(&mut rest).await?;
    header.append(&mut rest);
    Ok(())
}

async fn read_line<R: AsyncRead + Unpin>(socket: &mut R, header: &mut Vec<u8>) -> io::Result<()> {
    while !header.ends_with(b"\r\n") {
        if header.len() >= LONGEST_LINE {
            return Err(wrong("the header is too long"));
        }
        header.push(socket.read_u8().await?);
    }
    Ok(())
}

fn of_line(addresses: &v1::Addresses) -> Spoken {
    match addresses {
        v1::Addresses::Tcp4(pair) => Spoken::For {
            client: canonical((pair.source_address, pair.source_port).into()),
            server: canonical((pair.destination_address, pair.destination_port).into()),
        },
        v1::Addresses::Tcp6(pair) => Spoken::For {
            client: canonical((pair.source_address, pair.source_port).into()),
            server: canonical((pair.destination_address, pair.destination_port).into()),
        },
        v1::Addresses::Unknown => Spoken::Itself,
    }
}

fn of_binary(addresses: &v2::Addresses) -> io::Result<Spoken> {
    match addresses {
        v2::Addresses::IPv4(pair) => Ok(Spoken::For {
            client: canonical((pair.source_address, pair.source_port).into()),
            server: canonical((pair.destination_address, pair.destination_port).into()),
        }),
        v2::Addresses::IPv6(pair) => Ok(Spoken::For {
            client: canonical((pair.source_address, pair.source_port).into()),
            server: canonical((pair.destination_address, pair.destination_port).into()),
        }),
        v2::Addresses::Unspecified | v2::Addresses::Unix(_) => Err(wrong("the header names no IP address")),
    }
}

/// An IPv4 address that is written as IPv6 (`::ffff:a.b.c.d`) as what it is.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn wrong(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is understood, and how many bytes are left behind the header.
    async fn read(bytes: &[u8]) -> (io::Result<Spoken>, usize) {
        let mut rest = bytes;
        let result = read_header(&mut rest).await;
        (result, rest.len())
    }

    fn spoken_for(client: &str, server: &str) -> Spoken {
        Spoken::For { client: client.parse().unwrap(), server: server.parse().unwrap() }
    }

    #[tokio::test]
    async fn version_1_is_read_to_its_line_end() {
        let (result, left) = read(b"PROXY TCP4 192.0.2.9 192.0.2.1 40000 21\r\nUSER x\r\n").await;
        assert_eq!(result.unwrap(), spoken_for("192.0.2.9:40000", "192.0.2.1:21"));
        assert_eq!(left, 8);
        let (result, _) = read(b"PROXY TCP6 2001:db8::9 2001:db8::1 40000 21\r\n").await;
        assert_eq!(result.unwrap(), spoken_for("[2001:db8::9]:40000", "[2001:db8::1]:21"));
        assert_eq!(read(b"PROXY UNKNOWN\r\n").await.0.unwrap(), Spoken::Itself);
    }

    #[tokio::test]
    async fn version_2_is_read_to_its_length() {
        let mut header = SIGNATURE.to_vec();
        header.extend_from_slice(&[0x21, 0x11, 0, 15, 192, 0, 2, 9, 192, 0, 2, 1, 0x9c, 0x40, 0, 21]);
        // An addition of the proxy's: type 4 (NOOP), no bytes.
        header.extend_from_slice(&[4, 0, 0]);
        let mut bytes = header.clone();
        bytes.extend_from_slice(b"USER x\r\n");
        let (result, left) = read(&bytes).await;
        assert_eq!(result.unwrap(), spoken_for("192.0.2.9:40000", "192.0.2.1:21"));
        assert_eq!(left, 8);
        header[12] = 0x20;
        assert_eq!(read(&header).await.0.unwrap(), Spoken::Itself);
    }

    #[tokio::test]
    async fn what_is_no_header_or_too_long_is_refused() {
        assert!(read(b"USER anonymous\r\nPASS x\r\n").await.0.is_err());
        let mut endless = b"PROXY TCP4 ".to_vec();
        endless.resize(4096, b'1');
        let (result, left) = read(&endless).await;
        assert!(result.is_err());
        assert_eq!(left, 4096 - LONGEST_LINE);
        let mut long = SIGNATURE.to_vec();
        long.extend_from_slice(&[0x21, 0x11, 0xff, 0xff]);
        long.resize(70_000, 0);
        let (result, left) = read(&long).await;
        assert!(result.is_err());
        assert_eq!(left, 70_000 - 16);
        assert!(read(b"PROXY TCP4 192.0.2.9").await.0.is_err(), "cut");
    }
}

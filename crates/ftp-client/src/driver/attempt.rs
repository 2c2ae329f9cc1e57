//! A connection that is being opened, for whoever is told of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use super::stream::Watched;
use crate::tap::{Connection, Party, Purpose, Tap};

/// A connection that is being opened. Dropped before it came to anything, it was not answered.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Who is to be told, until that has been done.
    tap: Option<Arc<dyn Tap>>,
    connection: Connection,
}

impl Attempt {
    /// The client wants a connection to `server`.
    pub(super) fn new(tap: Option<Arc<dyn Tap>>, purpose: Purpose, server: SocketAddr) -> Self {
        let server = canonical(server);
        let unknown = match server {
            SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        let connection =
            Connection { purpose, by: Party::Client, client: SocketAddr::new(unknown, 0), server };
        Self { tap, connection }
    }

    /// The server has opened it.
    pub(super) fn by_server(mut self) -> Self {
        self.connection.by = Party::Server;
        self
    }

    /// The client's address, which is known before its port is.
    pub(super) fn at_address(mut self, client: IpAddr) -> Self {
        self.connection.client = canonical(SocketAddr::new(client, 0));
        self
    }

    /// It is there, and this is the client's end.
    pub(super) fn opened(&mut self, client: io::Result<SocketAddr>) -> Watched {
        if let Ok(client) = client {
            self.connection.client = canonical(client);
        }
        self.tap.take().map(|tap| tap.opened(self.connection))
    }

    /// It will not be there.
    pub(super) fn failed(&mut self, error: &io::Error) {
        if let Some(tap) = self.tap.take() {
            tap.not_opened(self.connection, error.kind() == io::ErrorKind::ConnectionRefused);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(tap) = self.tap.take() {
            tap.not_opened(self.connection, false);
        }
    }
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

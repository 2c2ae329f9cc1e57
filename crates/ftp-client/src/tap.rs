//! What crosses the sockets of sessions, for whoever wants to record it: after decryption, with the passwords in it.

use std::fmt::Debug;
use std::net::SocketAddr;

/// Is told of every connection of a session's. Connections to proxies, and what is said to these, are none of them.
pub trait Tap: Debug + Send + Sync {
    /// A connection was opened. What it gives is told what crosses, at the moment when it does.
    fn opened(&self, connection: Connection) -> Box<dyn Wire>;

    /// A connection could not be opened; `refused` if that was said, otherwise nobody answered.
    fn not_opened(&self, connection: Connection, refused: bool);
}

/// Is told of one connection. Dropped without [`Wire::ended`], the client has closed it.
pub trait Wire: Debug + Send {
    /// Bytes came, or left.
    fn moved(&mut self, by: Party, bytes: &[u8]);

    /// It is over; `reset` if it was cut off.
    fn ended(&mut self, by: Party, reset: bool);
}

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// What it is for.
    pub purpose: Purpose,
    /// Who opened it, or wanted to.
    pub by: Party,
    /// The client's end. Where it never came to be, the port is 0, and the address may be unspecified.
    pub client: SocketAddr,
    /// The server's end.
    pub server: SocketAddr,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Commands and replies.
    Control,
    /// A file or listing.
    Data,
}

/// One of both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// This end.
    Client,
    /// The other one.
    Server,
}

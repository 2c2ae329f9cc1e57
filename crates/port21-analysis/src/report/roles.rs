//! Who is who: client and server at the ends of a session's connections, and its replies in one row.

use std::fmt;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Connection, Direction, Endpoint, Mode, PerEnd, Reply, Session, Side, Transfer};

/// A party of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// Sends commands.
    Client,
    /// Sends replies.
    Server,
}

impl Party {
    /// The other one.
    pub fn other(self) -> Party {
        match self {
            Party::Client => Party::Server,
            Party::Server => Party::Client,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Party::Client => "client",
            Party::Server => "server",
        })
    }
}

/// "192.0.2.1:21", `[2001:db8::1]:21`.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(formatter)
    }
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Initiator => Side::Responder,
            Side::Responder => Side::Initiator,
        }
    }
}

impl<T> PerEnd<T> {
    /// The value of one end.
    pub fn at(&self, side: Side) -> &T {
        match side {
            Side::Initiator => &self.initiator,
            Side::Responder => &self.responder,
        }
    }
}

impl Connection {
    /// Address and port of one end.
    pub fn endpoint(&self, side: Side) -> Endpoint {
        match side {
            Side::Initiator => self.initiator,
            Side::Responder => self.responder,
        }
    }
}

impl Transfer {
    /// Whether it runs between two servers, so that neither end of its data connection is the client.
    pub fn is_server_to_server(&self) -> bool {
        self.direction == Some(Direction::ServerToServer) || self.counterpart.is_some()
    }
}

impl Session {
    /// The client's end of the control connection. Without a handshake the sender of the first packet counts as the
    /// initiator, which may well be the server.
    pub fn control_side_of_client(&self) -> Side {
        if self.control.responder == self.client && self.control.initiator != self.client {
            Side::Responder
        } else {
            Side::Initiator
        }
    }

    /// The party at one end of the control connection.
    pub fn control_party(&self, side: Side) -> Party {
        if side == self.control_side_of_client() { Party::Client } else { Party::Server }
    }

    /// The end of a transfer's data connection that belongs to this session's server; the other one is the client's,
    /// or the other server's. `None`: no data connection, or nothing tells its ends apart.
    pub fn data_side_of_server(&self, transfer: &Transfer) -> Option<Side> {
        let data = transfer.data.as_ref()?;
        let initiator_is_server = data.initiator.address == self.server.address;
        let responder_is_server = data.responder.address == self.server.address;
        let announced = transfer.setup.as_ref().and_then(|setup| setup.port);
        let listener = match (announced == Some(data.initiator.port), announced == Some(data.responder.port))
        {
            (true, false) => Some(Side::Initiator),
            (false, true) => Some(Side::Responder),
            _ if data.handshake.syn.is_some() => Some(Side::Responder),
            _ => None,
        };
        match (listener, transfer.mode) {
            (Some(listener), Some(Mode::Active | Mode::ExtendedActive)) => Some(listener.other()),
            (Some(listener), Some(Mode::Passive | Mode::ExtendedPassive)) => Some(listener),
            _ if initiator_is_server && !responder_is_server => Some(Side::Initiator),
            _ if responder_is_server && !initiator_is_server => Some(Side::Responder),
            _ => None,
        }
    }

    /// Every reply of the session, the greeting included, in the order of the server's stream, each once.
    pub fn replies(&self) -> Vec<&Reply> {
        let mut replies: Vec<&Reply> = Vec::with_capacity(self.exchanges.len() + 1);
        replies.extend(&self.greeting);
        replies.extend(self.exchanges.iter().flat_map(|exchange| &exchange.replies));
        replies.sort_by_key(|reply| (reply.sequence, reply.packet));
        replies.dedup_by_key(|reply| (reply.sequence, reply.packet));
        replies
    }
}

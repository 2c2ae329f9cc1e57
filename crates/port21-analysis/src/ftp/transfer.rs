//! Announcements of data connections and the transfers that use them, while a session goes on.

use std::net::IpAddr;
use std::sync::Arc;

use ftp_protocol::Verb;

use super::content::Content;
use super::stage::is_opened;
use crate::report::{Mode, Pairing, ReplyRef, Type};
use crate::tcp::{Connection, End};

/// Announcements and transfers are known by their place in their session.
pub type Index = usize;

/// One announcement of a data connection: PORT, PASV and their kin.
#[derive(Debug)]
pub struct Announcement {
    /// The command, if it was seen.
    pub verb: Option<Verb>,
    /// Active or passive; extended or not.
    pub mode: Mode,
    /// Packet of the command.
    pub command_packet: Option<u64>,
    /// Packet of its reply.
    pub reply_packet: Option<u64>,
    /// Time of the packet that announced it.
    pub time: i64,
    /// Announced address; `None` for EPSV.
    pub address: Option<IpAddr>,
    /// Announced port, once known.
    pub port: Option<u16>,
    /// High and low byte of the port, as PORT and PASV give them.
    pub bytes: Option<(u8, u8)>,
    /// The announcing text as sent.
    pub text: Option<Vec<u8>>,
    /// The server refused it.
    pub failed: bool,
    /// Connections that were opened as announced and that no transfer has used yet, in order: streams.
    pub unused: Vec<u64>,
    /// Transfers that use it, in order, and how many of them wait for no connection.
    pub transfers: Vec<Index>,
    pub served: usize,
    /// How many of them were not refused.
    pub uses: usize,
}

impl Announcement {
    /// A new one, not yet answered.
    pub fn new(verb: Option<Verb>, mode: Mode, command_packet: Option<u64>, time: i64) -> Self {
        Announcement {
            verb,
            mode,
            command_packet,
            reply_packet: None,
            time,
            address: None,
            port: None,
            bytes: None,
            text: None,
            failed: false,
            unused: Vec::new(),
            transfers: Vec::new(),
            served: 0,
            uses: 0,
        }
    }

    /// Whether the server listens.
    pub fn is_passive(&self) -> bool {
        matches!(self.mode, Mode::Passive | Mode::ExtendedPassive)
    }

    /// The packet that announced it: the reply where the server listens, else the command.
    pub fn packet(&self) -> Option<u64> {
        if self.is_passive() { self.reply_packet } else { self.command_packet }
    }
}

/// One transfer, while its session goes on.
#[derive(Debug)]
pub struct Pending {
    /// The command; `None` where it is not in the capture.
    pub verb: Option<Verb>,
    /// Its argument.
    pub argument: Option<Vec<u8>>,
    /// Its path, joined to the working directory.
    pub path: Option<Vec<u8>>,
    /// The announcement in force.
    pub announcement: Option<Index>,
    /// Streams tried for it, in order.
    pub streams: Vec<u64>,
    /// Packet and time of the command.
    pub command: Option<(u64, i64)>,
    /// Preliminary reply.
    pub opening: Option<ReplyRef>,
    /// Final reply, with its time.
    pub closing: Option<ReplyRef>,
    /// Time of the final reply.
    pub closing_time: Option<i64>,
    /// Representation type in force.
    pub representation: Type,
    /// Whether it was seen to be set.
    pub type_seen: bool,
    /// Argument of REST.
    pub restart: Option<u64>,
    /// Announced size: bytes, by what, packet.
    pub expected: Option<(u64, &'static str, u64)>,
    /// PROT P was in force.
    pub protected: bool,
    /// MODE S was in force: the bytes on the wire are the file's (RFC 959, section 3.4).
    pub stream_mode: bool,
}

impl Pending {
    /// A reply that refuses the command before anything was begun: no transfer came of it.
    pub fn is_refused(&self) -> bool {
        // 425 and 426 say what became of the data connection (RFC 959, section 4.2.2): something was begun.
        let refusal = |code| code >= 400 && code != 425 && code != 426;
        self.opening.is_none() && self.closing.is_some_and(|reply| reply.code.is_some_and(refusal))
    }
}

/// What became of a data connection.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The connection.
    pub connection: Arc<Connection>,
    /// How it was found.
    pub pairing: Pairing,
    /// What each end sent, by [`End`].
    pub contents: Arc<[Content; 2]>,
    /// The session (by id) and transfer of the other server, in a server-to-server transfer.
    pub shared_with: Vec<u64>,
}

impl Ended {
    /// Whether the connection came to be.
    pub fn is_opened(&self) -> bool {
        is_opened(&self.connection)
    }

    /// Packet of an ICMP message that said why it could not be opened.
    pub fn unreachable(&self) -> Option<u64> {
        self.connection.unreachable.map(|(packet, _, _)| packet)
    }

    /// The end that sent the data: the one that sent more.
    pub fn sender(&self) -> Option<End> {
        let [initiator, responder] = &*self.contents;
        match initiator.length.cmp(&responder.length) {
            std::cmp::Ordering::Greater => Some(End::Initiator),
            std::cmp::Ordering::Less => Some(End::Responder),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// What `end` sent.
    pub fn content(&self, end: End) -> &Content {
        let [initiator, responder] = &*self.contents;
        match end {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }

    /// Bytes that were sent by either end.
    pub fn bytes(&self) -> u64 {
        self.contents.iter().map(|content| content.length).sum()
    }
}

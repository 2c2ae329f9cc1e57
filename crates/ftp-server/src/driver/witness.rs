//! Who listens to a dialogue: an observer that wants its lines, a file that takes it as a capture. Of data connections the file is told
//! when they were there and how much crossed: what crossed lies in the store, and would make the file as large as that.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use port21_capture::write::{Flow, Side, beginning};

use super::lines::Lines;
use super::shared::Shared;
use crate::session::TransferError;

/// What the capture says about itself.
const COMMENT: &str = "Control connections of an FTP server as seen at its sockets, after decryption, and of data connections how much \
                       crossed. IP and TCP headers are made up: sequence numbers, acknowledgments and segment bounds are not those of \
                       the wire.";

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    /// The client, who opened the control connection.
    Client,
    /// The server.
    Server,
}

impl Speaker {
    fn side(self) -> Side {
        match self {
            Self::Client => Side::Initiator,
            Self::Server => Side::Responder,
        }
    }
}

/// A file that dialogues are written to.
pub(super) struct CaptureFile(Mutex<Option<Box<dyn Write + Send>>>);

impl CaptureFile {
    pub(super) fn new(file: Box<dyn Write + Send>) -> Self {
        let file = Self(Mutex::new(Some(file)));
        file.write(&beginning(COMMENT));
        file
    }

    /// A data connection was opened, by the client if it is `passive`. `ends` are the server's and the client's.
    pub(super) fn data_begins(&self, (server, client): (SocketAddr, SocketAddr), passive: bool) -> DataFlow {
        let (initiator, responder) = if passive { (client, server) } else { (server, client) };
        let (flow, blocks) = Flow::begin(initiator, responder, SystemTime::now());
        self.write(&blocks);
        DataFlow { flow, passive }
    }

    /// It is over: so many bytes came from `sender`.
    pub(super) fn data_ends(&self, data: DataFlow, sender: Speaker, bytes: u64, end: DataEnd) {
        let DataFlow { mut flow, passive } = data;
        let side = |speaker: Speaker| if passive { speaker.side() } else { speaker.side().other() };
        let now = SystemTime::now();
        let mut blocks = flow.skip(side(sender), bytes, now);
        blocks.extend(match end {
            DataEnd::Closed(first) => flow.end(side(first), now),
            DataEnd::Reset(first) => flow.reset(side(first), now),
        });
        self.write(&blocks);
    }

    /// Writes whole blocks. After an error nothing more is written: blocks behind half a block could not be read.
    fn write(&self, blocks: &[u8]) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = file.as_mut()
            && writer.write_all(blocks).and_then(|()| writer.flush()).is_err()
        {
            *file = None;
        }
    }
}

/// How a data connection ended, and who ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DataEnd {
    Closed(Speaker),
    Reset(Speaker),
}

impl DataEnd {
    /// The end of a connection on which `sender` sent, by what the transfer failed with.
    pub(super) fn of(sender: Speaker, failure: Option<&TransferError>) -> Self {
        match failure {
            None => Self::Closed(sender),
            Some(TransferError::Broken) => Self::Reset(Speaker::Client),
            Some(TransferError::Truncated) => Self::Closed(Speaker::Client),
            // The server gave up. A socket that is closed over bytes that nobody has read sends a reset (RFC 2525, section 2.17).
            Some(_) if sender == Speaker::Client => Self::Reset(Speaker::Server),
            Some(_) => Self::Closed(Speaker::Server),
        }
    }
}

/// A data connection in the file.
pub(super) struct DataFlow {
    flow: Flow,
    /// The client has opened it.
    passive: bool,
}

/// Listens to one dialogue.
pub(super) struct Witness {
    lines: Option<Lines>,
    flow: Option<Flow>,
}

impl Witness {
    /// Somebody who listens, if anybody wants to.
    pub(super) fn of(shared: &Shared, client: SocketAddr, server: SocketAddr) -> Option<Box<Self>> {
        let lines = shared.wants_lines.then(Lines::default);
        let flow = shared.capture.as_ref().map(|file| {
            let (flow, blocks) = Flow::begin(client, server, SystemTime::now());
            file.write(&blocks);
            flow
        });
        (lines.is_some() || flow.is_some()).then(|| Box::new(Self { lines, flow }))
    }

    /// Something was said. Gives the lines that it ends.
    pub(super) fn hear(&mut self, shared: &Shared, speaker: Speaker, bytes: &[u8]) -> Vec<String> {
        if let (Some(flow), Some(file)) = (&mut self.flow, &shared.capture) {
            file.write(&flow.say(speaker.side(), bytes, SystemTime::now()));
        }
        match (&mut self.lines, speaker) {
            (Some(lines), Speaker::Client) => lines.hear_client(bytes),
            (Some(lines), Speaker::Server) => lines.hear_server(bytes),
            (None, _) => Vec::new(),
        }
    }

    /// The dialogue is over.
    pub(super) fn end(&mut self, shared: &Shared, first: Speaker) {
        if let (Some(flow), Some(file)) = (&mut self.flow, &shared.capture) {
            file.write(&flow.end(first.side(), SystemTime::now()));
        }
    }
}

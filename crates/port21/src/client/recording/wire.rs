//! One connection of a recording.

use std::sync::Arc;
use std::time::SystemTime;

use ftp_client::tap::{Connection, Party, Purpose, Wire};
use ftp_protocol::command::is_guest;
use port21_capture::write::{Flow, Side};

use super::tape::Tape;
use crate::client::secret;

/// Bytes of a data connection that are kept; those behind are counted.
const DATA_KEPT: u64 = 64 << 10;

/// Longest line that waits for its end; a longer one is written in pieces. Longer than any command of the client's that holds a
/// secret.
const LONGEST_LINE: usize = 8 << 10;

/// Writes one connection.
#[derive(Debug)]
pub struct Recorded {
    flow: Flow,
    tape: Arc<Tape>,
    purpose: Purpose,
    /// The client has opened it.
    by_client: bool,
    ended: bool,
    /// A command whose end has not been sent yet.
    command: Vec<u8>,
    /// The words that the last command set as passwords, which the server may repeat.
    secrets: Vec<Vec<u8>>,
    /// A line of a reply whose end has not come yet, where it may hold one of them.
    reply: Vec<u8>,
    /// Who logs in may be anyone, and the password is none.
    guest: bool,
    /// Bytes of data so far.
    bytes: u64,
    /// Bytes of data that were left out since the last packet, and who sent them.
    left_out: u64,
    sender: Party,
}

impl Recorded {
    /// A connection that has begun.
    pub fn new(flow: Flow, connection: &Connection, tape: Arc<Tape>) -> Self {
        Self {
            flow,
            tape,
            purpose: connection.purpose,
            by_client: connection.by == Party::Client,
            ended: false,
            command: Vec::new(),
            secrets: Vec::new(),
            reply: Vec::new(),
            guest: false,
            bytes: 0,
            left_out: 0,
            sender: Party::Server,
        }
    }

    fn side(&self, party: Party) -> Side {
        if (party == Party::Client) == self.by_client { Side::Initiator } else { Side::Responder }
    }

    fn say(&mut self, by: Party, bytes: &[u8]) {
        let side = self.side(by);
        self.tape.add(self.flow.say(side, bytes, SystemTime::now()));
    }

    /// Writes whole commands, so that no half of a password is taken for something else.
    fn commands(&mut self, bytes: &[u8]) {
        self.command.extend_from_slice(bytes);
        while let Some(line) = next_line(&mut self.command) {
            let line = self.without_secret(line);
            self.say(Party::Client, &line);
        }
    }

    /// Writes replies: whole lines where a secret may stand in them.
    fn replies(&mut self, bytes: &[u8]) {
        if self.secrets.is_empty() && self.reply.is_empty() {
            return self.say(Party::Server, bytes);
        }
        self.reply.extend_from_slice(bytes);
        while let Some(line) = next_line(&mut self.reply) {
            self.reply(line);
        }
    }

    fn reply(&mut self, line: Vec<u8>) {
        let shown = secret::hidden_in_reply(&line, &self.secrets);
        let shown = shown.map_or(line, |hidden| [hidden.as_slice(), b"\r\n"].concat());
        self.say(Party::Server, &shown);
    }

    fn without_secret(&mut self, line: Vec<u8>) -> Vec<u8> {
        if line.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"USER ")) {
            self.guest = is_guest(line.get(5..).unwrap_or_default().trim_ascii_end());
        }
        // A guest logs in with no secret; what SITE sets is one all the same.
        let is_site = line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"SITE"));
        // A reply that has not ended is still of the command before.
        if self.reply.is_empty() {
            self.secrets.clear();
        }
        if is_site {
            self.secrets.extend(secret::words(&line));
        }
        match secret::hidden(&line).filter(|_| is_site || !self.guest) {
            Some(hidden) => [hidden.as_slice(), b"\r\n"].concat(),
            None => line,
        }
    }

    fn data(&mut self, by: Party, bytes: &[u8]) {
        let left = usize::try_from(DATA_KEPT.saturating_sub(self.bytes)).unwrap_or(usize::MAX);
        let (kept, counted) = bytes.split_at(left.min(bytes.len()));
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if !kept.is_empty() {
            self.say(by, kept);
            let receiver = self.side(by).other();
            self.tape.add(self.flow.acknowledge(receiver, SystemTime::now()));
        }
        self.sender = by;
        self.left_out = self.left_out.saturating_add(counted.len() as u64);
    }

    /// Writes that so much has been left out.
    fn skip(&mut self) {
        let (side, count) = (self.side(self.sender), std::mem::take(&mut self.left_out));
        self.tape.add(self.flow.skip(side, count, SystemTime::now()));
    }
}

/// The next whole line of what waits, or all of it if that is too much to wait.
fn next_line(waiting: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = waiting.iter().position(|&byte| byte == b'\n');
    let end = end.map(|end| end.saturating_add(1));
    let end = end.or_else(|| Some(waiting.len()).filter(|&length| length > LONGEST_LINE))?;
    let rest = waiting.split_off(end);
    Some(std::mem::replace(waiting, rest))
}

impl Wire for Recorded {
    fn moved(&mut self, by: Party, bytes: &[u8]) {
        match (self.purpose, by) {
            (Purpose::Control, Party::Client) => self.commands(bytes),
            (Purpose::Control, Party::Server) => self.replies(bytes),
            (Purpose::Data, _) => self.data(by, bytes),
        }
    }

    fn ended(&mut self, by: Party, reset: bool) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.skip();
        let reply = std::mem::take(&mut self.reply);
        if !reply.is_empty() {
            self.reply(reply);
        }
        let (side, now) = (self.side(by), SystemTime::now());
        let blocks = if reset { self.flow.reset(side, now) } else { self.flow.end(side, now) };
        self.tape.add(blocks);
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.ended(Party::Client, false);
    }
}

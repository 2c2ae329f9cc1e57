//! The first pass: what is known only once everything was read. Which streams belong to which session, where passwords
//! stand, and, of one packet, everything that it is part of.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use port21_analysis::report::{self, Session, Transfer};
use port21_analysis::tcp::{Chunk, Connection, End, Gap, Interest, Judgement, Limits, Sink, Tracker};
use port21_capture::{Decoded, Timestamp, Transport};

use super::masks::Masks;
use crate::input::{self, Prepare, Receiver};
use crate::outcome::Completeness;

/// Streams of FTP sessions that are remembered as such.
const ROLE_LIMIT: usize = 1 << 20;

/// Names asked of DNS that are remembered as a session's.
const NAME_LIMIT: usize = 1 << 16;

/// What a stream is in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Number of the session.
    pub session: u64,
    /// What it carries.
    pub carries: Carries,
}

/// What a stream of a session carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carries {
    /// Commands and replies.
    Control {
        /// Address and port of the FTP client.
        client: (IpAddr, u16),
        /// First packet with TLS, first packet in the clear again, and the version's name.
        tls: Option<(u64, Option<u64>, String)>,
    },
    /// Files and listings.
    Data {
        /// Number of the transfer in its session; `None`: opened, but not used.
        transfer: Option<u64>,
        /// How it was announced and by which command it was asked for: "(PASV) (RETR file)". Not escaped.
        words: String,
    },
}

/// What the first pass found out.
#[derive(Debug)]
pub struct Survey {
    /// Streams of FTP sessions.
    pub roles: HashMap<u64, Role>,
    /// Sessions whose server a packet asks DNS for, or names.
    pub names: HashMap<u64, HashSet<u64>>,
    /// Places of passwords.
    pub masks: Masks,
    /// Whether all is complete, for `--strict`.
    pub completeness: Completeness,
    /// The packet that is to be taken apart.
    pub target: Target,
    /// Roles that were not remembered because there were too many.
    pub dropped: u64,
    /// Packets read.
    pub packets: u64,
    /// TCP connections.
    pub streams: u64,
    /// Sessions that ended.
    pub sessions: u64,
    watch: Option<Tracker>,
}

/// One packet, and what it is part of.
#[derive(Debug, Default)]
pub struct Target {
    /// Its number; `None`: no packet is to be taken apart.
    pub packet: Option<u64>,
    /// Its stream.
    pub stream: Option<u64>,
    /// Ends of the packet that it quotes, if it says that this could not be delivered.
    quoted: Option<[(IpAddr, u16); 2]>,
    /// Its connection, as it was when it ended.
    pub connection: Option<Connection>,
    /// Its session, or the one whose server it names, or about whose connection it says that it cannot be reached.
    pub session: Option<Session>,
}

impl Target {
    fn is_of(&self, connection: &report::Connection) -> bool {
        let ends = [connection.initiator, connection.responder].map(|end| (end.address, end.port));
        let quotes = |quoted: [(IpAddr, u16); 2]| ends.iter().all(|end| quoted.contains(end));
        self.stream == Some(connection.stream) || self.quoted.is_some_and(quotes)
    }
}

impl Survey {
    /// Nothing seen yet; `packet` is the one to be taken apart.
    pub fn new(show_passwords: bool, packet: Option<u64>, limits: Limits) -> Survey {
        Survey {
            roles: HashMap::new(),
            names: HashMap::new(),
            masks: Masks::new(show_passwords),
            completeness: Completeness::default(),
            target: Target { packet, ..Target::default() },
            dropped: 0,
            packets: 0,
            streams: 0,
            sessions: 0,
            watch: Some(Tracker::new(limits)),
        }
    }

    /// Everything was read.
    pub fn finish(&mut self) {
        if let Some(mut tracker) = self.watch.take() {
            self.streams = tracker.connections_seen();
            tracker.finish(self);
        }
        let data = self.roles.iter().filter(|(_, role)| matches!(role.carries, Carries::Data { .. }));
        for stream in data.map(|(stream, _)| *stream).collect::<Vec<_>>() {
            self.masks.forget(stream);
        }
    }

    fn assign(&mut self, stream: u64, role: Role) {
        if self.roles.len() >= ROLE_LIMIT {
            self.dropped += 1;
            return;
        }
        self.roles.insert(stream, role);
    }

    /// Whether the packet to be taken apart belongs to `session`.
    fn holds_target(&self, session: &Session) -> bool {
        let Some(packet) = self.target.packet else { return false };
        let names = [session.server.name_packet, session.server.name_query_packet];
        let data = session.transfers.iter().filter_map(|transfer| transfer.data.as_ref());
        let mut all = data.chain(&session.unused_data_connections).chain([&session.control]);
        names.contains(&Some(packet)) || all.any(|connection| self.target.is_of(connection))
    }
}

impl Receiver for Survey {
    type Prepared = Session;

    fn preparation(&self) -> Prepare<Session> {
        input::as_it_is()
    }

    fn packet(&mut self, decoded: &Decoded<'_>) -> anyhow::Result<()> {
        self.packets = decoded.packet;
        // Taken out while it is at work, because it talks to the rest.
        let Some(mut tracker) = self.watch.take() else { return Ok(()) };
        match (&decoded.transport, decoded.addresses) {
            (Some(Transport::Tcp(segment)), Some(_)) => tracker.segment(decoded, segment, self),
            (Some(Transport::Unreachable { kind, code, quoted_tcp: Some(quoted) }), _) => {
                tracker.unreachable(decoded, *quoted, *kind, *code);
                if self.target.packet == Some(decoded.packet) {
                    self.target.quoted = Some([(quoted.0, quoted.1), (quoted.2, quoted.3)]);
                }
            }
            _ => {}
        }
        self.watch = Some(tracker);
        Ok(())
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        self.completeness.look_at(&session);
        self.sessions += 1;
        let id = session.id;
        let control =
            Carries::Control { client: (session.client.address, session.client.port), tls: tls(&session) };
        self.assign(session.control.stream, Role { session: id, carries: control });
        for transfer in &session.transfers {
            if let Some(data) = &transfer.data {
                let (transfer, words) = (Some(transfer.index), words(transfer));
                self.assign(data.stream, Role { session: id, carries: Carries::Data { transfer, words } });
            }
        }
        for unused in &session.unused_data_connections {
            let carries = Carries::Data { transfer: None, words: String::new() };
            self.assign(unused.stream, Role { session: id, carries });
        }
        let names = [session.server.name_packet, session.server.name_query_packet];
        for packet in names.into_iter().flatten() {
            if self.names.len() < NAME_LIMIT {
                self.names.entry(packet).or_default().insert(id);
            }
        }
        if self.holds_target(&session) {
            self.target.session = Some(session);
        }
        Ok(())
    }
}

fn tls(session: &Session) -> Option<(u64, Option<u64>, String)> {
    let tls = session.tls.as_ref()?;
    let version =
        tls.version.as_deref().map_or_else(|| "TLS".to_owned(), |name| name.replace("TLS ", "TLSv"));
    Some((tls.first_packet?, tls.cleared_packet, version))
}

/// As Wireshark writes it behind the length of FTP data.
fn words(transfer: &Transfer) -> String {
    let setup = transfer.setup.as_ref().map(|setup| format!(" ({})", setup.verb)).unwrap_or_default();
    let verb = transfer.verb.as_deref().map(|verb| match &transfer.argument {
        Some(argument) => format!(" ({verb} {argument})"),
        None => format!(" ({verb})"),
    });
    format!("{setup}{}", verb.unwrap_or_default())
}

impl Sink for Survey {
    fn opened(&mut self, _: &Connection) {}

    fn packet(&mut self, _: &Connection, _: u64, _: Timestamp, _: End, _: u32) {}

    fn judged(&mut self, connection: &Connection, judgement: &Judgement) {
        if self.target.packet == Some(judgement.packet) {
            self.target.stream = Some(connection.stream);
        }
    }

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        self.masks.data(connection, from, &chunk);
        Interest::Keep
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        self.masks.gap(connection, from, gap);
    }

    fn acknowledged(&mut self, _: &Connection, _: End, _: u64, _: u64) {}

    fn finished(&mut self, _: &Connection, _: End, _: u64) {}

    fn ended(&mut self, connection: Connection) {
        self.masks.ended(&connection);
        let told = connection.unreachable.map(|(packet, _, _)| packet);
        if self.target.packet.is_some() && told == self.target.packet {
            self.target.stream = Some(connection.stream);
        }
        if self.target.stream == Some(connection.stream) {
            self.target.connection = Some(connection);
        }
    }
}

/// The transfer of a session that a stream carries.
pub fn transfer_on(session: &Session, stream: u64) -> Option<&Transfer> {
    let carries = |transfer: &&Transfer| transfer.data.as_ref().is_some_and(|data| data.stream == stream);
    session.transfers.iter().find(carries)
}

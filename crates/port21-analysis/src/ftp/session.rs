//! One FTP session while it goes on: who speaks, what was said, and what is still expected.
//!
//! ```text
//! Control::next() ──▶ Session::said ──▶ transcript  (dialogue.rs: which reply answers which command)
//!                                  └──▶ effects     (effects.rs: login, directory, type, announcements, transfers)
//! data connections ──▶ claim / ended ──▶ transfers  (here)
//! end of the control connection ──▶ build.rs ──▶ report::Session
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use ftp_protocol::Verb;
use port21_capture::{Scope, Timestamp};

use super::build::Wanted;
use super::control::{Control, Room, Said, Saying, Speaker};
use super::memory::Memory;
use super::transcript::{FIRST_SAID, KeptReply, Transcript};
use super::transfer::{Announcement, Ended, Index, Pending};
use crate::limits::{Dropped, FtpLimits, Loss};
use crate::report::{Endpoint, Login, NameSource, Note, Protocol, Type};
use crate::tcp::End;

/// About what an exchange, a data connection, or another thing that is remembered takes up beside its text, in bytes.
const OVERHEAD: usize = 512;

/// So many transfers, the last ones, are looked at for the one that a connection belongs to.
const ATTEMPTS: usize = 64;

/// What the rest of the stage has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// A data connection was announced: watch for it.
    Announced(Index),
    /// An announcement is void.
    Withdrawn(Index),
}

/// A transfer without a data connection, and what is known of the one that it must have had.
#[derive(Debug, Clone, Copy)]
pub struct Unpaired {
    /// Which transfer.
    pub transfer: Index,
    /// Time of its command.
    pub from: Option<i64>,
    /// Time of its final reply.
    pub until: Option<i64>,
    /// Whether the client sent the data.
    pub upload: Option<bool>,
}

/// The server's name, and how it is known.
#[derive(Debug, Clone)]
pub struct ServerName {
    /// The name.
    pub name: String,
    /// Packet that tells.
    pub packet: u64,
    /// Packet that asked.
    pub query_packet: Option<u64>,
    /// How.
    pub source: NameSource,
}

/// One FTP session.
#[derive(Debug)]
pub struct Session {
    /// 1-based.
    pub id: u64,
    /// The client's end of the control connection.
    pub client: Endpoint,
    /// The server's.
    pub server: Endpoint,
    /// Which end of the TCP connection the client is.
    pub client_end: End,
    /// The dialogue.
    pub control: Control,
    /// Time of the capture's first packet.
    pub epoch: Timestamp,
    /// Time of the control connection's first packet.
    pub began: i64,
    /// What its report gives.
    pub wanted: Wanted,
    /// Whether the control connection was seen from its beginning.
    pub from_the_beginning: bool,
    /// The server's name.
    pub name: Option<ServerName>,
    /// What protects the control connection.
    pub protocol: Protocol,
    /// Packet of the AUTH command that was accepted.
    pub auth_packet: Option<u64>,
    /// First packet with TLS, first packet in the clear again.
    pub tls_packets: (Option<u64>, Option<u64>),
    /// Commands are enciphered within the dialogue (MIC, CONF, ENC: RFC 2228).
    pub is_enciphered: bool,
    /// VLANs and tunnel of the control connection.
    pub scope: Scope,
    /// Something of the dialogue is not in the capture.
    pub has_gaps: bool,

    pub(super) transcript: Transcript,
    pub(super) greeting: Option<KeptReply>,
    pub(super) memories: Vec<Memory>,
    pub(super) pending: VecDeque<Index>,
    pub(super) gap_since_reply: bool,
    pub(super) client_gap: u64,
    pub(super) logins: Vec<Login>,
    /// Packet that accepted the first login, where no data connection can have come before it; else 0.
    pub(super) logged_in: u64,
    pub(super) directory: Option<Vec<u8>>,
    pub(super) representation: Type,
    pub(super) type_seen: bool,
    pub(super) restart: Option<u64>,
    pub(super) allocated: Option<(u64, u64)>,
    pub(super) protected: bool,
    pub(super) stream_mode: bool,
    pub(super) sizes: HashMap<Vec<u8>, (u64, u64)>,
    pub(super) announcements: Vec<Announcement>,
    pub(super) current: Option<Index>,
    pub(super) transfers: Vec<Pending>,
    pub(super) streams: HashMap<u64, Option<Box<Ended>>>,
    pub(super) notes: Vec<Note>,
    /// What bounds it.
    pub(super) limits: Arc<FtpLimits>,
    /// What that has cost.
    pub(super) dropped: Dropped,
    /// About how many bytes it takes up, and how many all sessions may still take up beside.
    pub(super) bytes: usize,
    pub(super) allowance: usize,
    /// Exchanges that were not kept.
    pub(super) dropped_exchanges: u64,
    /// The exchange of the last USER.
    pub(super) user_at: Option<Index>,
    /// Announcements that were not refused, the current one last.
    pub(super) usable: Vec<Index>,
    /// Claimed connections that have not ended.
    pub(super) open_streams: usize,
    pub(super) actions: Vec<Action>,
}

impl Session {
    /// A session of which nothing has been said yet.
    pub fn new(
        id: u64,
        [client, server]: [Endpoint; 2],
        client_end: End,
        epoch: Timestamp,
        limits: &Arc<FtpLimits>,
    ) -> Self {
        Session {
            id,
            client,
            server,
            client_end,
            control: Control::new(limits),
            epoch,
            began: 0,
            wanted: Wanted { hash: true, entries: true, passwords: false },
            from_the_beginning: false,
            name: None,
            protocol: Protocol::Ftp,
            auth_packet: None,
            tls_packets: (None, None),
            has_gaps: false,
            transcript: Transcript::default(),
            greeting: None,
            memories: Vec::with_capacity(FIRST_SAID),
            pending: VecDeque::new(),
            gap_since_reply: false,
            client_gap: 0,
            // A session nearly always has one of each; a vector makes room for four.
            logins: Vec::with_capacity(1),
            logged_in: 0,
            directory: None,
            representation: Type::Ascii,
            type_seen: false,
            restart: None,
            allocated: None,
            protected: false,
            stream_mode: true,
            is_enciphered: false,
            scope: Scope::default(),
            sizes: HashMap::new(),
            announcements: Vec::with_capacity(1),
            current: None,
            transfers: Vec::with_capacity(1),
            streams: HashMap::new(),
            notes: Vec::new(),
            limits: Arc::clone(limits),
            dropped: Dropped::default(),
            bytes: 0,
            allowance: usize::MAX,
            dropped_exchanges: 0,
            user_at: None,
            usable: Vec::new(),
            open_streams: 0,
            actions: Vec::new(),
        }
    }

    /// Takes in what has been said since the last call; returns what follows for the rest of the stage.
    pub fn listen(&mut self, over: bool, room: &mut Room) -> Vec<Action> {
        while let Some(said) = self.control.next(over) {
            self.said(&said);
            room.take_back(said);
        }
        self.control.give_back(room);
        std::mem::take(&mut self.actions)
    }

    fn said(&mut self, said: &Said) {
        match (&said.what, said.by) {
            (Saying::Line(_), _) => self.command(said),
            (Saying::Reply(_), _) => self.reply(said),
            (Saying::Gap, by) => {
                self.has_gaps = true;
                if by == Speaker::Client {
                    self.client_gap = said.end;
                }
                self.gap_since_reply |= by == Speaker::Server;
            }
            (Saying::TlsBegins, _) => {
                let implicit =
                    self.memories.is_empty() && self.greeting.is_none() && self.auth_packet.is_none();
                self.protocol = if implicit && self.server.port == super::recognise::IMPLICIT_TLS_PORT {
                    Protocol::FtpsImplicit
                } else {
                    Protocol::FtpsExplicit
                };
                self.tls_packets.0.get_or_insert(said.first.packet);
            }
            (Saying::TlsEnds, _) => {
                self.tls_packets.1.get_or_insert(said.first.packet);
            }
        }
    }

    /// A connection was opened as `announcement` said. It belongs to the transfer that waits for it, or to the next one.
    pub fn claim(&mut self, announcement: Index, stream: u64) {
        if self.announcements.get(announcement).is_none() || !self.has_room_for_data() {
            return;
        }
        if self.streams.insert(stream, None).is_none_or(|before| before.is_some()) {
            self.open_streams += 1;
        }
        let user = self.user_of(announcement).and_then(|index| self.transfers.get_mut(index));
        match (user, self.announcements.get_mut(announcement)) {
            (Some(transfer), _) => transfer.streams.push(stream),
            (None, Some(announced)) => announced.unused.push(stream),
            (None, None) => {}
        }
    }

    /// The transfer that a new connection of an announcement belongs to. A second attempt belongs to the transfer whose
    /// first attempt it follows, unless another one still waits.
    fn user_of(&mut self, announcement: Index) -> Option<Index> {
        let transfers = &self.transfers;
        let announced = self.announcements.get_mut(announcement)?;
        let waits = |index: &Index| {
            transfers
                .get(*index)
                .is_some_and(|transfer| transfer.streams.is_empty() && !transfer.is_refused())
        };
        // A transfer that has a connection, or was refused, does not wait for one again.
        while announced.transfers.get(announced.served).is_some_and(|index| !waits(index)) {
            announced.served += 1;
        }
        let goes_on =
            |index: &Index| transfers.get(*index).is_some_and(|transfer| transfer.closing.is_none());
        let waiting = announced.transfers.get(announced.served);
        let latest = || announced.transfers.iter().rev().take(ATTEMPTS).find(|index| goes_on(index));
        waiting.or_else(latest).copied()
    }

    /// Whether one more data connection may be kept; otherwise it is counted.
    fn has_room_for_data(&mut self) -> bool {
        let room = self.streams.len() < self.limits.data_connections;
        match room {
            true => self.take_up(OVERHEAD),
            false => self.dropped.add(Loss::DataConnections),
        }
        room
    }

    /// A connection is taken for the data connection of `transfer` although no announcement says so.
    pub fn guess(&mut self, transfer: Index, ended: Ended) {
        let stream = ended.connection.stream;
        if self.has_room_for_data()
            && let Some(transfer) = self.transfers.get_mut(transfer)
        {
            transfer.streams.push(stream);
            self.streams.insert(stream, Some(Box::new(ended)));
        }
    }

    /// What became of a connection that was claimed.
    pub fn ended(&mut self, stream: u64, ended: Ended) {
        let Some(place) = self.streams.get_mut(&stream) else { return };
        let kept = ended.contents.iter().map(|content| content.head.len()).sum();
        if place.replace(Box::new(ended)).is_none() {
            self.open_streams = self.open_streams.saturating_sub(1);
        }
        self.take_up(kept);
    }

    /// What became of a claimed connection, once it is known.
    pub fn outcome(&self, stream: u64) -> Option<&Ended> {
        self.streams.get(&stream)?.as_deref()
    }

    /// Another session was told of the same data connection.
    pub fn share(&mut self, stream: u64, with: u64) {
        if let Some(Some(ended)) = self.streams.get_mut(&stream) {
            ended.shared_with.push(with);
        }
    }

    /// Whether commands or replies went by that nobody could read.
    pub fn is_hidden(&self) -> bool {
        self.tls_packets.0.is_some() || self.is_enciphered
    }

    /// Whether there may have been announcements and transfers that the capture does not show.
    pub fn is_partial(&self) -> bool {
        self.has_gaps || !self.from_the_beginning || self.is_hidden()
    }

    /// Whether a claimed connection is still open.
    pub fn waits_for_data(&self) -> bool {
        self.open_streams > 0
    }

    /// Streams of an announcement that no transfer has used yet, for the transfer about to begin.
    pub(super) fn take_unused_streams(&mut self, announcement: Index) -> Vec<u64> {
        self.announcements
            .get_mut(announcement)
            .map(|announced| std::mem::take(&mut announced.unused))
            .unwrap_or_default()
    }

    /// Transfers for which no connection was found although one must have been.
    pub fn unpaired(&self) -> Vec<Unpaired> {
        let found = |stream: &u64| {
            self.streams.get(stream).is_some_and(|ended| ended.as_ref().is_some_and(|e| e.is_opened()))
        };
        self.transfers
            .iter()
            .enumerate()
            .filter(|(_, transfer)| !transfer.is_refused() && !transfer.streams.iter().any(found))
            .filter(|(_, transfer)| transfer.closing.is_none_or(|reply| reply.code != Some(425)))
            .map(|(index, transfer)| {
                let upload = transfer.verb.and_then(Verb::transfer_kind).map(|kind| kind.is_upload());
                Unpaired {
                    transfer: index,
                    from: transfer.command.map(|(_, time)| time),
                    until: transfer.closing_time,
                    upload,
                }
            })
            .collect()
    }

    /// A transfer of which the capture shows the data connection only.
    pub fn data_without_command(&mut self, ended: Ended) {
        let transfer = Pending {
            verb: None,
            argument: None,
            path: None,
            announcement: None,
            streams: Vec::new(),
            command: None,
            opening: None,
            closing: None,
            closing_time: None,
            representation: self.representation,
            type_seen: self.type_seen,
            restart: None,
            expected: None,
            protected: self.tls_packets.0.is_some(),
            stream_mode: self.stream_mode,
        };
        self.transfers.push(transfer);
        self.guess(self.transfers.len() - 1, ended);
    }

    /// Which transfer, as the report counts them, each claimed connection belongs to.
    pub fn transfer_streams(&self) -> Vec<(u64, u64)> {
        let reported = self.transfers.iter().filter(|transfer| self.is_reported(transfer));
        let numbered = reported.zip(0..);
        numbered
            .flat_map(|(transfer, index)| transfer.streams.iter().map(move |stream| (*stream, index)))
            .collect()
    }

    /// Whether a transfer came of a command: refused ones are exchanges, no more.
    pub(super) fn is_reported(&self, transfer: &Pending) -> bool {
        let moved = |stream: &u64| {
            self.streams.get(stream).is_some_and(|e| e.as_ref().is_some_and(|e| e.bytes() > 0))
        };
        !transfer.is_refused() || transfer.streams.iter().any(moved)
    }

    /// Data connections that another session was told of too, with that session's number.
    pub fn shared_streams(&self) -> Vec<(u64, u64)> {
        let ended = self.streams.iter().filter_map(|(stream, ended)| Some((*stream, ended.as_deref()?)));
        ended.filter_map(|(stream, ended)| Some((*ended.shared_with.first()?, stream))).collect()
    }

    /// Whether the transfer that uses `stream` is, or may be, a listing; one of the last transfers, if it is known.
    pub fn is_listing(&self, stream: u64) -> bool {
        let uses = |transfer: &&Pending| transfer.streams.contains(&stream);
        let transfer = self.transfers.iter().rev().take(ATTEMPTS).find(uses);
        transfer.is_none_or(|t| t.verb.and_then(Verb::transfer_kind).is_none_or(|kind| kind.is_listing()))
    }

    /// A remark for the report.
    pub(super) fn note(&mut self, packet: u64, text: String) {
        if self.notes.len() < self.limits.notes {
            self.notes.push(Note { packet: Some(packet), text });
        } else {
            self.dropped.add(Loss::Notes);
        }
    }

    /// Whether one more command or reply of so many bytes may be kept; otherwise it is counted.
    pub(super) fn has_room(&mut self, text: usize, is_new: bool) -> bool {
        // Kept as text, as sent where that differs, and for looking back.
        let more = text.saturating_mul(3).saturating_add(OVERHEAD);
        let loss = if is_new && self.memories.len() >= self.limits.exchanges {
            Loss::Exchanges
        } else if self.bytes.saturating_add(more) > self.limits.session_bytes
            || !self.transcript.has_room(text)
        {
            Loss::SessionBytes
        } else if more > self.allowance {
            Loss::SessionsBytes
        } else {
            self.take_up(more);
            return true;
        };
        self.dropped.add(loss);
        self.dropped_exchanges += 1;
        false
    }

    /// Counts bytes that the session takes up from now on.
    pub(super) fn take_up(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.allowance = self.allowance.saturating_sub(bytes);
    }
}

/// What stands in the place of a password.
pub const HIDDEN: &str = "<hidden>";

/// Relative sequence number of the byte at a stream offset: the SYN counts one (RFC 9293, section 3.4).
pub fn relative_sequence(offset: u64) -> u64 {
    offset.saturating_add(1)
}

/// An end of a TCP connection as the report writes it.
pub fn endpoint(end: crate::tcp::Endpoint) -> Endpoint {
    Endpoint { address: end.address, port: end.port }
}

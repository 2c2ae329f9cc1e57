//! The FTP stage: TCP's events in, finished sessions out.
//!
//! Every connection plays one role at a time:
//!
//! ```text
//!              announced before             nothing but data, until announced, guessed, or forgotten
//! opened ──┬──────────────────▶ Data ◀───────────────┐
//!          └──▶ Stranger ───── speaks FTP ──▶ Control
//!                  └────────── speaks something else ──▶ Ignored (packets are counted, bytes are not looked at)
//! ```

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use port21_capture::Timestamp;

use super::content::Content;
use super::expectations::{Expectation, Expectations, addresses};
use super::pairs::Pairs;
use super::recognise::{CONTROL_PORT, Verdict, speaker};
use super::session::{Action, Session, Unpaired, endpoint};
use super::stranger::{Event, HEAD_LIMIT, Stranger};
use super::transfer::Ended;
use crate::analysis::Options;
use crate::names::{DnsStream, Names};
use crate::report::convert;
use crate::report::{self, Pairing};
use crate::tcp::{self, Chunk, Connection, End, Gap, Interest, Sink, State};

/// Most bytes of a listing that are kept to read its entries.
const LISTING_LIMIT: usize = 4 << 20;

/// A connection may be this much older than its announcement, in nanoseconds: captures swap packets, not minutes.
const EARLY: i64 = 5_000_000_000;

/// Attempts to reach a control port that came to nothing, as proof for the report.
const ATTEMPT_LIMIT: usize = 64;

/// What a connection is.
#[derive(Debug)]
enum Role {
    Stranger(Box<Stranger>),
    Control(u64),
    Data(Box<Data>),
    Dns(Box<DnsStream>),
    Ignored,
}

/// An announced data connection that was opened.
#[derive(Debug)]
struct Data {
    expectations: Vec<Expectation>,
    port: u16,
    pairing: Pairing,
    contents: [Content; 2],
    head_limit: usize,
    /// Whether it was asked what the transfer carries.
    asked: bool,
}

/// Attempts to open a control connection that came to nothing.
#[derive(Debug, Default)]
pub struct FailedControl {
    /// How many were answered by a reset.
    pub refused: u64,
    /// How many were not answered.
    pub unanswered: u64,
    /// Packets of the first of them.
    pub packets: Vec<u64>,
}

/// The FTP stage.
#[derive(Debug)]
pub struct Stage {
    hash: bool,
    show_passwords: bool,
    record_connections: bool,
    epoch: Timestamp,
    roles: HashMap<u64, Role>,
    sessions: HashMap<u64, Box<Session>>,
    /// Control connections that have ended, of sessions that still wait for data.
    controls: HashMap<u64, report::Connection>,
    next_session: u64,
    pairs: Pairs,
    expectations: Expectations,
    /// Which transfer of which session a shared data connection was: for server-to-server transfers.
    shared: HashMap<(u64, u64), u64>,
    /// Names from DNS.
    pub names: Names,
    /// Sessions that have ended.
    pub finished: Vec<report::Session>,
    /// Connections that have ended, if recorded.
    pub connections: Vec<report::Connection>,
    /// Control connections that could not be opened.
    pub failed: FailedControl,
}

impl Stage {
    /// Nothing seen yet.
    pub fn new(options: &Options) -> Self {
        Stage {
            hash: options.hash,
            show_passwords: options.show_passwords,
            record_connections: options.record_connections,
            epoch: Timestamp::default(),
            roles: HashMap::new(),
            sessions: HashMap::new(),
            controls: HashMap::new(),
            next_session: 1,
            pairs: Pairs::default(),
            expectations: Expectations::default(),
            shared: HashMap::new(),
            names: Names::new(options.record_dns),
            finished: Vec::new(),
            connections: Vec::new(),
            failed: FailedControl::default(),
        }
    }

    /// The time from which the report counts.
    pub fn set_epoch(&mut self, epoch: Timestamp) {
        self.epoch = epoch;
    }

    /// What limits cost.
    pub fn dropped(&self) -> Vec<report::Count> {
        let counts = [
            ("announced data connections forgotten", self.expectations.dropped),
            ("connections forgotten before anything showed what they were", self.pairs.dropped),
            ("DNS answers forgotten", self.names.dropped),
        ];
        let bitten = counts.into_iter().filter(|(_, count)| *count > 0);
        bitten.map(|(what, count)| report::Count { what: what.to_owned(), count }).collect()
    }

    /// The input has ended, and so has every connection: concludes what still waited.
    pub fn finish(&mut self) {
        let mut left: Vec<u64> = self.sessions.keys().copied().collect();
        left.sort_unstable();
        for id in left {
            self.conclude(id);
        }
    }

    // ------------------------------------------------------------------------------------- roles

    /// The announcements that a new connection answers, with the port that was announced.
    fn expected(&self, connection: &Connection) -> Option<(u16, Vec<Expectation>)> {
        let listens = |end: End| {
            let (listener, other) = (connection.end(end), connection.end(end.other()));
            let found = self.expectations.matching(endpoint(listener), other.address);
            (!found.is_empty()).then_some((listener.port, found))
        };
        // Without a handshake either end may be the one that listens.
        listens(End::Responder)
            .or_else(|| if connection.initiator_known { None } else { listens(End::Initiator) })
    }

    fn become_data(
        &mut self,
        stream: u64,
        port: u16,
        found: Vec<Expectation>,
        first_packet: u64,
        address: IpAddr,
    ) {
        let pairing = found.first().map_or(Pairing::Guessed, |first| first.pairing(address, first_packet));
        for expectation in &found {
            self.expectations.set_stream(port, expectation, Some(stream));
            if let Some(session) = self.sessions.get_mut(&expectation.session) {
                session.claim(expectation.announcement, stream);
            }
        }
        let data = Data {
            expectations: found,
            port,
            pairing,
            contents: Default::default(),
            head_limit: HEAD_LIMIT,
            asked: false,
        };
        self.roles.insert(stream, Role::Data(Box::new(data)));
    }

    /// A stranger has shown itself to be a control connection: everything said so far is heard again.
    fn become_control(&mut self, connection: &Connection, client_end: End, stranger: Stranger) {
        let id = self.next_session;
        self.next_session += 1;
        let client = endpoint(connection.end(client_end));
        let server = endpoint(connection.end(client_end.other()));
        let mut session = Session::new(id, client, server, client_end, self.epoch);
        session.show_passwords = self.show_passwords;
        session.hash = self.hash;
        session.began = connection.times.0.0;
        session.from_the_beginning = connection.half(client_end.other()).syn_seen;
        session.name = self.names.lookup(server.address, client.address);
        self.sessions.insert(id, Box::new(session));
        self.roles.insert(connection.stream, Role::Control(id));
        self.pairs.add_session(client.address, server.address, id);
        let [initiator, responder] = stranger.contents;
        for event in stranger.events {
            let Some(session) = self.sessions.get_mut(&id) else { return };
            let by = |end| speaker(client_end, end);
            match event {
                Event::Data { from, offset, length, packet, time, flags, acknowledges } => {
                    let head = if from == End::Initiator { &initiator.head } else { &responder.head };
                    let start = usize::try_from(offset).unwrap_or(usize::MAX);
                    let whole = head.get(start..).unwrap_or_default();
                    let bytes = whole.get(..length).unwrap_or(whole);
                    let chunk = Chunk { offset, bytes, packet, time, flags, acknowledges };
                    session.control.data(by(from), &chunk);
                }
                Event::Gap(from, gap) => session.control.gap(by(from), gap),
                Event::Acknowledged(from, offset, packet) => {
                    session.control.acknowledged(by(from), offset, packet)
                }
                Event::Finished(from) => session.control.finish(by(from)),
            }
            self.listen(id, false);
        }
    }

    /// Takes in what was said, and does what follows from it.
    fn listen(&mut self, id: u64, over: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        for action in session.listen(over) {
            match action {
                Action::Announced(announcement) => self.watch(id, announcement),
                Action::Withdrawn(announcement) => self.unwatch(id, announcement),
            }
        }
    }

    fn expectation(&self, id: u64, index: usize) -> Option<(u16, Expectation)> {
        let session = self.sessions.get(&id)?;
        let announcement = session.announcements.get(index)?;
        let passive = announcement.is_passive();
        let (on_control, peer) = match passive {
            true => (session.server.address, session.client.address),
            false => (session.client.address, session.server.address),
        };
        let expectation = Expectation {
            session: id,
            announcement: index,
            announced: announcement.address,
            on_control,
            peer,
            passive,
            packet: announcement.packet()?,
            stream: None,
        };
        Some((announcement.port?, expectation))
    }

    /// Watches for an announced data connection; perhaps it is already there.
    fn watch(&mut self, id: u64, index: usize) {
        let Some((port, expectation)) = self.expectation(id, index) else { return };
        self.expectations.add(port, expectation);
        let listeners = addresses(&expectation);
        let since = self
            .sessions
            .get(&id)
            .and_then(|session| session.announcements.get(index))
            .map(|announcement| announcement.time)
            .unwrap_or(i64::MIN);
        let roles = &self.roles;
        let fits = |stream: &u64| {
            let Some(Role::Stranger(stranger)) = roles.get(stream) else { return None };
            let [initiator, responder] = stranger.ends;
            let to_listener = |listener: tcp::Endpoint, other: tcp::Endpoint| {
                let expected =
                    other.address == expectation.peer || Some(listener.address) == expectation.announced;
                listener.port == port && listeners.contains(&listener.address) && expected
            };
            let from_unknown = stranger.began_before && to_listener(initiator, responder);
            let in_time = stranger.times.0 >= since.saturating_sub(EARLY);
            (in_time && (to_listener(responder, initiator) || from_unknown))
                .then_some((stranger.first_packet, *stream))
        };
        let candidates: Vec<(u64, u64)> =
            self.pairs.strangers(expectation.peer, &listeners).filter_map(|stream| fits(&stream)).collect();
        // Seen after the announcement, though it was heard of late; else the last one before it.
        let after = candidates.iter().filter(|(first, _)| *first > expectation.packet).min();
        let Some((_, stream)) = after.or(candidates.iter().max()).copied() else { return };
        self.adopt(stream, port, expectation);
    }

    /// A stranger turns out to be the announced data connection.
    fn adopt(&mut self, stream: u64, port: u16, expectation: Expectation) {
        let Some(Role::Stranger(stranger)) = self.roles.remove(&stream) else { return };
        self.pairs.remove_stranger(stream, stranger.ends);
        let listener = stranger
            .ends
            .iter()
            .find(|end| end.port == port)
            .map_or(expectation.on_control, |end| end.address);
        let pairing = expectation.pairing(listener, stranger.first_packet);
        if stranger.ended.is_none() {
            self.become_data(stream, port, vec![expectation], stranger.first_packet, listener);
            if let Some(Role::Data(data)) = self.roles.get_mut(&stream) {
                data.contents = stranger.contents;
                data.pairing = pairing;
            }
            return;
        }
        self.expectations.set_stream(port, &expectation, Some(stream));
        if let (Some(ended), Some(session)) =
            (stranger.into_ended(pairing), self.sessions.get_mut(&expectation.session))
        {
            session.claim(expectation.announcement, stream);
            session.ended(stream, ended);
        }
    }

    fn unwatch(&mut self, id: u64, index: usize) {
        if let Some((port, expectation)) = self.expectation(id, index) {
            self.expectations.remove(port, id, index, &addresses(&expectation));
        }
    }

    // ------------------------------------------------------------------------------------- endings

    /// A data connection has ended: its sessions are told what became of it.
    fn data_ended(&mut self, connection: &Connection, data: Data) {
        let opened = is_opened(connection);
        let ids: Vec<u64> = data.expectations.iter().map(|expectation| expectation.session).collect();
        let mut ended = Ended {
            connection: convert::connection(connection, self.epoch),
            pairing: data.pairing,
            opened,
            contents: data.contents.map(Arc::new),
            unreachable: connection.unreachable.map(|(packet, _, _)| packet),
            shared_with: Vec::new(),
        };
        for expectation in &data.expectations {
            if !opened {
                // Another attempt may follow.
                self.expectations.set_stream(data.port, expectation, None);
            }
            ended.shared_with = ids.iter().copied().filter(|id| *id != expectation.session).collect();
            if let Some(session) = self.sessions.get_mut(&expectation.session) {
                session.ended(connection.stream, ended.clone());
            }
        }
        for id in ids {
            self.conclude_if_over(id);
        }
    }

    fn control_ended(&mut self, connection: &Connection, id: u64) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.control.finish(super::control::Speaker::Client);
            session.control.finish(super::control::Speaker::Server);
        }
        self.listen(id, true);
        self.controls.insert(id, convert::connection(connection, self.epoch));
        self.conclude_if_over(id);
    }

    fn stranger_ended(&mut self, connection: &Connection, mut stranger: Stranger) {
        let opened = is_opened(connection);
        let nothing = !opened && stranger.length() == 0;
        if nothing && connection.end(End::Responder).port == CONTROL_PORT && connection.syn.is_some() {
            self.control_not_opened(connection);
        }
        let unreachable = connection.unreachable.map(|(packet, _, _)| packet);
        let ends = stranger.ends;
        stranger.ended = Some((convert::connection(connection, self.epoch), opened, unreachable));
        stranger.events = Vec::new();
        if nothing && !self.pairs.has_session(ends) {
            self.pairs.remove_stranger(connection.stream, ends);
            return;
        }
        self.roles.insert(connection.stream, Role::Stranger(Box::new(stranger)));
        if let Some((stream, ends)) = self.pairs.stranger_ended(connection.stream, ends) {
            self.pairs.remove_stranger(stream, ends);
            self.roles.remove(&stream);
        }
        for id in self.pairs.sessions(ends) {
            self.conclude_if_over(id);
        }
    }

    fn control_not_opened(&mut self, connection: &Connection) {
        let refused = connection.closing.first();
        match refused {
            Some(_) => self.failed.refused += 1,
            None => self.failed.unanswered += 1,
        }
        let proof = connection.syn.map(|syn| syn.packet).into_iter().chain(refused.map(|reset| reset.packet));
        self.failed.packets.extend(proof);
        self.failed.packets.truncate(ATTEMPT_LIMIT);
    }

    /// Concludes a session whose control connection has ended, unless something that may belong to it still goes on.
    fn conclude_if_over(&mut self, id: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        if !self.controls.contains_key(&id) || session.waits_for_data() {
            return;
        }
        let guessing = session.has_gaps || !session.unpaired().is_empty();
        let ends = [session.client.address, session.server.address];
        let alive =
            |stream: u64| matches!(self.roles.get(&stream), Some(Role::Stranger(s)) if s.ended.is_none());
        if guessing && self.pairs.of(ends).any(alive) {
            return;
        }
        self.conclude(id);
    }

    /// Finds data connections for what is left without one, and writes the session down.
    fn conclude(&mut self, id: u64) {
        self.guess(id);
        let announcements = self.sessions.get(&id).map_or(0, |session| session.announcements.len());
        for index in 0..announcements {
            self.unwatch(id, index);
        }
        let Some(session) = self.sessions.remove(&id) else { return };
        let Some(control) = self.controls.remove(&id) else { return };
        self.pairs.remove_session(session.client.address, session.server.address, id);
        for (stream, transfer) in session.transfer_streams() {
            if session.is_shared(stream) {
                self.shared.insert((id, stream), transfer);
            }
        }
        let counterpart = |other: u64, stream: u64| {
            let known = self.shared.get(&(other, stream)).copied();
            let live = || {
                let streams = self.sessions.get(&other)?.transfer_streams();
                streams.into_iter().find(|(s, _)| *s == stream).map(|(_, transfer)| transfer)
            };
            known.or_else(live)
        };
        let report = session.report(control, counterpart);
        self.finished.push(report);
    }

    /// Pairs what no announcement tells, where only one connection fits.
    fn guess(&mut self, id: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        let ends = [session.client.address, session.server.address];
        let alone = self.pairs.has_one_session(ends);
        let partial = session.has_gaps || !session.from_the_beginning || session.tls_packets.0.is_some();
        let (client, began) = (session.client.address, session.began);
        let same_host = session.client.address == session.server.address;
        for Unpaired { transfer, from, until, upload } in session.unpaired() {
            let fits = |stream: u64| {
                let Some(Role::Stranger(s)) = self.roles.get(&stream) else { return None };
                let (_, opened, _) = s.ended.as_ref()?;
                let in_time = s.times.1 >= from.unwrap_or(began).saturating_sub(EARLY)
                    && until.is_none_or(|until| s.times.0 <= until.saturating_add(EARLY));
                let client_is = |end: usize| s.ends.get(end).is_some_and(|e| e.address == client);
                let [a, b] = [&s.contents[0], &s.contents[1]].map(|content| content.length);
                let from_client =
                    if same_host || a == b { None } else { Some(client_is(usize::from(b > a))) };
                let direction = upload.is_none() || from_client.is_none() || from_client == upload;
                (*opened && in_time && direction && !s.is_other).then_some((s.first_packet, stream))
            };
            let candidates: Vec<(u64, u64)> = self.pairs.of(ends).filter_map(fits).collect();
            if let ([(_, stream)], true) = (candidates.as_slice(), alone || until.is_some()) {
                self.give(id, Some(transfer), *stream);
            }
        }
        if partial && alone {
            let data = |stream: u64| {
                let Some(Role::Stranger(s)) = self.roles.get(&stream) else { return None };
                let (_, opened, _) = s.ended.as_ref()?;
                let one_way = s.contents.iter().filter(|content| content.length > 0).count() == 1;
                let encrypted = self.sessions.get(&id).is_some_and(|session| session.tls_packets.0.is_some());
                let fits = *opened && s.times.1 >= began && (one_way || encrypted && s.length() > 0);
                fits.then_some((s.first_packet, stream))
            };
            let mut orphans: Vec<(u64, u64)> = self.pairs.of(ends).filter_map(data).collect();
            orphans.sort_unstable();
            for (_, stream) in orphans {
                self.give(id, None, stream);
            }
        }
    }

    /// Gives a stranger to a session as the data connection of a transfer, or as one whose command is not in the capture.
    fn give(&mut self, id: u64, transfer: Option<usize>, stream: u64) {
        let Some(Role::Stranger(stranger)) = self.roles.remove(&stream) else { return };
        self.pairs.remove_stranger(stream, stranger.ends);
        let (Some(ended), Some(session)) =
            (stranger.into_ended(Pairing::Guessed), self.sessions.get_mut(&id))
        else {
            return;
        };
        match transfer {
            Some(transfer) => session.guess(transfer, ended),
            None => session.data_without_command(ended),
        }
    }
}

/// Whether a connection came to be: a handshake, or anything that follows one.
fn is_opened(connection: &Connection) -> bool {
    connection.state != State::NeverOpened
}

impl Sink for Stage {
    fn opened(&mut self, connection: &Connection) {
        let stream = connection.stream;
        if let Some((port, found)) = self.expected(connection) {
            let listener = connection.ends.iter().find(|end| end.port == port).map(|end| end.address);
            let address = listener.unwrap_or(connection.end(End::Responder).address);
            self.become_data(stream, port, found, connection.packets.0, address);
        } else if connection.ends.iter().any(|end| end.port == crate::names::DNS_PORT) {
            self.roles.insert(stream, Role::Dns(Box::default()));
        } else {
            self.pairs.add_stranger(stream, connection.ends);
            self.roles.insert(stream, Role::Stranger(Box::new(Stranger::new(connection))));
        }
    }

    fn packet(
        &mut self,
        connection: &Connection,
        packet: u64,
        time: Timestamp,
        from: End,
        payload_length: u32,
    ) {
        match self.roles.get_mut(&connection.stream) {
            Some(Role::Data(data)) if payload_length > 0 => {
                let [initiator, responder] = &mut data.contents;
                let content = if from == End::Initiator { initiator } else { responder };
                content.packet(packet, time.0);
            }
            Some(Role::Stranger(stranger)) => {
                stranger.times.1 = time.0;
                if payload_length > 0 {
                    stranger.content(from).packet(packet, time.0);
                }
            }
            _ => {}
        }
    }

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        let hash = self.hash;
        match self.roles.get_mut(&connection.stream) {
            Some(Role::Data(data)) => {
                data.take(&self.sessions, connection.stream, from, &chunk, hash);
                Interest::Keep
            }
            Some(Role::Control(id)) => {
                let id = *id;
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.control.data(speaker(session.client_end, from), &chunk);
                }
                self.listen(id, false);
                Interest::Keep
            }
            Some(Role::Stranger(stranger)) => {
                let verdict = stranger.data(from, &chunk, hash);
                let (ends, unknown) = (stranger.ends, stranger.began_before);
                let long = stranger.length() > HEAD_LIMIT as u64;
                match verdict {
                    Verdict::Control { client } => {
                        if let Some(Role::Stranger(stranger)) = self.roles.remove(&connection.stream) {
                            self.pairs.remove_stranger(connection.stream, ends);
                            self.become_control(connection, client, *stranger);
                        }
                        Interest::Keep
                    }
                    // Between two hosts that speak FTP, anything may yet turn out to be a file.
                    _ if self.pairs.has_session(ends) => Interest::Keep,
                    Verdict::Unknown if !long || unknown => Interest::Keep,
                    _ => {
                        self.pairs.remove_stranger(connection.stream, ends);
                        self.roles.insert(connection.stream, Role::Ignored);
                        Interest::CountOnly
                    }
                }
            }
            Some(Role::Dns(stream)) => {
                self.names.stream_data(stream, connection, from, &chunk);
                Interest::Keep
            }
            Some(Role::Ignored) | None => Interest::CountOnly,
        }
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        let hash = self.hash;
        match self.roles.get_mut(&connection.stream) {
            Some(Role::Data(data)) => {
                let head_limit = data.head_limit;
                let [initiator, responder] = &mut data.contents;
                let content = if from == End::Initiator { initiator } else { responder };
                content.skip(gap, head_limit, hash);
            }
            Some(Role::Control(id)) => {
                let id = *id;
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.control.gap(speaker(session.client_end, from), gap);
                }
                self.listen(id, false);
            }
            Some(Role::Stranger(stranger)) => stranger.gap(from, gap, hash),
            Some(Role::Dns(stream)) => stream.lose(from),
            Some(Role::Ignored) | None => {}
        }
    }

    fn acknowledged(&mut self, connection: &Connection, sender: End, offset: u64, packet: u64) {
        match self.roles.get_mut(&connection.stream) {
            Some(Role::Control(id)) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.control.acknowledged(speaker(session.client_end, sender), offset, packet);
                }
            }
            Some(Role::Stranger(stranger)) => stranger.remember(Event::Acknowledged(sender, offset, packet)),
            _ => {}
        }
    }

    fn finished(&mut self, connection: &Connection, from: End, _packet: u64) {
        match self.roles.get_mut(&connection.stream) {
            Some(Role::Control(id)) => {
                let id = *id;
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.control.finish(speaker(session.client_end, from));
                }
                self.listen(id, false);
            }
            Some(Role::Stranger(stranger)) => stranger.remember(Event::Finished(from)),
            _ => {}
        }
    }

    fn ended(&mut self, connection: Connection) {
        match self.roles.remove(&connection.stream) {
            Some(Role::Data(data)) => self.data_ended(&connection, *data),
            Some(Role::Control(id)) => self.control_ended(&connection, id),
            Some(Role::Stranger(stranger)) => self.stranger_ended(&connection, *stranger),
            Some(Role::Dns(_) | Role::Ignored) | None => {}
        }
        if self.record_connections {
            self.connections.push(convert::connection(&connection, self.epoch));
        }
    }
}

impl Data {
    fn take(
        &mut self,
        sessions: &HashMap<u64, Box<Session>>,
        stream: u64,
        from: End,
        chunk: &Chunk<'_>,
        hash: bool,
    ) {
        let [initiator, responder] = &mut self.contents;
        let content = if from == End::Initiator { initiator } else { responder };
        let overflows = content.length.saturating_add(chunk.bytes.len() as u64) > self.head_limit as u64;
        if overflows && !self.asked {
            self.asked = true;
            let of_listing = self.expectations.iter().any(|expectation| {
                sessions.get(&expectation.session).is_some_and(|session| session.is_listing(stream))
            });
            if of_listing {
                self.head_limit = LISTING_LIMIT;
            } else {
                self.head_limit = 0;
                content.shrink_head(hash);
            }
        }
        content.take(chunk.bytes, self.head_limit, hash);
    }
}

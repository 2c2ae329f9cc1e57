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

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;
use port21_capture::{Scope, Timestamp};

use super::build::Wanted;
use super::content::FREE_ZEROS;
use super::control::Room;
use super::expectations::Expectations;
use super::pairs::Pairs;
use super::recognise::speaker;
use super::session::{Action, Session, endpoint};
use super::sink::Unwanted;
use super::stranger::{Event, Kept, Stranger};
use super::transfer::Ended;
use super::watch::Data;
use crate::analysis::{News, Options};
use crate::digest::Hashing;
use crate::findings;
use crate::limits::{Dropped, FtpLimits, Loss};
use crate::names::{DnsStream, Envelope, Names};
use crate::report::convert;
use crate::report::{self, Pairing};
use crate::tcp::{self, Chunk, Connection, End, State, Unneeded};

/// A connection may be this much older than its announcement, in nanoseconds: captures swap packets, not minutes.
pub(super) const EARLY: i64 = 5_000_000_000;

/// Attempts to reach a control port that came to nothing, as proof for the report.
pub(super) const ATTEMPT_LIMIT: usize = 64;

/// Findings about connections of other protocols.
const OUTSIDE_LIMIT: usize = 64;

/// What a connection is.
#[derive(Debug)]
pub(super) enum Role {
    Stranger(Box<Stranger>),
    Control(u64),
    Data(Box<Data>),
    Dns(Box<DnsStream>),
    Ignored,
}

/// Attempts to open a control connection that came to nothing.
#[derive(Debug, Default)]
pub(super) struct FailedControl {
    /// How many were answered by a reset.
    pub(super) refused: u64,
    /// How many were not answered.
    pub(super) unanswered: u64,
    /// Packets of the first of them.
    pub(super) packets: Vec<u64>,
}

/// The FTP stage.
#[derive(Debug)]
pub struct Stage {
    pub(super) limits: Arc<FtpLimits>,
    pub(super) dropped: Dropped,
    pub(super) hash: Hashing,
    /// Zeros that may still be hashed in the place of missing bytes.
    pub(super) zeros: u64,
    /// About how many bytes the sessions under way take up.
    pub(super) kept: usize,
    /// Sessions whose control connection is over, which wait for something that may belong to them.
    pub(super) waiting: BTreeSet<u64>,
    /// What is kept of strangers.
    pub(super) strangers: Kept,
    wanted: Wanted,
    pub(super) record_connections: bool,
    pub(super) epoch: Timestamp,
    pub(super) roles: HashMap<u64, Role>,
    pub(super) sessions: HashMap<u64, Box<Session>>,
    /// Control connections that have ended, of sessions that still wait for data.
    pub(super) controls: HashMap<u64, Arc<Connection>>,
    /// Connections of which no more needs to be told.
    pub(super) unwanted: Vec<Unwanted>,
    /// Room for what is being said.
    pub(super) room: Room,
    next_session: u64,
    pub(super) pairs: Pairs,
    pub(super) expectations: Expectations,
    /// Which transfer of which session a shared data connection was: for server-to-server transfers.
    pub(super) shared: HashMap<(u64, u64), u64>,
    /// Names from DNS.
    pub names: Names,
    /// What has ended, in that order.
    pub news: Vec<News>,
    /// Control connections that could not be opened.
    pub(super) failed: FailedControl,
    /// Findings about connections of other protocols.
    outside: Vec<report::Finding>,
}

impl Stage {
    /// Nothing seen yet.
    pub fn new(options: &Options) -> Self {
        Stage {
            limits: Arc::new(options.limits.ftp),
            dropped: Dropped::default(),
            hash: options.hash.clone(),
            zeros: FREE_ZEROS,
            kept: 0,
            waiting: BTreeSet::new(),
            strangers: Kept::default(),
            wanted: Wanted {
                hash: options.hash.is_on(),
                entries: options.entries,
                passwords: options.show_passwords,
            },
            record_connections: options.record_connections,
            epoch: Timestamp::default(),
            roles: HashMap::new(),
            sessions: HashMap::new(),
            controls: HashMap::new(),
            unwanted: Vec::new(),
            room: Room::default(),
            next_session: 1,
            pairs: Pairs::new(options.limits.ftp.strangers),
            expectations: Expectations::new(options.limits.ftp.announcements),
            shared: HashMap::new(),
            names: Names::new(options.record_dns, options.limits.names),
            news: Vec::new(),
            failed: FailedControl::default(),
            outside: Vec::new(),
        }
    }

    /// The time from which the report counts.
    pub fn set_epoch(&mut self, epoch: Timestamp) {
        self.epoch = epoch;
    }

    /// A DNS message.
    pub fn names(&mut self, envelope: Envelope, message: &[u8]) {
        self.names.message(envelope, message);
        self.tell_names(false);
    }

    /// DNS transactions that have ended are news; `all`: those that nobody has answered, too.
    pub fn tell_names(&mut self, all: bool) {
        if all || self.names.has_transactions() {
            let ended = self.names.take_transactions(all).into_iter();
            self.news.extend(ended.map(|transaction| News::Names(Box::new(transaction))));
        }
    }

    /// Connections of which no more needs to be told, since the last call.
    pub fn take_unwanted(&mut self) -> Vec<Unwanted> {
        std::mem::take(&mut self.unwanted)
    }

    /// Whether nothing but the end of `stream` needs to be told, if that was found out last; it is not found out again.
    pub(super) fn is_done_with(&mut self, stream: u64) -> bool {
        let done = Unneeded::AllButItsEnd;
        self.unwanted.pop_if(|unwanted| unwanted.stream == stream && unwanted.what == done).is_some()
    }

    /// Something need not be told of a connection any more.
    pub(super) fn spare(&mut self, scope: Scope, ends: [tcp::Endpoint; 2], stream: u64, what: Unneeded) {
        self.unwanted.push(Unwanted { scope, ends, stream, what });
    }

    /// Findings that belong to no session.
    pub fn findings(&mut self) -> Vec<report::Finding> {
        let FailedControl { refused, unanswered, packets } = &self.failed;
        let mut found = std::mem::take(&mut self.outside);
        found.extend(findings::control_not_opened(*refused, *unanswered, packets));
        found
    }

    /// A connection that has nothing to do with FTP has ended.
    pub(super) fn outsider_ended(&mut self, connection: &Connection) {
        if !connection.quality.conflicts.is_empty() && self.outside.len() < OUTSIDE_LIMIT {
            self.outside.extend(findings::connection_findings(&convert::connection(connection, self.epoch)));
        }
    }

    /// What limits cost.
    pub fn dropped(&self) -> Dropped {
        let mut dropped = self.dropped.clone();
        dropped.add_many(Loss::Announcements, self.expectations.dropped);
        dropped.add_many(Loss::Strangers, self.pairs.dropped);
        dropped.take(self.names.dropped.clone());
        dropped
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

    /// A stranger has shown itself to be a control connection: everything said so far is heard again.
    pub(super) fn become_control(
        &mut self,
        stream: u64,
        client_end: End,
        [initiator_syn, responder_syn]: [bool; 2],
        stranger: Stranger,
    ) {
        let id = self.next_session;
        self.next_session += 1;
        let [initiator, responder] = stranger.ends.map(endpoint);
        let (client, server, from_the_beginning) = match client_end {
            End::Initiator => (initiator, responder, responder_syn),
            End::Responder => (responder, initiator, initiator_syn),
        };
        let mut session = Session::new(id, [client, server], client_end, self.epoch, &self.limits);
        session.wanted = self.wanted;
        session.began = stranger.times.0;
        session.scope = stranger.scope;
        session.from_the_beginning = from_the_beginning;
        session.name = self.names.lookup(server.address, client.address);
        self.sessions.insert(id, Box::new(session));
        self.roles.insert(stream, Role::Control(id));
        self.spare(stranger.scope, stranger.ends, stream, Unneeded::Packets);
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
                    session.control.borrow(by(from), &mut self.room);
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
    pub(super) fn listen(&mut self, id: u64, over: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let before = session.bytes;
        session.allowance = self.limits.sessions_bytes.saturating_sub(self.kept);
        let actions = session.listen(over, &mut self.room);
        self.kept = self.kept.saturating_add(session.bytes.saturating_sub(before));
        for action in actions {
            match action {
                Action::Announced(announcement) => self.watch(id, announcement),
                Action::Withdrawn(announcement) => self.unwatch(id, announcement),
            }
        }
    }

    // ------------------------------------------------------------------------------------- endings

    /// A data connection has ended: its sessions are told what became of it.
    pub(super) fn data_ended(&mut self, connection: Arc<Connection>, data: Data) {
        let opened = is_opened(&connection);
        let ids: Vec<u64> = data.expectations.iter().map(|expectation| expectation.session).collect();
        let contents = data.contents.map(|mut content| {
            content.end(true, &self.hash);
            content
        });
        let mut ended = Ended {
            connection: Arc::clone(&connection),
            pairing: Pairing::Guessed,
            contents: Arc::new(contents),
            shared_with: Vec::new(),
        };
        for expectation in &data.expectations {
            if !opened {
                // Another attempt may follow.
                self.expectations.set_stream(data.opening.port, expectation, None);
            }
            ended.pairing = data.opening.pairing(expectation);
            ended.shared_with = ids.iter().copied().filter(|id| *id != expectation.session).collect();
            if let Some(session) = self.sessions.get_mut(&expectation.session) {
                let before = session.bytes;
                session.ended(connection.stream, ended.clone());
                self.kept = self.kept.saturating_add(session.bytes.saturating_sub(before));
            }
        }
        for id in ids {
            self.conclude_if_over(id);
        }
    }

    pub(super) fn control_ended(&mut self, connection: Arc<Connection>, id: u64) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.control.finish(super::control::Speaker::Client);
            session.control.finish(super::control::Speaker::Server);
        }
        self.listen(id, true);
        self.controls.insert(id, connection);
        self.conclude_if_over(id);
    }
}

/// Whether a connection came to be: a handshake, or anything that follows one.
pub(super) fn is_opened(connection: &Connection) -> bool {
    connection.state != State::NeverOpened
}

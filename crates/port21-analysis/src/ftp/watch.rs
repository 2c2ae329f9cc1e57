//! Announcements and the connections that answer them, whichever is seen first.
//!
//! ```text
//! announced, then opened    expected ──▶ become_data
//! opened, then announced    watch ─┬──▶ adopt     a stranger is the connection
//!                                  └──▶ join      it is known already, as the other half of a server-to-server transfer
//! ```

use std::net::IpAddr;

use hashbrown::HashMap;

use super::content::Content;
use super::expectations::{Expectation, addresses};
use super::session::{Session, endpoint};
use super::sink::Newcomer;
use super::stage::{EARLY, Role, Stage};
use super::stranger::{HEAD_LIMIT, Stranger};
use super::transfer::Ended;
use crate::digest::Hashing;
use crate::report::{Endpoint, Pairing};
use crate::tcp::{self, Chunk, End, Unneeded};

/// So many data connections of a session keep the beginning of what they carry until it is over.
const BEGINNINGS: usize = 64;

/// A connection that has been silent for this long when it is announced was another's, in nanoseconds: captures swap packets, and
/// clients open data connections to use them.
const SILENT: i64 = 1_000_000_000;

/// An announced data connection that was opened.
#[derive(Debug)]
pub(super) struct Data {
    /// Two in a server-to-server transfer, else one.
    pub(super) expectations: Vec<Expectation>,
    pub(super) opening: Opening,
    pub(super) contents: [Content; 2],
    pub(super) head_limit: usize,
    /// Whether it was asked what the transfer carries.
    asked: bool,
}

/// Where a data connection goes, and how it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opening {
    /// The port that was announced.
    pub(super) port: u16,
    /// Address of the end that listens there.
    listener: IpAddr,
    /// Address of the other end.
    from: IpAddr,
    first_packet: u64,
    /// Time of the first packet.
    began: i64,
}

impl Opening {
    /// Of a connection to the announced `port` between two ends, the initiator (as far as is known) first.
    pub(super) fn new(
        [initiator, responder]: [Endpoint; 2],
        port: u16,
        first_packet: u64,
        began: i64,
    ) -> Self {
        let (listener, other) =
            if responder.port == port { (responder, initiator) } else { (initiator, responder) };
        Opening { port, listener: listener.address, from: other.address, first_packet, began }
    }

    /// How the connection is paired with an announcement.
    pub(super) fn pairing(&self, expectation: &Expectation) -> Pairing {
        expectation.pairing(self.listener, self.first_packet)
    }

    /// Whether the connection began no earlier than packets are swapped.
    fn is_in_time(&self, expectation: &Expectation) -> bool {
        self.began >= expectation.time.saturating_sub(EARLY)
    }
}

impl Stage {
    /// The announcements that a new connection answers, with the port that was announced.
    pub(super) fn expected(&self, newcomer: &Newcomer) -> Option<(u16, Vec<Expectation>)> {
        let [initiator, responder] = newcomer.ends;
        let listens = |listener: tcp::Endpoint, other: tcp::Endpoint| {
            let found = self.expectations.matching(endpoint(listener), other.address, newcomer.scope);
            (!found.is_empty()).then_some((listener.port, found))
        };
        // Without a handshake either end may be the one that listens.
        listens(responder, initiator).or_else(|| match newcomer.initiator_known {
            true => None,
            false => listens(initiator, responder),
        })
    }

    /// A connection is the one that was announced, by one session or, server to server, by two.
    pub(super) fn become_data(
        &mut self,
        stream: u64,
        opening: Opening,
        expectations: Vec<Expectation>,
        contents: [Content; 2],
    ) {
        for expectation in &expectations {
            self.claim(stream, opening.port, expectation);
        }
        let data = Data { expectations, opening, contents, head_limit: HEAD_LIMIT, asked: false };
        self.roles.insert(stream, Role::Data(Box::new(data)));
    }

    fn claim(&mut self, stream: u64, port: u16, expectation: &Expectation) {
        self.expectations.set_stream(port, expectation, Some(stream));
        if let Some(session) = self.sessions.get_mut(&expectation.session) {
            let before = session.bytes;
            session.claim(expectation.announcement, stream);
            self.kept = self.kept.saturating_add(session.bytes.saturating_sub(before));
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
            scope: session.scope,
            passive,
            packet: announcement.packet()?,
            time: announcement.time,
            stream: None,
        };
        Some((announcement.port?, expectation))
    }

    /// Watches for an announced data connection; perhaps it is already there.
    pub(super) fn watch(&mut self, id: u64, index: usize) {
        let Some((port, expectation)) = self.expectation(id, index) else { return };
        self.expectations.add(port, expectation);
        let listeners = addresses(&expectation);
        let fits = |stream: u64| {
            let Some(Role::Stranger(stranger)) = self.roles.get(&stream) else { return None };
            let opening = stranger.opening(port);
            let is_in_time = opening.is_in_time(&expectation) && stranger.is_heard_at(expectation.time);
            let fits = may_be(stranger, port, &listeners, &expectation) && is_in_time;
            fits.then_some((stranger.first_packet, stream))
        };
        let candidates: Vec<(u64, u64)> =
            self.pairs.strangers(expectation.peer, &listeners).filter_map(fits).collect();
        // Seen after the announcement, though it was heard of late; else the last one before it.
        let after = candidates.iter().filter(|(first, _)| *first > expectation.packet).min();
        match after.or(candidates.iter().max()) {
            Some((_, stream)) => self.adopt(*stream, port, expectation),
            None => self.join(port, expectation),
        }
    }

    /// A stranger turns out to be the announced data connection, perhaps of a server-to-server transfer whose other half
    /// was announced too.
    fn adopt(&mut self, stream: u64, port: u16, expectation: Expectation) {
        let Some(Role::Stranger(stranger)) = self.roles.remove(&stream) else { return };
        self.pairs.remove_stranger(stream, stranger.ends, stranger.ended.is_none());
        self.strangers.remove(stream);
        let opening = stranger.opening(port);
        let other = self.expectations.partner((opening.listener, port), &expectation, |other| {
            other.stream.is_none() && opening.is_in_time(other) && connects(&opening, &expectation, other)
        });
        let expectations: Vec<Expectation> = std::iter::once(expectation).chain(other).collect();
        if stranger.ended.is_none() {
            self.spare(stranger.scope, stranger.ends, stream, Unneeded::Acknowledgements);
            self.become_data(stream, opening, expectations, stranger.contents);
            return;
        }
        let Some(ended) = stranger.into_ended(Pairing::Late) else { return };
        for expectation in &expectations {
            self.claim(stream, port, expectation);
            let others = expectations.iter().map(|e| e.session).filter(|id| *id != expectation.session);
            self.tell_end(
                stream,
                &opening,
                expectation,
                Ended { shared_with: others.collect(), ..ended.clone() },
            );
        }
    }

    /// The announced connection may be known already by what another session announced: one server listens, the other was
    /// told to connect, and this announcement is the second of the two.
    fn join(&mut self, port: u16, expectation: Expectation) {
        let fits = |other: &Expectation| {
            other.stream.and_then(|stream| self.alone(stream, port, other.session)).is_some_and(|opening| {
                opening.is_in_time(&expectation) && connects(&opening, &expectation, other)
            })
        };
        let mut listeners = addresses(&expectation).into_iter();
        let other =
            listeners.find_map(|address| self.expectations.partner((address, port), &expectation, fits));
        let Some((other, stream)) = other.and_then(|other| Some((other, other.stream?))) else { return };
        let Some(opening) = self.alone(stream, port, other.session) else { return };
        self.claim(stream, port, &expectation);
        if let Some(Role::Data(data)) = self.roles.get_mut(&stream) {
            data.expectations.push(expectation);
            return;
        }
        let Some(session) = self.sessions.get_mut(&other.session) else { return };
        let Some(ended) = session.outcome(stream).cloned() else { return };
        session.share(stream, expectation.session);
        self.tell_end(stream, &opening, &expectation, Ended { shared_with: vec![other.session], ..ended });
    }

    /// How a data connection began that is known of one session only, that of `id`, whether it has ended or not.
    fn alone(&self, stream: u64, port: u16, id: u64) -> Option<Opening> {
        if let Some(Role::Data(data)) = self.roles.get(&stream) {
            return (data.expectations.len() == 1).then_some(data.opening);
        }
        let ended = self.sessions.get(&id)?.outcome(stream).filter(|ended| ended.shared_with.is_empty())?;
        let ends = ended.connection.ends.map(endpoint);
        Some(Opening::new(ends, port, ended.connection.packets.0, ended.connection.times.0.0))
    }

    fn tell_end(&mut self, stream: u64, opening: &Opening, expectation: &Expectation, ended: Ended) {
        if let Some(session) = self.sessions.get_mut(&expectation.session) {
            let before = session.bytes;
            session.ended(stream, Ended { pairing: opening.pairing(expectation), ..ended });
            self.kept = self.kept.saturating_add(session.bytes.saturating_sub(before));
        }
    }

    /// An announcement is void.
    pub(super) fn unwatch(&mut self, id: u64, index: usize) {
        if let Some((port, expectation)) = self.expectation(id, index) {
            self.expectations.remove(port, id, index, &addresses(&expectation));
        }
    }
}

impl Stranger {
    /// Whether it was not over long before this time. A server listens on one port after the other, and some day on the same again:
    /// what went there earlier was for somebody else, whose announcement could not be read.
    fn is_heard_at(&self, time: i64) -> bool {
        self.times.1 >= time.saturating_sub(SILENT)
    }

    fn opening(&self, port: u16) -> Opening {
        Opening::new(self.ends.map(endpoint), port, self.first_packet, self.times.0)
    }
}

/// Whether a stranger goes where an announcement said it would.
fn may_be(stranger: &Stranger, port: u16, listeners: &[IpAddr], expectation: &Expectation) -> bool {
    let [initiator, responder] = stranger.ends;
    let to_listener = |listener: tcp::Endpoint, other: tcp::Endpoint| {
        let expected = other.address == expectation.peer || Some(listener.address) == expectation.announced;
        listener.port == port && listeners.contains(&listener.address) && expected
    };
    let from_unknown = stranger.began_before && to_listener(initiator, responder);
    stranger.scope == expectation.scope && (to_listener(responder, initiator) || from_unknown)
}

/// Whether the connection comes from the server that was told to connect: by the one of the two that is not passive.
fn connects(opening: &Opening, one: &Expectation, other: &Expectation) -> bool {
    let active = if one.passive { other } else { one };
    active.peer == opening.from
}

impl Data {
    /// An end has sent everything. What is short is hashed when the session is written down, on any thread, unless the
    /// session has had many files: then their beginnings are not kept so long.
    pub(super) fn finish(
        &mut self,
        sessions: &HashMap<u64, Box<Session>>,
        stream: u64,
        from: End,
        hash: &Hashing,
    ) {
        let needs_beginning = self.expectations.iter().any(|expectation| {
            sessions
                .get(&expectation.session)
                .is_some_and(|session| session.streams.len() <= BEGINNINGS || session.is_listing(stream))
        });
        let [initiator, responder] = &mut self.contents;
        let content = if from == End::Initiator { initiator } else { responder };
        content.end(needs_beginning, hash);
    }

    pub(super) fn take(
        &mut self,
        sessions: &HashMap<u64, Box<Session>>,
        stream: u64,
        from: End,
        chunk: &Chunk<'_>,
        (hash, listing_bytes): (&Hashing, usize),
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
                self.head_limit = listing_bytes;
            } else {
                self.head_limit = 0;
                content.shrink_head(hash);
            }
        }
        content.take(chunk.bytes, self.head_limit, hash);
    }
}

//! What TCP tells of connections, each given to the role that its connection plays.
//!
//! The stage never sees TCP's own state: so it can hear at once ([`AtOnce`]) what TCP says, or a batch later, on another
//! thread ([`Events`](super::Events)), and understands the same.

use std::sync::Arc;

use port21_capture::{Scope, Timestamp};

use super::content::ZEROS_PER_BYTE;
use super::recognise::{Verdict, speaker};
use super::session::endpoint;
use super::stage::{Role, Stage};
use super::stranger::{Event, HEAD_LIMIT, Stranger};
use super::watch::Opening;
use crate::analysis::News;
use crate::names::{DnsStream, Envelope};
use crate::report::convert;
use crate::tcp::{Chunk, Connection, End, Endpoint, Gap, Interest, Sink, Unneeded};

/// A connection whose first packet was seen.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer {
    /// Its number.
    pub stream: u64,
    /// VLANs and tunnel.
    pub scope: Scope,
    /// Initiator and responder, as far as is known.
    pub ends: [Endpoint; 2],
    /// Whether the packet told who is who.
    pub initiator_known: bool,
    /// The packet.
    pub packet: u64,
    /// Its time.
    pub time: Timestamp,
}

impl Newcomer {
    pub(super) fn of(connection: &Connection) -> Newcomer {
        Newcomer {
            stream: connection.stream,
            scope: connection.scope,
            ends: connection.ends,
            initiator_known: connection.initiator_known,
            packet: connection.packets.0,
            time: connection.times.0,
        }
    }
}

/// A packet of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The connection.
    pub stream: u64,
    /// The packet's number.
    pub packet: u64,
    /// Its time.
    pub time: Timestamp,
    /// Who sent it.
    pub from: End,
    /// Whether the ends were [taken for each other](Connection::turned) when the connection was opened.
    pub turned: bool,
    /// Length of its payload on the wire.
    pub payload_length: u32,
}

/// Who sent bytes, on which connection.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// The connection.
    pub stream: u64,
    /// The sender.
    pub from: End,
    /// Whether the SYN of each end was seen.
    pub syn_seen: [bool; 2],
}

impl Source {
    pub(super) fn of(connection: &Connection, from: End) -> Source {
        let [initiator, responder] = &connection.halves;
        let syn_seen = [initiator.syn_seen, responder.syn_seen];
        Source { stream: connection.stream, from, syn_seen }
    }
}

/// A connection of which the stage needs to know less from now on.
#[derive(Debug, Clone, Copy)]
pub struct Unwanted {
    /// VLANs and tunnel.
    pub scope: Scope,
    /// Its ends.
    pub ends: [Endpoint; 2],
    /// Its number.
    pub stream: u64,
    /// What it does not need to know.
    pub what: Unneeded,
}

/// Hears TCP, and what is said of names beside.
pub trait Hearer: Sink {
    /// A DNS message.
    fn names(&mut self, envelope: Envelope, message: &[u8]);
}

/// The stage hears what is said while it is said.
pub struct AtOnce<'a> {
    /// Who hears.
    pub stage: &'a mut Stage,
    /// Whether TCP learns at once that no more is wanted of a connection.
    pub promptly: bool,
}

impl Hearer for AtOnce<'_> {
    fn names(&mut self, envelope: Envelope, message: &[u8]) {
        self.stage.names(envelope, message);
    }
}

impl Sink for AtOnce<'_> {
    fn opened(&mut self, connection: &Connection) {
        self.stage.opened(&Newcomer::of(connection));
    }

    fn packet(
        &mut self,
        connection: &Connection,
        packet: u64,
        time: Timestamp,
        from: End,
        payload_length: u32,
    ) {
        let (stream, turned) = (connection.stream, connection.turned);
        self.stage.packet(&Seen { stream, packet, time, from, turned, payload_length });
    }

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        self.stage.data(Source::of(connection, from), &chunk);
        if self.promptly && self.stage.is_done_with(connection.stream) {
            return Interest::CountOnly;
        }
        Interest::Keep
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        self.stage.gap(connection.stream, from, gap);
    }

    fn acknowledged(&mut self, connection: &Connection, sender: End, offset: u64, packet: u64) {
        self.stage.acknowledged(connection.stream, sender, offset, packet);
    }

    fn finished(&mut self, connection: &Connection, from: End, _packet: u64) {
        self.stage.finished(connection.stream, from);
    }

    fn ended(&mut self, connection: Connection) {
        self.stage.ended(Arc::new(connection));
    }
}

impl Stage {
    pub(super) fn opened(&mut self, newcomer: &Newcomer) {
        let stream = newcomer.stream;
        if let Some((port, found)) = self.expected(newcomer) {
            let opening = Opening::new(newcomer.ends.map(endpoint), port, newcomer.packet, newcomer.time.0);
            self.become_data(stream, opening, found, Default::default());
            self.spare(newcomer.scope, newcomer.ends, stream, Unneeded::Acknowledgements);
        } else if newcomer.ends.iter().any(|end| end.port == crate::names::DNS_PORT) {
            self.roles.insert(stream, Role::Dns(Box::new(DnsStream::new(newcomer.ends))));
        } else {
            self.pairs.add_stranger(stream, newcomer.ends);
            self.roles.insert(stream, Role::Stranger(Box::new(Stranger::new(newcomer))));
        }
    }

    pub(super) fn packet(&mut self, seen: &Seen) {
        let Seen { packet, from, turned, payload_length, .. } = *seen;
        let time = seen.time.0;
        match self.roles.get_mut(&seen.stream) {
            Some(Role::Data(data)) if payload_length > 0 => {
                let [initiator, responder] = &mut data.contents;
                let content = if from == End::Initiator { initiator } else { responder };
                content.packet(packet, time);
            }
            Some(Role::Stranger(stranger)) => {
                if stranger.turned != turned {
                    stranger.turn_round();
                }
                stranger.times.1 = time;
                if payload_length > 0 {
                    stranger.content(from).packet(packet, time);
                }
            }
            Some(Role::Dns(stream)) => stream.set_turned(turned),
            _ => {}
        }
    }

    pub(super) fn data(&mut self, source: Source, chunk: &Chunk<'_>) {
        let Source { stream, from, syn_seen } = source;
        self.zeros = self.zeros.saturating_add((chunk.bytes.len() as u64).saturating_mul(ZEROS_PER_BYTE));
        match self.roles.get_mut(&stream) {
            Some(Role::Data(data)) => {
                let how = (&self.hash, self.limits.listing_bytes);
                data.take(&self.sessions, stream, from, chunk, how);
            }
            Some(Role::Control(id)) => {
                let id = *id;
                if let Some(session) = self.sessions.get_mut(&id) {
                    let by = speaker(session.client_end, from);
                    session.control.borrow(by, &mut self.room);
                    session.control.data(by, chunk);
                }
                self.listen(id, false);
            }
            Some(Role::Stranger(stranger)) => {
                let verdict = stranger.data(from, chunk, &self.hash);
                let (ends, unknown) = (stranger.ends, stranger.began_before);
                let long = stranger.length() > HEAD_LIMIT as u64;
                let kept = stranger.kept();
                match verdict {
                    Verdict::Control { client } => {
                        if let Some(Role::Stranger(stranger)) = self.roles.remove(&stream) {
                            self.pairs.remove_stranger(stream, ends, true);
                            self.strangers.remove(stream);
                            self.become_control(stream, client, syn_seen, *stranger);
                        }
                    }
                    // Between two hosts that speak FTP, anything may yet turn out to be a file.
                    _ if self.pairs.has_session(ends) => self.keep_stranger(stream, kept),
                    Verdict::Unknown if !long || unknown => self.keep_stranger(stream, kept),
                    _ => self.forget_stranger(stream),
                }
            }
            Some(Role::Dns(dns)) => {
                self.names.stream_data(dns, from, chunk);
                self.tell_names(false);
            }
            Some(Role::Ignored) | None => {}
        }
    }

    pub(super) fn gap(&mut self, stream: u64, from: End, gap: Gap) {
        match self.roles.get_mut(&stream) {
            Some(Role::Data(data)) => {
                let head_limit = data.head_limit;
                let [initiator, responder] = &mut data.contents;
                let content = if from == End::Initiator { initiator } else { responder };
                content.skip(gap, head_limit, &self.hash, &mut self.zeros);
            }
            Some(Role::Control(id)) => {
                let id = *id;
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.control.gap(speaker(session.client_end, from), gap);
                }
                self.listen(id, false);
            }
            Some(Role::Stranger(stranger)) => stranger.gap(from, gap, &self.hash, &mut self.zeros),
            Some(Role::Dns(stream)) => self.names.lose(stream, from),
            Some(Role::Ignored) | None => {}
        }
    }

    pub(super) fn acknowledged(&mut self, stream: u64, sender: End, offset: u64, packet: u64) {
        match self.roles.get_mut(&stream) {
            Some(Role::Control(id)) => {
                if let Some(session) = self.sessions.get_mut(id) {
                    session.control.acknowledged(speaker(session.client_end, sender), offset, packet);
                }
            }
            Some(Role::Stranger(stranger)) => stranger.remember(Event::Acknowledged(sender, offset, packet)),
            _ => {}
        }
    }

    pub(super) fn finished(&mut self, stream: u64, from: End) {
        match self.roles.get_mut(&stream) {
            Some(Role::Data(data)) => data.finish(&self.sessions, stream, from, &self.hash),
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

    pub(super) fn ended(&mut self, connection: Arc<Connection>) {
        if self.record_connections {
            let connection = convert::connection(&connection, self.epoch);
            self.news.push(News::Connection(Box::new(connection)));
        }
        match self.roles.remove(&connection.stream) {
            Some(Role::Data(data)) => self.data_ended(connection, *data),
            Some(Role::Control(id)) => self.control_ended(connection, id),
            Some(Role::Stranger(stranger)) => self.stranger_ended(connection, stranger),
            Some(Role::Dns(stream)) => {
                self.names.stream_ended(*stream);
                self.outsider_ended(&connection);
            }
            Some(Role::Ignored) | None => self.outsider_ended(&connection),
        }
    }
}

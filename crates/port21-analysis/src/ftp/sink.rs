//! TCP's events, each given to the role that its connection plays.

use std::sync::Arc;

use port21_capture::Timestamp;

use super::content::ZEROS_PER_BYTE;
use super::recognise::{Verdict, speaker};
use super::session::endpoint;
use super::stage::{Role, Stage};
use super::stranger::{Event, HEAD_LIMIT, Stranger};
use super::watch::Opening;
use crate::report::convert;
use crate::tcp::{Chunk, Connection, End, Gap, Interest, Sink};

impl Sink for Stage {
    fn opened(&mut self, connection: &Connection) {
        let stream = connection.stream;
        if let Some((port, found)) = self.expected(connection) {
            let opening =
                Opening::new(connection.ends.map(endpoint), port, connection.packets.0, connection.times.0.0);
            self.become_data(stream, opening, found, Default::default());
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
                if stranger.ends != connection.ends {
                    stranger.turn_round(connection);
                }
                stranger.times.1 = time.0;
                if payload_length > 0 {
                    stranger.content(from).packet(packet, time.0);
                }
            }
            _ => {}
        }
    }

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        self.zeros = self.zeros.saturating_add((chunk.bytes.len() as u64).saturating_mul(ZEROS_PER_BYTE));
        match self.roles.get_mut(&connection.stream) {
            Some(Role::Data(data)) => {
                let how = (&self.hash, self.limits.listing_bytes);
                data.take(&self.sessions, connection.stream, from, &chunk, how);
                Interest::Keep
            }
            Some(Role::Control(id)) => {
                let id = *id;
                if let Some(session) = self.sessions.get_mut(&id) {
                    let by = speaker(session.client_end, from);
                    session.control.borrow(by, &mut self.room);
                    session.control.data(by, &chunk);
                }
                self.listen(id, false);
                Interest::Keep
            }
            Some(Role::Stranger(stranger)) => {
                let verdict = stranger.data(from, &chunk, &self.hash);
                let (ends, unknown) = (stranger.ends, stranger.began_before);
                let long = stranger.length() > HEAD_LIMIT as u64;
                let kept = stranger.kept();
                match verdict {
                    Verdict::Control { client } => {
                        if let Some(Role::Stranger(stranger)) = self.roles.remove(&connection.stream) {
                            self.pairs.remove_stranger(connection.stream, ends, true);
                            self.strangers.remove(connection.stream);
                            self.become_control(connection, client, *stranger);
                        }
                        Interest::Keep
                    }
                    // Between two hosts that speak FTP, anything may yet turn out to be a file.
                    _ if self.pairs.has_session(ends) => self.keep_stranger(connection.stream, kept),
                    Verdict::Unknown if !long || unknown => self.keep_stranger(connection.stream, kept),
                    _ => {
                        self.forget_stranger(connection.stream);
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
        match self.roles.get_mut(&connection.stream) {
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
            Some(Role::Data(data)) => data.finish(&self.sessions, connection.stream, from, &self.hash),
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
        if self.record_connections {
            self.connections.push(convert::connection(&connection, self.epoch));
        }
        match self.roles.remove(&connection.stream) {
            Some(Role::Data(data)) => self.data_ended(Arc::new(connection), *data),
            Some(Role::Control(id)) => self.control_ended(Box::new(connection), id),
            Some(Role::Stranger(stranger)) => self.stranger_ended(Arc::new(connection), stranger),
            Some(Role::Dns(stream)) => {
                self.names.stream_ended(*stream);
                self.outsider_ended(&connection);
            }
            Some(Role::Ignored) | None => self.outsider_ended(&connection),
        }
    }
}

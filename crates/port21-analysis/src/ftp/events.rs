//! What TCP told of some packets, kept to be heard on another thread.

use std::sync::Arc;

use port21_capture::{Flags, Timestamp};

use super::sink::{Hearer, Newcomer, Seen, Source};
use super::stage::Stage;
use crate::names::Envelope;
use crate::tcp::{Chunk, Connection, End, Gap, Interest, Sink};

/// Room for bytes, and for events, that is kept for the next packets.
const MOST_BYTES: usize = 1 << 20;
const MOST_EVENTS: usize = 1 << 14;

/// What TCP told, in order, with a copy of the bytes.
#[derive(Debug, Default)]
pub struct Events {
    list: Vec<Event>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
enum Event {
    Opened(Newcomer),
    Packet(Seen),
    Data { source: Source, mark: Mark, place: Place },
    Gap { stream: u64, from: End, gap: Gap },
    Acknowledged { stream: u64, sender: End, offset: u64, packet: u64 },
    Finished { stream: u64, from: End },
    Ended(Arc<Connection>),
    Names { envelope: Box<Envelope>, place: Place },
}

/// All of a [`Chunk`] but its bytes.
#[derive(Debug, Clone, Copy)]
struct Mark {
    offset: u64,
    packet: u64,
    time: Timestamp,
    flags: Flags,
    acknowledges: Option<u64>,
}

/// Where bytes lie.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    length: usize,
}

impl Events {
    /// Whether nothing was told.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How much was told.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Tells the stage everything, and is empty then.
    pub fn tell(&mut self, stage: &mut Stage) {
        let Events { list, bytes } = self;
        for event in list.drain(..) {
            match event {
                Event::Opened(newcomer) => stage.opened(&newcomer),
                Event::Packet(seen) => stage.packet(&seen),
                Event::Data { source, mark, place } => {
                    let Mark { offset, packet, time, flags, acknowledges } = mark;
                    let chunk = Chunk { offset, bytes: place.of(bytes), packet, time, flags, acknowledges };
                    stage.data(source, &chunk);
                }
                Event::Gap { stream, from, gap } => stage.gap(stream, from, gap),
                Event::Acknowledged { stream, sender, offset, packet } => {
                    stage.acknowledged(stream, sender, offset, packet);
                }
                Event::Finished { stream, from } => stage.finished(stream, from),
                Event::Ended(connection) => stage.ended(connection),
                Event::Names { envelope, place } => stage.names(*envelope, place.of(bytes)),
            }
        }
        bytes.clear();
        bytes.shrink_to(MOST_BYTES);
        list.shrink_to(MOST_EVENTS);
    }

    fn keep(&mut self, bytes: &[u8]) -> Place {
        let place = Place { start: self.bytes.len(), length: bytes.len() };
        self.bytes.extend_from_slice(bytes);
        place
    }
}

impl Place {
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start..self.start.saturating_add(self.length)).unwrap_or_default()
    }
}

impl Hearer for Events {
    fn names(&mut self, envelope: Envelope, message: &[u8]) {
        let place = self.keep(message);
        self.list.push(Event::Names { envelope: Box::new(envelope), place });
    }
}

impl Sink for Events {
    fn opened(&mut self, connection: &Connection) {
        self.list.push(Event::Opened(Newcomer::of(connection)));
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
        self.list.push(Event::Packet(Seen { stream, packet, time, from, turned, payload_length }));
    }

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        let Chunk { offset, bytes, packet, time, flags, acknowledges } = chunk;
        let mark = Mark { offset, packet, time, flags, acknowledges };
        let place = self.keep(bytes);
        self.list.push(Event::Data { source: Source::of(connection, from), mark, place });
        Interest::Keep
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        self.list.push(Event::Gap { stream: connection.stream, from, gap });
    }

    fn acknowledged(&mut self, connection: &Connection, sender: End, offset: u64, packet: u64) {
        self.list.push(Event::Acknowledged { stream: connection.stream, sender, offset, packet });
    }

    fn finished(&mut self, connection: &Connection, from: End, _packet: u64) {
        self.list.push(Event::Finished { stream: connection.stream, from });
    }

    fn ended(&mut self, connection: Connection) {
        self.list.push(Event::Ended(Arc::new(connection)));
    }
}

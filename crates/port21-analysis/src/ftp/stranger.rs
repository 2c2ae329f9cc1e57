//! Connections of which it is not known (yet) what they are.
//!
//! Data may be seen before its announcement, and a control connection shows what it is only when something was said on
//! it. Until then the first bytes are kept, with what is needed to hear them again as a dialogue.

use std::collections::BTreeMap;
use std::sync::Arc;

use port21_capture::{Flags, Scope, Timestamp};

use super::content::Content;
use super::recognise::{Verdict, recognise};
use super::sink::Newcomer;
use super::transfer::Ended;
use crate::digest::Hashing;
use crate::report::Pairing;
use crate::tcp::{self, Chunk, End, Endpoint, Gap};

/// Bytes kept of each direction until it is known what they are.
pub const HEAD_LIMIT: usize = 64 << 10;

/// A dialogue shows itself within this many bytes of each direction, or not at all.
const RECOGNITION_LIMIT: u64 = 8 << 10;

/// Events kept to be heard again as a dialogue.
const REPLAY_LIMIT: usize = 512;

/// Something that happened on a connection before it was known what it is.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// Bytes arrived.
    Data {
        /// From whom.
        from: End,
        /// Offset of the first.
        offset: u64,
        /// How many.
        length: usize,
        /// In which packet.
        packet: u64,
        /// When.
        time: Timestamp,
        /// With which TCP flags.
        flags: Flags,
        /// What that packet acknowledged.
        acknowledges: Option<u64>,
    },
    /// Bytes are missing.
    Gap(End, Gap),
    /// `packet` acknowledged the data of an end up to an offset.
    Acknowledged(End, u64, u64),
    /// An end will send no more.
    Finished(End),
}

/// A connection that is neither control nor (known to be) data.
#[derive(Debug)]
pub struct Stranger {
    /// Its ends: initiator and responder.
    pub ends: [Endpoint; 2],
    /// Whether they were taken for each other at first.
    pub turned: bool,
    /// VLANs and tunnel.
    pub scope: Scope,
    /// First packet, and the time of the first and last.
    pub first_packet: u64,
    /// Times of the first and the latest packet.
    pub times: (i64, i64),
    /// What each end sent.
    pub contents: [Content; 2],
    /// What happened, while it may still be a dialogue.
    pub events: Vec<Event>,
    /// It may still be a dialogue.
    pub may_be_control: bool,
    /// It is known to be some other protocol.
    pub is_other: bool,
    /// Its handshake was not seen.
    pub began_before: bool,
    /// It may belong to a session that is over and was not alone between these hosts, so that it is nobody's for certain.
    pub contested: bool,
    /// The connection, once it has ended.
    pub ended: Option<Arc<tcp::Connection>>,
}

impl Stranger {
    /// A connection whose first packet was just seen.
    pub fn new(newcomer: &Newcomer) -> Self {
        let time = newcomer.time.0;
        Stranger {
            ends: newcomer.ends,
            turned: false,
            scope: newcomer.scope,
            first_packet: newcomer.packet,
            times: (time, time),
            contents: Default::default(),
            events: Vec::new(),
            may_be_control: true,
            is_other: false,
            began_before: !newcomer.initiator_known,
            contested: false,
            ended: None,
        }
    }

    /// A SYN has shown that its ends were taken for each other, before either had sent any data.
    pub fn turn_round(&mut self) {
        self.turned = !self.turned;
        self.ends.reverse();
        self.contents.reverse();
        self.events.clear();
        self.began_before = false;
    }

    /// What `end` sent.
    pub fn content(&mut self, end: End) -> &mut Content {
        let [initiator, responder] = &mut self.contents;
        match end {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }

    /// Bytes arrived; returns what the connection shows itself to be.
    pub fn data(&mut self, from: End, chunk: &Chunk<'_>, hash: &Hashing) -> Verdict {
        self.content(from).take(chunk.bytes, HEAD_LIMIT, hash);
        self.remember(Event::Data {
            from,
            offset: chunk.offset,
            length: chunk.bytes.len(),
            packet: chunk.packet,
            time: chunk.time,
            flags: chunk.flags,
            acknowledges: chunk.acknowledges,
        });
        if !self.may_be_control {
            return if self.is_other { Verdict::Other } else { Verdict::Unknown };
        }
        let [initiator, responder] = &self.contents;
        let verdict = recognise(self.ends, [&initiator.head, &responder.head]);
        let too_long = self.contents.iter().any(|content| content.length > RECOGNITION_LIMIT);
        match verdict {
            Verdict::Control { .. } => {}
            Verdict::Other => {
                self.is_other = true;
                self.give_up();
            }
            Verdict::Unknown if too_long => self.give_up(),
            Verdict::Unknown => {}
        }
        verdict
    }

    /// Bytes are missing.
    pub fn gap(&mut self, from: End, gap: Gap, hash: &Hashing, zeros: &mut u64) {
        self.content(from).skip(gap, HEAD_LIMIT, hash, zeros);
        self.remember(Event::Gap(from, gap));
    }

    /// Something else happened.
    pub fn remember(&mut self, event: Event) {
        if self.may_be_control {
            if self.events.len() >= REPLAY_LIMIT {
                self.give_up();
            } else {
                self.events.push(event);
            }
        }
    }

    fn give_up(&mut self) {
        self.may_be_control = false;
        self.events = Vec::new();
    }

    /// About how many bytes are kept of it.
    pub fn kept(&self) -> usize {
        let heads = self.contents.iter().map(|content| content.head.capacity()).sum::<usize>();
        heads.saturating_add(self.events.capacity() * size_of::<Event>())
    }

    /// Bytes that either end sent.
    pub fn length(&self) -> u64 {
        self.contents.iter().map(|content| content.length).sum()
    }

    /// As a data connection that was found by guessing or late; `None` while it is still open.
    pub fn into_ended(self, pairing: Pairing) -> Option<Ended> {
        Some(Ended {
            connection: self.ended?,
            pairing,
            contents: Arc::new(self.contents),
            shared_with: Vec::new(),
        })
    }
}

/// How many bytes are kept of each stranger, by its stream, and of all.
#[derive(Debug, Default)]
pub struct Kept {
    by_stream: BTreeMap<u64, usize>,
    /// Of all.
    pub total: usize,
}

impl Kept {
    /// A stranger takes up so many bytes now.
    pub fn set(&mut self, stream: u64, bytes: usize) {
        let before = self.by_stream.insert(stream, bytes).unwrap_or(0);
        self.total = self.total.saturating_sub(before).saturating_add(bytes);
    }

    /// It is no stranger any more, or is forgotten.
    pub fn remove(&mut self, stream: u64) {
        let before = self.by_stream.remove(&stream).unwrap_or(0);
        self.total = self.total.saturating_sub(before);
    }

    /// The stranger that was seen first.
    pub fn oldest(&self) -> Option<u64> {
        self.by_stream.first_key_value().map(|(stream, _)| *stream)
    }
}

//! What was said in a session, kept in little room until the session is written down.
//!
//! A thousand sessions may go on at once, and each is heard a line at a time: what they all hold must not be larger than the
//! processor's caches. So the text of a session is one run of bytes, and what is known of each line beside it are numbers. The
//! report's commands and replies, with a text of their own each, are made when the session is over.

use std::num::NonZeroU64;

use ftp_protocol::command::CommandLine;
use ftp_protocol::{Reply, Verb};
use port21_capture::{Flags, Timestamp};
use smallvec::smallvec;
use smol_str::SmolStr;

use super::control::{Control, Said, Speaker};
use super::session::{HIDDEN, relative_sequence};
use crate::hex;
use crate::report;

/// A part of a session's text, or of its list of packets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// Appends `items` to `all`. There must be [room](Transcript::has_room) for them.
    fn append<T: Copy>(all: &mut Vec<T>, items: &[T]) -> Span {
        let start = all.len() as u32;
        all.extend_from_slice(items);
        Span { start, length: items.len() as u32 }
    }

    /// The last items, `length` of them.
    fn last(self, length: usize) -> Span {
        let length = self.length.min(length as u32);
        Span { start: self.start + (self.length - length), length }
    }

    /// The part itself.
    pub fn of<T>(self, all: &[T]) -> &[T] {
        let start = self.start as usize;
        all.get(start..start + self.length as usize).unwrap_or_default()
    }
}

/// Where something that was said stands in the capture.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The packet in which it begins; 0: which one is not known any more.
    packet: u64,
    time: Timestamp,
    /// Stream offsets of the first byte, and behind the last.
    start: u64,
    end: u64,
    /// The packets that carry what follows, in [`Transcript::packets`].
    more: Span,
}

/// A line of the client's.
#[derive(Debug, Clone, Copy)]
pub struct KeptCommand {
    place: Place,
    line: Span,
    argument: Option<Span>,
    /// The TCP flags of the packet that completes it.
    flags: Flags,
    /// The argument is nobody's to read.
    hidden: bool,
    truncated_from: Option<NonZeroU64>,
}

impl KeptCommand {
    /// The packet in which it begins.
    pub fn packet(&self) -> u64 {
        self.place.packet
    }

    /// Stream offset behind it.
    pub fn end(&self) -> u64 {
        self.place.end
    }

    /// What stands behind the verb, in the [text](Transcript::text).
    pub fn argument(&self) -> Option<Span> {
        self.argument
    }
}

/// A reply of the server's.
#[derive(Debug, Clone, Copy)]
pub struct KeptReply {
    place: Place,
    /// The code, if it has one.
    pub code: Option<u16>,
    /// Its lines, with a line feed between them; a line holds none.
    text: Span,
    lines: u32,
    truncated_from: Option<NonZeroU64>,
}

impl KeptReply {
    /// The packet in which it begins.
    pub fn packet(&self) -> u64 {
        self.place.packet
    }
}

/// What was said in a session.
#[derive(Debug)]
pub struct Transcript {
    /// The text of everything.
    pub text: Vec<u8>,
    /// Packets beside the first of what several carry.
    packets: Vec<u64>,
    /// Replies in the order in which they were given, each with the exchange that it belongs to.
    replies: Vec<(usize, KeptReply)>,
}

/// How commands and replies are written down.
pub struct Style<'a> {
    /// Time of the capture's first packet.
    pub epoch: Timestamp,
    /// Knows which packet acknowledged what.
    pub control: &'a Control,
}

/// Room that is made at first: what a session says that looks into a directory and fetches a file.
const FIRST_TEXT: usize = 512;
/// The same, in commands or replies.
pub const FIRST_SAID: usize = 8;

impl Default for Transcript {
    fn default() -> Self {
        Transcript {
            text: Vec::with_capacity(FIRST_TEXT),
            packets: Vec::new(),
            replies: Vec::with_capacity(FIRST_SAID),
        }
    }
}

impl Transcript {
    /// Whether so many more bytes have a place.
    pub fn has_room(&self, text: usize) -> bool {
        let most = u32::MAX as usize;
        self.text.len().saturating_add(text) <= most && self.packets.len() < most / 2
    }

    /// Keeps a command: `line` as it was sent, of which the last bytes, so many as `argument` says, are its argument.
    pub fn keep_command(
        &mut self,
        said: &Said,
        line: &[u8],
        argument: Option<usize>,
        hidden: bool,
        truncated_from: Option<u64>,
    ) -> KeptCommand {
        let line = Span::append(&mut self.text, line);
        KeptCommand {
            place: self.place(said),
            line,
            argument: argument.map(|length| line.last(length)),
            flags: said.last.flags,
            hidden,
            truncated_from: truncated_from.and_then(NonZeroU64::new),
        }
    }

    /// Keeps a reply, whose lines are `text` when they are joined.
    pub fn keep_reply(&mut self, said: &Said, reply: &Reply, text: &[u8]) -> KeptReply {
        KeptReply {
            place: self.place(said),
            code: reply.code,
            text: Span::append(&mut self.text, text),
            lines: reply.lines.len() as u32,
            truncated_from: reply.truncated_from.and_then(NonZeroU64::new),
        }
    }

    /// Gives a reply to an exchange.
    pub fn answer(&mut self, exchange: usize, reply: KeptReply) {
        self.replies.push((exchange, reply));
    }

    fn place(&mut self, said: &Said) -> Place {
        let more = match said.packets.get(1..) {
            Some(more) if !more.is_empty() => Span::append(&mut self.packets, more),
            _ => Span::default(),
        };
        let first = &said.first;
        Place { packet: first.packet, time: first.time, start: said.start, end: said.end, more }
    }

    /// Commands with their replies, as the report has them. `commands`: one of each exchange, where it has one.
    pub fn exchanges(
        &self,
        commands: impl Iterator<Item = Option<KeptCommand>>,
        style: &Style<'_>,
    ) -> Vec<report::Exchange> {
        let exchange = |command: Option<KeptCommand>| report::Exchange {
            command: command.map(|command| self.command(&command, style)),
            replies: Vec::new(),
        };
        let mut exchanges: Vec<report::Exchange> = commands.map(exchange).collect();
        for (index, reply) in &self.replies {
            if let Some(exchange) = exchanges.get_mut(*index) {
                // Nearly every command has one reply; a vector would take room for four.
                exchange.replies.reserve_exact(1);
                exchange.replies.push(self.reply(reply, style));
            }
        }
        exchanges
    }

    fn command(&self, kept: &KeptCommand, style: &Style<'_>) -> report::Command {
        let (command, _) = CommandLine::parse(kept.line.of(&self.text));
        let (argument, argument_bytes) = match kept.argument {
            Some(_) if kept.hidden => (Some(SmolStr::new_static(HIDDEN)), None),
            Some(argument) => {
                let argument = argument.of(&self.text);
                let is_text = std::str::from_utf8(argument).is_ok();
                (Some(hex::short_text(argument)), (!is_text).then(|| hex::encode(argument)))
            }
            None => (None, None),
        };
        let acknowledged = style.control.acknowledged_by(Speaker::Client, kept.place.end);
        report::Command {
            packets: self.packets(&kept.place),
            time: kept.place.time.seconds_since(style.epoch),
            verb: command.verb_text(),
            argument,
            argument_bytes,
            defined_in: command.known_verb().map(Verb::defined_in),
            flags: kept.flags.names(),
            sequence: relative_sequence(kept.place.start),
            next_sequence: relative_sequence(kept.place.end),
            acknowledged_by: acknowledged.map(|(packet, _)| packet),
            truncated_from: kept.truncated_from.map(NonZeroU64::get),
        }
    }

    /// A reply as the report has it.
    pub fn reply(&self, kept: &KeptReply, style: &Style<'_>) -> report::Reply {
        let text = kept.text.of(&self.text);
        let lines = || text.split(|byte| *byte == b'\n').take(kept.lines as usize);
        let is_text = std::str::from_utf8(text).is_ok();
        let acknowledged = style.control.acknowledged_by(Speaker::Server, kept.place.end);
        report::Reply {
            packet: kept.place.packet,
            packets: self.packets(&kept.place),
            time: kept.place.time.seconds_since(style.epoch),
            code: kept.code,
            lines: match kept.lines {
                // Nearly every reply: no need to look for line feeds.
                1 => smallvec![hex::short_text(text)],
                _ => lines().map(hex::short_text).collect(),
            },
            lines_bytes: (!is_text).then(|| lines().map(hex::encode).collect()),
            sequence: relative_sequence(kept.place.start),
            next_sequence: relative_sequence(kept.place.end),
            acknowledged_by: acknowledged.map(|(packet, _)| packet),
            acknowledgement: acknowledged.map(|(_, offset)| relative_sequence(offset)),
            truncated_from: kept.truncated_from.map(NonZeroU64::get),
        }
    }

    fn packets(&self, place: &Place) -> report::Packets {
        let mut packets = report::Packets::new();
        if place.packet != 0 {
            packets.push(place.packet);
            packets.extend_from_slice(place.more.of(&self.packets));
        }
        packets
    }
}

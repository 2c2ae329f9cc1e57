//! A control connection as a dialogue: two byte streams in, commands and replies out, in the order in which they were said.
//!
//! ```text
//! client bytes ──▶ lines ──▶ queue ─┐
//!                                   ├─▶ next(): whatever is not still waiting for what its sender had read
//! server bytes ──▶ lines ──▶ replies ──▶ queue ─┘
//! ```
//!
//! The capture's order is not the dialogue's: mirror ports swap packets, and a hole holds one direction back while the
//! other goes on. But each segment says, in its acknowledgment number, what its sender had received when it spoke (RFC 9293,
//! section 3.4). So a reply waits until every command that it acknowledges has been handed out, and the reverse.

use std::collections::VecDeque;

use ftp_protocol::line::{Line, LineReader};
use ftp_protocol::reply::{Reply, ReplyReader};
use port21_capture::{Flags, Timestamp};
use smallvec::SmallVec;

use super::tls::{Hello, Records, is_record};
use crate::limits::FtpLimits;
use crate::tcp::{Chunk, Gap};

/// Segments remembered of one line or reply; of longer ones, the first and the last.
const SEGMENT_LIMIT: usize = 1024;

/// What something said takes up beside its text while it waits, in bytes.
const OVERHEAD: usize = 256;

/// Room for as many marks of acknowledgments is made at first.
const FIRST_ACKNOWLEDGEMENTS: usize = 8;

/// Room for what is being said, on whichever control connection. Nearly everything said is heard at once, so that the same room
/// serves all dialogues in turn, and stays where the processor has it at hand.
#[derive(Debug, Default)]
pub struct Room {
    queue: VecDeque<Said>,
    line: Vec<u8>,
}

impl Room {
    /// Most things, and most bytes of a line, for which room is kept.
    const QUEUE: usize = 64;
    const LINE: usize = 4096;

    /// Something was heard: its line's room serves for the next.
    pub fn take_back(&mut self, said: Said) {
        let line = match said.what {
            Saying::Line(line) => line.bytes,
            Saying::Reply(mut reply) => reply.lines.pop().unwrap_or_default(),
            Saying::Gap | Saying::TlsBegins | Saying::TlsEnds => return,
        };
        self.keep(line);
    }

    fn keep(&mut self, mut line: Vec<u8>) {
        if (self.line.capacity() + 1..=Room::LINE).contains(&line.capacity()) {
            line.clear();
            self.line = line;
        }
    }
}

/// Which side of a dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// Sends commands.
    Client = 0,
    /// Sends replies.
    Server = 1,
}

/// A segment that carried something said.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    offset: u64,
    /// Packet number.
    pub packet: u64,
    /// Time of the packet.
    pub time: Timestamp,
    /// TCP flags of the packet.
    pub flags: Flags,
    /// How far its sender had received the other side's bytes, where it says.
    pub acknowledges: Option<u64>,
}

/// What was said.
#[derive(Debug)]
pub enum Saying {
    /// A line of the client's.
    Line(Line),
    /// A reply of the server's.
    Reply(Reply),
    /// Bytes that the capture does not hold.
    Gap,
    /// TLS begins.
    TlsBegins,
    /// TLS has ended; text follows.
    TlsEnds,
}

/// Something said, with its proof.
#[derive(Debug)]
pub struct Said {
    /// By whom.
    pub by: Speaker,
    /// What.
    pub what: Saying,
    /// Stream offset of its first byte.
    pub start: u64,
    /// Stream offset behind its last byte.
    pub end: u64,
    /// Packets that carry it, in order.
    pub packets: SmallVec<[u64; 1]>,
    /// The segment in which it begins.
    pub first: Mark,
    /// The segment that completes it.
    pub last: Mark,
}

impl Said {
    /// About how many bytes it takes up.
    fn bytes(&self) -> usize {
        let text = match &self.what {
            Saying::Line(line) => line.bytes.len(),
            Saying::Reply(reply) => reply.lines.iter().map(|line| line.len().saturating_add(24)).sum(),
            Saying::Gap | Saying::TlsBegins | Saying::TlsEnds => 0,
        };
        text.saturating_add(self.packets.len() * 8).saturating_add(OVERHEAD)
    }
}

/// Both directions of a control connection.
#[derive(Debug)]
pub struct Control {
    sides: [Side; 2],
    replies: ReplyReader,
    /// Most bytes that may wait in one direction for the other; beyond, the capture's order is taken.
    most_waiting: usize,
    /// Most acknowledgments remembered in one direction.
    most_acknowledgements: usize,
    /// How often something was given before what its speaker had read, because too much waited.
    pub hurried: u64,
}

#[derive(Debug)]
struct Side {
    most_line_bytes: usize,
    lines: LineReader,
    /// Where the line reader began: it counts from zero after each stretch of TLS.
    base: u64,
    /// TLS records, while they last.
    tls: Option<Box<Records>>,
    /// What the first TLS record said.
    hello: Hello,
    tls_bytes: u64,
    /// How far the stream has been delivered.
    delivered: u64,
    segments: VecDeque<Mark>,
    queue: VecDeque<Said>,
    /// About how many bytes the queue takes up.
    waiting: usize,
    /// Offsets of this side's data with the packet that acknowledged them first.
    acknowledged: Vec<(u64, u64)>,
}

impl Control {
    /// Nothing said yet.
    pub fn new(limits: &FtpLimits) -> Self {
        let side = || Side {
            most_line_bytes: limits.line_bytes,
            lines: LineReader::new(limits.line_bytes),
            base: 0,
            tls: None,
            hello: Hello::default(),
            tls_bytes: 0,
            delivered: 0,
            segments: VecDeque::new(),
            queue: VecDeque::new(),
            waiting: 0,
            acknowledged: Vec::new(),
        };
        Control {
            sides: [side(), side()],
            replies: ReplyReader::new(),
            most_waiting: limits.waiting_bytes,
            most_acknowledgements: limits.exchanges,
            hurried: 0,
        }
    }

    /// Lends room for what `by` is about to say.
    pub fn borrow(&mut self, by: Speaker, room: &mut Room) {
        let side = side_of(&mut self.sides, by);
        if side.queue.is_empty() {
            std::mem::swap(&mut side.queue, &mut room.queue);
        }
        side.lines.lend(&mut room.line);
    }

    /// Gives back what was lent, unless something waits in it.
    pub fn give_back(&mut self, room: &mut Room) {
        for side in &mut self.sides {
            room.keep(side.lines.take_spare());
            let capacity = side.queue.capacity();
            if side.queue.is_empty() && capacity > 0 {
                if (room.queue.capacity() + 1..=Room::QUEUE).contains(&capacity) {
                    std::mem::swap(&mut side.queue, &mut room.queue);
                    // From the beginning of its room again.
                    room.queue.clear();
                } else {
                    side.queue = VecDeque::new();
                }
            }
        }
    }

    /// Bytes of one side, in order.
    pub fn data(&mut self, by: Speaker, chunk: &Chunk<'_>) {
        let Control { sides, replies, .. } = self;
        let side = side_of(sides, by);
        side.remember(chunk);
        let mut at = 0;
        while let Some(rest) = chunk.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let offset = chunk.offset.saturating_add(at as u64);
            at += match side.tls {
                Some(_) => side.take_tls(by, rest, offset),
                None if side.lines.pending() == 0 && is_record(rest) != Some(false) => {
                    side.begin_tls(by, offset);
                    match side.take_tls(by, rest, offset) {
                        // Not a record after all: a line that begins with a control character.
                        0 => side.take_text(by, replies, rest),
                        taken => taken,
                    }
                }
                None => side.take_text(by, replies, rest),
            };
        }
        side.delivered = side.delivered.max(chunk.offset.saturating_add(chunk.bytes.len() as u64));
    }

    /// Bytes of one side that will not come.
    pub fn gap(&mut self, by: Speaker, gap: Gap) {
        let Control { sides, replies, .. } = self;
        let side = side_of(sides, by);
        let mut lines = Vec::new();
        match &mut side.tls {
            Some(records) => records.gap(gap.length),
            None => side.lines.gap(gap.length, &mut lines),
        }
        lines.into_iter().for_each(|line| side.push_line(by, replies, line));
        if by == Speaker::Server {
            let reply = replies.gap();
            side.push_replies(reply);
        }
        side.delivered = side.delivered.max(gap.offset.saturating_add(gap.length));
        side.say(by, Saying::Gap, gap.offset, side.delivered);
    }

    /// The stream of one side has ended: what was begun is given as it stands.
    pub fn finish(&mut self, by: Speaker) {
        let Control { sides, replies, .. } = self;
        let side = side_of(sides, by);
        let mut lines = Vec::new();
        side.lines.finish(&mut lines);
        lines.into_iter().for_each(|line| side.push_line(by, replies, line));
        if by == Speaker::Server {
            let reply = replies.finish();
            side.push_replies(reply);
        }
    }

    /// `packet` was the first to acknowledge the data of `by` up to `offset`.
    pub fn acknowledged(&mut self, by: Speaker, offset: u64, packet: u64) {
        let most = self.most_acknowledgements;
        let side = side_of(&mut self.sides, by);
        if side.tls.is_none() && side.acknowledged.len() < most {
            if side.acknowledged.is_empty() {
                side.acknowledged.reserve(FIRST_ACKNOWLEDGEMENTS);
            }
            side.acknowledged.push((offset, packet));
        }
    }

    /// The first packet that acknowledged the data of `by` up to `end`, and the offset that it acknowledged.
    pub fn acknowledged_by(&self, by: Speaker, end: u64) -> Option<(u64, u64)> {
        let list = &self.side(by).acknowledged;
        let at = list.partition_point(|(offset, _)| *offset < end);
        list.get(at).map(|(offset, packet)| (*packet, *offset))
    }

    /// What the TLS hello of one side told, and how many TLS bytes it sent.
    pub fn tls(&self, by: Speaker) -> (Hello, u64) {
        let side = self.side(by);
        match &side.tls {
            Some(records) => (records.hello(), side.tls_bytes + records.bytes),
            None => (
                Hello { server_name: side.hello.server_name.clone(), version: side.hello.version },
                side.tls_bytes,
            ),
        }
    }

    /// The next thing said, if nothing that its speaker had read is still to come. `now_or_never`: the connection is over,
    /// nothing will come.
    pub fn next(&mut self, now_or_never: bool) -> Option<Said> {
        let [client, server] = &self.sides;
        let client_ready = client.front_is_ready(server);
        let server_ready = server.front_is_ready(client);
        let by = match (client.queue.front(), server.queue.front()) {
            (None, None) => return None,
            (Some(c), Some(s)) => {
                let earlier =
                    if c.first.packet <= s.first.packet { Speaker::Client } else { Speaker::Server };
                match (client_ready, server_ready) {
                    (true, false) => Speaker::Client,
                    (false, true) => Speaker::Server,
                    (true, true) => earlier,
                    // Each acknowledges the other, or nothing more will come: the capture's order decides.
                    (false, false) if now_or_never || self.overfull() || self.both_delivered(c, s) => earlier,
                    (false, false) => return None,
                }
            }
            (Some(_), None) if client_ready || now_or_never || self.overfull() => Speaker::Client,
            (None, Some(_)) if server_ready || now_or_never || self.overfull() => Speaker::Server,
            _ => return None,
        };
        let ready = if by == Speaker::Client { client_ready } else { server_ready };
        self.hurried += u64::from(!ready && !now_or_never && self.overfull());
        side_of(&mut self.sides, by).give()
    }

    fn overfull(&self) -> bool {
        self.sides.iter().any(|side| side.waiting > self.most_waiting)
    }

    fn both_delivered(&self, client: &Said, server: &Said) -> bool {
        let [c, s] = &self.sides;
        s.delivered >= client.first.acknowledges.unwrap_or(0)
            && c.delivered >= server.first.acknowledges.unwrap_or(0)
    }

    fn side(&self, by: Speaker) -> &Side {
        let [client, server] = &self.sides;
        match by {
            Speaker::Client => client,
            Speaker::Server => server,
        }
    }
}

fn side_of(sides: &mut [Side; 2], by: Speaker) -> &mut Side {
    let [client, server] = sides;
    match by {
        Speaker::Client => client,
        Speaker::Server => server,
    }
}

impl Side {
    /// Whether everything of `other`'s that the speaker of the first thing in the queue had read has been handed out.
    fn front_is_ready(&self, other: &Side) -> bool {
        self.queue.front().is_some_and(|said| {
            let read = said.first.acknowledges.unwrap_or(0);
            other.delivered >= read && other.queue.front().is_none_or(|waiting| waiting.end > read)
        })
    }

    fn remember(&mut self, chunk: &Chunk<'_>) {
        let mark = Mark {
            offset: chunk.offset,
            packet: chunk.packet,
            time: chunk.time,
            flags: chunk.flags,
            acknowledges: chunk.acknowledges,
        };
        if self.segments.len() >= SEGMENT_LIMIT {
            self.segments.pop_back();
        }
        if self.segments.capacity() == 0 {
            // The last of what was said, and one of what is being said; without this, room for four.
            self.segments.reserve_exact(2);
        }
        self.segments.push_back(mark);
    }

    /// Text up to and including the next line feed; returns how many bytes that is.
    fn take_text(&mut self, by: Speaker, replies: &mut ReplyReader, bytes: &[u8]) -> usize {
        let (taken, line) = self.lines.take_line(bytes);
        if let Some(line) = line {
            self.push_line(by, replies, line);
        }
        taken
    }

    fn begin_tls(&mut self, by: Speaker, offset: u64) {
        self.tls = Some(Box::default());
        self.say(by, Saying::TlsBegins, offset, offset);
    }

    fn take_tls(&mut self, by: Speaker, bytes: &[u8], offset: u64) -> usize {
        let Some(records) = &mut self.tls else { return 0 };
        let taken = records.take(bytes);
        // While TLS lasts nothing is said that could need these segments, but its beginning and end are told by the last.
        while self.segments.len() > 1 {
            self.segments.pop_front();
        }
        if taken < bytes.len() {
            let hello = records.hello();
            self.tls_bytes += records.bytes;
            if hello != Hello::default() {
                self.hello = hello;
            }
            self.tls = None;
            let text_begins = offset.saturating_add(taken as u64);
            self.base = text_begins;
            self.lines = LineReader::new(self.most_line_bytes);
            self.say(by, Saying::TlsEnds, text_begins, text_begins);
        }
        taken
    }

    fn push_line(&mut self, by: Speaker, replies: &mut ReplyReader, mut line: Line) {
        line.start = line.start.saturating_add(self.base);
        line.end = line.end.saturating_add(self.base);
        if by == Speaker::Server {
            let reply = replies.push(line);
            self.push_replies(reply);
        } else {
            let (start, end) = (line.start, line.end);
            self.say(by, Saying::Line(line), start, end);
        }
    }

    fn push_replies(&mut self, replies: impl IntoIterator<Item = Reply>) {
        for reply in replies {
            let (start, end) = (reply.start, reply.end);
            self.say(Speaker::Server, Saying::Reply(reply), start, end);
        }
    }

    /// Puts something into the queue, with the segments that carry it; forgets segments before it.
    fn say(&mut self, by: Speaker, what: Saying, start: u64, end: u64) {
        while self.segments.get(1).is_some_and(|second| second.offset <= start) {
            self.segments.pop_front();
        }
        let mut carrying = self.segments.iter().filter(|mark| mark.offset < end.max(start + 1));
        let packets = carrying.clone().map(|mark| mark.packet).collect();
        let none = Mark {
            offset: start,
            packet: 0,
            time: Timestamp::default(),
            flags: Flags::default(),
            acknowledges: None,
        };
        let first = carrying.clone().next().copied().unwrap_or(none);
        let last = carrying.next_back().copied().unwrap_or(first);
        let said = Said { by, what, start, end, packets, first, last };
        self.waiting = self.waiting.saturating_add(said.bytes());
        self.queue.push_back(said);
    }

    /// Takes the first thing out of the queue.
    fn give(&mut self) -> Option<Said> {
        let said = self.queue.pop_front()?;
        self.waiting = self.waiting.saturating_sub(said.bytes());
        Some(said)
    }
}

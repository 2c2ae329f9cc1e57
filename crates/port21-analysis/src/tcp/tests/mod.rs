//! Conversations written down as text, and what the tracker makes of them.
//!
//! One segment a line: `>` from the initiator or `<` from the responder, then in any order
//!
//! | word | meaning | without it |
//! |---|---|---|
//! | `SYN`, `FIN+ACK`, ... | control bits | ACK |
//! | `"text"` | payload | none |
//! | `seq=3` | sequence number, counted from the sender's initial one; the first byte of data is 1 | behind all it has sent |
//! | `ack=3` | acknowledgment, counted from the other end's initial number | all that the other end has sent |
//! | `win=0`, `scale=2` | window field, window scale option | 1000, none |
//! | `cut=2` | bytes of the payload that the capture holds | all |
//! | `+300ms` | time since the segment before | 1 ms |
//! | `port=7` | port of the initiator | 50000 |

mod accounts;
mod analysis;
mod attacks;
mod closes;
mod delivery;
mod midstream;
mod opening;

use std::net::{IpAddr, Ipv4Addr};

use port21_capture::{Decoded, Flags, Scope, Segment, Timestamp};

use super::marks::Mark;
use super::{Chunk, Connection, End, Gap, Interest, Limits, Quality, Sink, Tracker};

/// What the tracker tells, as a test reads it.
#[derive(Debug, Default)]
pub struct Heard {
    /// What each end said: offset and text, `None` for a gap with its length.
    pub said: [Vec<(u64, Result<String, Gap>)>; 2],
    /// Everything but `packet`, in order, in words.
    pub events: Vec<String>,
    pub ended: Vec<Connection>,
    pub counts_only: bool,
}

impl Heard {
    /// The bytes of one end, with an underscore for each missing one.
    pub fn text(&self, end: End) -> String {
        self.said[end as usize]
            .iter()
            .map(|(_, run)| match run {
                Ok(text) => text.clone(),
                Err(gap) => "_".repeat(gap.length as usize),
            })
            .collect()
    }

    /// The only connection.
    pub fn connection(&self) -> &Connection {
        assert_eq!(self.ended.len(), 1, "one connection");
        &self.ended[0]
    }

    /// The packets of the only connection that bear a mark.
    pub fn marked(&self, mark: Mark) -> Vec<u64> {
        list(&self.connection().quality, mark)
    }
}

impl Sink for Heard {
    fn opened(&mut self, connection: &Connection) {
        self.events.push(format!("opened {}", connection.stream));
    }

    fn packet(&mut self, _: &Connection, _: u64, _: Timestamp, _: End, _: u32) {}

    fn data(&mut self, _: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        let text = String::from_utf8_lossy(chunk.bytes).into_owned();
        self.events.push(format!("{} {text} #{}", arrow(from), chunk.packet));
        self.said[from as usize].push((chunk.offset, Ok(text)));
        if self.counts_only { Interest::CountOnly } else { Interest::Keep }
    }

    fn gap(&mut self, _: &Connection, from: End, gap: Gap) {
        self.events.push(format!("{} gap of {}", arrow(from), gap.length));
        self.said[from as usize].push((gap.offset, Err(gap)));
    }

    fn acknowledged(&mut self, _: &Connection, sender: End, offset: u64, packet: u64) {
        self.events.push(format!("{} acknowledged to {offset} #{packet}", arrow(sender)));
    }

    fn finished(&mut self, _: &Connection, from: End, packet: u64) {
        self.events.push(format!("{} finished #{packet}", arrow(from)));
    }

    fn ended(&mut self, connection: Connection) {
        self.events.push(format!("ended {}", connection.stream));
        self.ended.push(connection);
    }
}

/// The packets that bear a mark.
pub fn list(quality: &Quality, mark: Mark) -> Vec<u64> {
    quality.clone().list_mut(mark).clone()
}

fn arrow(from: End) -> char {
    if from == End::Initiator { '>' } else { '<' }
}

/// A conversation under way.
pub struct Talk {
    pub tracker: Tracker,
    pub heard: Heard,
    /// Initial sequence numbers.
    initial: [u32; 2],
    /// What each end sends next, counted from there.
    next: [u32; 2],
    packet: u64,
    time: i64,
}

impl Talk {
    pub fn new(limits: Limits) -> Talk {
        Talk {
            tracker: Tracker::new(limits),
            heard: Heard::default(),
            initial: [1_000, 70_000],
            next: [0, 0],
            packet: 0,
            time: 0,
        }
    }

    /// Begins at other sequence numbers.
    pub fn from_numbers(initial: [u32; 2]) -> Talk {
        Talk { initial, ..Talk::new(Limits::default()) }
    }

    /// Sends the segments of `lines`.
    pub fn say(&mut self, lines: &str) -> &mut Talk {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.segment(line);
        }
        self
    }

    /// The capture is over.
    pub fn end(mut self) -> Heard {
        self.tracker.finish(&mut self.heard);
        self.heard
    }

    fn segment(&mut self, line: &str) {
        let (head, payload) = match line.split_once('"') {
            Some((head, rest)) => {
                let (payload, tail) = rest.split_once('"').expect("a closing quotation mark");
                (format!("{head} {tail}"), payload)
            }
            None => (line.to_owned(), ""),
        };
        let mut words = head.split_whitespace();
        let from = usize::from(words.next() == Some("<"));
        let mut flags = Flags::ACK;
        let (mut sequence, mut acknowledgement) = (self.next[from], self.next[1 - from]);
        let (mut window, mut scale, mut cut) = (1_000, None, payload.len());
        let (mut later, mut port, mut identification) = (1, 50_000, 0);
        for word in words {
            let number = |text: &str| text.parse::<i64>().expect("a number");
            match word.split_once('=') {
                Some(("seq", value)) => sequence = number(value) as u32,
                Some(("ack", value)) => acknowledgement = number(value) as u32,
                Some(("win", value)) => window = number(value) as u16,
                Some(("scale", value)) => scale = Some(number(value) as u8),
                Some(("cut", value)) => cut = number(value) as usize,
                Some(("port", value)) => port = number(value) as u16,
                Some(("id", value)) => identification = number(value) as u16,
                Some((other, _)) => panic!("{other}"),
                None if word.starts_with('+') => later = number(&word[1..word.len() - 2]),
                None => flags = word.split('+').fold(Flags::default(), |all, name| all | flag(name)),
            }
        }
        let takes = payload.len() as u32 + u32::from(flags.intersects(Flags::SYN | Flags::FIN));
        if sequence.wrapping_add(takes).wrapping_sub(self.next[from]) as i32 > 0 {
            self.next[from] = sequence.wrapping_add(takes);
        }
        self.packet += 1;
        self.time += later * 1_000_000;
        let ports = [port, 21];
        let mut segment = Segment {
            source_port: ports[from],
            destination_port: ports[1 - from],
            sequence: self.initial[from].wrapping_add(sequence),
            acknowledgement: self.initial[1 - from].wrapping_add(acknowledgement),
            flags,
            window,
            urgent_pointer: 0,
            options: Default::default(),
            payload: &payload.as_bytes()[..cut],
            payload_length: payload.len() as u32,
        };
        segment.options.window_scale = scale;
        let mut decoded = packet(self.packet, Timestamp(self.time), from == 1);
        decoded.identification = identification;
        self.tracker.segment(&decoded, &segment, &mut self.heard);
    }
}

/// A packet between the two hosts of all conversations.
pub fn packet(number: u64, time: Timestamp, from_responder: bool) -> Decoded<'static> {
    let mut hosts = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))];
    if from_responder {
        hosts.reverse();
    }
    Decoded {
        packet: number,
        time,
        scope: Scope::default(),
        addresses: Some((hosts[0], hosts[1])),
        hop_limit: 64,
        identification: 0,
        ip_length: 40,
        transport: None,
        reassembled: None,
        stopped: None,
    }
}

fn flag(name: &str) -> Flags {
    match name {
        "SYN" => Flags::SYN,
        "ACK" => Flags::ACK,
        "FIN" => Flags::FIN,
        "RST" => Flags::RST,
        "PSH" => Flags::PSH,
        "URG" => Flags::URG,
        other => panic!("{other}"),
    }
}

/// The three segments that open a connection; packets 1 to 3.
pub const OPEN: &str = "
    > SYN
    < SYN+ACK
    > ACK";

/// What is told of a conversation.
pub fn heard(lines: &str) -> Heard {
    let mut talk = Talk::new(Limits::default());
    talk.say(lines);
    talk.end()
}

/// What is told of a conversation that goes on after a handshake; its first packet is 4.
pub fn heard_after_opening(lines: &str) -> Heard {
    heard(&format!("{OPEN}\n{lines}"))
}

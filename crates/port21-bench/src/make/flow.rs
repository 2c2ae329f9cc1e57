//! One TCP connection or UDP exchange, as its segments pass the tap.

use std::collections::VecDeque;
use std::net::SocketAddr;

use port21_testkit::{Envelope, Side, TcpHeader, flag};

use super::random::Random;

/// Payload bytes of a full segment.
const SEGMENT: usize = 1460;

/// Segments under way before the sender waits.
const WINDOW: usize = 16;

/// A frame on its way to the capture.
#[derive(Debug)]
pub struct Frame {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// From the Ethernet header on.
    pub bytes: Vec<u8>,
}

/// Frames of one conversation that were not merged with those of others yet.
#[derive(Debug)]
pub struct Frames {
    /// Time of the next frame, in nanoseconds since 1970.
    pub now: i64,
    /// Nanoseconds between two frames.
    step: i64,
    /// The frames, oldest first.
    pub queue: VecDeque<Frame>,
    identification: u16,
}

impl Frames {
    /// None yet; the first comes at `now`, the next ones every `step` nanoseconds.
    pub fn new(now: i64, step: i64) -> Frames {
        Frames { now, step, queue: VecDeque::new(), identification: 0 }
    }

    fn push(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        build: impl FnOnce(&Envelope<'_>) -> Vec<u8>,
    ) {
        self.identification = self.identification.wrapping_add(1);
        let identification = self.identification;
        let bytes = build(&Envelope { source, destination, vlans: &[], identification, padded: false });
        self.queue.push_back(Frame { time: self.now, bytes });
        self.now = self.now.saturating_add(self.step);
    }
}

/// Two ends and how far each has come.
#[derive(Debug)]
pub struct Flow {
    ends: [SocketAddr; 2],
    /// Next sequence number of each.
    next: [u32; 2],
    /// Segments in a thousand that are lost before the tap, and as many behind it.
    loss: u64,
}

impl Flow {
    /// From `initiator` to `responder`; nothing was sent yet.
    pub fn new(initiator: SocketAddr, responder: SocketAddr, loss: u64, random: &mut Random) -> Flow {
        let initial = random.number();
        Flow { ends: [initiator, responder], next: [initial as u32, (initial >> 32) as u32], loss }
    }

    /// SYN, SYN/ACK, ACK.
    pub fn open(&mut self, frames: &mut Frames) {
        self.syn(frames);
        self.segment(Side::Responder, flag::SYN | flag::ACK, &[], frames);
        self.advance(Side::Responder, 1);
        self.segment(Side::Initiator, flag::ACK, &[], frames);
    }

    /// SYN, answered by RST.
    pub fn refuse(&mut self, frames: &mut Frames) {
        self.syn(frames);
        self.segment(Side::Responder, flag::RST | flag::ACK, &[], frames);
    }

    fn syn(&mut self, frames: &mut Frames) {
        self.segment(Side::Initiator, flag::SYN, &[], frames);
        self.advance(Side::Initiator, 1);
    }

    /// `from` sends `bytes`, of which some are lost and sent again.
    pub fn send(&mut self, from: Side, bytes: &[u8], random: &mut Random, frames: &mut Frames) {
        for window in bytes.chunks(SEGMENT * WINDOW) {
            let start = self.next_of(from);
            let mut lost = Vec::new();
            for (index, part) in window.chunks(SEGMENT).enumerate() {
                let (before, behind) = (random.chance(self.loss), random.chance(self.loss));
                if !before {
                    self.at(from, start, index, part, frames);
                }
                if before || behind {
                    lost.push((index, part));
                } else if lost.is_empty() {
                    self.advance(from, part.len());
                    if index % 2 == 1 {
                        self.segment(from.other(), flag::ACK, &[], frames);
                    }
                } else {
                    // A duplicate acknowledgment.
                    self.segment(from.other(), flag::ACK, &[], frames);
                }
            }
            let acknowledged = lost.is_empty() && window.chunks(SEGMENT).len().is_multiple_of(2);
            for (index, part) in lost {
                self.at(from, start, index, part, frames);
            }
            self.set_next(from, start.wrapping_add(window.len() as u32));
            if !acknowledged {
                self.segment(from.other(), flag::ACK, &[], frames);
            }
        }
    }

    /// FIN, ACK, FIN, ACK; `first` begins.
    pub fn close(&mut self, first: Side, frames: &mut Frames) {
        for from in [first, first.other()] {
            self.segment(from, flag::FIN | flag::ACK, &[], frames);
            self.advance(from, 1);
            self.segment(from.other(), flag::ACK, &[], frames);
        }
    }

    /// A UDP datagram.
    pub fn datagram(&self, from: Side, payload: &[u8], frames: &mut Frames) {
        let [source, destination] = self.addresses(from);
        frames.push(source, destination, |envelope| envelope.udp(payload));
    }

    fn at(&self, from: Side, start: u32, index: usize, part: &[u8], frames: &mut Frames) {
        let sequence = start.wrapping_add((index * SEGMENT) as u32);
        self.numbered(from, sequence, flag::PSH | flag::ACK, part, frames);
    }

    fn segment(&self, from: Side, flags: u8, payload: &[u8], frames: &mut Frames) {
        self.numbered(from, self.next_of(from), flags, payload, frames);
    }

    fn numbered(&self, from: Side, sequence: u32, flags: u8, payload: &[u8], frames: &mut Frames) {
        let acknowledgement = if flags & flag::ACK == 0 { 0 } else { self.next_of(from.other()) };
        let options = if flags & flag::SYN == 0 { Vec::new() } else { vec![2, 4, 0x05, 0xb4] };
        let header =
            TcpHeader { sequence, acknowledgement, flags, window: 64_000, urgent_pointer: 0, options };
        let [source, destination] = self.addresses(from);
        frames.push(source, destination, |envelope| envelope.tcp(&header, payload));
    }

    fn addresses(&self, from: Side) -> [SocketAddr; 2] {
        let [initiator, responder] = self.ends;
        if from == Side::Initiator { [initiator, responder] } else { [responder, initiator] }
    }

    fn next_of(&self, side: Side) -> u32 {
        let [initiator, responder] = self.next;
        if side == Side::Initiator { initiator } else { responder }
    }

    fn advance(&mut self, side: Side, bytes: usize) {
        self.set_next(side, self.next_of(side).wrapping_add(bytes as u32));
    }

    fn set_next(&mut self, side: Side, next: u32) {
        let [initiator, responder] = &mut self.next;
        *(if side == Side::Initiator { initiator } else { responder }) = next;
    }
}

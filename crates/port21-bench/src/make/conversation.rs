//! A conversation as a list of acts, of which each becomes frames when its time has come.

use std::collections::VecDeque;
use std::net::SocketAddr;

use port21_testkit::Side;

use super::flow::{Flow, Frames};
use super::random::Random;

/// Bytes that are made at a time: a long transfer is never in memory.
const PORTION: u64 = 64 * 1024;

/// What happens next.
#[derive(Debug)]
pub enum Act {
    /// The connection is opened.
    Dial,
    /// It is refused.
    Refused,
    /// Text is said on it.
    Say(Side, String),
    /// That many bytes are sent on it.
    Send(Side, u64),
    /// A UDP datagram.
    Datagram(Side, Vec<u8>),
    /// A data connection is opened.
    DialData(SocketAddr, SocketAddr),
    /// Text is sent on it.
    DataText(Side, String),
    /// That many bytes are sent on it.
    Data(Side, u64),
    /// It is closed.
    HangUpData(Side),
    /// The connection is closed.
    HangUp(Side),
    /// Milliseconds pass.
    Wait(u64),
}

/// A conversation under way.
#[derive(Debug)]
pub struct Conversation {
    flow: Flow,
    data: Option<Flow>,
    acts: VecDeque<Act>,
    loss: u64,
    random: Random,
    /// Frames that are due.
    pub frames: Frames,
}

impl Conversation {
    /// Between two ends, from `start` (nanoseconds since 1970) on, a frame every `step` nanoseconds; `loss` segments in a
    /// thousand are lost.
    pub fn new(
        ends: [SocketAddr; 2],
        (start, step): (i64, i64),
        loss: u64,
        acts: Vec<Act>,
        random: &mut Random,
    ) -> Self {
        let mut random = random.split();
        let [initiator, responder] = ends;
        let flow = Flow::new(initiator, responder, loss, &mut random);
        let frames = Frames::new(start, step);
        Conversation { flow, data: None, acts: acts.into(), loss, random, frames }
    }

    /// Bytes of payload that are still to be sent, roughly.
    pub fn planned(&self) -> u64 {
        let bytes = |act: &Act| match act {
            Act::Send(_, bytes) | Act::Data(_, bytes) => bytes + bytes / 20,
            Act::DataText(_, text) => text.len() as u64 + 500,
            _ => 150,
        };
        self.acts.iter().map(bytes).sum()
    }

    /// Time of the next frame; `None` when all has been said.
    pub fn due(&mut self) -> Option<i64> {
        while self.frames.queue.is_empty() {
            let act = self.acts.pop_front()?;
            self.act(act);
        }
        self.frames.queue.front().map(|frame| frame.time)
    }

    fn act(&mut self, act: Act) {
        let Conversation { flow, data, acts, loss, random, frames } = self;
        match act {
            Act::Dial => flow.open(frames),
            Act::Refused => flow.refuse(frames),
            Act::Say(from, text) => flow.send(from, text.as_bytes(), random, frames),
            Act::Datagram(from, payload) => flow.datagram(from, &payload, frames),
            Act::HangUp(first) => flow.close(first, frames),
            Act::Wait(milliseconds) => {
                let nanoseconds = i64::try_from(milliseconds).unwrap_or(0).saturating_mul(1_000_000);
                frames.now = frames.now.saturating_add(nanoseconds);
            }
            Act::DialData(initiator, responder) => {
                let mut opened = Flow::new(initiator, responder, *loss, random);
                opened.open(frames);
                *data = Some(opened);
            }
            Act::HangUpData(first) => {
                if let Some(mut data) = data.take() {
                    data.close(first, frames);
                }
            }
            Act::DataText(from, text) => {
                if let Some(data) = data {
                    data.send(from, text.as_bytes(), random, frames);
                }
            }
            Act::Send(from, bytes) | Act::Data(from, bytes) => {
                let portion = bytes.min(PORTION);
                let payload = random.bytes(usize::try_from(portion).unwrap_or(0));
                let is_data = matches!(act, Act::Data(..));
                match data {
                    Some(data) if is_data => data.send(from, &payload, random, frames),
                    _ => flow.send(from, &payload, random, frames),
                }
                let left = bytes - portion;
                if left > 0 {
                    acts.push_front(if is_data { Act::Data(from, left) } else { Act::Send(from, left) });
                }
            }
        }
    }
}

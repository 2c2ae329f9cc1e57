//! Virtual time and the frames that a tap has seen.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use crate::connection::{Connection, Half};
use crate::frame::Envelope;

/// Time of the first frame: 2024-01-01T00:00:00Z, in nanoseconds.
const START: i64 = 1_704_067_200_000_000_000;

/// Nanoseconds between two frames, unless a test waits: a millisecond.
const TICK: i64 = 1_000_000;

/// A network with one tap: frames in the order of the calls, a millisecond apart.
///
/// Cloning gives another handle of the same network.
#[derive(Clone)]
pub struct Network {
    state: Rc<RefCell<State>>,
}

struct State {
    now: i64,
    frames: Vec<Frame>,
    vlans: Vec<u16>,
    padded: bool,
    segment_size: usize,
    acknowledges: bool,
    identification: u16,
    connections: u32,
}

#[derive(Clone)]
struct Frame {
    time: i64,
    original_length: usize,
    data: Vec<u8>,
}

impl Default for Network {
    fn default() -> Self {
        Network::new()
    }
}

impl Network {
    /// Nothing has happened yet; segments of 1460 bytes, every one acknowledged at once, no VLAN.
    pub fn new() -> Self {
        let state = State {
            now: START,
            frames: Vec::new(),
            vlans: Vec::new(),
            padded: false,
            segment_size: 1460,
            acknowledges: true,
            identification: 0,
            connections: 0,
        };
        Network { state: Rc::new(RefCell::new(state)) }
    }

    /// A connection from `initiator` to `responder` (`10.0.0.1:40000`, `[fd00::1]:21`), with its handshake.
    pub fn connect(&self, initiator: &str, responder: &str) -> Connection {
        self.connection(initiator, responder).handshake()
    }

    /// A connection of which nothing has been sent yet: for handshakes that fail or that the tap has not seen.
    pub fn connection(&self, initiator: &str, responder: &str) -> Connection {
        let number = {
            let mut state = self.state.borrow_mut();
            state.connections += 1;
            state.connections
        };
        let initial = |side: u32| (number * 2 + side).wrapping_mul(0x9e37_79b1);
        self.connection_numbered(initiator, responder, [initial(0), initial(1)])
    }

    /// Like [`Network::connection`], with the initial sequence numbers of initiator and responder.
    pub fn connection_numbered(&self, initiator: &str, responder: &str, initial: [u32; 2]) -> Connection {
        let end = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} is not ADDRESS:PORT"));
        Connection::new(self.clone(), [end(initiator), end(responder)], initial.map(Half::new))
    }

    /// Lets time pass before the next frame.
    pub fn wait_milliseconds(&self, milliseconds: u32) -> &Self {
        self.state.borrow_mut().now += i64::from(milliseconds) * 1_000_000;
        self
    }

    /// Frames from here on carry these VLAN identifiers, outermost first.
    pub fn vlan(&self, identifiers: &[u16]) -> &Self {
        self.state.borrow_mut().vlans = identifiers.to_vec();
        self
    }

    /// Frames from here on are padded to 60 bytes, as a receiving Ethernet card shows them.
    pub fn pad_short_frames(&self) -> &Self {
        self.state.borrow_mut().padded = true;
        self
    }

    /// Most payload bytes of a segment that [`Connection::send`] makes.
    pub fn segment_size(&self, bytes: usize) -> &Self {
        self.state.borrow_mut().segment_size = bytes;
        self
    }

    /// Whether [`Connection::send`] has the receiver acknowledge what was sent.
    pub fn acknowledges(&self, yes: bool) -> &Self {
        self.state.borrow_mut().acknowledges = yes;
        self
    }

    /// Number of the last frame, counted from 1; equally how many frames there are.
    pub fn last(&self) -> u64 {
        self.state.borrow().frames.len() as u64
    }

    /// Takes the last frame out of the capture: it was delivered, but the tap has missed it.
    pub fn forget_last(&self) -> &Self {
        self.state.borrow_mut().frames.pop().expect("a frame");
        self
    }

    /// Takes frame `number` (from 1) out of the capture, as [`Network::forget_last`] does.
    pub fn forget(&self, number: u64) -> &Self {
        self.state.borrow_mut().frames.remove(number as usize - 1);
        self
    }

    /// The tap sees the last two frames in the other order.
    pub fn swap_last_two(&self) -> &Self {
        let last = self.last();
        self.swap(last - 1, last)
    }

    /// The tap sees frames `a` and `b` (from 1) in each other's place; times stay in order.
    pub fn swap(&self, a: u64, b: u64) -> &Self {
        let mut state = self.state.borrow_mut();
        let (a, b) = (a as usize - 1, b as usize - 1);
        let times = (state.frames[a].time, state.frames[b].time);
        state.frames.swap(a, b);
        (state.frames[a].time, state.frames[b].time) = times;
        self
    }

    /// The tap sees the last frame once more, bit for bit.
    pub fn repeat_last(&self) -> &Self {
        let mut state = self.state.borrow_mut();
        let mut frame = state.frames.last().expect("a frame").clone();
        frame.time += 10_000;
        state.frames.push(frame);
        self
    }

    /// The tap has kept only the first `bytes` bytes of the last frame.
    pub fn cut_last(&self, bytes: usize) -> &Self {
        self.state.borrow_mut().frames.last_mut().expect("a frame").data.truncate(bytes);
        self
    }

    /// A UDP datagram.
    pub fn udp(&self, source: &str, destination: &str, payload: &[u8]) -> &Self {
        let end = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text} is not ADDRESS:PORT"));
        self.capture(end(source), end(destination), |envelope| envelope.udp(payload));
        self
    }

    /// The frames as a file: classic pcap, little-endian, microseconds, Ethernet.
    pub fn pcap(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1u32] {
            file.extend(word.to_le_bytes());
        }
        for frame in &self.state.borrow().frames {
            let microseconds = frame.time / 1000;
            let times = [microseconds / 1_000_000, microseconds % 1_000_000].map(|part| part as u32);
            let lengths = [frame.data.len(), frame.original_length].map(|length| length as u32);
            for word in times.into_iter().chain(lengths) {
                file.extend(word.to_le_bytes());
            }
            file.extend(&frame.data);
        }
        file
    }

    pub(crate) fn capture(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        build: impl FnOnce(&Envelope<'_>) -> Vec<u8>,
    ) {
        let mut state = self.state.borrow_mut();
        state.identification = state.identification.wrapping_add(1);
        let data = build(&Envelope {
            source,
            destination,
            vlans: &state.vlans,
            identification: state.identification,
            padded: state.padded,
        });
        let time = state.now;
        state.now += TICK;
        state.frames.push(Frame { time, original_length: data.len(), data });
    }

    pub(crate) fn largest_segment(&self) -> usize {
        self.state.borrow().segment_size
    }

    pub(crate) fn receivers_acknowledge(&self) -> bool {
        self.state.borrow().acknowledges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(pcap: &[u8]) -> Vec<u32> {
        let mut at = 24;
        let mut times = Vec::new();
        while at < pcap.len() {
            let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap());
            times.push(word(at + 4));
            at += 16 + word(at + 8) as usize;
        }
        times
    }

    #[test]
    fn frames_are_a_millisecond_apart() {
        let network = Network::new();
        network.udp("10.0.0.1:1", "10.0.0.2:2", b"a").wait_milliseconds(5).udp(
            "10.0.0.1:1",
            "10.0.0.2:2",
            b"b",
        );
        assert_eq!(times(&network.pcap()), [0, 6000]);
    }

    #[test]
    fn swapped_frames_keep_the_times_of_their_places() {
        let network = Network::new();
        network.udp("10.0.0.1:1", "10.0.0.2:2", b"first").udp("10.0.0.1:1", "10.0.0.2:2", b"other");
        network.swap_last_two();
        let pcap = network.pcap();
        assert_eq!(times(&pcap), [0, 1000]);
        assert!(pcap.ends_with(b"first"));
    }

    #[test]
    fn a_cut_frame_keeps_its_length_on_the_wire() {
        let network = Network::new();
        network.udp("10.0.0.1:1", "10.0.0.2:2", b"abcdef").cut_last(20);
        let pcap = network.pcap();
        assert_eq!(pcap[32..40], [20, 0, 0, 0, 48, 0, 0, 0]);
        assert_eq!(pcap.len(), 24 + 16 + 20);
    }
}

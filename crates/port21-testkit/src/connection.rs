//! One TCP connection, whose segments a test sends one by one or many at a time.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::ops::Range;

use crate::frame::{TcpHeader, flag};
use crate::network::Network;

/// An end of a connection. In a control connection the client is the initiator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Sent the SYN.
    Initiator = 0,
    /// Received it.
    Responder = 1,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Initiator => Side::Responder,
            Side::Responder => Side::Initiator,
        }
    }
}

/// A TCP connection in a [`Network`]. Methods return the connection, so that calls chain.
pub struct Connection {
    network: Network,
    ends: [SocketAddr; 2],
    halves: RefCell<[Half; 2]>,
}

/// What one end has sent.
pub(crate) struct Half {
    initial_sequence: u32,
    stream: Vec<u8>,
    /// Ranges of the stream that were emitted.
    emitted: Vec<Range<usize>>,
    fin: bool,
    window: u16,
}

impl Half {
    pub(crate) fn new(initial_sequence: u32) -> Self {
        Half { initial_sequence, stream: Vec::new(), emitted: Vec::new(), fin: false, window: 64_000 }
    }

    /// Raw sequence number of the stream's byte `offset`.
    fn sequence(&self, offset: i64) -> u32 {
        self.initial_sequence.wrapping_add(1).wrapping_add(offset as u32)
    }

    /// How much of the stream has arrived without a hole.
    fn arrived(&self) -> usize {
        let mut ranges = self.emitted.clone();
        ranges.sort_by_key(|range| range.start);
        ranges.iter().fold(0, |end, range| if range.start <= end { end.max(range.end) } else { end })
    }
}

impl Connection {
    pub(crate) fn new(network: Network, ends: [SocketAddr; 2], halves: [Half; 2]) -> Self {
        Connection { network, ends, halves: RefCell::new(halves) }
    }

    /// SYN, SYN/ACK, ACK.
    pub fn handshake(self) -> Self {
        self.syn().syn_ack().ack(Side::Initiator);
        self
    }

    /// The initiator's SYN, with a maximum segment size of 1460 bytes.
    pub fn syn(&self) -> &Self {
        let segment =
            Segment { flags: flag::SYN, acknowledgement: Some(None), ..self.segment(Side::Initiator) };
        segment.options(&[2, 4, 0x05, 0xb4]).at(-1).emit()
    }

    /// The responder's SYN/ACK.
    pub fn syn_ack(&self) -> &Self {
        let segment = Segment { flags: flag::SYN | flag::ACK, ..self.segment(Side::Responder) };
        segment.options(&[2, 4, 0x05, 0xb4]).at(-1).emit()
    }

    /// The responder refuses: RST, ACK to the SYN.
    pub fn refuse(&self) -> &Self {
        Segment { flags: flag::RST | flag::ACK, absolute_sequence: Some(0), ..self.segment(Side::Responder) }
            .emit()
    }

    /// The initiator writes and sends `bytes`: on a control connection, the client.
    pub fn client(&self, bytes: impl AsRef<[u8]>) -> &Self {
        self.send(Side::Initiator, bytes)
    }

    /// The responder writes and sends `bytes`: on a control connection, the server.
    pub fn server(&self, bytes: impl AsRef<[u8]>) -> &Self {
        self.send(Side::Responder, bytes)
    }

    /// `from` writes `bytes` and sends them in segments of at most [`Network::segment_size`]; the other end acknowledges
    /// every second one and the last, unless [`Network::acknowledges`] says otherwise.
    pub fn send(&self, from: Side, bytes: impl AsRef<[u8]>) -> &Self {
        let written = self.write(from, bytes);
        let size = self.network.largest_segment();
        for (index, start) in written.clone().step_by(size).enumerate() {
            let end = written.end.min(start + size);
            self.emit(from, start..end);
            if self.network.receivers_acknowledge() && (index % 2 == 1 || end == written.end) {
                self.ack(from.other());
            }
        }
        self
    }

    /// `from` writes `bytes` into its stream; nothing is on the wire yet. Returns their place in the stream.
    pub fn write(&self, from: Side, bytes: impl AsRef<[u8]>) -> Range<usize> {
        let stream = &mut self.halves.borrow_mut()[from as usize].stream;
        let start = stream.len();
        stream.extend(bytes.as_ref());
        start..stream.len()
    }

    /// One segment with this range of the stream: again for a retransmission, in other ranges for a repacketised one.
    pub fn emit(&self, from: Side, range: Range<usize>) -> &Self {
        let bytes = self.halves.borrow()[from as usize].stream[range.clone()].to_vec();
        self.segment(from).at(range.start as i64).bytes(bytes).push().emit()
    }

    /// `from` acknowledges everything that has reached it without a hole.
    pub fn ack(&self, from: Side) -> &Self {
        self.segment(from).emit()
    }

    /// `from` acknowledges the other stream up to `offset`, whatever has arrived.
    pub fn ack_up_to(&self, from: Side, offset: usize) -> &Self {
        self.segment(from).acknowledging(offset as i64).emit()
    }

    /// `from` acknowledges with its receive window at `window`, and keeps it there.
    pub fn window(&self, from: Side, window: u16) -> &Self {
        self.halves.borrow_mut()[from as usize].window = window;
        self.ack(from)
    }

    /// Keep-alive: no data, one below the next sequence number (RFC 9293, section 3.8.4).
    pub fn keep_alive(&self, from: Side) -> &Self {
        let next = self.length(from) as i64;
        self.segment(from).at(next - 1).emit()
    }

    /// FIN behind everything that `from` has written.
    pub fn fin(&self, from: Side) -> &Self {
        self.halves.borrow_mut()[from as usize].fin = true;
        let segment = self.segment(from);
        Segment { flags: segment.flags | flag::FIN, ..segment }.at(self.length(from) as i64).emit()
    }

    /// RST, ACK.
    pub fn reset(&self, from: Side) -> &Self {
        let segment = self.segment(from);
        Segment { flags: segment.flags | flag::RST, ..segment }.emit()
    }

    /// FIN, ACK, FIN, ACK; `first` begins.
    pub fn close(&self, first: Side) -> &Self {
        self.fin(first).ack(first.other()).fin(first.other()).ack(first)
    }

    /// A segment of the test's own making: by default an ACK at the next sequence number.
    pub fn segment(&self, from: Side) -> Segment<'_> {
        Segment {
            connection: self,
            from,
            offset: None,
            absolute_sequence: None,
            bytes: Vec::new(),
            flags: flag::ACK,
            window: None,
            urgent_pointer: 0,
            acknowledgement: None,
            options: Vec::new(),
        }
    }

    /// Everything that `from` has written: what a perfect analysis recovers.
    pub fn stream(&self, from: Side) -> Vec<u8> {
        self.halves.borrow()[from as usize].stream.clone()
    }

    /// How much `from` has written.
    pub fn length(&self, from: Side) -> usize {
        self.halves.borrow()[from as usize].stream.len()
    }
}

/// A segment under construction; [`Segment::emit`] sends it.
pub struct Segment<'a> {
    connection: &'a Connection,
    from: Side,
    offset: Option<i64>,
    absolute_sequence: Option<u32>,
    bytes: Vec<u8>,
    flags: u8,
    window: Option<u16>,
    urgent_pointer: u16,
    /// `Some(None)`: no acknowledgement; `None`: of what has arrived.
    acknowledgement: Option<Option<i64>>,
    options: Vec<u8>,
}

impl<'a> Segment<'a> {
    /// At this offset of the stream; -1 is the SYN's place.
    pub fn at(self, offset: i64) -> Self {
        Segment { offset: Some(offset), ..self }
    }

    /// With these bytes, whatever the stream has there.
    pub fn bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        Segment { bytes: bytes.as_ref().to_vec(), ..self }
    }

    /// With PSH.
    pub fn push(self) -> Self {
        Segment { flags: self.flags | flag::PSH, ..self }
    }

    /// With FIN.
    pub fn finish(self) -> Self {
        Segment { flags: self.flags | flag::FIN, ..self }
    }

    /// With URG and this urgent pointer (RFC 9293, section 3.8.5).
    pub fn urgent(self, pointer: u16) -> Self {
        Segment { flags: self.flags | flag::URG, urgent_pointer: pointer, ..self }
    }

    /// With this window, for this segment only.
    pub fn window(self, window: u16) -> Self {
        Segment { window: Some(window), ..self }
    }

    /// Acknowledging the other stream up to this offset.
    pub fn acknowledging(self, offset: i64) -> Self {
        Segment { acknowledgement: Some(Some(offset)), ..self }
    }

    /// With these TCP options, in whole 32-bit words.
    pub fn options(self, options: &[u8]) -> Self {
        Segment { options: options.to_vec(), ..self }
    }

    /// Sends it past the tap.
    pub fn emit(self) -> &'a Connection {
        let connection = self.connection;
        let header = {
            let mut halves = connection.halves.borrow_mut();
            let other = &halves[self.from.other() as usize];
            let arrived = other.arrived();
            let fin_arrived = i64::from(other.fin && arrived == other.stream.len());
            let acknowledgement = match self.acknowledgement {
                None => other.sequence(arrived as i64 + fin_arrived),
                Some(None) => 0,
                Some(Some(offset)) => other.sequence(offset),
            };
            let half = &mut halves[self.from as usize];
            let next = half.emitted.iter().map(|range| range.end).max().unwrap_or(0) as i64;
            // A segment without data, after the FIN, stands behind it.
            let behind_fin = i64::from(half.fin && self.flags & flag::FIN == 0);
            let offset = self.offset.unwrap_or(next + behind_fin);
            if offset >= 0 && !self.bytes.is_empty() {
                half.emitted.push(offset as usize..offset as usize + self.bytes.len());
            }
            TcpHeader {
                sequence: self.absolute_sequence.unwrap_or(half.sequence(offset)),
                acknowledgement,
                flags: self.flags,
                window: self.window.unwrap_or(half.window),
                urgent_pointer: self.urgent_pointer,
                options: self.options,
            }
        };
        let [source, destination] = [self.from, self.from.other()].map(|side| connection.ends[side as usize]);
        connection.network.capture(source, destination, |envelope| envelope.tcp(&header, &self.bytes));
        connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (sequence, acknowledgement, flags, payload) of each frame, numbers less `initial + 1` of their senders.
    fn segments(network: &Network, initial: [u32; 2], client_port: u16) -> Vec<(i32, i32, u8, Vec<u8>)> {
        let pcap = network.pcap();
        let (mut at, mut found) = (24, Vec::new());
        while at < pcap.len() {
            let length = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
            let tcp = &pcap[at + 16 + 34..at + 16 + length];
            let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
            let from = usize::from(u16::from_be_bytes([tcp[0], tcp[1]]) != client_port);
            let relative = |raw: u32, side: usize| raw.wrapping_sub(initial[side]).wrapping_sub(1) as i32;
            let payload = tcp[usize::from(tcp[12] >> 4) * 4..].to_vec();
            found.push((relative(word(4), from), relative(word(8), 1 - from), tcp[13], payload));
            at += 16 + length;
        }
        found
    }

    fn connected(network: &Network) -> Connection {
        network.connection_numbered("10.0.0.1:4000", "10.0.0.2:21", [7, u32::MAX - 2]).handshake()
    }

    fn after_handshake(network: &Network) -> Vec<(i32, i32, u8, Vec<u8>)> {
        segments(network, [7, u32::MAX - 2], 4000).split_off(3)
    }

    #[test]
    fn numbers_follow_the_bytes_over_the_end_of_the_sequence_space() {
        let network = Network::new();
        connected(&network).server("220 hi\r\n").client("QUIT\r\n");
        let ack = Vec::new();
        let expected = [
            (0, 0, 0x18, b"220 hi\r\n".to_vec()),
            (0, 8, 0x10, ack.clone()),
            (0, 8, 0x18, b"QUIT\r\n".to_vec()),
            (8, 6, 0x10, ack),
        ];
        assert_eq!(after_handshake(&network), expected);
    }

    #[test]
    fn nothing_behind_a_hole_is_acknowledged_until_it_is_filled() {
        let network = Network::new();
        let connection = connected(&network);
        connection.write(Side::Initiator, b"abcdef");
        connection.emit(Side::Initiator, 3..6).ack(Side::Responder);
        connection.emit(Side::Initiator, 0..3).ack(Side::Responder);
        let acknowledged: Vec<i32> = after_handshake(&network).iter().map(|segment| segment.1).collect();
        assert_eq!(acknowledged, [0, 0, 0, 6]);
    }

    #[test]
    fn each_fin_takes_one_number() {
        let network = Network::new();
        connected(&network).client("x").close(Side::Initiator);
        let numbers: Vec<_> = after_handshake(&network)[2..].iter().map(|s| (s.0, s.1, s.2)).collect();
        assert_eq!(numbers, [(1, 0, 0x11), (0, 2, 0x10), (0, 2, 0x11), (2, 1, 0x10)]);
    }

    #[test]
    fn a_frame_that_the_tap_missed_is_acknowledged_all_the_same() {
        let network = Network::new();
        let connection = connected(&network);
        connection.write(Side::Initiator, b"abc");
        connection.emit(Side::Initiator, 0..3);
        network.forget_last();
        connection.ack(Side::Responder);
        assert_eq!(after_handshake(&network), [(0, 3, 0x10, Vec::new())]);
    }
}

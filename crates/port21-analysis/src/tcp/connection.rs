//! What is known of one connection, and how a consumer is told of it.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::LazyLock;

use port21_capture::{Flags, Scope, Timestamp};

use super::letters::Letters;
use super::observer::Judgement;

/// One end of a connection: the initiator sent the SYN, or, where no handshake was seen, the first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// Active opener.
    Initiator = 0,
    /// Passive opener.
    Responder = 1,
}

impl End {
    /// The other end.
    pub fn other(self) -> End {
        match self {
            End::Initiator => End::Responder,
            End::Responder => End::Initiator,
        }
    }
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// A segment of the three-way handshake (RFC 9293, section 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandshakeSegment {
    /// Packet number.
    pub packet: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Raw sequence number.
    pub raw_sequence: u32,
    /// Raw acknowledgment number, where ACK is set.
    pub raw_acknowledgement: Option<u32>,
}

/// A segment that takes part in closing: every FIN and RST, and the first segment that acknowledges a FIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosingSegment {
    /// Packet number.
    pub packet: u64,
    /// Who sent it.
    pub from: End,
    /// Its control bits.
    pub flags: Flags,
    /// Raw sequence number.
    pub raw_sequence: u32,
    /// Raw acknowledgment number, where ACK is set.
    pub raw_acknowledgement: Option<u32>,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A SYN that was never answered, or answered by a reset.
    NeverOpened,
    /// Open when last seen.
    Open,
    /// One end has sent FIN, the other has not, and there was no reset.
    HalfClosed,
    /// Both ends have sent FIN.
    Closed,
    /// Ended by RST (before both FINs were seen).
    Reset,
}

/// A hole in the bytes of one direction: the capture does not hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Offset of the first missing byte from the start of the direction's data (0 = first byte after the SYN).
    pub offset: u64,
    /// Missing bytes.
    pub length: u64,
    /// The receiver acknowledged bytes behind the hole: so they crossed the wire, and it is the capture that
    /// misses them. `false`: nothing proves that they were ever delivered.
    pub acknowledged: bool,
}

/// The same bytes of the stream sent twice with different content. The first bytes win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Who sent them.
    pub from: End,
    /// Offset of the first byte of the overlap.
    pub offset: u64,
    /// Length of the overlap in bytes.
    pub length: u64,
    /// Packet that carried the bytes that count (`None` where it is no longer known).
    pub first_packet: Option<u64>,
    /// Packet that carried other bytes for the same place.
    pub second_packet: u64,
    /// SHA-256 of the overlapping bytes as first seen.
    pub first_sha256: [u8; 32],
    /// SHA-256 of the overlapping bytes in the second packet.
    pub second_sha256: [u8; 32],
}

/// Whose fault a pause in the flow of data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StallCause {
    /// Everything sent was acknowledged and the window was open: the sender had nothing to send.
    Sender,
    /// The receiver's window was closed or full.
    Receiver,
    /// Data was outstanding, the window open, and the pause ended with a retransmission.
    Network,
}

/// A pause of at least [`Stall::MINIMUM_NANOSECONDS`] between two data segments of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Who was sending the data.
    pub sender: End,
    /// Last data segment before the pause.
    pub from_packet: u64,
    /// First data segment after it.
    pub to_packet: u64,
    /// Its length.
    pub nanoseconds: u64,
    /// Whose it was.
    pub cause: StallCause,
}

impl Stall {
    /// Shorter pauses are not recorded.
    pub const MINIMUM_NANOSECONDS: u64 = 500_000_000;
}

/// Packet numbers of what Wireshark's TCP analysis flags (`tcp.analysis.*`), by its names, for both directions
/// together, in capture order. Each list holds at most [`Quality::LIST_LIMIT`] numbers; `counts` goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quality {
    /// `tcp.analysis.retransmission` (fast and spurious ones too, as Wireshark does).
    pub retransmissions: Vec<u64>,
    /// `tcp.analysis.fast_retransmission`
    pub fast_retransmissions: Vec<u64>,
    /// `tcp.analysis.spurious_retransmission`
    pub spurious_retransmissions: Vec<u64>,
    /// `tcp.analysis.out_of_order`
    pub out_of_order: Vec<u64>,
    /// `tcp.analysis.duplicate_ack`
    pub duplicate_acks: Vec<u64>,
    /// `tcp.analysis.lost_segment`: "previous segment not captured"
    pub lost_segments: Vec<u64>,
    /// `tcp.analysis.ack_lost_segment`: "ACKed unseen segment"
    pub acked_unseen: Vec<u64>,
    /// `tcp.analysis.keep_alive`
    pub keep_alives: Vec<u64>,
    /// `tcp.analysis.keep_alive_ack`
    pub keep_alive_acks: Vec<u64>,
    /// `tcp.analysis.zero_window`
    pub zero_windows: Vec<u64>,
    /// `tcp.analysis.zero_window_probe`
    pub zero_window_probes: Vec<u64>,
    /// `tcp.analysis.zero_window_probe_ack`
    pub zero_window_probe_acks: Vec<u64>,
    /// `tcp.analysis.window_update`
    pub window_updates: Vec<u64>,
    /// `tcp.analysis.window_full`
    pub window_full: Vec<u64>,
    /// `tcp.analysis.reused_ports`
    pub reused_ports: Vec<u64>,
    /// Frames that repeat an earlier frame bit for bit from the IP header on (the same IPv4 identification, or
    /// the same everything within a millisecond): the capture saw one packet twice. Not a retransmission by TCP.
    pub duplicate_frames: Vec<u64>,
    /// Segments with data after their sender's FIN, or after a reset by either end.
    pub data_after_close: Vec<u64>,
    /// Segments with URG set.
    pub urgent: Vec<u64>,
    /// How often each of the above occurred, in the order of the fields; lists stop at the limit, these do not.
    pub counts: [u64; 18],
    /// Conflicting overlaps, at most [`Quality::LIST_LIMIT`].
    pub conflicts: Vec<Conflict>,
    /// Pauses, at most [`Quality::LIST_LIMIT`].
    pub stalls: Vec<Stall>,
}

impl Quality {
    /// Most numbers kept in one list of one connection.
    pub const LIST_LIMIT: usize = 1024;
}

/// A [`Quality`] that is only stored once there is something to say; reads as an empty one until then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RareQuality(Option<Box<Quality>>);

impl RareQuality {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The stored value, created when first asked for.
    pub(super) fn get_mut(&mut self) -> &mut Quality {
        self.0.get_or_insert_default()
    }
}

impl From<Quality> for RareQuality {
    fn from(quality: Quality) -> Self {
        RareQuality(Some(Box::new(quality)))
    }
}

impl Deref for RareQuality {
    type Target = Quality;

    fn deref(&self) -> &Quality {
        static NOTHING: LazyLock<Quality> = LazyLock::new(Quality::default);
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

/// One direction of a connection: what its sender sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Half {
    /// Raw initial sequence number: the SYN's, or one less than that of the first byte taken.
    pub initial_sequence: Option<u32>,
    /// Whether `initial_sequence` was read from a SYN.
    pub syn_seen: bool,
    /// Bytes of the stream that were delivered in order (each counted once, gaps not counted).
    pub bytes: u64,
    /// Bytes missing in declared gaps.
    pub missing: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets with payload.
    pub data_packets: u64,
    /// Bytes of the IP packets on the wire, headers and retransmissions included.
    pub ip_bytes: u64,
    /// Gaps, at most [`Quality::LIST_LIMIT`]; `missing` counts all.
    pub gaps: Vec<Gap>,
    /// Maximum segment size option of the SYN.
    pub maximum_segment_size: Option<u16>,
    /// Window scale option of the SYN.
    pub window_scale: Option<u8>,
    /// Offset of FIN: the length of the direction's data, where a FIN was seen.
    pub fin_offset: Option<u64>,
    /// Captured bytes that have no place in the delivered stream: they came after their hole had been declared a gap,
    /// stood behind the FIN, or before a start that was settled by then.
    pub dropped_bytes: u64,
}

/// One TCP connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// 0-based, by first packet, as Wireshark's `tcp.stream`.
    pub stream: u64,
    /// VLANs and tunnel that it was seen in.
    pub scope: Scope,
    /// Initiator and responder.
    pub ends: [Endpoint; 2],
    /// Whether a SYN or SYN/ACK told who is who; otherwise the sender of the first packet is taken for the initiator.
    pub initiator_known: bool,
    /// Whether the first packet seen turned out to be the responder's: until then the ends were taken for each other.
    pub turned: bool,
    /// First and last packet.
    pub packets: (u64, u64),
    /// Their times.
    pub times: (Timestamp, Timestamp),
    /// SYN of the initiator (the first one whose sequence number counted).
    pub syn: Option<HandshakeSegment>,
    /// SYN/ACK of the responder (or its SYN, in a simultaneous open).
    pub syn_ack: Option<HandshakeSegment>,
    /// The initiator's first acknowledgment of the SYN/ACK.
    pub ack: Option<HandshakeSegment>,
    /// What each end sent, by [`End`].
    pub halves: [Half; 2],
    /// FINs, RSTs, and the first acknowledgment of each FIN, in capture order, at most [`Quality::LIST_LIMIT`].
    pub closing: Vec<ClosingSegment>,
    /// How far it has come.
    pub state: State,
    /// What was odd about its segments; takes no memory while nothing was.
    pub quality: RareQuality,
    /// An ICMP "unreachable" message that quoted this connection: packet number, type, code.
    pub unreachable: Option<(u64, u8, u8)>,
    /// Which kinds of packets were seen, in order.
    pub letters: Letters,
}

impl Connection {
    /// What `end` sent.
    pub fn half(&self, end: End) -> &Half {
        let [initiator, responder] = &self.halves;
        match end {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }

    pub(super) fn half_mut(&mut self, end: End) -> &mut Half {
        let [initiator, responder] = &mut self.halves;
        match end {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }

    /// Takes the initiator for the responder and the other way round, wherever it matters.
    pub(super) fn swap_ends(&mut self) {
        self.turned = !self.turned;
        self.ends.reverse();
        self.halves.reverse();
        self.letters.swap_ends();
        for segment in &mut self.closing {
            segment.from = segment.from.other();
        }
    }

    /// Bytes of `from`'s will not come.
    pub(super) fn lacks(&mut self, from: End, gap: Gap) {
        self.letters.gap(from);
        let half = self.half_mut(from);
        half.missing += gap.length;
        if half.gaps.len() < Quality::LIST_LIMIT {
            half.gaps.push(gap);
        }
    }

    /// Address and port of `end`.
    pub fn end(&self, end: End) -> Endpoint {
        let [initiator, responder] = self.ends;
        match end {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }

    /// A raw sequence number of `end`'s relative to its initial one, modulo 2^32 (RFC 9293, section 3.4.1).
    pub fn relative(&self, end: End, raw: u32) -> u32 {
        raw.wrapping_sub(self.half(end).initial_sequence.unwrap_or(raw))
    }
}

/// A run of bytes that one packet contributed to a stream, in order.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Offset of the first byte from the start of the direction's data.
    pub offset: u64,
    /// The bytes; never empty.
    pub bytes: &'a [u8],
    /// Packet that carried them (not the one that closed the hole before them).
    pub packet: u64,
    /// Time of that packet.
    pub time: Timestamp,
    /// Control bits of that packet.
    pub flags: Flags,
    /// How far the other direction's data was acknowledged by that packet, as an offset into it: what its sender
    /// had certainly received when it sent this. `None` without ACK, or before the other direction's numbers are known.
    pub acknowledges: Option<u64>,
}

/// Whether a consumer wants more of a stream's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Go on.
    Keep,
    /// Count packets and bytes, but neither reassemble nor report packets or data of this connection any more.
    CountOnly,
}

/// What need not be told of a connection any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unneeded {
    /// Its packets: [`Sink::packet`].
    Packets,
    /// Acknowledgments of its data: [`Sink::acknowledged`].
    Acknowledgements,
    /// What [`Interest::CountOnly`] means.
    AllButItsEnd,
}

/// A consumer of connections and their bytes. Calls come in capture order; those that one packet causes come
/// together, before the next packet's.
pub trait Sink {
    /// A connection's first packet has been seen. `connection` holds its ends and, if that packet was one, the SYN.
    /// Where that packet was neither SYN nor SYN/ACK, a SYN that arrives before any data was delivered may still swap
    /// the ends (it sets `initiator_known`).
    fn opened(&mut self, connection: &Connection);

    /// A packet of `connection` was taken in (after `opened`, before the data that it carries is delivered), in which there is
    /// [interest](Interest).
    fn packet(
        &mut self,
        connection: &Connection,
        packet: u64,
        time: Timestamp,
        from: End,
        payload_length: u32,
    );

    /// What can be said of the packet that `packet` was called for, once it has been compared with those before it; after
    /// its data was delivered.
    fn judged(&mut self, connection: &Connection, judgement: &Judgement) {
        let _ = (connection, judgement);
    }

    /// Bytes in order. `connection.half(from).bytes` includes them.
    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest;

    /// Bytes that will not come: the next `data` of this direction starts behind the gap.
    fn gap(&mut self, connection: &Connection, from: End, gap: Gap);

    /// The data of `sender` up to `offset` (exclusive; FIN not counted) was acknowledged by `packet` for the first time.
    fn acknowledged(&mut self, connection: &Connection, sender: End, offset: u64, packet: u64);

    /// `from` will send no more: all its data up to its FIN was delivered (or stated as gaps), or the connection was reset.
    /// `packet` is the FIN or RST. At most once a direction, and no `data` of that direction follows: an RST may be
    /// forged and data go on behind it, so for a reset direction this is said only just before `ended`. A SYN after a FIN
    /// that came before any data shows that the FIN ended an earlier use of the ports: then this may be said again.
    fn finished(&mut self, connection: &Connection, from: End, packet: u64);

    /// Nothing more will be said of the connection: it was closed and has been quiet, its ports were reused, a limit
    /// was reached, or the capture ended. Bytes still waiting behind a hole were delivered before, with the gap stated.
    fn ended(&mut self, connection: Connection);
}

//! TCP: lists of segments between a few hosts, fed to the tracker.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use arbitrary::{Arbitrary, Unstructured};
use port21_analysis::tcp::{Chunk, Connection, End, Gap, Interest, Limits, Sink, Tracker};
use port21_capture::decode::TcpOptions;
use port21_capture::{Decoded, Flags, Scope, Segment, Timestamp, Transport};

/// A segment in few bytes, so that most lists of them are about the same connections and places.
#[derive(Debug, Arbitrary)]
struct Sent {
    /// Two bits of connection, one of direction, then how numbers are to be read.
    form: u8,
    flags: u8,
    sequence: u16,
    acknowledgement: u16,
    window: u8,
    /// Milliseconds since the segment before it, squared.
    later: u8,
    length: u8,
    /// Bytes on the wire that the capture misses.
    cut: u8,
    filling: u8,
}

/// Feeds any segments to the tracker, under limits that bite, and checks what it tells.
pub fn tcp(bytes: &[u8]) {
    let mut source = Unstructured::new(bytes);
    let (limits, ignored) = (limits(&mut source), u64::from(source.arbitrary::<u8>().unwrap_or(0)));
    let mut tracker = Tracker::new(limits);
    let mut listener = Listener { ignored, ..Listener::default() };
    let (mut number, mut time) = (0, Timestamp(0));
    while !source.is_empty() {
        let Ok(sent) = Sent::arbitrary(&mut source) else { break };
        number += 1;
        time.0 += i64::from(sent.later).pow(2) * 1_000_000;
        feed(&mut tracker, &mut listener, &sent, number, time);
    }
    tracker.finish(&mut listener);
    assert!(listener.open.is_empty(), "every connection that opens ends");
    assert_eq!(listener.ended, tracker.connections_seen());
}

fn limits(source: &mut Unstructured<'_>) -> Limits {
    let small = |source: &mut Unstructured<'_>| usize::from(source.arbitrary::<u8>().unwrap_or(255));
    Limits {
        connections: small(source) % 5,
        closed_connections: small(source) % 3,
        quiet_seconds: 2,
        remembered_connections: small(source) % 3,
        out_of_order_bytes_per_direction: small(source) * 4,
        out_of_order_bytes: small(source) * 8,
        out_of_order_segments: 32,
        segments_per_direction: small(source),
        history_bytes_per_direction: small(source) * 2,
        history_bytes: small(source) * 4,
    }
}

fn feed(tracker: &mut Tracker, listener: &mut Listener, sent: &Sent, number: u64, time: Timestamp) {
    let [client, server] = [2, 1].map(|host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)));
    let (connection, from_server) = (u16::from(sent.form & 3), sent.form & 4 != 0);
    let ports = (40_000 + connection, 21);
    let (addresses, (source_port, destination_port)) =
        if from_server { ((server, client), (ports.1, ports.0)) } else { ((client, server), ports) };
    // Numbers near the place where they wrap, or far apart.
    let far = |raw: u16, bit: u8| {
        let base = if sent.form & bit != 0 { 0x7fff_fff0 } else { 0xffff_ff00_u32 };
        base.wrapping_add(u32::from(raw) >> (sent.form >> 6))
    };
    let payload = vec![sent.filling; usize::from(sent.length)];
    let segment = Segment {
        source_port,
        destination_port,
        sequence: far(sent.sequence, 8),
        acknowledgement: far(sent.acknowledgement, 16),
        flags: Flags(u16::from(sent.flags)),
        window: u16::from(sent.window),
        urgent_pointer: 0,
        options: TcpOptions::default(),
        payload: &payload,
        payload_length: u32::from(sent.length) + u32::from(sent.cut >> 4),
    };
    let decoded = Decoded {
        packet: number,
        time,
        scope: Scope::default(),
        addresses: Some(addresses),
        hop_limit: 64,
        identification: 0,
        ip_length: 40 + segment.payload_length,
        transport: Some(Transport::Tcp(segment)),
        reassembled: None,
        stopped: None,
    };
    tracker.segment(&decoded, &segment, listener);
    if sent.form & 32 != 0 {
        let quoted = (addresses.1, destination_port, addresses.0, source_port);
        tracker.unreachable(&decoded, quoted, 3, 1);
    }
}

/// Checks that each direction is told in order, without overlap, and only while its connection lasts.
#[derive(Default)]
struct Listener {
    /// Streams whose content is not wanted: a bit for each of the first eight.
    ignored: u64,
    /// For each open stream, how far each end's bytes have been told, and who has finished.
    open: BTreeMap<u64, [(u64, bool); 2]>,
    ended: u64,
}

impl Listener {
    fn advance(&mut self, connection: &Connection, from: End, offset: u64, length: u64) {
        let ends = self.open.get_mut(&connection.stream).expect("told of before");
        let (told, finished) = &mut ends[from as usize];
        assert_eq!(*told, offset, "bytes and gaps follow one another");
        // A FIN that came before any data, then a SYN: it ended an earlier use of the ports.
        *finished &= *told > 0;
        assert!(length > 0 && !*finished, "nothing comes behind the end");
        *told += length;
    }
}

impl Sink for Listener {
    fn opened(&mut self, connection: &Connection) {
        assert!(self.open.insert(connection.stream, Default::default()).is_none());
    }

    fn packet(&mut self, connection: &Connection, _: u64, _: Timestamp, _: End, _: u32) {
        assert!(self.open.contains_key(&connection.stream));
    }

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        self.advance(connection, from, chunk.offset, chunk.bytes.len() as u64);
        let ignored = connection.stream < 8 && self.ignored & (1 << connection.stream) != 0;
        if ignored { Interest::CountOnly } else { Interest::Keep }
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        self.advance(connection, from, gap.offset, gap.length);
    }

    fn acknowledged(&mut self, connection: &Connection, _: End, _: u64, _: u64) {
        assert!(self.open.contains_key(&connection.stream));
    }

    fn finished(&mut self, connection: &Connection, from: End, _: u64) {
        let ends = self.open.get_mut(&connection.stream).expect("told of before");
        let (told, finished) = &mut ends[from as usize];
        assert!(!(*finished && *told > 0), "an end finishes once");
        *finished = true;
    }

    fn ended(&mut self, connection: Connection) {
        assert!(self.open.remove(&connection.stream).is_some());
        self.ended += 1;
    }
}

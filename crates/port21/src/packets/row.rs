//! One packet as the list has it.

use std::ops::Range;

use port21_analysis::tcp::End;
use port21_capture::dissect::dissect;
use port21_capture::{Decoded, Flags, Packet, Segment, Timestamp, Transport};
use serde::{Serialize, Serializer};

use super::info;
use super::survey::{Carries, Role, Survey};
use super::watch::Seen;

/// A packet of the list.
#[derive(Debug, Serialize)]
pub struct Row {
    /// As Wireshark numbers it.
    pub number: u64,
    /// Seconds since the first packet.
    pub time: f64,
    /// When it was captured, in UTC.
    #[serde(serialize_with = "rfc3339")]
    pub timestamp: Timestamp,
    /// Sender: IP or link-layer address.
    pub source: String,
    /// Receiver.
    pub destination: String,
    /// The innermost protocol.
    pub protocol: String,
    /// Bytes on the wire.
    pub length: u32,
    /// What it says; bytes as they were sent.
    #[serde(serialize_with = "lossy")]
    pub info: Vec<u8>,
    /// TCP stream.
    pub stream: Option<u64>,
    /// FTP session.
    pub session: Option<u64>,
    /// Transfer in that session, by its number from 0.
    pub transfer: Option<u64>,
    /// Its TCP header.
    pub tcp: Option<Tcp>,
    /// Whose words or data it carries, for its colour.
    #[serde(skip)]
    pub voice: Voice,
}

/// What the list has of a TCP segment.
#[derive(Debug, Serialize)]
pub struct Tcp {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// "client" for the end that opened the connection, or is taken for it; "server" for the other.
    pub from: &'static str,
    /// Names of the control bits that are set.
    pub flags: Vec<&'static str>,
    /// Relative sequence number.
    pub sequence: u32,
    /// Relative acknowledgment number; `null` without ACK.
    pub acknowledgement: Option<u32>,
    /// Sequence number as it stands in the header.
    pub raw_sequence: u32,
    /// Acknowledgment number as it stands in the header; `null` without ACK.
    pub raw_acknowledgement: Option<u32>,
    /// Window in bytes, scaled; `null` where the scale is not in the capture.
    pub window: Option<u64>,
    /// Window as it stands in the header.
    pub raw_window: u16,
    /// Bytes of payload on the wire.
    pub length: u32,
    /// Wireshark's names for what is odd.
    pub analysis: Vec<&'static str>,
    /// Of a duplicate acknowledgment: the packet that acknowledged the same first.
    pub duplicate_of: Option<u64>,
}

/// Whose words or data a packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Voice {
    /// Nobody's.
    #[default]
    None,
    /// A command.
    Client,
    /// A reply.
    Server,
    /// Files and listings.
    Data,
    /// Something is odd.
    Odd,
}

impl Row {
    /// The row of a packet; `raw`: with the numbers as they stand in the header.
    pub fn new(
        packet: &Packet<'_>,
        decoded: &Decoded<'_>,
        seen: Option<&Seen>,
        survey: &Survey,
        start: Timestamp,
        raw: bool,
    ) -> Row {
        let mut row = Row {
            number: packet.number,
            time: packet.time.seconds_since(start),
            timestamp: packet.time,
            source: String::new(),
            destination: String::new(),
            protocol: String::new(),
            length: packet.original_length,
            info: Vec::new(),
            stream: None,
            session: None,
            transfer: None,
            tcp: None,
            voice: Voice::None,
        };
        match (seen, &decoded.transport, decoded.addresses) {
            (Some(seen), Some(Transport::Tcp(segment)), Some((source, destination))) => {
                (row.source, row.destination) = (source.to_string(), destination.to_string());
                // The order of options is worth a look only where there are several.
                let order = match segment.flags.contains(Flags::SYN) {
                    true => info::option_kinds(packet),
                    false => Vec::new(),
                };
                row.segment(segment, &order, decoded, seen, survey, raw);
            }
            _ => {
                let columns = dissect(packet).columns;
                (row.source, row.destination) = (columns.source, columns.destination);
                (row.protocol, row.info) = (columns.protocol, columns.info.into_bytes());
                row.session = survey.names.get(&row.number).and_then(|ids| ids.iter().min().copied());
            }
        }
        row
    }

    fn segment(
        &mut self,
        segment: &Segment<'_>,
        order: &[u8],
        decoded: &Decoded<'_>,
        seen: &Seen,
        survey: &Survey,
        raw: bool,
    ) {
        let has_acknowledgement = segment.flags.contains(Flags::ACK);
        let judgement = &seen.judgement;
        self.tcp = Some(Tcp {
            source_port: segment.source_port,
            destination_port: segment.destination_port,
            from: if judgement.from == End::Initiator { "client" } else { "server" },
            flags: segment.flags.names().to_vec(),
            sequence: seen.sequence,
            acknowledgement: has_acknowledgement.then_some(seen.acknowledgement),
            raw_sequence: segment.sequence,
            raw_acknowledgement: has_acknowledgement.then_some(segment.acknowledgement),
            window: judgement.window,
            raw_window: segment.window,
            length: segment.payload_length,
            analysis: info::flags(judgement),
            duplicate_of: judgement.duplicate_of.map(|(packet, _)| packet),
        });
        self.stream = Some(seen.stream);
        let prefix = info::analysis(judgement);
        self.protocol = "TCP".into();
        let mut info = prefix.clone().into_bytes();
        if !prefix.is_empty() {
            self.voice = Voice::Odd;
        }
        let role = survey.roles.get(&seen.stream);
        self.session = role.map(|role| role.session);
        if let Some(Role { carries: Carries::Data { transfer, .. }, .. }) = role {
            self.transfer = *transfer;
        }
        let application = role
            .filter(|_| segment.payload_length > 0 && !info::is_repetition(judgement))
            .and_then(|role| self.application(segment, decoded, seen, survey, role));
        match application {
            Some(text) => info.extend(text),
            None => {
                let (sequence, acknowledgement) = match raw {
                    true => (segment.sequence, segment.acknowledgement),
                    false => (seen.sequence, seen.acknowledgement),
                };
                let text = info::segment(segment, order, sequence, acknowledgement, judgement.window);
                info.extend(text.into_bytes());
            }
        }
        self.info = info;
    }

    /// What FTP says of a segment with payload.
    fn application(
        &mut self,
        segment: &Segment<'_>,
        decoded: &Decoded<'_>,
        seen: &Seen,
        survey: &Survey,
        role: &Role,
    ) -> Option<Vec<u8>> {
        match &role.carries {
            Carries::Data { words, .. } => {
                self.protocol = "FTP-DATA".into();
                self.voice = Voice::Data;
                Some(format!("FTP Data: {} bytes{words}", segment.payload_length).into_bytes())
            }
            Carries::Control { tls: Some((first, cleared, version)), .. }
                if decoded.packet >= *first && cleared.is_none_or(|cleared| decoded.packet < cleared) =>
            {
                self.protocol = version.clone();
                Some(tls_record(segment.payload).into())
            }
            Carries::Control { client, .. } => {
                let from_client =
                    decoded.addresses.map(|(source, _)| (source, segment.source_port)) == Some(*client);
                let (word, voice) =
                    if from_client { ("Request", Voice::Client) } else { ("Response", Voice::Server) };
                self.protocol = "FTP".into();
                self.voice = voice;
                let judgement = &seen.judgement;
                let hidden =
                    survey.masks.of_segment(seen.stream, judgement.from, seen.first_byte, segment.payload);
                let mut text = format!("{word}: ").into_bytes();
                text.extend(first_line(segment.payload, &hidden));
                Some(text)
            }
        }
    }
}

/// The first line of a payload, each hidden range as one word; and how many lines follow.
fn first_line(payload: &[u8], hidden: &[Range<usize>]) -> Vec<u8> {
    let mut line = Vec::new();
    let mut at = 0;
    while let Some(byte) = payload.get(at) {
        if let Some(range) = hidden.iter().find(|range| range.contains(&at)) {
            if !line.ends_with(super::HIDDEN.as_bytes()) {
                line.extend_from_slice(super::HIDDEN.as_bytes());
            }
            at = range.end;
            continue;
        }
        at += 1;
        if *byte == b'\n' {
            break;
        }
        line.push(*byte);
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    let rest = payload.get(at..).unwrap_or_default();
    let unfinished = rest.last().is_some_and(|byte| *byte != b'\n');
    let more = rest.iter().filter(|byte| **byte == b'\n').count() + usize::from(unfinished);
    match more {
        0 => {}
        1 => line.extend_from_slice(b"   (and 1 more line)"),
        more => line.extend(format!("   (and {more} more lines)").into_bytes()),
    }
    line
}

/// What the first record in a payload is (RFC 8446, section 5.1).
fn tls_record(payload: &[u8]) -> &'static str {
    match payload.first() {
        Some(20) => "Change Cipher Spec",
        Some(21) => "Alert",
        Some(22) => "Handshake",
        Some(23) => "Application Data",
        _ => "Continuation Data",
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&port21_analysis::time::rfc3339(time.0))
}

fn lossy<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

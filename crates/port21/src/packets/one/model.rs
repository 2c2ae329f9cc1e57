//! Everything there is to say of one packet.

use std::ops::Range;

use port21_capture::dissect::{Dissection, Field, dissect, dissect_datagram};
use port21_capture::{Decoded, Flags, Packet, Timestamp, Transport, link_type_name};
use serde::{Serialize, Serializer};

use super::context::Context;
use super::hidden::{Hidden, masked};
use super::lines::name_payload;
use super::tree::Tree;
use crate::arguments::PacketsArguments;
use crate::packets::row::Row;
use crate::packets::survey::{Carries, Survey};
use crate::packets::watch::Seen;
use crate::render::words;

/// One packet.
#[derive(Debug, Serialize)]
pub struct One {
    schema: &'static str,
    /// What the list says of it.
    #[serde(flatten)]
    pub row: Row,
    /// Seconds since the packet before it.
    pub since_previous: Option<f64>,
    /// Name of its link type.
    pub link_type: String,
    /// Bytes that the capture holds.
    pub captured_length: usize,
    /// What the rest of the capture tells of it.
    pub context: Context,
    /// What must be known to read the fields rightly, in sentences.
    pub notes: Vec<String>,
    /// Fields and bytes.
    #[serde(flatten)]
    pub parts: Parts,
    /// The datagram that it completes.
    pub reassembled: Option<Parts>,
}

/// Bytes, taken apart.
#[derive(Debug, Serialize)]
pub struct Parts {
    /// The layers, each a tree of fields.
    #[serde(serialize_with = "trees")]
    pub layers: Vec<Field>,
    /// Why reading ended before the payload.
    pub stopped: Option<String>,
    /// The bytes, in hexadecimal; hidden ones are asterisks.
    #[serde(serialize_with = "hexadecimal")]
    pub bytes: Vec<u8>,
    /// Which of them are hidden.
    #[serde(serialize_with = "ranges")]
    pub hidden: Vec<Range<usize>>,
}

impl One {
    /// Takes a packet apart. `since_previous`: seconds since the packet before it.
    pub fn new(
        packet: &Packet<'_>,
        decoded: &Decoded<'_>,
        seen: Option<&Seen>,
        survey: &Survey,
        start: Timestamp,
        since_previous: Option<f64>,
        arguments: &PacketsArguments,
    ) -> One {
        let dissection = dissect(packet);
        let hidden = match arguments.common.show_passwords {
            true => Hidden::default(),
            false => Hidden::of(packet, decoded, seen, &survey.masks, &dissection),
        };
        let row = Row::new(packet, decoded, seen, survey, start, arguments.raw);
        let notes = notes(packet, decoded, &dissection, &hidden);
        let mut parts = Parts::new(dissection, packet.data, hidden.packet);
        let mut reassembled = decoded.reassembled.map(|(protocol, datagram)| {
            let dissection = dissect_datagram(protocol, decoded.addresses, datagram);
            Parts::new(dissection, datagram, hidden.datagram)
        });
        if let Some(role) = row.stream.and_then(|stream| survey.roles.get(&stream))
            && let Some(Transport::Tcp(segment)) = &decoded.transport
            && !is_protected(&role.carries, packet.number)
        {
            let sender = decoded.addresses.map(|(source, _)| (source, segment.source_port));
            let from_client =
                matches!(&role.carries, Carries::Control { client, .. } if sender == Some(*client));
            for parts in reassembled.iter_mut().chain([&mut parts]) {
                name_payload(&mut parts.layers, &parts.bytes, &parts.hidden, &role.carries, from_client);
            }
        }
        One {
            schema: "port21.packet/1",
            since_previous,
            link_type: link_type_name(packet.link_type).into_owned(),
            captured_length: packet.data.len(),
            context: Context::new(&row, seen, decoded, &survey.target),
            notes,
            parts,
            reassembled,
            row,
        }
    }

    /// Whether a later packet may acknowledge something of it.
    pub fn waits_for_acknowledgement(&self) -> bool {
        self.row
            .tcp
            .as_ref()
            .is_some_and(|tcp| tcp.length > 0 || tcp.flags.iter().any(|flag| matches!(*flag, "SYN" | "FIN")))
    }
}

impl Parts {
    fn new(dissection: Dissection, bytes: &[u8], hidden: Vec<Range<usize>>) -> Parts {
        Parts {
            layers: dissection.layers,
            stopped: dissection.stopped.map(|stop| stop.to_string()),
            bytes: masked(bytes, &hidden),
            hidden,
        }
    }
}

fn is_protected(carries: &Carries, packet: u64) -> bool {
    matches!(carries, Carries::Control { tls: Some((first, cleared, _)), .. }
        if packet >= *first && cleared.is_none_or(|cleared| packet < cleared))
}

fn notes(
    packet: &Packet<'_>,
    decoded: &Decoded<'_>,
    dissection: &Dissection,
    hidden: &Hidden,
) -> Vec<String> {
    let mut notes = Vec::new();
    let captured = packet.data.len() as u64;
    let missing = u64::from(packet.original_length).saturating_sub(captured);
    if missing > 0 {
        notes.push(format!(
            "The capture kept only the first {} of this packet: {} of its end are missing.",
            words::count(captured, "byte"),
            words::count(missing, "byte"),
        ));
    }
    if let Some(stop) = dissection.stopped {
        notes.push(format!("Not everything was taken apart: {stop}. What follows is given as bytes."));
    }
    match (dissection.fragment, decoded.reassembled) {
        (_, Some((_, datagram))) => notes.push(format!(
            "This fragment completes a datagram of {}, which follows below, put together.",
            words::count(datagram.len() as u64, "byte")
        )),
        (true, None) => notes.push(
            "This is a fragment of an IP datagram: what it carries is read with the fragment that completes it."
                .into(),
        ),
        (false, None) => {}
    }
    let secret: usize = hidden.packet.iter().chain(&hidden.datagram).map(ExactSizeIterator::len).sum();
    if secret > 0 {
        let (bytes, are, they) = match secret {
            1 => ("1 byte".to_owned(), "is", "it"),
            more => (words::count(more as u64, "byte"), "are", "them"),
        };
        notes.push(format!(
            "{bytes} that may be a password {are} hidden: asterisks stand for {they}. --show-passwords shows {they}."
        ));
    }
    notes
}

/// Whether a segment counts as more than its acknowledgment.
pub fn control_length(flags: Flags) -> u32 {
    u32::from(flags.contains(Flags::SYN)) + u32::from(flags.contains(Flags::FIN))
}

fn trees<S: Serializer>(layers: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(layers.iter().map(Tree::of))
}

fn hexadecimal<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn ranges<S: Serializer>(ranges: &[Range<usize>], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Place {
        offset: usize,
        length: usize,
    }
    serializer.collect_seq(ranges.iter().map(|range| Place { offset: range.start, length: range.len() }))
}

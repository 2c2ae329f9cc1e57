//! Questions 19 and 20: the sequence numbers of the closing segments, relative and raw.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Closing, Party};
use crate::wording::{Prose, counted};

/// Facts of question 19.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Sequences {
    /// Relative sequence numbers of the closing segments, in order.
    pub sequences: Vec<u64>,
}

/// Facts of question 20.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RelativeAndRaw {
    /// Relative sequence numbers of the closing segments, in order.
    pub relative: Vec<u64>,
    /// Raw ones, as in the packets.
    pub raw: Vec<u32>,
    /// Initial sequence numbers.
    pub initial: InitialNumbers,
}

/// Initial sequence numbers of the control connection; `null`: the SYN is not in the capture.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitialNumbers {
    /// The server's.
    pub server: Option<u32>,
    /// The client's.
    pub client: Option<u32>,
}

/// Most segments whose arithmetic is shown.
const SHOWN_SEGMENTS: usize = 8;

pub(super) fn sequences(context: &Context<'_>) -> Answer {
    let control = &context.session.control;
    let mut prose = Prose::default();
    if control.closing.is_empty() {
        prose.say("No closing segment is in the capture.");
    }
    for party in [Party::Server, Party::Client] {
        let mine = |segment: &&Closing| context.session.control_party(segment.from) == party;
        let segments: Vec<&Closing> = control.closing.iter().filter(mine).take(SHOWN_SEGMENTS).collect();
        if let Some(first) = segments.first() {
            prose.say(why_this_number(context, party, first));
        }
        for pair in segments.windows(2) {
            if let [before, segment] = pair {
                prose.say(number_after(before, segment));
            }
        }
    }
    if control.closing.iter().any(|segment| super::closing::has(segment, "FIN")) {
        prose.say("A FIN counts as one sequence number, a bare ACK as none.");
    }
    let packets = control.closing.iter().map(|segment| segment.packet).collect();
    let sequences = control.closing.iter().map(|segment| segment.sequence).collect();
    let facts = Facts::Sequences(Sequences { sequences });
    Answer::new(19, prose.finish(), facts, packets, "RFC 9293, section 3.4")
}

/// Why the first closing segment of a party has the number that it has.
fn why_this_number(context: &Context<'_>, party: Party, segment: &Closing) -> String {
    let control = &context.session.control;
    let bytes = *control.bytes.at(segment.from);
    let number = segment.sequence;
    if control.initial_sequence.at(segment.from).is_none() {
        return format!(
            "#{} has {number}, counted from the first of the {party}'s packets in the capture, for its SYN is not in it.",
            segment.packet
        );
    }
    if bytes.checked_add(1) == Some(number) {
        return format!(
            "#{} has {number}: the {party} has sent its SYN, which counts as one, and {}: 1 + {bytes} = {number}.",
            segment.packet,
            counted(bytes, "byte")
        );
    }
    format!("#{} has {number}: its place in what the {party} sends, counted from its SYN.", segment.packet)
}

/// The number of a closing segment, as it follows from the same party's closing segment before.
fn number_after(before: &Closing, segment: &Closing) -> String {
    let (packet, number) = (segment.packet, segment.sequence);
    let fin = super::closing::has(before, "FIN");
    match number.checked_sub(before.sequence) {
        Some(0) if !fin => format!("#{packet} has {number} too, for #{} took up none.", before.packet),
        Some(1) if fin => format!("#{packet} has {number}, one more, for the FIN in #{}.", before.packet),
        _ => format!("#{packet} has {number}."),
    }
}

pub(super) fn relative_and_raw(context: &Context<'_>) -> Answer {
    let control = &context.session.control;
    let client_side = context.session.control_side_of_client();
    let initial = InitialNumbers {
        server: *control.initial_sequence.at(client_side.other()),
        client: *control.initial_sequence.at(client_side),
    };
    let mut prose = Prose::default();
    prose.say(
        "In the packets stand raw numbers, which begin at an initial number that each end picks anew for every \
         connection, hard to guess, so that neither old segments nor forged ones fit in. Relative numbers count from it \
         and are the ones to read: they tell how many bytes came before.",
    );
    prose.say("raw = initial + relative, modulo 2^32.");
    for segment in control.closing.iter().take(SHOWN_SEGMENTS) {
        prose.say(arithmetic(context, segment));
    }
    for (party, number) in [(Party::Server, initial.server), (Party::Client, initial.client)] {
        if number.is_none() {
            prose.say(format!(
                "The {party}'s SYN is not in the capture: its initial number is unknown, and its relative numbers count \
                 from the first packet of it that is."
            ));
        }
    }
    if control.closing.is_empty() {
        prose.say("No closing segment is in the capture.");
    }
    let handshake = &control.handshake;
    let mut packets: Vec<u64> = [handshake.syn, handshake.syn_ack].into_iter().flatten().collect();
    packets.extend(control.closing.iter().map(|segment| segment.packet));
    let facts = RelativeAndRaw {
        relative: control.closing.iter().map(|segment| segment.sequence).collect(),
        raw: control.closing.iter().map(|segment| segment.raw_sequence).collect(),
        initial,
    };
    Answer::new(20, prose.finish(), Facts::RelativeAndRaw(facts), packets, "RFC 9293, sections 3.4 and 3.4.1")
}

/// "#304: 918273645 + 182 = 918273827.", for a known initial number, else for the one that stands in for it.
fn arithmetic(context: &Context<'_>, segment: &Closing) -> String {
    let relative = segment.sequence;
    // Relative numbers go on past 2^32; raw ones start again.
    let low = u32::try_from(relative % (1 << 32)).unwrap_or_default();
    let stand_in = segment.raw_sequence.wrapping_sub(low);
    let initial = context.session.control.initial_sequence.at(segment.from).unwrap_or(stand_in);
    let wraps = u64::from(initial).saturating_add(relative) > u64::from(u32::MAX);
    let modulo = if wraps { " (modulo 2^32)" } else { "" };
    format!("#{}: {initial} + {relative} = {}{modulo}.", segment.packet, segment.raw_sequence)
}

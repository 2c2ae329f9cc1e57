//! Questions 4 and 5: the three-way handshakes, and what each segment of one does.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Connection, Handshake, Numbers};
use crate::wording::{Prose, from_to, seconds};

/// Facts of question 4: SYN, SYN/ACK and ACK, each `null` where it is not in the capture.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Handshakes {
    /// Of the control connection; `null`: none of the three is in the capture.
    pub control_handshake: Option<[Option<u64>; 3]>,
    /// Of the data connection; `null`: none of the three is in the capture.
    pub data_handshake: Option<[Option<u64>; 3]>,
}

/// Facts of question 5, for the control connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Opening {
    /// The first segment.
    pub syn: Option<SynNumber>,
    /// The second.
    pub syn_ack: Option<SynAckNumbers>,
    /// The third.
    pub ack: Option<AckNumber>,
}

/// A SYN.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SynNumber {
    /// Packet number.
    pub packet: u64,
    /// The initiator's initial sequence number.
    pub raw_sequence: Option<u32>,
}

/// A SYN/ACK.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SynAckNumbers {
    /// Packet number.
    pub packet: u64,
    /// The responder's initial sequence number.
    pub raw_sequence: Option<u32>,
    /// The number that it expects next from the initiator.
    pub raw_acknowledgement: Option<u32>,
}

/// The ACK that completes a handshake.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AckNumber {
    /// Packet number.
    pub packet: u64,
    /// The number that it expects next from the responder.
    pub raw_acknowledgement: Option<u32>,
}

pub(super) fn packets(context: &Context<'_>) -> Answer {
    let control = &context.session.control;
    let control_handshake = three(&control.handshake);
    let data_handshake = context.data.and_then(|data| three(&data.handshake));
    let mut prose = Prose::default();
    prose.say(format!(
        "Control connection, {}: {}",
        from_to(control.initiator, control.responder),
        steps(control)
    ));
    match context.data {
        Some(data) => {
            let opener = context.data_party_name(crate::report::Side::Initiator);
            let opener = opener.filter(|_| data.handshake.syn.is_some());
            let by = opener.map(|opener| format!(", opened by the {opener}")).unwrap_or_default();
            prose.say(format!(
                "Data connection, {}{by}: {}",
                from_to(data.initiator, data.responder),
                steps(data)
            ));
        }
        None => prose.say(context.why_no_data()),
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let packets = [control_handshake, data_handshake].into_iter().flatten().flatten().flatten().collect();
    let facts = Facts::Handshakes(Handshakes { control_handshake, data_handshake });
    Answer::new(4, prose.finish(), facts, packets, "RFC 9293, section 3.5")
}

fn three(handshake: &Handshake) -> Option<[Option<u64>; 3]> {
    let three = [handshake.syn, handshake.syn_ack, handshake.ack];
    three.iter().any(Option::is_some).then_some(three)
}

fn steps(connection: &Connection) -> String {
    let handshake = &connection.handshake;
    let Some(three) = three(handshake) else {
        return "the capture begins after its handshake, so those three packets are not in it.".to_owned();
    };
    let step = |name: &str, packet: Option<u64>| match packet {
        Some(packet) => format!("{name} #{packet}"),
        None => format!("{name} not in the capture"),
    };
    let [syn, syn_ack, ack] = three;
    let steps = [step("SYN", syn), step("SYN/ACK", syn_ack), step("ACK", ack)].join(", ");
    match handshake.round_trip {
        Some(time) => format!("{steps}; SYN and SYN/ACK are {} apart.", seconds(time)),
        None => format!("{steps}."),
    }
}

pub(super) fn meaning(context: &Context<'_>) -> Answer {
    let handshake = &context.session.control.handshake;
    let opener = context.session.control_party(crate::report::Side::Initiator);
    let other = opener.other();
    let mut prose = Prose::default();
    prose.say(
        "The three segments let each end tell its initial sequence number and hear that the other has it.",
    );
    match (handshake.syn, handshake.syn_numbers) {
        (Some(packet), Some(numbers)) => prose.say(format!(
            "SYN (#{packet}): the {opener} asks for a connection and names its initial sequence number, {}.",
            numbers.raw_sequence
        )),
        _ => prose.say("The SYN is not in the capture, so the number that it named is unknown."),
    }
    match (handshake.syn_ack, handshake.syn_ack_numbers) {
        (Some(packet), Some(numbers)) => prose.say(format!(
            "SYN/ACK (#{packet}): the {other} agrees, {} and names its own, {}.",
            acknowledges(handshake.syn_numbers, numbers.raw_acknowledgement),
            numbers.raw_sequence
        )),
        _ => prose.say("The SYN/ACK is not in the capture."),
    }
    match (handshake.ack, handshake.ack_numbers) {
        (Some(packet), Some(numbers)) => prose.say(format!(
            "ACK (#{packet}): the {opener} {}; from here both ends count from agreed numbers and data may flow.",
            acknowledges(handshake.syn_ack_numbers, numbers.raw_acknowledgement)
        )),
        _ => prose.say("The ACK that completes the handshake is not in the capture."),
    }
    prose.say("A SYN counts as one sequence number, which is why each acknowledgment is the initial number plus one.");
    let facts = Opening {
        syn: handshake.syn.map(|packet| SynNumber {
            packet,
            raw_sequence: handshake.syn_numbers.map(|numbers| numbers.raw_sequence),
        }),
        syn_ack: handshake.syn_ack.map(|packet| SynAckNumbers {
            packet,
            raw_sequence: handshake.syn_ack_numbers.map(|numbers| numbers.raw_sequence),
            raw_acknowledgement: handshake.syn_ack_numbers.and_then(|numbers| numbers.raw_acknowledgement),
        }),
        ack: handshake.ack.map(|packet| AckNumber {
            packet,
            raw_acknowledgement: handshake.ack_numbers.and_then(|numbers| numbers.raw_acknowledgement),
        }),
    };
    let packets = [handshake.syn, handshake.syn_ack, handshake.ack].into_iter().flatten().collect();
    Answer::new(5, prose.finish(), Facts::Opening(facts), packets, "RFC 9293, sections 3.4.1 and 3.5")
}

/// "acknowledges it with 1000 + 1 = 1001", as far as the numbers say so.
fn acknowledges(of: Option<Numbers>, acknowledgement: Option<u32>) -> String {
    match (of, acknowledgement) {
        (_, None) => "acknowledges nothing".to_owned(),
        (Some(of), Some(number)) if of.raw_sequence.wrapping_add(1) == number => {
            let wraps = if number == 0 { " modulo 2^32" } else { "" };
            format!("acknowledges it with {} + 1 = {number}{wraps}", of.raw_sequence)
        }
        (_, Some(number)) => format!("acknowledges up to {number}"),
    }
}

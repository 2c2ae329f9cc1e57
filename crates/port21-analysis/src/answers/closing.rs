//! Questions 17 and 18: how the control connection is closed, and by whom.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::leaving::in_order;
use super::{Answer, Facts};
use crate::report::{ClosedBy, Closing, ConnectionState, Party, Side};
use crate::wording::{Prose, counted, list};

/// Facts of question 17.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ClosingSegments {
    /// FINs, RSTs and the first acknowledgment of each FIN, in order.
    pub packets: Vec<u64>,
    /// TCP flags of each.
    pub flags: Vec<Vec<String>>,
}

/// Facts of question 18.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Closer {
    /// "client", "server" or "both"; `null`: no FIN or RST is in the capture.
    pub closed_by: Option<String>,
    /// The first FIN.
    pub first_fin_packet: Option<u64>,
    /// Who sent the first RST.
    pub reset_by: Option<Party>,
    /// The first RST.
    pub reset_packet: Option<u64>,
}

/// Most segments that prose goes through one by one.
const TOLD_SEGMENTS: usize = 8;

const RULE: &str = "RFC 9293, sections 3.5.2 and 3.6";

pub(super) fn segments(context: &Context<'_>) -> Answer {
    let closing = &context.session.control.closing;
    let packets: Vec<u64> = closing.iter().map(|segment| segment.packet).collect();
    let mut prose = Prose::default();
    if closing.is_empty() {
        prose.say(no_closing());
    }
    for segment in closing.iter().take(TOLD_SEGMENTS) {
        prose.say(told(context, segment));
    }
    let rest = closing.len().saturating_sub(TOLD_SEGMENTS) as u64;
    if rest > 0 {
        prose.say(format!("{} more of the kind follow.", counted(rest, "segment")));
    }
    if context.session.control.state == ConnectionState::HalfClosed {
        prose.say("The other end's FIN is not in the capture.");
    }
    let facts = ClosingSegments {
        packets: packets.clone(),
        flags: closing.iter().map(|segment| in_order(segment.flags)).collect(),
    };
    Answer::new(17, prose.finish(), Facts::ClosingSegments(facts), packets, RULE)
}

/// One closing segment as a sentence.
fn told(context: &Context<'_>, segment: &Closing) -> String {
    let party = context.session.control_party(segment.from);
    let flags = list(&in_order(segment.flags));
    let says = if has(segment, "RST") {
        "ends the connection at once, nothing more will be sent or taken".to_owned()
    } else if has(segment, "FIN") {
        "will send no more".to_owned()
    } else {
        match segment.acknowledgement {
            Some(number) => format!("has everything before {number}, the other end's FIN included"),
            None => "acknowledges".to_owned(),
        }
    };
    format!("#{} from the {party}, {flags}: it {says}.", segment.packet)
}

pub(super) fn closer(context: &Context<'_>) -> Answer {
    let control = &context.session.control;
    let closed_by = control.closed_by.map(|by| match by {
        ClosedBy::Initiator => context.session.control_party(Side::Initiator).to_string(),
        ClosedBy::Responder => context.session.control_party(Side::Responder).to_string(),
        ClosedBy::Both => "both".to_owned(),
    });
    let fin = control.closing.iter().find(|segment| has(segment, "FIN"));
    let reset = control.closing.iter().find(|segment| has(segment, "RST"));
    let party = |segment: &Closing| context.session.control_party(segment.from);
    let mut prose = Prose::default();
    match (closed_by.as_deref(), fin, reset) {
        (Some("both"), Some(fin), _) => prose.say(format!(
            "Both at once: each sent its FIN before it had seen the other's; the first in the capture is #{}.",
            fin.packet
        )),
        (Some(by), Some(fin), None) => prose.say(format!("The {by}: its FIN, #{}, comes first.", fin.packet)),
        (Some(by), Some(fin), Some(reset)) if fin.packet <= reset.packet => {
            prose.say(format!("The {by} closes first, in order, with FIN in #{}.", fin.packet));
        }
        (Some(by), _, Some(reset)) => prose.say(format!(
            "The {by}, and not in order: it resets the connection with RST in #{}, without a FIN before it.",
            reset.packet
        )),
        (Some(by), None, None) => prose.say(format!("The {by}.")),
        (None, _, _) => prose.say(no_closing()),
    }
    if let (Some(fin), Some(reset)) =
        (fin, reset.filter(|reset| fin.is_some_and(|fin| fin.packet < reset.packet)))
    {
        prose.say(after_the_first_fin(context, fin, reset));
    } else if let Some(first) = fin.filter(|_| reset.is_none() && closed_by.as_deref() != Some("both")) {
        let second = control.closing.iter().find(|segment| has(segment, "FIN") && segment.from != first.from);
        match second {
            Some(second) => {
                prose.say(format!("The {} ends its half with FIN in #{}.", party(second), second.packet))
            }
            None => prose.say(format!("No FIN of the {} is in the capture.", party(first).other())),
        }
    }
    let facts = Closer {
        closed_by,
        first_fin_packet: fin.map(|segment| segment.packet),
        reset_by: reset.map(party),
        reset_packet: reset.map(|segment| segment.packet),
    };
    let packets = [fin, reset].into_iter().flatten().map(|segment| segment.packet).collect();
    Answer::new(18, prose.finish(), Facts::Closer(facts), packets, RULE)
}

/// What the reset means that comes after a FIN.
fn after_the_first_fin(context: &Context<'_>, fin: &Closing, reset: &Closing) -> String {
    let by = context.session.control_party(reset.from);
    let own_fin =
        context.session.control.closing.iter().any(|segment| {
            has(segment, "FIN") && segment.from == reset.from && segment.packet < reset.packet
        });
    if reset.from == fin.from {
        return format!(
            "The {by} sends a reset too, in #{}: it does not wait for the other end.",
            reset.packet
        );
    }
    if own_fin {
        return format!("The {by} sends its own FIN, and a reset in #{} after it.", reset.packet);
    }
    format!(
        "The {by} then ends its half with a reset in #{} instead of a FIN: it drops the connection without waiting for \
         anything more. No data is lost by that if all of it was acknowledged before.",
        reset.packet
    )
}

fn no_closing() -> &'static str {
    "Neither FIN nor RST of the control connection is in the capture: it was still open when last seen."
}

pub(super) fn has(segment: &Closing, flag: &str) -> bool {
    segment.flags.contains(&flag)
}

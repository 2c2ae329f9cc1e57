//! Question 25: two replies, one acknowledgment.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::Reply;
use crate::wording::{Prose, counted, list, packets as named, reply as spoken, seconds};

/// Facts of question 25: replies in several segments that one segment of the client acknowledges.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SharedAcknowledgement {
    /// First packets of the replies; empty: no two replies share one.
    pub replies: Vec<u64>,
    /// The packet that acknowledges them.
    pub acknowledged_by: Vec<u64>,
    /// Its relative acknowledgment number.
    pub acknowledgement: Option<u64>,
    /// "cumulative acknowledgement".
    pub reason: Option<String>,
}

/// Most replies whose own acknowledgment is told where none is shared.
const TOLD_REPLIES: usize = 4;

/// Seconds by which an acknowledgment may be delayed at most (RFC 9293, section 3.8.6.3).
const LONGEST_DELAY: f64 = 0.5;

const RULE: &str = "RFC 9293, sections 3.4 and 3.8.6.3; RFC 1122, section 4.2.3.2";

pub(super) fn shared(context: &Context<'_>) -> Answer {
    let replies = context.session.replies();
    let mut prose = Prose::default();
    let Some(group) = group(context, &replies) else {
        prose.say(not_shared(context, &replies));
        prose.say("An acknowledgment is cumulative: it covers everything before its number, so one could have covered several.");
        let packets = replies.iter().flat_map(|reply| [Some(reply.packet), reply.acknowledged_by]).flatten();
        let facts = SharedAcknowledgement {
            replies: Vec::new(),
            acknowledged_by: Vec::new(),
            acknowledgement: None,
            reason: None,
        };
        return Answer::new(25, prose.finish(), Facts::SharedAcknowledgement(facts), packets.collect(), RULE);
    };
    let numbers: Vec<u64> = group.iter().map(|reply| reply.packet).collect();
    let acknowledged_by: Vec<u64> =
        group.first().and_then(|reply| reply.acknowledged_by).into_iter().collect();
    let acknowledgement = group.last().and_then(|reply| reply.acknowledgement);
    prose.say(format!(
        "The replies in {} have one acknowledgment, {}.",
        named(&numbers),
        named(&acknowledged_by)
    ));
    for reply in &group {
        let bytes = reply.next_sequence.saturating_sub(reply.sequence);
        prose.say(format!(
            "{} is {} long, relative numbers {} to {}.",
            spoken(reply),
            counted(bytes, "byte"),
            reply.sequence,
            reply.next_sequence.saturating_sub(1)
        ));
    }
    if let Some(number) = acknowledgement {
        prose.say(format!(
            "An ACK does not name segments: its number, {number}, says that everything before {number} has arrived, so that \
             it covers them together."
        ));
    }
    prose.say(waiting(&group));
    prose.say("It has nothing to do with the data connection, whose numbers are its own.");
    let mut packets = numbers.clone();
    packets.extend(&acknowledged_by);
    let facts = SharedAcknowledgement {
        replies: numbers,
        acknowledged_by,
        acknowledgement,
        reason: Some("cumulative acknowledgement".to_owned()),
    };
    Answer::new(25, prose.finish(), Facts::SharedAcknowledgement(facts), packets, RULE)
}

/// Replies in more than one packet with the same acknowledging packet: those about the transfer first, else the first.
fn group<'a>(context: &Context<'_>, replies: &[&'a Reply]) -> Option<Vec<&'a Reply>> {
    let closing = context.transfer.and_then(|transfer| transfer.closing_reply).map(|reply| reply.packet);
    let groups = replies
        .chunk_by(|one, next| one.acknowledged_by.is_some() && one.acknowledged_by == next.acknowledged_by);
    let mut groups: Vec<&[&Reply]> = groups
        .filter(|group| group.first().map(|reply| reply.packet) != group.last().map(|reply| reply.packet))
        .collect();
    // Stable: without a group about the transfer the first remains the first.
    groups.sort_by_key(|group| !group.iter().any(|reply| Some(reply.packet) == closing));
    groups.first().map(|group| group.to_vec())
}

/// Why nothing was acknowledged between the first and the last reply of a group.
fn waiting(group: &[&Reply]) -> String {
    let times = group.first().zip(group.last()).map(|(first, last)| last.time - first.time);
    let apart = times.unwrap_or_default();
    let rule = "A receiver may wait a little before it acknowledges: less than half a second, and not longer than for two \
                full segments.";
    if apart < LONGEST_DELAY {
        format!(
            "{rule} Here the last of these replies comes {} after the first, within that time.",
            seconds(apart)
        )
    } else {
        format!(
            "{rule} Here the last of these replies comes {} after the first, so that an acknowledgment in between is missing \
             from the capture, or the client waited longer than it should.",
            seconds(apart)
        )
    }
}

fn not_shared(context: &Context<'_>, replies: &[&Reply]) -> String {
    let wanted = context.transfer.map(|transfer| [transfer.opening_reply, transfer.closing_reply]);
    let wanted: Vec<u64> = wanted.into_iter().flatten().flatten().map(|reply| reply.packet).collect();
    let about: Vec<&&Reply> = replies.iter().filter(|reply| wanted.contains(&reply.packet)).collect();
    let shown = if about.is_empty() { replies.iter().take(TOLD_REPLIES).collect() } else { about };
    let each: Vec<String> = shown
        .iter()
        .map(|reply| match reply.acknowledged_by {
            Some(packet) => format!("{} is acknowledged by #{packet}", spoken(reply)),
            None => format!("{} by no packet in the capture", spoken(reply)),
        })
        .collect();
    match (each.is_empty(), context.encrypted_because()) {
        (true, Some(because)) => format!("{because} Its replies cannot be told apart."),
        (true, None) => "The capture shows no reply.".to_owned(),
        (false, _) => format!(
            "In this session no two replies in packets of their own share an acknowledgment: {}.",
            list(&each)
        ),
    }
}

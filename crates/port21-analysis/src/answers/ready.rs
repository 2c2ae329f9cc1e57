//! Questions 6 and 7: the server says that it is ready.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::Reply;
use crate::wording::{Prose, quoted, reply};

/// Facts of question 6.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Ready {
    /// First packet of the 220 reply.
    pub packet: Option<u64>,
}

/// Facts of question 7.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReadyProof {
    /// Its code.
    pub code: Option<u16>,
    /// Its text; lines joined by line feeds.
    pub text: Option<String>,
}

/// Service ready for new user (RFC 959, section 5.4).
const READY: u16 = 220;

const RULE: &str = "RFC 959, sections 4.2 and 5.4";

pub(super) fn packet(context: &Context<'_>) -> Answer {
    let ready = ready_reply(context);
    let mut prose = Prose::default();
    match ready {
        Some(ready) => {
            prose.say(format!("#{}: the server says that it is ready for a new user.", ready.packet));
            let early = context.commands().filter_map(|(command, _)| command.packets.first()).min();
            match early.filter(|packet| **packet < ready.packet) {
                Some(packet) => prose.say(format!(
                    "A client has to wait for that; here its first command, #{packet}, comes before it."
                )),
                None => {
                    prose.say("It speaks first: a client has to wait for that before it sends a command.")
                }
            }
        }
        None => prose.say(why_not(context)),
    }
    let packets = ready.map(|ready| ready.packets.to_vec()).unwrap_or_default();
    Answer::new(
        6,
        prose.finish(),
        Facts::Ready(Ready { packet: ready.map(|ready| ready.packet) }),
        packets,
        RULE,
    )
}

pub(super) fn proof(context: &Context<'_>) -> Answer {
    let ready = ready_reply(context);
    let text = ready.map(|ready| ready.lines.join("\n"));
    let mut prose = Prose::default();
    match (ready, &text) {
        (Some(ready), Some(text)) => {
            let bytes = ready.next_sequence.saturating_sub(ready.sequence);
            let from = context.session.server.port;
            prose.say(format!(
                "It comes from the server's port {from} and begins with the code 220, \"service ready for new user\": the \
                 first digit 2 says that all is well, the second 2 that it is about connections."
            ));
            prose.say(format!("Its text is for people: {}.", quoted(text)));
            let first = if ready.sequence == 1 {
                ", and its relative sequence number is 1: the server's first bytes"
            } else {
                ""
            };
            prose.say(format!("The reply has {bytes} bytes{first}."));
        }
        _ => prose.say(why_not(context)),
    }
    let packets = ready.map(|ready| ready.packets.to_vec()).unwrap_or_default();
    let facts = ReadyProof { code: ready.and_then(|ready| ready.code), text };
    Answer::new(7, prose.finish(), Facts::ReadyProof(facts), packets, RULE)
}

/// The greeting if it is a 220, or the 220 that follows a "ready in n minutes" (120).
fn ready_reply<'a>(context: &Context<'a>) -> Option<&'a Reply> {
    let session = context.session;
    let unasked = session.exchanges.iter().filter(|exchange| exchange.command.is_none());
    session
        .greeting
        .iter()
        .chain(unasked.flat_map(|exchange| &exchange.replies))
        .find(|reply| reply.code == Some(READY))
}

fn why_not(context: &Context<'_>) -> String {
    match (&context.session.greeting, context.encrypted_because()) {
        (Some(greeting), _) => format!(
            "The server never says that it is ready: its first reply is {}, {}.",
            reply(greeting),
            quoted(&greeting.lines.join("\n"))
        ),
        (None, Some(because)) => format!("{because} The reply 220 is not readable."),
        (None, None) => "The reply 220 is not in the capture.".to_owned(),
    }
}

//! Question 21: the control stream as text.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Party, Reply};
use crate::wording::{Prose, command, counted, packets as named};

/// Facts of question 21.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Dialogue {
    /// Whether the stream, read as text, shows a password; `null`: parts of it are not in the capture, and what is shows
    /// none.
    pub shows_password: Option<bool>,
    /// Commands and replies in order.
    pub lines: Vec<Line>,
}

/// A command, or a reply with all its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// First packet that carries it.
    pub packet: u64,
    /// Who says it.
    pub from: Party,
    /// As sent, lines joined by line feeds; `<hidden>` for passwords.
    pub text: String,
}

pub(super) fn stream(context: &Context<'_>) -> Answer {
    let control = &context.session.control;
    let lines = lines(context);
    let passwords: Vec<u64> =
        context.session.logins.iter().filter_map(|login| login.password_packet).collect();
    let whole = control.handshake.syn.is_some() && control.quality.gaps.is_empty();
    let shows_password =
        if !passwords.is_empty() { Some(true) } else { (whole || context.is_encrypted()).then_some(false) };
    let from = |party| lines.iter().filter(|line| line.from == party).count() as u64;
    let mut prose = Prose::default();
    prose.say(format!(
        "TCP stream {} read as text is the dialogue: {} of the client's and {} of the server's.",
        control.stream,
        counted(from(Party::Client), "command"),
        counted(from(Party::Server), "reply")
    ));
    match shows_password {
        Some(true) => prose.say(format!("It shows the password, behind PASS in {}.", named(&passwords))),
        Some(false) => prose.say("It shows no password."),
        None => prose.say("What the capture holds of it shows no password; the rest cannot be told."),
    }
    if let Some(because) = context.encrypted_because() {
        prose.say(format!("{because} Those bytes are not text."));
    }
    let packets = lines.iter().map(|line| line.packet).collect();
    let facts = Facts::Dialogue(Dialogue { shows_password, lines });
    Answer::new(21, prose.finish(), facts, packets, "RFC 959, sections 4.2 and 5.3")
}

fn lines(context: &Context<'_>) -> Vec<Line> {
    let commands = context.commands().map(|(sent, _)| {
        let text = command(&sent.verb, sent.argument.as_deref());
        let packet = sent.packets.first().copied().unwrap_or_default();
        (packet, sent.sequence, Line { packet, from: Party::Client, text })
    });
    let replies = context.session.replies().into_iter().map(|reply| {
        let line = Line { packet: reply.packet, from: Party::Server, text: text_of(reply) };
        (reply.packet, reply.sequence, line)
    });
    let mut lines: Vec<(u64, u64, Line)> = commands.chain(replies).collect();
    lines.sort_by_key(|(packet, sequence, _)| (*packet, *sequence));
    lines.into_iter().map(|(_, _, line)| line).collect()
}

/// A reply as it reads: "220 ready", "211-Features\nUTF8\n211 End" (RFC 959, section 4.2).
fn text_of(reply: &Reply) -> String {
    let Some(code) = reply.code else { return reply.lines.join("\n") };
    match reply.lines.as_slice() {
        [] => format!("{code:03}"),
        [only] => format!("{code:03} {only}"),
        [first, middle @ .., last] => {
            let mut text = format!("{code:03}-{first}\n");
            for line in middle {
                text.push_str(line);
                text.push('\n');
            }
            text.push_str(&format!("{code:03} {last}"));
            text
        }
    }
}

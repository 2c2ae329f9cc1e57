//! Questions 14 to 16: the client ends the session, and the server's answer.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Command, Exchange};
use crate::wording::{Prose, list, quoted, reply as spoken};

/// Facts of question 14.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Leaving {
    /// Packet that completes the command.
    pub packet: Option<u64>,
    /// The command.
    pub verb: Option<String>,
}

/// Facts of question 15.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LeavingFlags {
    /// TCP flags of that packet, by name.
    pub flags: Option<Vec<String>>,
}

/// Facts of question 16.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LeavingAnswer {
    /// First packet of the reply.
    pub packet: Option<u64>,
    /// Its code.
    pub code: Option<u16>,
}

pub(super) fn command(context: &Context<'_>) -> Answer {
    let quit = quit(context).map(|(command, _)| command);
    let packet = quit.and_then(packet_of);
    let mut prose = Prose::default();
    match packet {
        Some(packet) => prose.say(format!(
            "#{packet}: the client sends QUIT. It means that no further command will come; a transfer that still runs may \
             finish, then the server closes the control connection."
        )),
        None => prose.say(why_no_quit(context)),
    }
    let facts = Leaving { packet, verb: quit.map(|command| command.verb.to_string()) };
    let packets = quit.map(|command| command.packets.to_vec()).unwrap_or_default();
    Answer::new(14, prose.finish(), Facts::Leaving(facts), packets, "RFC 959, section 4.1.1")
}

pub(super) fn flags(context: &Context<'_>) -> Answer {
    let quit = quit(context).map(|(command, _)| command);
    let flags = quit.map(|command| in_order(command.flags));
    let mut prose = Prose::default();
    match (quit.and_then(packet_of), &flags) {
        (Some(packet), Some(flags)) => {
            prose.say(format!("#{packet} has {} set.", list(flags)));
            for flag in flags {
                prose.say(meaning(flag));
            }
        }
        _ => prose.say(why_no_quit(context)),
    }
    let packets = quit.map(|command| command.packets.to_vec()).unwrap_or_default();
    let rule = "RFC 9293, sections 3.1 and 3.9.1";
    Answer::new(15, prose.finish(), Facts::LeavingFlags(LeavingFlags { flags }), packets, rule)
}

pub(super) fn reply(context: &Context<'_>) -> Answer {
    let quit = quit(context);
    let answer = quit.and_then(|(_, exchange)| exchange.replies.last());
    let mut prose = Prose::default();
    match (quit, answer) {
        (Some(_), Some(answer)) => {
            prose.say(format!(
                "The server answers {}: {}.",
                spoken(answer),
                quoted(&answer.lines.join("\n"))
            ));
            if answer.code == Some(221) {
                prose.say("221 says that it closes the control connection.");
            }
        }
        (Some(_), None) => prose.say("No reply to QUIT is in the capture."),
        (None, _) => prose.say(why_no_quit(context)),
    }
    let facts = LeavingAnswer {
        packet: answer.map(|answer| answer.packet),
        code: answer.and_then(|answer| answer.code),
    };
    let packets = answer.map(|answer| answer.packets.to_vec()).unwrap_or_default();
    Answer::new(16, prose.finish(), Facts::LeavingAnswer(facts), packets, "RFC 959, sections 4.2 and 5.4")
}

/// The last QUIT: an earlier one did not end the session.
fn quit<'a>(context: &Context<'a>) -> Option<(&'a Command, &'a Exchange)> {
    context.commands().filter(|(command, _)| command.verb == "QUIT").last()
}

fn packet_of(command: &Command) -> Option<u64> {
    command.packets.last().copied()
}

fn why_no_quit(context: &Context<'_>) -> String {
    match (context.encrypted_because(), context.session.control.closing.first()) {
        (Some(because), _) => format!("{because} Whether the client sent QUIT cannot be read."),
        (None, Some(segment)) => format!(
            "The capture shows no QUIT: the control connection is simply closed, beginning with #{}.",
            segment.packet
        ),
        (None, None) => {
            "The capture shows no QUIT, and ends before the control connection is closed.".to_owned()
        }
    }
}

/// Flags in the order in which they are usually written, whatever order they come in.
pub(super) fn in_order(flags: &[&str]) -> Vec<String> {
    const ORDER: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
    let mut flags = flags.to_vec();
    flags.sort_by_key(|flag| ORDER.iter().position(|known| known == flag).unwrap_or(ORDER.len()));
    flags.into_iter().map(str::to_owned).collect()
}

fn meaning(flag: &str) -> &'static str {
    match flag {
        "FIN" => "FIN: the client will send no more data.",
        "SYN" => "SYN: it opens a connection.",
        "RST" => "RST: it ends the connection at once.",
        "PSH" => {
            "PSH: the sender has no more to add for now, so the receiver should hand the bytes to its program at once."
        }
        "ACK" => "ACK: the acknowledgment number counts, as in every segment but the first SYN.",
        "URG" => "URG: the urgent pointer counts.",
        _ => "The others concern congestion notification (RFC 3168).",
    }
}

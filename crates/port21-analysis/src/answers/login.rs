//! Questions 8 to 10: the login, the password, and what follows for security.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Command, Login, Outcome};
use crate::wording::{Prose, command, counted, list, packets as named, reply};

/// Facts of question 8.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LoginPackets {
    /// Commands and replies of the login, in order.
    pub packets: Vec<u64>,
    /// Packets that carry the user name.
    pub user_packets: Vec<u64>,
    /// Whether the name went in one packet, instead of letter by letter.
    pub sent_at_once: Option<bool>,
    /// The user name.
    pub user: Option<String>,
}

/// Facts of question 9.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Password {
    /// Whether the password can be read in the capture; `null`: the capture shows none being sent.
    pub visible: Option<bool>,
    /// The password; `<hidden>` where it can be read and is not a guest's.
    pub password: Option<String>,
    /// Packet that carries it.
    pub packet: Option<u64>,
}

/// Facts of question 10.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Exposure {
    /// What crossed the wire readable: "user", "password", "commands", "data".
    pub cleartext: Vec<String>,
}

pub(super) fn packets(context: &Context<'_>) -> Answer {
    let mut prose = Prose::default();
    let Some(login) = context.login else {
        prose.say(context.encrypted_because().unwrap_or_else(|| "The capture shows no login.".to_owned()));
        if context.is_encrypted() {
            prose.say("Whatever login followed is not readable.");
        }
        let facts =
            LoginPackets { packets: Vec::new(), user_packets: Vec::new(), sent_at_once: None, user: None };
        return Answer::new(8, prose.finish(), Facts::LoginPackets(facts), Vec::new(), RULE_LOGIN);
    };
    let steps = steps(context, login);
    let user_command = command_of(context, login.user_packet);
    let user_packets = match user_command {
        Some(command) => command.packets.to_vec(),
        None => login.user_packet.into_iter().collect(),
    };
    let sent_at_once = (!user_packets.is_empty()).then_some(user_packets.len() == 1);
    let told: Vec<String> = steps.iter().map(|step| step.text.clone()).collect();
    prose.say(format!("{}.", told.join(", ")));
    match (sent_at_once, user_command) {
        (Some(true), Some(user)) => prose.say(format!(
            "The name is sent at once: the whole line, {} with its CR LF, lies in {}. FTP takes commands as lines, so the \
             client sends when the line is complete, unlike a Telnet terminal, which sends each letter as it is typed.",
            counted(user.next_sequence.saturating_sub(user.sequence), "byte"),
            named(&user_packets)
        )),
        (Some(true), None) => prose.say(format!("The name lies in one packet, {}.", named(&user_packets))),
        (Some(false), _) => prose.say(format!(
            "The line with the name is spread over {}: {}. For FTP that makes no difference: a command ends with CR LF, \
             not with a packet.",
            counted(user_packets.len() as u64, "packet"),
            named(&user_packets)
        )),
        (None, _) => prose.say("The packet with the user name is not in the capture."),
    }
    prose.say(match login.outcome {
        Outcome::Accepted => "The login was accepted.",
        Outcome::Rejected => "The login was rejected.",
        Outcome::Unknown => "The reply that decides is not in the capture.",
    });
    let others = context.session.logins.len().saturating_sub(1) as u64;
    if others > 0 {
        prose.say(format!("The session holds {} more.", counted(others, "login attempt")));
    }
    let all: Vec<u64> = steps.into_iter().flat_map(|step| step.packets).collect();
    let facts = LoginPackets { packets: all.clone(), user_packets, sent_at_once, user: login.user.clone() };
    Answer::new(8, prose.finish(), Facts::LoginPackets(facts), all, RULE_LOGIN)
}

/// What stands in a report for a password that is not to be shown.
const HIDDEN: &str = "<hidden>";

const RULE_LOGIN: &str = "RFC 959, sections 4.1.1, 5.3 and 5.4";

/// A command or reply of a login.
struct Step {
    packets: Vec<u64>,
    text: String,
}

/// USER, PASS and ACCT with their replies, up to the reply that decided.
fn steps(context: &Context<'_>, login: &Login) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut said = Vec::new();
    for packet in [login.user_packet, login.password_packet, login.reply_packet].into_iter().flatten() {
        let exchange = context.exchange_in(packet).or_else(|| {
            let mut exchanges = context.session.exchanges.iter();
            exchanges.find(|exchange| exchange.replies.iter().any(|reply| reply.packets.contains(&packet)))
        });
        let Some(exchange) = exchange else {
            if !said.contains(&packet) {
                steps.push(Step { packets: vec![packet], text: format!("#{packet}") });
            }
            continue;
        };
        if let Some(sent) = &exchange.command
            && !said.contains(&sent.packets.first().copied().unwrap_or_default())
        {
            said.extend(&sent.packets);
            let text = format!("{} {}", command(&sent.verb, sent.argument.as_deref()), named(&sent.packets));
            steps.push(Step { packets: sent.packets.to_vec(), text });
        }
        for answer in exchange.replies.iter().filter(|answer| answer.code.is_some_and(|code| code >= 200)) {
            if !said.contains(&answer.packet) {
                said.extend(&answer.packets);
                steps.push(Step {
                    packets: answer.packets.to_vec(),
                    text: format!("answered by {}", reply(answer)),
                });
            }
        }
    }
    steps
}

fn command_of<'a>(context: &Context<'a>, packet: Option<u64>) -> Option<&'a Command> {
    context.exchange_in(packet?)?.command.as_ref()
}

pub(super) fn password(context: &Context<'_>) -> Answer {
    let seen = |login: &&Login| login.password_packet.is_some();
    let login = context.login.filter(seen).or_else(|| context.session.logins.iter().find(seen));
    let packet = login.and_then(|login| login.password_packet);
    let mut prose = Prose::default();
    let visible = match (login, packet) {
        (Some(login), Some(packet)) => {
            let user = login.user.as_deref().unwrap_or("(unknown)");
            prose.say(format!("Yes: #{packet} carries it as plain text behind PASS, for user {user}."));
            match login.password.as_deref() {
                Some(password) if login.guest => prose.say(format!(
                    "It is \"{password}\"; for a guest login any text will do, by custom an e-mail address."
                )),
                Some(password) if password != HIDDEN => prose.say(format!("It is \"{password}\".")),
                _ => prose.say(
                    "Anyone who sees the packets can read it; this answer hides it unless asked to show it.",
                ),
            }
            Some(true)
        }
        _ if context.is_encrypted() => {
            prose.say(context.encrypted_because().unwrap_or_default());
            prose.say("A password sent after that cannot be read in the capture.");
            Some(false)
        }
        _ => {
            prose.say("The capture shows no PASS command, so it does not tell whether there was a password.");
            None
        }
    };
    let facts = Password { visible, password: login.and_then(|login| login.password.clone()), packet };
    let rule = "RFC 959, section 4.1.1; RFC 2577, section 5";
    Answer::new(9, prose.finish(), Facts::Password(facts), packet.into_iter().collect(), rule)
}

pub(super) fn exposure(context: &Context<'_>) -> Answer {
    let session = context.session;
    let user = session.logins.iter().find_map(|login| login.user_packet);
    let password = session.logins.iter().find_map(|login| login.password_packet);
    // AUTH itself has to be readable; it gives nothing away.
    let commands = context.commands().map(|(command, _)| command).find(|command| command.verb != "AUTH");
    let commands = commands.and_then(|command| command.packets.first().copied());
    let bare = |transfer: &&crate::report::Transfer| !transfer.protected && transfer.bytes > 0;
    let data = session.transfers.iter().find(bare).and_then(|transfer| transfer.data_packets.first);
    let exposed: Vec<(&str, u64)> =
        [("user", user), ("password", password), ("commands", commands), ("data", data)]
            .into_iter()
            .filter_map(|(what, packet)| Some((what, packet?)))
            .collect();
    let mut prose = Prose::default();
    if exposed.is_empty() {
        prose.say(
            "Nothing of this session can be read in the capture but what was said before the encryption.",
        );
    } else {
        let named: Vec<String> =
            exposed.iter().map(|(what, packet)| format!("{what} (from #{packet})")).collect();
        prose.say(format!(
            "FTP itself encrypts nothing. In this session these can be read by anyone on the path: {}.",
            list(&named)
        ));
        prose.say(
            "Nothing proves who sent them either: who can change packets can change commands and files.",
        );
    }
    match context.encrypted_because() {
        Some(because) => prose.say(format!("{because} What follows is hidden, except for data sent without PROT P.")),
        None => prose.say("What must stay secret needs FTP over TLS (AUTH TLS, with PROT P for the data) or another protocol."),
    }
    let packets = exposed.iter().map(|(_, packet)| *packet).collect();
    let cleartext = exposed.iter().map(|(what, _)| (*what).to_owned()).collect();
    let rule = "RFC 2577, sections 5 and 6; RFC 4217, section 4";
    Answer::new(10, prose.finish(), Facts::Exposure(Exposure { cleartext }), packets, rule)
}

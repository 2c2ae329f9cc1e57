//! Questions 23 and 24: who opens the data connection, and how the other end learns where to connect.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Mode, Party, Setup, Side};
use crate::wording::{Prose, from_to, quoted};

/// Facts of question 23.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Opener {
    /// "client" or "server".
    pub initiator: Option<Party>,
    /// How the connection was arranged.
    pub mode: Option<Mode>,
}

/// Facts of question 24.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Arrangement {
    /// Packet that tells address and port: of the command for PORT and EPRT, of the reply for PASV and EPSV.
    pub packet: Option<u64>,
    /// The command; "default" where none was needed.
    pub verb: Option<String>,
    /// Announced address.
    pub address: Option<IpAddr>,
    /// Announced port.
    pub port: Option<u16>,
    /// How the port follows from the text.
    pub arithmetic: Option<String>,
}

pub(super) fn opener(context: &Context<'_>) -> Answer {
    let mode = context.transfer.and_then(|transfer| transfer.mode);
    let seen = context.data.filter(|data| data.handshake.syn.is_some());
    let sender = seen.and(context.data_side_of_server).map(|server| match server {
        Side::Initiator => Party::Server,
        Side::Responder if context.between_servers() => Party::Server,
        Side::Responder => Party::Client,
    });
    let initiator = sender.or(context.opener_by_mode());
    let mut prose = Prose::default();
    match (seen, context.data_party_name(Side::Initiator)) {
        (Some(data), Some(opener)) => prose.say(format!(
            "The {opener} opens it: SYN #{} goes from {}.",
            data.handshake.syn.unwrap_or_default(),
            from_to(data.initiator, data.responder)
        )),
        _ => {
            prose.say(match context.data {
                Some(data) => match data.handshake.syn {
                    None => "The SYN of the data connection is not in the capture.".to_owned(),
                    Some(syn) => {
                        format!("{} opens it with SYN #{syn}. {}", data.initiator, context.why_no_data())
                    }
                },
                None => context.why_no_data(),
            });
            if let Some(party) = initiator {
                prose.say(format!("By its arrangement it is the {party} that opens it."));
            }
        }
    }
    match mode {
        Some(Mode::Active | Mode::ExtendedActive) => prose.say(
            "That is active mode: the client listens and says where, and the server connects. A firewall or address \
             translation at the client may not let that connection in, which is why passive mode is used more today.",
        ),
        Some(Mode::Passive | Mode::ExtendedPassive) => prose.say(
            "That is passive mode: the server listens and says where, and the client connects, as it did for the control \
             connection; firewalls on its side let that out.",
        ),
        None if context.transfer.is_some() => prose.say("How it was arranged is not in the capture."),
        None => {}
    }
    let mut packets: Vec<u64> = seen.and_then(|data| data.handshake.syn).into_iter().collect();
    packets.extend(setup(context).and_then(|setup| setup.command_packet));
    let facts = Facts::Opener(Opener { initiator, mode });
    Answer::new(23, prose.finish(), facts, packets, "RFC 959, sections 3.2 and 4.1.2; RFC 1579")
}

pub(super) fn announcement(context: &Context<'_>) -> Answer {
    let Some(setup) = setup(context) else {
        let because = match (context.transfer, context.encrypted_because()) {
            (None, _) => context.why_no_data(),
            (Some(_), Some(because)) => format!("{because} The announcement cannot be read."),
            (Some(_), None) => "The announcement is not in the capture.".to_owned(),
        };
        let facts = Arrangement { packet: None, verb: None, address: None, port: None, arithmetic: None };
        return Answer::new(24, because, Facts::Arrangement(facts), Vec::new(), "RFC 959, section 4.1.2");
    };
    let packet = if context.is_passive() { setup.reply_packet } else { setup.command_packet };
    let mut prose = Prose::default();
    prose.say(told(context, setup));
    if let Some(text) = &setup.text {
        prose.say(format!("As sent: {}.", quoted(text)));
    }
    match (&setup.arithmetic, setup.port) {
        (Some(arithmetic), _) => prose
            .say(format!("The port is sent as two numbers of eight bits, the high one first: {arithmetic}.")),
        (None, Some(port)) if setup.verb.starts_with('E') || setup.verb.starts_with('S') => {
            prose.say(format!("The port, {port}, is written in full, so there is nothing to compute."));
        }
        _ => {}
    }
    if let Some((other, server)) = context.data_peer().zip(context.data_server()) {
        let listener = if context.is_passive() { server } else { other };
        if setup.address.is_some_and(|address| address != listener.address) {
            prose.say(format!("The connection in the capture goes to {listener} instead: the address was changed on the way."));
        }
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let packets = [setup.command_packet, setup.reply_packet].into_iter().flatten().collect();
    let facts = Arrangement {
        packet,
        verb: Some(setup.verb.clone()),
        address: setup.address,
        port: setup.port,
        arithmetic: setup.arithmetic.clone(),
    };
    Answer::new(24, prose.finish(), Facts::Arrangement(facts), packets, rule(&setup.verb))
}

fn setup<'a>(context: &Context<'a>) -> Option<&'a Setup> {
    context.transfer?.setup.as_ref()
}

fn told(context: &Context<'_>, setup: &Setup) -> String {
    let verb = &setup.verb;
    let place = match (setup.address, setup.port) {
        (Some(address), Some(port)) => crate::report::Endpoint { address, port }.to_string(),
        (None, Some(port)) => format!("port {port}"),
        _ => "a place that cannot be read".to_owned(),
    };
    if verb == "default" {
        return format!(
            "Nothing was announced: by default the server connects to the client's own port, {place}."
        );
    }
    let asked = setup.command_packet.map(|packet| format!(" in #{packet}")).unwrap_or_default();
    if !context.is_passive() {
        return format!("The client tells the server with {verb}{asked}: it listens on {place}.");
    }
    match setup.reply_packet {
        Some(packet) => {
            let same = if matches!(verb.as_str(), "EPSV" | "SPSV") {
                " The address is that of the control connection; only the port is announced."
            } else {
                ""
            };
            format!(
                "The client asks with {verb}{asked}, and the server's reply in #{packet} tells that it listens on {place}.{same}"
            )
        }
        None => {
            format!("The client asks with {verb}{asked}; the reply that tells where is not in the capture.")
        }
    }
}

fn rule(verb: &str) -> &'static str {
    match verb {
        "EPRT" => "RFC 2428, section 2",
        "EPSV" => "RFC 2428, section 3",
        "LPRT" | "LPSV" => "RFC 1639, section 3",
        "default" => "RFC 959, section 3.2",
        _ => "RFC 959, section 4.1.2",
    }
}

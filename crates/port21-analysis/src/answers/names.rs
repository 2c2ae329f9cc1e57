//! Questions 1 to 3: the server's name, and the ports of both.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Mode, NameSource};
use crate::wording::Prose;

/// Facts of question 1.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ServerName {
    /// The server's name, where the capture tells.
    pub server_name: Option<String>,
    /// Its address.
    pub server_address: IpAddr,
    /// The packets that show the name: question and answer of DNS, the greeting, or the TLS ClientHello.
    pub name_packets: Vec<u64>,
}

/// Facts of questions 2 and 3.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Ports {
    /// The party's port of the control connection.
    pub control_port: u16,
    /// Its port of the data connection.
    pub data_port: Option<u16>,
}

pub(super) fn server_name(context: &Context<'_>) -> Answer {
    let server = &context.session.server;
    let control = &context.session.control;
    let packets: Vec<u64> = [server.name_query_packet, server.name_packet].into_iter().flatten().collect();
    let mut prose = Prose::default();
    let told = server.name.as_ref().zip(server.name_source).zip(server.name_packet);
    let rule = match told {
        Some(((name, NameSource::Dns), answer)) => {
            let asked = server
                .name_query_packet
                .map(|query| format!("#{query} asks DNS for the address of {name}, and "));
            let asked = asked.unwrap_or_default();
            prose.say(format!("The server is {name}: {asked}#{answer} answers {}.", server.address));
            prose.say(format!(
                "That is the address to which the control connection goes from #{} on.",
                control.first_packet
            ));
            "RFC 1035, section 4.1"
        }
        Some(((name, NameSource::Greeting), greeting)) => {
            prose.say(format!(
                "The server at {} calls itself {name} in its greeting, #{greeting}.",
                server.address
            ));
            prose.say("That is its own word: the capture holds no DNS answer that confirms it.");
            "RFC 959, section 5.4"
        }
        Some(((name, NameSource::TlsServerName), hello)) => {
            prose.say(format!(
                "The client asks for {name} in the server name indication of its TLS ClientHello, #{hello}; the server's \
                 address is {}.",
                server.address
            ));
            prose.say("The capture holds no DNS answer for it.");
            "RFC 6066, section 3"
        }
        None => {
            prose.say(format!(
                "The server's address is {}, as every packet of the control connection from #{} on shows.",
                server.address, control.first_packet
            ));
            prose.say("The capture does not tell its name: it holds no DNS answer for this address, and the server does not name itself.");
            if server.address.is_ipv4() { "RFC 791, section 3.1" } else { "RFC 8200, section 3" }
        }
    };
    let evidence = if packets.is_empty() { vec![control.first_packet] } else { packets.clone() };
    let facts = ServerName {
        server_name: server.name.clone(),
        server_address: server.address,
        name_packets: packets,
    };
    Answer::new(1, prose.finish(), Facts::ServerName(facts), evidence, rule)
}

pub(super) fn server_ports(context: &Context<'_>) -> Answer {
    let control_port = context.session.server.port;
    let announced = context.transfer.and_then(|transfer| transfer.setup.as_ref());
    let listens = announced.filter(|_| context.is_passive()).and_then(|setup| setup.port);
    let data_port = context.data_server().map(|end| end.port).or(listens);
    let mut prose = Prose::default();
    prose.say(format!(
        "Port {control_port} is the control connection: the server listens there, takes commands and sends replies, for \
         the whole session."
    ));
    if control_port != 21 {
        prose.say("The well-known port for that is 21; this server listens elsewhere.");
    }
    match (data_port, context.data_server()) {
        (None, _) => prose.say(format!("Its port for data cannot be told. {}", context.why_no_data())),
        (Some(port), None) => {
            prose.say(format!("For data it announced port {port}."));
            prose.say(context.why_no_data());
        }
        (Some(port), Some(_)) => {
            prose.say(format!("Port {port} is the server's end of the data connection, which carries the listing or file and nothing else."));
            prose.say(why_that_server_port(context, port));
        }
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let mut packets = vec![context.session.control.first_packet];
    packets.extend(announced.filter(|_| context.is_passive()).and_then(|setup| setup.reply_packet));
    packets.extend(context.data.map(|data| data.first_packet));
    let facts = Facts::Ports(Ports { control_port, data_port });
    let rule = match context.transfer.and_then(|transfer| transfer.mode) {
        Some(Mode::ExtendedPassive) => "RFC 2428, section 3; RFC 959, section 5.2",
        Some(Mode::Passive) => "RFC 959, sections 4.1.2 and 5.2",
        _ => "RFC 959, sections 3.2 and 5.2",
    };
    Answer::new(2, prose.finish(), facts, packets, rule)
}

fn why_that_server_port(context: &Context<'_>, port: u16) -> String {
    let control_port = context.session.server.port;
    let below = control_port.checked_sub(1);
    match context.transfer.and_then(|transfer| transfer.mode) {
        Some(Mode::Active | Mode::ExtendedActive) if below == Some(port) => {
            format!("It is the default data port, one below the control port: {control_port} - 1 = {port}.")
        }
        Some(Mode::Active | Mode::ExtendedActive) => format!(
            "The default would be one below the control port, {}; this server connects from another one, as servers \
             without the privilege for low ports do.",
            below.unwrap_or_default()
        ),
        Some(Mode::Passive | Mode::ExtendedPassive) => {
            "In passive mode the server picks a free port, listens on it and announces it.".to_owned()
        }
        None => "How it was arranged is not in the capture.".to_owned(),
    }
}

pub(super) fn client_ports(context: &Context<'_>) -> Answer {
    let control_port = context.session.client.port;
    let announced = context.transfer.and_then(|transfer| transfer.setup.as_ref());
    let between_servers = context.between_servers();
    let listens = announced
        .filter(|_| !context.is_passive() && !between_servers)
        .filter(|setup| setup.address == Some(context.session.client.address))
        .and_then(|setup| setup.port);
    let connected = context.data_peer().filter(|_| !between_servers).map(|end| end.port);
    let data_port = connected.or(listens);
    let mut prose = Prose::default();
    prose.say(format!(
        "Port {control_port} is the client's end of the control connection: a port that its system picked for this one \
         connection."
    ));
    match (data_port, connected) {
        (None, _) if between_servers => prose.say("It has no port for data: the data goes from one server to the other."),
        (None, _) => prose.say(format!("Its port for data cannot be told. {}", context.why_no_data())),
        (Some(port), None) => {
            prose.say(format!("For data it announced port {port}. {}", context.why_no_data()));
        }
        (Some(port), Some(_)) if context.is_passive() => prose.say(format!(
            "Port {port} is its end of the data connection, which it opened itself; its system picked that port too."
        )),
        (Some(port), Some(_)) => {
            let command = announced.and_then(|setup| Some((&setup.verb, setup.command_packet?)));
            let told = command.map(|(verb, packet)| format!(", announced with {verb} in #{packet}")).unwrap_or_default();
            prose.say(format!("Port {port} is its end of the data connection{told}."));
        }
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let mut packets = vec![context.session.control.first_packet];
    packets.extend(announced.filter(|_| !context.is_passive()).and_then(|setup| setup.command_packet));
    packets.extend(context.data.map(|data| data.first_packet));
    let facts = Facts::Ports(Ports { control_port, data_port });
    Answer::new(3, prose.finish(), facts, packets, "RFC 959, section 3.2; RFC 6056, section 2.1")
}

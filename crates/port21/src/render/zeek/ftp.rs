//! `ftp.log`: the commands that Zeek logs unless told otherwise, each with the last reply to it.

use std::net::IpAddr;

use ftp_protocol::{address, path};
use port21_analysis::report::{Command, Exchange, Login, Reply, Session, Transfer};

use super::identifier;
use super::value::Value;
use crate::render::clock::Clock;

/// Names and types of the columns.
pub const COLUMNS: &[(&str, &str)] = &[
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("user", "string"),
    ("password", "string"),
    ("command", "string"),
    ("arg", "string"),
    ("mime_type", "string"),
    ("file_size", "count"),
    ("reply_code", "count"),
    ("reply_msg", "string"),
    ("data_channel.passive", "bool"),
    ("data_channel.orig_h", "addr"),
    ("data_channel.resp_h", "addr"),
    ("data_channel.resp_p", "port"),
    ("fuid", "string"),
    ("community_id", "string"),
];

const LOGGED: [&str; 10] = ["APPE", "DELE", "RETR", "STOR", "STOU", "ACCT", "PORT", "PASV", "EPRT", "EPSV"];

/// Commands whose argument is a path, of those that can be logged.
const WITH_PATH: [&str; 12] =
    ["APPE", "CWD", "DELE", "MKD", "RETR", "RMD", "RNFR", "RNTO", "STOR", "STOU", "SIZE", "MDTM"];

/// The lines of one session. One that does nothing worth a line gets one for its last command, so that logins do not go
/// unseen.
pub fn rows(session: &Session, clock: Clock) -> Vec<Vec<Value>> {
    let mut directory = Directory::default();
    let mut rows = Vec::new();
    let mut last = None;
    for exchange in &session.exchanges {
        let Some(command) = &exchange.command else { continue };
        let line = row(session, exchange, command, &directory, clock);
        directory.follow(exchange, command);
        if LOGGED.contains(&command.verb.as_ref()) {
            rows.push(line);
        } else {
            last = Some(line);
        }
    }
    if rows.is_empty() {
        rows.extend(last);
    }
    rows
}

fn row(
    session: &Session,
    exchange: &Exchange,
    command: &Command,
    directory: &Directory,
    clock: Clock,
) -> Vec<Value> {
    let login = login_at(session, command);
    let transfer = transfer_of(session, command);
    let reply = exchange.replies.last();
    let channel = channel(session, exchange, command);
    vec![
        Value::Time(clock.at(command.time)),
        Value::Text(identifier::connection(&session.control)),
        Value::Address(session.client.address),
        Value::Count(session.client.port.into()),
        Value::Address(session.server.address),
        Value::Count(session.server.port.into()),
        login.map_or(Value::Text("<unknown>".into()), |login| {
            Value::wire(login.user.as_deref().or(Some("<unknown>")), login.user_bytes.as_deref())
        }),
        Value::text(login.and_then(|login| password_at(login, command))),
        Value::Text(command.verb.to_string()),
        argument(session, command, directory),
        Value::Unset,
        Value::count(transfer.and_then(|transfer| transfer.expected_bytes)),
        Value::count(reply.and_then(|reply| reply.code).map(u64::from)),
        reply.map_or(Value::Unset, message),
        channel.map_or(Value::Unset, |channel| Value::Flag(channel.passive)),
        channel.map_or(Value::Unset, |channel| Value::Address(channel.initiator)),
        channel.map_or(Value::Unset, |channel| Value::Address(channel.responder)),
        Value::count(channel.map(|channel| channel.port.into())),
        Value::text(transfer.and_then(super::files::identifier).as_deref()),
        Value::Text(session.control.community_id.clone()),
    ]
}

fn packet(command: &Command) -> u64 {
    command.packets.last().copied().unwrap_or(0)
}

/// The login in force when `command` was sent, its own USER included.
fn login_at<'a>(session: &'a Session, command: &Command) -> Option<&'a Login> {
    let sent =
        |login: &&Login| login.user_packet.or(login.password_packet).is_none_or(|at| at <= packet(command));
    session.logins.iter().rfind(sent)
}

fn password_at<'a>(login: &'a Login, command: &Command) -> Option<&'a str> {
    login.password.as_deref().filter(|_| login.password_packet.is_none_or(|at| at <= packet(command)))
}

fn transfer_of<'a>(session: &'a Session, command: &Command) -> Option<&'a Transfer> {
    session.transfers.iter().find(|transfer| {
        transfer.command_packet.is_some_and(|at| command.packets.contains(&at))
            && transfer.verb.as_deref() == Some(command.verb.as_ref())
            && transfer.argument == command.argument
    })
}

/// The text of the last line.
fn message(reply: &Reply) -> Value {
    let bytes = reply.lines_bytes.as_ref().and_then(|lines| lines.last());
    Value::wire(reply.lines.last().map(|line| line.as_str()), bytes.map(String::as_str))
}

/// The argument; of a path the URL, as far as the working directory is known.
fn argument(session: &Session, command: &Command, directory: &Directory) -> Value {
    if !WITH_PATH.contains(&command.verb.as_ref()) {
        let wire = Value::wire(command.argument.as_deref(), command.argument_bytes.as_deref());
        return match wire {
            Value::Text(text) if text.is_empty() => Value::Unset,
            other => other,
        };
    }
    let host = match session.server.address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    };
    let argument = match Value::wire(command.argument.as_deref(), command.argument_bytes.as_deref()) {
        Value::Bytes(bytes) => bytes,
        Value::Text(text) => text.into_bytes(),
        _ => Vec::new(),
    };
    let path = path::resolve(directory.known.as_deref(), &argument);
    let mut url = format!("ftp://{host}").into_bytes();
    if !path.starts_with(b"/") {
        // Zeek writes a path in an unknown login directory like this.
        url.extend_from_slice(if path == b"." { b"/" } else { b"/./" });
    }
    url.extend(path);
    match String::from_utf8(url) {
        Ok(text) => Value::Text(text),
        Err(error) => Value::Bytes(error.into_bytes()),
    }
}

/// The working directory as the replies tell it.
#[derive(Debug, Default)]
struct Directory {
    known: Option<Vec<u8>>,
}

impl Directory {
    fn follow(&mut self, exchange: &Exchange, command: &Command) {
        let Some(reply) = exchange.replies.last() else { return };
        match (command.verb.as_ref(), reply.code) {
            ("CWD" | "XCWD", Some(200 | 250)) => {
                let argument = command.argument.clone().unwrap_or_default();
                self.known = Some(path::resolve(self.known.as_deref(), argument.as_bytes()));
            }
            ("CDUP" | "XCUP", Some(200 | 250)) => {
                self.known = Some(path::resolve(self.known.as_deref(), b".."));
            }
            ("PWD" | "XPWD", Some(257)) => {
                let text = reply.lines.first().map(|line| line.as_bytes()).unwrap_or_default();
                self.known = path::parse_quoted(text).or_else(|| self.known.take());
            }
            _ => {}
        }
    }
}

/// Where a data connection is to be expected.
#[derive(Debug, Clone, Copy)]
struct Channel {
    passive: bool,
    initiator: IpAddr,
    responder: IpAddr,
    port: u16,
}

fn channel(session: &Session, exchange: &Exchange, command: &Command) -> Option<Channel> {
    let argument = command.argument.as_deref().unwrap_or_default().as_bytes();
    let reply = |code| {
        let reply = exchange.replies.iter().find(|reply| reply.code == Some(code))?;
        Some(reply.lines.join(" ").into_bytes())
    };
    let (client, server) = (session.client.address, session.server.address);
    let (passive, announced) = match command.verb.as_ref() {
        "PORT" => (false, address::parse_port(argument).ok()?),
        "EPRT" => (false, address::parse_eprt(argument).ok()?),
        "PASV" | "EPSV" => {
            let extended = reply(229).and_then(|text| address::parse_epsv_reply(&text).ok());
            let plain = || reply(227).and_then(|text| address::parse_pasv_reply(&text).ok());
            (true, extended.or_else(plain)?)
        }
        _ => return None,
    };
    let (initiator, responder) = if passive { (client, server) } else { (server, client) };
    let responder = announced.address.unwrap_or(responder);
    Some(Channel { passive, initiator, responder, port: announced.port })
}

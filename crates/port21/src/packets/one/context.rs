//! What only the rest of the capture tells of a packet.

use port21_analysis::report::{Command, Exchange, Reply, Session};
use port21_analysis::tcp::Connection;
use port21_capture::{Decoded, Transport};
use serde::Serialize;

use super::model::control_length;
use crate::packets::row::Row;
use crate::packets::survey::{Target, transfer_on};
use crate::packets::watch::Seen;

/// The place of a packet in its connection and session.
#[derive(Debug, Default, Serialize)]
pub struct Context {
    /// Relative number of what its sender will send next.
    pub next_sequence: Option<u32>,
    /// The three packets of the connection's handshake.
    pub handshake: Option<[Option<u64>; 3]>,
    /// Seconds from the SYN to the acknowledgment that ends the handshake.
    pub initial_round_trip: Option<f64>,
    /// Packets whose data (or SYN, or FIN) it is the first to acknowledge.
    pub acknowledges: Vec<u64>,
    /// The packet that first acknowledges all of it.
    pub acknowledged_by: Option<u64>,
    /// Commands and replies in it, whole or in part.
    pub statements: Vec<Statement>,
    /// The transfer whose data it carries.
    pub transfer: Option<TransferPart>,
    /// The server that it asks DNS for, or names.
    pub names_server: Option<String>,
    /// The stream about which it says that it cannot be reached.
    pub unreachable_stream: Option<u64>,
}

/// A command or reply.
#[derive(Debug, Serialize)]
pub struct Statement {
    /// "command" or "reply".
    pub kind: &'static str,
    /// As said.
    pub text: String,
    /// Packets that carry it.
    pub packets: Vec<u64>,
    /// The command that it answers.
    pub answers: Option<Said>,
    /// The replies that answer it.
    pub answered_by: Vec<Said>,
}

/// A statement elsewhere.
#[derive(Debug, Serialize)]
pub struct Said {
    /// Its first packet.
    pub packet: Option<u64>,
    /// As said.
    pub text: String,
}

/// A part of a transfer.
#[derive(Debug, Serialize)]
pub struct TransferPart {
    /// Number of the transfer in its session, from 0.
    pub index: u64,
    /// RETR, STOR, LIST, ...
    pub verb: Option<String>,
    /// Path of the file or folder.
    pub path: Option<String>,
    /// Packet of the command.
    pub command_packet: Option<u64>,
    /// Place of the packet's first byte in what was transferred.
    pub offset: Option<u64>,
    /// Bytes transferred in all.
    pub bytes: u64,
}

impl Context {
    /// What the first pass tells of a packet.
    pub fn new(row: &Row, seen: Option<&Seen>, decoded: &Decoded<'_>, target: &Target) -> Context {
        let mut context = Context::default();
        if let (Some(seen), Some(Transport::Tcp(segment))) = (seen, &decoded.transport) {
            let control = control_length(segment.flags);
            let next = seen.sequence.wrapping_add(segment.payload_length).wrapping_add(control);
            context.next_sequence = Some(next);
            context.acknowledges.clone_from(&seen.acknowledges);
            if let Some(connection) = &target.connection {
                context.shake_hands(connection);
            }
        } else {
            context.unreachable_stream = target.stream;
        }
        if let Some(session) = &target.session {
            context.take_session(session, row, seen, target.connection.as_ref());
        }
        context
    }

    fn shake_hands(&mut self, connection: &Connection) {
        let segments = [connection.syn, connection.syn_ack, connection.ack];
        if segments.iter().any(Option::is_some) {
            self.handshake = Some(segments.map(|segment| segment.map(|segment| segment.packet)));
        }
        if let (Some(syn), Some(ack), Some(_)) = (connection.syn, connection.ack, connection.syn_ack) {
            self.initial_round_trip = Some(ack.time.seconds_since(syn.time));
        }
    }

    fn take_session(
        &mut self,
        session: &Session,
        row: &Row,
        seen: Option<&Seen>,
        connection: Option<&Connection>,
    ) {
        let server = &session.server;
        if [server.name_packet, server.name_query_packet].contains(&Some(row.number)) && seen.is_none() {
            self.names_server.clone_from(&server.name);
        }
        let Some(seen) = seen else { return };
        if let Some(transfer) = transfer_on(session, seen.stream) {
            let carries = row.tcp.as_ref().is_some_and(|tcp| tcp.length > 0);
            let offset = connection.filter(|_| carries).map(|connection| {
                // Of a transfer over 4 GiB a number stands for several places.
                u64::from(connection.relative(seen.judgement.from, seen.first_byte)).saturating_sub(1)
            });
            let offset = offset.filter(|_| u32::try_from(transfer.bytes).is_ok());
            self.transfer = Some(TransferPart {
                index: transfer.index,
                verb: transfer.verb.clone(),
                path: transfer.path.clone().or_else(|| transfer.argument.clone().map(Into::into)),
                command_packet: transfer.command_packet,
                offset,
                bytes: transfer.bytes,
            });
        }
        if session.control.stream == seen.stream {
            let greeting = session.greeting.iter().filter(|reply| reply.packets.contains(&row.number));
            self.statements.extend(greeting.map(|reply| statement_of_reply(reply, None)));
            self.statements
                .extend(session.exchanges.iter().flat_map(|exchange| statements(exchange, row.number)));
            self.statements.sort_by_key(|statement| statement.packets.first().copied());
        }
    }
}

/// The statements of an exchange that a packet carries.
fn statements(exchange: &Exchange, packet: u64) -> Vec<Statement> {
    let mut found = Vec::new();
    if let Some(command) = exchange.command.as_ref().filter(|command| command.packets.contains(&packet)) {
        let said = |reply: &Reply| Said { packet: Some(reply.packet), text: reply_text(reply) };
        found.push(Statement {
            kind: "command",
            text: command_text(command),
            packets: command.packets.to_vec(),
            answers: None,
            answered_by: exchange.replies.iter().map(said).collect(),
        });
    }
    let replies = exchange.replies.iter().filter(|reply| reply.packets.contains(&packet));
    found.extend(replies.map(|reply| statement_of_reply(reply, exchange.command.as_ref())));
    found
}

fn statement_of_reply(reply: &Reply, command: Option<&Command>) -> Statement {
    Statement {
        kind: "reply",
        text: reply_text(reply),
        packets: reply.packets.to_vec(),
        answers: command
            .map(|command| Said { packet: command.packets.first().copied(), text: command_text(command) }),
        answered_by: Vec::new(),
    }
}

fn command_text(command: &Command) -> String {
    match &command.argument {
        Some(argument) => format!("{} {argument}", command.verb),
        None => command.verb.to_string(),
    }
}

/// Code and first line of a reply.
fn reply_text(reply: &Reply) -> String {
    let line = reply.lines.first().map(|line| line.as_str()).unwrap_or_default();
    match reply.code {
        Some(code) => format!("{code} {line}"),
        None => line.to_owned(),
    }
}

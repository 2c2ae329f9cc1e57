//! Questions 11 to 13 and 22: the command that asks for data, the packets that carry it, what it was, and why it has a
//! connection of its own.

use schemars::JsonSchema;
use serde::Serialize;

use super::context::Context;
use super::{Answer, Facts};
use crate::report::{Connection, Direction, Endpoint, Kind, Transfer};
use crate::wording::{
    Prose, code_and_packet, command as spoken, counted, from_to, packets as named, quoted, reply,
};

/// Facts of question 11.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DataCommand {
    /// In upper case.
    pub verb: Option<String>,
    /// As sent.
    pub argument: Option<String>,
    /// Packet of the command.
    pub packet: Option<u64>,
}

/// Facts of question 12.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DataBytes {
    /// Packets with data, the first 64.
    pub packets: Vec<u64>,
    /// Bytes transferred; `null`: there is no data connection in the capture.
    pub bytes: Option<u64>,
    /// The server's port of the data connection.
    pub server_port: Option<u16>,
}

/// Facts of question 13.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TwoConnections {
    /// Ends of the control connection.
    pub control_connection: EndsOfConnection,
    /// Ends of the data connection; `null`: not in the capture.
    pub data_connection: Option<EndsOfConnection>,
}

/// The ends of a connection as "address:port".
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EndsOfConnection {
    /// The client's; `null`: the data goes between two servers, or nothing tells the ends apart.
    pub client: Option<String>,
    /// The server's.
    pub server: Option<String>,
}

/// Facts of question 22.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Transferred {
    /// "listing" or "file".
    pub kind: Option<Kind>,
    /// Bytes transferred.
    pub bytes: Option<u64>,
    /// SHA-256 of them, holes as zeros.
    pub sha256: Option<String>,
    /// How many entries the listing has; `null` for a file.
    pub entries: Option<u64>,
}

pub(super) fn command(context: &Context<'_>) -> Answer {
    let transfer = context.transfer;
    let packet = transfer.and_then(|transfer| transfer.command_packet);
    let verb = transfer.and_then(|transfer| transfer.verb.clone());
    let argument = transfer.and_then(|transfer| transfer.argument.clone());
    let mut prose = Prose::default();
    match (transfer, &verb, packet) {
        (Some(transfer), Some(verb), Some(packet)) => {
            let what = purpose(verb);
            prose.say(format!("{} in #{packet} asks {what}.", quoted(&spoken(verb, argument.as_deref()))));
            if let Some(opening) = transfer.opening_reply {
                prose.say(format!(
                    "The server answers {}: the data is on its way.",
                    code_and_packet(opening.code, opening.packet)
                ));
            }
            if let Some(closing) = transfer.closing_reply {
                prose.say(format!("It ends with {}.", code_and_packet(closing.code, closing.packet)));
            }
        }
        (Some(_), _, _) => {
            prose.say(context.encrypted_because().unwrap_or_default());
            prose.say("A data connection is there, but the command that asked for it cannot be read in the capture.");
        }
        (None, _, _) => prose.say(context.why_no_data()),
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let replies =
        transfer.map(|transfer| [transfer.opening_reply, transfer.closing_reply]).unwrap_or_default();
    let mut packets: Vec<u64> = packet.into_iter().collect();
    packets.extend(replies.into_iter().flatten().map(|reply| reply.packet));
    let facts = Facts::DataCommand(DataCommand { verb, argument: argument.map(Into::into), packet });
    Answer::new(11, prose.finish(), facts, packets, "RFC 959, sections 4.1.3 and 5.4")
}

/// What a transfer command asks for, as the end of a sentence.
fn purpose(verb: &str) -> &'static str {
    match verb {
        "LIST" => "for a listing of a directory, for people",
        "NLST" => "for the names in a directory, one a line",
        "MLSD" => "for a listing of a directory, for programs (RFC 3659)",
        "RETR" => "the server to send a file",
        "STOR" => "the server to take a file",
        "STOU" => "the server to take a file under a name of its own choice",
        "APPE" => "the server to append to a file",
        _ => "for data",
    }
}

pub(super) fn packets(context: &Context<'_>) -> Answer {
    let server_port = context.data_server().map(|end| end.port);
    let mut prose = Prose::default();
    let shown = context.transfer.zip(context.data);
    match shown {
        None => prose.say(context.why_no_data()),
        Some((transfer, data)) => {
            let all = &transfer.data_packets;
            let way = way(context, transfer, data);
            let bytes = counted(transfer.bytes.saturating_sub(lacking(transfer)), "byte");
            if all.count == 0 {
                prose.say("No packet of the data connection carries data: nothing was transferred.");
            } else if all.count > all.list.len() as u64 {
                prose.say(format!(
                    "{} carry {} {way}, from #{} to #{}; the facts list the first {}.",
                    counted(all.count, "packet"),
                    bytes,
                    all.first.unwrap_or_default(),
                    all.last.unwrap_or_default(),
                    all.list.len()
                ));
            } else {
                let verb = if all.count == 1 { "carries" } else { "carry" };
                prose.say(format!("{} {verb} {bytes} {way}.", named(&all.list)));
            }
            prose.say("Every other packet of that connection only opens it, acknowledges, or closes it.");
            if let Some(missing) = missing(transfer) {
                prose.say(missing);
            }
        }
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let packets = shown.map(|(transfer, _)| transfer.data_packets.list.clone()).unwrap_or_default();
    let facts =
        DataBytes { packets: packets.clone(), bytes: shown.map(|(transfer, _)| transfer.bytes), server_port };
    Answer::new(12, prose.finish(), Facts::DataBytes(facts), packets, "RFC 959, sections 2.3 and 3.2")
}

/// "from the server's port 20 to 192.168.1.10:5001".
fn way(context: &Context<'_>, transfer: &Transfer, data: &Connection) -> String {
    match (transfer.direction, context.data_server(), context.data_peer()) {
        (Some(Direction::Download), Some(server), Some(peer)) => {
            format!("from the server ({server}) to {peer}")
        }
        (Some(Direction::Upload), Some(server), Some(peer)) => {
            format!("from the client ({peer}) to {server}")
        }
        _ => format!("between {} and {}", data.initiator, data.responder),
    }
}

/// Bytes of a transfer that the capture lacks.
fn lacking(transfer: &Transfer) -> u64 {
    transfer.missing.iter().fold(0_u64, |sum, hole| sum.saturating_add(hole.length))
}

fn missing(transfer: &Transfer) -> Option<String> {
    let missing = lacking(transfer);
    (missing > 0).then(|| {
        format!(
            "Of the {} that were sent as far as the capture goes, it lacks {} in {}.",
            counted(transfer.bytes, "byte"),
            crate::wording::number(missing),
            counted(transfer.missing.len() as u64, "place")
        )
    })
}

pub(super) fn two_connections(context: &Context<'_>) -> Answer {
    let session = context.session;
    let server = Endpoint { address: session.server.address, port: session.server.port };
    let mut prose = Prose::default();
    prose.say(format!(
        "The control connection runs from {}: commands and replies, for the whole session.",
        from_to(session.client, server)
    ));
    match context.data {
        Some(data) => prose.say(format!(
            "The data connection runs from {}: one listing or file, then it is closed.",
            from_to(data.initiator, data.responder)
        )),
        None => prose.say(context.why_no_data()),
    }
    prose.say(
        "They are apart so that commands can go on while data flows (to abort it, or to ask how far it is), so that data \
         needs no escaping and its end is simply the end of its connection, and so that data may go to another host than \
         the one that gives the commands.",
    );
    let mut packets = vec![session.control.first_packet];
    if let Some((transfer, data)) = context.transfer.zip(context.data) {
        packets.push(data.first_packet);
        if let Some((first, last)) = transfer.data_packets.first.zip(transfer.data_packets.last) {
            let meanwhile =
                session.replies().into_iter().find(|reply| first < reply.packet && reply.packet < last);
            if let Some(meanwhile) = meanwhile {
                prose.say(format!(
                    "Here reply {} arrives in the middle of the data (#{first} to #{last}).",
                    reply(meanwhile)
                ));
                packets.push(meanwhile.packet);
            }
        }
        let fin = data.closing.iter().find(|segment| segment.flags.contains(&"FIN"));
        if let Some(fin) = fin.filter(|fin| fin.packet < session.control.last_packet) {
            prose.say(format!(
                "FIN in #{} marks the end of the data, while the control connection goes on until #{}.",
                fin.packet, session.control.last_packet
            ));
            packets.push(fin.packet);
        }
    }
    let data_connection = context.data.map(|_| EndsOfConnection {
        client: context.data_peer().filter(|_| !context.between_servers()).map(|end| end.to_string()),
        server: context.data_server().map(|end| end.to_string()),
    });
    let control_connection =
        EndsOfConnection { client: Some(session.client.to_string()), server: Some(server.to_string()) };
    let facts = Facts::TwoConnections(TwoConnections { control_connection, data_connection });
    Answer::new(13, prose.finish(), facts, packets, "RFC 959, sections 2.3, 3.2 and 3.4.1")
}

pub(super) fn transferred(context: &Context<'_>) -> Answer {
    let mut prose = Prose::default();
    let shown = context.transfer.zip(context.data);
    let kind = context.transfer.and_then(|transfer| transfer.kind);
    let entries = context
        .transfer
        .and_then(|transfer| transfer.listing.as_ref())
        .map(|listing| listing.entries.len() as u64);
    match shown {
        None => prose.say(context.why_no_data()),
        Some((transfer, data)) => {
            let size = counted(transfer.bytes, "byte");
            match (kind, entries) {
                _ if transfer.protected => prose.say(format!("{size} of TLS: what they say cannot be read.")),
                (Some(Kind::Listing), Some(entries)) => {
                    prose.say(format!("A directory listing of {size} with {}.", counted(entries, "entry")));
                }
                (Some(Kind::Listing), None) => prose.say(format!("A directory listing of {size}.")),
                (Some(Kind::File), _) => {
                    let name =
                        transfer.path.as_deref().map(quoted).unwrap_or_else(|| "of unknown name".to_owned());
                    prose.say(format!("The file {name}, {size}."));
                }
                (None, _) => prose
                    .say(format!("{size}; the command that would say what they are is not in the capture.")),
            }
            prose.say(format!(
                "They are the bytes of TCP stream {} in the order of their sequence numbers.",
                data.stream
            ));
            if let Some(sha256) = &transfer.sha256 {
                let holes =
                    if transfer.missing.is_empty() { "" } else { ", with zeros for those that are missing," };
                prose.say(format!("Their SHA-256{holes} is {sha256}."));
            }
            match (transfer.complete, missing(transfer), &transfer.incomplete_because) {
                (true, ..) => prose.say("Nothing is missing."),
                (false, Some(missing), _) => prose.say(format!("The transfer is not complete. {missing}")),
                (false, None, Some(because)) => {
                    prose.say(format!("The transfer is not complete: {because}."));
                }
                (false, None, None) => prose.say("The transfer is not complete."),
            }
        }
    }
    if let Some(others) = context.other_transfers() {
        prose.say(others);
    }
    let facts = Transferred {
        kind,
        bytes: shown.map(|(transfer, _)| transfer.bytes),
        sha256: shown.and_then(|(transfer, _)| transfer.sha256.clone()),
        entries,
    };
    let packets = shown.map(|(transfer, _)| transfer.data_packets.list.clone()).unwrap_or_default();
    Answer::new(
        22,
        prose.finish(),
        Facts::Transferred(facts),
        packets,
        "RFC 959, sections 3.1.1, 3.4.1 and 4.1.3",
    )
}

//! The session as the report writes it.

use ftp_protocol::Verb;
use port21_capture::Flags;

use super::control::Speaker;
use super::listing;
use super::session::Session;
use super::tls;
use super::transcript::Style;
use super::transfer::{Announcement, Ended, Pending};
use crate::hex;
use crate::report::{
    Connection, Counterpart, Direction, Failure, FailureCause, Kind, Listing, Mode, NameSource, Note,
    PerSide, Server, Setup, Tls, Transfer, convert,
};
use crate::tcp::{self, End, State};
use crate::time;
use crate::wording::{counted, number};

/// What a report gives beside what it always does.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Hashes of what was transferred.
    pub hash: bool,
    /// Entries of listings.
    pub entries: bool,
    /// Passwords as they were sent.
    pub passwords: bool,
}

impl Session {
    /// Writes the session down. `counterpart`: which transfer of another session (by id) a shared stream was.
    pub fn report(
        mut self,
        control: &tcp::Connection,
        counterpart: impl Fn(u64, u64) -> Option<u64>,
    ) -> crate::report::Session {
        let control = convert::connection(control, self.epoch);
        let style = Style { epoch: self.epoch, control: &self.control };
        let commands = self.memories.iter().map(|memory| memory.command);
        let exchanges = self.transcript.exchanges(commands, &style);
        let greeting = self.greeting.map(|greeting| self.transcript.reply(&greeting, &style));
        let transfers = self.reported_transfers(&counterpart);
        let mut used: Vec<u64> =
            transfers.iter().filter_map(|t| t.data.as_ref().map(|data| data.stream)).collect();
        used.sort_unstable();
        // What was tried for a transfer and failed is told there.
        let mut tried: Vec<u64> = self.transfer_streams().into_iter().map(|(stream, _)| stream).collect();
        tried.sort_unstable();
        let is_in = |streams: &[u64], stream: u64| streams.binary_search(&stream).is_ok();
        let mut unused: Vec<Connection> = self
            .streams
            .values()
            .flatten()
            .filter(|ended| {
                let stream = ended.connection.stream;
                !is_in(&used, stream) && (ended.is_opened() || !is_in(&tried, stream))
            })
            .map(|ended| convert::connection(&ended.connection, self.epoch))
            .collect();
        unused.sort_unstable_by_key(|connection| connection.stream);
        let last = transfers
            .iter()
            .filter_map(|transfer| transfer.data.as_ref())
            .chain(&unused)
            .map(|connection| connection.last_time)
            .fold(control.last_time, f64::max);
        if self.dropped_exchanges > 0 {
            let text = format!(
                "{} more commands and replies were not kept: the session is too long",
                self.dropped_exchanges
            );
            self.notes.push(Note { packet: None, text });
        }
        let tls = self.tls_report();
        crate::report::Session {
            id: self.id,
            client: self.client,
            server: self.server_report(tls.as_ref()),
            protocol: self.protocol,
            first_time: time::rfc3339(self.began),
            duration: last - control.first_time,
            control,
            greeting,
            logins: self.logins,
            exchanges,
            transfers,
            unused_data_connections: unused,
            tls,
            directory: self.directory.as_deref().map(|directory| hex::text(directory).0),
            notes: self.notes,
            dropped_exchanges: self.dropped_exchanges,
            findings: Vec::new(),
        }
    }

    fn server_report(&self, tls: Option<&Tls>) -> Server {
        let named = self.name.clone();
        let by_tls = || {
            let tls = tls?;
            Some((tls.server_name.clone()?, tls.first_packet?))
        };
        let (name, name_packet, query, source) = match (named, by_tls()) {
            (Some(named), _) if named.source == NameSource::Dns => {
                (Some(named.name), Some(named.packet), named.query_packet, Some(named.source))
            }
            (_, Some((name, packet))) => (Some(name), Some(packet), None, Some(NameSource::TlsServerName)),
            (Some(named), None) => (Some(named.name), Some(named.packet), None, Some(named.source)),
            (None, None) => (None, None, None, None),
        };
        Server {
            address: self.server.address,
            port: self.server.port,
            name,
            name_packet,
            name_query_packet: query,
            name_source: source,
        }
    }

    fn tls_report(&self) -> Option<Tls> {
        let (client, from_client) = self.control.tls(Speaker::Client);
        let (server, from_server) = self.control.tls(Speaker::Server);
        let (first, cleared) = self.tls_packets;
        (first.is_some() || self.auth_packet.is_some()).then(|| Tls {
            auth_packet: self.auth_packet,
            first_packet: first,
            version: server.version.map(tls::version_name),
            server_name: client.server_name,
            cleared_packet: cleared,
            bytes: PerSide { client: from_client, server: from_server },
        })
    }

    fn reported_transfers(&self, counterpart: &impl Fn(u64, u64) -> Option<u64>) -> Vec<Transfer> {
        let reported = self.transfers.iter().filter(|transfer| self.is_reported(transfer));
        let mut transfers: Vec<(Transfer, StreamMode)> = reported
            .zip(0..)
            .map(|(pending, index)| {
                (self.transfer(pending, index, counterpart), StreamMode(pending.stream_mode))
            })
            .collect();
        transfers.sort_by_key(|(transfer, _)| {
            let data = transfer.data.as_ref().map(|data| data.first_packet);
            transfer.command_packet.or(transfer.opening_reply.map(|reply| reply.packet)).or(data)
        });
        for ((transfer, _), index) in transfers.iter_mut().zip(0..) {
            transfer.index = index;
        }
        sizes_from_listings(&mut transfers);
        transfers.into_iter().map(|(transfer, _)| transfer).collect()
    }

    /// The attempt that counts: one that moved bytes, else one that was opened, else the last.
    fn data_of(&self, transfer: &Pending) -> Option<&Ended> {
        let attempts: Vec<&Ended> =
            transfer.streams.iter().filter_map(|stream| self.streams.get(stream)?.as_deref()).collect();
        let moved = attempts.iter().find(|ended| ended.bytes() > 0);
        moved.or(attempts.iter().rfind(|ended| ended.is_opened())).or(attempts.last()).copied()
    }

    fn transfer(
        &self,
        pending: &Pending,
        index: u64,
        counterpart: &impl Fn(u64, u64) -> Option<u64>,
    ) -> Transfer {
        let attempt = self.data_of(pending);
        let ended = attempt.filter(|ended| ended.is_opened());
        let announcement = pending.announcement.and_then(|index| self.announcements.get(index));
        let kind = pending.verb.and_then(Verb::transfer_kind);
        let shared =
            ended.and_then(|ended| ended.shared_with.first().map(|other| (*other, ended.connection.stream)));
        let sender =
            ended.and_then(|ended| self.sender(ended, announcement, kind.map(|kind| kind.is_upload())));
        let content = ended.zip(sender).map(|(ended, sender)| ended.content(sender));
        let direction = match (kind, shared) {
            (_, Some(_)) => Some(Direction::ServerToServer),
            (Some(kind), None) if kind.is_upload() => Some(Direction::Upload),
            (Some(_), None) => Some(Direction::Download),
            (None, None) => ended.zip(sender).and_then(|(ended, sender)| {
                let client = self.client_end(ended, announcement)?;
                Some(if client == sender { Direction::Upload } else { Direction::Download })
            }),
        };
        let protected = content.is_some_and(|content| {
            (pending.protected || self.tls_packets.0.is_some()) && tls::is_record(&content.head) == Some(true)
        });
        let is_listing = kind.is_some_and(|kind| kind.is_listing());
        let listing = content
            .filter(|content| {
                is_listing && !protected && (content.head_is_whole() || !content.head.is_empty())
            })
            .map(|content| {
                let limit = self.limits.listing_entries;
                let (head, whole) = (&content.head, content.head_is_whole());
                // What only counts is whether anything is left out.
                if self.wanted.entries || pending.verb == Some(Verb::Mlsd) || listing::lines(head) > limit {
                    listing::read(head, pending.verb, whole, limit)
                } else {
                    Listing { format: None, entries: Vec::new(), unparsed: 0, truncated: !whole }
                }
            });
        let (path, path_bytes) = pending.path.as_deref().map(hex::text).unwrap_or_default();
        let bytes = content.map_or(0, |content| content.length);
        let expected = pending
            .expected
            // What is told is the file's length, and other modes put more or less on the wire.
            .filter(|_| pending.stream_mode)
            .map(|(size, from, packet)| (remaining(size, pending.restart, bytes), from, packet));
        let incomplete_because = incomplete(pending, ended, sender, expected.filter(|_| !protected));
        Transfer {
            index,
            verb: pending.verb.map(|verb| verb.as_str().to_owned()),
            path: pending.path.as_ref().map(|_| path),
            path_bytes,
            argument: pending.argument.as_deref().map(hex::short_text),
            kind: kind.map(|kind| if kind.is_listing() { Kind::Listing } else { Kind::File }),
            direction,
            mode: announcement.map(|announcement| announcement.mode).or(self.default_mode(ended)),
            setup: announcement.map(|announcement| self.setup(announcement)),
            command_packet: pending.command.map(|(packet, _)| packet),
            opening_reply: pending.opening,
            closing_reply: pending.closing,
            pairing: ended.map(|ended| ended.pairing),
            data_packets: content.map(|content| content.packets.clone()).unwrap_or_default(),
            representation: pending.representation,
            type_seen: pending.type_seen,
            restart_offset: pending.restart,
            bytes,
            sha256: content.filter(|_| self.wanted.hash).and_then(|content| content.sha256()),
            complete: incomplete_because.is_none(),
            incomplete_because,
            missing: content.map(|content| content.missing.clone()).unwrap_or_default(),
            expected_bytes: expected.map(|(bytes, _, _)| bytes),
            expected_from: expected.map(|(_, from, _)| from.to_owned()),
            expected_packet: expected.map(|(_, _, packet)| packet),
            protected,
            failure: failure(attempt),
            listing,
            counterpart: shared.and_then(|(session, stream)| {
                counterpart(session, stream).map(|transfer| Counterpart { session, transfer })
            }),
            duration: content
                .and_then(|content| content.times)
                .map(|(first, last)| last.saturating_sub(first) as f64 / 1e9),
            data: ended.map(|ended| convert::connection(&ended.connection, self.epoch)),
        }
    }

    fn setup(&self, announcement: &Announcement) -> Setup {
        let passive = announcement.is_passive();
        let verb = announcement.verb.map(Verb::as_str).unwrap_or(match announcement.mode {
            Mode::ExtendedPassive => "EPSV",
            _ => "PASV",
        });
        let (high, low) = announcement.bytes.unzip();
        Setup {
            verb: verb.to_owned(),
            command_packet: announcement.command_packet,
            reply_packet: announcement.reply_packet,
            address: announcement
                .address
                .or(announcement.port.filter(|_| passive).map(|_| self.server.address)),
            port: announcement.port,
            arithmetic: high
                .zip(low)
                .zip(announcement.port)
                .map(|((high, low), port)| format!("{high} * 256 + {low} = {port}")),
            text: announcement.text.as_deref().map(|text| hex::text(text).0),
        }
    }

    /// Without an announcement: who opened the connection tells the mode, where a handshake does.
    fn default_mode(&self, ended: Option<&Ended>) -> Option<Mode> {
        let ended = ended?;
        ended.connection.syn?;
        if self.client.address == self.server.address {
            return None;
        }
        let by_server = ended.connection.end(End::Initiator).address == self.server.address;
        Some(if by_server { Mode::Active } else { Mode::Passive })
    }

    /// Which end of a data connection is the client's.
    fn client_end(&self, ended: &Ended, announcement: Option<&Announcement>) -> Option<End> {
        let [initiator, responder] = ended.connection.ends;
        if let Some(announcement) = announcement {
            let listener = match announcement.port {
                Some(port) if port == responder.port => End::Responder,
                Some(port) if port == initiator.port => End::Initiator,
                _ => End::Responder,
            };
            return Some(if announcement.is_passive() { listener.other() } else { listener });
        }
        if self.client.address == self.server.address {
            return None;
        }
        if initiator.address == self.client.address {
            Some(End::Initiator)
        } else if responder.address == self.client.address {
            Some(End::Responder)
        } else {
            None
        }
    }

    /// The end that sends the data: as the command says, unless only the other one did.
    fn sender(
        &self,
        ended: &Ended,
        announcement: Option<&Announcement>,
        upload: Option<bool>,
    ) -> Option<End> {
        let client = self.client_end(ended, announcement);
        let said = client.zip(upload).map(|(client, upload)| if upload { client } else { client.other() });
        match (said, ended.sender()) {
            (Some(said), Some(seen)) if ended.content(said).length == 0 => Some(seen),
            (Some(said), _) => Some(said),
            (None, seen) => seen,
        }
    }
}

/// SIZE and "150 ... (n bytes)" speak of the whole file, or of what is left of it: servers differ. The one that fits counts.
fn remaining(size: u64, restart: Option<u64>, bytes: u64) -> u64 {
    if size == bytes { size } else { size.saturating_sub(restart.unwrap_or(0)) }
}

/// Why a transfer is not whole; `None`: it is.
fn incomplete(
    pending: &Pending,
    ended: Option<&Ended>,
    sender: Option<End>,
    expected: Option<(u64, &'static str, u64)>,
) -> Option<String> {
    let Some(ended) = ended else { return Some("no data connection".into()) };
    let connection = &ended.connection;
    let content = sender.map(|sender| ended.content(sender));
    if let Some(content) = content.filter(|content| !content.missing.is_empty()) {
        let missing: u64 = content.missing.iter().map(|hole| hole.length).sum();
        let (missing, all) = (number(missing), counted(content.length, "byte"));
        return Some(format!("{missing} of {all} are not in the capture"));
    }
    if connection.syn.is_none() && connection.syn_ack.is_none() {
        return Some("the data connection was open when the capture began".into());
    }
    let ordered = connection.closing.iter().any(|segment| {
        segment.flags.contains(Flags::FIN) && sender.is_none_or(|sender| segment.from == sender)
    });
    if !ordered {
        let reset = connection.closing.iter().find(|segment| segment.flags.contains(Flags::RST));
        return Some(match reset {
            Some(reset) => format!("the data connection was reset in packet {}", reset.packet),
            None => "the end of the data connection is not in the capture".into(),
        });
    }
    if let Some(code) = pending.closing.and_then(|reply| reply.code).filter(|code| *code >= 400) {
        return Some(format!("the server replied {code}"));
    }
    let bytes = content.map_or(0, |content| content.length);
    match expected {
        Some((expected, from, _)) if bytes < expected => Some(fewer(bytes, expected, from)),
        _ => None,
    }
}

/// "5,000 bytes crossed, 1,000 fewer than announced (SIZE)".
fn fewer(bytes: u64, expected: u64, from: &str) -> String {
    let less = number(expected.saturating_sub(bytes));
    format!("{} crossed, {less} fewer than announced ({from})", counted(bytes, "byte"))
}

/// Why no data connection came to be, or why it moved nothing.
fn failure(attempt: Option<&Ended>) -> Option<Failure> {
    let Some(attempt) = attempt else {
        return Some(Failure { cause: FailureCause::NotSeen, packets: Vec::new() });
    };
    let connection = &attempt.connection;
    let syn = connection.syn.map(|syn| syn.packet);
    let reset = connection.closing.iter().find(|segment| segment.flags.contains(Flags::RST));
    let proof = |last: Option<u64>| syn.into_iter().chain(last).collect();
    if !attempt.is_opened() {
        return Some(match (attempt.unreachable(), reset) {
            (Some(packet), _) => Failure { cause: FailureCause::Unreachable, packets: proof(Some(packet)) },
            (None, Some(reset)) => {
                Failure { cause: FailureCause::Refused, packets: proof(Some(reset.packet)) }
            }
            (None, None) => {
                let mut packets: Vec<u64> = proof(None);
                packets.extend(&connection.quality.retransmissions);
                Failure { cause: FailureCause::NoAnswer, packets }
            }
        });
    }
    let by_reset = connection.state == State::Reset && attempt.bytes() == 0;
    by_reset.then(|| Failure { cause: FailureCause::Reset, packets: proof(reset.map(|reset| reset.packet)) })
}

/// So many sizes of MLSD listings are compared with later downloads in the same session.
const MLSD_SIZES: usize = 4096;

/// Whether a transfer's bytes cross as they are (MODE S).
struct StreamMode(bool);

/// A listing by MLSD states exact sizes (RFC 3659, section 7.5.7): later downloads of its entries must have them.
fn sizes_from_listings(transfers: &mut [(Transfer, StreamMode)]) {
    let mut sizes: Vec<(String, u64, Option<u64>)> = Vec::new();
    for (transfer, StreamMode(as_they_are)) in transfers {
        let directory = transfer.path.clone();
        if transfer.verb.as_deref() == Some("MLSD") {
            let entries = transfer
                .listing
                .as_ref()
                .map(|listing: &Listing| listing.entries.as_slice())
                .unwrap_or_default();
            for entry in entries {
                let (Some(name), Some(size)) = (&entry.name, entry.size) else { continue };
                if sizes.len() < MLSD_SIZES {
                    sizes.push((joined(directory.as_deref(), name), size, transfer.data_packets.first));
                }
            }
        }
        let image = transfer.representation == crate::report::Type::Image;
        let download = transfer.direction == Some(Direction::Download) && transfer.kind == Some(Kind::File);
        if transfer.expected_bytes.is_some() || !image || !download || transfer.protected || !*as_they_are {
            continue;
        }
        let stated = sizes.iter().rfind(|(path, _, _)| Some(path) == directory.as_ref());
        if let Some((_, size, packet)) = stated {
            let expected = remaining(*size, transfer.restart_offset, transfer.bytes);
            transfer.expected_bytes = Some(expected);
            transfer.expected_from = Some("MLSD".into());
            transfer.expected_packet = *packet;
            if transfer.complete && transfer.bytes < expected {
                transfer.complete = false;
                transfer.incomplete_because = Some(fewer(transfer.bytes, expected, "MLSD"));
            }
        }
    }
}

fn joined(directory: Option<&str>, name: &str) -> String {
    let directory = directory.map(str::as_bytes);
    String::from_utf8_lossy(&ftp_protocol::path::resolve(directory, name.as_bytes())).into_owned()
}

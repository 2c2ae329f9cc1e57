//! What to write where: from the sessions of the first pass to files, before a byte of them is read.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use port21_analysis::report::{Connection, Direction, Endpoint, Kind, Session, Side, Transfer};

use super::manifest::{File, NotWritten, Origin, Packets};
use super::names::{Names, safe_path, suffixed};
use crate::arguments::ExtractArguments;
use crate::escape;
use crate::input::{self, Prepare, Receiver};

/// A file to write.
#[derive(Debug)]
pub struct Item {
    /// What the manifest will say of it.
    pub file: File,
    /// The end of the data connection that sent the data.
    pub sender: Side,
    /// Folder of the session, and the safe path below it.
    folder: String,
    names: Vec<String>,
    /// First packet of the data connection: the order in which transfers happened.
    first_packet: u64,
    /// What SIZE last said of the path before the command: where APPE goes on.
    size_before: Option<u64>,
    /// Bytes that the analysis counted.
    pub length: u64,
}

/// Transfers of one path that belong together: indices of items, in the order of the transfers.
#[derive(Debug)]
pub struct Chain {
    /// The parts.
    pub items: Vec<usize>,
    /// Where the whole is written, below the output folder.
    pub written: String,
}

/// Everything to write.
#[derive(Debug, Default)]
pub struct Plan {
    /// Files.
    pub items: Vec<Item>,
    /// Files to put together from them.
    pub chains: Vec<Chain>,
    /// Transfers without a file.
    pub not_written: Vec<NotWritten>,
    /// How many listings were left out because nobody asked for them.
    pub listings_left_out: usize,
}

/// Makes a plan from sessions as they end.
#[derive(Debug)]
pub struct Planner<'a> {
    arguments: &'a ExtractArguments,
    plan: Plan,
}

impl<'a> Planner<'a> {
    /// Starts with nothing.
    pub fn new(arguments: &'a ExtractArguments) -> Planner<'a> {
        Planner { arguments, plan: Plan::default() }
    }

    /// The plan, with every name decided. `names` knows what the output folder holds already.
    pub fn finish(self, names: &mut Names) -> Plan {
        let Plan { mut items, not_written, listings_left_out, .. } = self.plan;
        items.sort_by_key(|item| (item.file.origin.session, item.file.origin.transfer));
        let chains = chains(&mut items);
        let mut claim = |folder: &str, path: &[String]| {
            let path: Vec<String> = std::iter::once(folder.to_owned()).chain(path.iter().cloned()).collect();
            names.claim_file(&path)
        };
        // The whole gets the plain name, its parts get theirs with the offset behind.
        let chains: Vec<Chain> = chains
            .into_iter()
            .filter_map(|parts| {
                let first = items.get(*parts.first()?)?;
                let written = claim(&first.folder, &first.names);
                Some(Chain { items: parts, written })
            })
            .collect();
        let chained: HashSet<usize> = chains.iter().flat_map(|chain| chain.items.iter().copied()).collect();
        for (index, item) in items.iter_mut().enumerate() {
            let mut path = item.names.clone();
            if let (Some(suffix), Some(name)) = (item.part_suffix(chained.contains(&index)), path.last_mut())
            {
                *name = suffixed(name, &suffix);
            }
            item.file.written = claim(&item.folder, &path);
        }
        Plan { items, chains, not_written, listings_left_out }
    }

    fn transfer(&mut self, session: &Session, transfer: &Transfer) {
        if transfer.kind == Some(Kind::Listing) && !self.arguments.listings {
            self.plan.listings_left_out = self.plan.listings_left_out.saturating_add(1);
            return;
        }
        let origin = origin(session, transfer);
        match item(session, transfer, origin.clone()) {
            Ok(item) => self.plan.items.push(item),
            Err(because) => self.plan.not_written.push(NotWritten {
                origin,
                bytes: transfer.bytes,
                protected: transfer.protected,
                lost: is_lost(transfer),
                because,
            }),
        }
    }
}

impl Receiver for Planner<'_> {
    type Prepared = Session;

    fn preparation(&self) -> Prepare<Session> {
        input::as_it_is()
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        if self.arguments.common.wants_session(session.id) {
            session.transfers.iter().for_each(|transfer| self.transfer(&session, transfer));
        }
        Ok(())
    }
}

impl Item {
    /// What stands behind the name of a file that is not whole by itself.
    fn part_suffix(&self, chained: bool) -> Option<String> {
        match (self.file.offset, chained) {
            (Some(0), false) => None,
            (Some(offset), _) => Some(format!(".part-{offset}")),
            (None, _) => Some(".part-append".into()),
        }
    }

    fn appends(&self) -> bool {
        self.file.origin.verb.as_deref() == Some("APPE")
    }
}

/// Whether the server says that something was transferred of which the capture holds nothing.
fn is_lost(transfer: &Transfer) -> bool {
    let code = transfer.closing_reply.and_then(|reply| reply.code);
    transfer.data.is_none() && code.is_some_and(|code| (200..300).contains(&code))
}

fn origin(session: &Session, transfer: &Transfer) -> Origin {
    Origin {
        session: session.id,
        transfer: transfer.index,
        client: session.client,
        server: Endpoint { address: session.server.address, port: session.server.port },
        verb: transfer.verb.clone(),
        argument: transfer.argument.clone().map(Into::into),
        path: transfer.path.clone(),
        path_bytes: transfer.path_bytes.clone(),
        kind: transfer.kind,
        direction: transfer.direction,
        representation: transfer.representation,
    }
}

/// The file of a transfer, or why there is none.
fn item(session: &Session, transfer: &Transfer, origin: Origin) -> Result<Item, String> {
    let Some(data) = &transfer.data else {
        return Err(transfer
            .incomplete_because
            .clone()
            .unwrap_or_else(|| "there was no data connection".into()));
    };
    if transfer.protected {
        return Err("the bytes are TLS (PROT P): what they mean is not in the capture".into());
    }
    let uploads = matches!(transfer.verb.as_deref(), Some("STOR" | "STOU" | "APPE"));
    if let (Some(other), true) = (transfer.counterpart, uploads) {
        return Err(format!("the same bytes as transfer {} of session {}", other.transfer, other.session));
    }
    let restart_offset = transfer.restart_offset;
    let size_before = size_before(session, transfer);
    let appends = transfer.verb.as_deref() == Some("APPE");
    let offset = if appends { size_before } else { Some(restart_offset.unwrap_or(0)) };
    Ok(Item {
        sender: sender(session, transfer, data),
        folder: folder(session),
        names: names(transfer),
        first_packet: data.first_packet,
        size_before,
        length: transfer.bytes,
        file: File {
            origin,
            stream: data.stream,
            written: String::new(),
            bytes: 0,
            sha256: None,
            complete: transfer.complete,
            incomplete_because: transfer.incomplete_because.clone(),
            missing: Vec::new(),
            packets: Packets { first: transfer.data_packets.first, last: transfer.data_packets.last },
            restart_offset,
            offset,
            partial: true,
        },
    })
}

/// The end that sent the data: as the command says, otherwise the one whose bytes the analysis counted.
fn sender(session: &Session, transfer: &Transfer, data: &Connection) -> Side {
    let length = |side: Side| {
        let holes = data.quality.gaps.iter().filter(|gap| gap.from == side);
        holes.fold(*data.bytes.at(side), |sum, gap| sum.saturating_add(gap.length))
    };
    let (initiator, responder) = (length(Side::Initiator), length(Side::Responder));
    if initiator == transfer.bytes && responder != transfer.bytes {
        return Side::Initiator;
    }
    if responder == transfer.bytes && initiator != transfer.bytes {
        return Side::Responder;
    }
    let server = session.data_side_of_server(transfer);
    match (server, transfer.direction) {
        (Some(server), Some(Direction::Download)) => server,
        (Some(server), Some(Direction::Upload)) => server.other(),
        _ if initiator > responder => Side::Initiator,
        _ => Side::Responder,
    }
}

/// What the last SIZE of the same argument before the command was answered with.
fn size_before(session: &Session, transfer: &Transfer) -> Option<u64> {
    let command_packet = transfer.command_packet?;
    let mut size = None;
    for exchange in &session.exchanges {
        let Some(command) = &exchange.command else { continue };
        if command.packets.first().is_some_and(|packet| *packet >= command_packet) {
            break;
        }
        if command.verb == "SIZE" && command.argument == transfer.argument {
            let answer = exchange.replies.iter().find(|reply| reply.code == Some(213));
            size = answer.and_then(|reply| reply.lines.first()?.trim().parse().ok());
        }
    }
    size
}

/// "1-192.0.2.1-198.51.100.2"; no colons, which Windows forbids.
fn folder(session: &Session) -> String {
    let (client, server) = (session.client.address, session.server.address);
    format!("{}-{client}-{server}", session.id).replace(':', "_")
}

/// The safe names of a transfer's path.
fn names(transfer: &Transfer) -> Vec<String> {
    let bytes = transfer.path_bytes.as_deref().and_then(escape::from_hexadecimal);
    let path = bytes.or_else(|| transfer.path.clone().map(String::into_bytes)).unwrap_or_default();
    let mut names = safe_path(&path, &format!("transfer-{}", transfer.index));
    if let (Some(Kind::Listing), Some(name)) = (transfer.kind, names.last_mut()) {
        *name = suffixed(name, ".listing.txt");
    }
    names
}

/// Which items continue each other: per client, server, path and direction, from one that begins the file to the next.
fn chains(items: &mut [Item]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|index| items.get(*index).map(|item| (item.first_packet, *index)));
    let mut open: HashMap<_, usize> = HashMap::new();
    let mut chains: Vec<(Vec<usize>, Option<u64>)> = Vec::new();
    for index in order {
        let Some(item) = items.get_mut(index) else { continue };
        let Some(key) = chain_key(item) else { continue };
        let current = open.get(&key).and_then(|chain| chains.get_mut(*chain));
        if item.appends() && item.size_before.is_none() {
            // Without SIZE, an appended part goes on where the part before it ended, if that is known.
            item.file.offset = current.as_ref().and_then(|(_, end)| *end);
        }
        let Some(offset) = item.file.offset else { continue };
        let end = item.file.complete.then(|| offset.saturating_add(item.length));
        match current {
            Some((parts, known_end)) if offset > 0 => {
                parts.push(index);
                *known_end = end;
            }
            _ => {
                open.insert(key, chains.len());
                chains.push((vec![index], end));
            }
        }
    }
    chains.into_iter().map(|(parts, _)| parts).filter(|parts| parts.len() > 1).collect()
}

type ChainKey = (IpAddr, Endpoint, bool, String, Option<String>, Option<u64>);

/// What parts of one file have in common. A path that is relative means something only in its own session.
fn chain_key(item: &Item) -> Option<ChainKey> {
    let origin = &item.file.origin;
    if origin.kind != Some(Kind::File) || origin.verb.as_deref() == Some("STOU") {
        return None;
    }
    let path = origin.path.clone()?;
    let session = (!path.starts_with('/')).then_some(origin.session);
    let uploaded = origin.verb.as_deref() != Some("RETR");
    Some((origin.client.address, origin.server, uploaded, path, origin.path_bytes.clone(), session))
}

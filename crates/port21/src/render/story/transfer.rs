//! A transfer in words: its data connection, its bytes, and whether they are all there.

use port21_analysis::report::{
    Connection, Direction, FailureCause, Kind, Mode, Pairing, Session, Side, Transfer, Type,
};

use crate::escape;
use crate::render::story::{closing, who, wire};
use crate::render::words;

/// Most ranges of data packets and of holes in one line.
const MOST_RANGES: usize = 12;

/// What to say of a transfer, the most important first.
pub fn lines(session: &Session, transfer: &Transfer) -> Vec<String> {
    let mut lines = Vec::new();
    match &transfer.data {
        Some(data) => {
            lines.push(connection(session, transfer, data));
            lines.push(bytes(session, transfer, data));
        }
        None => lines.push(no_connection(transfer)),
    }
    lines.extend(content(session, transfer));
    lines.extend(expectation(transfer));
    lines.extend(holes(transfer));
    lines.extend(transfer.counterpart.map(|other| {
        format!(
            "server to server: the other half is transfer {} of session {}",
            other.transfer, other.session
        )
    }));
    if let Some(data) = &transfer.data {
        lines.extend(closing::troubles(session, data, transfer.mode));
    }
    lines
}

/// "156.21.1.54:20 -> 192.168.1.10:5001, opened by the server  #161 #162 #172   stream 9".
fn connection(session: &Session, transfer: &Transfer, data: &Connection) -> String {
    let opener = who(session, data, Side::Initiator, transfer.mode);
    let handshake = [data.handshake.syn, data.handshake.syn_ack, data.handshake.ack];
    let handshake: Vec<u64> = handshake.into_iter().flatten().collect();
    let opened = match handshake.is_empty() {
        false => format!("opened by {opener}  {}", words::packets(&handshake)),
        true => format!("its opening is not in the capture, first packet #{}", data.first_packet),
    };
    let mode = transfer.mode.map_or(String::new(), |mode| format!("   {} mode", mode_name(mode)));
    let pairing = match transfer.pairing {
        None | Some(Pairing::Exact) => "",
        Some(Pairing::AddressTranslated) => "   (announced address differs: translated on the way)",
        Some(Pairing::Late) => "   (seen before its announcement)",
        Some(Pairing::Guessed) => "   (no announcement tells: paired by time, addresses and direction)",
    };
    let ends = format!("{} -> {}", words::endpoint(&data.initiator), words::endpoint(&data.responder));
    format!("{ends}, {opened}   stream {}{mode}{pairing}", data.stream)
}

/// "2,111 bytes to the client, 30 entries, whole  #173 #175   closed by the server #177".
fn bytes(session: &Session, transfer: &Transfer, data: &Connection) -> String {
    let mut text = words::count(transfer.bytes, "byte");
    text.push_str(match transfer.direction {
        Some(Direction::Download) => " to the client",
        Some(Direction::Upload) => " to the server",
        Some(Direction::ServerToServer) => " from server to server",
        None => "",
    });
    if let Some(listing) = &transfer.listing {
        let more = if listing.truncated { " and more" } else { "" };
        text.push_str(&format!(", {}{more}", words::count(listing.entries.len() as u64, "entry")));
    }
    text.push_str(&format!(", {}", whole(transfer)));
    let packets = &transfer.data_packets;
    if packets.count > packets.list.len() as u64 {
        let (first, last) = (packets.first.unwrap_or_default(), packets.last.unwrap_or_default());
        text.push_str(&format!("  {}, #{first} to #{last}", words::count(packets.count, "packet")));
    } else if !packets.list.is_empty() {
        text.push_str(&format!("  {}", words::packets_at_most(&packets.list, MOST_RANGES)));
    }
    if let Some((span, rate)) =
        transfer.duration.and_then(|span| Some((span, words::rate(transfer.bytes, span)?)))
    {
        text.push_str(&format!("   in {}, {rate}", words::seconds(span)));
    }
    format!("{text}   {}", closing::closed(session, data, transfer.mode))
}

/// "whole", "NOT whole: reset by the server", "whole in TLS".
pub fn whole(transfer: &Transfer) -> String {
    match (is_whole(transfer), &transfer.incomplete_because) {
        (true, _) if transfer.protected => "whole, as TLS: the content cannot be read".into(),
        (true, _) => "whole".into(),
        (false, Some(reason)) => format!("NOT whole: {}", escape::terminal(reason)),
        (false, None) => "NOT whole".into(),
    }
}

/// Whether every byte is there and nothing says that it failed.
fn is_whole(transfer: &Transfer) -> bool {
    transfer.complete && transfer.missing.is_empty()
}

/// Path or argument, as far as known.
pub fn path(transfer: &Transfer) -> Option<String> {
    match (&transfer.path, &transfer.argument) {
        (Some(path), _) => Some(wire(path, transfer.path_bytes.as_ref())),
        (None, Some(argument)) => Some(escape::terminal(argument)),
        (None, None) => None,
    }
}

fn content(session: &Session, transfer: &Transfer) -> Option<String> {
    let mut parts = Vec::new();
    if transfer.kind != Some(Kind::Listing) || transfer.path.is_some() {
        parts.extend(path(transfer));
    }
    if transfer.kind != Some(Kind::Listing) {
        let from_the_start = session.control.handshake.syn.is_some() && session.tls.is_none();
        parts.push(match (transfer.type_seen, from_the_start) {
            (true, _) => format!("type {}", type_name(transfer.representation)),
            (false, true) => "type ASCII, the default (no TYPE before)".to_owned(),
            (false, false) => "type not in the capture".to_owned(),
        });
    }
    parts.extend(
        transfer.restart_offset.map(|offset| format!("from byte {} on (REST)", words::number(offset))),
    );
    if transfer.data.is_some() {
        let holes = if transfer.missing.is_empty() { "" } else { " (what is missing as zeros)" };
        parts.extend(transfer.sha256.as_ref().map(|hash| format!("SHA-256{holes} {hash}")));
    }
    (!parts.is_empty()).then(|| parts.join("   "))
}

fn expectation(transfer: &Transfer) -> Option<String> {
    let expected = transfer.expected_bytes.filter(|expected| *expected != transfer.bytes)?;
    let source = transfer.expected_from.as_deref().map_or("the server".into(), escape::terminal);
    let packet = transfer.expected_packet.map_or(String::new(), |packet| format!(", #{packet}"));
    Some(format!("{} announced by {source}{packet}", words::count(expected, "byte")))
}

fn holes(transfer: &Transfer) -> Option<String> {
    let total = transfer.missing.iter().fold(0u64, |sum, hole| sum.saturating_add(hole.length));
    let holes = transfer
        .missing
        .iter()
        .take(MOST_RANGES)
        .map(|hole| format!("{} at {}", words::number(hole.length), words::number(hole.offset)));
    let more = match transfer.missing.len().saturating_sub(MOST_RANGES) {
        0 => String::new(),
        more => format!(" and {} more", words::number(more as u64)),
    };
    let holes: Vec<String> = holes.collect();
    (!holes.is_empty())
        .then(|| format!("missing {} in all: {}{more}", words::count(total, "byte"), holes.join(", ")))
}

fn no_connection(transfer: &Transfer) -> String {
    let announced = transfer.setup.as_ref().and_then(|setup| Some((setup.address?, setup.port?)));
    let target =
        announced.map_or(String::new(), |(address, port)| format!(" to {}", words::address(address, port)));
    let Some(failure) = &transfer.failure else {
        return format!("no data connection{target} in the capture");
    };
    let cause = match failure.cause {
        FailureCause::NoAnswer => "its SYN was never answered",
        FailureCause::Refused => "its SYN was answered by a reset",
        FailureCause::Unreachable => "ICMP says that the end cannot be reached",
        FailureCause::Reset => "it was reset before any data",
        FailureCause::NotSeen => "no attempt is in the capture",
    };
    format!("no data connection{target}: {cause}  {}", words::packets(&failure.packets)).trim_end().to_owned()
}

/// "active", "passive", "extended active", "extended passive".
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Active => "active",
        Mode::Passive => "passive",
        Mode::ExtendedActive => "extended active",
        Mode::ExtendedPassive => "extended passive",
    }
}

fn type_name(representation: Type) -> &'static str {
    match representation {
        Type::Ascii => "ASCII",
        Type::Image => "image",
        Type::Ebcdic => "EBCDIC",
        Type::Local => "local",
    }
}

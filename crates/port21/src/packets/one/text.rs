//! One packet for people: what it is part of, its fields beside their bytes, and all its bytes at the end.

use std::io;

use port21_capture::dissect::Field;

use super::context::{Said, Statement};
use super::model::{One, Parts};
use crate::escape;
use crate::output::Output;
use crate::render::text::layout::{Page, Style, WIDTH, width, wrap};
use crate::render::words;

/// From so many columns on, bytes stand to the right of their field.
const SIDE_BY_SIDE: usize = 90;
/// Bytes shown beside a field; all of them stand in the dump.
const BESIDE: usize = 12;
/// Bytes in a line of the dump.
const ROW: usize = 16;
/// Width of the labels above the fields.
const LABEL: usize = 15;

/// Writes the packet.
pub fn write(one: &One, output: &mut Output) -> io::Result<()> {
    let columns = output.columns().unwrap_or(WIDTH);
    let color = output.color();
    let mut page = Page::new(output, color);
    heading(one, &mut page)?;
    for (label, line) in facts(one) {
        let room = columns.saturating_sub(LABEL + 2).max(20);
        for (index, line) in wrap(&line, room).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = page.paint(Style::Faint, &format!("{label:<LABEL$}"));
            page.line(&format!("  {label}{line}"))?;
        }
    }
    for note in &one.notes {
        page.line("")?;
        for line in wrap(&escape::terminal(note), columns.saturating_sub(2).max(20)) {
            let line = page.paint(Style::Low, &line);
            page.line(&format!("  {line}"))?;
        }
    }
    fields(&one.parts, columns, &mut page)?;
    dump("Bytes of the packet", &one.parts, columns, &mut page)?;
    if let Some(datagram) = &one.reassembled {
        page.line("")?;
        let title =
            format!("The datagram, put together ({})", words::count(datagram.bytes.len() as u64, "byte"));
        let title = page.paint(Style::Strong, &title);
        page.line(&title)?;
        fields(datagram, columns, &mut page)?;
        dump("Bytes of the datagram", datagram, columns, &mut page)?;
    }
    Ok(())
}

fn heading(one: &One, page: &mut Page<'_>) -> io::Result<()> {
    let row = &one.row;
    let number = page.paint(Style::Strong, &format!("Packet {}", row.number));
    let protocol = escape::terminal(&row.protocol);
    page.line(&format!("{number}   {protocol}   {}", escape::terminal_bytes(&row.info)))?;
    page.line("")
}

/// What there is to say before the fields, in labelled lines.
fn facts(one: &One) -> Vec<(&'static str, String)> {
    let row = &one.row;
    let mut facts = Vec::new();
    let since = one.since_previous.map(|since| format!(", {since:.6} s after the one before"));
    let time = port21_analysis::time::rfc3339(row.timestamp.0);
    facts.push((
        "time",
        format!("{time}   {:.6} s after the first packet{}", row.time, since.unwrap_or_default()),
    ));
    let captured = match one.captured_length as u64 {
        all if all == u64::from(row.length) => "all captured".to_owned(),
        some => format!("{} captured", words::number(some)),
    };
    let length = words::count(u64::from(row.length), "byte");
    facts.push(("length", format!("{length} on the wire, {captured}   link type {}", one.link_type)));
    transport_facts(one, &mut facts);
    ftp_facts(one, &mut facts);
    facts
}

fn transport_facts(one: &One, facts: &mut Vec<(&'static str, String)>) {
    let (row, context) = (&one.row, &one.context);
    if let (Some(stream), Some(tcp)) = (row.stream, &row.tcp) {
        facts.push((
            "stream",
            format!(
                "{stream}, from the {} (port {} to port {})",
                tcp.from, tcp.source_port, tcp.destination_port
            ),
        ));
        let next = context.next_sequence.map(|next| format!(", next {next}")).unwrap_or_default();
        facts.push((
            "sequence",
            format!(
                "{} (raw {}), {} of data{next}",
                tcp.sequence,
                tcp.raw_sequence,
                words::count(u64::from(tcp.length), "byte")
            ),
        ));
        if let (Some(relative), Some(raw)) = (tcp.acknowledgement, tcp.raw_acknowledgement) {
            let of = match context.acknowledges.as_slice() {
                [] => String::new(),
                packets => format!(": the first to acknowledge {}", words::packets_at_most(packets, 8)),
            };
            facts.push(("acknowledges", format!("{relative} (raw {raw}){of}")));
        }
        let window = match tcp.window {
            Some(window) if window != u64::from(tcp.raw_window) => {
                format!("{} bytes ({} in the header, scaled)", words::number(window), tcp.raw_window)
            }
            Some(window) => format!("{} bytes", words::number(window)),
            None => format!("{} in the header; its scale is not in the capture", tcp.raw_window),
        };
        facts.push(("window", window));
        if !tcp.analysis.is_empty() {
            let of = tcp.duplicate_of.map(|packet| format!(", of #{packet}")).unwrap_or_default();
            facts.push(("analysis", format!("{}{of}", tcp.analysis.join(", "))));
        }
    }
    if let Some(packet) = context.acknowledged_by {
        facts.push(("acknowledged", format!("by #{packet}")));
    }
    if let Some(handshake) = context.handshake.filter(|packets| packets.contains(&Some(row.number))) {
        let named = ["SYN", "SYN/ACK", "ACK"].iter().zip(handshake);
        let parts: Vec<String> = named
            .map(|(name, packet)| packet.map_or(format!("no {name}"), |packet| format!("{name} #{packet}")))
            .collect();
        let trip =
            context.initial_round_trip.map(|trip| format!("   initial round trip {}", words::seconds(trip)));
        facts.push(("handshake", format!("{}{}", parts.join("   "), trip.unwrap_or_default())));
    }
    if let Some(stream) = context.unreachable_stream {
        facts.push(("about", format!("a packet of stream {stream}, which could not be delivered")));
    }
}

fn ftp_facts(one: &One, facts: &mut Vec<(&'static str, String)>) {
    let (row, context) = (&one.row, &one.context);
    if let Some(name) = &context.names_server {
        let name = escape::terminal(name);
        facts.push(("FTP", format!("names {name}, the server of session {}", row.session.unwrap_or(0))));
    } else if let Some(session) = row.session {
        let part = match (&context.transfer, row.transfer) {
            (None, None) if row.voice == crate::packets::row::Voice::Data => "a data connection",
            (None, None) => "the control connection",
            _ => "a data connection",
        };
        facts.push(("FTP", format!("session {session}, {part}")));
    }
    for statement in &context.statements {
        facts.push((statement.kind, statement_line(statement, row.number)));
    }
    if let Some(transfer) = &context.transfer {
        let what = [transfer.verb.as_deref(), transfer.path.as_deref()].into_iter().flatten();
        let what = escape::terminal(&what.collect::<Vec<_>>().join(" "));
        let by =
            transfer.command_packet.map(|packet| format!(", asked for by #{packet}")).unwrap_or_default();
        let length = row.tcp.as_ref().map_or(0, |tcp| u64::from(tcp.length));
        let place = transfer.offset.map(|offset| {
            let last = offset.saturating_add(length).saturating_sub(1);
            format!(
                "; bytes {} to {} of {}",
                words::number(offset),
                words::number(last),
                words::number(transfer.bytes)
            )
        });
        facts.push(("transfer", format!("{what}{by}{}", place.unwrap_or_default())));
    }
}

fn statement_line(statement: &Statement, packet: u64) -> String {
    let said = |said: &Said| {
        let number = said.packet.map(|packet| format!("#{packet} ")).unwrap_or_default();
        format!("{number}{}", escape::terminal(&said.text))
    };
    let mut line = escape::terminal(&statement.text);
    if statement.packets.iter().any(|number| *number != packet) {
        line.push_str(&format!("   (in {})", words::packets_at_most(&statement.packets, 8)));
    }
    match (&statement.answers, statement.answered_by.as_slice()) {
        (Some(command), _) => line.push_str(&format!("   the reply to {}", said(command))),
        (None, []) if statement.kind == "command" => line.push_str("   never answered"),
        (None, []) => {}
        (None, replies) => {
            let replies: Vec<String> = replies.iter().map(said).collect();
            line.push_str(&format!("   answered by {}", words::list(&replies)));
        }
    }
    line
}

fn fields(parts: &Parts, columns: usize, page: &mut Page<'_>) -> io::Result<()> {
    for layer in &parts.layers {
        page.line("")?;
        let value = escape::terminal(&layer.value);
        let separator = if value.is_empty() { "" } else { ", " };
        let place = match layer.length {
            0 => String::new(),
            1 => format!("   byte {}", layer.offset),
            _ => format!("   bytes {}-{}", layer.offset, layer.end() - 1),
        };
        let heading =
            wrap(&format!("{}{separator}{value}{place}", layer.name), columns.saturating_sub(2).max(20));
        for (index, line) in heading.iter().enumerate() {
            let line = page.paint(Style::Strong, line);
            let indent = if index == 0 { "" } else { "  " };
            page.line(&format!("{indent}{line}"))?;
        }
        for child in &layer.children {
            field(child, 1, parts, columns, page)?;
        }
    }
    Ok(())
}

fn field(field_: &Field, depth: usize, parts: &Parts, columns: usize, page: &mut Page<'_>) -> io::Result<()> {
    let indent = depth * 2;
    let separator = if field_.value.is_empty() { "" } else { ": " };
    let text = format!("{}{separator}{}", field_.name, escape::terminal(&field_.value));
    let bytes = beside(field_, parts);
    let wide = columns >= SIDE_BY_SIDE;
    // Beside it: offset, space, the bytes with a space between, and what says that there are more.
    let taken = if wide { 6 + BESIDE * 3 + 3 } else { 0 };
    let left = columns.min(WIDTH).saturating_sub(taken);
    let lines = wrap(&text, left.saturating_sub(indent + 2).max(20));
    for (index, line) in lines.iter().enumerate() {
        let line = format!("{:1$}{line}", "", if index == 0 { indent } else { indent + 2 });
        if wide && index == 0 {
            let gap = left.saturating_sub(width(&line));
            let bytes = page.paint(Style::Faint, &bytes);
            page.line(&format!("{line}{:gap$}  {bytes}", ""))?;
        } else {
            page.line(&line)?;
        }
    }
    if !wide && !bytes.is_empty() {
        let bytes = page.paint(Style::Faint, &bytes);
        page.line(&format!("{:1$}{bytes}", "", indent + 2))?;
    }
    for child in &field_.children {
        field(child, depth + 1, parts, columns, page)?;
    }
    Ok(())
}

/// Offset and first bytes of a field.
fn beside(field: &Field, parts: &Parts) -> String {
    let bytes = parts.bytes.get(field.offset..field.end()).unwrap_or_default();
    if bytes.is_empty() {
        return String::new();
    }
    let digits =
        bytes.iter().take(BESIDE).enumerate().map(|(index, byte)| digits(*byte, field.offset + index, parts));
    let more = if bytes.len() > BESIDE { " …" } else { "" };
    format!("{:04x}  {}{more}", field.offset, digits.collect::<Vec<_>>().join(" "))
}

/// Two digits, or two asterisks for a byte that is hidden.
fn digits(byte: u8, at: usize, parts: &Parts) -> String {
    match parts.hidden.iter().any(|range| range.contains(&at)) {
        true => "**".to_owned(),
        false => format!("{byte:02x}"),
    }
}

/// All bytes: offset, hexadecimal, ASCII.
fn dump(title: &str, parts: &Parts, columns: usize, page: &mut Page<'_>) -> io::Result<()> {
    page.line("")?;
    let title = page.paint(Style::Strong, title);
    page.line(&title)?;
    let row = if columns >= 6 + ROW * 4 + 3 { ROW } else { ROW / 2 };
    for (index, bytes) in parts.bytes.chunks(row).enumerate() {
        let at = index * row;
        let mut hex = String::new();
        let mut ascii = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 {
                hex.push_str(if index == ROW / 2 { "  " } else { " " });
            }
            hex.push_str(&digits(*byte, at + index, parts));
            ascii.push(if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' });
        }
        let room = row * 3 + usize::from(row == ROW);
        page.line(&format!("{at:04x}  {hex:<room$}  {ascii}"))?;
    }
    Ok(())
}

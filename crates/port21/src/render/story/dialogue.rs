//! The dialogue: commands and replies in the order of their packets, data connections and TLS at their place.

use std::collections::HashMap;

use ftp_protocol::address::{self, DataAddress};
use port21_analysis::report::{Command, Exchange, Reply, Session, Tls, Transfer};

use crate::escape;
use crate::render::story::{Speaker, Step, transfer, wire};
use crate::render::words;

/// Most lines of one reply that are told; the JSON report has all.
const MOST_LINES: usize = 24;

/// This many exchanges in a row that say the same are told as one.
const FEWEST_REPEATED: usize = 4;

/// The steps of a session's dialogue.
pub fn steps(session: &Session) -> Vec<Step> {
    let hints = Hints::of(session);
    let mut placed: Vec<(u64, Step)> = Vec::new();
    if let Some(greeting) = &session.greeting
        && !session.exchanges.iter().any(|exchange| holds(exchange, greeting))
    {
        placed.push((greeting.packet, said_by_server(greeting, &hints, None)));
    }
    let mut rest = session.exchanges.as_slice();
    while let Some(first) = rest.first() {
        let same = rest.iter().take_while(|exchange| says_the_same(first, exchange)).count().max(1);
        let told = if same > FEWEST_REPEATED { 1 } else { same };
        let (run, behind) = rest.split_at(same);
        let (plain, repeated) = run.split_at(told);
        plain.iter().for_each(|exchange| place(exchange, session, &hints, &mut placed));
        if let Some(begin) = repeated.first().and_then(first_packet) {
            placed.push((begin, repetition(repeated)));
        }
        rest = behind;
    }
    for transfer in &session.transfers {
        let lines = transfer::lines(session, transfer);
        placed.push((place_of(transfer), Step::Aside { label: "data", lines }));
    }
    placed.extend(session.tls.iter().flat_map(tls));
    // Stable: what one packet carries stays in the order in which it was said.
    placed.sort_by_key(|(packet, _)| *packet);
    placed.into_iter().map(|(_, step)| step).collect()
}

fn holds(exchange: &Exchange, greeting: &Reply) -> bool {
    exchange
        .replies
        .iter()
        .any(|reply| reply.packet == greeting.packet && reply.sequence == greeting.sequence)
}

fn place(exchange: &Exchange, session: &Session, hints: &Hints<'_>, placed: &mut Vec<(u64, Step)>) {
    if let Some(command) = &exchange.command {
        let packet = command.packets.first().copied().unwrap_or_default();
        placed.push((packet, said_by_client(command, exchange, session, hints)));
    }
    for reply in &exchange.replies {
        placed.push((reply.packet, said_by_server(reply, hints, exchange.command.as_ref())));
    }
}

fn said_by_client(command: &Command, exchange: &Exchange, session: &Session, hints: &Hints<'_>) -> Step {
    let mut remarks = hints.about_command(command);
    if command.defined_in.is_none() {
        remarks.push("not a command of any RFC".into());
    }
    remarks.extend(truncation(command.truncated_from));
    if exchange.replies.is_empty() {
        let tls = session.tls.as_ref().and_then(|tls| tls.first_packet);
        let into_tls = tls.is_some_and(|first| command.packets.last().is_some_and(|last| *last <= first));
        if !into_tls {
            remarks.push("no reply in the capture".into());
        }
    }
    Step::Said {
        packets: command.packets.to_vec(),
        from: Speaker::Client,
        lines: vec![command_line(command)],
        hints: remarks,
    }
}

fn command_line(command: &Command) -> String {
    let verb = escape::terminal(&command.verb);
    match &command.argument {
        Some(argument) => format!("{verb} {}", wire(argument, command.argument_bytes.as_ref())),
        None => verb,
    }
}

fn said_by_server(reply: &Reply, hints: &Hints<'_>, command: Option<&Command>) -> Step {
    let mut remarks = hints.about_reply(reply, command);
    remarks.extend(truncation(reply.truncated_from));
    Step::Said {
        packets: reply.packets.to_vec(),
        from: Speaker::Server,
        lines: reply_lines(reply),
        hints: remarks,
    }
}

fn truncation(bytes: Option<u64>) -> Option<String> {
    bytes.map(|bytes| format!("only the beginning of {}", words::count(bytes, "byte")))
}

/// The lines of a reply with code and hyphen as RFC 959, section 4.2, has them.
fn reply_lines(reply: &Reply) -> Vec<String> {
    let bytes = |index: usize| reply.lines_bytes.as_ref().and_then(|lines| lines.get(index));
    let code = reply.code.map(|code| format!("{code:03}"));
    let last = reply.lines.len().saturating_sub(1);
    let mut lines: Vec<String> = reply
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let text = wire(line, bytes(index));
            match &code {
                Some(code) if index == last => format!("{code} {text}").trim_end().to_owned(),
                Some(code) if index == 0 => format!("{code}-{text}"),
                _ => text,
            }
        })
        .collect();
    if lines.is_empty() {
        lines.extend(code);
    }
    if lines.len() > MOST_LINES {
        let end = lines.pop();
        let cut = lines.len().saturating_sub(MOST_LINES - 2);
        lines.truncate(MOST_LINES - 2);
        lines.push(format!("... {} more", words::count(cut as u64, "line")));
        lines.extend(end);
    }
    lines
}

/// What is worth saying beside a command or a reply, gathered once for the session.
struct Hints<'a> {
    session: &'a Session,
    /// First packets of the replies that one packet acknowledged first.
    acknowledged: HashMap<u64, Vec<u64>>,
}

impl<'a> Hints<'a> {
    fn of(session: &'a Session) -> Hints<'a> {
        let mut hints = Hints { session, acknowledged: HashMap::new() };
        let greeting = session
            .greeting
            .iter()
            .filter(|greeting| !session.exchanges.iter().any(|exchange| holds(exchange, greeting)));
        for reply in greeting.chain(session.exchanges.iter().flat_map(|exchange| &exchange.replies)) {
            if let Some(acknowledgement) = reply.acknowledged_by {
                let covered = hints.acknowledged.entry(acknowledgement).or_default();
                covered.push(reply.packets.last().copied().unwrap_or(reply.packet));
            }
        }
        for covered in hints.acknowledged.values_mut() {
            covered.sort_unstable();
            covered.dedup();
        }
        hints
    }

    fn about_command(&self, command: &Command) -> Vec<String> {
        let argument = command.argument.as_deref().unwrap_or_default().as_bytes();
        let announced = match command.verb.as_ref() {
            "PORT" => address::parse_port(argument),
            "EPRT" => address::parse_eprt(argument),
            "LPRT" => address::parse_lprt(argument),
            _ => return Vec::new(),
        };
        announced
            .ok()
            .map(|data| announcement(&data, "the client", self.session.client.address))
            .into_iter()
            .collect()
    }

    fn about_reply(&self, reply: &Reply, command: Option<&Command>) -> Vec<String> {
        let text = reply.lines.join(" ");
        let parsed = match reply.code {
            Some(227) => address::parse_pasv_reply(text.as_bytes()).ok(),
            Some(228) => address::parse_lpsv_reply(text.as_bytes()).ok(),
            Some(229) => address::parse_epsv_reply(text.as_bytes())
                .or_else(|error| address::parse_pasv_reply(text.as_bytes()).map_err(|_| error))
                .ok(),
            _ => None,
        };
        let own_address = self.session.server.address;
        // 227 answers PASV and its kin; a line that only looks like it, to another command, announces nothing.
        let asked = command.is_none_or(|command| command.verb.ends_with("SV"));
        let mut remarks: Vec<String> = parsed
            .filter(|_| asked)
            .map(|data| announcement(&data, "the server", own_address))
            .into_iter()
            .collect();
        let own = reply.packets.last().copied().unwrap_or(reply.packet);
        let covered =
            reply.acknowledged_by.and_then(|packet| Some((packet, self.acknowledged.get(&packet)?)));
        if let Some((acknowledgement, covered)) = covered
            && covered.len() > 1
            && covered.first() == Some(&own)
        {
            let covered: Vec<String> = covered.iter().map(|packet| format!("#{packet}")).collect();
            remarks.push(format!("one ACK, #{acknowledgement}, covers {}", words::list(&covered)));
        }
        remarks
    }
}

/// "the client listens on 192.168.1.10:5001 (19 * 256 + 137)".
fn announcement(data: &DataAddress, speaker: &str, own: std::net::IpAddr) -> String {
    let address = data.address.unwrap_or(own);
    let verb = if address == own { "listens on" } else { "names" };
    let arithmetic = data.arithmetic.map_or(String::new(), |(high, low)| format!(" ({high} * 256 + {low})"));
    format!("{speaker} {verb} {}{arithmetic}", words::address(address, data.port))
}

fn says_the_same(one: &Exchange, other: &Exchange) -> bool {
    let (Some(command), Some(next)) = (&one.command, &other.command) else { return false };
    let same_replies = || {
        let mut pairs = one.replies.iter().zip(&other.replies);
        one.replies.len() == other.replies.len()
            && pairs.all(|(reply, next)| reply.code == next.code && reply.lines == next.lines)
    };
    command.verb == next.verb
        && command.argument == next.argument
        && command.argument_bytes == next.argument_bytes
        && same_replies()
}

fn first_packet(exchange: &Exchange) -> Option<u64> {
    exchange.command.as_ref().and_then(|command| command.packets.first().copied())
}

fn repetition(exchanges: &[Exchange]) -> Step {
    let commands = exchanges.iter().filter_map(|exchange| exchange.command.as_ref());
    let said = commands.clone().next().map(command_line).unwrap_or_default();
    let mut parts = vec![(said, commands.flat_map(|command| command.packets.iter().copied()).collect())];
    let most = exchanges.first().map_or(0, |exchange| exchange.replies.len());
    for index in 0..most {
        let replies = exchanges.iter().filter_map(|exchange| exchange.replies.get(index));
        let code = replies.clone().next().and_then(|reply| reply.code);
        let code = code.map_or("reply".into(), |code| format!("{code:03}"));
        parts.push((code, replies.flat_map(|reply| reply.packets.iter().copied()).collect()));
    }
    Step::Repeated { times: exchanges.len() as u64, parts }
}

/// The packet before which a transfer is told: where its connection begins, or else where it was asked for.
fn place_of(transfer: &Transfer) -> u64 {
    let failed = transfer.failure.as_ref().and_then(|failure| failure.packets.first().copied());
    let announced = transfer.setup.as_ref().and_then(|setup| setup.reply_packet.or(setup.command_packet));
    let connection = transfer.data.as_ref().map(|data| data.first_packet);
    connection
        .or(failed)
        .or(transfer.command_packet)
        .or(transfer.opening_reply.map(|reply| reply.packet))
        .or(announced)
        .or(transfer.closing_reply.map(|reply| reply.packet))
        .unwrap_or(u64::MAX)
}

fn tls(tls: &Tls) -> Vec<(u64, Step)> {
    let mut steps = Vec::new();
    if let Some(first) = tls.first_packet {
        let version = tls.version.as_deref().map_or("TLS".into(), escape::terminal);
        let name = tls
            .server_name
            .as_deref()
            .map_or(String::new(), |name| format!(", for the server name {}", escape::terminal(name)));
        let bytes = format!(
            "{} of the client and {} of the server: what they said there cannot be read",
            words::count(tls.bytes.client, "byte"),
            words::count(tls.bytes.server, "byte")
        );
        let lines = vec![format!("{version} from #{first} on{name}"), bytes];
        steps.push((first, Step::Aside { label: "TLS", lines }));
    }
    if let Some(packet) = tls.cleared_packet {
        let lines = vec![format!("ends: in the clear again from #{packet} on")];
        steps.push((packet, Step::Aside { label: "TLS", lines }));
    }
    steps
}

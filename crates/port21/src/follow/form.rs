//! The forms in which a stream is written: text, hexadecimal, raw and JSON.

use std::io::{self, Write};

use port21_analysis::tcp::{Chunk, Connection, End, Gap};
use serde::Serialize;

use crate::arguments::FollowFormat;
use crate::escape;
use crate::secrets::Run;

/// Bytes in a line of hexadecimal.
const HEX_WIDTH: usize = 16;

/// Zeros written at a time.
const ZEROS: [u8; 8192] = [0; 8192];

/// Writes what happens on a stream.
pub struct Form<'a> {
    kind: FollowFormat,
    output: &'a mut dyn Write,
    began: bool,
    /// The last packet with data of each end.
    last_packets: [Option<u64>; 2],
}

/// One line of the JSON form.
#[derive(Serialize)]
#[serde(untagged)]
enum Element<'a> {
    Data {
        from: &'static str,
        packet: u64,
        time: f64,
        offset: u64,
        length: usize,
        /// `null` where the bytes are not UTF-8.
        text: Option<&'a str>,
        /// In hexadecimal.
        bytes: String,
    },
    Missing {
        from: &'static str,
        offset: u64,
        missing: u64,
        acknowledged: bool,
    },
}

impl<'a> Form<'a> {
    /// Writes to `output`.
    pub fn new(kind: FollowFormat, output: &'a mut dyn Write) -> Form<'a> {
        Form { kind, output, began: false, last_packets: [None, None] }
    }

    /// Bytes of one packet, parted into what may be shown and what may not; `seconds` since the first packet.
    pub fn data(
        &mut self,
        connection: &Connection,
        from: End,
        chunk: &Chunk<'_>,
        runs: &[Run<'_>],
        seconds: f64,
    ) -> io::Result<()> {
        self.begin(connection)?;
        *self.last_packet(from) = Some(chunk.packet);
        match self.kind {
            FollowFormat::Text => self.text(from, chunk.packet, runs),
            FollowFormat::Hex => self.hexadecimal(from, chunk, &masked(runs)),
            FollowFormat::Raw => self.output.write_all(&masked(runs)),
            FollowFormat::Json => {
                let bytes = masked(runs);
                let element = Element::Data {
                    from: name(from),
                    packet: chunk.packet,
                    time: seconds,
                    offset: chunk.offset,
                    length: bytes.len(),
                    text: std::str::from_utf8(&bytes).ok(),
                    bytes: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                };
                self.element(&element)
            }
        }
    }

    /// Bytes that the capture does not hold: zeros in the raw form, so that offsets stay.
    pub fn gap(&mut self, connection: &Connection, from: End, gap: Gap) -> io::Result<()> {
        self.begin(connection)?;
        let after = self.last_packet(from).map(|packet| format!(" after #{packet}")).unwrap_or_default();
        let bytes = if gap.length == 1 { "byte" } else { "bytes" };
        let remark = format!("[{} {bytes} missing in the capture{after}]", gap.length);
        match self.kind {
            FollowFormat::Text => writeln!(self.output, "{:>9} {} {remark}", "", arrow(from)),
            FollowFormat::Hex => writeln!(self.output, "{} {:08x}  {remark}", arrow(from), gap.offset),
            FollowFormat::Raw => {
                let mut left = gap.length;
                while left > 0 {
                    let run = left.min(ZEROS.len() as u64);
                    self.output.write_all(ZEROS.get(..run as usize).unwrap_or_default())?;
                    left -= run;
                }
                Ok(())
            }
            FollowFormat::Json => {
                let (offset, missing, acknowledged) = (gap.offset, gap.length, gap.acknowledged);
                self.element(&Element::Missing { from: name(from), offset, missing, acknowledged })
            }
        }
    }

    /// Nothing more will come.
    pub fn finish(&mut self, connection: &Connection) -> io::Result<()> {
        self.begin(connection)
    }

    /// Who talks to whom, once that is certain.
    fn begin(&mut self, connection: &Connection) -> io::Result<()> {
        if std::mem::replace(&mut self.began, true) {
            return Ok(());
        }
        let end = |end| {
            let end = connection.end(end);
            std::net::SocketAddr::new(end.address, end.port)
        };
        let (client, server) = (end(End::Initiator), end(End::Responder));
        match self.kind {
            FollowFormat::Text | FollowFormat::Hex => {
                let doubt =
                    if connection.initiator_known { "" } else { "   (who opened it is not in the capture)" };
                writeln!(self.output, "Stream {}   {client} -> {server}{doubt}", connection.stream)
            }
            FollowFormat::Raw | FollowFormat::Json => Ok(()),
        }
    }

    fn last_packet(&mut self, from: End) -> &mut Option<u64> {
        let [initiator, responder] = &mut self.last_packets;
        match from {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }

    /// One line of output for each line, or part of one, in the packet.
    fn text(&mut self, from: End, packet: u64, runs: &[Run<'_>]) -> io::Result<()> {
        let mut lines = vec![String::new()];
        for run in runs {
            match run {
                Run::Plain(bytes) => {
                    for (at, piece) in bytes.split(|byte| *byte == b'\n').enumerate() {
                        if at > 0 {
                            lines.push(String::new());
                        }
                        if let Some(line) = lines.last_mut() {
                            line.push_str(&escape::terminal_bytes(piece));
                        }
                    }
                }
                Run::Secret { begins: true, .. } => {
                    if let Some(line) = lines.last_mut() {
                        line.push_str("<hidden>");
                    }
                }
                Run::Secret { begins: false, .. } => {}
            }
        }
        // What is behind the last line feed is a line only if there is something.
        if lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        for line in &lines {
            // The carriage return that belongs to a line end says nothing.
            let line = line.strip_suffix("\\r").unwrap_or(line);
            writeln!(self.output, "{:>9} {} {line}", format!("#{packet}"), arrow(from))?;
        }
        Ok(())
    }

    fn hexadecimal(&mut self, from: End, chunk: &Chunk<'_>, bytes: &[u8]) -> io::Result<()> {
        for (row, line) in bytes.chunks(HEX_WIDTH).enumerate() {
            let offset = chunk.offset.saturating_add((row * HEX_WIDTH) as u64);
            let digits: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let ascii: String = line
                .iter()
                .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
                .collect();
            let digits = digits.join(" ");
            let packet = if row == 0 { format!("  #{}", chunk.packet) } else { String::new() };
            writeln!(self.output, "{} {offset:08x}  {digits:<47}  |{ascii:<16}|{packet}", arrow(from))?;
        }
        Ok(())
    }

    fn element(&mut self, element: &Element<'_>) -> io::Result<()> {
        serde_json::to_writer(&mut *self.output, element)?;
        self.output.write_all(b"\n")
    }
}

/// The bytes with every byte of a password replaced by an asterisk: lengths and offsets stay.
fn masked(runs: &[Run<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in runs {
        match run {
            Run::Plain(plain) => bytes.extend_from_slice(plain),
            Run::Secret { length, .. } => bytes.resize(bytes.len() + length, b'*'),
        }
    }
    bytes
}

fn arrow(from: End) -> &'static str {
    match from {
        End::Initiator => "->",
        End::Responder => "<-",
    }
}

fn name(from: End) -> &'static str {
    match from {
        End::Initiator => "client",
        End::Responder => "server",
    }
}

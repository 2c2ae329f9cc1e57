//! `port21 follow`: both sides of one TCP stream, in the order in which the bytes were said.

use std::io::Write;

use port21_analysis::report::Session;
use port21_analysis::tcp::{Chunk, Connection, End, Gap, Interest, Limits, Sink, Tracker};
use port21_capture::{Timestamp, Transport};
use serde_json::json;

use crate::arguments::{FollowArguments, FollowFormat, FollowSide};
use crate::escape;
use crate::input::Inputs;
use crate::outcome::{Failure, Outcome};
use crate::output::{self, Output};

/// Bytes a line of the hexadecimal form.
const HEX_WIDTH: usize = 16;

/// Runs the command.
pub fn run(arguments: &FollowArguments) -> anyhow::Result<Outcome> {
    let mut inputs = Inputs::repeatable(&arguments.captures)?;
    let mut options = arguments.common.analysis();
    options.hash = false;
    let mut sessions: Vec<Session> = Vec::new();
    inputs.examine(options, &mut sessions)?;
    let is_control = sessions.iter().any(|session| session.control.stream == arguments.stream);
    let hide = is_control && !arguments.common.show_passwords;
    let mut follower = Follower {
        stream: arguments.stream,
        side: arguments.side,
        form: arguments.form,
        masks: hide.then(Default::default),
        output: Output::standard(arguments.common.color),
        epoch: None,
        found: false,
        incomplete: false,
        error: None,
    };
    let mut tracker = Tracker::new(Limits::default());
    let reading = inputs.read(|packet, decoded| {
        follower.epoch.get_or_insert(packet.time);
        if let Some(Transport::Tcp(segment)) = &decoded.transport {
            tracker.segment(decoded, segment, &mut follower);
        }
        follower.error.take().map_or(Ok(()), Err)
    })?;
    tracker.finish(&mut follower);
    if let Some(error) = follower.error.take() {
        return Err(error);
    }
    if !follower.found {
        let text = match tracker.connections_seen() {
            0 => "no TCP stream is in the capture".to_owned(),
            seen => format!("the capture has no TCP stream {}: they are 0 to {}", arguments.stream, seen - 1),
        };
        return Err(Failure::Arguments(text).into());
    }
    follower.output.finish()?;
    if follower.masks.is_some_and(|masks| masks.iter().any(|mask| mask.hidden)) {
        output::complain("a password is hidden by asterisks; --show-passwords shows it");
    }
    Ok(match (reading.unreadable, arguments.common.strict && follower.incomplete) {
        (true, _) => Outcome::Unreadable,
        (false, true) => Outcome::Incomplete,
        (false, false) => Outcome::Complete,
    })
}

/// Writes the bytes of one stream as they are delivered.
struct Follower {
    stream: u64,
    side: Option<FollowSide>,
    form: FollowFormat,
    /// What hides the passwords of either end, if they are to be hidden.
    masks: Option<[Mask; 2]>,
    output: Output,
    epoch: Option<Timestamp>,
    found: bool,
    incomplete: bool,
    error: Option<anyhow::Error>,
}

impl Follower {
    fn wants(&self, connection: &Connection, from: End) -> bool {
        let side = match self.side {
            None => true,
            Some(FollowSide::Client) => from == End::Initiator,
            Some(FollowSide::Server) => from == End::Responder,
        };
        side && connection.stream == self.stream && self.error.is_none()
    }

    fn write(&mut self, from: End, chunk: &Chunk<'_>) -> anyhow::Result<()> {
        let masked = self.masks.as_mut().map(|[initiator, responder]| match from {
            End::Initiator => initiator.apply(chunk.bytes),
            End::Responder => responder.apply(chunk.bytes),
        });
        let bytes = masked.as_deref().unwrap_or(chunk.bytes);
        let (arrow, name) = match from {
            End::Initiator => ("->", "client"),
            End::Responder => ("<-", "server"),
        };
        let output = &mut self.output;
        match self.form {
            FollowFormat::Raw => output.write_all(bytes)?,
            FollowFormat::Text => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    let text = line.strip_suffix(b"\n").unwrap_or(line);
                    let text = text.strip_suffix(b"\r").unwrap_or(text);
                    writeln!(
                        output,
                        "{:>8} {arrow} {}",
                        format!("#{}", chunk.packet),
                        escape::terminal_bytes(text)
                    )?;
                }
            }
            FollowFormat::Hex => {
                for (row, at) in bytes.chunks(HEX_WIDTH).zip((chunk.offset..).step_by(HEX_WIDTH)) {
                    let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
                    let printable =
                        |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { *byte } else { b'.' };
                    let ascii =
                        String::from_utf8_lossy(&row.iter().map(printable).collect::<Vec<u8>>()).into_owned();
                    let number = format!("#{}", chunk.packet);
                    writeln!(output, "{number:>8} {arrow} {at:08x}  {:<48} {ascii}", hex.join(" "))?;
                }
            }
            FollowFormat::Json => {
                let time = self.epoch.map(|epoch| chunk.time.seconds_since(epoch));
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let text = std::str::from_utf8(bytes).ok();
                let line = json!({
                    "from": name, "packet": chunk.packet, "offset": chunk.offset, "time": time,
                    "length": bytes.len(), "text": text, "bytes": hex,
                });
                writeln!(output, "{line}")?;
            }
        }
        Ok(())
    }

    fn missing(&mut self, from: End, gap: Gap) -> anyhow::Result<()> {
        self.incomplete = true;
        let name = if from == End::Initiator { "client" } else { "server" };
        match self.form {
            FollowFormat::Raw => {
                output::complain(&format!(
                    "{} bytes from offset {} of the {name}'s are not in the capture and left out",
                    gap.length, gap.offset
                ));
            }
            FollowFormat::Json => {
                writeln!(
                    self.output,
                    "{}",
                    json!({"from": name, "missing": gap.length, "offset": gap.offset})
                )?;
            }
            FollowFormat::Text | FollowFormat::Hex => {
                let (length, offset) = (gap.length, gap.offset);
                writeln!(
                    self.output,
                    "[{length} bytes of the {name}'s, from offset {offset}, are not in the capture]"
                )?;
            }
        }
        Ok(())
    }
}

impl Sink for Follower {
    fn opened(&mut self, connection: &Connection) {
        self.found |= connection.stream == self.stream;
    }

    fn packet(&mut self, _: &Connection, _: u64, _: Timestamp, _: End, _: u32) {}

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        if connection.stream != self.stream {
            return Interest::CountOnly;
        }
        if self.wants(connection, from) {
            self.error = self.write(from, &chunk).err();
        }
        Interest::Keep
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        if self.wants(connection, from) {
            self.error = self.missing(from, gap).err();
        }
    }

    fn acknowledged(&mut self, _: &Connection, _: End, _: u64, _: u64) {}

    fn finished(&mut self, _: &Connection, _: End, _: u64) {}

    fn ended(&mut self, _: Connection) {}
}

/// Puts asterisks in the place of passwords, byte by byte, so that offsets stay.
#[derive(Debug, Default)]
struct Mask {
    /// The current line's first bytes.
    line: Vec<u8>,
    secret: bool,
    guest: bool,
    hidden: bool,
}

impl Mask {
    /// Longest part of a line that is looked at: "USER " and a guest's name.
    const LOOK: usize = 16;

    fn apply(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| self.byte(*byte)).collect()
    }

    fn byte(&mut self, byte: u8) -> u8 {
        if matches!(byte, b'\r' | b'\n') {
            let user = self.line.split_first_chunk::<5>();
            if let Some((_, user)) = user.filter(|(verb, _)| verb.eq_ignore_ascii_case(b"USER ")) {
                let guests = [&b"anonymous"[..], b"ftp", b"guest"];
                self.guest = guests.iter().any(|guest| guest.eq_ignore_ascii_case(user));
            }
            self.line.clear();
            self.secret = false;
            return byte;
        }
        if self.secret {
            self.hidden = true;
            return b'*';
        }
        if self.line.len() < Self::LOOK {
            self.line.push(byte);
        }
        let password = self.line.eq_ignore_ascii_case(b"PASS ") && !self.guest;
        self.secret = password || self.line.eq_ignore_ascii_case(b"ACCT ");
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;

    fn masked(parts: &[&str]) -> String {
        let mut mask = Mask::default();
        parts.iter().map(|part| String::from_utf8(mask.apply(part.as_bytes())).unwrap()).collect()
    }

    #[test]
    fn password_is_hidden_however_it_is_cut() {
        assert_eq!(
            masked(&["USER bob\r\npa", "ss se", "cret\r\nPWD\r\n"]),
            "USER bob\r\npass ******\r\nPWD\r\n"
        );
    }

    #[test]
    fn guest_has_no_secret() {
        assert_eq!(masked(&["USER anonymous\r\nPASS me@here\r\n"]), "USER anonymous\r\nPASS me@here\r\n");
    }

    #[test]
    fn word_that_only_begins_like_it_is_left() {
        assert_eq!(masked(&["PASSIVE yes\r\n"]), "PASSIVE yes\r\n");
    }
}

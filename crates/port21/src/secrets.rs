//! Finds passwords (PASS, ACCT) in the bytes of a stream, to hide them, without knowing yet whether the stream is FTP.
//!
//! A line that begins with PASS is taken for a command where the other end speaks in replies (three digits first), or has
//! said nothing yet on a stream that looks like a dialogue. In a file that is being transferred such a line is a line.

use std::ops::Range;

use ftp_protocol::command::is_guest;
use port21_analysis::tcp::End;

/// The control port of FTP (RFC 959, section 8).
const FTP_PORT: u16 = 21;

/// Longest USER argument that is compared with the names of guests.
const USER_LIMIT: usize = 16;

/// Watches both directions of one stream.
#[derive(Debug)]
pub struct Secrets {
    show: bool,
    sides: [Side; 2],
    /// Passwords hidden so far.
    hidden: u64,
}

/// A run of bytes of one packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Run<'a> {
    /// To be shown.
    Plain(&'a [u8]),
    /// A password, or a part of one.
    Secret {
        /// Its bytes.
        length: usize,
        /// The password begins here.
        begins: bool,
    },
}

#[derive(Debug, Default)]
struct Side {
    /// The first bytes, as far as they tell a reply.
    opening: Vec<u8>,
    line: Line,
    /// At least one line has ended.
    spoke: bool,
    /// USER was the verb of a line.
    named: bool,
    guest: bool,
}

/// Where in a line a direction is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    /// The verb so far, in upper case.
    Verb(Vec<u8>),
    /// The argument of USER so far, in lower case.
    User(Vec<u8>),
    /// The argument of PASS or ACCT; whether a byte of it has been given out.
    Password(bool),
    /// Anything else.
    Other,
}

impl Default for Line {
    fn default() -> Self {
        Line::Verb(Vec::new())
    }
}

impl Secrets {
    /// Watches a stream to `port`; with `show`, nothing is hidden.
    pub fn new(port: u16, show: bool) -> Secrets {
        let on_control_port = || Side { named: port == FTP_PORT, ..Side::default() };
        Secrets { show, sides: [on_control_port(), on_control_port()], hidden: 0 }
    }

    /// How many passwords were hidden.
    pub fn hidden(&self) -> u64 {
        self.hidden
    }

    /// Parts what `from` sent into what may be shown and what may not.
    pub fn part<'a>(&mut self, from: End, bytes: &'a [u8]) -> Vec<Run<'a>> {
        let [initiator, responder] = &mut self.sides;
        let (side, other) = match from {
            End::Initiator => (initiator, responder),
            End::Responder => (responder, initiator),
        };
        let mut runs: Vec<Run<'a>> = Vec::new();
        let mut plain_from = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let Some(begins) = side.take(*byte, other, self.show) else { continue };
            if let Some(plain) = bytes.get(plain_from..at).filter(|plain| !plain.is_empty()) {
                runs.push(Run::Plain(plain));
            }
            plain_from = at + 1;
            match runs.last_mut() {
                Some(Run::Secret { length, .. }) if !begins => *length += 1,
                _ => runs.push(Run::Secret { length: 1, begins }),
            }
            self.hidden += u64::from(begins);
        }
        if let Some(plain) = bytes.get(plain_from..).filter(|plain| !plain.is_empty()) {
            runs.push(Run::Plain(plain));
        }
        runs
    }

    /// Bytes of `from` are missing. A password goes on until its line ends; anything else may be the start of a line.
    pub fn gap(&mut self, from: End) {
        let [initiator, responder] = &mut self.sides;
        let side = if from == End::Initiator { initiator } else { responder };
        if !matches!(side.line, Line::Password(_)) {
            side.line = Line::default();
        }
    }
}

impl Side {
    /// Takes a byte; `Some` if it belongs to a password: whether it is the first of it.
    fn take(&mut self, byte: u8, other: &Side, show: bool) -> Option<bool> {
        if self.opening.len() < 4 {
            self.opening.push(byte);
        }
        if matches!(byte, b'\r' | b'\n') {
            self.end_line();
            return None;
        }
        // Asked before the line is borrowed; it only looks at a few bytes.
        let hides = !show && matches!(self.line, Line::Verb(_)) && self.hides(other);
        match &mut self.line {
            Line::Password(begun) => return Some(!std::mem::replace(begun, true)),
            Line::Other => {}
            Line::User(user) => {
                if user.len() < USER_LIMIT {
                    user.push(byte.to_ascii_lowercase());
                }
            }
            // Telnet commands and blanks may stand before a verb (RFC 959, section 4.1.3).
            Line::Verb(verb) if verb.is_empty() && !(0x21..0x80).contains(&byte) => {}
            Line::Verb(verb) if byte == b' ' || byte == b'\t' => {
                self.line = match verb.as_slice() {
                    b"PASS" | b"ACCT" if hides => Line::Password(false),
                    b"USER" => Line::User(Vec::new()),
                    _ => Line::Other,
                };
            }
            Line::Verb(verb) if verb.len() >= 4 => self.line = Line::Other,
            Line::Verb(verb) => verb.push(byte.to_ascii_uppercase()),
        }
        None
    }

    fn end_line(&mut self) {
        match std::mem::take(&mut self.line) {
            Line::User(user) => {
                self.guest = is_guest(&user);
                self.named = true;
                self.spoke = true;
            }
            Line::Verb(verb) => self.spoke |= !verb.is_empty(),
            Line::Password(_) | Line::Other => self.spoke = true,
        }
    }

    /// Whether PASS is a command here, and its argument a secret.
    fn hides(&self, other: &Side) -> bool {
        let dialogue = match other.opening.as_slice() {
            [] => self.named || !self.spoke,
            [a, b, c, d] => [a, b, c].iter().all(|digit| digit.is_ascii_digit()) && matches!(d, b' ' | b'-'),
            begun => begun.iter().all(u8::is_ascii_digit),
        };
        dialogue && !self.guest
    }
}

/// Arguments of PASS and ACCT in bytes of which nothing is known, not even where a line begins: a damaged packet, a piece
/// of one. Guests' passwords are among them.
pub fn loose(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(window) = bytes.get(from..from + 5) {
        let verb = window.get(..4).unwrap_or_default();
        let is_verb = [b"PASS", b"ACCT"].iter().any(|known| verb.eq_ignore_ascii_case(*known));
        let begins = from == 0 || bytes.get(from - 1).is_none_or(|before| !before.is_ascii_alphanumeric());
        if !(is_verb && begins && window.ends_with(b" ")) {
            from += 1;
            continue;
        }
        let start = from + 5;
        let rest = bytes.get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        if length > 0 {
            found.push(start..start + length);
        }
        from = start + length;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of packets `>bytes` and `<bytes`, each byte of a password as an asterisk.
    fn shown(port: u16, packets: &[&str]) -> String {
        let mut secrets = Secrets::new(port, false);
        let mut shown = String::new();
        for packet in packets {
            let from = if packet.starts_with('>') { End::Initiator } else { End::Responder };
            for run in secrets.part(from, &packet.as_bytes()[1..]) {
                match run {
                    Run::Plain(bytes) => shown.push_str(std::str::from_utf8(bytes).unwrap()),
                    Run::Secret { length, .. } => shown.push_str(&"*".repeat(length)),
                }
            }
        }
        shown.replace("\r\n", "/")
    }

    #[test]
    fn password_is_hidden_and_its_length_kept() {
        let packets = ["<220 hi\r\n", ">USER bob\r\n", "<331 ok\r\n", ">PASS secret\r\n", "<230 in\r\n"];
        assert_eq!(shown(2121, &packets), "220 hi/USER bob/331 ok/PASS ******/230 in/");
    }

    #[test]
    fn password_of_a_guest_is_shown() {
        let packets = ["<220 hi\r\n", ">USER Anonymous\r\nPASS me@here\r\n", ">USER bob\r\nPASS x\r\n"];
        assert_eq!(shown(21, &packets), "220 hi/USER Anonymous/PASS me@here/USER bob/PASS */");
    }

    #[test]
    fn password_split_over_packets_is_hidden() {
        let packets = ["<220 hi\r\n", ">pa", ">sS se", ">cret", ">\r\nNOOP\r\n"];
        assert_eq!(shown(21, &packets), "220 hi/pasS ******/NOOP/");
    }

    #[test]
    fn password_after_telnet_commands_is_hidden() {
        let mut secrets = Secrets::new(2121, false);
        secrets.part(End::Responder, b"220 hi\r\n");
        let runs = secrets.part(End::Initiator, b"\xff\xf4PASS x\r\n");
        assert!(runs.contains(&Run::Secret { length: 1, begins: true }), "{runs:?}");
    }

    #[test]
    fn line_of_a_file_is_no_command() {
        assert_eq!(shown(5001, &[">notes\r\nPASS the salt\r\n"]), "notes/PASS the salt/");
        assert_eq!(shown(5001, &["<data\r\n", ">PASS the salt\r\n"]), "data/PASS the salt/");
    }

    #[test]
    fn in_doubt_it_is_hidden() {
        assert_eq!(shown(2121, &[">PASS x\r\n"]), "PASS */");
        assert_eq!(shown(21, &[">NOOP\r\nPASS x\r\n"]), "NOOP/PASS */");
        assert_eq!(shown(5001, &[">USER bob\r\nPASS x\r\n"]), "USER bob/PASS */");
    }

    #[test]
    fn password_goes_on_behind_a_gap() {
        let mut secrets = Secrets::new(21, false);
        secrets.part(End::Initiator, b"PASS sec");
        secrets.gap(End::Initiator);
        assert_eq!(
            secrets.part(End::Initiator, b"ret\r\n").first(),
            Some(&Run::Secret { length: 3, begins: false })
        );
        assert_eq!(secrets.hidden(), 1);
    }

    #[test]
    fn password_is_found_in_bytes_of_which_nothing_is_known() {
        assert_eq!(loose(b"\x01\x02xyz"), []);
        assert_eq!(loose(b"\0\x18pass secret\r\nNOOP\r\nACCT x"), [7..13, 26..27]);
        assert_eq!(loose(b"COMPASS north\r\n"), []);
    }

    #[test]
    fn nothing_is_hidden_if_asked_for() {
        let mut secrets = Secrets::new(21, true);
        assert_eq!(secrets.part(End::Initiator, b"PASS x\r\n"), [Run::Plain(b"PASS x\r\n")]);
    }
}

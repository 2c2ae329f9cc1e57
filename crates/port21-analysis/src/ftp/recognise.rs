//! Tells from the first bytes of a connection whether it is FTP's control connection, on any port.
//!
//! FTP shares its reply codes with SMTP and NNTP, and some verbs with POP3. So a dialogue counts as FTP when a reply of
//! three digits goes with a verb that only FTP has, or with USER; on the port that is assigned to it, less is enough.

use ftp_protocol::command::Command;

use super::control::Speaker;
use super::tls::is_record;
use crate::tcp::{End, Endpoint};

/// The control port (RFC 959, section 8).
pub const CONTROL_PORT: u16 = 21;

/// The control port of FTP over implicit TLS (IANA: ftps).
pub const IMPLICIT_TLS_PORT: u16 = 990;

/// What a connection's first bytes show it to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A control connection, with the client at this end.
    Control {
        /// The end that sends commands.
        client: End,
    },
    /// Some other protocol.
    Other,
    /// Not yet known, or the content of a data connection.
    Unknown,
}

/// Looks at the first bytes that each end sent (by [`End`]); `whole`: they begin at the beginning of the connection.
pub fn recognise(ends: [Endpoint; 2], heads: [&[u8]; 2]) -> Verdict {
    let [initiator, responder] = ends;
    let [from_initiator, from_responder] = heads;
    let first = Voice::of(from_initiator);
    let second = Voice::of(from_responder);
    let assigned = if responder.port == CONTROL_PORT {
        Some(End::Initiator)
    } else if initiator.port == CONTROL_PORT {
        Some(End::Responder)
    } else {
        None
    };
    let implicit = [responder.port, initiator.port].contains(&IMPLICIT_TLS_PORT);
    if first.other || second.other {
        return Verdict::Other;
    }
    if implicit && (first.tls || second.tls) {
        let client = if responder.port == IMPLICIT_TLS_PORT { End::Initiator } else { End::Responder };
        return Verdict::Control { client };
    }
    match assigned {
        Some(client) => {
            let (asks, answers) =
                if client == End::Initiator { (&first, &second) } else { (&second, &first) };
            if asks.any_verb || answers.reply || asks.tls && answers.tls {
                return Verdict::Control { client };
            }
        }
        None => {
            for (asks, answers, client) in
                [(&first, &second, End::Initiator), (&second, &first, End::Responder)]
            {
                let dialogue = answers.reply && (asks.ftp_verb || asks.user && !answers.strange_greeting);
                if dialogue || answers.says_ftp {
                    return Verdict::Control { client };
                }
            }
        }
    }
    if first.tls || second.tls {
        return Verdict::Other;
    }
    Verdict::Unknown
}

/// What one end's first lines sound like.
#[derive(Debug, Default)]
struct Voice {
    /// A whole line that begins with three digits and a separator.
    reply: bool,
    /// The first reply is none that greets or answers USER.
    strange_greeting: bool,
    /// A 220 greeting that has the word FTP in it.
    says_ftp: bool,
    /// A whole line whose first word is a verb that FTP alone has.
    ftp_verb: bool,
    /// USER with an argument.
    user: bool,
    /// Any verb of FTP's.
    any_verb: bool,
    /// A TLS record.
    tls: bool,
    /// The first words of another protocol.
    other: bool,
}

/// How many lines are looked at.
const LINES: usize = 12;

impl Voice {
    fn of(head: &[u8]) -> Voice {
        let mut voice =
            Voice { other: is_other_protocol(head), tls: is_record(head) == Some(true), ..Voice::default() };
        if voice.other || voice.tls {
            return voice;
        }
        let mut first_reply = true;
        for line in head.split_inclusive(|byte| *byte == b'\n').take(LINES) {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some((code, text)) = reply_of(line) {
                voice.reply = true;
                if std::mem::take(&mut first_reply) {
                    voice.strange_greeting = ![*b"220", *b"120", *b"331", *b"230", *b"530"].contains(&code);
                    let text = text.to_ascii_uppercase();
                    let has = |word: &[u8]| memchr::memmem::find(&text, word).is_some();
                    voice.other |= code == *b"220" && has(b"SMTP") || code[0] == b'2' && has(b"NNTP");
                    voice.says_ftp = code == *b"220" && has(b"FTP") && !voice.other;
                }
            } else {
                let (command, _) = Command::parse(line);
                if let Some(verb) = command.known_verb() {
                    voice.any_verb = true;
                    voice.ftp_verb |= verb.is_ftp_specific();
                    voice.user |= command.verb == b"USER" && command.argument.is_some();
                }
                voice.other |= [&b"EHLO"[..], b"HELO", b"LHLO"].contains(&command.verb.as_slice());
            }
        }
        voice
    }
}

fn reply_of(line: &[u8]) -> Option<([u8; 3], &[u8])> {
    let (code, rest) = line.split_first_chunk::<3>()?;
    let digits = code.iter().all(u8::is_ascii_digit) && (b'1'..=b'6').contains(&code[0]);
    let separated = matches!(rest.first(), None | Some(b' ' | b'-' | b'\t'));
    (digits && separated).then_some((*code, rest))
}

fn is_other_protocol(head: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 16] = [
        b"GET /",
        b"POST /",
        b"HEAD /",
        b"PUT /",
        b"OPTIONS ",
        b"CONNECT ",
        b"HTTP/1.",
        b"PRI * HTTP/2",
        b"SSH-",
        b"+OK",
        b"-ERR",
        b"* OK",
        b"EHLO ",
        b"HELO ",
        b"RFB 0",
        b"\x13BitTorrent",
    ];
    BEGINNINGS.iter().any(|beginning| head.starts_with(beginning))
}

/// Maps an end of the connection to a side of the dialogue.
pub fn speaker(client: End, from: End) -> Speaker {
    if client == from { Speaker::Client } else { Speaker::Server }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn verdict(port: u16, client: &str, server: &str) -> Verdict {
        let end = |port| Endpoint { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port };
        recognise([end(40000), end(port)], [client.as_bytes(), server.as_bytes()])
    }

    const CONTROL: Verdict = Verdict::Control { client: End::Initiator };

    #[test]
    fn a_dialogue_is_ftp_on_any_port() {
        assert_eq!(verdict(2121, "USER bob\r\n", "220 hello\r\n331 pass\r\n"), CONTROL);
        assert_eq!(verdict(2121, "user bob\r\n", "220-hello\r\n"), CONTROL);
        assert_eq!(verdict(5000, "FEAT\r\n", "211-x\r\n"), CONTROL);
        assert_eq!(verdict(2121, "", "220 (My FTP server)\r\n"), CONTROL);
    }

    #[test]
    fn the_assigned_port_needs_one_side_only() {
        assert_eq!(verdict(21, "", "220 hello\r\n"), CONTROL);
        assert_eq!(verdict(21, "QUIT\r\n", ""), CONTROL);
        assert_eq!(verdict(21, "hello\r\n", ""), Verdict::Unknown);
    }

    #[test]
    fn mail_and_news_are_not_ftp() {
        assert_eq!(verdict(25, "EHLO me\r\n", "220 mail ESMTP\r\n"), Verdict::Other);
        assert_eq!(verdict(25, "", "220 host ready\r\n"), Verdict::Unknown);
        assert_eq!(verdict(110, "USER bob\r\nPASS x\r\n", "+OK ready\r\n+OK\r\n"), Verdict::Other);
        assert_eq!(verdict(119, "LIST\r\n", "200 news\r\n215 list\r\n"), Verdict::Unknown);
        assert_eq!(verdict(8080, "GET / HTTP/1.1\r\n", ""), Verdict::Other);
    }

    #[test]
    fn the_server_may_be_the_initiator_of_a_capture_that_began_late() {
        let end = |port| Endpoint { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port };
        let got = recognise([end(21), end(40000)], [b"226 done\r\n", b""]);
        assert_eq!(got, Verdict::Control { client: End::Responder });
    }

    #[test]
    fn tls_is_ftp_on_its_port_only() {
        let hello = "\x16\x03\x01\x00\x02ab";
        assert_eq!(verdict(990, hello, ""), CONTROL);
        assert_eq!(verdict(443, hello, ""), Verdict::Other);
    }
}

//! Replies: the right code, words that say what to do next, and nothing of the client's but a short escaped piece.

use std::net::IpAddr;

use ftp_protocol::reply;

use super::{Action, Session};

/// Most bytes of the client's input in a reply that need not name a path.
const LONGEST_ECHO: usize = 24;

impl Session {
    /// Sends a reply of one line. A byte that may not stand in a reply is sent as `?`.
    pub(super) fn reply(&mut self, code: u16, text: impl AsRef<[u8]>) {
        self.reply_lines(code, &[text.as_ref()]);
    }

    /// Sends a reply of several lines (RFC 959 section 4.2).
    pub(super) fn reply_lines(&mut self, code: u16, lines: &[impl AsRef<[u8]>]) {
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| sendable(line.as_ref())).collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        // The codes are constants of this crate, and no line holds what a reply cannot.
        if let Ok(bytes) = reply::encode(code, &lines) {
            self.act(Action::Send(bytes));
        }
    }
}

fn sendable(line: &[u8]) -> Vec<u8> {
    line.iter().map(|&byte| if matches!(byte, b'\r' | b'\n' | 0) { b'?' } else { byte }).collect()
}

/// A short piece of what the client sent, with nothing in it that a terminal or another protocol could act on.
pub(super) fn echo(input: &[u8]) -> String {
    let mut text = String::new();
    for &byte in input.iter().take(LONGEST_ECHO) {
        match byte {
            b' ' | b'-' | b'.' | b'/' | b'_' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            _ => text.push('?'),
        }
    }
    if input.len() > LONGEST_ECHO {
        text.push_str("...");
    }
    text
}

/// An address without the wrapping of IPv4 in IPv6 (RFC 4291 section 2.5.5.2).
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

//! TLS on a control connection: its records are walked over, never opened.
//!
//! After `234` (RFC 4217, section 4.1) the bytes are TLS; after CCC (section 12.3) they are text again. Neither switch
//! needs the command to be seen: a record header cannot begin a line of FTP, nor a line of FTP a record.

use tls_parser::{TlsExtension, TlsMessage, TlsMessageHandshake};

/// Longest first record that is kept to read names and versions from it.
const HELLO_LIMIT: usize = 4096;

/// A record's payload is at most 2^14 + 256 bytes (RFC 8446, section 5.2); TLS 1.2 allows 2^14 + 2048.
const MAXIMUM_RECORD: usize = (1 << 14) + 2048;

/// Whether bytes can be the beginning of a TLS record; `None`: too few to tell.
pub fn is_record(bytes: &[u8]) -> Option<bool> {
    match *bytes {
        [] => None,
        [kind, ..] if !(20..=24).contains(&kind) => Some(false),
        [_] => None,
        [_, major, ..] if major != 3 => Some(false),
        [_, _, minor, high, low, ..] => {
            Some(minor <= 4 && usize::from(u16::from_be_bytes([high, low])) <= MAXIMUM_RECORD)
        }
        _ => None,
    }
}

/// Walks over the records of one direction.
#[derive(Debug, Default)]
pub struct Records {
    /// Bytes of the current record still to come.
    left: u64,
    /// A record header that is not whole yet.
    header: Vec<u8>,
    /// The first record, until it is whole or too long.
    hello: Vec<u8>,
    hello_done: bool,
    /// TLS bytes seen.
    pub bytes: u64,
}

impl Records {
    /// Takes bytes of the direction; returns how many of them are TLS. Fewer than all: text begins there.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.left > 0 {
                let run = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
                self.keep_hello(rest.get(..run).unwrap_or_default());
                self.left -= run as u64;
                at += run;
                continue;
            }
            self.hello_done |= self.hello.len() > 5;
            let wanted = 5usize.saturating_sub(self.header.len());
            let more = rest.get(..wanted.min(rest.len())).unwrap_or_default();
            let before = self.header.len();
            self.header.extend_from_slice(more);
            match is_record(&self.header) {
                Some(false) => {
                    // What was taken for the start of a record in an earlier call is gone; it is at most four bytes.
                    self.header.clear();
                    self.bytes += (at as u64).saturating_sub(before as u64);
                    return at;
                }
                Some(true) => {
                    let header = std::mem::take(&mut self.header);
                    self.keep_hello(&header);
                    if let [.., high, low] = *header {
                        self.left = u64::from(u16::from_be_bytes([high, low]));
                    }
                }
                None => {}
            }
            at += more.len();
        }
        self.bytes += bytes.len() as u64;
        bytes.len()
    }

    /// Bytes that the capture does not hold.
    pub fn gap(&mut self, length: u64) {
        // Within a record its end is still known; beyond it, the next bytes are taken for a record's start.
        self.left = self.left.saturating_sub(length);
        self.header.clear();
        self.hello_done = true;
    }

    fn keep_hello(&mut self, bytes: &[u8]) {
        if !self.hello_done && self.hello.len() < HELLO_LIMIT {
            self.hello.extend_from_slice(bytes);
        }
    }

    /// What the first record says, once it is there.
    pub fn hello(&self) -> Hello {
        let mut hello = Hello::default();
        let Ok((_, record)) = tls_parser::parse_tls_plaintext(&self.hello) else { return hello };
        for message in &record.msg {
            match message {
                TlsMessage::Handshake(TlsMessageHandshake::ClientHello(client)) => {
                    for extension in extensions(client.ext) {
                        if let TlsExtension::SNI(names) = extension {
                            hello.server_name =
                                names.first().map(|(_, name)| String::from_utf8_lossy(name).into_owned());
                        }
                    }
                }
                TlsMessage::Handshake(TlsMessageHandshake::ServerHello(server)) => {
                    hello.version = Some(server.version.0);
                    for extension in extensions(server.ext) {
                        if let TlsExtension::SupportedVersions(versions) = extension {
                            hello.version = versions.first().map(|version| version.0);
                        }
                    }
                }
                _ => {}
            }
        }
        hello
    }
}

fn extensions(bytes: Option<&[u8]>) -> Vec<TlsExtension<'_>> {
    bytes
        .and_then(|bytes| tls_parser::parse_tls_extensions(bytes).ok())
        .map(|(_, list)| list)
        .unwrap_or_default()
}

/// What a ClientHello or ServerHello tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Server name indication of a ClientHello (RFC 6066, section 3).
    pub server_name: Option<String>,
    /// Version that a ServerHello chose.
    pub version: Option<u16>,
}

/// The name of a protocol version.
pub fn version_name(version: u16) -> String {
    match version {
        0x0300 => "SSL 3.0".into(),
        0x0301 => "TLS 1.0".into(),
        0x0302 => "TLS 1.1".into(),
        0x0303 => "TLS 1.2".into(),
        0x0304 => "TLS 1.3".into(),
        other => format!("0x{other:04x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_where_text_begins() {
        let mut records = Records::default();
        assert_eq!(records.take(b"\x17\x03\x03\x00\x02ab"), 7);
        assert_eq!(records.take(b"\x15\x03\x03\x00\x02cd200 ok\r\n"), 7);
        assert_eq!(records.bytes, 14);
    }

    #[test]
    fn a_record_may_be_split_anywhere() {
        let whole = b"\x16\x03\x01\x00\x03abc\x17\x03\x03\x00\x01x";
        for cut in 0..whole.len() {
            let mut records = Records::default();
            assert_eq!(records.take(&whole[..cut]) + records.take(&whole[cut..]), whole.len());
        }
    }

    #[test]
    fn no_line_of_ftp_begins_a_record() {
        for line in [&b"220 hello"[..], b"USER a", b"\xff\xf4\xff\xf2ABOR", b" x"] {
            assert_eq!(is_record(line), Some(false));
        }
    }

    #[test]
    fn a_gap_within_a_record_keeps_step() {
        let mut records = Records::default();
        records.take(b"\x17\x03\x03\x00\x08ab");
        records.gap(4);
        assert_eq!(records.take(b"gh\x17\x03\x03\x00\x00"), 7);
        assert_eq!(records.take(b"226 done\r\n"), 0);
    }
}

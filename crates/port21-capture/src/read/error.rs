//! Why an input could not be read at all.

use std::io;

/// An input of which not one packet can be read; the message names it and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such file.
    #[error("{name}: no such file; check the path")]
    Missing {
        /// The input as it was named.
        name: String,
    },
    /// It is a directory.
    #[error("{name} is a directory; name the capture files in it")]
    Directory {
        /// The input as it was named.
        name: String,
    },
    /// The user may not read it.
    #[error("{name}: permission denied; make the file readable for this user")]
    Permission {
        /// The input as it was named.
        name: String,
    },
    /// The operating system or the decompressor refused.
    #[error("{name} cannot be read: {source}")]
    Io {
        /// The input as it was named.
        name: String,
        /// What was said.
        source: io::Error,
    },
    /// It holds no bytes.
    #[error("{name} is empty: not even a file header; was the capture stopped before it was written?")]
    Empty {
        /// The input as it was named.
        name: String,
    },
    /// It is something else.
    #[error("{name} is not a capture but {what}")]
    NotACapture {
        /// The input as it was named.
        name: String,
        /// What it seems to be, and what to do.
        what: String,
    },
    /// A pcapng file whose first section is of a version that nobody has described.
    #[error("{name} is a pcapng file of version {major}.{minor}; only version 1 is known")]
    UnknownSectionVersion {
        /// The input.
        name: String,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A capture of a version that nobody has described.
    #[error("{name} is a pcap file of version {major}.{minor}; only version 2 is known")]
    UnsupportedVersion {
        /// The input as it was named.
        name: String,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The file header is not whole.
    #[error("{name} is cut short inside its file header, after {length} bytes; copy it again")]
    CutHeader {
        /// The input as it was named.
        name: String,
        /// Bytes that are there.
        length: usize,
    },
}

impl OpenError {
    /// What it means that the input `name` could not be opened or read.
    pub fn from_io(name: String, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => OpenError::Missing { name },
            io::ErrorKind::PermissionDenied => OpenError::Permission { name },
            io::ErrorKind::IsADirectory => OpenError::Directory { name },
            _ => OpenError::Io { name, source },
        }
    }
}

/// What a file that is no capture seems to be, from its first bytes.
pub(super) fn recognise(start: &[u8]) -> String {
    let known = SIGNATURES.iter().find(|(signature, _)| start.starts_with(signature));
    let text = start.iter().all(|byte| matches!(byte, 0x20..=0x7e | b'\t' | b'\r' | b'\n' | 0x80..));
    match known {
        Some((_, what)) => (*what).to_owned(),
        None if start.iter().all(|byte| *byte == 0) => {
            format!("zeros (the first {} bytes are all 0); the capture was never written to it", start.len())
        }
        None if text && std::str::from_utf8(start.get(..64).unwrap_or(start)).is_ok() => {
            "text; give the capture file itself, not its listing".to_owned()
        }
        None => format!(
            "an unknown kind of file (it begins with {}); pcap and pcapng are read, also as gzip and zstd",
            hexadecimal(start)
        ),
    }
}

fn hexadecimal(start: &[u8]) -> String {
    start.iter().take(4).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

const SIGNATURES: &[(&[u8], &str)] = &[
    (b"snoop\0\0\0", "a Solaris snoop file (RFC 1761); convert it with `editcap -F pcap`"),
    (b"\xfd7zXZ\0", "an xz archive; decompress it first"),
    (b"BZh", "a bzip2 archive; decompress it first"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive; decompress it first"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"TRSNIFF data", "a Sniffer file; convert it with `editcap -F pcap`"),
    (b"XCP\0", "a NetXRay file; convert it with `editcap -F pcap`"),
    (b"RTSS", "a Network Monitor 1 file; convert it with `editcap -F pcap`"),
    (b"GMBU", "a Network Monitor 2 file; convert it with `editcap -F pcap`"),
    (b"btsnoop\0", "a Bluetooth HCI log, which holds no IP packets"),
    (b"\x7fELF", "an executable program"),
    (b"%PDF", "a PDF document"),
    (b"PAR1", "a Parquet file"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_recognises() {
        assert!(recognise(b"snoop\0\0\0\0\0\0\x02").contains("snoop"));
        assert!(recognise(b"No.  Time  Source\n").contains("text"));
        assert!(recognise(&[0; 100]).contains("zeros"));
        assert!(recognise(&[0xde, 0xad, 1, 2]).contains("de ad 01 02"));
    }
}

//! Every entrance of untrusted bytes, as one function each, with what must hold whatever the bytes are.
//!
//! The fuzz targets call these, and an ordinary test calls them with every committed input.

mod client;
mod dialogue;
mod segments;
mod session;

use std::io::{self, Read};

use ftp_protocol::line::{Line, LineReader};
use ftp_protocol::listing::{Format, Hint, parse_listing};
use ftp_protocol::{Command, address, path, reply::ReplyReader, sequence};
use port21_analysis::analysis::{Analysis, DnsTransaction, News, Options, Share, Tally};
use port21_analysis::answers;
use port21_analysis::limits::Limits;
use port21_analysis::report::{Connection, Session};
use port21_capture::read::MAX_RECORD;
use port21_capture::{Capture, Decoder, LinkType, Packet, Timestamp, Transport};

pub use client::client;
pub use dialogue::dialogue;
pub use segments::tcp;
pub use session::session;

/// Decompressed input beyond this is not read: a bomb is no finding, only slow.
const LONGEST_INPUT: u64 = 32 << 20;

/// Reads a capture in one go and in small pieces: the packets must be the same.
pub fn capture(bytes: &[u8]) {
    let whole = packets(bytes, usize::MAX);
    let pieces = packets(bytes, 1 + bytes.len() % 7);
    // What a damaged archive still gives depends on how much of it the decompressor sees at a time.
    let is_archive = bytes.starts_with(&[0x1f, 0x8b]);
    assert!(is_archive || whole == pieces, "how a file is cut into reads does not matter");
}

/// Number, time, lengths and link type of a packet.
type Seen = (u64, i64, usize, u32, u32);

/// What is to be told of every packet, and how many problems were noted.
fn packets(bytes: &[u8], piece: usize) -> Option<(Vec<Seen>, usize)> {
    let reader = Pieces { bytes: bytes.to_vec(), at: 0, piece };
    let mut capture = Capture::from_reader("input".into(), Box::new(reader)).ok()?;
    let mut seen = Vec::new();
    while let Some(packet) = capture.next_packet() {
        assert_eq!(packet.number, seen.len() as u64 + 1);
        assert!(
            packet.data.len() <= packet.original_length as usize && packet.data.len() <= MAX_RECORD as usize
        );
        let Packet { number, time, data, original_length, link_type } = packet;
        seen.push((number, time.0, data.len(), original_length, link_type.0));
        if capture.info().bytes > LONGEST_INPUT {
            break;
        }
    }
    let info = capture.info();
    assert!(capture.next_packet().is_none() || info.bytes > LONGEST_INPUT);
    Some((seen, info.problems.len()))
}

/// Gives a few bytes at a time, as a slow pipe does.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buffer.len()).min(self.piece);
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}

/// Decodes packets: the first two bytes are the link type; each packet has its length (two bytes), how much longer it was
/// on the wire, and how many milliseconds later it came.
pub fn decode(bytes: &[u8]) {
    let Some(([high, low], mut rest)) = bytes.split_first_chunk::<2>() else { return };
    let link_type = LinkType(u32::from(u16::from_be_bytes([*high, *low])));
    let mut decoder = Decoder::default();
    let (mut number, mut time) = (0, Timestamp(0));
    while let Some(([high, low, more, later], behind)) = rest.split_first_chunk::<4>() {
        let (data, behind) =
            behind.split_at(behind.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
        number += 1;
        time.0 += i64::from(*later) * 1_000_000;
        let original_length = data.len() as u32 + u32::from(*more);
        let decoded = decoder.decode(&Packet { number, time, link_type, original_length, data });
        if let Some(Transport::Tcp(segment)) = decoded.transport {
            assert!(segment.payload.len() <= segment.payload_length as usize);
        }
        rest = behind;
    }
}

/// Reads the two sides of a control connection: the same lines and replies however they are cut.
pub fn control(bytes: &[u8]) {
    let Some((cut, text)) = bytes.split_first() else { return };
    let whole = lines(&[text]);
    let (front, back) = text.split_at(text.len() * usize::from(*cut) / 256);
    assert_eq!(whole, lines(&[front, back]), "how a stream is cut does not matter");
    assert_eq!(whole.last().map_or(0, |line| line.end), text.len() as u64);
    let mut replies = ReplyReader::new();
    for line in whole {
        let (command, _) = Command::parse(&line.bytes);
        if let Ok(encoded) = command.encode() {
            let (again, _) = Command::parse(encoded.strip_suffix(b"\r\n").unwrap_or(&encoded));
            assert_eq!(again.verb, command.verb);
        }
        if let Some(argument) = &command.argument {
            let _ =
                (address::parse_port(argument), address::parse_eprt(argument), address::parse_lprt(argument));
            let resolved = path::resolve(Some(&line.bytes), argument);
            assert_eq!(path::parse_quoted(&path::quote(&resolved)), Some(resolved));
        }
        for reply in replies.push(line).into_iter().chain(replies.settle()) {
            let text = reply.joined();
            let _ = (
                address::parse_pasv_reply(&text),
                address::parse_epsv_reply(&text),
                address::parse_lpsv_reply(&text),
            );
            let _ = (
                sequence::announced_size(&text),
                sequence::announced_path(&text),
                sequence::greeting_host(&text),
            );
        }
    }
    let _ = replies.finish();
}

fn lines(pieces: &[&[u8]]) -> Vec<Line> {
    let (mut reader, mut lines) = (LineReader::new(64), Vec::new());
    pieces.iter().for_each(|piece| reader.push(piece, &mut lines));
    reader.finish(&mut lines);
    lines
}

/// Reads a listing as whatever it may be.
pub fn listing(bytes: &[u8]) {
    let count = bytes.split(|byte| *byte == b'\n').count();
    let likely = [Format::Vms, Format::Members, Format::Macintosh].map(|format| Some(Hint::Likely(format)));
    for hint in [None, Some(Hint::List), Some(Hint::Nlst), Some(Hint::Mlsd)].into_iter().chain(likely) {
        let listing = parse_listing(bytes, hint);
        assert!(listing.entries.len() <= count, "no more entries than lines");
        for date in listing.entries.iter().filter_map(|entry| entry.date) {
            assert!(date.completed(1_700_000_000).year.is_some(), "every day is in some year");
        }
    }
}

/// Analyses a whole file and writes everything down that can be told of it, twice: the same input, the same output.
pub fn report(bytes: &[u8]) {
    let first = reported(bytes);
    if bytes.len() < 1 << 16 {
        assert_eq!(first, reported(bytes), "the same input gives the same output");
    }
}

/// What has ended: sessions, connections, and DNS transactions.
fn sorted(news: Vec<News>) -> (Vec<Session>, Vec<Connection>, Vec<DnsTransaction>) {
    let mut all = (Vec::new(), Vec::new(), Vec::new());
    for news in news {
        match news {
            News::Session(ended) => all.0.push(ended.write_down()),
            News::Connection(connection) => all.1.push(*connection),
            News::Names(transaction) => all.2.push(*transaction),
        }
    }
    all
}

fn reported(bytes: &[u8]) -> Option<String> {
    let mut capture = Capture::from_reader("input".into(), Box::new(io::Cursor::new(bytes.to_vec()))).ok()?;
    let options = Options { record_connections: true, record_dns: true, ..Options::default() };
    let (mut decoder, mut analysis) = (Decoder::default(), Analysis::new(options));
    while let Some(packet) = capture.next_packet() {
        analysis.packet(&decoder.decode(&packet));
        if capture.info().bytes > LONGEST_INPUT {
            break;
        }
    }
    analysis.end();
    let (sessions, connections, names) = sorted(analysis.take_news());
    let mut tally = Tally::new(&Limits::default());
    sessions.iter().for_each(|session| tally.add(Share::of(session)));
    let answers: Vec<_> = sessions.iter().map(|session| answers::answer(session, "input")).collect();
    let conclusion = analysis.conclude(tally);
    let told = (&sessions, &conclusion.totals, &conclusion.findings, &answers, &connections);
    let dns = format!("{:?} {:?} {:?}", names, capture.info().problems, decoder.dropped());
    Some(serde_json::to_string(&told).expect("everything can be written as JSON") + &dns)
}

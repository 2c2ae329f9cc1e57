//! Reads capture files: pcap and pcapng, plain or compressed, one or several.
//!
//! What a file says is never trusted and never fatal: everything before the first byte that makes no sense is
//! delivered, and what was odd is told in [`Info::problems`].

mod captures;
mod compression;
mod error;
mod interface;
mod log;
mod pcap;
mod pcapng;
mod window;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::packet::{LinkType, Packet, Timestamp};

pub use captures::Captures;
pub use error::OpenError;
use log::{Kind, Log};
pub use log::{MAX_PROBLEMS, Problem};
use pcap::PcapReader;
use pcapng::PcapNgReader;
use window::Window;

/// The longest record that is read, in bytes; a longer one is taken for damage.
pub const MAX_RECORD: u32 = 16 * 1024 * 1024;

/// How much of an unknown file is looked at to say what it is, in bytes.
const RECOGNISED_START: usize = 512;

/// The file format of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Classic pcap, in any of its variants.
    Pcap,
    /// The pcapng block format.
    PcapNg,
}

impl Format {
    /// "pcap" or "pcapng".
    pub fn name(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::PcapNg => "pcapng",
        }
    }
}

/// What is known of one input, so far as it has been read.
#[derive(Debug, Clone)]
pub struct Info {
    /// The input as it was named.
    pub name: String,
    /// Its file format.
    pub format: Format,
    /// Link types that the file header or the interface descriptions state.
    pub link_types: BTreeSet<LinkType>,
    /// Packets delivered, and other records that have a packet number.
    pub packets: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Time of the first packet that has one.
    pub first_time: Option<Timestamp>,
    /// Time of the last packet, in the order of the file, that has one.
    pub last_time: Option<Timestamp>,
    /// What was odd, at most [`MAX_PROBLEMS`] and one sentence that counts the rest.
    pub problems: Vec<Problem>,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes taken from the input, before decompression.
    pub read: u64,
    /// Bytes of the input in all; `None` for a pipe.
    pub total: Option<u64>,
}

/// One capture file that is being read.
pub struct Capture {
    name: String,
    format: FormatReader,
    input: Input,
    record: Option<Record>,
    link_types: BTreeSet<LinkType>,
    first_time: Option<Timestamp>,
    ended: bool,
    compressed: bool,
    consumed: Arc<AtomicU64>,
    total: Option<u64>,
}

enum FormatReader {
    Pcap(PcapReader),
    PcapNg(PcapNgReader),
}

/// What both formats read from and write their remarks to.
struct Input {
    window: Window,
    log: Log,
    /// Packets delivered so far.
    packets: u64,
    /// Time of the last packet.
    last_time: Option<Timestamp>,
}

/// One packet, its bytes by their place in the window.
#[derive(Debug, Clone)]
struct Record {
    time: Timestamp,
    /// Whether the file states the time; otherwise it is that of the packet before.
    timed: bool,
    link_type: LinkType,
    original_length: u32,
    range: Range<usize>,
}

impl Record {
    /// Leaves out the last `length` bytes that the packet had on the wire.
    #[inline]
    fn without_check_sequence(mut self, length: u32) -> Self {
        if length > 0 {
            self.original_length = self.original_length.saturating_sub(length);
            let end = self.range.start.saturating_add(self.original_length as usize);
            self.range.end = self.range.end.min(end);
        }
        self
    }
}

/// The byte order of a file or section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    #[inline]
    fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            ByteOrder::Little => i64::from_le_bytes(bytes),
            ByteOrder::Big => i64::from_be_bytes(bytes),
        }
    }
}

impl Capture {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Capture, OpenError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| OpenError::from_io(name.clone(), error))?;
        let about = file.metadata().map_err(|error| OpenError::from_io(name.clone(), error))?;
        if about.is_dir() {
            return Err(OpenError::Directory { name });
        }
        let mut capture = Capture::from_reader(name, Box::new(file))?;
        capture.total = about.is_file().then_some(about.len());
        Ok(capture)
    }

    /// Reads a capture from anything that gives bytes; `name` is for messages.
    ///
    /// Once the capture is open, a reader of an uncompressed one may say [`std::io::ErrorKind::WouldBlock`]: then
    /// [`Capture::is_paused`], and [`Capture::next_packet`] goes on where it was, in the middle of a record too.
    pub fn from_reader(name: String, reader: Box<dyn Read + Send>) -> Result<Capture, OpenError> {
        let consumed = Arc::new(AtomicU64::new(0));
        let (reader, compressed) = compression::decompress(reader, Arc::clone(&consumed))
            .map_err(|error| OpenError::from_io(name.clone(), error))?;
        let mut input =
            Input { window: Window::new(reader), log: Log::default(), packets: 0, last_time: None };
        let format = open_format(&name, &mut input)?;
        let mut link_types = BTreeSet::new();
        if let FormatReader::Pcap(reader) = &format {
            link_types.insert(reader.link_type());
        }
        let (record, first_time, ended, total) = (None, None, false, None);
        Ok(Capture {
            name,
            format,
            input,
            record,
            link_types,
            first_time,
            ended,
            compressed,
            consumed,
            total,
        })
    }

    /// The next packet, or `None` at the end of what can be read; from then on always `None`, unless the input is only
    /// [paused](Capture::is_paused).
    #[inline]
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        if self.advance() { self.current() } else { None }
    }

    /// What is known of the input so far.
    pub fn info(&self) -> Info {
        Info {
            name: self.name.clone(),
            format: match self.format {
                FormatReader::Pcap(_) => Format::Pcap,
                FormatReader::PcapNg(_) => Format::PcapNg,
            },
            link_types: match &self.format {
                FormatReader::Pcap(_) => self.link_types.clone(),
                FormatReader::PcapNg(reader) => reader.link_types().clone(),
            },
            packets: self.input.packets,
            bytes: self.input.window.offset(),
            first_time: self.first_time,
            last_time: self.input.last_time,
            problems: self.input.log.problems(),
        }
    }

    /// Whether the last `None` means that the reader has no whole packet at present, not that the input has ended.
    pub fn is_paused(&self) -> bool {
        self.input.window.is_paused()
    }

    /// Whether the input is compressed, so that its reader must not pause.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// How far reading has come.
    pub fn progress(&self) -> Progress {
        Progress { read: self.consumed.load(Ordering::Relaxed), total: self.total }
    }

    /// Moves on to the next packet, which [`Capture::current`] then gives; `false` at the end.
    #[inline]
    fn advance(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.record = match &mut self.format {
            FormatReader::Pcap(reader) => reader.next(&mut self.input),
            FormatReader::PcapNg(reader) => reader.next(&mut self.input),
        };
        let Some(record) = &self.record else {
            if !self.is_paused() {
                self.end();
            }
            return false;
        };
        self.input.packets = self.input.packets.saturating_add(1);
        if record.timed {
            self.input.last_time = Some(record.time);
            if self.first_time.is_none() {
                self.first_time = Some(record.time);
            }
        }
        true
    }

    /// The packet that [`Capture::advance`] moved to.
    #[inline]
    fn current(&self) -> Option<Packet<'_>> {
        self.record.as_ref().map(|record| Packet {
            number: self.input.packets,
            time: record.time,
            link_type: record.link_type,
            original_length: record.original_length,
            data: self.input.window.bytes(record.range.clone()),
        })
    }

    /// What that packet's bytes are part of.
    #[inline]
    fn block(&self) -> &Arc<[u8]> {
        self.input.window.block()
    }

    #[cold]
    fn end(&mut self) {
        self.ended = true;
        if let Some(error) = self.input.window.take_failure() {
            let (packets, offset) = (self.input.packets, self.input.window.offset());
            // A record that is cut because the input failed is no second problem.
            self.input.log.forget_end(offset);
            self.input.log.note(Kind::Single, Some(packets), Some(offset), || {
                format!("reading stops after packet {packets}, near offset {offset}: {error}")
            });
        }
    }
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture").field("info", &self.info()).finish_non_exhaustive()
    }
}

/// The version of a pcapng file's first section header, if it is not the known one.
fn unknown_section_version(start: &[u8]) -> Option<(u16, u16)> {
    let (magic, version) = start.get(8..16)?.split_first_chunk::<4>()?;
    let [a, b, c, d] = *version.first_chunk::<4>()?;
    let (major, minor) = match magic {
        [0x1a, 0x2b, 0x3c, 0x4d] => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
        _ => (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])),
    };
    (major != 1).then_some((major, minor))
}

fn open_format(name: &str, input: &mut Input) -> Result<FormatReader, OpenError> {
    let start = input.window.require(4);
    if pcap::recognises(start) {
        return PcapReader::open(name, input).map(FormatReader::Pcap);
    }
    if pcapng::recognises(start) {
        if let Some((major, minor)) = unknown_section_version(input.window.require(16)) {
            return Err(OpenError::UnknownSectionVersion { name: name.to_owned(), major, minor });
        }
        return PcapNgReader::open(name, input).map(FormatReader::PcapNg);
    }
    let start = input.window.require(RECOGNISED_START);
    let start = start.get(..RECOGNISED_START).unwrap_or(start);
    let what = error::recognise(start);
    let is_empty = start.is_empty();
    let name = name.to_owned();
    match input.window.take_failure() {
        Some(source) => Err(OpenError::from_io(name, source)),
        None if is_empty => Err(OpenError::Empty { name }),
        None => Err(OpenError::NotACapture { name, what }),
    }
}

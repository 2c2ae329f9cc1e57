//! Listings: what LIST, NLST, MLSD and MLST give.
//!
//! RFC 959 leaves the form of LIST to the server; practice is that of `ls -l` or of DOS, and two dozen others. RFC 3659
//! section 7 fixes that of MLSD. A line of no known form is kept as text. The work is linear in the bytes.
//!
//! ```text
//! bytes -> reader: lines, headings, wrapped lines -> recognise: which form a line has -> one file a form -> Entry
//!            `-> stamp, votes: dates, read in the order that fits the whole listing -> Date
//! ```

mod asian;
mod cms;
mod connect;
mod data_sets;
mod date;
mod dos;
mod eplf;
mod facts;
mod format;
mod headings;
mod jobs;
mod macintosh;
mod members;
mod months;
mod mpe;
mod netware;
mod nonstop;
mod numeric;
mod os2;
mod os400;
mod os9;
mod reader;
mod recognise;
mod stamp;
mod unisys;
mod unix;
mod vms;
mod votes;
mod vshell;
mod vxworks;
mod wellfleet;
mod words;

pub use date::{Date, Time, Zone};
pub use format::Format;

use reader::Reader;
use recognise::Expectation;

/// Most entries that are kept of one listing; further ones are counted only.
pub const MAXIMUM_ENTRIES: usize = 200_000;

/// Longest line in bytes that is looked into; a longer one is kept as text.
pub const MAXIMUM_LINE: usize = 16_384;

/// What is known of a listing before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// It is of LIST, or of STAT with a path.
    List,
    /// It is of NLST: every line is a name (RFC 959 section 4.1.3).
    Nlst,
    /// It is of MLSD or MLST: facts, a space and a name (RFC 3659 section 7).
    Mlsd,
    /// It is of LIST, and from a server whose SYST ([`Format::of_system`]) or other listings promise this form, which
    /// then is tried first.
    Likely(Format),
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A directory, `.` and `..` included, or what a server has in its place: a partitioned data set, a library.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, pipe, socket, or whatever else the server has.
    Other,
}

/// One line of a listing. Everything but `text` is `None` where the line does not tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The name as a command takes it: with leading and trailing spaces as sent, without what only marks a directory
    /// (`.DIR;1` on OpenVMS, a slash) and without quotation marks. `None`: the line has no known form.
    pub name: Option<Vec<u8>>,
    /// What it is.
    pub kind: Option<EntryKind>,
    /// The size in bytes, when it is told exactly.
    pub size: Option<u64>,
    /// The size in bytes as far as blocks, records or a rounded number tell it. `None` where `size` is told.
    pub rounded_size: Option<u64>,
    /// The time of the last change as written; its zone is that of the server, or UTC in facts (RFC 3659
    /// section 2.3).
    pub modified: Option<Vec<u8>>,
    /// The time of the last change; `None` also if `modified` is not understood.
    pub date: Option<Date>,
    /// The permissions as written: `rwxr-xr-x`, a mode, or the letters of RFC 3659 section 7.5.5.
    pub permissions: Option<Vec<u8>>,
    /// The owner, a name or a number.
    pub owner: Option<Vec<u8>>,
    /// The group, a name or a number.
    pub group: Option<Vec<u8>>,
    /// Where a symbolic link leads.
    pub target: Option<Vec<u8>>,
    /// The directory that a heading of a recursive listing names above this line.
    pub directory: Option<Vec<u8>>,
    /// The whole line without its line end; two lines with the line end between them, where one was broken in two.
    pub text: Vec<u8>,
}

/// A listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The form of its lines; `None` if no line has a known one.
    pub format: Option<Format>,
    /// Its lines in their order, without empty ones, totals and headings.
    pub entries: Vec<Entry>,
    /// How many of `entries` have no known form and so only `text`.
    pub unparsed: usize,
    /// How many lines were not kept because there were more than [`MAXIMUM_ENTRIES`].
    pub dropped: usize,
}

/// Reads a listing. Without a hint, lines that are nothing but a name are kept as text.
pub fn parse_listing(bytes: &[u8], hint: Option<Hint>) -> Listing {
    Reader::new(bytes, hint).read()
}

/// Reads a listing without understanding its dates: `modified` has them as written, `date` is mostly `None`. For those who
/// show what was sent.
pub fn parse_undated(bytes: &[u8], hint: Option<Hint>) -> Listing {
    Reader::new(bytes, hint).undated().read()
}

/// Reads one line of a listing, as that of a 250 reply to MLST (RFC 3659 section 7.2) or of a 213 reply to STAT.
/// `None` if it has no known form.
pub fn parse_entry(line: &[u8], hint: Option<Hint>) -> Option<Entry> {
    let (format, entry) = recognise::recognise(without_line_end(line), &Expectation::new(hint))?;
    let date = entry.date.or_else(|| reader::date_of(&entry, format));
    Some(Entry { date, text: line.to_vec(), ..entry })
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

impl Entry {
    fn of_name(name: &[u8]) -> Self {
        Self { name: Some(name.to_vec()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests;

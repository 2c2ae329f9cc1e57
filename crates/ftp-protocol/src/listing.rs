//! Listings: what LIST, NLST, MLSD and MLST give.
//!
//! RFC 959 leaves the form of LIST to the server; practice is that of `ls -l` or of DOS, some servers write EPLF.
//! RFC 3659 section 7 fixes that of MLSD. A line of no known form is kept as text. The work is linear in the bytes.

use std::fmt;

mod dos;
mod eplf;
mod facts;
mod unix;
mod words;

/// Most entries that are kept of one listing; further ones are counted only.
pub const MAXIMUM_ENTRIES: usize = 200_000;

/// Longest line in bytes that is looked into; a longer one is kept as text.
pub const MAXIMUM_LINE: usize = 16_384;

/// The command that asked for a listing, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hint {
    /// LIST, or STAT with a path.
    List,
    /// NLST: every line is a name (RFC 959 section 4.1.3).
    Nlst,
    /// MLSD or MLST: facts, a space and a name (RFC 3659 section 7).
    Mlsd,
}

/// The form of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// That of `ls -l`.
    Unix,
    /// That of DOS and IIS.
    Dos,
    /// Facts of RFC 3659 section 7.
    Facts,
    /// Easily Parsed LIST Format.
    Eplf,
    /// Names only.
    Names,
    /// Lines of more than one of these forms.
    Mixed,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A plain file.
    File,
    /// A directory, `.` and `..` included.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, pipe, socket, or whatever else the server has.
    Other,
}

/// One line of a listing. Everything but `text` is `None` where the line does not tell it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The name as sent, with its leading and trailing spaces. `None`: the line has no known form.
    pub name: Option<Vec<u8>>,
    /// What it is.
    pub kind: Option<EntryKind>,
    /// The size in bytes, when it is told exactly.
    pub size: Option<u64>,
    /// The time of the last change as written; its zone is that of the server, or UTC in facts (RFC 3659
    /// section 2.3).
    pub modified: Option<Vec<u8>>,
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
    /// The whole line without its line end.
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
    let mut listing = Listing::default();
    let mut directory: Option<Vec<u8>> = None;
    let mut behind_blank = true;
    for line in bytes.split(|&byte| byte == b'\n') {
        let line = without_line_end(line);
        let blank = line.trim_ascii().is_empty();
        let headed = std::mem::replace(&mut behind_blank, blank);
        if blank || hint != Some(Hint::Nlst) && unix::is_total(line) {
            continue;
        }
        let parsed = if line.len() > MAXIMUM_LINE { None } else { parse_line(line, hint) };
        if parsed.is_none()
            && headed
            && let Some(heading) = line.strip_suffix(b":")
        {
            directory = Some(heading.to_vec());
            continue;
        }
        listing.add(parsed, line, directory.as_deref());
    }
    listing
}

/// Reads one line of a listing, as that of a 250 reply to MLST (RFC 3659 section 7.2) or of a 213 reply to STAT.
/// `None` if it has no known form.
pub fn parse_entry(line: &[u8], hint: Option<Hint>) -> Option<Entry> {
    let (_, entry) = parse_line(without_line_end(line), hint)?;
    Some(Entry { text: line.to_vec(), ..entry })
}

fn parse_line(line: &[u8], hint: Option<Hint>) -> Option<(Format, Entry)> {
    let unix = || unix::parse(line).map(|entry| (Format::Unix, entry));
    let dos = || dos::parse(line).map(|entry| (Format::Dos, entry));
    let eplf = || eplf::parse(line).map(|entry| (Format::Eplf, entry));
    let facts = |strict| facts::parse(line, strict).map(|entry| (Format::Facts, entry));
    match hint {
        Some(Hint::Mlsd) => facts(false).or_else(unix).or_else(dos).or_else(eplf),
        // NLST -l gives long lines on some servers.
        Some(Hint::Nlst) => unix().or_else(|| Some((Format::Names, Entry::of_name(line)))),
        Some(Hint::List) | None => eplf().or_else(unix).or_else(dos).or_else(|| facts(true)),
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\n").unwrap_or(line);
    while let Some(shorter) = line.strip_suffix(b"\r") {
        line = shorter;
    }
    line
}

impl Listing {
    fn add(&mut self, parsed: Option<(Format, Entry)>, line: &[u8], directory: Option<&[u8]>) {
        if self.entries.len() >= MAXIMUM_ENTRIES {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let entry = match parsed {
            Some((format, entry)) => {
                let same = self.format.is_none_or(|other| other == format);
                self.format = Some(if same { format } else { Format::Mixed });
                entry
            }
            None => {
                self.unparsed = self.unparsed.saturating_add(1);
                Entry::default()
            }
        };
        let directory = directory.map(<[u8]>::to_vec);
        self.entries.push(Entry { text: line.to_vec(), directory, ..entry });
    }
}

impl Entry {
    fn of_name(name: &[u8]) -> Self {
        Self { name: Some(name.to_vec()), ..Self::default() }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unix => "unix",
            Self::Dos => "dos",
            Self::Facts => "mlsd",
            Self::Eplf => "eplf",
            Self::Names => "names",
            Self::Mixed => "mixed",
        })
    }
}

#[cfg(test)]
mod tests;

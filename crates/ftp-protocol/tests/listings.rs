//! Listings of all forms, each line with what must be read from it beside it: `tests/listings/*.txt`.
//!
//! ```text
//! # A remark.
//! [form] hint, title       a listing begins; its form, or "none"; its hint: list, nlst, mlsd, likely FORM; or nothing
//! < line                   a line as the server sends it, without its line end; \xNN is a byte
//! > kind | size | date | name | owner | group | permissions | target
//!                          the entry of that line; ~ is what is not told, and so is what is left out at the end;
//!                          ~ before a size says that it is rounded; "> text" is a line of no known form
//! ```
//!
//! `PORT21_REGENERATE=1` writes the expectations anew: look at the difference.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use ftp_protocol::listing::{
    Date, Entry, EntryKind, Format, Hint, Listing, Zone, parse_entry, parse_listing,
};

/// Fewest lines that the files together have: fewer, and something was not read.
const FEWEST_LINES: usize = 250;

/// A listing of a file with what is expected of it.
struct Case {
    heading: String,
    /// Each line with the expectations below it.
    lines: Vec<(Vec<u8>, Vec<String>)>,
}

impl Case {
    fn hint(&self) -> Option<Hint> {
        let words: Vec<&str> = self.heading.split(',').next().unwrap().split(' ').collect();
        match words[1..] {
            [] => None,
            ["list"] => Some(Hint::List),
            ["nlst"] => Some(Hint::Nlst),
            ["mlsd"] => Some(Hint::Mlsd),
            ["likely", "macintosh"] => Some(Hint::Likely(Format::Macintosh)),
            ["likely", "jobs"] => Some(Hint::Likely(Format::Jobs)),
            ["likely", "cms"] => Some(Hint::Likely(Format::Cms)),
            _ => panic!("unknown hint: {}", self.heading),
        }
    }

    fn form(&self) -> &str {
        self.heading.split(['[', ']']).nth(1).expect("a form in brackets")
    }

    fn read(&self) -> Listing {
        let lines: Vec<&[u8]> = self.lines.iter().map(|(line, _)| line.as_slice()).collect();
        parse_listing(&[lines.join(&b"\r\n"[..]), b"\r\n".to_vec()].concat(), self.hint())
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listings");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            cases.push(Case { heading: line.to_string(), lines: Vec::new() });
        } else if let Some(sent) = line.strip_prefix('<') {
            let sent = bytes(sent.strip_prefix(' ').unwrap_or(sent));
            cases.last_mut().unwrap().lines.push((sent, Vec::new()));
        } else if let Some(expected) = line.strip_prefix("> ") {
            cases.last_mut().unwrap().lines.last_mut().unwrap().1.push(expected.to_string());
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "not understood: {line}");
        }
    }
    cases
}

/// The bytes of a text with `\xNN` in it.
fn bytes(text: &str) -> Vec<u8> {
    let mut pieces = text.split("\\x");
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend(piece[2..].bytes());
    }
    bytes
}

/// Bytes as a text in which bytes that are no UTF-8, and spaces at the ends, are `\xNN`.
fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02X}")));
    }
    let inside = text.trim_matches(' ');
    let before = text.len() - text.trim_start_matches(' ').len();
    let behind = text.len() - before - inside.len();
    format!("{}{inside}{}", "\\x20".repeat(before), "\\x20".repeat(behind))
}

fn tell(entry: &Entry) -> String {
    if entry.name.is_none() {
        return "text".into();
    }
    let told = |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or("~".into(), text);
    let kind = entry.kind.map_or("~", |kind| match kind {
        EntryKind::File => "file",
        EntryKind::Directory => "dir",
        EntryKind::Link => "link",
        EntryKind::Other => "other",
    });
    assert!(entry.size.is_none() || entry.rounded_size.is_none(), "{entry:?}");
    let rounded = || entry.rounded_size.map(|size| format!("~{size}"));
    let size = entry.size.map(|size| size.to_string()).or_else(rounded).unwrap_or("~".into());
    let date = entry.date.map_or("~".into(), |date| tell_date(&date));
    let rest = [&entry.name, &entry.owner, &entry.group, &entry.permissions, &entry.target].map(told);
    let all = format!("{kind} | {size} | {date} | {}", rest.join(" | "));
    let mut short = all.as_str();
    while let Some(shorter) = short.strip_suffix(" | ~") {
        short = shorter;
    }
    short.to_string()
}

/// `2024-03-14 09:26:53.5 Z`, with `~` for a year that is not told, and nothing for the server's clock.
fn tell_date(date: &Date) -> String {
    let year = date.year.map_or("~".into(), |year| year.to_string());
    let mut told = format!("{year}-{:02}-{:02}", date.month, date.day);
    if let Some(time) = date.time {
        told += &format!(" {:02}:{:02}", time.hour, time.minute);
        told += &time.second.map_or(String::new(), |second| format!(":{second:02}"));
        if time.nanosecond > 0 {
            told += format!(".{:09}", time.nanosecond).trim_end_matches('0');
        }
    }
    match date.zone {
        Zone::Utc => told + " Z",
        Zone::Offset(minutes) => told + &format!(" {minutes:+}"),
        Zone::Server => told,
    }
}

/// The text of a file with the expectations that hold.
fn regenerated(text: &str) -> String {
    let mut entries = Vec::new();
    let mut cases = cases(text).into_iter();
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.starts_with('>')) {
        if line.starts_with('[') {
            entries = cases.next().unwrap().read().entries;
            entries.reverse();
        }
        out += &format!("{line}\n");
        let sent = line.strip_prefix('<').map(|line| bytes(line.strip_prefix(' ').unwrap_or(line)));
        if let Some(sent) = sent
            && entries.last().is_some_and(|entry| entry.text.ends_with(&sent) && !sent.is_empty())
        {
            out += &format!("> {}\n", tell(&entries.pop().unwrap()));
        }
    }
    out
}

#[test]
fn every_listing_gives_what_stands_beside_it() {
    let mut lines = 0;
    for file in files() {
        let mut content = fs::read_to_string(&file).unwrap();
        if std::env::var_os("PORT21_REGENERATE").is_some() {
            content = regenerated(&content);
            fs::write(&file, &content).unwrap();
        }
        for case in cases(&content) {
            let listing = case.read();
            let place = format!("{}: {}", file.display(), case.heading);
            let expected: Vec<&String> = case.lines.iter().flat_map(|(_, expected)| expected).collect();
            let told: Vec<String> = listing.entries.iter().map(tell).collect();
            assert_eq!(told.iter().collect::<Vec<_>>(), expected, "{place}");
            assert_eq!(listing.format.map_or("none".into(), |form| form.to_string()), case.form(), "{place}");
            lines += expected.len();
        }
    }
    assert!(lines >= FEWEST_LINES, "{lines} lines");
}

#[test]
fn order_of_lines_changes_nothing_but_their_order() {
    // Headings and broken lines need their place; what is left must be read alike from behind.
    for file in files() {
        for mut case in cases(&fs::read_to_string(&file).unwrap()) {
            if case.lines.iter().any(|(_, expected)| expected.len() != 1) {
                continue;
            }
            let mut forwards: Vec<String> = case.read().entries.iter().map(tell).collect();
            case.lines.reverse();
            let backwards: Vec<String> = case.read().entries.iter().map(tell).collect();
            forwards.reverse();
            assert_eq!(forwards, backwards, "{}: {}", file.display(), case.heading);
        }
    }
}

#[test]
fn line_alone_has_the_name_that_it_has_in_its_listing() {
    let mut alone = 0;
    for file in files() {
        for case in cases(&fs::read_to_string(&file).unwrap()) {
            let listing = case.read();
            let whole = |entry: &&Entry| entry.name.is_some() && !entry.text.contains(&b'\n');
            for entry in listing.entries.iter().filter(whole) {
                let Some(read) = parse_entry(&entry.text, case.hint()) else { continue };
                assert_eq!(
                    read.name.map(|name| text(&name)),
                    entry.name.as_deref().map(text),
                    "{}",
                    case.heading
                );
                alone += 1;
            }
        }
    }
    assert!(alone >= FEWEST_LINES * 8 / 10, "{alone} lines");
}

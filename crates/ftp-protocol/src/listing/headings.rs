//! Lines of a listing that are no entries: headings, rulers and totals of the rare forms.

use memchr::memmem;

use super::Format;
use super::words::Line;

/// Fewest dashes of a ruler.
const SHORTEST_RULER: usize = 4;

/// What a heading says that the lines below it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    DataSets,
    Members,
    Jobs,
    SpoolFiles,
    NonStop,
    Os9,
    Wellfleet,
    VxWorks,
    Unisys,
    Mpe,
    Vms,
}

/// What a line says that is no entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spoken<'a> {
    /// The heading of columns.
    Section(Section),
    /// The heading of a directory.
    Directory(Section, &'a [u8]),
    /// A ruler, a total, a remark.
    Talk,
}

/// What a line says if it is no entry, below the heading of `section` and lines of `format`.
pub(super) fn spoken<'a>(
    line: &Line<'a>,
    section: Option<Section>,
    format: Option<Format>,
) -> Option<Spoken<'a>> {
    let word = |index: usize| line.word(index).unwrap_or_default();
    let first = [word(0), word(1), word(2)];
    let found = match first {
        [b"Volume", b"Unit", b"Referred"] => Section::DataSets,
        [b"Name", b"VV.MM", _] | [b"Name", b"Size", b"TTR"] => Section::Members,
        [b"JOBNAME", b"JOBID", _] => Section::Jobs,
        [b"ID", b"STEPNAME", _] => Section::SpoolFiles,
        [b"File", b"Code", b"EOF"] => Section::NonStop,
        [b"Owner", b"Last", b"modified"] => Section::Os9,
        [b"File", b"Name", b"Size"] => Section::Wellfleet,
        [b"size", b"date", b"time"] => Section::VxWorks,
        [b"FILENAME", b"CODE", _] | [b"SIZE", b"TYP", _] => Section::Mpe,
        [b"CODE", dashes, b"RECORD-----------"] if dashes.starts_with(b"---") => Section::Mpe,
        _ => {
            return directory(line)
                .or_else(|| talk(line, section.or(of_format(format))).then_some(Spoken::Talk));
        }
    };
    Some(Spoken::Section(found))
}

/// The heading of a directory.
fn directory<'a>(line: &Line<'a>) -> Option<Spoken<'a>> {
    let first = line.word(0)?;
    if line.words.len() == 1 {
        // MultiNet writes no more than the name.
        let named = first.ends_with(b"]") && memmem::find(first, b":[").is_some_and(|at| at > 0);
        return named.then_some(Spoken::Directory(Section::Vms, first));
    }
    let second = line.word(1)?;
    match (first, second, line.words.len()) {
        // DISK$USER:[SMITH.MAIL] or [SMITH].
        (b"Directory", name, 2) if name.ends_with(b"]") || name.ends_with(b">") => {
            Some(Spoken::Directory(Section::Vms, name))
        }
        (b"Directory" | b"directory", b"of", 4) => Some(Spoken::Directory(Section::Os9, line.word(2)?)),
        (b"Directory", b"of", 3) => Some(Spoken::Directory(Section::Wellfleet, line.word(2)?)),
        (b"Volume", b"-", _) => Some(Spoken::Section(Section::Wellfleet)),
        (b"Report", b"for:", _) => Some(Spoken::Directory(Section::Unisys, line.rest_after(1)?)),
        (b"PATH=", name, 2) => Some(Spoken::Directory(Section::Mpe, name)),
        (b"ACCOUNT=", name, 4) if line.word(2) == Some(b"GROUP=") => {
            Some(Spoken::Directory(Section::Mpe, name))
        }
        _ => None,
    }
}

/// The section of a form that has totals also where it has no heading.
fn of_format(format: Option<Format>) -> Option<Section> {
    match format? {
        Format::Vms => Some(Section::Vms),
        Format::Jobs => Some(Section::Jobs),
        _ => None,
    }
}

/// Rulers and totals, each only where its form is.
fn talk(line: &Line<'_>, section: Option<Section>) -> bool {
    let Some(section) = section else { return false };
    let ruler = line.bytes.iter().all(|byte| matches!(byte, b'-' | b' '))
        && line.bytes.iter().filter(|byte| **byte == b'-').count() >= SHORTEST_RULER;
    let starts_with_digit = line.bytes.trim_ascii_start().first().is_some_and(u8::is_ascii_digit);
    ruler
        || match section {
            Section::Vms => is_total_of_vms(line),
            Section::Jobs | Section::SpoolFiles => is_total_of_jobs(line),
            // "6 Files 504 Octets".
            Section::Unisys => starts_with_digit && line.word(1) == Some(b"Files"),
            // "33554432 bytes - Total size".
            Section::Wellfleet => starts_with_digit && line.word(1) == Some(b"bytes"),
            _ => false,
        }
}

/// "Total of 7 files, 123/144 blocks." and "Grand total of 2 directories, 9 files.".
fn is_total_of_vms(line: &Line<'_>) -> bool {
    let word = |index: usize| line.word(index).unwrap_or_default();
    let words = [word(0), word(1), word(2)];
    match words {
        [b"Total", b"of", count] => count.first().is_some_and(u8::is_ascii_digit),
        [b"Grand", b"total", b"of"] => true,
        _ => false,
    }
}

/// "5 spool files".
fn is_total_of_jobs(line: &Line<'_>) -> bool {
    line.words.len() == 3
        && line.word(0).is_some_and(|count| count.iter().all(u8::is_ascii_digit))
        && line.word(1).is_some_and(|word| word.eq_ignore_ascii_case(b"spool"))
        && line.word(2).is_some_and(|word| word.eq_ignore_ascii_case(b"files"))
}

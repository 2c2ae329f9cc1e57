//! Which form a line has.
//!
//! The common forms come first, so that a line of `ls -l` costs no more for the rare ones behind it. A form that lines
//! above had is tried before other rare ones: what is ambiguous in one line is not so in a listing.

use super::words::Line;
use super::{
    Entry, Format, Hint, cms, connect, data_sets, dos, eplf, facts, jobs, macintosh, members, mpe, netware,
    nonstop, numeric, os2, os9, os400, unisys, unix, vms, vshell, vxworks, wellfleet,
};

/// Reads a line of one form; `None` if it has another one.
type Parse = fn(&Line<'_>) -> Option<Entry>;

/// The rare forms, the strictest first. No line of one of these is a line of `ls -l` or DOS.
const RARE: [(Format, Parse); 18] = [
    (Format::NumericUnix, numeric::parse),
    (Format::NetWare, netware::parse),
    (Format::ConnectEnterprise, connect::parse),
    (Format::Vms, vms::parse),
    (Format::Os400, os400::parse),
    (Format::NonStop, nonstop::parse),
    (Format::Os9, os9::parse),
    (Format::DataSets, data_sets::parse),
    (Format::Members, members::parse),
    (Format::Members, members::parse_load_module),
    (Format::Jobs, jobs::parse),
    (Format::Cms, cms::parse),
    (Format::Wellfleet, wellfleet::parse),
    (Format::Unisys, unisys::parse),
    (Format::Mpe, mpe::parse),
    (Format::VxWorks, vxworks::parse),
    (Format::Os2, os2::parse),
    (Format::VShell, vshell::parse),
];

/// What is known of a line from its command and from the lines above it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expectation {
    pub hint: Option<Hint>,
    /// The rare form that is tried first.
    pub likely: Option<Format>,
    /// Lines that can be of Mac OS are.
    pub macintosh: bool,
}

impl Expectation {
    pub fn new(hint: Option<Hint>) -> Self {
        let likely = if let Some(Hint::Likely(format)) = hint { Some(format) } else { None };
        Self { hint, likely, macintosh: likely == Some(Format::Macintosh) }
    }

    /// Whether the listing may have any form.
    pub fn is_open(&self) -> bool {
        matches!(self.hint, None | Some(Hint::List | Hint::Likely(_)))
    }
}

/// Reads a line of whatever form it has; `None` if that is not known.
pub(super) fn recognise(bytes: &[u8], expected: &Expectation) -> Option<(Format, Entry)> {
    let eplf = || eplf::parse(bytes).map(|entry| (Format::Eplf, entry));
    let facts = |strict| facts::parse(bytes, strict).map(|entry| (Format::Facts, entry));
    let unix = |line: &Line<'_>| unix::parse(line).map(|entry| (Format::Unix, entry));
    let macintosh = |line: &Line<'_>| macintosh::parse(line).map(|entry| (Format::Macintosh, entry));
    let dos = |line: &Line<'_>| dos::parse(line).map(|entry| (Format::Dos, entry));
    match expected.hint {
        Some(Hint::Mlsd) => facts(false).or_else(|| {
            let line = Line::new(bytes);
            unix(&line).or_else(|| dos(&line)).or_else(eplf)
        }),
        // NLST -l gives long lines on some servers.
        Some(Hint::Nlst) => unix(&Line::new(bytes)).or_else(|| Some((Format::Names, Entry::of_name(bytes)))),
        Some(Hint::List | Hint::Likely(_)) | None => eplf().or_else(|| {
            let line = Line::new(bytes);
            let likely = expected.likely.and_then(|likely| rare(&line, |format| format == likely));
            likely
                .or_else(|| expected.macintosh.then(|| macintosh(&line)).flatten())
                .or_else(|| unix(&line))
                .or_else(|| dos(&line))
                .or_else(|| facts(true))
                .or_else(|| rare(&line, |_| true))
        }),
    }
}

/// Reads a line of one of the rare forms that are asked for.
fn rare(line: &Line<'_>, asked: impl Fn(Format) -> bool) -> Option<(Format, Entry)> {
    RARE.iter()
        .filter(|(format, _)| asked(*format))
        .find_map(|(format, parse)| parse(line).map(|entry| (*format, entry)))
}

//! What must hold for listings of any bytes: no panic, nothing made up, and work that grows no faster than the bytes.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use ftp_protocol::listing::{Date, Format, Hint, Listing, MAXIMUM_LINE, parse_entry, parse_listing};
use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};

/// The lines of all listings in `tests/listings`.
static LINES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/listings");
    let mut lines = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        lines.extend(
            text.lines().filter_map(|line| line.strip_prefix("< ")).map(|line| line.as_bytes().to_vec()),
        );
    }
    lines.sort();
    lines
});

const HINTS: [Option<Hint>; 7] = [
    None,
    Some(Hint::List),
    Some(Hint::Nlst),
    Some(Hint::Mlsd),
    Some(Hint::Likely(Format::Members)),
    Some(Hint::Likely(Format::Macintosh)),
    Some(Hint::Likely(Format::Vms)),
];

/// What every listing keeps to, whatever its bytes are.
fn hold(bytes: &[u8], listing: &Listing) -> Result<(), TestCaseError> {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    prop_assert!(listing.entries.len() <= lines);
    prop_assert_eq!(listing.entries.iter().filter(|entry| entry.name.is_none()).count(), listing.unparsed);
    let mut rest = bytes;
    for entry in &listing.entries {
        let at = memchr::memmem::find(rest, &entry.text);
        prop_assert!(at.is_some(), "texts are those of the listing, in its order");
        rest = &rest[at.unwrap() + entry.text.len()..];
        prop_assert!(entry.size.is_none() || entry.rounded_size.is_none());
        prop_assert!(entry.date.is_none() || entry.modified.is_some());
        if let Some(date) = entry.date {
            prop_assert!(Date::new(date.year, date.month, date.day).is_some());
        }
    }
    Ok(())
}

/// A line of a real listing, damaged: cut, with another one's end, with bytes replaced or doubled.
fn damaged_line() -> impl Strategy<Value = Vec<u8>> {
    let line = || (0..LINES.len()).prop_map(|index| LINES[index].clone());
    let place = any::<prop::sample::Index>;
    (line(), line(), place(), place(), 0..5_u8, any::<u8>()).prop_map(
        |(mut line, other, at, from, how, byte)| {
            let at = at.index(line.len() + 1);
            match how {
                0 => line.truncate(at),
                1 => {
                    line.truncate(at);
                    line.extend(&other[from.index(other.len())..]);
                }
                2 => line.insert(at, byte),
                3 if at < line.len() => line[at] = byte,
                _ => {}
            }
            line
        },
    )
}

proptest! {
    #[test]
    fn damaged_listings_are_read(lines in prop::collection::vec(damaged_line(), 0..12)) {
        let bytes = lines.join(&b"\r\n"[..]);
        for hint in HINTS {
            hold(&bytes, &parse_listing(&bytes, hint))?;
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for hint in HINTS {
            hold(&bytes, &parse_listing(&bytes, hint))?;
            parse_entry(&bytes, hint);
        }
    }

    #[test]
    fn bytes_are_of_the_server(line in damaged_line()) {
        // Whatever is told stands in the line; only the name of a file of CMS has a full stop for its blanks.
        if let Some(entry) = parse_entry(&line, None) {
            let parts = [&entry.modified, &entry.permissions, &entry.owner, &entry.group, &entry.target];
            for part in parts.into_iter().flatten() {
                prop_assert!(memchr::memmem::find(&line, part).is_some());
            }
        }
    }
}

/// What this thread has had of a processor: others on the machine do not count.
fn spent() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap()
}

/// The shortest time of a few that reading so many times the same takes.
fn time(piece: &[u8], count: usize, hint: Option<Hint>) -> Duration {
    let bytes = piece.repeat(count);
    let once = || {
        let start = spent();
        std::hint::black_box(parse_listing(&bytes, hint));
        spent() - start
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn work_grows_no_faster_than_the_bytes() {
    let long_line = |piece: &[u8]| [&piece.repeat(MAXIMUM_LINE / piece.len() - 1)[..], b"\r\n"].concat();
    let pieces: Vec<Vec<u8>> = vec![
        b" folder ".to_vec(),
        b"dr--r--r-- folder ".to_vec(),
        b"\n".to_vec(),
        b"A.B;1\n".to_vec(),
        b"x:\n\n".to_vec(),
        b"-rw-r--r-- 1 a b 5 01-02-03 09:26 x\n".to_vec(),
        long_line(b"a=b;"),
        long_line(b"1 2 "),
        long_line(b"-rw-r--r-- 1 a b 5 Mar 14 09:26 -> "),
        long_line("11月".as_bytes()),
        long_line(b"[A,B "),
        long_line(b"type=os.unix=slink:;"),
        long_line(b"0"),
        long_line(b"\xFF"),
    ];
    for piece in pieces {
        for hint in [Some(Hint::List), Some(Hint::Mlsd)] {
            let count = (10_000 / piece.len()).max(1);
            let (few, many) = (time(&piece, count, hint), time(&piece, count * 8, hint));
            // Eight times the bytes; a square would be sixty-four. Ten milliseconds are noise.
            let shown = String::from_utf8_lossy(&piece[..piece.len().min(20)]).into_owned();
            assert!(many < few * 24 + Duration::from_millis(10), "{shown}, {hint:?}: {few:?}, then {many:?}");
        }
    }
}

//! Words of a line with their places, and the shapes of dates.

/// Most words of a line that are looked at; what a listing tells before the name has fewer.
const MAXIMUM_WORDS: usize = 24;

/// A run of bytes without white space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub bytes: &'a [u8],
    pub start: usize,
    pub end: usize,
}

/// The first words of a line.
pub(super) fn words(line: &[u8]) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, byte) in line.iter().copied().chain([b' ']).enumerate() {
        match (matches!(byte, b' ' | b'\t'), start) {
            (false, None) => start = Some(at),
            (true, Some(begin)) => {
                words.push(Word { bytes: line.get(begin..at).unwrap_or_default(), start: begin, end: at });
                start = None;
                if words.len() == MAXIMUM_WORDS {
                    break;
                }
            }
            _ => {}
        }
    }
    words
}

/// Decimal digits and nothing else, as a number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Three groups of digits with `-`, `/` or `.` between them: `2024-03-14`, `03-14-24`, `14.03.2024`.
pub(super) fn is_numeric_date(text: &[u8]) -> bool {
    let Some(&separator) = text.iter().find(|byte| !byte.is_ascii_digit()) else { return false };
    let mut groups = text.split(|&byte| byte == separator);
    let shape = [groups.next(), groups.next(), groups.next()]
        .map(|group| group.filter(|group| group.iter().all(u8::is_ascii_digit)).map_or(0, <[u8]>::len));
    matches!(separator, b'-' | b'/' | b'.')
        && groups.next().is_none()
        && matches!(shape, [1 | 2, 1 | 2, 2 | 4] | [4, 1 | 2, 1 | 2])
}

/// `9:26`, `09:26`, `09:26:53`, `09:26:53.589793`.
pub(super) fn is_time(text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b':');
    let (hour, minute, second) = (parts.next(), parts.next(), parts.next());
    let two = |part: &[u8]| part.len() == 2 && part.iter().all(u8::is_ascii_digit);
    hour.is_some_and(|hour| matches!(hour.len(), 1 | 2) && number(hour).is_some_and(|hour| hour < 25))
        && minute.is_some_and(two)
        && second.is_none_or(|second| {
            let mut halves = second.splitn(2, |&byte| byte == b'.');
            halves.next().is_some_and(two)
                && halves.next().is_none_or(|half| half.iter().all(u8::is_ascii_digit))
        })
        && parts.next().is_none()
}

/// Four digits of a plausible year.
pub(super) fn is_year(text: &[u8]) -> bool {
    text.len() == 4 && number(text).is_some_and(|year| (1900..2200).contains(&year))
}

/// 1 to 31, perhaps with a full stop or comma behind it.
pub(super) fn is_day(text: &[u8]) -> bool {
    let digits = text.strip_suffix(b".").or_else(|| text.strip_suffix(b",")).unwrap_or(text);
    digits.len() <= 2 && number(digits).is_some_and(|day| (1..=31).contains(&day))
}

/// An English month of three letters.
pub(super) fn is_english_month(text: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    MONTHS.iter().any(|month| text.eq_ignore_ascii_case(month))
}

/// A word of letters or other than ASCII bytes that may name a month in some language and encoding.
pub(super) fn may_be_month(text: &[u8]) -> bool {
    let letters = text.strip_suffix(b".").or_else(|| text.strip_suffix(b",")).unwrap_or(text);
    (2..=20).contains(&letters.len())
        && letters.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
}

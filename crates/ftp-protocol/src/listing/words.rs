//! Words of a line with their places, and the shapes of sizes, dates and names.

use std::ops::Deref;

use super::months::english;

/// Most words of a line that are looked at; what a listing tells before the name has fewer.
const MAXIMUM_WORDS: usize = 24;

/// A run of bytes without white space.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Word<'a> {
    pub bytes: &'a [u8],
    pub start: usize,
    pub end: usize,
}

/// The first words of a line.
#[derive(Debug)]
pub(super) struct Words<'a> {
    found: [Word<'a>; MAXIMUM_WORDS],
    count: usize,
}

/// A line and its first words.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    pub words: Words<'a>,
}

impl<'a> Line<'a> {
    /// A line without its line end.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, words: words(bytes) }
    }

    /// The bytes of the word at `index`.
    pub fn word(&self, index: usize) -> Option<&'a [u8]> {
        self.words.get(index).map(|word| word.bytes)
    }

    /// The bytes from the beginning of one word to the end of another one.
    pub fn span(&self, first: usize, last: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.words.get(first)?.start..self.words.get(last)?.end)
    }

    /// What stands behind the word at `index` and its blanks; `None` if nothing does.
    pub fn rest_after(&self, index: usize) -> Option<&'a [u8]> {
        let behind = self.bytes.get(self.words.get(index)?.end..)?;
        Some(behind.trim_ascii_start()).filter(|rest| !rest.is_empty())
    }
}

impl<'a> Deref for Words<'a> {
    type Target = [Word<'a>];

    fn deref(&self) -> &Self::Target {
        self.found.get(..self.count).unwrap_or_default()
    }
}

/// The first words of a line.
pub(super) fn words(line: &[u8]) -> Words<'_> {
    let mut words = Words { found: [Word::default(); MAXIMUM_WORDS], count: 0 };
    let mut places = words.found.iter_mut();
    let mut take = |start: usize, end: usize| {
        let Some(place) = places.next() else { return false };
        *place = Word { bytes: line.get(start..end).unwrap_or_default(), start, end };
        words.count = words.count.saturating_add(1);
        words.count < MAXIMUM_WORDS
    };
    // One look at each byte: a listing has many short words.
    let mut begun = None;
    for (at, byte) in line.iter().enumerate() {
        match begun {
            None if !is_blank(byte) => begun = Some(at),
            Some(start) if is_blank(byte) => {
                begun = None;
                if !take(start, at) {
                    return words;
                }
            }
            _ => {}
        }
    }
    if let Some(start) = begun {
        take(start, line.len());
    }
    words
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Decimal digits and nothing else, as a number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    text.first()?;
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Digits in groups of three, with commas or full stops between them, or without.
pub(super) fn grouped_number(text: &[u8]) -> Option<u64> {
    if let Some(plain) = number(text) {
        return Some(plain);
    }
    let separates = |byte: &u8| matches!(byte, b',' | b'.');
    if !text.first()?.is_ascii_digit() || !text.split(separates).skip(1).all(|group| group.len() == 3) {
        return None;
    }
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !separates(byte)).collect();
    number(&digits)
}

/// A size as `ls -h` rounds it, in bytes: `33.5k`, `12M`, `1,5G`, `4KiB`.
pub(super) fn rounded_size(text: &[u8]) -> Option<u64> {
    let text = text.strip_suffix(b"B").or_else(|| text.strip_suffix(b"b")).unwrap_or(text);
    let text = text.strip_suffix(b"i").unwrap_or(text);
    let (unit, digits) = text.split_last()?;
    let power = b"kmgtpe".iter().position(|letter| *letter == unit.to_ascii_lowercase())?;
    let mut parts = digits.splitn(2, |byte| matches!(byte, b'.' | b','));
    let (whole, tenths) = (parts.next()?, parts.next().unwrap_or(b"0"));
    if tenths.len() > 3 {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(tenths.len()).ok()?)?;
    let count = u128::from(number(whole)?).checked_mul(scale)?.checked_add(u128::from(number(tenths)?))?;
    let unit = 1024_u128.checked_pow(u32::try_from(power.checked_add(1)?).ok()?)?;
    u64::try_from(count.checked_mul(unit)?.checked_div(scale)?).ok()
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
    english(text).is_some()
}

/// A word of letters or other than ASCII bytes that may name a month in some language and encoding.
pub(super) fn may_be_month(text: &[u8]) -> bool {
    let letters = text.strip_suffix(b".").or_else(|| text.strip_suffix(b",")).unwrap_or(text);
    (2..=20).contains(&letters.len())
        && letters.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_sizes_are_bytes() {
        for (text, size) in [
            ("33.5k", Some(34_304)),
            ("12M", Some(12 << 20)),
            ("1,5G", Some(3 << 29)),
            ("4KiB", Some(4096)),
            ("2kB", Some(2048)),
            ("1234", None),
            ("k", None),
            (".5k", None),
            ("1.2345k", None),
            ("99999999999999999999k", None),
            ("18446744073709551615E", None),
        ] {
            assert_eq!(rounded_size(text.as_bytes()), size, "{text}");
        }
    }

    #[test]
    fn groups_have_three_digits() {
        for (text, size) in [
            ("1,234,567", Some(1_234_567)),
            ("1.234", Some(1234)),
            ("1234", Some(1234)),
            ("12,34", None),
            (",123", None),
        ] {
            assert_eq!(grouped_number(text.as_bytes()), size, "{text}");
        }
    }
}

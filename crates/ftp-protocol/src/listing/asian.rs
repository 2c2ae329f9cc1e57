//! Dates with the characters for year, month and day behind their numbers: `8月 17日`, `2024年3月14日`, `3월 14`, in UTF-8
//! and in the character sets of Japanese, Chinese and Korean servers.

use super::words::number;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
}

/// A number with what it counts, where a character tells that.
pub(super) type Marked = (u64, Option<Unit>);

/// The characters in each character set: no two of them mean different things.
const MARKS: [(&[u8], Unit); 21] = [
    ("年".as_bytes(), Unit::Year),
    ("月".as_bytes(), Unit::Month),
    ("日".as_bytes(), Unit::Day),
    ("년".as_bytes(), Unit::Year),
    ("월".as_bytes(), Unit::Month),
    ("일".as_bytes(), Unit::Day),
    // Shift_JIS.
    (b"\x94\x4e", Unit::Year),
    (b"\x8c\x8e", Unit::Month),
    (b"\x93\xfa", Unit::Day),
    // EUC-JP.
    (b"\xc7\xaf", Unit::Year),
    (b"\xb7\xee", Unit::Month),
    (b"\xc6\xfc", Unit::Day),
    // GBK.
    (b"\xc4\xea", Unit::Year),
    (b"\xd4\xc2", Unit::Month),
    (b"\xc8\xd5", Unit::Day),
    // EUC-KR.
    (b"\xb3\xe2", Unit::Year),
    (b"\xbf\xf9", Unit::Month),
    (b"\xc0\xcf", Unit::Day),
    // Big5.
    (b"\xa6\x7e", Unit::Year),
    (b"\xa4\xeb", Unit::Month),
    (b"\xa4\xe9", Unit::Day),
];

/// The numbers of a word that is made of numbers with their characters, at most one of each; the last number may
/// stand without. `None` if the word is anything else, or has no character.
pub(super) fn marked(word: &[u8]) -> Option<[Option<Marked>; 3]> {
    // Every character begins beyond ASCII.
    if word.is_ascii() {
        return None;
    }
    let mut found = [None; 3];
    let mut rest = word;
    let mut any = false;
    for place in &mut found {
        if rest.is_empty() {
            break;
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let count = number(rest.get(..digits)?)?;
        rest = rest.get(digits..)?;
        let mark = MARKS.iter().find(|(bytes, _)| rest.starts_with(bytes));
        match mark {
            Some((bytes, unit)) => {
                rest = rest.get(bytes.len()..)?;
                any = true;
                *place = Some((count, Some(*unit)));
            }
            None if rest.is_empty() => *place = Some((count, None)),
            None => return None,
        }
    }
    (any && rest.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(word: &[u8]) -> Option<Vec<(u64, Option<Unit>)>> {
        marked(word).map(|found| found.into_iter().flatten().collect())
    }

    #[test]
    fn numbers_have_their_units() {
        use Unit::{Day, Month, Year};
        assert_eq!(units("8月".as_bytes()), Some(vec![(8, Some(Month))]));
        assert_eq!(
            units("2024年3月14日".as_bytes()),
            Some(vec![(2024, Some(Year)), (3, Some(Month)), (14, Some(Day))])
        );
        assert_eq!(units("3월14".as_bytes()), Some(vec![(3, Some(Month)), (14, None)]));
        assert_eq!(units(b"1992\x94\x4e"), Some(vec![(1992, Some(Year))]), "Shift_JIS");
        assert_eq!(units(b"12\xb7\xee31\xc6\xfc"), Some(vec![(12, Some(Month)), (31, Some(Day))]), "EUC-JP");
    }

    #[test]
    fn other_words_are_none() {
        for word in ["", "8", "月", "8月x", "月8", "8月8月8月8月", "99999999999999999999月"] {
            assert_eq!(units(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn no_character_is_another_one() {
        for (index, (bytes, _)) in MARKS.iter().enumerate() {
            let others = MARKS.iter().enumerate().filter(|(other, _)| *other != index);
            assert!(others.map(|(_, (other, _))| other).all(|other| !other.starts_with(bytes)), "{bytes:x?}");
        }
    }
}

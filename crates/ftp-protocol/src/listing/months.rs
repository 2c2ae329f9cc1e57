//! Names of months as listings write them, in the languages and character sets of servers that follow their locale.
//!
//! `ls -l` takes the abbreviation from the locale (POSIX, `LC_TIME`, `abmon`), in whatever character set that has. An
//! abbreviation is the beginning of the name in nearly all languages; what is not is listed apart.

/// Shortest abbreviation in letters.
const SHORTEST: usize = 3;

/// Longest name of a month in bytes that is looked up.
const LONGEST: usize = 24;

/// Names of the months from January on, a language each. The first language that fits wins.
const NAMES: [&str; 14] = [
    // English.
    "january february march april may june july august september october november december",
    // German.
    "januar februar märz april mai juni juli august september oktober november dezember",
    // French.
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    // Spanish.
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    // Italian.
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    // Hungarian.
    "január február március április május június július augusztus szeptember október november december",
    // Portuguese.
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    // Dutch.
    "januari februari maart april mei juni juli augustus september oktober november december",
    // Danish and Norwegian.
    "januar februar marts april maj juni juli august september oktober november desember",
    // Swedish.
    "januari februari mars april maj juni juli augusti september oktober november december",
    // Polish.
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    // Czech.
    "leden únor březen duben květen červen červenec srpen září říjen listopad prosinec",
    // Finnish.
    "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu",
    // Turkish.
    "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık",
];

/// Abbreviations that are not the beginning of a name: German, Austrian, Dutch.
const CONTRACTED: [(&str, u8); 3] = [("mrz", 3), ("jänner", 1), ("mrt", 3)];

/// The first three letters of Russian months, each with its genitive.
const RUSSIAN: [&[&str]; 12] = [
    &["янв"],
    &["фев"],
    &["мар"],
    &["апр"],
    &["май", "мая"],
    &["июн"],
    &["июл"],
    &["авг"],
    &["сен"],
    &["окт"],
    &["ноя"],
    &["дек"],
];

/// Letters of the upper half of code page 850 (and 437) that the names above need.
const CODE_PAGE_850: [(u8, char); 9] = [
    (0x81, 'ü'),
    (0x82, 'é'),
    (0x84, 'ä'),
    (0x87, 'ç'),
    (0x94, 'ö'),
    (0x96, 'û'),
    (0xA0, 'á'),
    (0xA2, 'ó'),
    (0xA3, 'ú'),
];

/// The order of Russian letters from 0xC0 on in KOI8-R (RFC 1489), small ones; capitals follow from 0xE0 on.
const KOI8: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";

/// The month, 1 to 12, that a word names, perhaps with a full stop or comma behind it.
pub(super) fn month(word: &[u8]) -> Option<u8> {
    if let Some(month) = english(word) {
        return Some(month);
    }
    let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
    if word.len() < SHORTEST || word.len() > LONGEST {
        return None;
    }
    if word.is_ascii() {
        return latin(|| word.iter().map(|&byte| char::from(byte)));
    }
    // Bytes of another character set can be UTF-8 by chance, but then they are no month there.
    let text = std::str::from_utf8(word).unwrap_or_default();
    if let Some(month) = latin(|| text.chars()).or_else(|| russian(|| text.chars())) {
        return Some(month);
    }
    // Latin-1 and Latin-2 have the letters that the names need at the same places.
    latin(|| word.iter().map(|&byte| char::from(byte)))
        .or_else(|| latin(|| word.iter().map(|&byte| of_code_page_850(byte))))
        .or_else(|| russian(|| word.iter().map(|&byte| of_code_page_1251(byte))))
        .or_else(|| russian(|| word.iter().map(|&byte| of_koi8(byte))))
        .or_else(|| russian(|| word.iter().map(|&byte| of_code_page_866(byte))))
        .or_else(|| russian(|| word.iter().map(|&byte| of_iso_8859_5(byte))))
}

/// The month of which a word is the English abbreviation of three letters.
pub(super) fn english(word: &[u8]) -> Option<u8> {
    let [a, b, c] = word else { return None };
    Some(match [a.to_ascii_lowercase(), b.to_ascii_lowercase(), c.to_ascii_lowercase()] {
        [b'j', b'a', b'n'] => 1,
        [b'f', b'e', b'b'] => 2,
        [b'm', b'a', b'r'] => 3,
        [b'a', b'p', b'r'] => 4,
        [b'm', b'a', b'y'] => 5,
        [b'j', b'u', b'n'] => 6,
        [b'j', b'u', b'l'] => 7,
        [b'a', b'u', b'g'] => 8,
        [b's', b'e', b'p'] => 9,
        [b'o', b'c', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e', b'c'] => 12,
        _ => return None,
    })
}

/// The month of which the letters are the name or its beginning.
fn latin<I: Iterator<Item = char>>(letters: impl Fn() -> I) -> Option<u8> {
    let lower = || letters().flat_map(char::to_lowercase);
    if let Some((_, month)) = CONTRACTED.iter().find(|(name, _)| lower().eq(name.chars())) {
        return Some(*month);
    }
    if letters().take(SHORTEST).count() < SHORTEST {
        return None;
    }
    let begins = |name: &str| {
        let mut name = name.chars();
        lower().all(|letter| name.next() == Some(letter))
    };
    NAMES.iter().find_map(|names| position(names.split(' ').position(begins)?))
}

/// The month of which the letters begin as in Russian.
fn russian<I: Iterator<Item = char>>(letters: impl Fn() -> I) -> Option<u8> {
    let start = || letters().flat_map(char::to_lowercase).take(SHORTEST);
    position(RUSSIAN.iter().position(|names| names.iter().any(|name| start().eq(name.chars())))?)
}

fn position(index: usize) -> Option<u8> {
    u8::try_from(index.checked_add(1)?).ok()
}

fn of_code_page_850(byte: u8) -> char {
    let letter = CODE_PAGE_850.iter().find(|(code, _)| *code == byte).map(|(_, letter)| *letter);
    letter.unwrap_or(if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER })
}

/// The Russian letter that is so many places behind the first one, `а`.
fn russian_letter(byte: u8, first: u8) -> char {
    char::from_u32(u32::from('а').saturating_add(u32::from(byte.saturating_sub(first))))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn of_code_page_1251(byte: u8) -> char {
    match byte {
        0xC0..=0xDF => russian_letter(byte, 0xC0),
        0xE0..=0xFF => russian_letter(byte, 0xE0),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

fn of_koi8(byte: u8) -> char {
    // Small letters from 0xC0 on, capitals from 0xE0 on.
    let place = usize::from(byte & 0x1F);
    let letter = (byte >= 0xC0).then(|| KOI8.chars().nth(place)).flatten();
    letter.unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn of_code_page_866(byte: u8) -> char {
    match byte {
        0x80..=0x9F => russian_letter(byte, 0x80),
        0xA0..=0xAF => russian_letter(byte, 0xA0),
        0xE0..=0xEF => russian_letter(byte, 0xD0),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

fn of_iso_8859_5(byte: u8) -> char {
    match byte {
        0xB0..=0xCF => russian_letter(byte, 0xB0),
        0xD0..=0xEF => russian_letter(byte, 0xD0),
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_are_their_months() {
        for names in NAMES {
            for (index, name) in names.split(' ').enumerate() {
                assert_eq!(month(name.as_bytes()), Some(index as u8 + 1), "{name}");
                let latin_1: Option<Vec<u8>> = name.chars().map(|letter| u8::try_from(letter).ok()).collect();
                if let Some(bytes) = latin_1 {
                    assert_eq!(month(&bytes), Some(index as u8 + 1), "{name} in Latin-1");
                }
            }
        }
    }

    #[test]
    fn abbreviations_of_locales_are_their_months() {
        let locales = [
            "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
            "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
            "ene feb mar abr may jun jul ago sep oct nov dic",
            "gen feb mar apr mag giu lug ago set ott nov dic",
            "jan. febr. márc. ápr. máj. jún. júl. aug. szept. okt. nov. dec.",
            "jan fev mar abr mai jun jul ago set out nov dez",
            "jan feb mrt apr mei jun jul aug sep okt nov dec",
            "jan feb mar apr maj jun jul aug sep okt nov dec",
            "sty lut mar kwi maj cze lip sie wrz paź lis gru",
            "led úno bře dub kvě čer červenec srp zář říj lis pro",
            "tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu",
            "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",
            "янв фев мар апр мая июн июл авг сен окт ноя дек",
        ];
        for locale in locales {
            for (index, name) in locale.split(' ').enumerate() {
                assert_eq!(month(name.as_bytes()), Some(index as u8 + 1), "{name}");
                assert_eq!(month(name.to_uppercase().as_bytes()), Some(index as u8 + 1), "{name}");
            }
        }
    }

    #[test]
    fn russian_months_are_known_in_every_character_set() {
        let sets = [of_code_page_1251, of_koi8, of_code_page_866, of_iso_8859_5];
        let names = ["code page 1251", "KOI8-R", "code page 866", "ISO 8859-5"];
        for (decode, set) in sets.into_iter().zip(names) {
            // Small letters stand behind capitals everywhere but in KOI8-R.
            for from_the_end in [false, true] {
                let encode = |letter: char| {
                    let mut bytes = (0x80..=0xFF).filter(|&byte| decode(byte) == letter);
                    if from_the_end { bytes.next_back() } else { bytes.next() }.unwrap()
                };
                for (index, names) in RUSSIAN.iter().enumerate() {
                    for name in *names {
                        let bytes: Vec<u8> = name.chars().map(encode).collect();
                        assert_eq!(month(&bytes), Some(index as u8 + 1), "{name} in {set}");
                    }
                }
            }
        }
    }

    #[test]
    fn bytes_of_code_pages_are_letters() {
        assert_eq!(month(b"M\x84r"), Some(3), "code page 850");
        assert_eq!(month(b"f\x82vr."), Some(2));
        assert_eq!(month(b"ao\x96t"), Some(8));
        assert_eq!(month(b"D\xc5\xcb"), None, "a Latin letter is not Russian");
        assert_eq!(month(b"\xc4\xc5\xcb"), Some(12), "KOI8-R");
        assert_eq!(month(b"\xec\xe0\xff"), Some(5), "code page 1251");
    }

    #[test]
    fn other_words_are_no_months() {
        for word in ["", "ja", "m", "janx", "januaryy", "root", "xyz", "..."] {
            assert_eq!(month(word.as_bytes()), None, "{word}");
        }
    }
}

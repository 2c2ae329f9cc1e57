//! Amounts of bytes as people write them.

use std::fmt;
use std::str::FromStr;

/// A number of bytes: `1500`, `64 KiB`, `10M`, `1.5 GB`. `K`, `M`, `G` and `T`, and `KiB` and its kin, are powers of 1024; `kB`, `MB`,
/// `GB` and `TB` are powers of 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u64);

/// A text is no amount of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no number of bytes such as 500K, 10 MiB or 1.5 GB")]
pub struct BadAmount(String);

impl FromStr for Amount {
    type Err = BadAmount;
    fn from_str(text: &str) -> Result<Self, BadAmount> {
        parse(text.trim()).map(Self).ok_or_else(|| BadAmount(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (digits, unit) = (text.get(..end)?, text.get(end..)?.trim_start());
    let unit: u64 = match unit {
        "" | "B" => 1,
        "K" | "k" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut bytes = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        bytes = bytes.checked_add(u64::from(digit.to_digit(10)?).checked_mul(place)?)?;
    }
    Some(bytes)
}

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(1_u64 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
        match units.iter().find(|(unit, _)| self.0 >= *unit && self.0.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(formatter, "{}{name}", self.0 / unit),
            None => self.0.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1500", 1500),
            ("64 KiB", 65_536),
            ("10M", 10 << 20),
            ("1.5 GB", 1_500_000_000),
            (" 2 TiB ", 2 << 40),
            ("100kB", 100_000),
        ] {
            assert_eq!(text.parse::<Amount>().unwrap(), Amount(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1,5M", "1.5.5M", "10 parsec", "99999999999T", "1e6", "0x10", "1 0"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_so_that_they_are_read_the_same() {
        for (bytes, text) in [(0, "0"), (1000, "1000"), (1024, "1K"), (3 << 30, "3G"), (1025, "1025")] {
            assert_eq!(Amount(bytes).to_string(), text);
            assert_eq!(text.parse::<Amount>().unwrap(), Amount(bytes));
        }
    }
}

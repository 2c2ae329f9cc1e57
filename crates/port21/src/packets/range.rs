//! Which packets are asked for by number.

use std::str::FromStr;

/// Numbers and ranges of packets: "70", "70-90", "70..90", "-5", "300-", and several of them with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Whether a packet is asked for.
    pub fn contains(&self, number: u64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// The highest number asked for.
    pub fn last(&self) -> u64 {
        self.0.iter().map(|(_, last)| *last).max().unwrap_or(0)
    }
}

impl FromStr for Ranges {
    type Err = String;

    fn from_str(text: &str) -> Result<Ranges, String> {
        let ranges: Result<Vec<_>, String> = text.split(',').map(|part| range(part.trim())).collect();
        Ok(Ranges(ranges?))
    }
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let number = |digits: &str| {
        let number = digits.trim().parse::<u64>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| {
            format!("'{text}' is no packet number or range; packets are numbered from 1, as in 70-90")
        })
    };
    let (first, last) = match text.split_once("..").or_else(|| text.split_once('-')) {
        None => (number(text)?, number(text)?),
        Some((first, last)) if !(first.is_empty() && last.is_empty()) => {
            let first = if first.is_empty() { 1 } else { number(first)? };
            (first, if last.is_empty() { u64::MAX } else { number(last)? })
        }
        Some(_) => (number("")?, 0),
    };
    if first > last {
        return Err(format!("'{text}' ends before it begins"));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_are_read() {
        for (text, expected) in [
            ("70", vec![(70, 70)]),
            ("70-90", vec![(70, 90)]),
            ("70..90", vec![(70, 90)]),
            ("-5,300-", vec![(1, 5), (300, u64::MAX)]),
        ] {
            assert_eq!(text.parse(), Ok(Ranges(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "0", "-", "..", "9-3", "a", "1-2-3", "18446744073709551616"] {
            assert!(text.parse::<Ranges>().is_err(), "{text}");
        }
    }
}

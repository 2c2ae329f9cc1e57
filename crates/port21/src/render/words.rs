//! How numbers, packets, ends and spans of time are written for people.

use std::net::{IpAddr, SocketAddr};

use port21_analysis::report::Endpoint;

/// A number with commas between groups of three digits.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things: "1 transfer", "2,000 transfers", "no transfers"; the plural is made with "s" (or "ies").
pub fn count(value: u64, thing: &str) -> String {
    match (value, thing.strip_suffix("y")) {
        (1, _) => format!("1 {thing}"),
        (0, Some(stem)) => format!("no {stem}ies"),
        (0, None) => format!("no {thing}s"),
        (_, Some(stem)) => format!("{} {stem}ies", number(value)),
        (_, None) => format!("{} {thing}s", number(value)),
    }
}

/// Packet numbers, three or more in a row as a range: "#161 #162 #172", "#17-#45".
pub fn packets(numbers: &[u64]) -> String {
    ranges(numbers).join(" ")
}

/// As [`packets`], with at most `limit` ranges: of more, the first ones, the last one, and how many in all.
pub fn packets_at_most(numbers: &[u64], limit: usize) -> String {
    let ranges = ranges(numbers);
    match (ranges.get(..limit), ranges.last()) {
        (Some(first), Some(last)) if ranges.len() > limit + 1 => {
            format!("{} ... {last} ({} in all)", first.join(" "), number(numbers.len() as u64))
        }
        _ => ranges.join(" "),
    }
}

fn ranges(numbers: &[u64]) -> Vec<String> {
    numbers
        .chunk_by(|one, next| one.checked_add(1) == Some(*next))
        .flat_map(|run| match run {
            [first, _, .., last] => vec![format!("#{first}-#{last}")],
            few => few.iter().map(|number| format!("#{number}")).collect(),
        })
        .collect()
}

/// Words joined as in a sentence: "a", "a and b", "a, b and c".
pub fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A span of time with three significant digits: "0 s", "0.129 s", "7.48 s", "2 min 5 s", "3 h 0 min", "4 days 1 h".
pub fn seconds(span: f64) -> String {
    let whole = span.abs().round() as u64;
    match span.abs() {
        none if none < 1e-9 => "0 s".to_owned(),
        short if short < 0.001 => format!("{:.6} s", span),
        short if short < 10.0 => format!("{:.3} s", span),
        middle if middle < 119.95 => format!("{:.1} s", span),
        long if long < 7200.0 => format!("{} min {} s", whole / 60, whole % 60),
        day if day < 172_800.0 => format!("{} h {} min", number(whole / 3600), whole % 3600 / 60),
        _ => format!("{} days {} h", number(whole / 86_400), whole % 86_400 / 3600),
    }
}

/// Bytes in a second, rounded to what one can compare.
pub fn rate(bytes: u64, span: f64) -> Option<String> {
    let rate = bytes as f64 / span;
    match rate {
        _ if span <= 0.0 || !rate.is_finite() => None,
        mega if mega >= 1e6 => Some(format!("{:.1} MB/s", mega / 1e6)),
        kilo if kilo >= 1e3 => Some(format!("{:.1} kB/s", kilo / 1e3)),
        slow => Some(format!("{slow:.0} B/s")),
    }
}

/// An address and port: "192.0.2.1:21", `[2001:db8::1]:21`.
pub fn endpoint(endpoint: &Endpoint) -> String {
    address(endpoint.address, endpoint.port)
}

/// An address and port: "192.0.2.1:21", `[2001:db8::1]:21`.
pub fn address(address: IpAddr, port: u16) -> String {
    SocketAddr::new(address, port).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 999, 1000, 12_345_678].map(number), ["0", "999", "1,000", "12,345,678"]);
    }

    #[test]
    fn things_are_counted_in_english() {
        assert_eq!(
            [count(0, "finding"), count(1, "entry"), count(2, "entry"), count(1500, "packet")],
            ["no findings", "1 entry", "2 entries", "1,500 packets"]
        );
    }

    #[test]
    fn three_packets_in_a_row_become_a_range() {
        assert_eq!(packets(&[161, 162, 172]), "#161 #162 #172");
        assert_eq!(packets(&[1, 2, 3, 7, 9, 10, 11, 12]), "#1-#3 #7 #9-#12");
        assert_eq!(packets(&[]), "");
    }

    #[test]
    fn many_ranges_are_cut_but_counted() {
        assert_eq!(packets_at_most(&[1, 3, 5, 7, 9, 11], 2), "#1 #3 ... #11 (6 in all)");
        assert_eq!(packets_at_most(&[1, 3, 5], 2), "#1 #3 #5");
    }

    #[test]
    fn last_possible_packet_number_ends_a_range() {
        assert_eq!(packets(&[u64::MAX, u64::MAX]), format!("#{0} #{0}", u64::MAX));
    }

    #[test]
    fn spans_are_written_by_their_size() {
        let short = [0.0, 0.000_012, 0.129_234, 7.5, 10.123].map(seconds);
        assert_eq!(short, ["0 s", "0.000012 s", "0.129 s", "7.500 s", "10.1 s"]);
        let long = [125.0, 10_860.0, 176_400.0].map(seconds);
        assert_eq!(long, ["2 min 5 s", "3 h 1 min", "2 days 1 h"]);
    }

    #[test]
    fn rate_needs_a_span() {
        assert_eq!(rate(1000, 0.0), None);
        assert_eq!(rate(3_000_000, 2.0).as_deref(), Some("1.5 MB/s"));
    }

    #[test]
    fn ipv6_is_bracketed() {
        assert_eq!(address("2001:db8::1".parse().unwrap(), 21), "[2001:db8::1]:21");
    }
}

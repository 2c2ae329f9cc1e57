//! Small pieces of English: numbers, packets, lists. Plain text without markup; renderers escape it.

use crate::report::{Endpoint, Reply};

/// Most packet numbers that one sentence names.
const NAMED_PACKETS: usize = 8;

/// Most characters of a text from the wire that one sentence quotes.
const QUOTED_CHARACTERS: usize = 200;

/// Sentences, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Prose(String);

impl Prose {
    /// Adds a sentence.
    pub(crate) fn say(&mut self, sentence: impl AsRef<str>) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(sentence.as_ref());
    }

    /// The whole text.
    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// "2,111".
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// "1 packet", "2,111 bytes", "30 entries".
pub(crate) fn counted(value: u64, noun: &str) -> String {
    if value == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) => format!("{} {stem}ies", number(value)),
        None => format!("{} {noun}s", number(value)),
    }
}

/// "a, b and c".
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// "#79, #83 and #84"; of a long list the beginning and how many follow.
pub(crate) fn packets(numbers: &[u64]) -> String {
    let mut named: Vec<String> =
        numbers.iter().take(NAMED_PACKETS).map(|number| format!("#{number}")).collect();
    let rest = numbers.len().saturating_sub(NAMED_PACKETS);
    if rest > 0 {
        named.push(format!("{rest} more"));
    }
    list(&named)
}

/// "0.129 s"; microseconds only where it is shorter than a millisecond.
pub(crate) fn seconds(value: f64) -> String {
    if value.abs() < 0.001 && value != 0.0 { format!("{value:.6} s") } else { format!("{value:.3} s") }
}

/// A text from the wire in quotation marks, cut where it is long; its line ends as " / ".
pub(crate) fn quoted(text: &str) -> String {
    let line = text.replace("\r\n", "\n").replace('\n', " / ");
    let cut: String = line.chars().take(QUOTED_CHARACTERS).collect();
    let more = if cut.len() < line.len() { "…" } else { "" };
    format!("\"{cut}{more}\"")
}

/// "156.21.1.54:20 to 192.168.1.10:5001".
pub(crate) fn from_to(from: Endpoint, to: Endpoint) -> String {
    format!("{from} to {to}")
}

/// "226 (#178)", "a reply without a code (#9)".
pub(crate) fn reply(reply: &Reply) -> String {
    code_and_packet(reply.code, reply.packet)
}

/// The same from its parts.
pub(crate) fn code_and_packet(code: Option<u16>, packet: u64) -> String {
    match code {
        Some(code) => format!("{code:03} (#{packet})"),
        None => format!("a reply without a code (#{packet})"),
    }
}

/// "USER anonymous".
pub(crate) fn command(verb: &str, argument: Option<&str>) -> String {
    match argument {
        Some(argument) if !argument.is_empty() => format!("{verb} {argument}"),
        _ => verb.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1000), "1,000");
        assert_eq!(number(1_234_567), "1,234,567");
    }

    #[test]
    fn a_long_list_of_packets_is_cut_and_counted() {
        assert_eq!(packets(&[79, 83, 84]), "#79, #83 and #84");
        let many: Vec<u64> = (1..=20).collect();
        assert_eq!(packets(&many), "#1, #2, #3, #4, #5, #6, #7, #8 and 12 more");
    }

    #[test]
    fn a_quotation_stays_on_one_line_and_is_bounded() {
        assert_eq!(quoted("a\r\nb"), "\"a / b\"");
        assert_eq!(quoted(&"x".repeat(300)).chars().count(), QUOTED_CHARACTERS + 3);
    }
}

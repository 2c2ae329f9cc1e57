//! The values of Zeek's logs, and how its ASCII writer writes them: tab-separated or as JSON.

use std::fmt::Write as _;
use std::net::IpAddr;

use port21_capture::Timestamp;

use crate::escape;

/// A cell of a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing is known: `-`, and left out in JSON.
    Unset,
    /// Seconds since 1970, with microseconds.
    Time(Timestamp),
    /// A span in seconds, with microseconds.
    Interval(f64),
    /// Text from the wire or our own.
    Text(String),
    /// Bytes from the wire that are not UTF-8 throughout.
    Bytes(Vec<u8>),
    /// An address.
    Address(IpAddr),
    /// A number.
    Count(u64),
    /// `T` or `F`.
    Flag(bool),
    /// A set or vector of strings.
    Texts(Vec<String>),
    /// A vector of spans.
    Intervals(Vec<f64>),
}

impl Value {
    /// The text, or nothing.
    pub fn text(text: Option<&str>) -> Value {
        text.map_or(Value::Unset, |text| Value::Text(text.to_owned()))
    }

    /// Text of the report, where `hexadecimal` holds its bytes if they are not UTF-8.
    pub fn wire(text: Option<&str>, hexadecimal: Option<&str>) -> Value {
        match hexadecimal.and_then(escape::from_hexadecimal) {
            Some(bytes) => Value::Bytes(bytes),
            None => Value::text(text),
        }
    }

    /// The number, or nothing.
    pub fn count(count: Option<u64>) -> Value {
        count.map_or(Value::Unset, Value::Count)
    }

    /// As a cell between tabs.
    pub fn tab_separated(&self) -> String {
        match self {
            Value::Unset => "-".into(),
            Value::Time(time) => seconds(*time),
            Value::Interval(seconds) => format!("{seconds:.6}"),
            Value::Text(text) => cell(text.as_bytes(), false),
            Value::Bytes(bytes) => cell(bytes, false),
            Value::Address(address) => address.to_string(),
            Value::Count(count) => count.to_string(),
            Value::Flag(flag) => if *flag { "T" } else { "F" }.into(),
            Value::Texts(texts) => {
                joined(texts.iter().map(|text| cell(text.as_bytes(), true)), texts.is_empty())
            }
            Value::Intervals(intervals) => {
                joined(intervals.iter().map(|seconds| format!("{seconds:.6}")), intervals.is_empty())
            }
        }
    }

    /// As a JSON value; `None`: to be left out.
    pub fn json(&self) -> Option<String> {
        Some(match self {
            Value::Unset => return None,
            Value::Time(time) => seconds(*time),
            Value::Interval(seconds) => format!("{seconds:.6}"),
            Value::Text(text) => json_string(text),
            Value::Bytes(bytes) => json_string(&escaped_bytes(bytes)),
            Value::Address(address) => json_string(&address.to_string()),
            Value::Count(count) => count.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Texts(texts) => json_list(texts.iter().map(|text| json_string(text))),
            Value::Intervals(intervals) => json_list(intervals.iter().map(|seconds| format!("{seconds:.6}"))),
        })
    }
}

/// Seconds since 1970 with six decimals, exactly.
fn seconds(time: Timestamp) -> String {
    let microseconds = time.0.div_euclid(1_000);
    let sign = if microseconds < 0 { "-" } else { "" };
    let magnitude = microseconds.unsigned_abs();
    format!("{sign}{}.{:06}", magnitude / 1_000_000, magnitude % 1_000_000)
}

fn joined(cells: impl Iterator<Item = String>, is_empty: bool) -> String {
    if is_empty { "(empty)".into() } else { cells.collect::<Vec<_>>().join(",") }
}

fn json_list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(","))
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A string between tabs: what would read as a separator, as nothing, or as an escape is itself escaped.
fn cell(bytes: &[u8], in_set: bool) -> String {
    match bytes {
        b"" => return "(empty)".into(),
        b"-" => return "\\x2d".into(),
        b"(empty)" => return "\\x28empty)".into(),
        _ => {}
    }
    let mut escaped = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => escaped.push_str("\\\\"),
                ',' if in_set => escaped.push_str("\\x2c"),
                _ if character.is_control() => push_bytes(&mut escaped, character),
                _ => escaped.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

fn push_bytes(escaped: &mut String, character: char) {
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        let _ = write!(escaped, "\\x{byte:02x}");
    }
}

/// JSON knows no bytes: those that are not UTF-8 become `\xNN`.
fn escaped_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        Value::Text(text.into()).tab_separated()
    }

    #[test]
    fn time_has_six_decimals_and_loses_nothing_else() {
        assert_eq!(Value::Time(Timestamp(1_320_891_234_000_001_999)).tab_separated(), "1320891234.000001");
        assert_eq!(Value::Time(Timestamp(-1_500_000_000)).tab_separated(), "-1.500000");
    }

    #[test]
    fn nothing_and_empty_differ() {
        assert_eq!(Value::Unset.tab_separated(), "-");
        assert_eq!(text(""), "(empty)");
        assert_eq!(Value::Texts(Vec::new()).tab_separated(), "(empty)");
        assert_eq!(Value::Unset.json(), None);
        assert_eq!(Value::Texts(Vec::new()).json().unwrap(), "[]");
    }

    #[test]
    fn text_that_reads_as_nothing_is_escaped() {
        assert_eq!(text("-"), "\\x2d");
        assert_eq!(text("(empty)"), "\\x28empty)");
    }

    #[test]
    fn tabs_line_ends_and_backslashes_cannot_forge_a_column() {
        assert_eq!(text("a\tb\nc\\x09"), "a\\x09b\\x0ac\\\\x09");
    }

    #[test]
    fn comma_is_escaped_only_inside_a_set() {
        assert_eq!(text("a,b"), "a,b");
        assert_eq!(Value::Texts(vec!["a,b".into(), "c".into()]).tab_separated(), "a\\x2cb,c");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept_as_escapes() {
        let value = Value::wire(Some("caf\u{fffd}"), Some("636166e9"));
        assert_eq!(value.tab_separated(), "caf\\xe9");
        assert_eq!(value.json().unwrap(), r#""caf\\xe9""#);
    }

    #[test]
    fn json_values_have_their_types() {
        assert_eq!(Value::Flag(true).json().unwrap(), "true");
        assert_eq!(Value::Interval(0.25).json().unwrap(), "0.250000");
        assert_eq!(Value::Address("::1".parse().unwrap()).json().unwrap(), r#""::1""#);
    }
}

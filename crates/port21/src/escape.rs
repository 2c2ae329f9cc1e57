//! Makes text that came from a capture or a peer harmless for where it goes.
//!
//! One rule for people's eyes: what a terminal would act upon, or what would make the eye read something else than
//! the bytes say, is written as an escape: `\t`, `\x1b`, `\u{202e}`, and `\\` so that an escape cannot be forged.
//! Bytes that are not UTF-8 become `\xNN`.

use std::fmt::Write;

/// Text for a terminal: no byte of it moves the cursor, changes colours, or turns the direction of writing.
pub fn terminal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        push_for_terminal(&mut escaped, character);
    }
    escaped
}

/// Bytes for a terminal; those that are not UTF-8 as `\xNN`.
pub fn terminal_bytes(bytes: &[u8]) -> String {
    let mut escaped = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        escaped.push_str(&terminal(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

/// Text of the report for a terminal: `bytes` is the report's `*_bytes` field beside it, in hexadecimal, where the text
/// is not UTF-8.
pub fn wire(text: &str, bytes: Option<&str>) -> String {
    match bytes.and_then(from_hexadecimal) {
        Some(bytes) => terminal_bytes(&bytes),
        None => terminal(text),
    }
}

/// Text (escaped for a terminal already, or our own) for Markdown: neither Markdown nor HTML sees anything in it.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let behind = rest.get(character.len_utf8()..).unwrap_or_default();
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Links that many renderers make of bare text.
            '@' => escaped.push_str("&#64;"),
            ':' if behind.starts_with('/') => escaped.push_str("&#58;"),
            '.' if escaped.to_ascii_lowercase().ends_with("www") => escaped.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            // At the start, these would begin a heading, a list or a rule.
            '#' | '+' | '-' | '='
                if escaped.is_empty() && !behind.starts_with(|next: char| next.is_ascii_digit()) =>
            {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
        rest = behind;
    }
    escaped
}

fn push_for_terminal(escaped: &mut String, character: char) {
    let _ = match character {
        '\t' => escaped.write_str("\\t"),
        '\n' => escaped.write_str("\\n"),
        '\r' => escaped.write_str("\\r"),
        '\\' => escaped.write_str("\\\\"),
        '\0'..='\x1f' | '\x7f' => write!(escaped, "\\x{:02x}", u32::from(character)),
        _ if misleads(character) => write!(escaped, "\\u{{{:x}}}", u32::from(character)),
        _ => escaped.write_char(character),
    };
}

/// Characters beyond ASCII that a terminal obeys, or that show as nothing, or reorder their neighbours.
pub fn misleads(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}'                         // C1 controls: 9B is CSI
        | '\u{ad}'                                  // soft hyphen
        | '\u{61c}' | '\u{200e}' | '\u{200f}'       // direction marks
        | '\u{202a}'..='\u{202e}'                   // direction embeddings and overrides
        | '\u{2066}'..='\u{2069}'                   // direction isolates
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' // zero width
        | '\u{2028}' | '\u{2029}'                   // line and paragraph separators
        | '\u{fff9}'..='\u{fffb}'                   // interlinear annotation
        | '\u{e0000}'..='\u{e007f}') // tags
}

/// The bytes that pairs of hexadecimal digits stand for; `None` where they are none.
pub fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        assert_eq!(terminal("Grüße, 世界.txt (1)"), "Grüße, 世界.txt (1)");
    }

    #[test]
    fn escape_sequences_cannot_reach_a_terminal() {
        assert_eq!(terminal("a\x1b[2Jb\u{9b}31m"), "a\\x1b[2Jb\\u{9b}31m");
    }

    #[test]
    fn direction_override_is_shown() {
        assert_eq!(terminal("gpj\u{202e}exe"), "gpj\\u{202e}exe");
    }

    #[test]
    fn backslash_is_doubled_so_that_escapes_cannot_be_forged() {
        assert_eq!(terminal("\\x1b"), "\\\\x1b");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_shown_as_hexadecimal() {
        assert_eq!(terminal_bytes(b"caf\xe9\r"), "caf\\xe9\\r");
        assert_eq!(wire("caf\u{fffd}", Some("636166e9")), "caf\\xe9");
    }

    #[test]
    fn odd_hexadecimal_falls_back_to_the_text() {
        assert_eq!(wire("x", Some("616")), "x");
        assert_eq!(wire("x", Some("é1")), "x");
    }

    #[test]
    fn markdown_sees_neither_html_nor_tables_nor_links() {
        assert_eq!(markdown("<b>|`x`"), "&lt;b&gt;\\|\\`x\\`");
        assert_eq!(markdown("http://www.a.b/ x@y"), "http&#58;//www&#46;a.b/ x&#64;y");
        assert_eq!(markdown("- item"), "\\- item");
    }
}

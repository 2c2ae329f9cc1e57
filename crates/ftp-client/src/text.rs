//! Bytes of a peer as text that a terminal does not obey.

/// Longest text that is shown of a reply or name, in characters.
const SHOWN: usize = 300;

/// `bytes` as text: what is no UTF-8 becomes U+FFFD, control and invisible characters are escaped, long text is cut.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..SHOWN.saturating_mul(4)).unwrap_or(bytes));
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count >= SHOWN {
            out.push('…');
            break;
        }
        match character {
            '"' | '\'' | '\\' => out.push(character),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_obey_nothing_of_it() {
        assert_eq!(shown(b"it's \x1b[2J \"ok\"\r"), "it's \\u{1b}[2J \"ok\"\\r");
        assert_eq!(shown("gpj\u{202e}exe".as_bytes()), "gpj\\u{202e}exe");
        assert_eq!(shown(b"caf\xe9"), "caf\u{fffd}");
        assert_eq!(shown(&[b'a'; 5000]).chars().count(), SHOWN + 1);
    }
}

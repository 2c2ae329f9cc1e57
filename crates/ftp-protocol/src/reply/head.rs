//! The beginning of a reply line: three digits and what separates them from the text.

use crate::address::{parse_epsv_reply, parse_pasv_reply};

/// What stands between code and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// A space: the last line of a reply.
    Space,
    /// A hyphen: more lines follow.
    Hyphen,
    /// A tab in place of the space.
    Tab,
    /// Nothing, because the line ends behind the code.
    End,
    /// Nothing, and text follows.
    Missing,
}

/// A line that begins with three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub code: u16,
    pub separator: Separator,
    pub text: &'a [u8],
}

/// Takes the beginning of a line apart; `None` if it does not begin with exactly three digits.
pub(super) fn parse(line: &[u8]) -> Option<Head<'_>> {
    let (&[a, b, c], rest) = line.split_first_chunk::<3>()?;
    if ![a, b, c].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = [a, b, c].iter().fold(0u16, |code, digit| {
        code.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0')))
    });
    let (separator, text) = match rest {
        [] => (Separator::End, rest),
        [b' ', text @ ..] => (Separator::Space, text),
        [b'-', text @ ..] => (Separator::Hyphen, text),
        [b'\t', text @ ..] => (Separator::Tab, text),
        [digit, ..] if digit.is_ascii_digit() => return None,
        _ => (Separator::Missing, rest),
    };
    Some(Head { code, separator, text })
}

/// Number of bytes before the code that some servers send: white space, NUL, a byte order mark.
pub(super) fn junk_before(line: &[u8]) -> usize {
    let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let blank = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | 0)).count();
    line.len().saturating_sub(text.len()).saturating_add(blank)
}

/// The code fits RFC 959 section 4.2 (first digit 1 to 5, second 0 to 5) or is a protected reply of RFC 2228
/// section 6 (631 to 633).
pub(super) fn is_defined(code: u16) -> bool {
    matches!(code, 631..=633) || ((100..600).contains(&code) && code % 100 < 60)
}

/// The line reads like a server's answer to a command, not like prose that happens to begin with a number: inside
/// a multi-line reply of another code it shows that the server never closed that.
pub(super) fn sounds_like_a_reply(head: &Head<'_>) -> bool {
    let text = head.text.get(..120).unwrap_or(head.text).to_ascii_lowercase();
    let text = String::from_utf8_lossy(&text);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match head.code {
        125 | 150 => {
            says(&["data connection", "opening ", "file status ok", "here comes the", "ok to send data"])
        }
        200 => says(&["type set", "port command", "command ok", "switching to", "command successful"]),
        215 => text.starts_with("unix") || text.starts_with("windows_nt"),
        221 => says(&["goodbye", "bye"]),
        226 => says(&["transfer complete", "closing data", "directory send ok", "successfully transferred"]),
        227 => parse_pasv_reply(head.text).is_ok(),
        229 => parse_epsv_reply(head.text).is_ok(),
        230 => says(&["logged in", "login successful", "login ok", "access granted"]),
        250 => says(&["command successful", "directory successfully", "file action ok", "cwd command"]),
        257 => text.starts_with('"'),
        331 => says(&["password", "specify", "user name ok"]),
        350 => says(&["restart", "ready for", "rnto"]),
        421 => says(&["timeout", "timed out", "closing control", "too many"]),
        425 => says(&["data connection"]),
        426 => says(&["abort", "closed"]),
        500..=504 => says(&["command", "syntax", "not understood", "not implemented"]),
        530 => says(&[
            "login incorrect",
            "not logged in",
            "log in",
            "login with",
            "login fail",
            "authentication",
        ]),
        550 => says(&["no such", "not found", "denied", "failed", "unavailable", "not a "]),
        _ => false,
    }
}

//! The dialogue line by line, for those who want to read it. Passwords are not in it.

/// Longest line that is kept; the rest of a longer one is left out.
const LONGEST: usize = 1024;

/// Commands whose argument is a secret.
const SECRET: [&str; 3] = ["PASS", "ACCT", "ADAT"];

/// Lines that have begun.
#[derive(Default)]
pub(super) struct Lines {
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Lines {
    /// The lines that these bytes of the client's end.
    pub(super) fn hear_client(&mut self, bytes: &[u8]) -> Vec<String> {
        cut(&mut self.client, bytes).iter().map(|line| hide(line)).collect()
    }

    /// The lines that these bytes of the server's end.
    pub(super) fn hear_server(&mut self, bytes: &[u8]) -> Vec<String> {
        cut(&mut self.server, bytes)
    }
}

fn cut(begun: &mut Vec<u8>, bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
        let room = LONGEST.saturating_sub(begun.len());
        begun.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if piece.ends_with(b"\n") {
            let text = String::from_utf8_lossy(begun);
            lines.push(text.trim_end_matches(['\r', '\n']).to_owned());
            begun.clear();
        }
    }
    lines
}

fn hide(line: &str) -> String {
    // Telnet commands may stand before a verb.
    let text = line.trim_start_matches(|character: char| !character.is_ascii_alphabetic());
    let is_secret = |verb: &str| text.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb));
    match SECRET.iter().find(|verb| is_secret(verb)) {
        Some(verb) if text.len() > verb.len() => format!("{verb} <hidden>"),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let mut lines = Lines::default();
        assert!(lines.hear_client(b"US").is_empty());
        assert_eq!(lines.hear_client(b"ER anna\r\nPWD\r\nQU"), ["USER anna", "PWD"]);
        assert_eq!(lines.hear_server(b"211-a\r\n211 b\r\n"), ["211-a", "211 b"]);
    }

    #[test]
    fn passwords_are_hidden() {
        let mut lines = Lines::default();
        assert_eq!(
            lines.hear_client(b"PASS secret\r\npass s\r\nPASS\r\n"),
            ["PASS <hidden>", "PASS <hidden>", "PASS"]
        );
        assert_eq!(lines.hear_client(b"\xff\xf2PASS secret\r\n"), ["PASS <hidden>"]);
        assert_eq!(lines.hear_client(b"PASSsecret\r\n"), ["PASS <hidden>"]);
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut lines = Lines::default();
        for _ in 0..1000 {
            assert!(lines.hear_client(&[b'a'; 1000]).is_empty());
        }
        assert!(lines.client.len() <= LONGEST);
    }
}

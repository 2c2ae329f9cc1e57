//! Standard output for files of a server: on a terminal without what that would obey, and between two prompts with its last line ended.

use std::io::{self, IsTerminal, Stdout, Write};

/// Standard output that knows whether its last line has ended: a prompt would be written over one that has not.
#[derive(Debug)]
pub struct Screen<W = Stdout> {
    output: W,
    line_has_ended: bool,
    /// A terminal is there, which would obey control characters.
    is_terminal: bool,
    /// The last byte may begin a control character of two bytes (U+0080 to U+009F in UTF-8).
    begins_control: bool,
}

impl Default for Screen {
    fn default() -> Self {
        let output = io::stdout();
        let is_terminal = output.is_terminal();
        Screen::new(output, is_terminal)
    }
}

impl<W: Write> Screen<W> {
    fn new(output: W, is_terminal: bool) -> Self {
        Screen { output, line_has_ended: true, is_terminal, begins_control: false }
    }

    /// What a terminal may be shown of a file: tabs and line ends as they are, other control characters with a caret or `M-`, as
    /// `cat -v` has them.
    fn harmless(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            match (std::mem::take(&mut self.begins_control), byte) {
                (true, 0x80..=0x9f) => shown.extend([b'M', b'-', b'^', byte.wrapping_sub(0x40)]),
                (began, _) => {
                    if began {
                        shown.push(0xc2);
                    }
                    match byte {
                        b'\t' | b'\n' | b'\r' => shown.push(byte),
                        0..0x20 | 0x7f => shown.extend([b'^', byte ^ 0x40]),
                        0xc2 => self.begins_control = true,
                        _ => shown.push(byte),
                    }
                }
            }
        }
        shown
    }

    /// Ends the last line, if it has not ended yet.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn end_line(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.line_has_ended, true) {
            self.output.write_all(b"\n")?;
        }
        self.output.flush()
    }
}

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = if self.is_terminal {
            let shown = self.harmless(bytes);
            self.output.write_all(&shown)?;
            bytes.len()
        } else {
            self.output.write(bytes)?
        };
        if let Some(last) = bytes.get(..written).and_then(<[u8]>::last) {
            self.line_has_ended = *last == b'\n';
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &[&str]) -> String {
        let mut screen = Screen::new(Vec::new(), false);
        for piece in pieces {
            screen.write_all(piece.as_bytes()).unwrap();
        }
        screen.end_line().unwrap();
        screen.end_line().unwrap();
        String::from_utf8(screen.output).unwrap()
    }

    #[test]
    fn only_a_line_that_has_not_ended_is_ended() {
        assert_eq!(shown(&["one\n", "two"]), "one\ntwo\n");
        assert_eq!(shown(&["one", "\n"]), "one\n");
        assert_eq!(shown(&["one\n", ""]), "one\n");
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn terminal_is_not_commanded_however_the_bytes_are_cut() {
        let text = "a\tü\r\n\u{1b}]0;title\u{7}\u{9b}2J\u{7f}\u{a0}";
        for cut in 0..=text.len() {
            let mut screen = Screen::new(Vec::new(), true);
            let (front, back) = text.as_bytes().split_at(cut);
            screen.write_all(front).unwrap();
            screen.write_all(back).unwrap();
            let shown = String::from_utf8(screen.output).unwrap();
            assert_eq!(shown, "a\tü\r\n^[]0;title^GM-^[2J^?\u{a0}", "{cut}");
        }
    }
}

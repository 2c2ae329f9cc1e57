//! Standard output between two prompts.

use std::io::{self, Stdout, Write};

/// Standard output that knows whether its last line has ended: a prompt would be written over one that has not.
#[derive(Debug)]
pub struct Screen<W = Stdout> {
    output: W,
    line_has_ended: bool,
}

impl Default for Screen {
    fn default() -> Self {
        Screen::new(io::stdout())
    }
}

impl<W: Write> Screen<W> {
    fn new(output: W) -> Self {
        Screen { output, line_has_ended: true }
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
        let written = self.output.write(bytes)?;
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
        let mut screen = Screen::new(Vec::new());
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
}

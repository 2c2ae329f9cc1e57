//! Columns, colours and wrapping.

use std::io::{self, Write};

/// Columns to stay within where the text is ours to break, unless a terminal has fewer.
pub const WIDTH: usize = 120;

/// Columns below which lines are not broken any shorter: packet numbers and addresses need them.
pub const NARROWEST: usize = 60;

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Headings.
    Strong,
    /// Remarks beside the dialogue.
    Faint,
    /// What the client says.
    Client,
    /// What the server says.
    Server,
    /// Data connections.
    Data,
    /// Findings of severity HIGH.
    High,
    /// Findings of severity MEDIUM.
    Medium,
    /// Findings of severity LOW.
    Low,
}

impl Style {
    /// Select Graphic Rendition parameters (ECMA-48, section 8.3.117).
    fn parameters(self) -> &'static str {
        match self {
            Style::Strong => "1",
            Style::Faint => "2",
            Style::Client => "36",
            Style::Server => "32",
            Style::Data => "34",
            Style::High => "1;31",
            Style::Medium => "1;33",
            Style::Low => "33",
        }
    }
}

/// Writes lines, with colours or without.
pub struct Page<'a> {
    writer: &'a mut dyn Write,
    color: bool,
    columns: usize,
}

impl<'a> Page<'a> {
    /// A page on `writer`.
    pub fn new(writer: &'a mut dyn Write, color: bool) -> Page<'a> {
        Page { writer, color, columns: WIDTH }
    }

    /// The same, with lines of at most `columns`.
    pub fn within(self, columns: usize) -> Page<'a> {
        Page { columns, ..self }
    }

    /// Columns to stay within.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One line; spaces at its end are left out.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.writer, "{}", text.trim_end())
    }

    /// Text in a style.
    pub fn paint(&self, style: Style, text: &str) -> String {
        match self.color && !text.is_empty() {
            true => format!("\x1b[{}m{text}\x1b[0m", style.parameters()),
            false => text.to_owned(),
        }
    }

    /// A paragraph, wrapped; its first line begins with `first` (whose visible width is `indent`), the others with as
    /// many spaces.
    pub fn paragraph(&mut self, first: &str, indent: usize, text: &str) -> io::Result<()> {
        for (index, line) in wrap(text, self.columns.saturating_sub(indent)).iter().enumerate() {
            match index {
                0 => self.line(&format!("{first}{line}"))?,
                _ => self.line(&format!("{:indent$}{line}", ""))?,
            }
        }
        Ok(())
    }
}

/// Visible columns of text without escape sequences: one a character.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// Lines of at most `columns`, broken at spaces; a word that is longer stands alone. Runs of spaces within a line stay.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if !line.is_empty() && width(&line) + width(word.trim_end()) > columns {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        // Spaces between two statements are not carried to the next line.
        if !(line.is_empty() && word.trim().is_empty()) {
            line.push_str(word);
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn long_word_stands_alone() {
        assert_eq!(wrap("a incomprehensibility b", 5), ["a", "incomprehensibility", "b"]);
    }

    #[test]
    fn runs_of_spaces_stay_within_a_line() {
        assert_eq!(wrap("#1 SYN   #2 ACK", 40), ["#1 SYN   #2 ACK"]);
        assert_eq!(wrap("#1 SYN   #2 ACK", 8), ["#1 SYN", "#2 ACK"]);
    }

    #[test]
    fn nothing_is_one_empty_line() {
        assert_eq!(wrap("", 5), [""]);
    }
}

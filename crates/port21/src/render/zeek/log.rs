//! One log on its way to its file: Zeek's header, lines and footer, or JSON.

use std::io::{self, Write};

use port21_capture::Timestamp;

use super::value::Value;
use crate::render::clock::calendar;

/// Name and columns of a log.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// "conn".
    pub path: &'static str,
    /// Names and types.
    pub columns: &'static [(&'static str, &'static str)],
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Tab-separated, with a header.
    Tabs,
    /// One object a line. With `named`, each says which log it belongs to, as `_path`.
    Json {
        /// Several logs share one output.
        named: bool,
    },
}

impl Layout {
    /// What stands above the lines.
    pub fn header(&self, style: Style, opened: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        if style != Style::Tabs {
            return Ok(());
        }
        let column = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
            self.columns.iter().map(pick).collect::<Vec<_>>().join("\t")
        };
        writeln!(out, "#separator \\x09")?;
        writeln!(out, "#set_separator\t,")?;
        writeln!(out, "#empty_field\t(empty)")?;
        writeln!(out, "#unset_field\t-")?;
        writeln!(out, "#path\t{}", self.path)?;
        writeln!(out, "#open\t{}", moment(opened))?;
        writeln!(out, "#fields\t{}", column(|(name, _)| name))?;
        writeln!(out, "#types\t{}", column(|(_, kind)| kind))
    }

    /// What stands below them.
    pub fn footer(&self, style: Style, closed: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        match style {
            Style::Tabs => writeln!(out, "#close\t{}", moment(closed)),
            Style::Json { .. } => Ok(()),
        }
    }

    /// One line from cells made by [`Layout::cells`].
    pub fn line(&self, style: Style, cells: &[String], out: &mut dyn Write) -> io::Result<()> {
        match style {
            Style::Tabs => writeln!(out, "{}", cells.join("\t")),
            Style::Json { named } => {
                let present = cells.iter().filter(|cell| !cell.is_empty());
                let path = named.then(|| format!("\"_path\":\"{}\"", self.path));
                let members: Vec<&str> = path.iter().chain(present).map(String::as_str).collect();
                writeln!(out, "{{{}}}", members.join(","))
            }
        }
    }

    /// The cells of one line: no tab or line end is in any of them. In JSON a cell holds its name, and is empty where the
    /// value is unset.
    pub fn cells(&self, style: Style, row: &[Value]) -> Vec<String> {
        debug_assert_eq!(row.len(), self.columns.len(), "{}", self.path);
        let cells = self.columns.iter().zip(row);
        cells.map(|((name, _), value)| self.cell(style, name, value)).collect()
    }

    /// One cell.
    pub fn cell(&self, style: Style, name: &str, value: &Value) -> String {
        match style {
            Style::Tabs => value.tab_separated(),
            Style::Json { .. } => value.json().map(|value| format!("\"{name}\":{value}")).unwrap_or_default(),
        }
    }
}

/// "2024-03-14-09-26-53". Zeek writes when it ran; here it is the capture's own time, for the same bytes every time.
fn moment(time: Timestamp) -> String {
    calendar(time).strftime("%Y-%m-%d-%H-%M-%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout { path: "x", columns: &[("ts", "time"), ("id.orig_h", "addr")] };

    fn line(style: Style, row: &[Value]) -> String {
        let mut out = Vec::new();
        LAYOUT.line(style, &LAYOUT.cells(style, row), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn header_is_zeeks() {
        let mut out = Vec::new();
        LAYOUT.header(Style::Tabs, Timestamp(1_710_408_413_000_000_000), &mut out).unwrap();
        LAYOUT.footer(Style::Tabs, Timestamp(1_710_408_414_000_000_000), &mut out).unwrap();
        let expected = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tx\n\
                        #open\t2024-03-14-09-26-53\n#fields\tts\tid.orig_h\n#types\ttime\taddr\n\
                        #close\t2024-03-14-09-26-54\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn unset_values_are_left_out_of_json() {
        let row = [Value::Time(Timestamp(1_500_000_000)), Value::Unset];
        assert_eq!(line(Style::Json { named: false }, &row), "{\"ts\":1.500000}\n");
        assert_eq!(line(Style::Json { named: true }, &row), "{\"_path\":\"x\",\"ts\":1.500000}\n");
        assert_eq!(line(Style::Tabs, &row), "1.500000\t-\n");
    }
}

//! Writes the list, a row at a time.

use std::io::{self, Write};

use crate::arguments::PacketsFormat;
use crate::escape;
use crate::output::Output;
use crate::render::clock::calendar;
use crate::render::text::layout::{Page, Style, width, wrap};

use super::row::{Row, Voice};

/// The narrowest column in which the last one is wrapped.
const NARROWEST: usize = 30;

/// Writes rows as they come.
pub struct List<'a> {
    output: &'a mut Output,
    format: PacketsFormat,
    absolute: bool,
    /// Columns of the terminal, where there is one: the last column is wrapped to it.
    columns: Option<usize>,
    rows: u64,
    /// The widest of each column so far.
    widths: [usize; 6],
}

impl<'a> List<'a> {
    /// Writes to `output`; `absolute`: times of day in place of seconds since the first packet.
    pub fn new(
        output: &'a mut Output,
        format: PacketsFormat,
        absolute: bool,
        columns: Option<usize>,
    ) -> List<'a> {
        let time = if absolute { 26 } else { 10 };
        List { output, format, absolute, columns, rows: 0, widths: [5, time, 15, 15, 8, 5] }
    }

    /// How many rows were written.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes a row.
    pub fn row(&mut self, row: &Row) -> io::Result<()> {
        self.rows += 1;
        match self.format {
            PacketsFormat::Text => self.text(row),
            PacketsFormat::Jsonl => {
                serde_json::to_writer(&mut *self.output, row)?;
                self.output.write_all(b"\n")
            }
            PacketsFormat::Json => {
                let before: &[u8] = if self.rows == 1 { b"" } else { b",\n" };
                if self.rows == 1 {
                    self.begin()?;
                }
                self.output.write_all(before)?;
                Ok(serde_json::to_writer(&mut *self.output, row)?)
            }
        }
    }

    /// There are no more rows.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.format != PacketsFormat::Json {
            return Ok(());
        }
        if self.rows == 0 {
            self.begin()?;
        }
        self.output.write_all(b"\n]}\n")
    }

    fn begin(&mut self) -> io::Result<()> {
        self.output.write_all(b"{\"schema\":\"port21.packets/1\",\"packets\":[\n")
    }

    fn text(&mut self, row: &Row) -> io::Result<()> {
        let time = match self.absolute {
            true => format!("{:.6}", calendar(row.timestamp)).replace('T', " "),
            false => format!("{:.6}", row.time),
        };
        let cells = [
            row.number.to_string(),
            time,
            escape::terminal(&row.source),
            escape::terminal(&row.destination),
            escape::terminal(&row.protocol),
            row.length.to_string(),
        ];
        for (widest, cell) in self.widths.iter_mut().zip(&cells) {
            *widest = (*widest).max(width(cell));
        }
        let [w0, w1, w2, w3, w4, w5] = self.widths;
        let [number, time, source, destination, protocol, length] = cells;
        let front = format!(
            "{number:>w0$} {time:>w1$}  {source:<w2$} {destination:<w3$} {protocol:<w4$} {length:>w5$}  "
        );
        let info = escape::terminal_bytes(&row.info);
        let indent = width(&front);
        let room =
            self.columns.map(|columns| columns.saturating_sub(indent)).filter(|room| *room >= NARROWEST);
        let lines = room.map_or_else(|| vec![info.clone()], |room| wrap(&info, room));
        let color = self.output.color();
        let mut page = Page::new(self.output, color);
        for (index, line) in lines.iter().enumerate() {
            let line = match style(row.voice) {
                Some(style) => page.paint(style, line),
                None => line.clone(),
            };
            let front = if index == 0 { front.clone() } else { " ".repeat(indent) };
            page.line(&format!("{front}{line}"))?;
        }
        Ok(())
    }
}

fn style(voice: Voice) -> Option<Style> {
    match voice {
        Voice::None => None,
        Voice::Client => Some(Style::Client),
        Voice::Server => Some(Style::Server),
        Voice::Data => Some(Style::Data),
        Voice::Odd => Some(Style::Low),
    }
}

//! `--format json` and `jsonl`: the report as it is.

use std::io::{self, Write};

use port21_analysis::report::{Capture, Finding, SCHEMA, Session, Totals};
use serde::Serialize;

use super::compact;
use super::groups::{Counted, Groups};

/// One line of `jsonl`.
pub fn line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(LINE);
    compact::write(value, &mut line)?;
    line.push(b'\n');
    Ok(line)
}

/// About how long a session's line is, in bytes.
const LINE: usize = 16 << 10;

/// A report that is being written, indented by two spaces. The order of an object's members has no meaning, so sessions come
/// first, as they end, and what is known last comes last.
#[derive(Debug, Default)]
pub struct Document {
    sessions: u64,
}

impl Document {
    /// A session as it stands in the document.
    pub fn text(session: &Session) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        serde_json::to_writer_pretty(Indented { output: &mut text, by: "    " }, session)?;
        Ok(text)
    }

    /// Writes the next session.
    pub fn session(&mut self, text: &[u8], output: &mut dyn Write) -> io::Result<()> {
        match self.sessions {
            0 => write!(output, "{{\n  \"schema\": \"{SCHEMA}\",\n  \"sessions\": [\n    ")?,
            _ => output.write_all(b",\n    ")?,
        }
        self.sessions = self.sessions.saturating_add(1);
        output.write_all(text)
    }

    /// All sessions have been written.
    pub fn finish(
        self,
        captures: &[Capture],
        totals: &Totals,
        findings: &[Finding],
        output: &mut dyn Write,
    ) -> io::Result<()> {
        match self.sessions {
            0 => write!(output, "{{\n  \"schema\": \"{SCHEMA}\",\n  \"sessions\": []")?,
            _ => output.write_all(b"\n  ]")?,
        }
        member("captures", &captures, output)?;
        member("totals", totals, output)?;
        member("findings", &findings, output)?;
        output.write_all(b"\n}\n")
    }
}

/// A further member of the outermost object.
fn member(name: &str, value: &impl Serialize, output: &mut dyn Write) -> io::Result<()> {
    write!(output, ",\n  \"{name}\": ")?;
    serde_json::to_writer_pretty(Indented { output, by: "  " }, value)?;
    Ok(())
}

/// Writes totals and findings only: of each kind the first ones, and how many there are.
pub fn summarise(
    captures: &[Capture],
    totals: &Totals,
    groups: &Groups,
    output: &mut dyn Write,
) -> io::Result<()> {
    let findings = groups.worst_first().into_iter().flat_map(|group| &group.first).collect();
    let summary = Summary { schema: SCHEMA, captures, totals, finding_counts: groups.counts(), findings };
    serde_json::to_writer_pretty(&mut *output, &summary)?;
    output.write_all(b"\n")
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    schema: &'static str,
    captures: &'a [Capture],
    totals: &'a Totals,
    finding_counts: Vec<Counted<'a>>,
    findings: Vec<&'a Finding>,
}

/// Moves what is written to the right. A line feed within JSON is never part of a string: there it is escaped.
struct Indented<'a> {
    output: &'a mut dyn Write,
    by: &'static str,
}

impl Write for Indented<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.output.write_all(piece)?;
            if piece.ends_with(b"\n") {
                self.output.write_all(self.by.as_bytes())?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture;

    /// A report of `count` sessions, and the same as a value.
    fn written(count: u64) -> (String, serde_json::Value) {
        let sessions = (1..=count).map(|id| Session { id, ..fixture::session() }).collect();
        let report = fixture::report(sessions);
        let (mut document, mut text) = (Document::default(), Vec::new());
        for session in &report.sessions {
            document.session(&Document::text(session).unwrap(), &mut text).unwrap();
        }
        document.finish(&report.captures, &report.totals, &[fixture::finding()], &mut text).unwrap();
        let report = port21_analysis::report::Report { findings: vec![fixture::finding()], ..report };
        (String::from_utf8(text).unwrap(), serde_json::to_value(report).unwrap())
    }

    #[test]
    fn parts_make_the_report() {
        for count in 0..3 {
            let (text, report) = written(count);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), report, "{count} sessions");
        }
    }

    #[test]
    fn parts_are_indented_as_one() {
        let (text, _) = written(2);
        assert!(text.starts_with(
            "{\n  \"schema\": \"port21.report/1\",\n  \"sessions\": [\n    {\n      \"id\": 1,\n"
        ));
        assert!(text.contains("\n    },\n    {\n      \"id\": 2,\n"), "{text}");
        assert!(text.contains("\n    }\n  ],\n  \"captures\": [\n    {\n      \"path\""), "{text}");
        assert!(text.ends_with("\n    }\n  ]\n}\n"), "{text}");
    }
}

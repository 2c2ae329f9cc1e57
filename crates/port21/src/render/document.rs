//! A report for people on its way out: small ones begin with totals, those that outgrow what is held back end with them.
//!
//! ```text
//! sessions as they end ──▶ held back ──(all fit)──▶ totals, sessions by their first packet
//!                              └──(too many)──────▶ the inputs' names, sessions as they end, totals
//! ```
//!
//! Which of the two it is follows from the sessions alone, so that the same input gives the same bytes.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use port21_analysis::report::{Capture, Finding, Session, Totals};

use super::groups::Groups;
use crate::escape;

/// Most text that waits for the totals, in bytes. It is about as much as anybody reads from its beginning.
pub const HELD_BACK: usize = 1 << 20;

/// What is told of all sessions together.
#[derive(Debug, Clone, Copy)]
pub struct Overview<'a> {
    /// The inputs.
    pub captures: &'a [Capture],
    /// Sums.
    pub totals: &'a Totals,
    /// Findings of all kinds.
    pub findings: u64,
}

/// A format for people: how each part of a report looks.
pub trait Form: Send + Sync {
    /// What a report begins with that ends with its totals; `inputs` names what is read.
    fn beginning(&self, inputs: &str, output: &mut dyn Write) -> io::Result<()>;

    /// Totals and what was wrong with the inputs, at the beginning of a report.
    fn totals(&self, overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()>;

    /// The same at the end of one.
    fn closing_totals(&self, overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()>;

    /// One session.
    fn session(&self, session: &Session, output: &mut dyn Write) -> io::Result<()>;

    /// Findings that belong to no session.
    fn findings(&self, findings: &[Finding], output: &mut dyn Write) -> io::Result<()>;

    /// Findings of a summary, which stand behind its totals.
    fn summary(&self, groups: &Groups, output: &mut dyn Write) -> io::Result<()>;
}

/// A report that is being written in some form.
pub struct Document {
    form: Arc<dyn Form>,
    inputs: String,
    /// Sessions that wait for the totals; `None` once they are written as they end.
    held: Option<Vec<Told>>,
    /// Bytes of text in `held`.
    length: usize,
    findings: u64,
}

/// A session's text, and where it belongs.
pub struct Told {
    /// Its first packet and its number.
    place: (u64, u64),
    findings: usize,
    text: Vec<u8>,
}

impl Told {
    /// Tells a session in some form.
    pub fn new(form: &dyn Form, session: &Session) -> io::Result<Told> {
        let mut text = Vec::new();
        form.session(session, &mut text)?;
        let place = (session.control.first_packet, session.id);
        Ok(Told { place, findings: session.findings.len(), text })
    }
}

impl Document {
    /// A report on what is read from `inputs`.
    pub fn new(form: Arc<dyn Form>, inputs: &[PathBuf]) -> Document {
        let names: Vec<String> =
            inputs.iter().map(|path| escape::terminal(&path.to_string_lossy())).collect();
        Document { form, inputs: names.join(", "), held: Some(Vec::new()), length: 0, findings: 0 }
    }

    /// Writes the next session, or keeps it until there are enough of them.
    pub fn session(&mut self, told: Told, output: &mut dyn Write) -> io::Result<()> {
        self.findings = self.findings.saturating_add(told.findings as u64);
        let Some(held) = &mut self.held else { return output.write_all(&told.text) };
        self.length = self.length.saturating_add(told.text.len());
        held.push(told);
        if self.length > HELD_BACK { self.hold_nothing_back(output) } else { Ok(()) }
    }

    /// From here on sessions are written as they end, those that were held back first.
    pub fn hold_nothing_back(&mut self, output: &mut dyn Write) -> io::Result<()> {
        let Some(held) = self.held.take() else { return Ok(()) };
        self.form.beginning(&self.inputs, output)?;
        held.iter().try_for_each(|held| output.write_all(&held.text))
    }

    /// All sessions have been told.
    pub fn finish(
        self,
        captures: &[Capture],
        totals: &Totals,
        findings: &[Finding],
        output: &mut dyn Write,
    ) -> io::Result<()> {
        let count = self.findings.saturating_add(findings.len() as u64);
        let overview = Overview { captures, totals, findings: count };
        let Some(mut held) = self.held else {
            self.form.findings(findings, output)?;
            return self.form.closing_totals(&overview, output);
        };
        held.sort_by_key(|held| held.place);
        self.form.totals(&overview, output)?;
        held.iter().try_for_each(|held| output.write_all(&held.text))?;
        self.form.findings(findings, output)
    }
}

/// Writes totals and findings only.
pub fn summarise(
    form: &dyn Form,
    captures: &[Capture],
    totals: &Totals,
    groups: &Groups,
    output: &mut dyn Write,
) -> io::Result<()> {
    form.totals(&Overview { captures, totals, findings: groups.count() }, output)?;
    form.summary(groups, output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture;
    use crate::render::text::Text;

    /// `count` sessions that end in the reverse order of their first packets.
    fn told(count: u64) -> String {
        let form = Text::new(false, None);
        let mut document = Document::new(Arc::new(form), &["a.pcap".into()]);
        let mut text = Vec::new();
        for id in (1..=count).rev() {
            let mut session = Session { id, ..fixture::session() };
            session.control.first_packet = id * 1000;
            document.session(Told::new(&form, &session).unwrap(), &mut text).unwrap();
        }
        let report = fixture::report(Vec::new());
        document.finish(&report.captures, &report.totals, &[], &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn sessions(text: &str) -> Vec<u64> {
        let headings = text.lines().filter_map(|line| line.strip_prefix("Session "));
        headings.map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn few_sessions_stand_behind_the_totals_by_their_first_packets() {
        let text = told(3);
        assert!(text.starts_with("ftp-lab.pcap   310 packets"), "{text}");
        assert_eq!(sessions(&text), [1, 2, 3]);
    }

    #[test]
    fn many_sessions_stand_before_the_totals_as_they_ended() {
        let text = told(2000);
        assert!(text.len() > HELD_BACK, "{}", text.len());
        assert!(text.starts_with("a.pcap   sessions as they end; totals are at the end\n\nSession 2000 "));
        assert_eq!(sessions(&text), (1..=2000).rev().collect::<Vec<_>>());
        let last = text.lines().rfind(|line| line.contains("310 packets")).unwrap();
        assert!(last.ends_with("2,000 findings"), "{last}");
    }
}

//! `--format text`: the story for a terminal.

pub mod layout;

use std::io::{self, Write};

use port21_analysis::report::{Finding, Session, Severity};

use crate::render::document::{Form, Overview};
use crate::render::groups::Groups;
use crate::render::story::{self, Fact, Speaker, Step, Story};
use crate::render::{totals, words};
use layout::{NARROWEST, Page, Style, WIDTH, width, wrap};

/// Columns of the labels before facts.
const LABEL: usize = 12;

/// Where remarks beside the dialogue begin, counted from the words.
const REMARKS: usize = 42;

/// The story on a terminal, or in a file that looks like one.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// With colours.
    pub color: bool,
    /// Columns to stay within where the text is ours to break.
    pub columns: usize,
}

impl Text {
    /// For a file or a pipe; `terminal`: for one with so many columns.
    pub fn new(color: bool, terminal: Option<usize>) -> Text {
        let columns = terminal.map_or(WIDTH, |columns| columns.clamp(NARROWEST, WIDTH));
        Text { color, columns }
    }

    fn page<'a>(&self, output: &'a mut dyn Write) -> Page<'a> {
        Page::new(output, self.color).within(self.columns)
    }
}

impl Form for Text {
    fn beginning(&self, inputs: &str, output: &mut dyn Write) -> io::Result<()> {
        let mut page = self.page(output);
        let line = page.paint(Style::Strong, &format!("{inputs}   {}", totals::AT_THE_END));
        page.line(&line)
    }

    fn totals(&self, overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()> {
        let mut page = self.page(output);
        for line in totals::heading(overview) {
            let line = page.paint(Style::Strong, &line);
            page.line(&line)?;
        }
        totals::remarks(overview).iter().try_for_each(|remark| page.paragraph("  ", 2, remark))
    }

    fn closing_totals(&self, overview: &Overview<'_>, output: &mut dyn Write) -> io::Result<()> {
        writeln!(output)?;
        self.totals(overview, output)
    }

    fn session(&self, session: &Session, output: &mut dyn Write) -> io::Result<()> {
        let mut page = self.page(output);
        page.line("")?;
        write_story(&story::tell(session), &mut page)
    }

    fn findings(&self, findings: &[Finding], output: &mut dyn Write) -> io::Result<()> {
        if findings.is_empty() {
            return Ok(());
        }
        let mut page = self.page(output);
        page.line("")?;
        let heading = page.paint(Style::Strong, "Findings that belong to no session");
        page.line(&heading)?;
        let findings = story::worst_first(findings);
        findings.into_iter().try_for_each(|finding| write_finding(finding, &mut page))
    }

    fn summary(&self, groups: &Groups, output: &mut dyn Write) -> io::Result<()> {
        let mut page = self.page(output);
        let groups = groups.worst_first();
        if !groups.is_empty() {
            page.line("")?;
        }
        groups.into_iter().try_for_each(|group| {
            let severity = group.first.first().map_or(Severity::Info, |finding| finding.severity);
            write_titled(severity, &totals::group_title(group), &totals::group_text(group), &mut page)
        })
    }
}

fn write_story(story: &Story<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let heading = format!("Session {}   {}   {}   {}", story.id, story.ends, story.user, story.duration);
    let heading = page.paint(Style::Strong, &heading);
    page.line(&heading)?;
    story.facts.iter().try_for_each(|fact| write_fact(fact, page))?;
    let columns = story.steps.iter().map(label_width).max().unwrap_or_default();
    story.steps.iter().try_for_each(|step| write_step(step, columns, page))?;
    story.aftermath.iter().try_for_each(|fact| write_fact(fact, page))?;
    if !story.findings.is_empty() {
        page.line("")?;
    }
    story.findings.iter().try_for_each(|finding| write_finding(finding, page))
}

fn write_fact(fact: &Fact, page: &mut Page<'_>) -> io::Result<()> {
    for (index, line) in fact.lines.iter().enumerate() {
        let label = if index == 0 { fact.label } else { "" };
        page.paragraph(&format!("  {label:<LABEL$}"), LABEL + 2, line)?;
    }
    Ok(())
}

/// Most ranges of packets before one thing said.
const MOST_RANGES: usize = 3;

/// Packet labels that are longer than this do not push the dialogue to the right.
const LONGEST_LABEL: usize = 12;

fn label_width(step: &Step) -> usize {
    match step {
        Step::Said { packets, .. } => {
            let label = width(&words::packets_at_most(packets, MOST_RANGES));
            if label <= LONGEST_LABEL { label } else { 0 }
        }
        Step::Aside { .. } | Step::Repeated { .. } => 0,
    }
}

fn write_step(step: &Step, columns: usize, page: &mut Page<'_>) -> io::Result<()> {
    let columns = columns + 5;
    let indent = columns + 4;
    match step {
        Step::Said { packets, from, lines, hints } => {
            let (arrow, style) = match from {
                Speaker::Client => ("->", Style::Client),
                Speaker::Server => ("<-", Style::Server),
            };
            let label = words::packets_at_most(packets, MOST_RANGES);
            for (index, line) in lines.iter().enumerate() {
                let painted = page.paint(style, line);
                match index {
                    0 => {
                        let start = format!("{label:>columns$} {arrow} {painted}");
                        said(&start, indent, line, hints, page)?;
                    }
                    _ => page.line(&format!("{:indent$}{painted}", ""))?,
                }
            }
            Ok(())
        }
        Step::Aside { label, lines } => {
            for (index, line) in lines.iter().enumerate() {
                let mark = if index == 0 { format!("== {label}  ") } else { "   ".into() };
                let start = format!("{:columns$} {}", "", page.paint(Style::Data, &mark));
                page.paragraph(&start, columns + 1 + width(&mark), line)?;
            }
            Ok(())
        }
        Step::Repeated { times, parts } => {
            let parts: Vec<String> =
                parts.iter().map(|(said, packets)| format!("{said}  {}", words::packets(packets))).collect();
            let text = format!("the same {} more: {}", words::count(*times, "time"), parts.join("   "));
            page.paragraph(&format!("{:columns$} ... ", ""), indent + 1, &text)
        }
    }
}

/// Hints in a column of their own, or two spaces behind a long line.
/// A line of the dialogue, with remarks beside it, or beneath it where a narrow terminal would break them.
fn said(start: &str, indent: usize, line: &str, hints: &[String], page: &mut Page<'_>) -> io::Result<()> {
    if hints.is_empty() {
        return page.line(start);
    }
    let hints = hints.join("; ");
    let gap = REMARKS.saturating_sub(width(line)).max(2);
    let beside = indent + width(line) + gap + width(&hints);
    if page.columns() == WIDTH || beside <= page.columns() {
        let hints = page.paint(Style::Faint, &hints);
        return page.line(&format!("{start}{:gap$}{hints}", ""));
    }
    page.line(start)?;
    let indent = indent + 2;
    for hint in wrap(&hints, page.columns().saturating_sub(indent)) {
        let hint = page.paint(Style::Faint, &hint);
        page.line(&format!("{:indent$}{hint}", ""))?;
    }
    Ok(())
}

fn write_finding(finding: &Finding, page: &mut Page<'_>) -> io::Result<()> {
    let title = totals::finding_title(finding, false);
    write_titled(finding.severity, &title, &totals::finding_text(finding), page)
}

fn write_titled(severity: Severity, title: &str, text: &str, page: &mut Page<'_>) -> io::Result<()> {
    let (name, style) = match severity {
        Severity::High => ("HIGH", Some(Style::High)),
        Severity::Medium => ("MEDIUM", Some(Style::Medium)),
        Severity::Low => ("LOW", Some(Style::Low)),
        Severity::Info => ("INFO", None),
    };
    let padded = format!("{name:<6}");
    let severity = style.map_or(padded.clone(), |style| page.paint(style, &padded));
    page.paragraph(&format!("  {severity}  "), 10, title)?;
    page.paragraph(&format!("{:10}", ""), 10, text)
}

#[cfg(test)]
mod tests;

//! `--format text`: the story for a terminal.

mod layout;

use std::io::{self, Write};

use port21_analysis::report::{Finding, Report, Severity};

use crate::render::story::{self, Fact, Speaker, Step, Story};
use crate::render::{totals, words};
use layout::{Page, Style, width};

/// Columns of the labels before facts.
const LABEL: usize = 12;

/// Where remarks beside the dialogue begin, counted from the words.
const REMARKS: usize = 42;

/// Writes the report; with `summary`, only totals and findings.
pub fn write(report: &Report, summary: bool, color: bool, output: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(output, color);
    for line in totals::heading(report) {
        let line = page.paint(Style::Strong, &line);
        page.line(&line)?;
    }
    for remark in totals::remarks(report) {
        page.paragraph("  ", 2, &remark)?;
    }
    if summary {
        let all = story::all_findings(report);
        if !all.is_empty() {
            page.line("")?;
        }
        return all.into_iter().try_for_each(|finding| write_finding(finding, true, &mut page));
    }
    for session in &report.sessions {
        page.line("")?;
        write_story(&story::tell(session), &mut page)?;
    }
    if !report.findings.is_empty() {
        page.line("")?;
        let heading = page.paint(Style::Strong, "Findings that belong to no session");
        page.line(&heading)?;
        let findings = story::worst_first(&report.findings);
        findings.into_iter().try_for_each(|finding| write_finding(finding, false, &mut page))?;
    }
    Ok(())
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
    story.findings.iter().try_for_each(|finding| write_finding(finding, false, page))
}

fn write_fact(fact: &Fact, page: &mut Page<'_>) -> io::Result<()> {
    for (index, line) in fact.lines.iter().enumerate() {
        let label = if index == 0 { fact.label } else { "" };
        page.paragraph(&format!("  {label:<LABEL$}"), LABEL + 2, line)?;
    }
    Ok(())
}

/// Packet labels that are longer than this do not push the dialogue to the right.
const LONGEST_LABEL: usize = 12;

fn label_width(step: &Step) -> usize {
    match step {
        Step::Said { packets, .. } => {
            let label = width(&words::packets(packets));
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
            let label = words::packets(packets);
            for (index, line) in lines.iter().enumerate() {
                let painted = page.paint(style, line);
                match index {
                    0 => {
                        let remark = remark(line, hints, page);
                        page.line(&format!("{label:>columns$} {arrow} {painted}{remark}"))?;
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
fn remark(line: &str, hints: &[String], page: &Page<'_>) -> String {
    if hints.is_empty() {
        return String::new();
    }
    let gap = REMARKS.saturating_sub(width(line)).max(2);
    format!("{:gap$}{}", "", page.paint(Style::Faint, &hints.join("; ")))
}

fn write_finding(finding: &Finding, with_session: bool, page: &mut Page<'_>) -> io::Result<()> {
    let (name, style) = match finding.severity {
        Severity::High => ("HIGH", Some(Style::High)),
        Severity::Medium => ("MEDIUM", Some(Style::Medium)),
        Severity::Low => ("LOW", Some(Style::Low)),
        Severity::Info => ("INFO", None),
    };
    let padded = format!("{name:<6}");
    let severity = style.map_or(padded.clone(), |style| page.paint(style, &padded));
    page.paragraph(&format!("  {severity}  "), 10, &totals::finding_title(finding, with_session))?;
    page.paragraph(&format!("{:10}", ""), 10, &totals::finding_text(finding))
}

#[cfg(test)]
mod tests;

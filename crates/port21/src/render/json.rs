//! `--format json` and `jsonl`: the report as it is.

use std::io::{self, Write};

use port21_analysis::report::{Finding, Report, Session, Totals};
use serde::Serialize;

use crate::arguments::ExplainArguments;
use crate::input::{self, Receiver};
use crate::outcome::{Completeness, Outcome};
use crate::output::Output;

/// Writes a report, indented by two spaces.
pub fn report(report: &Report, summary: bool, output: &mut dyn Write) -> io::Result<()> {
    if summary {
        let findings = report.sessions.iter().flat_map(|session| &session.findings).chain(&report.findings);
        let summary = Summary {
            schema: report.schema,
            captures: &report.captures,
            totals: &report.totals,
            findings: findings.collect(),
        };
        serde_json::to_writer_pretty(&mut *output, &summary)?;
    } else {
        serde_json::to_writer_pretty(&mut *output, report)?;
    }
    output.write_all(b"\n")
}

/// Totals and findings of a report, with the findings of all sessions in one list.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    schema: &'static str,
    captures: &'a [port21_analysis::report::Capture],
    totals: &'a Totals,
    findings: Vec<&'a Finding>,
}

/// Runs `explain --format jsonl`: one session a line, as it ends. With `--summary`, one finding a line.
pub fn lines(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let output = Output::open(arguments.output.as_deref(), arguments.common.color)?;
    let mut lines = Lines { output, arguments, completeness: Completeness::default() };
    let examined = input::examine(&arguments.captures, arguments.common.analysis(), &mut lines)?;
    if arguments.summary {
        for finding in &examined.findings {
            lines.line(finding)?;
        }
    }
    lines.output.finish()?;
    Ok(lines.completeness.outcome(&examined, arguments.common.strict))
}

struct Lines<'a> {
    output: Output,
    arguments: &'a ExplainArguments,
    completeness: Completeness,
}

impl Lines<'_> {
    fn line(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.output, value).map_err(io::Error::from)?;
        Ok(self.output.write_all(b"\n")?)
    }
}

impl Receiver for Lines<'_> {
    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        if !self.arguments.common.wants_session(session.id) {
            return Ok(());
        }
        self.completeness.look_at(&session);
        if self.arguments.summary {
            return session.findings.iter().try_for_each(|finding| self.line(finding));
        }
        self.line(&session)
    }
}

//! `port21 explain`: the story of every session, written as it ends.

use std::io::{self, Write};

use port21_analysis::report::{Finding, Session};
use port21_capture::Timestamp;

use crate::arguments::{ExplainArguments, Format};
use crate::input::{Examined, Inputs, Receiver};
use crate::outcome::{Completeness, Outcome};
use crate::output::{self, Output};
use crate::render::document::{self, Document};
use crate::render::groups::Groups;
use crate::render::json;
use crate::render::markdown::Markdown;
use crate::render::text::Text;
use crate::render::{eve, zeek};

/// Runs the command.
pub fn run(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    if let Some(path) = &arguments.output {
        output::refuse_overwriting(&arguments.captures, path)?;
    }
    match arguments.format {
        Format::Zeek => zeek::run(arguments),
        Format::Eve => eve::run(arguments),
        Format::Text | Format::Json | Format::Jsonl | Format::Markdown => tell(arguments),
    }
}

/// The captures, for one pass.
pub fn inputs(arguments: &ExplainArguments) -> anyhow::Result<Inputs<'_>> {
    match arguments.follow {
        true => Inputs::followed(&arguments.captures),
        false => Ok(Inputs::once(&arguments.captures)),
    }
}

fn tell(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let output = Output::open(arguments.output.as_deref(), arguments.common.color);
    let text = Text { color: output.color() };
    let report = match (arguments.format, arguments.summary) {
        (Format::Jsonl, summary) => Report::Lines { findings_only: summary },
        (_, true) => Report::Summary(Groups::default()),
        (Format::Json, false) => Report::Json(json::Document::default()),
        (Format::Markdown, false) => Report::Story(Document::new(&Markdown, &arguments.captures)),
        (_, false) => Report::Story(Document::new(&text, &arguments.captures)),
    };
    let mut teller = Teller { arguments, output, completeness: Completeness::default(), report };
    let examined = inputs(arguments)?.examine(arguments.common.analysis(), &mut teller)?;
    let outcome = teller.completeness.outcome(&examined, arguments.common.strict);
    teller.finish(examined, &text)?;
    Ok(outcome)
}

/// What is written while the captures are read.
enum Report<'a> {
    /// A session a line, or a finding a line.
    Lines {
        findings_only: bool,
    },
    Json(json::Document),
    Story(Document<'a>),
    Summary(Groups),
}

struct Teller<'a> {
    arguments: &'a ExplainArguments,
    output: Output,
    completeness: Completeness,
    report: Report<'a>,
}

impl Teller<'_> {
    fn write(&mut self, session: Session) -> io::Result<()> {
        let output = &mut self.output;
        match &mut self.report {
            Report::Lines { findings_only: false } => json::line(&session, output),
            Report::Lines { findings_only: true } => lines(&session.findings, output),
            Report::Json(document) => document.session(&session, output),
            Report::Story(document) => document.session(&session, output),
            Report::Summary(groups) => {
                groups.add(session.findings);
                Ok(())
            }
        }
    }

    /// Writes what is known last.
    fn finish(self, examined: Examined, text: &Text) -> anyhow::Result<()> {
        let (mut output, format) = (self.output, self.arguments.format);
        let Examined { reading, totals, findings } = examined;
        let captures = reading.captures.as_slice();
        match self.report {
            Report::Lines { findings_only: false } => {}
            Report::Lines { findings_only: true } => lines(&findings, &mut output)?,
            Report::Json(document) => document.finish(captures, &totals, &findings, &mut output)?,
            Report::Story(document) => document.finish(captures, &totals, &findings, &mut output)?,
            Report::Summary(mut groups) => {
                groups.add(findings);
                match format {
                    Format::Json => json::summarise(captures, &totals, &groups, &mut output)?,
                    Format::Markdown => {
                        document::summarise(&Markdown, captures, &totals, &groups, &mut output)?;
                    }
                    _ => document::summarise(text, captures, &totals, &groups, &mut output)?,
                }
            }
        }
        output.finish()
    }
}

impl Receiver for Teller<'_> {
    fn begin(&mut self, _: Timestamp) -> anyhow::Result<()> {
        self.output.begin()?;
        if let (true, Report::Story(document)) = (self.arguments.follow, &mut self.report) {
            document.hold_nothing_back(&mut self.output)?;
        }
        Ok(())
    }

    fn pause(&mut self) -> anyhow::Result<()> {
        Ok(self.output.flush()?)
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        if !self.arguments.common.wants_session(session.id) {
            return Ok(());
        }
        self.completeness.look_at(&session);
        Ok(self.write(session)?)
    }
}

fn lines(findings: &[Finding], output: &mut Output) -> io::Result<()> {
    findings.iter().try_for_each(|finding| json::line(finding, output))
}

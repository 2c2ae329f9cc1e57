//! `port21 explain`: the story of every session, written as it ends.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use port21_analysis::report::{Finding, Session};
use port21_capture::Timestamp;

use crate::arguments::{ExplainArguments, Format};
use crate::input::{Examined, Inputs, Prepare, Receiver};
use crate::outcome::{Completeness, Failure, Outcome};
use crate::output::{self, Output};
use crate::render::document::{self, Document, Form};
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
    if arguments.zeek_json && arguments.format != Format::Zeek {
        return Err(Failure::Arguments("--zeek-json is a form of --format zeek; give both".into()).into());
    }
    match arguments.format {
        Format::Zeek => zeek::run(arguments),
        Format::Eve => eve::run(arguments),
        Format::Text | Format::Json | Format::Jsonl | Format::Markdown => tell(arguments),
    }
}

/// The captures, for one pass.
pub fn inputs(arguments: &ExplainArguments) -> anyhow::Result<Inputs<'_>> {
    let inputs = match arguments.follow {
        true => Inputs::followed(&arguments.captures)?,
        false => Inputs::once(&arguments.captures),
    };
    Ok(inputs.bounded(arguments.common.limits.fragments))
}

fn tell(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let output = Output::open(arguments.output.as_deref(), arguments.common.color);
    let text = Text::new(output.color(), output.columns());
    let report = match (arguments.format, arguments.summary) {
        (Format::Jsonl, summary) => Report::Lines { findings_only: summary },
        (_, true) => Report::Summary(Groups::default()),
        (Format::Json, false) => Report::Json(json::Document::default()),
        (Format::Markdown, false) => story(Arc::new(Markdown), &arguments.captures),
        (_, false) => story(Arc::new(text), &arguments.captures),
    };
    let mut teller = Teller { arguments, output, completeness: Completeness::default(), report };
    let effort = arguments.common.effort();
    // A summary tells no transfer by itself.
    let effort = if arguments.summary { effort.of_findings() } else { effort };
    let examined = inputs(arguments)?.examine(effort, &mut teller)?;
    arguments.common.check_session(&examined)?;
    let outcome = teller.completeness.outcome(&examined, arguments.common.strict);
    teller.finish(examined, &text)?;
    Ok(outcome)
}

/// What is written while the captures are read.
enum Report {
    /// A session a line, or a finding a line.
    Lines {
        findings_only: bool,
    },
    Json(json::Document),
    Story {
        form: Arc<dyn Form>,
        document: Document,
    },
    Summary(Groups),
}

fn story(form: Arc<dyn Form>, captures: &[PathBuf]) -> Report {
    Report::Story { document: Document::new(Arc::clone(&form), captures), form }
}

/// What a report says of one session.
enum Told {
    /// Bytes that are written as they are.
    Text(Vec<u8>),
    Story(document::Told),
    Findings(Vec<Finding>),
}

struct Teller<'a> {
    arguments: &'a ExplainArguments,
    output: Output,
    completeness: Completeness,
    report: Report,
}

impl Teller<'_> {
    /// Writes what is known last.
    fn finish(self, examined: Examined, text: &Text) -> anyhow::Result<()> {
        let (mut output, format) = (self.output, self.arguments.format);
        let Examined { reading, totals, findings } = examined;
        let captures = reading.captures.as_slice();
        match self.report {
            Report::Lines { findings_only: false } => {}
            Report::Lines { findings_only: true } => output.write_all(&lines(&findings)?)?,
            Report::Json(document) => document.finish(captures, &totals, &findings, &mut output)?,
            Report::Story { document, .. } => document.finish(captures, &totals, &findings, &mut output)?,
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
    /// Nothing of a session that was not asked for; else what is written of it, and whether it is complete.
    type Prepared = Option<(io::Result<Told>, Completeness)>;

    fn preparation(&self) -> Prepare<Self::Prepared> {
        let wanted = self.arguments.common.session;
        let tell: Box<dyn Fn(Session) -> io::Result<Told> + Send + Sync> = match &self.report {
            Report::Lines { findings_only: false } => {
                Box::new(|session| Ok(Told::Text(json::line(&session)?)))
            }
            Report::Lines { findings_only: true } => {
                Box::new(|session| Ok(Told::Text(lines(&session.findings)?)))
            }
            Report::Json(_) => Box::new(|session| Ok(Told::Text(json::Document::text(&session)?))),
            Report::Story { form, .. } => {
                let form = Arc::clone(form);
                Box::new(move |session| Ok(Told::Story(document::Told::new(form.as_ref(), &session)?)))
            }
            Report::Summary(_) => Box::new(|session| Ok(Told::Findings(session.findings))),
        };
        Arc::new(move |session: Session| {
            if wanted.is_some_and(|wanted| wanted != session.id) {
                return None;
            }
            let mut completeness = Completeness::default();
            completeness.look_at(&session);
            Some((tell(session), completeness))
        })
    }

    fn begin(&mut self, _: Timestamp) -> anyhow::Result<()> {
        self.output.begin()?;
        if let (true, Report::Story { document, .. }) = (self.arguments.follow, &mut self.report) {
            document.hold_nothing_back(&mut self.output)?;
        }
        Ok(())
    }

    fn pause(&mut self) -> anyhow::Result<()> {
        Ok(self.output.flush()?)
    }

    fn session(&mut self, prepared: Self::Prepared) -> anyhow::Result<()> {
        let Some((told, completeness)) = prepared else { return Ok(()) };
        self.completeness.add(completeness);
        let output = &mut self.output;
        match (&mut self.report, told?) {
            (Report::Json(document), Told::Text(text)) => document.session(&text, output)?,
            (Report::Story { document, .. }, Told::Story(told)) => document.session(told, output)?,
            (Report::Summary(groups), Told::Findings(findings)) => groups.add(findings),
            (_, Told::Text(text)) => output.write_all(&text)?,
            (_, Told::Story(_) | Told::Findings(_)) => {}
        }
        Ok(())
    }
}

fn lines(findings: &[Finding]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for finding in findings {
        lines.extend(json::line(finding)?);
    }
    Ok(lines)
}

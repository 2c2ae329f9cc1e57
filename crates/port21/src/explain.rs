//! `port21 explain`: the story of every session.

use port21_analysis::report::{Report, SCHEMA, Session};

use crate::arguments::{ExplainArguments, Format};
use crate::input::{self, Examined};
use crate::outcome::{Completeness, Outcome};
use crate::output::{self, Output};
use crate::render;

/// Runs the command.
pub fn run(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    if let Some(path) = &arguments.output {
        output::refuse_overwriting(&arguments.captures, path)?;
    }
    match arguments.format {
        Format::Text | Format::Json | Format::Markdown => explain_whole(arguments),
        Format::Jsonl => render::json::lines(arguments),
        Format::Zeek => render::zeek::run(arguments),
        Format::Eve => render::eve::run(arguments),
    }
}

/// Formats that need all sessions before the first can be written: they begin with totals.
fn explain_whole(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    let mut sessions = Vec::new();
    let examined = input::examine(&arguments.captures, arguments.common.analysis(), &mut sessions)?;
    let mut completeness = Completeness::default();
    sessions.iter().for_each(|session| completeness.look_at(session));
    let outcome = completeness.outcome(&examined, arguments.common.strict);
    let report = report(examined, sessions, arguments);
    let mut output = Output::open(arguments.output.as_deref(), arguments.common.color)?;
    match arguments.format {
        Format::Json => render::json::report(&report, arguments.summary, &mut output)?,
        Format::Markdown => render::markdown::write(&report, arguments.summary, &mut output)?,
        _ => {
            let color = output.color();
            render::text::write(&report, arguments.summary, color, &mut output)?;
        }
    }
    output.finish()?;
    Ok(outcome)
}

/// The report, with sessions by their first packet.
fn report(examined: Examined, mut sessions: Vec<Session>, arguments: &ExplainArguments) -> Report {
    sessions.retain(|session| arguments.common.wants_session(session.id));
    sessions.sort_by_key(|session| (session.control.first_packet, session.id));
    Report {
        schema: SCHEMA,
        captures: examined.reading.captures,
        totals: examined.totals,
        sessions,
        findings: examined.findings,
    }
}

//! `port21 packets`: the packet list, and one packet taken apart beside its bytes.
//!
//! Reads twice: what a packet belongs to, and where passwords stand, is known only once everything was read (`survey`).
//! Then packets are told one by one, so that memory does not grow with their number.

mod info;
mod list;
mod masks;
mod one;
pub mod range;
mod row;
mod survey;
mod watch;

use std::ops::ControlFlow;
use std::path::PathBuf;

use port21_analysis::digest::Hashing;
use port21_capture::Timestamp;

use self::list::List;
use self::row::Row;
use self::survey::Survey;
use self::watch::Watch;
use crate::arguments::PacketsArguments;
use crate::input::Inputs;
use crate::interrupt;
use crate::outcome::{Failure, Outcome, no_such_session, no_such_stream};
use crate::output::{self, Output};
use crate::render::words;

/// What stands for a password.
const HIDDEN: &str = "<hidden>";

/// Runs the command.
pub fn run(arguments: &PacketsArguments) -> anyhow::Result<Outcome> {
    let (captures, packet) = parted(&arguments.captures);
    if packet.is_some() && chooses(arguments) {
        let text = "--stream, --session, --ftp, --packets and --limit choose packets of the list; with the number of one \
            packet there is no list";
        return Err(Failure::Arguments(text.into()).into());
    }
    let mut inputs = Inputs::repeatable(captures)?.bounded(arguments.common.limits.fragments);
    let mut survey =
        Survey::new(arguments.common.show_passwords, packet, arguments.common.limits.analysis.tcp);
    let mut effort = arguments.common.effort();
    effort.options.hash = Hashing::Off;
    let examined = inputs.examine(effort, &mut survey)?;
    interrupt::check()?;
    survey.finish();
    check(arguments, packet, &survey)?;
    let mut output = Output::standard(arguments.common.color);
    match packet {
        Some(number) => one::write(arguments, number, &mut inputs, &mut survey, &mut output)?,
        None => list(arguments, &mut inputs, &survey, &mut output)?,
    }
    output.finish()?;
    tell(&survey);
    Ok(survey.completeness.outcome(&examined, arguments.common.strict))
}

/// Captures, and the packet whose number stands behind them. A file of that name comes first.
fn parted(words: &[PathBuf]) -> (&[PathBuf], Option<u64>) {
    if let [captures @ .., last] = words
        && !captures.is_empty()
        && let Some(number) = last.to_str().and_then(|text| text.parse().ok())
        && !last.exists()
    {
        return (captures, Some(number));
    }
    (words, None)
}

fn chooses(arguments: &PacketsArguments) -> bool {
    arguments.stream.is_some()
        || arguments.common.session.is_some()
        || arguments.ftp
        || arguments.packets.is_some()
        || arguments.limit.is_some()
}

/// Refuses what the capture does not hold.
fn check(arguments: &PacketsArguments, packet: Option<u64>, survey: &Survey) -> anyhow::Result<()> {
    if let Some(number) = packet
        && !(1..=survey.packets).contains(&number)
    {
        let held = words::count(survey.packets, "packet");
        let text = format!("there is no packet {number}: the capture holds {held}, numbered from 1");
        return Err(Failure::Arguments(text).into());
    }
    if let Some(stream) = arguments.stream
        && stream >= survey.streams
    {
        return Err(no_such_stream(stream, survey.streams).into());
    }
    if let Some(session) = arguments.common.session
        && session > survey.sessions
    {
        return Err(no_such_session(session, survey.sessions).into());
    }
    Ok(())
}

fn list(
    arguments: &PacketsArguments,
    inputs: &mut Inputs<'_>,
    survey: &Survey,
    output: &mut Output,
) -> anyhow::Result<()> {
    let columns = output.columns();
    let mut list = List::new(output, arguments.format, arguments.absolute, columns);
    let mut watch = Watch::new(None, arguments.common.limits.analysis.tcp);
    let mut start = None;
    let last = arguments.packets.as_ref().map_or(u64::MAX, range::Ranges::last);
    inputs.read_until(|packet, decoded| {
        let start: Timestamp = *start.get_or_insert(packet.time);
        if packet.number > last || arguments.limit.is_some_and(|limit| list.rows() >= limit) {
            return Ok(ControlFlow::Break(()));
        }
        let seen = watch.packet(decoded);
        if arguments.packets.as_ref().is_some_and(|ranges| !ranges.contains(packet.number)) {
            return Ok(ControlFlow::Continue(()));
        }
        let stream = seen.as_ref().map(|seen| seen.stream);
        if wanted(arguments, survey, packet.number, stream) {
            list.row(&Row::new(packet, decoded, seen.as_ref(), survey, start, arguments.raw))?;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(list.finish()?)
}

/// Whether a packet is asked for, by what it belongs to.
fn wanted(arguments: &PacketsArguments, survey: &Survey, packet: u64, stream: Option<u64>) -> bool {
    if arguments.stream.is_some() && arguments.stream != stream {
        return false;
    }
    if !arguments.ftp && arguments.common.session.is_none() {
        return true;
    }
    let role = stream.and_then(|stream| survey.roles.get(&stream));
    let names = survey.names.get(&packet);
    let sessions = role.map(|role| role.session).into_iter().chain(names.into_iter().flatten().copied());
    sessions.into_iter().any(|session| arguments.common.wants_session(session))
}

/// Says on standard error where limits were reached.
fn tell(survey: &Survey) {
    if survey.masks.is_full() {
        output::complain(
            "there are too many passwords to remember all their places: all TCP payload is hidden",
        );
    }
    if survey.dropped > 0 {
        let streams = words::count(survey.dropped, "stream");
        output::complain(&format!(
            "{streams} of FTP sessions are shown as TCP: there are too many to remember all"
        ));
    }
}

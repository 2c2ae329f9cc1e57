//! One packet: its fields, their bytes, and what only the rest of the capture tells of it.

mod context;
mod hidden;
mod lines;
mod model;
mod text;
mod tree;

use std::io::Write;
use std::ops::ControlFlow;

use self::model::One;
use super::survey::Survey;
use super::watch::Watch;
use crate::arguments::{PacketsArguments, PacketsFormat};
use crate::input::Inputs;
use crate::output::Output;

/// Reads to the packet, and on to the one that acknowledges it, and writes it.
pub fn write(
    arguments: &PacketsArguments,
    number: u64,
    inputs: &mut Inputs<'_>,
    survey: &mut Survey,
    output: &mut Output,
) -> anyhow::Result<()> {
    let mut watch = Watch::new(survey.target.stream, arguments.common.limits.analysis.tcp);
    let (mut start, mut previous, mut found) = (None, None, None::<One>);
    inputs.read_until(|packet, decoded| {
        let start = *start.get_or_insert(packet.time);
        let seen = watch.packet(decoded);
        if packet.number == number {
            let since = previous.map(|previous| packet.time.seconds_since(previous));
            let one = One::new(packet, decoded, seen.as_ref(), survey, start, since, arguments);
            let waits = one.waits_for_acknowledgement();
            found = Some(one);
            if !waits {
                return Ok(ControlFlow::Break(()));
            }
        } else if let (Some(one), Some(seen)) = (&mut found, &seen)
            && seen.acknowledges.contains(&number)
        {
            one.context.acknowledged_by = Some(packet.number);
            return Ok(ControlFlow::Break(()));
        }
        previous = Some(packet.time);
        Ok(ControlFlow::Continue(()))
    })?;
    let Some(one) = found else { return Ok(()) };
    match arguments.format {
        PacketsFormat::Text => text::write(&one, output)?,
        PacketsFormat::Json => {
            serde_json::to_writer_pretty(&mut *output, &one)?;
            output.write_all(b"\n")?;
        }
        PacketsFormat::Jsonl => {
            serde_json::to_writer(&mut *output, &one)?;
            output.write_all(b"\n")?;
        }
    }
    Ok(())
}

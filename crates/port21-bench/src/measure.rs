//! Runs a command once: how long it took, and the most memory it held.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// From its start to its end.
    pub seconds: f64,
    /// Most memory resident, in KiB; `None` where the system does not tell.
    pub peak: Option<u64>,
}

/// Name of the hidden command that [`run`] calls.
pub const MEASURE: &str = "measure";

/// Runs `command` beneath a copy of this program of its own, since a system tells the peak of all children together.
pub fn run(command: &[String]) -> anyhow::Result<Run> {
    let this = std::env::current_exe().context("this program does not know where it is")?;
    let output = Command::new(this).arg(MEASURE).arg("--").args(command).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    match (words.next().and_then(|word| word.parse().ok()), words.next()) {
        (Some(seconds), Some(peak)) if output.status.success() => {
            Ok(Run { seconds, peak: peak.parse().ok() })
        }
        _ => bail!("{} cannot be measured", command.join(" ")),
    }
}

/// What that copy does: runs the command with its output thrown away, and prints what [`run`] wants to know.
pub fn measure(command: &[String]) -> anyhow::Result<()> {
    let Some((program, arguments)) = command.split_first() else { bail!("there is no command to measure") };
    let started = Instant::now();
    let mut process = Command::new(program);
    process.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = process.status().with_context(|| format!("{program} cannot be started"))?;
    let seconds = started.elapsed().as_secs_f64();
    // port21 ends with 1 where a capture is damaged, and that is well.
    if !matches!(status.code(), Some(0 | 1)) {
        bail!("{} ended with {status}", command.join(" "));
    }
    println!("{seconds} {}", peak_of_children().map_or("unknown".into(), |peak| peak.to_string()));
    Ok(())
}

#[cfg(unix)]
fn peak_of_children() -> Option<u64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    // Linux counts KiB.
    u64::try_from(usage.max_rss()).ok()
}

#[cfg(not(unix))]
fn peak_of_children() -> Option<u64> {
    None
}

/// Whether a program of this name can be run.
pub fn is_installed(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| Path::new(&folder).join(name).is_file())
}

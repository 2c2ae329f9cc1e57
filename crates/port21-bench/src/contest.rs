//! Who runs on a workload, in which order, and how they compare.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::make::Workload;
use crate::measure::{self, Run};
use crate::walk::{self, Walked};

/// What the others are compared with.
const YARDSTICKS: [&str; 4] = ["cat", "walk", "openssl sha256", "cp"];

/// One that takes part.
struct Contestant {
    name: String,
    command: Vec<String>,
    /// Runs in the first round only: it takes its time.
    once: bool,
    /// In each round; `None` where it did not run.
    runs: Vec<Option<Run>>,
}

/// Settings of a contest.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program under test.
    pub port21: PathBuf,
    /// How often each runs.
    pub rounds: usize,
    /// Numbers of threads.
    pub threads: Vec<u16>,
    /// Run other analysers too.
    pub peers: bool,
}

/// Runs everybody on a capture and prints a table.
pub fn hold(workload: Workload, capture: &Path, settings: &Settings) -> anyhow::Result<()> {
    let walked = walk::walk(File::open(capture)?).context("the capture cannot be walked")?;
    let scratch = tempfile::tempdir_in(capture.parent().unwrap_or(Path::new(".")))?;
    let mut contestants = contestants(workload, capture, scratch.path(), settings)?;
    for round in 0..settings.rounds {
        // In turns from either end, so that no pair always has the same neighbours.
        let count = contestants.len();
        for turn in 0..count {
            let index = if round % 2 == 0 { turn } else { count - 1 - turn };
            let Some(contestant) = contestants.get_mut(index) else { continue };
            let run =
                (round == 0 || !contestant.once).then(|| measure::run(&contestant.command)).transpose()?;
            contestant.runs.push(run);
            empty(scratch.path())?;
        }
    }
    print(workload, &walked, &contestants);
    Ok(())
}

fn contestants(
    workload: Workload,
    capture: &Path,
    scratch: &Path,
    settings: &Settings,
) -> anyhow::Result<Vec<Contestant>> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (file, into) = (text(capture), text(&scratch.join("out")));
    let this = text(&std::env::current_exe()?);
    let mut all = Vec::new();
    let mut add = |name: &str, command: &[&str], once: bool| {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        all.push(Contestant { name: name.to_owned(), command, once, runs: Vec::new() });
    };
    add("cat", &["cat", &file], false);
    add("walk", &[&this, "walk", &file], false);
    if measure::is_installed("openssl") {
        add("openssl sha256", &["openssl", "dgst", "-sha256", &file], false);
    }
    add("cp", &["cp", &file, &into], false);
    let port21 = text(&settings.port21);
    for threads in &settings.threads {
        let threads = threads.to_string();
        let mut ours = |mode: &str, arguments: &[&str]| {
            let command = [&[port21.as_str()], arguments, &["--threads", &threads, &file]].concat();
            let plural = if threads == "1" { "" } else { "s" };
            add(&format!("port21 {mode}, {threads} thread{plural}"), &command, false);
        };
        ours("jsonl without hashes", &["explain", "--format", "jsonl", "--no-hash"]);
        ours("jsonl", &["explain", "--format", "jsonl"]);
        ours("summary without hashes", &["explain", "--summary", "--no-hash"]);
        ours("extract", &["extract", "-o", &into]);
    }
    if settings.peers && measure::is_installed("tshark") {
        let fields = ["-e", "frame.number", "-e", "ftp.request.command", "-e", "ftp.response.code"];
        let command = ["tshark", "-r", &file, "-Y", "ftp || ftp-data", "-T", "fields"];
        add("tshark, FTP fields", &[&command[..], &fields].concat(), true);
    }
    // It makes two files a connection, of which chatter has hundreds of thousands.
    if settings.peers && measure::is_installed("tcpflow") && workload != Workload::Chatter {
        add("tcpflow, carving", &["tcpflow", "-q", "-r", &file, "-o", &into], true);
    }
    Ok(all)
}

/// Takes away what the last one has written.
fn empty(folder: &Path) -> anyhow::Result<()> {
    let out = folder.join("out");
    match out.is_dir() {
        true => std::fs::remove_dir_all(out)?,
        false if out.exists() => std::fs::remove_file(out)?,
        false => {}
    }
    Ok(())
}

fn print(workload: Workload, walked: &Walked, contestants: &[Contestant]) {
    println!(
        "\n### {}: {:.0} MiB, {:.2} million packets, {} flows\n",
        workload.name(),
        walked.bytes as f64 / f64::from(1 << 20),
        walked.packets as f64 / 1e6,
        walked.flows
    );
    println!("| | s | MB/s | million packets/s | peak MiB | x cat | x walk | x sha256 | x cp |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    let yardsticks = YARDSTICKS.map(|name| contestants.iter().find(|other| other.name == name));
    for contestant in contestants {
        let seconds: Vec<f64> = contestant.runs.iter().flatten().map(|run| run.seconds).collect();
        let Some(seconds) = median(seconds) else { continue };
        let peak = contestant.runs.iter().flatten().filter_map(|run| run.peak).max();
        let peak = peak.map_or("?".into(), |kibibytes| format!("{:.0}", kibibytes as f64 / 1024.0));
        let ratios = yardsticks.map(|yardstick| ratio(contestant, yardstick));
        println!(
            "| {} | {seconds:.3} | {:.0} | {:.2} | {peak} | {} |",
            contestant.name,
            walked.bytes as f64 / seconds / 1e6,
            walked.packets as f64 / seconds / 1e6,
            ratios.join(" | ")
        );
    }
}

/// Median of the ratios within each round.
fn ratio(contestant: &Contestant, yardstick: Option<&Contestant>) -> String {
    let Some(yardstick) = yardstick.filter(|yardstick| yardstick.name != contestant.name) else {
        return String::new();
    };
    let pairs = contestant.runs.iter().zip(&yardstick.runs);
    let ratios = pairs.filter_map(|(one, other)| Some((*one)?.seconds / (*other)?.seconds));
    median(ratios.collect()).map_or(String::new(), |ratio| format!("{ratio:.2}"))
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0),
        _ => values.get(middle).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contestant(name: &str, seconds: &[f64]) -> Contestant {
        let runs = seconds.iter().map(|seconds| Some(Run { seconds: *seconds, peak: None })).collect();
        Contestant { name: name.to_owned(), command: Vec::new(), once: false, runs }
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let (one, other) = (contestant("a", &[2.0, 20.0, 6.0]), contestant("b", &[1.0, 10.0, 2.0]));
        assert_eq!(ratio(&one, Some(&other)), "2.00");
        assert_eq!(ratio(&one, Some(&one)), "");
    }

    #[test]
    fn median_of_few() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![5.0, 1.0, 3.0]), Some(3.0));
    }
}

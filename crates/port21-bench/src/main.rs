//! Measures port21 on captures that it makes from a seed, beside the limits of the machine and beside other programs.
//!
//! ```text
//! make (captures in target/bench) ──▶ contest (everybody in turns) ──▶ measure (time, memory) ──▶ tables
//! ```
//!
//! Figures are compared within one run on one machine: ratios tell, seconds do not.

mod contest;
#[cfg(target_os = "linux")]
mod fetching;
mod make;
mod measure;
#[cfg(target_os = "linux")]
mod serving;
mod walk;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};

use contest::Settings;
use make::Workload;

/// Measure port21 on captures made from a seed
///
/// Prints a table for each workload: time, speed, peak memory, and how many times as long it took as reading the file (cat),
/// walking its headers on one core (walk), hashing it (openssl), copying it (cp). Ratios are medians of those within a round.
#[derive(Debug, Parser)]
#[command(
    name = "port21-bench",
    after_help = "\
Examples:
  cargo run --release -p port21-bench
  cargo run --release -p port21-bench -- serve
  cargo run --release -p port21-bench -- fetch
  cargo run --release -p port21-bench -- chatter --chatter-mib 512 --rounds 3 --no-peers"
)]
struct Arguments {
    /// Workloads to run; all, if none is named
    #[arg(value_enum)]
    workloads: Vec<Workload>,
    /// Size of bulk in MiB
    #[arg(long, default_value_t = 256, value_name = "N")]
    bulk_mib: u64,
    /// Size of chatter in MiB
    #[arg(long, default_value_t = 128, value_name = "N")]
    chatter_mib: u64,
    /// Size of mixed in MiB
    #[arg(long, default_value_t = 256, value_name = "N")]
    mixed_mib: u64,
    /// Size of damaged in MiB
    #[arg(long, default_value_t = 64, value_name = "N")]
    damaged_mib: u64,
    /// Seed of the captures
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// How often each command runs
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1000))]
    rounds: u64,
    /// Numbers of threads to run port21 with
    #[arg(long, value_delimiter = ',', default_value = "1,2", value_name = "N,...")]
    threads: Vec<u16>,
    /// Leave tshark and tcpflow out
    #[arg(long)]
    no_peers: bool,
    /// Only make the captures, and print where they are
    #[arg(long)]
    only_make: bool,
    /// The port21 to measure; otherwise the one beside this program, built anew under cargo
    #[arg(long, value_name = "FILE")]
    port21: Option<PathBuf>,
    #[command(subcommand)]
    helper: Option<Helper>,
}

#[derive(Debug, Subcommand)]
enum Helper {
    #[cfg(target_os = "linux")]
    Serve(serving::ServeArguments),
    #[cfg(target_os = "linux")]
    Fetch(fetching::FetchArguments),
    /// Serve as a peer of port21 serve
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Libunftp(serving::libunftp::LibunftpArguments),
    /// Walk the headers of a capture
    #[command(hide = true)]
    Walk { capture: PathBuf },
    /// Run a command and print its seconds and its peak memory in KiB
    #[command(hide = true, name = measure::MEASURE)]
    Measure {
        #[arg(last = true)]
        command: Vec<String>,
    },
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match &arguments.helper {
        None => bench(&arguments),
        #[cfg(target_os = "linux")]
        Some(Helper::Serve(wanted)) => serving::hold(port21(&arguments)?, wanted),
        #[cfg(target_os = "linux")]
        Some(Helper::Fetch(wanted)) => fetching::hold(&port21(&arguments)?, wanted),
        #[cfg(target_os = "linux")]
        Some(Helper::Libunftp(wanted)) => serving::libunftp::serve(wanted),
        Some(Helper::Measure { command }) => measure::measure(command),
        Some(Helper::Walk { capture }) => {
            println!("{:?}", walk::walk(File::open(capture)?)?);
            Ok(())
        }
    }
}

fn bench(arguments: &Arguments) -> anyhow::Result<()> {
    let beside = std::env::current_exe().context("this program does not know where it is")?;
    let built = beside.parent().unwrap_or(Path::new("."));
    let folder = built.parent().unwrap_or(built).join("bench");
    let port21 = if arguments.only_make { PathBuf::new() } else { port21(arguments)? };
    let settings = Settings {
        port21,
        rounds: usize::try_from(arguments.rounds).unwrap_or(1),
        threads: arguments.threads.clone(),
        peers: !arguments.no_peers,
    };
    let all = [Workload::Bulk, Workload::Chatter, Workload::Mixed, Workload::Damaged];
    let wanted = if arguments.workloads.is_empty() { &all[..] } else { &arguments.workloads };
    for workload in wanted {
        let mebibytes = match workload {
            Workload::Bulk => arguments.bulk_mib,
            Workload::Chatter => arguments.chatter_mib,
            Workload::Mixed => arguments.mixed_mib,
            Workload::Damaged => arguments.damaged_mib,
        };
        let capture = make::capture(&folder, *workload, mebibytes << 20, arguments.seed)?;
        match arguments.only_make {
            true => println!("{}", capture.display()),
            false => contest::hold(*workload, &capture, &settings)?,
        }
    }
    Ok(())
}

/// The program to measure.
fn port21(arguments: &Arguments) -> anyhow::Result<PathBuf> {
    match &arguments.port21 {
        Some(path) => Ok(path.clone()),
        None => {
            let beside = std::env::current_exe().context("this program does not know where it is")?;
            build(beside.parent().unwrap_or(Path::new(".")))
        }
    }
}

/// The program as it is now, in the same folder as this one.
fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let path = folder.join("port21");
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "-p", "port21"]);
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        if !build.status()?.success() {
            bail!("port21 cannot be built");
        }
    }
    if !path.exists() {
        bail!("{} is not there: build port21 first, or name it after --port21", path.display());
    }
    Ok(path)
}

//! Servers side by side on loopback: each is started on the same files, and every round gives each the same load in turn.

pub mod libunftp;
mod load;
pub mod peers;
mod process;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;

use crate::contest::median;
use peers::{Kind, Running};

/// Measure port21 serve beside vsftpd, pure-ftpd and pyftpdlib, as far as they are installed, and libunftp
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// How often each load is given to each server
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1000))]
    rounds: u64,
    /// Size of the large file in MiB
    #[arg(long, default_value_t = 1024, value_name = "N")]
    large_mib: u64,
    /// Number of small files of 1 KiB that one session fetches
    #[arg(long, default_value_t = 5000, value_name = "N")]
    small_files: usize,
    /// Number of sessions (login, PWD, LIST, QUIT), eight at a time
    #[arg(long, default_value_t = 2000, value_name = "N")]
    sessions: usize,
    /// Number of sessions that are logged in and silent; peers that have a process for each hold a tenth
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    idle: usize,
    /// Folder for the files, best in memory
    #[arg(long, default_value = "/dev/shm", value_name = "DIR")]
    folder: PathBuf,
    /// Servers to measure; all that are installed, if none is named
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    servers: Vec<Kind>,
}

/// A load, and how its figure is read.
struct Load {
    name: &'static str,
    unit: &'static str,
    run: fn(&Running, &ServeArguments) -> anyhow::Result<f64>,
    /// Whether a larger figure is better.
    more_is_better: bool,
}

const LOADS: [Load; 8] = [
    Load {
        name: "RETR",
        unit: "MB/s",
        run: |server, wanted| retrieve(server, wanted, false),
        more_is_better: true,
    },
    Load {
        name: "STOR",
        unit: "MB/s",
        run: |server, wanted| store(server, wanted, false),
        more_is_better: true,
    },
    Load {
        name: "RETR over TLS",
        unit: "MB/s",
        run: |server, wanted| retrieve(server, wanted, true),
        more_is_better: true,
    },
    Load {
        name: "STOR over TLS",
        unit: "MB/s",
        run: |server, wanted| store(server, wanted, true),
        more_is_better: true,
    },
    Load { name: "server's CPU for RETR", unit: "s/GiB", run: cpu_of_retrieve, more_is_better: false },
    Load { name: "sessions", unit: "/s", run: sessions, more_is_better: true },
    Load { name: "small files", unit: "/s", run: small_files, more_is_better: true },
    Load { name: "idle session", unit: "KiB", run: idle, more_is_better: false },
];

/// Runs all loads on all servers and prints a table.
pub fn hold(port21: PathBuf, wanted: &ServeArguments) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("port21-bench").tempdir_in(&wanted.folder)?;
    peers::make_files(folder.path(), wanted.large_mib << 20, wanted.small_files)?;
    let kinds: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| wanted.servers.is_empty() || wanted.servers.contains(kind))
        .filter(|kind| kind.is_installed() || !wanted.servers.is_empty())
        .collect();
    let servers = kinds
        .iter()
        .map(|kind| Running::start(*kind, &port21, folder.path()).with_context(|| format!("{kind:?}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut figures = vec![vec![Vec::new(); servers.len()]; LOADS.len()];
    for round in 0..wanted.rounds {
        for (load, row) in LOADS.iter().zip(&mut figures) {
            let mut turns: Vec<_> = servers.iter().zip(row.iter_mut()).collect();
            // In turns from either end, so that no pair always has the same neighbours.
            if round % 2 == 1 {
                turns.reverse();
            }
            for (server, cell) in turns {
                // What failed once would most likely fail again, after as long a wait.
                if round > 0 && cell.is_empty() {
                    continue;
                }
                match (load.run)(server, wanted) {
                    Ok(figure) => cell.push(figure),
                    Err(error) => eprintln!("{}, {}: {error:#}", server.kind.name(), load.name),
                }
            }
        }
    }
    print(&servers, &figures);
    Ok(())
}

/// A gibibyte from the server, thrown away.
fn retrieve(server: &Running, wanted: &ServeArguments, tls: bool) -> anyhow::Result<f64> {
    let seconds = curl(server, tls, &["--output", "/dev/null", &server.url("big")])?;
    Ok((wanted.large_mib << 20) as f64 / seconds / 1e6)
}

/// A gibibyte to the server.
fn store(server: &Running, wanted: &ServeArguments, tls: bool) -> anyhow::Result<f64> {
    let source = server.root.join("big");
    let source = source.to_str().context("the folder's name is no text")?;
    let seconds = curl(server, tls, &["--upload-file", source, &server.url("incoming/big")])?;
    let target = server.root.join("incoming/big");
    let stored = std::fs::metadata(&target).context("the upload is not there")?.len();
    std::fs::remove_file(target)?;
    if stored != wanted.large_mib << 20 {
        bail!("the upload has {stored} bytes");
    }
    Ok(stored as f64 / seconds / 1e6)
}

/// Seconds of computing that the server takes to send a gibibyte.
fn cpu_of_retrieve(server: &Running, wanted: &ServeArguments) -> anyhow::Result<f64> {
    let before = process::cpu_seconds(server.process())?;
    retrieve(server, wanted, false)?;
    let after = process::cpu_seconds(server.process())?;
    Ok((after - before) * 1024.0 / wanted.large_mib as f64)
}

fn sessions(server: &Running, wanted: &ServeArguments) -> anyhow::Result<f64> {
    let started = Instant::now();
    load::sessions(&server.login(), wanted.sessions, 8)?;
    Ok(wanted.sessions as f64 / started.elapsed().as_secs_f64())
}

fn small_files(server: &Running, wanted: &ServeArguments) -> anyhow::Result<f64> {
    let started = Instant::now();
    load::small_files(&server.login(), wanted.small_files)?;
    Ok(wanted.small_files as f64 / started.elapsed().as_secs_f64())
}

/// Proportional memory of all the server's processes for each silent session.
fn idle(server: &Running, wanted: &ServeArguments) -> anyhow::Result<f64> {
    let count =
        if server.kind.has_a_process_for_each_session() { wanted.idle / 10 } else { wanted.idle }.max(1);
    let before = process::memory_kibibytes(server.process())?;
    let held = load::idle(&server.login(), count)?;
    let after = process::memory_kibibytes(server.process())?;
    drop(held);
    Ok(after.saturating_sub(before) as f64 / count as f64)
}

/// Seconds after which a server has failed.
const PATIENCE: &str = "60";

/// Runs curl, and gives its seconds.
fn curl(server: &Running, tls: bool, arguments: &[&str]) -> anyhow::Result<f64> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--insecure",
        "--max-time",
        PATIENCE,
        "--user",
        &server.user_and_password(),
    ])
    .args(arguments);
    if tls {
        // With TLS 1.3 pure-ftpd 1.0.50 never ends an upload, and pyftpdlib 1.5.7 resets the connection.
        curl.args(["--ssl-reqd", "--tls-max", "1.2"]);
    }
    let started = Instant::now();
    let output = curl.stdin(Stdio::null()).output().context("curl cannot be started")?;
    if !output.status.success() {
        bail!("curl: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(started.elapsed().as_secs_f64())
}

fn print(servers: &[Running], figures: &[Vec<Vec<f64>>]) {
    println!(
        "| | unit | {} | port21 to the best other |",
        servers.iter().map(|server| server.kind.name()).collect::<Vec<_>>().join(" | ")
    );
    println!("|---|---|{}---:|", "---:|".repeat(servers.len()));
    for (load, row) in LOADS.iter().zip(figures) {
        let medians: Vec<Option<f64>> = row.iter().map(|cell| median(cell.clone())).collect();
        let words = medians.iter().map(|figure| figure.map_or("-".into(), short));
        let others = servers.iter().zip(&medians).filter(|(server, _)| server.kind != Kind::Port21);
        let others = others.filter_map(|(_, figure)| *figure);
        let best = if load.more_is_better { others.reduce(f64::max) } else { others.reduce(f64::min) };
        let ours = servers.iter().zip(&medians).find(|(server, _)| server.kind == Kind::Port21);
        let ratio = ours
            .and_then(|(_, ours)| Some((*ours)? / best?))
            .map_or(String::new(), |ratio| format!("{ratio:.2}"));
        println!("| {} | {} | {} | {ratio} |", load.name, load.unit, words.collect::<Vec<_>>().join(" | "));
    }
}

fn short(figure: f64) -> String {
    if figure < 10.0 { format!("{figure:.2}") } else { format!("{figure:.0}") }
}

/// What a client needs to log in.
#[derive(Debug, Clone)]
pub struct LoginAt {
    address: std::net::SocketAddr,
    user: &'static str,
    password: &'static str,
}

/// Where files lie, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

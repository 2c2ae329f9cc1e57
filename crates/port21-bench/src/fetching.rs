//! Clients side by side on loopback: each does the same with the same server, in turns.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::contest::median;
use crate::measure::{self, Run};
use crate::serving::peers::{Kind, Running, make_files};

/// Measure the client beside curl and lftp, as far as they are installed
#[derive(Debug, Args)]
pub struct FetchArguments {
    /// How often each client does each piece of work
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..1000))]
    rounds: u64,
    /// Size of the large file in MiB
    #[arg(long, default_value_t = 1024, value_name = "N")]
    large_mib: u64,
    /// Number of files of 1 KiB that are mirrored
    #[arg(long, default_value_t = 5000, value_name = "N")]
    small_files: usize,
    /// Folder for the files, best in memory
    #[arg(long, default_value = "/dev/shm", value_name = "DIR")]
    folder: PathBuf,
    /// The server that all of them talk to
    #[arg(long, value_enum, default_value = "port21", value_name = "NAME")]
    server: Kind,
}

/// One client at one piece of work.
struct Contestant {
    name: &'static str,
    command: Vec<String>,
}

/// A piece of work: what it is called, how much it is, and who does it; port21 is the last.
struct Work {
    name: &'static str,
    amount: f64,
    unit: &'static str,
    contestants: Vec<Contestant>,
    /// What is made by it, and removed before each run.
    made: PathBuf,
}

/// Does all pieces of work in turns and prints a table.
pub fn hold(port21: &Path, wanted: &FetchArguments) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("port21-bench").tempdir_in(&wanted.folder)?;
    let (root, here) = (folder.path().join("server"), folder.path().join("client"));
    fs::create_dir(&root)?;
    fs::create_dir(&here)?;
    make_files(&root, wanted.large_mib << 20, wanted.small_files)?;
    let server =
        Running::start(wanted.server, port21, &root).with_context(|| format!("{:?}", wanted.server))?;
    let program = port21.to_str().context("the program's name is no text")?;
    println!("| {} | unit | client | speed | peak MiB | port21 to it |", server.kind.name());
    println!("|---|---|---|---:|---:|---:|");
    for work in works(&server, program, &here, wanted) {
        hold_one(&work, wanted.rounds)?;
    }
    Ok(())
}

fn hold_one(work: &Work, rounds: u64) -> anyhow::Result<()> {
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); work.contestants.len()];
    for round in 0..rounds {
        let mut turns: Vec<_> = work.contestants.iter().zip(&mut runs).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for (contestant, cell) in turns {
            remove(&work.made)?;
            match measure::run(&contestant.command) {
                Ok(run) if work.made.exists() => cell.push(run),
                Ok(_) => eprintln!("{}, {}: nothing came of it", work.name, contestant.name),
                Err(error) => eprintln!("{}, {}: {error:#}", work.name, contestant.name),
            }
        }
    }
    remove(&work.made)?;
    let speed = |runs: &[Run]| {
        median(runs.iter().map(|run| run.seconds).collect()).map(|seconds| work.amount / seconds)
    };
    let ours = runs.last().and_then(|runs| speed(runs));
    for (contestant, runs) in work.contestants.iter().zip(&runs) {
        let word =
            |figure: Option<f64>, digits| figure.map_or("-".into(), |figure| format!("{figure:.digits$}"));
        let peak = runs.iter().filter_map(|run| run.peak).max().map(|peak| peak as f64 / 1024.0);
        let speed = speed(runs);
        let ratio = ours.zip(speed).map(|(ours, other)| ours / other);
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            work.name,
            work.unit,
            contestant.name,
            word(speed, 0),
            word(peak, 0),
            word(ratio, 2)
        );
    }
    Ok(())
}

fn remove(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)?;
    } else if path.exists() {
        fs::remove_file(path)?;
    }
    Ok(())
}

fn works(server: &Running, program: &str, here: &Path, wanted: &FetchArguments) -> Vec<Work> {
    let text = |path: &Path| path.display().to_string();
    let user = server.user_and_password();
    let with_user =
        |url: String| url.replace("ftp://", &format!("ftp://{}@", user.replace("@localhost", "")));
    let (big, up) = (server.url("big"), server.url("incoming/big"));
    let source = text(&server.root.join("big"));
    let (target, stored) = (here.join("big"), server.root.join("incoming/big"));
    let megabytes = (wanted.large_mib << 20) as f64 / 1e6;
    let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let mut works = Vec::new();
    for tls in [false, true] {
        let curl: &[&str] = if tls { &["--ssl-reqd", "--insecure"] } else { &[] };
        let ours: &[&str] = if tls { &["--tls", "require", "--insecure"] } else { &["--tls", "off"] };
        let get = vec![
            Contestant {
                name: "curl",
                command: [
                    &command(&["curl", "-sS", "-u", &user, "-o", &text(&target), &big]),
                    &command(curl)[..],
                ]
                .concat(),
            },
            Contestant {
                name: "port21 get",
                command: [
                    &command(&[program, "get", "-o", &text(&target), &with_user(big.clone())]),
                    &command(ours)[..],
                ]
                .concat(),
            },
        ];
        let put = vec![
            Contestant {
                name: "curl -T",
                command: [&command(&["curl", "-sS", "-u", &user, "-T", &source, &up]), &command(curl)[..]]
                    .concat(),
            },
            Contestant {
                name: "port21 put",
                command: [&command(&[program, "put", &source, &with_user(up.clone())]), &command(ours)[..]]
                    .concat(),
            },
        ];
        let (name_of_get, name_of_put) = if tls { ("get over TLS", "put over TLS") } else { ("get", "put") };
        works.push(Work {
            name: name_of_get,
            amount: megabytes,
            unit: "MB/s",
            contestants: get,
            made: target.clone(),
        });
        works.push(Work {
            name: name_of_put,
            amount: megabytes,
            unit: "MB/s",
            contestants: put,
            made: stored.clone(),
        });
    }
    let user_of_lftp = user.replace(':', ",");
    let lftp = |what: &str| {
        let script =
            format!("set ftp:ssl-allow no; open -u {user_of_lftp} ftp://{}; mirror {what}", server.place());
        command(&["lftp", "-c", &script])
    };
    // The same files lie in the folder that is served, from where they are fetched, and are sent to another one beside it.
    let (copy, sent) = (here.join("small"), server.root.join("incoming/small"));
    let (small, up) = (with_user(server.url("small/")), with_user(server.url("incoming/small/")));
    let (from, to) =
        (format!("small {}", text(&copy)), format!("-R {} incoming/small", text(&server.root.join("small"))));
    let ours = [(small, text(&copy)), (text(&server.root.join("small")), up)];
    for (name, what, (source, target), made) in
        [("mirror of small files", from, &ours[0], copy), ("mirror -R of small files", to, &ours[1], sent)]
    {
        works.push(Work {
            name,
            amount: wanted.small_files as f64,
            unit: "files/s",
            contestants: vec![
                Contestant { name: "lftp", command: lftp(&what) },
                Contestant { name: "lftp -P8", command: lftp(&format!("-P8 {what}")) },
                Contestant {
                    name: "port21 mirror",
                    command: command(&[program, "mirror", "--tls", "off", source, target]),
                },
            ],
            made,
        });
    }
    for work in &mut works {
        work.contestants.retain(|contestant| {
            contestant.name.starts_with("port21")
                || contestant.command.first().is_some_and(|program| measure::is_installed(program))
        });
    }
    works
}

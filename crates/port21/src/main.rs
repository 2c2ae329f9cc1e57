//! port21: FTP over TCP, seen whole.
//!
//! Takes arguments, gives what was asked for on standard output, and talks on standard error. Holds no logic
//! that others would want: reading captures, following TCP and understanding FTP are the work of the libraries.
//!
//! ```text
//! arguments ─┬▶ input (captures, progress) ──▶ explain, answer, packets, follow, extract ──▶ render ──▶ output
//!            ├▶ client (sessions with servers) ──▶ ls, cat, get, put, mirror, rm, mv, mkdir, raw, shell, bookmark
//!            └▶ serve ──▶ the FTP server, logs
//! ```

mod answer;
mod arguments;
mod client;
mod escape;
mod explain;
mod extract;
mod follow;
mod input;
mod interrupt;
mod manual;
mod outcome;
mod output;
mod packets;
mod render;
mod secrets;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::arguments::{Arguments, Command};
use crate::outcome::Outcome;

/// Sessions are made of many short pieces, made on one thread and freed on another: what the system's allocator takes for that
/// is half of the time on a capture of many sessions.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = interrupt::listen() {
        output::complain(&format!("signals end this at once, since they cannot be listened to: {error}"));
    }
    let result = match &arguments.command {
        Command::Explain(explain) => explain::run(explain),
        Command::Answer(answer) => answer::run(answer),
        Command::Packets(packets) => packets::run(packets),
        Command::Follow(follow) => follow::run(follow),
        Command::Extract(extract) => extract::run(extract),
        Command::Serve(serve) => serve::run(serve),
        Command::Ls(ls) => client::run(client::Command::Ls(ls)),
        Command::Cat(cat) => client::run(client::Command::Cat(cat)),
        Command::Get(get) => client::run(client::Command::Get(get)),
        Command::Put(put) => client::run(client::Command::Put(put)),
        Command::Mirror(mirror) => client::run(client::Command::Mirror(mirror)),
        Command::Rm(rm) => client::run(client::Command::Rm(rm)),
        Command::Mv(mv) => client::run(client::Command::Mv(mv)),
        Command::Mkdir(mkdir) => client::run(client::Command::Mkdir(mkdir)),
        Command::Raw(raw) => client::run(client::Command::Raw(raw)),
        Command::Bookmark(bookmark) => client::bookmarks::run(bookmark),
        Command::Shell(shell) => client::run(client::Command::Shell(shell)),
        Command::Completions(completions) => manual::completions(completions),
        Command::Man(man) => manual::pages(man),
    };
    if let Some(signal) = interrupt::signal()
        && !arguments.command.is_ended_by_signals()
    {
        return interrupt::die(signal);
    }
    match result {
        Ok(outcome) => outcome.exit_code(),
        // Whoever read our output has seen enough: `port21 explain x.pcap | head` is not a failure.
        Err(error) if outcome::is_closed_pipe(&error) => Outcome::Complete.exit_code(),
        Err(error) => {
            if !error.is::<outcome::Told>() {
                output::complain(&format!("{error:#}"));
            }
            outcome::failure_code(&error)
        }
    }
}

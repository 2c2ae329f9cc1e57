//! `port21 serve`: puts the FTP server together from options and a file, and runs it until it is told to stop.
//!
//! ```text
//!  command line ─┐
//!                ├─▶ configuration ──▶ assembly ──▶ process: bind, give up root, shut off ──▶ the server
//!  file ─────────┘                                                    logs ◀── what happens ──┘
//! ```

mod assembly;
mod configuration;
mod logs;
mod passwd;
mod privileges;
mod process;
#[cfg(test)]
mod tests;
pub mod values;

pub use logs::open_secret;

use std::io::{self, Write};

use anyhow::Context;

use crate::arguments::{ServeArguments, ServeCommand};
use crate::outcome::Outcome;
use crate::output;

/// Serves, or does what else the arguments ask for.
pub fn run(arguments: &ServeArguments) -> anyhow::Result<Outcome> {
    if let Some(ServeCommand::Passwd(passwd)) = &arguments.command {
        return passwd::run(passwd);
    }
    if arguments.print_config {
        let text = configuration::with_defaults();
        io::stdout().lock().write_all(text.as_bytes()).context("standard output cannot be written")?;
        return Ok(Outcome::Complete);
    }
    let configuration = configuration::read(arguments)?;
    let assembled = assembly::assemble(&configuration, arguments)?;
    if arguments.check {
        output::complain(&format!("the configuration is right: {}", assembled.summary()));
        return Ok(Outcome::Complete);
    }
    process::run(assembled)
}

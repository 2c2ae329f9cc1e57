//! `port21 completions` and `port21 man`: made from the definition of the command line.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use crate::arguments::{Arguments, CompletionsArguments, ManArguments};
use crate::escape;
use crate::outcome::Outcome;

/// Writes completions for a shell to standard output.
pub fn completions(arguments: &CompletionsArguments) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "port21", &mut script);
    io::stdout().lock().write_all(&script).context("standard output cannot be written")?;
    Ok(Outcome::Complete)
}

/// Writes the manual page of the program to standard output, or the pages of all commands to a folder.
pub fn pages(arguments: &ManArguments) -> anyhow::Result<Outcome> {
    let program = Arguments::command();
    match &arguments.folder {
        None => {
            let page = render(program)?;
            io::stdout().lock().write_all(&page).context("standard output cannot be written")?;
        }
        Some(folder) => write_all(program, folder)?,
    }
    Ok(Outcome::Complete)
}

fn write_all(program: clap::Command, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(program, folder)).with_context(|| {
        format!("manual pages cannot be written to {}", escape::terminal(&folder.to_string_lossy()))
    })
}

fn render(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

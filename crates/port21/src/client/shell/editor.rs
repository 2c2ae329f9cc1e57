//! Lines that somebody types: editing, history, completion.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use super::complete::Completions;
use super::words::{self, Line};
use super::{Next, Shell, command};
use crate::client::{folders, secret};
use crate::outcome::Outcome;
use crate::output::complain;
use crate::{escape, interrupt};

/// Most lines of history.
const MOST_LINES: usize = 1000;

/// A line is being read.
static READING: AtomicBool = AtomicBool::new(false);

/// Reads lines and carries them out, until somebody has had enough.
pub fn run(shell: &Rc<RefCell<Shell<'_>>>) -> anyhow::Result<Outcome> {
    let configuration =
        Config::builder().max_history_size(MOST_LINES)?.completion_type(CompletionType::List).build();
    let mut editor: Editor<Completions<'_, '_>, FileHistory> = Editor::with_config(configuration)?;
    editor.set_helper(Some(Completions::new(shell)));
    let history = history();
    if let Some(path) = &history {
        let _ = editor.load_history(path);
    }
    interrupt::end_reading(&READING)?;
    // With it, the editor waits for signals beside keys.
    let _printer = editor.create_external_printer();
    loop {
        let prompt = prompt(&shell.borrow());
        READING.store(true, Ordering::SeqCst);
        let read = if interrupt::signal().is_some() {
            Err(ReadlineError::Interrupted)
        } else {
            editor.readline(&prompt)
        };
        READING.store(false, Ordering::SeqCst);
        interrupt::check()?;
        match read {
            Ok(line) => {
                if !line.trim().is_empty() && !holds_secret(&line) {
                    let _ = editor.add_history_entry(line.as_str());
                    if let Some(path) = &history {
                        let _ = editor.append_history(path);
                    }
                }
                // Ctrl-C that came when nothing was under way any more.
                interrupt::take_interactive();
                let next = shell.borrow_mut().typed(&line)?;
                if let Some(helper) = editor.helper_mut() {
                    helper.forget();
                }
                if next == Next::Quit {
                    break;
                }
            }
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                complain(&format!("the terminal cannot be read: {error}"));
                return Ok(Outcome::Incomplete);
            }
        }
    }
    Ok(Outcome::Complete)
}

fn prompt(shell: &Shell<'_>) -> String {
    let Some(place) = &shell.place else { return "port21> ".to_owned() };
    let url = place.url();
    let user = url.user.map(|user| format!("{user}@")).unwrap_or_default();
    let host = escape::terminal(&format!("{user}{}", url.host));
    format!("{host}:{}> ", escape::terminal_bytes(place.directory()))
}

/// Lines with a password in them are not kept. One whose quote is open is read as if it were closed.
fn holds_secret(line: &str) -> bool {
    let closed = ["", "'", "\"", " "].iter().find_map(|end| words::parse(&format!("{line}{end}")).ok());
    closed.is_none_or(|commands| {
        commands.iter().any(|command| match command {
            Line::Words(words) => command::holds_secret(words),
            Line::System(text) => secret::in_url(text),
        })
    })
}

/// The file of the history, which only its owner may read; `None` where it cannot be made.
fn history() -> Option<PathBuf> {
    let folder = folders::state()?;
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let path = folder.join("history");
    OpenOptions::new().append(true).create(true).mode(0o600).open(&path).ok()?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).ok()?;
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_passwords_are_told() {
        for line in [
            "user joe secret",
            "pwd; user joe 'a secret'",
            "'user' joe secret",
            "user joe a secret",
            "usr joe secret",
            "user joe 'secret",
            "open ftp://joe:secret@host/",
            "open \"ftp://joe:a secret@host/\"",
            "get ftp://joe:secret@host/a",
            "!curl ftp://joe:secret@host/",
            "quote site pswd a b",
            "raw SITE  CHPASS joe secret",
            "site PASSWD x",
            "PASS secret",
            "open-sesame",
            "'my secret",
        ] {
            assert!(holds_secret(line), "{line}");
        }
        for line in [
            "user joe",
            "open ftp://joe@host:2121/a",
            "get a:b@c",
            "ls",
            "cd pass",
            "get passwords.txt acct.csv",
            "get 'a b",
            "get",
            "pwd x",
            "help get",
            "!make pass",
        ] {
            assert!(!holds_secret(line), "{line}");
        }
    }
}

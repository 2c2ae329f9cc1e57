//! Dialogues of a client with the session, read from text files, word for word and with trouble at every step.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod anything;
mod bench;
mod driver;
mod language;
mod store;
mod sweep;

use std::fs;
use std::path::Path;

use bench::{Bench, replies};
use ftp_server::session::Action;
use language::{Dialogue, Kind, Step, fits};

/// Every dialogue, in the order of the files' names.
fn dialogues() -> Vec<Dialogue> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap();
            language::parts(&text)
                .into_iter()
                .map(|(title, first, part)| Dialogue::read(&format!("{name}: {title}"), first, part))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_dialogue_is_spoken_word_for_word() {
    let all = dialogues();
    assert!(all.len() >= 60, "{} dialogues", all.len());
    let mut wrong = Vec::new();
    for dialogue in &all {
        match std::panic::catch_unwind(|| speak(dialogue)) {
            Ok(Ok(())) => {}
            Ok(Err(what)) => wrong.push(format!("{}: {what}", dialogue.name)),
            Err(_) => wrong.push(format!("{}: see above", dialogue.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} dialogues:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// Plays a dialogue; says what was expected where something else came.
fn speak(dialogue: &Dialogue) -> Result<(), String> {
    let mut bench = Bench::new(dialogue.shared_policy(), dialogue.ends);
    if let Some(login) = &dialogue.login {
        bench.log_in(login);
    }
    let mut heard: Vec<String> = told(&bench.take());
    heard.reverse();
    for Step { line, kind } in &dialogue.steps {
        match kind {
            Kind::Server(pattern) | Kind::Action(pattern) => match heard.pop() {
                Some(text) if fits(pattern, &text) => continue,
                other => return Err(format!("line {line}: expected {pattern:?}, not {other:?}")),
            },
            _ if !heard.is_empty() => return Err(format!("line {line}: before it came {heard:?}")),
            Kind::Client(bytes) => bench.client(bytes),
            Kind::Event(text) => {
                bench.asked.clear();
                bench.event(driver::event(text));
            }
            Kind::Time(time) => bench.pass(*time),
        }
        heard = told(&bench.take());
        heard.reverse();
    }
    if !heard.is_empty() {
        return Err(format!("at the end came {heard:?}"));
    }
    let waits = bench.unanswered();
    if waits > 0 && !bench.closed {
        return Err(format!("{waits} commands are left without a final reply"));
    }
    Ok(())
}

/// Actions as a dialogue writes them: replies as code and text, others by name.
fn told(actions: &[Action]) -> Vec<String> {
    let mut told = Vec::new();
    for action in actions {
        match action {
            Action::Send(bytes) => told.extend(replies(bytes).iter().map(|reply| {
                format!("{} {}", reply.code.unwrap(), String::from_utf8_lossy(&reply.joined()))
            })),
            other => told.push(driver::describe(other)),
        }
    }
    told
}

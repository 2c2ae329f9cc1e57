//! Every dialogue again, with trouble before each of its steps.

use std::time::Duration;

use ftp_server::session::{Action, Event};

use crate::bench::Bench;
use crate::driver;
use crate::language::{Dialogue, Kind};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    /// The client sends ABOR, with the Telnet signals before it that RFC 959 section 4.1.3 asks for.
    Abort,
    /// The client is gone.
    Disconnect,
    /// Time passes until the session has something to do about it.
    Timeout,
    /// The server is being stopped.
    Stop,
}

const TROUBLES: [Trouble; 4] = [Trouble::Abort, Trouble::Disconnect, Trouble::Timeout, Trouble::Stop];

#[test]
fn trouble_at_any_step_leaves_no_command_unanswered() {
    let mut runs = 0;
    for dialogue in crate::dialogues() {
        for trouble in TROUBLES {
            for at in 0..=dialogue.steps.len() {
                runs += 1;
                let place =
                    dialogue.steps.get(at).map_or("the end".to_owned(), |step| format!("line {}", step.line));
                let spoken = std::panic::catch_unwind(|| speak(&dialogue, trouble, at));
                assert!(spoken.is_ok(), "{}: {trouble:?} before {place}", dialogue.name);
            }
        }
    }
    assert!(runs > 1000, "{runs} runs");
}

fn speak(dialogue: &Dialogue, trouble: Trouble, at: usize) {
    let mut bench = Bench::new(dialogue.shared_policy(), dialogue.ends);
    if let Some(login) = &dialogue.login {
        bench.log_in(login);
    }
    bench.take();
    for (number, step) in dialogue.steps.iter().enumerate() {
        if number == at {
            befall(&mut bench, trouble);
        }
        play(&mut bench, &step.kind);
    }
    if at == dialogue.steps.len() {
        befall(&mut bench, trouble);
    }
    bench.settle();
    assert!(bench.closed || bench.unanswered() == 0, "{} commands have no final reply", bench.unanswered());
    if matches!(trouble, Trouble::Disconnect | Trouble::Stop) {
        assert!(bench.closed, "a session without a client, or without a server, ends");
    }
}

fn befall(bench: &mut Bench, trouble: Trouble) {
    match trouble {
        Trouble::Abort => bench.client(b"\xff\xf4\xff\xf2ABOR\r\n"),
        Trouble::Disconnect => bench.event(Event::Closed),
        Trouble::Timeout => bench.run_out(),
        Trouble::Stop => bench.event(Event::Stopping(Duration::from_secs(30))),
    }
    bench.take();
}

/// One step of the client's or the driver's, whatever the session then does.
fn play(bench: &mut Bench, kind: &Kind) {
    match kind {
        Kind::Client(bytes) => bench.client(bytes),
        Kind::Time(time) => bench.pass(*time),
        Kind::Event(text) => {
            let event = driver::event(text);
            // What answers nothing that is asked now would not come from a driver; a late end of a transfer may.
            if answers_what_was_asked(bench, &event) {
                bench.event(event);
            }
        }
        Kind::Server(_) | Kind::Action(_) => {}
    }
    bench.take();
}

fn answers_what_was_asked(bench: &mut Bench, event: &Event) -> bool {
    let fits = |action: &Action| {
        matches!(
            (action, event),
            (Action::StartTls, Event::TlsStarted | Event::TlsFailed)
                | (Action::Authenticate(_), Event::Authenticated(_))
                | (Action::Listen { .. }, Event::Listening(_))
                | (Action::Operate(_), Event::Done(_))
        ) || match (action, event) {
            (Action::Transfer(transfer), Event::TransferEnded { id, .. }) => transfer.id == *id,
            (Action::AbortTransfer(other), Event::TransferEnded { id, .. }) => other == id,
            _ => false,
        }
    };
    match event {
        Event::TransferPrepared { .. } | Event::TransferProgress { .. } => true,
        Event::Closed | Event::Stopping(_) => true,
        Event::TransferEnded { .. } => {
            let before = bench.asked.len();
            bench.asked.retain(|action| !fits(action));
            bench.asked.len() < before
        }
        _ => match bench.asked.iter().position(fits) {
            Some(at) => bench.asked.remove(at).is_some(),
            None => false,
        },
    }
}

//! `port21 shell` at a terminal: passwords that are typed, signals, and what a terminal is shown.

use std::fs;
use std::process::{Command, Output};

use serde_json::json;
use tempfile::TempDir;

use super::server::Server;
use super::{run, talk};

/// Plays somebody at a terminal: waits for texts, types, sends signals; then shows all that was seen, and ends as the program did.
const PLAYER: &str = r#"
import json, os, pty, select, signal, sys, termios, time
play = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(play["environment"])
    os.environ.pop("PORT21_PASSWORD", None)
    os.execv(play["program"], [play["program"], *play["arguments"]])
shown = unread = b""
def read(patience):
    global shown, unread
    ready, _, _ = select.select([terminal], [], [], max(0, patience))
    if not ready:
        sys.exit(f"nothing comes any more: {shown!r}")
    try:
        new = os.read(terminal, 65536)
    except OSError:
        new = b""
    shown, unread = shown + new, unread + new
    return new
for what, text in play["steps"]:
    text = text.encode()
    if what == "type":
        os.write(terminal, text)
    elif what == "signal":
        os.kill(pid, getattr(signal, text.decode()))
    elif what == "keys":
        end = time.monotonic() + 60
        while termios.tcgetattr(terminal)[3] & termios.ISIG:
            if time.monotonic() > end:
                sys.exit(f"keys are still signals: {shown!r}")
            time.sleep(0.01)
    else:
        end = time.monotonic() + 60
        while text not in unread:
            if not read(end - time.monotonic()):
                sys.exit(f"it ended before {text!r}: {shown!r}")
        unread = unread.split(text, 1)[1]
while read(60):
    pass
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
"#;

/// Waits for this to be shown.
fn until(text: &str) -> (&'static str, String) {
    ("until", text.to_owned())
}

/// Types a line.
fn line(text: &str) -> (&'static str, String) {
    ("type", format!("{text}\r"))
}

/// What was shown, the exit code (128 and the signal's number, as in shells), and the history.
struct Played {
    output: Output,
    history: Option<String>,
}

impl Played {
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    fn assert_code(&self, code: i32) {
        assert_eq!(self.output.status.code(), Some(code), "{} {}", talk(&self.output), self.shown());
    }
}

/// Plays the shell.
fn play(arguments: &[&str], steps: &[(&str, String)]) -> Played {
    play_command(&[&["shell"], arguments].concat(), steps)
}

/// Plays any command.
fn play_command(arguments: &[&str], steps: &[(&str, String)]) -> Played {
    let state: TempDir = tempfile::tempdir().unwrap();
    let environment = json!({
        "XDG_STATE_HOME": state.path(),
        "TERM": "vt100",
        "SHELL": "/bin/sh",
        "PAGER": "echo in the pager; cat",
    });
    let arguments = [arguments, &["--no-netrc", "--quiet"]].concat();
    let play = json!({
        "program": env!("CARGO_BIN_EXE_port21"),
        "arguments": arguments,
        "environment": environment,
        "steps": steps,
    });
    let output =
        Command::new("python3").args(["-c", PLAYER, &play.to_string()]).output().expect("python3 runs");
    let history = fs::read_to_string(state.path().join("port21/history")).ok();
    Played { output, history }
}

#[test]
fn passwords_that_are_typed_are_not_in_the_history() {
    let server = Server::start(&[]);
    let url = server.url("").replace("a%20secret", "a secret");
    let played = play(
        &[&server.url("")],
        &[
            until(":/> "),
            line("pwd; user joe 'a secret'"),
            until(":/> "),
            line("'user' joe 'a secret'"),
            until(":/> "),
            line(&format!("open \"{url}\"")),
            until(":/> "),
            line("pwd"),
            until(":/> "),
            line("quit"),
        ],
    );
    played.assert_code(0);
    let history = played.history.unwrap();
    assert!(history.contains("pwd") && !history.contains("secret"), "{history}");
}

#[test]
fn mistyped_password_can_be_typed_again() {
    let server = Server::start(&[]);
    let url = server.url("").replace(":a%20secret", "");
    let ask = || until("Password of joe");
    let played = play(
        &[],
        &[
            until("port21> "),
            line(&format!("open {url}")),
            ask(),
            line("wrong"),
            until("530"),
            until("port21> "),
            line(&format!("open {url}")),
            ask(),
            line("wrong"),
            until("530"),
            until("port21> "),
            line("user joe"),
            ask(),
            line("a secret"),
            until(":/> "),
            line("user joe"),
            ask(),
            line("a secret"),
            until(":/> "),
            line("close"),
            until("port21> "),
            line("user joe"),
            until("there is no session"),
            line("quit"),
        ],
    );
    played.assert_code(0);
}

#[test]
fn interrupted_question_for_a_password_ends_the_command_and_not_the_shell() {
    let server = Server::start(&[]);
    let url = server.url("").replace(":a%20secret", "");
    let played = play(
        &[],
        &[
            until("port21> "),
            line(&format!("open {url}")),
            until("Password of joe"),
            // The terminal is told only behind the question to hand Ctrl-C on.
            ("keys", String::new()),
            ("type", "\x03".to_owned()),
            until("interrupted"),
            until("port21> "),
            line("user joe"),
            until("Password of joe"),
            line("a secret"),
            until(":/> "),
            line("quit"),
        ],
    );
    played.assert_code(0);
}

#[test]
fn lines_that_are_typed_ahead_are_carried_out_one_after_the_other() {
    let server = Server::start(&[]);
    for name in ["one", "two", "three"] {
        server.put(name, name.as_bytes());
    }
    let ahead = "size one\rsize two\rsize three\r".to_owned();
    let played = play(
        &[&server.url("")],
        &[
            until(":/> "),
            ("type", ahead),
            until("3 /one"),
            until("3 /two"),
            until("5 /three"),
            until(":/> "),
            line("quit"),
        ],
    );
    played.assert_code(0);
}

#[test]
fn interrupts_are_the_childs_while_it_runs() {
    let server = Server::start(&[]);
    let interrupt = || ("type", "\x03".to_owned());
    let counting = r#"trap 'n=x$n; echo h""it' INT; echo re""ady; while [ "$n" != xx ]; do sleep 0.05; done; echo do""ne"#;
    let played = play(
        &[&server.url("")],
        &[
            until(":/> "),
            line(&format!("!{counting}")),
            until("ready"),
            interrupt(),
            until("hit"),
            interrupt(),
            until("hit"),
            until("done"),
            until(":/> "),
            line("!echo as\"\"leep; while :; do sleep 0.05; done"),
            until("asleep"),
            interrupt(),
            until(":/> "),
            line("pwd"),
            until("/\r\n"),
            line("quit"),
        ],
    );
    played.assert_code(0);
}

#[test]
fn signal_to_end_is_obeyed_at_the_prompt() {
    let server = Server::start(&[]);
    let played = play(&[&server.url("")], &[until(":/> "), ("signal", "SIGTERM".to_owned())]);
    played.assert_code(128 + 15);
}

#[test]
fn pager_is_not_run_for_nothing() {
    let server = Server::start(&[]);
    server.put("a.txt", b"text");
    let played = play(
        &[&server.url("")],
        &[
            until(":/> "),
            line("more a.txt"),
            until("in the pager"),
            until("text"),
            until(":/> "),
            line("more nothing*"),
            until("nothing matches"),
            until(":/> "),
            line("quit"),
        ],
    );
    played.assert_code(0);
    assert_eq!(played.shown().matches("in the pager").count(), 1, "{}", played.shown());
}

#[test]
fn signal_to_end_ends_a_batch_behind_the_child_that_runs() {
    let played = play(&["-c", "!kill -TERM $PPID\n!echo still he\"\"re"], &[]);
    played.assert_code(128 + 15);
    assert!(!played.shown().contains("still here"), "{}", played.shown());
}

#[test]
fn interrupt_of_a_child_does_not_hide_that_the_program_is_to_end() {
    let played =
        play(&["-c", "!kill -TERM $PPID; kill -INT $PPID; echo still run\"\"ning\n!echo go\"\"ne on"], &[]);
    played.assert_code(128 + 15);
    // The child is left to its work, and nothing is begun behind it.
    assert!(played.shown().contains("still running"), "{}", played.shown());
    assert!(!played.shown().contains("gone on"), "{}", played.shown());
}

#[test]
fn no_command_lets_a_file_command_the_terminal() {
    let server = Server::start(&[]);
    server.put("title", b"\x1b]0;evil\x07");
    let played = play(&["-c", "cat title; more title; get -o - title", &server.url("")], &[]);
    played.assert_code(0);
    assert_eq!(played.shown().matches("^[]0;evil^G").count(), 3, "{:?}", played.shown());
    assert!(!played.shown().contains('\x1b'), "{:?}", played.shown());
}

#[test]
fn files_go_to_a_terminal_harmless_and_elsewhere_as_they_are() {
    let server = Server::start(&[]);
    let bytes = b"\x1b]0;evil\x07 and\ttabs\n";
    server.put("title", bytes);
    let url = server.url("title");
    for command in [&["cat", &url][..], &["get", "-o", "-", &url]] {
        let played = play_command(command, &[]);
        played.assert_code(0);
        assert!(played.shown().contains("^[]0;evil^G and\ttabs"), "{command:?} {:?}", played.shown());
        assert!(!played.shown().contains('\x1b'), "{command:?} {:?}", played.shown());
        let output = run(command);
        assert_eq!(output.stdout, bytes, "{command:?} {}", talk(&output));
    }
}

#[test]
fn interrupted_mirror_ends_and_keeps_what_came() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    fs::create_dir(server.folder.path().join("data")).unwrap();
    server.put("data/a", b"a");
    server.put("data/big", &vec![0; 3_000_000]);
    let played = play(
        &[&server.url("")],
        &[
            until(":/> "),
            line(&format!("lcd {}", here.path().display())),
            until(":/> "),
            // Names are completed there.
            ("type", "mirror -v -P 1 --limit-rate 100k da\t\r".to_owned()),
            until("get a"),
            ("type", "\x03".to_owned()),
            until("interrupted"),
            until(":/> "),
            line("size data/big"),
            until("3000000 /data/big"),
            until(":/> "),
            line("quit"),
        ],
    );
    played.assert_code(0);
    assert_eq!(fs::read(here.path().join("data/a")).unwrap(), b"a");
    assert!(!here.path().join("data/big").exists());
}

//! A run of the program that is not over yet: its output line by line, more input, signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::program::{PATIENCE, Program};

/// A run under way. It is killed when dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Lines of standard output that were not taken before.
    pub lines: Vec<String>,
    /// What was said on standard error.
    pub talk: String,
}

impl Program {
    /// Starts it; standard input stays open until [`Running::close_input`].
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut child = Command::new(self.path())
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in stdout.lines() {
                // A test that has seen enough hangs up: then the pipe is closed, too.
                if sender.send(line.expect("text")).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().expect("a pipe");
        let errors = std::thread::spawn(move || {
            let mut talk = String::new();
            stderr.read_to_string(&mut talk).expect("text");
            talk
        });
        Running { stdin: child.stdin.take(), child, lines, errors: Some(errors) }
    }
}

impl Running {
    /// Its process, as the system numbers it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Gives it more on standard input.
    pub fn give(&mut self, bytes: &[u8]) -> &mut Self {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin.write_all(bytes).and_then(|()| stdin.flush()).expect("the program reads");
        self
    }

    /// Standard input ends.
    pub fn close_input(&mut self) -> &mut Self {
        self.stdin = None;
        self
    }

    /// The next line of standard output; fails the test if none comes.
    pub fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line of output")
    }

    /// Nobody reads its output any more.
    pub fn hang_up(&mut self) -> &mut Self {
        self.lines = channel().1;
        self
    }

    /// Sends it a signal by its name: "TERM", "INT".
    pub fn signal(&mut self, name: &str) -> &mut Self {
        let process = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &process]).status().expect("kill");
        assert!(status.success(), "the program is gone already");
        self
    }

    /// Waits for its end; fails the test if it does not come.
    pub fn end(&mut self) -> Ended {
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
            }
        }
        let talk = self.errors.take().expect("not joined yet").join().expect("standard error is read");
        Ended { status: self.child.wait().expect("the program ends"), lines, talk }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds that another process brings about; fails the test if it never does.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what}: it never comes to that");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

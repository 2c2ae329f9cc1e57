//! `port21 serve` as a process that ends with the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::client::Client;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_port21");

/// A server that ends with the test.
pub struct Server {
    pub child: Child,
    talk: BufReader<ChildStderr>,
    /// What it said up to being ready.
    pub said: String,
    pub address: String,
}

impl Server {
    /// Starts it with these arguments, and waits until it listens.
    pub fn start(words: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").args(words);
        Self::of(command)
    }

    /// The server that a command becomes.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            assert!(talk.read_line(&mut said).unwrap() > 0, "it ended: {said}");
            let line = said[start..].trim_end();
            if let Some((_, address)) =
                line.strip_prefix("port21: serving ").and_then(|line| line.rsplit_once(" on "))
            {
                break address.to_owned();
            }
        };
        Self { child, talk, said, address }
    }

    /// Reads on until a line holds `words`. Gives the line.
    pub fn hears(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.talk.read_line(&mut line).unwrap() > 0, "it ended without saying {words:?}");
        }
        line
    }

    pub fn signal(&self, name: &str) {
        let told = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.address)
    }

    /// Ends it as SIGKILL does: nothing is written or put away.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

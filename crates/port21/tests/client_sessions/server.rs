//! The program's own server, with one user.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A server that ends with the test, and serves a folder to joe, whose password is "a secret".
pub struct Server {
    child: Child,
    address: String,
    pub folder: TempDir,
}

impl Server {
    /// Starts it with further options.
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_port21"))
            .arg("serve")
            .arg(folder.path())
            .args(["--listen", "127.0.0.1:0", "--account", "joe:a secret", "--write"])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(talk.read_line(&mut line).unwrap() > 0, "the server ended");
            let ready = line.trim_end().strip_prefix("port21: serving ");
            if let Some((_, address)) = ready.and_then(|line| line.rsplit_once(" on ")) {
                break address.to_owned();
            }
        };
        // What it says later must find a reader.
        std::thread::spawn(move || talk.lines().count());
        Self { child, address, folder }
    }

    /// `ftp://joe:a%20secret@…/path`
    pub fn url(&self, path: &str) -> String {
        format!("ftp://joe:a%20secret@{}/{path}", self.address)
    }

    /// Puts a file there.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

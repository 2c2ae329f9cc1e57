//! What the README tells its readers to type, typed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::PROGRAM;

/// The lines of the first block behind `heading`.
fn block(heading: &str) -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let (_, section) = readme.split_once(heading).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with("    "));
    lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// A reader's folder, with a shell that finds the program.
struct Reader(TempDir);

impl Reader {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README.md"), "read me").unwrap();
        Self(folder)
    }

    fn shell(&self, script: &str) -> Command {
        let tools = Path::new(PROGRAM).parent().unwrap().to_str().unwrap();
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("PATH", format!("{tools}:{}", std::env::var("PATH").unwrap()));
        for place in ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
            command.env(place, self.0.path().join("home"));
        }
        command
    }

    /// Starts the server of a line that ends with `port &`, on a free port instead, and as a child of this process. Gives it and
    /// its port.
    fn serve(&self, line: &str, port: &str) -> (Served, String) {
        let (line, _) = line.split_once('&').unwrap();
        let line = line.trim().replace(&format!(":{port}"), ":0").replacen("port21", "exec port21", 1);
        let mut child = self.shell(&line).stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(" on 127.0.0.1:") {
            assert!(talk.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        let port = said.trim_end().rsplit(':').next().unwrap().to_owned();
        (Served { child, talk, said }, port)
    }

    fn reads(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// A server, until it is dropped.
struct Served {
    child: Child,
    talk: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Served {
    /// Ends it, and gives all that it said.
    fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.talk.read_to_string(&mut self.said).unwrap();
        std::mem::take(&mut self.said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn five_lines_are_a_server_with_tls_and_one_account() {
    let lines = block("one virtual user, in\n");
    assert_eq!(lines.len(), 5, "{lines:?}");
    let reader = Reader::new();
    assert!(reader.shell(&lines[..3].join("\n")).status().unwrap().success());
    let (server, port) = reader.serve(&lines[3], "2121");
    let sent = reader.shell(&lines[4].replace(":2121/", &format!(":{port}/"))).output();
    let said = server.end();
    let sent = sent.unwrap();
    assert!(sent.status.success(), "{}\n{said}", String::from_utf8_lossy(&sent.stderr));
    assert_eq!(reader.reads("ftp/ada/README.md"), "read me");
}

#[test]
fn lines_of_the_client_work_in_their_order() {
    let lines = block("## Fetch and send\n");
    let reader = Reader::new();
    assert!(reader.shell(&lines[0]).status().unwrap().success());
    let (_server, port) = reader.serve(&lines[1], "2122");
    assert!(lines.len() >= 8, "{lines:?}");
    for line in &lines[2..] {
        let done = reader.shell(&line.replace(":2122/", &format!(":{port}/"))).output().unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
    for name in ["files/README.md", "copy.md", "parts.md"] {
        assert_eq!(reader.reads(name), "read me");
    }
}

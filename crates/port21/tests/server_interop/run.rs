//! Lets one client do one task in a place of its own, and looks at what it left.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clients::{Client, Invocation, Request};
use crate::server::Server;
use crate::setting::Setting;
use crate::task::Task;

/// A client that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folders of one run.
pub struct Place {
    /// The client's working folder.
    pub local: PathBuf,
    /// The folder on the server's disk.
    pub remote: PathBuf,
}

impl Place {
    /// Where the bytes come from, and where they go to.
    pub fn source_and_target(&self, task: Task) -> (&PathBuf, &PathBuf) {
        if task.is_upward() { (&self.local, &self.remote) } else { (&self.remote, &self.local) }
    }
}

/// Says what went wrong, with what the client printed.
pub fn run(client: &dyn Client, server: &Server, setting: Setting, task: Task) -> Result<(), String> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let folder = format!("run{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let home = tempfile::tempdir().unwrap();
    let place = Place { local: home.path().join("work"), remote: server.root().join(&folder) };
    fs::create_dir(&place.local).unwrap();
    fs::create_dir(&place.remote).unwrap();
    task.prepare(&place);
    let request =
        Request { server: server.address(setting), setting, task, folder: &folder, local: &place.local };
    let Invocation { mut command, input } = client.invocation(&request);
    command.current_dir(&place.local).env("HOME", home.path()).env("LC_ALL", "C.UTF-8").env("TERM", "dumb");
    let outcome = spawn_and_wait(&mut command, &input).and_then(|output| {
        task.verdict(&place, &output).map_err(|wrong| {
            format!(
                "{wrong}\n  {command:?}\n  input: {input}\n  output: {}",
                String::from_utf8_lossy(&output)
            )
        })
    });
    let _ = fs::remove_dir_all(&place.remote);
    outcome
}

/// All that the client prints, on either stream, in order.
pub fn spawn_and_wait(command: &mut Command, input: &str) -> Result<Vec<u8>, String> {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .spawn()
        .map_err(|error| format!("{command:?} does not start: {error}"))?;
    // The command holds this side's writers; with others in their place the reader ends when the client does.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let output = std::thread::spawn(move || {
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let mut output = Vec::new();
        let _ = reader.read_to_end(&mut output);
        output
    });
    let started = Instant::now();
    while !output.is_finished() {
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            let output = output.join().unwrap_or_default();
            return Err(format!("{command:?} hangs after printing {}", String::from_utf8_lossy(&output)));
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let _ = child.wait();
    output.join().map_err(|_| "the reader of its output failed".to_string())
}

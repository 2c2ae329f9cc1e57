//! A server's root, a folder here, and the program between them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use port21_testkit::Program;
use serde_json::Value;
use tempfile::TempDir;

pub const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Which way to mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Fetch,
    Send,
}

pub const WAYS: [Way; 2] = [Way::Fetch, Way::Send];

/// `port21 serve` on a folder, and another folder here.
pub struct Place {
    child: Child,
    home: TempDir,
    address: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Place {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A server with further options.
    pub fn with(options: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        fs::create_dir_all(home.path().join("far/base")).unwrap();
        fs::create_dir(home.path().join("near")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_port21"))
            .arg("serve")
            .arg(home.path().join("far"))
            .args(["--listen", "127.0.0.1:0", "--anonymous", "--write"])
            .args(["--max-connection-rate", "0"])
            .args(if options.is_empty() { &["--max-connections-per-address", "0"] } else { options })
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines
            .find_map(|line| {
                let (_, address) = line.strip_prefix("port21: serving ")?.rsplit_once(" on ")?;
                Some(address.to_owned())
            })
            .expect("the server says where it listens");
        // Read to the end, so that the server never waits for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, home, address }
    }

    pub fn far(&self) -> PathBuf {
        self.home.path().join("far/base")
    }

    pub fn near(&self) -> PathBuf {
        self.home.path().join("near")
    }

    pub fn source(&self, way: Way) -> PathBuf {
        if way == Way::Fetch { self.far() } else { self.near() }
    }

    pub fn target(&self, way: Way) -> PathBuf {
        if way == Way::Fetch { self.near() } else { self.far() }
    }

    /// The arguments that mirror that way.
    pub fn arguments(&self, way: Way, options: &[&str]) -> Vec<String> {
        let (url, near) = (format!("ftp://{}/base/", self.address), self.near().to_str().unwrap().to_owned());
        let (from, to) = if way == Way::Fetch { (url, near) } else { (near, url) };
        let words = ["mirror", "--no-netrc", "--timeout", "20", &from, &to];
        words.iter().chain(options).map(|&word| word.to_owned()).collect()
    }

    pub fn run(&self, way: Way, options: &[&str]) -> Output {
        let arguments = self.arguments(way, options);
        PORT21.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Mirrors, and gives what was done: lines of JSON, the summary last. Fails the test unless all went well.
    pub fn mirror(&self, way: Way, options: &[&str]) -> Done {
        let output = self.run(way, &[&["--json"], options].concat());
        let done = Done::of(&output);
        assert_eq!(output.status.code(), Some(0), "{way:?} {options:?}: {}", talk(&output));
        done
    }
}

/// What a run did.
#[derive(Debug)]
pub struct Done {
    pub lines: Vec<Value>,
    pub summary: Value,
    pub talk: String,
}

impl Done {
    pub fn of(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let summary = lines.pop().and_then(|mut last| last.get_mut("summary").map(Value::take));
        let summary = summary.unwrap_or_else(|| panic!("no summary: {text}\n{}", talk(output)));
        Self { lines, summary, talk: talk(output) }
    }

    /// The paths of what was done so, sorted.
    pub fn paths(&self, action: &str) -> Vec<String> {
        let lines = self.lines.iter().filter(|line| line["action"] == action);
        let mut paths: Vec<String> = lines.map(|line| line["path"].as_str().unwrap().to_owned()).collect();
        paths.sort();
        paths
    }

    /// The paths of what was transferred, sorted.
    pub fn transferred(&self) -> Vec<String> {
        let mut paths = [self.paths("get"), self.paths("put")].concat();
        paths.sort();
        paths
    }

    pub fn count(&self, what: &str) -> u64 {
        self.summary[what].as_u64().unwrap()
    }
}

pub fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Time number `hours`, in whole hours since 2020.
pub fn at(hours: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_836_800 + hours * 3600)
}

/// Writes a file, with the folders above it.
pub fn write(folder: &Path, name: &str, content: &[u8], time: SystemTime) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
}

/// A file as it is compared: its content, the second of its last change, its mode.
pub type Seen = (Vec<u8>, u64, u32);

/// Every file and folder beneath `folder` by its path; a folder has no file's side.
pub fn tree(folder: &Path) -> BTreeMap<String, Option<Seen>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(here) = folders.pop() {
        for entry in fs::read_dir(&here).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            // A server that was left in the middle may still be renaming.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                found.insert(name, None);
                folders.push(path);
            } else if metadata.is_file() {
                use std::os::unix::fs::PermissionsExt;
                let since = metadata.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
                let mode = metadata.permissions().mode() & 0o777;
                let Ok(content) = fs::read(&path) else { continue };
                found.insert(name, Some((content, since.as_secs(), mode)));
            }
        }
    }
    found
}

/// Fails unless both hold the same.
pub fn assert_same(a: &Path, b: &Path) {
    let (a, b) = (tree(a), tree(b));
    let names = |tree: &BTreeMap<String, Option<Seen>>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b));
    for (name, seen) in a {
        let short =
            |seen: &Option<Seen>| seen.as_ref().map(|(content, time, mode)| (content.len(), *time, *mode));
        assert_eq!(short(&seen), short(&b[&name]), "{name}");
        assert!(seen == b[&name], "{name}: the content differs");
    }
}

//! A server that has room for a file, and none for it beside the one that it is to replace.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use port21_testkit::pattern;
use tempfile::TempDir;

use crate::server::Server;
use crate::{run, talk};

/// Bytes of the file that is there, of its new version, and of all that may be there.
const OLD: usize = 600_000;
const NEW: usize = 700_000;
const QUOTA: usize = 1_000_000;

/// A server on which ada may keep so much, what she keeps there, and what is here.
struct Scene {
    server: Server,
    home: TempDir,
    here: TempDir,
}

impl Scene {
    fn new() -> Self {
        let (home, here) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(home.path().join("a.bin"), pattern(1, OLD)).unwrap();
        fs::create_dir(here.path().join("site")).unwrap();
        fs::write(here.path().join("site/a.bin"), pattern(2, NEW)).unwrap();
        // openssl passwd -6 -salt port21 secret
        let hash = "$6$port21$h1kmQqsrY8RLXjSRhC04zvcq0iBJsSy0bPVdC/GDA1usa1RRYhxcLU8Wq4oWmBOcMutS3iYT47pbZQ/Nb6r4n.";
        let accounts = here.path().join("accounts.toml");
        let home_is = home.path().display();
        let table = format!(
            "[ada]\npassword = \"{hash}\"\nhome = \"{home_is}\"\npermissions = \"all\"\nquota-bytes = {QUOTA}\n"
        );
        fs::write(&accounts, table).unwrap();
        let server = Server::start(&["--keep-cut-uploads", "--accounts", accounts.to_str().unwrap()]);
        Self { server, home, here }
    }

    fn url(&self) -> String {
        self.server.url("").replace("joe:a%20secret", "ada:secret")
    }

    fn new_file(&self) -> PathBuf {
        self.here.path().join("site/a.bin")
    }

    fn put(&self, options: &[&str]) -> Output {
        let (file, url) = (self.new_file(), self.url());
        run(&[&["put", file.to_str().unwrap(), &url], options].concat())
    }

    fn mirror(&self, options: &[&str]) -> Output {
        let (folder, url) = (self.here.path().join("site"), self.url());
        run(&[&["mirror", folder.to_str().unwrap(), &url], options].concat())
    }

    /// The files of the server, each with whether it is the old or the new version.
    fn there(&self) -> Vec<(String, &'static str)> {
        let mut found: Vec<_> = fs::read_dir(self.home.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let content = fs::read(entry.path()).unwrap();
                let version = match content {
                    content if content == pattern(1, OLD) => "old",
                    content if content == pattern(2, NEW) => "new",
                    _ => "part",
                };
                (entry.file_name().into_string().unwrap(), version)
            })
            .collect();
        found.sort();
        found
    }
}

#[test]
fn put_says_what_to_do_and_leaves_the_old_file_alone() {
    let scene = Scene::new();
    let output = scene.put(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("552"), "{}", talk(&output));
    assert!(talk(&output).contains("--in-place writes over it at once"), "{}", talk(&output));
    assert_eq!(scene.there(), [("a.bin".to_owned(), "old")]);
    let output = scene.put(&["--in-place"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(scene.there(), [("a.bin".to_owned(), "new")]);
}

#[test]
fn what_may_be_resumed_stays_and_is_told() {
    let scene = Scene::new();
    let output = scene.put(&["--resume"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("a.bin.partial, which takes room, too, stays there"), "{}", talk(&output));
    let there = [("a.bin", "old"), ("a.bin.partial", "part")];
    assert_eq!(scene.there(), there.map(|(name, version)| (name.to_owned(), version)));
}

#[test]
fn new_file_without_room_is_no_reason_to_write_in_place() {
    let scene = Scene::new();
    fs::rename(scene.home.path().join("a.bin"), scene.home.path().join("b.bin")).unwrap();
    let output = scene.put(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(!talk(&output).contains("--in-place"), "{}", talk(&output));
}

#[test]
fn mirror_says_what_to_do_and_leaves_the_old_file_alone() {
    let scene = Scene::new();
    let output = scene.mirror(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("--in-place writes over them at once"), "{}", talk(&output));
    assert_eq!(scene.there(), [("a.bin".to_owned(), "old")]);
    let output = scene.mirror(&["--in-place"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(scene.there(), [("a.bin".to_owned(), "new")]);
}

//! Uploads whose server is killed, and disks that are full: each in a process of its own, which is this test again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

/// Tells this program that it is the other process, and which folder it works in.
const FOLDER: &str = "PORT21_TEST_FOLDER";

/// Tells the test that started this process how far it is, on a line of its own.
fn tell(word: &str) {
    let mut output = std::io::stdout();
    writeln!(output, "\n{word}").and_then(|()| output.flush()).unwrap();
}

/// What runs the test `name` of this program in `folder`.
fn myself(name: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    vec![program, "--exact".into(), format!("store::local::tests::whole::{name}"), "--nocapture".into()]
}

#[test]
fn a_killed_upload_leaves_the_old_file() {
    if let Ok(folder) = std::env::var(FOLDER) {
        let store = LocalStore::open(Path::new(&folder), LocalOptions::default()).unwrap();
        let mut upload = store.write(&path("/pub/file"), Disposition::Replace).unwrap();
        for number in 0..u64::MAX {
            upload.write(&[b'x'; 4096]).unwrap();
            if number == 50 {
                tell("under way");
            }
            upload.sync().unwrap();
        }
    }
    let world = World::new();
    let words = myself("a_killed_upload_leaves_the_old_file");
    for _ in 0..3 {
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .env(FOLDER, world.root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(std::result::Result::ok).any(|line| line == "under way"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(world.content("pub/file"), b"public");
    }
    let store = world.store();
    assert_eq!(listed(&store, &path("/pub")), ["deep", "file"]);
    assert_eq!(store.remove_stale_uploads(), 3);
    assert_eq!(world.names("pub"), ["deep", "file"]);
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    if let Ok(folder) = std::env::var(FOLDER) {
        return fill(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    let words = myself("a_full_disk_leaves_the_old_file_and_nothing_else");
    let run = |script: &str, before: &[&str]| {
        let mut all: Vec<&str> = before.to_vec();
        all.extend(["sh", "-c", script, "sh"]);
        all.extend(words.iter().map(String::as_str));
        Command::new(all[0]).args(&all[1..]).env(FOLDER, folder.path()).output()
    };
    // A small disk of its own, where namespaces may be made; else files that may not grow.
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$PORT21_TEST_FOLDER\" && exec \"$@\"";
    let own_disk = run(mount, &["unshare", "--user", "--map-root-user", "--mount"]).ok();
    let result = match own_disk.filter(|result| result.stdout.windows(5).any(|five| five == b"full\n")) {
        Some(result) => result,
        None => run("trap '' XFSZ; ulimit -f 1024; exec \"$@\"", &[]).unwrap(),
    };
    let told = String::from_utf8_lossy(&result.stdout);
    assert!(result.status.success() && told.contains("\nfull\n"), "{told}");
}

/// Writes until there is no space.
fn fill(folder: &Path) {
    let store = LocalStore::open(folder, LocalOptions::default()).unwrap();
    write_all(&store, &path("/file"), Disposition::Replace, b"old").unwrap();
    let mut upload = store.write(&path("/file"), Disposition::Replace).unwrap();
    let error = (0..10_000).find_map(|_| upload.write(&[b'x'; 4096]).err());
    assert!(matches!(error, Some(StoreError::NoSpace)), "{error:?}");
    tell("full");
    upload.abandon().unwrap();
    assert_eq!(read_all(&store, &path("/file")).unwrap(), b"old");
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file"]);
    write_all(&store, &path("/file"), Disposition::Replace, b"new").unwrap();
}

//! Bookmarks stand wherever a URL does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::server::Server;
use super::talk;

/// Runs the program with a folder for configuration of its own.
fn run(configuration: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_port21"));
    command.args(arguments).env("XDG_CONFIG_HOME", configuration).env_remove("PORT21_PASSWORD");
    command.stdin(std::process::Stdio::null()).output().expect("the program starts")
}

#[test]
fn bookmark_is_a_url_for_every_command() {
    let (server, folder) = (Server::start(&[]), tempfile::tempdir().unwrap());
    std::fs::create_dir(server.folder.path().join("inner")).unwrap();
    server.put("inner/a b.txt", b"text");
    let home = folder.path();
    let added = run(home, &["bookmark", "add", "place", &server.url("inner/"), "--save-password"]);
    assert_eq!(added.status.code(), Some(0), "{}", talk(&added));
    let file = home.join("port21/bookmarks.toml");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = run(home, &["bookmark", "list"]);
    let shown = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(shown.starts_with("place ") && !shown.contains("secret"), "{shown}");

    let local = home.join("c.txt");
    std::fs::write(&local, b"local").unwrap();
    let quiet = ["--quiet", "--no-netrc"];
    let target = format!("{}/", home.display());
    let mirrored = home.join("mirrored");
    for arguments in [
        &["get", "place:a b.txt", "-o", &target][..],
        &["cat", "bookmark://place/a%20b.txt"],
        &["ls", "place:"],
        &["ls", "place:/"],
        &["put", local.to_str().unwrap(), "place:"],
        &["mv", "place:c.txt", "place:d.txt"],
        &["shell", "-c", "size d.txt; open place:; rm d.txt", "bookmark://place/"],
        &["mirror", "bookmark://place/", mirrored.to_str().unwrap()],
    ] {
        let output = run(home, &[arguments, &quiet].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", talk(&output));
        assert!(!talk(&output).contains("password in a URL"), "{}", talk(&output));
    }
    assert_eq!(std::fs::read(home.join("a b.txt")).unwrap(), b"text");
    assert_eq!(std::fs::read(mirrored.join("a b.txt")).unwrap(), b"text");

    assert_eq!(run(home, &["bookmark", "rm", "place"]).status.code(), Some(0));
    for arguments in [&["ls", "place:"][..], &["ls", "bookmark://place/"], &["bookmark", "rm", "place"]] {
        assert_eq!(run(home, arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn password_is_kept_only_if_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let added = run(folder.path(), &["bookmark", "add", "x", "ftp://joe:open-sesame@host/"]);
    assert!(talk(&added).contains("not kept"), "{}", talk(&added));
    let text = std::fs::read_to_string(folder.path().join("port21/bookmarks.toml")).unwrap();
    assert!(text.contains("ftp://joe@host/") && !text.contains("sesame"), "{text}");
    assert_eq!(run(folder.path(), &["bookmark", "add", "a/b", "ftp://host/"]).status.code(), Some(2));
}

#[test]
fn password_in_a_url_that_was_written_by_hand_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("port21/bookmarks.toml");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    let text = "[one]\nurl = \"ftp://joe:open-sesame@host/a\"\n[two]\nurl = \"ftp://joe:open-sesame@host:x/\"\n[three]\n";
    std::fs::write(path, text).unwrap();
    let listed = run(folder.path(), &["bookmark", "list"]);
    let shown = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.status.code(), Some(0), "{}", talk(&listed));
    assert!(shown.contains("ftp://joe@host/a\n") && !(shown + &talk(&listed)).contains("sesame"));
}

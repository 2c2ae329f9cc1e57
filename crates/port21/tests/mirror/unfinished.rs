//! Files that are sent in several tries: what the server has is never of two versions.

use std::os::unix::ffi::OsStrExt;
use std::process::Output;
use std::sync::Arc;

use port21_testkit::{Aside, FtpServer, LOST, Manners, pattern};
use tempfile::TempDir;

use crate::place::{PORT21, at, talk, write};

/// Bytes of the files: worth resuming, and more than a server has taken that loses them.
const SIZE: usize = 600_000;

fn folder_with(content: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "big", content, at(1));
    folder
}

fn send(server: &FtpServer, folder: &TempDir, options: &[&str]) -> Output {
    let url = format!("ftp://{}/", server.address());
    let words = ["mirror", folder.path().to_str().unwrap(), &url, "--no-netrc", "--timeout", "5", "-P", "1"];
    PORT21.run(&[&words, options].concat())
}

fn refusing(verb: &'static str) -> Manners {
    Manners { replies: vec![(verb, b"550 no\r\n".to_vec())], ..Manners::default() }
}

/// Another version's beginning, as an earlier run has left it.
fn left() -> Vec<u8> {
    vec![7; LOST / 2]
}

#[test]
fn what_the_server_had_before_it_accepted_a_file_is_not_its_beginning() {
    let once = vec![("STOR", b"450 not now\r\n".to_vec())];
    // Where it can be removed and where it cannot.
    for manners in [Manners::default(), refusing("DELE")] {
        let server = FtpServer::start(Manners { once: once.clone(), ..manners }, &[("big.partial", &left())]);
        let content = pattern(1, SIZE);
        let output = send(&server, &folder_with(&content), &[]);
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        assert!(server.file("big").unwrap() == content, "it is of one version");
    }
}

#[test]
fn what_a_server_has_still_that_drops_cut_uploads_is_not_the_beginning_of_a_file() {
    for manners in [Manners::default(), refusing("DELE")] {
        let server = FtpServer::start(Manners { lost_uploads: 1, ..manners }, &[("big.partial", &left())]);
        let content = pattern(1, SIZE);
        let folder = folder_with(&content);
        let cut = send(&server, &folder, &["--retries", "0"]);
        assert_eq!(cut.status.code(), Some(1), "{}", talk(&cut));
        let output = send(&server, &folder, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        assert!(server.file("big").unwrap() == content, "it is of one version");
    }
}

#[test]
fn old_file_under_its_own_name_is_not_the_beginning_of_the_new_one() {
    let server = FtpServer::start(Manners { lost_uploads: 1, ..Manners::default() }, &[("big", &left())]);
    let content = pattern(1, SIZE);
    let output = send(&server, &folder_with(&content), &["--in-place"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(server.file("big").unwrap() == content, "it is of one version");
}

#[test]
fn what_crossed_is_not_sent_again() {
    let server = FtpServer::start(Manners { cut_uploads: 1, ..Manners::default() }, &[]);
    let content = pattern(1, SIZE);
    let output = send(&server, &folder_with(&content), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(server.file("big").unwrap() == content);
    assert!(server.lines().contains(&format!("REST {}", LOST)), "{:?}", server.lines());
}

#[test]
fn tries_that_get_further_are_not_counted() {
    let server = FtpServer::start(Manners { cut_uploads: 3, ..Manners::default() }, &[]);
    let content = pattern(1, 4 * LOST);
    let output = send(&server, &folder_with(&content), &["--retries", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(server.file("big").unwrap() == content);
}

#[test]
fn what_is_known_of_a_beginning_is_void_once_another_version_was_sent_in_its_place() {
    let once = vec![("RNTO", b"550 no\r\n".to_vec())];
    let server = FtpServer::start(Manners { cut_uploads: 1, once, ..Manners::default() }, &[]);
    let content = pattern(1, SIZE);
    let folder = folder_with(&content);
    assert_eq!(send(&server, &folder, &["--retries", "0"]).status.code(), Some(1));
    // A file that is too short to be remembered takes its place, and stays unfinished.
    write(folder.path(), "big", b"short", at(2));
    assert_eq!(send(&server, &folder, &["--retries", "0"]).status.code(), Some(1));
    assert_eq!(server.file("big.partial").unwrap(), b"short");
    write(folder.path(), "big", &content, at(1));
    let output = send(&server, &folder, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(server.file("big").unwrap() == content, "it is of one version");
}

/// Sends a new file over an old one, and it changes before the server has it; gives the server.
fn changed_while_it_is_sent(options: &[&str]) -> FtpServer {
    let folder = folder_with(b"new one");
    let path = folder.path().to_owned();
    let aside = Some(Aside(Arc::new(move || write(&path, "big", b"newest!", at(2)))));
    let replies = vec![("SITE", b"200 done\r\n".to_vec())];
    let server = FtpServer::start(Manners { aside, replies, ..Manners::default() }, &[("big", b"the old")]);
    let output = send(&server, &folder, options);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("big: it changed while it was sent"), "{}", talk(&output));
    server
}

#[test]
fn file_that_changes_while_it_is_sent_replaces_nothing() {
    let server = changed_while_it_is_sent(&[]);
    assert_eq!(server.file("big").unwrap(), b"the old");
    // Under its own name it has a time at least that no file here has.
    let server = changed_while_it_is_sent(&["--in-place"]);
    let timed = |line: &String| line.starts_with("SITE UTIME big 19700101000000 ");
    assert!(server.lines().iter().any(timed), "{:?}", server.lines());
    assert!(
        !server.lines().iter().any(|line| line.starts_with("SITE UTIME big 2020")),
        "{:?}",
        server.lines()
    );
}

#[test]
fn file_with_another_checksum_replaces_nothing() {
    let replies = vec![
        ("FEAT", b"211-Features:\r\n MLST type*;size*;modify*;\r\n XCRC\r\n211 End\r\n".to_vec()),
        ("XCRC", b"250 0000ABCD\r\n".to_vec()),
    ];
    let server = FtpServer::start(Manners { replies, ..Manners::default() }, &[("big", b"the old")]);
    let output = send(&server, &folder_with(b"new one"), &["--verify"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("the server's checksum is another one"), "{}", talk(&output));
    assert_eq!(server.file("big").unwrap(), b"the old");
}

#[test]
fn checksum_that_the_server_refuses_is_a_note_and_a_name_need_not_be_text() {
    let replies = vec![
        ("FEAT", b"211-Features:\r\n MLST type*;size*;modify*;\r\n XCRC\r\n211 End\r\n".to_vec()),
        ("XCRC", b"550 too large\r\n".to_vec()),
    ];
    let server = FtpServer::start(Manners { replies, ..Manners::default() }, &[]);
    let folder = folder_with(b"content");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    std::fs::write(folder.path().join(name), b"x").unwrap();
    let output = send(&server, &folder, &["--verify"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(talk(&output).contains("tells no checksums of some files"), "{}", talk(&output));
    assert_eq!(server.file("big").unwrap(), b"content");
}

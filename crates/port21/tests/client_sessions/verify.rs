//! `--verify`: both sides have the same bytes, by a checksum of the server's.

use std::fs;

use port21_testkit::{FtpServer, Manners};
use serde_json::Value;

use super::server::Server;
use super::{run, talk};

/// Features of a server that can compute CRC-32.
const CRC: &[u8] = b"211-Features:\r\n SIZE\r\n REST STREAM\r\n XCRC\r\n211 End\r\n";

#[test]
fn checksums_of_our_own_server_are_the_same_both_ways() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    server.put("a.bin", b"some bytes");
    let target = format!("{}/", here.path().display());
    let got = run(&["get", "--quiet", "--verify", "--json", &server.url("a.bin"), "-o", &target]);
    let file = here.path().join("a.bin");
    let put = run(&["put", "--quiet", "--verify", "--json", file.to_str().unwrap(), &server.url("b.bin")]);
    for output in [got, put] {
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        let done: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(done["verified"], "SHA-256", "{done}");
    }
    assert_eq!(fs::read(server.folder.path().join("b.bin")).unwrap(), b"some bytes");
}

#[test]
fn other_checksum_is_an_error_with_both_and_nothing_is_removed() {
    let replies = vec![("FEAT", CRC.to_vec()), ("XCRC", b"250 0000ABCD\r\n".to_vec())];
    let manners = Manners { replies, ..Manners::default() };
    // The check value of CRC-32.
    let server = FtpServer::start(manners, &[("a.txt", b"123456789"), ("b.txt", b"as it was")]);
    let here = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("ftp://{}/{name}", server.address());
    let target = format!("{}/", here.path().display());
    let local = here.path().join("b.txt");
    fs::write(&local, b"123456789").unwrap();
    for output in [
        run(&["get", "--verify", &url("a.txt"), "-o", &target]),
        run(&["put", "--verify", local.to_str().unwrap(), &url("b.txt")]),
    ] {
        assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
        assert!(
            talk(&output).contains("CRC32 is cbf43926 here, and 0000abcd on the server"),
            "{}",
            talk(&output)
        );
    }
    assert_eq!(fs::read(here.path().join("a.txt.partial")).unwrap(), b"123456789");
    // What was sent replaces nothing.
    assert_eq!(server.file("b.txt").unwrap(), b"as it was");
    assert_eq!(server.file("b.txt.partial").unwrap(), b"123456789");
    // Nor is either taken for whole by a run that does not ask for checksums.
    for output in [
        run(&["get", "-c", &url("a.txt"), "-o", &target]),
        run(&["put", "-c", local.to_str().unwrap(), &url("b.txt")]),
    ] {
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    }
    let lines = server.lines();
    for verb in ["RETR a.txt", "STOR b.txt.partial"] {
        assert_eq!(lines.iter().filter(|line| *line == verb).count(), 2, "{lines:?}");
    }
    assert!(!lines.iter().any(|line| line.starts_with("REST")), "{lines:?}");
    assert_eq!(fs::read(here.path().join("a.txt")).unwrap(), b"123456789");
}

#[test]
fn whole_file_that_an_earlier_run_left_is_kept_if_its_checksum_is_right() {
    let replies = vec![("FEAT", CRC.to_vec()), ("XCRC", b"250 CBF43926\r\n".to_vec())];
    let server = FtpServer::start(Manners { replies, ..Manners::default() }, &[("a.txt", b"123456789")]);
    let here = tempfile::tempdir().unwrap();
    fs::write(here.path().join("a.txt.partial"), b"123456789").unwrap();
    let target = format!("{}/", here.path().display());
    let output = run(&["get", "-c", &format!("ftp://{}/a.txt", server.address()), "-o", &target]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(!server.lines().iter().any(|line| line.starts_with("RETR")), "{:?}", server.lines());
    assert_eq!(fs::read(here.path().join("a.txt")).unwrap(), b"123456789");
}

#[test]
fn what_cannot_be_verified_is_a_note() {
    let server = FtpServer::start(Manners::default(), &[("a.txt", b"text")]);
    let here = tempfile::tempdir().unwrap();
    let target = format!("{}/", here.path().display());
    let output = run(&["get", "--verify", &format!("ftp://{}/a.txt", server.address()), "-o", &target]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(
        talk(&output).contains("a.txt: it cannot be verified: the server offers no checksums"),
        "{}",
        talk(&output)
    );
    assert!(here.path().join("a.txt").exists());
}

#[test]
fn server_that_cannot_rename_gets_the_file_again_under_its_own_name() {
    let replies = vec![("RNFR", b"502 RNFR not implemented\r\n".to_vec())];
    let server = FtpServer::start(Manners { replies, ..Manners::default() }, &[("b.txt", b"as it was")]);
    let here = tempfile::tempdir().unwrap();
    let local = here.path().join("b.txt");
    fs::write(&local, b"123456789").unwrap();
    let output = run(&["put", local.to_str().unwrap(), &format!("ftp://{}/b.txt", server.address())]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(talk(&output).contains("the server cannot rename"), "{}", talk(&output));
    assert_eq!(server.file("b.txt").unwrap(), b"123456789");
    assert!(server.file("b.txt.partial").is_none());
}

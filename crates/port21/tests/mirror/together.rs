//! Commands behind an upload that are sent together, and servers that do not take them so.

use std::fs;
use std::process::Output;

use port21_testkit::{FtpServer, Manners};
use tempfile::TempDir;

use crate::place::{PORT21, talk};

/// Sends three small files over one session.
fn send(manners: Manners) -> (FtpServer, Output) {
    let (server, folder) = (FtpServer::start(manners, &[]), TempDir::new().unwrap());
    for name in ["a", "b", "c"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let (url, near) = (format!("ftp://{}/", server.address()), folder.path().to_str().unwrap());
    let output = PORT21.run(&["mirror", "--no-netrc", "--tls", "off", "-P", "1", near, &url]);
    (server, output)
}

/// The names of the files, and which of the commands behind uploads were sent, without their arguments.
fn names_and_verbs(server: &FtpServer) -> (Vec<String>, Vec<String>) {
    let verb = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
    let lines = server.lines();
    let verbs = lines.iter().map(verb);
    (server.names(), verbs.filter(|verb| ["MDTM", "NOOP", "RNFR", "RNTO"].contains(&verb.as_str())).collect())
}

#[test]
fn time_and_name_are_set_at_once_when_the_server_was_seen_to_read_two_commands() {
    let manners = Manners { replies: vec![("MDTM", b"213 set\r\n".to_vec())], ..Manners::default() };
    let (server, output) = send(manners);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let (names, verbs) = names_and_verbs(&server);
    assert_eq!(names, ["a", "b", "c"]);
    let later = ["MDTM", "RNFR", "RNTO"];
    assert_eq!(verbs, [&["MDTM", "NOOP", "RNFR", "RNTO"], &later[..], &later].concat());
    assert_eq!(server.most_together(), 3);
    assert!(!talk(&output).contains("note"), "{}", talk(&output));
}

#[test]
fn server_that_drops_what_comes_with_a_command_gets_one_after_the_other() {
    let replies = vec![("MDTM", b"213 set\r\n".to_vec())];
    let (server, output) = send(Manners { reads_one: true, replies, ..Manners::default() });
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let (names, verbs) = names_and_verbs(&server);
    assert_eq!(names, ["a", "b", "c"]);
    let later = ["MDTM", "RNFR", "RNTO"];
    assert_eq!(verbs, [&["MDTM", "NOOP", "RNFR", "RNTO"], &later[..], &later].concat());
    assert_eq!(server.most_together(), 2, "only once");
    assert!(talk(&output).contains("note") && talk(&output).contains("one by one"), "{}", talk(&output));
}

#[test]
fn server_that_ends_the_session_for_it_is_not_asked_again() {
    let replies = vec![("MDTM", b"213 set\r\n".to_vec())];
    let once = vec![("NOOP", b"421 too much at once\r\n".to_vec())];
    let (server, output) = send(Manners { reads_one: true, replies, once, ..Manners::default() });
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(server.names(), ["a", "b", "c"]);
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("NOOP")).count(), 1);
    assert_eq!(server.most_together(), 2);
}

#[test]
fn refused_time_keeps_no_file_from_its_name_and_refused_rename_is_told() {
    let once = vec![
        ("MDTM", b"213 set\r\n".to_vec()),
        ("MDTM", b"550 not this one\r\n".to_vec()),
        ("MDTM", b"213 set\r\n".to_vec()),
        ("RNFR", b"350 to what?\r\n".to_vec()),
        ("RNFR", b"350 to what?\r\n".to_vec()),
        ("RNFR", b"550 somebody took it\r\n".to_vec()),
        ("RNTO", b"250 renamed\r\n".to_vec()),
        ("RNTO", b"250 renamed\r\n".to_vec()),
        ("RNTO", b"503 RNFR first\r\n".to_vec()),
    ];
    let (server, output) = send(Manners { once, ..Manners::default() });
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    let said = talk(&output);
    assert!(said.contains("the times of some files could not be set"), "{said}");
    assert!(said.contains("RNFR") && said.contains("somebody took it"), "{said}");
    assert!(!server.lines().iter().any(|line| line.starts_with("DELE")), "{:?}", server.lines());
}

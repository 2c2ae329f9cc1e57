//! `get --segments`: parts over several sessions, together the file, and resumed where each of them ended.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use port21_testkit::{FtpServer, Manners, pattern, wait_until};
use tempfile::TempDir;

use super::server::Server;
use super::{PORT21, run, talk};

/// Bytes of the file: enough for four parts.
const SIZE: usize = 5_000_001;

fn get(url: &str, folder: &TempDir, options: &[&str]) -> Output {
    let target = format!("{}/", folder.path().display());
    run(&[&["get", url, "-o", &target, "--segments", "4", "--timeout", "20"], options].concat())
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn assert_whole(output: &Output, folder: &TempDir) {
    assert_eq!(output.status.code(), Some(0), "{}", talk(output));
    assert_eq!(names(folder.path()), ["big.bin"], "nothing is left over");
    assert!(fs::read(folder.path().join("big.bin")).unwrap() == pattern(1, SIZE), "the parts are the file");
}

fn hostile(manners: Manners) -> (FtpServer, String) {
    let server = FtpServer::start(manners, &[("big.bin", &pattern(1, SIZE))]);
    let url = format!("ftp://{}/big.bin", server.address());
    (server, url)
}

#[test]
fn each_part_has_a_session_that_asks_for_its_range() {
    let (server, folder) = (Server::start(&[]), tempfile::tempdir().unwrap());
    server.put("big.bin", &pattern(1, SIZE));
    let pcap = tempfile::NamedTempFile::new().unwrap();
    let output = get(&server.url("big.bin"), &folder, &["--quiet", "--pcap", pcap.path().to_str().unwrap()]);
    assert_whole(&output, &folder);
    let report = PORT21.explain_file(pcap.path());
    let sessions = report["sessions"].as_array().unwrap();
    let said = |verb: &str| {
        let exchanges = sessions.iter().flat_map(|session| session["exchanges"].as_array().unwrap());
        exchanges.filter(|exchange| exchange["command"]["verb"] == verb).count()
    };
    assert_eq!((sessions.len(), said("RETR"), said("RANG"), said("REST"), said("ABOR")), (4, 4, 3, 1, 0));
}

#[test]
fn server_without_rang_is_told_where_to_end_by_abor() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = hostile(Manners::default());
    assert_whole(&get(&url, &folder, &[]), &folder);
    let said = |start: &str| server.lines().iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((said("RETR"), said("REST"), said("RANG")), (4, 3, 0));
}

#[test]
fn parts_that_were_cut_are_resumed_where_they_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) = hostile(Manners { cut_after: Some(500_000), cuts: Some(4), ..Manners::default() });
    let output = get(&url, &folder, &["--retries", "0"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert_eq!(names(folder.path()), ["big.bin.partial", "big.bin.partial-parts"]);
    let first = server.lines().len();

    let output = get(&url, &folder, &["-c", "--json"]);
    assert_whole(&output, &folder);
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (resumed, crossed) = (done["resumed_from"].as_u64().unwrap(), done["transferred"].as_u64().unwrap());
    assert_eq!((resumed, resumed + crossed), (2_000_000, SIZE as u64), "{done}");
    let lines = server.lines();
    let rests: Vec<&String> = lines.iter().skip(first).filter(|line| line.starts_with("REST")).collect();
    assert_eq!(rests.len(), 4, "{rests:?}");
}

#[test]
fn killed_run_goes_on_where_its_parts_were() {
    let (server, folder) = (Server::start(&[]), tempfile::tempdir().unwrap());
    server.put("big.bin", &pattern(1, SIZE));
    let (url, target) = (server.url("big.bin"), format!("{}/", folder.path().display()));
    let slowly = ["--segments", "4", "--limit-rate", "2M", "--no-netrc", "--quiet"];
    let running = PORT21.start(&[&["get", &url, "-o", &target], &slowly[..]].concat());
    let state = folder.path().join("big.bin.partial-parts");
    let done = || -> Option<u64> {
        let plan: serde_json::Value = serde_json::from_slice(&fs::read(&state).ok()?).ok()?;
        plan["parts"].as_array()?.iter().map(|part| part["done"].as_u64()).sum()
    };
    wait_until("something is saved", || done().is_some_and(|done| done > 0));
    drop(running);
    let saved = done().unwrap();
    assert!(saved < SIZE as u64, "it was killed in the middle");

    let output = get(&url, &folder, &["-c", "--json", "--quiet"]);
    assert_whole(&output, &folder);
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&done["resumed_from"], &done["verified"]), (&saved.into(), &"SHA-256".into()), "{done}");
}

#[test]
fn other_version_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = hostile(Manners { cut_after: Some(500_000), cuts: Some(4), ..Manners::default() });
    assert_eq!(get(&url, &folder, &["--retries", "0"]).status.code(), Some(1));
    // The same size, and another time.
    let later = Manners { replies: vec![("MDTM", b"213 20210102030405\r\n".to_vec())], ..Manners::default() };
    let (_server, url) = hostile(later);
    let output = get(&url, &folder, &["-c"]);
    assert!(talk(&output).contains("fetched anew"), "{}", talk(&output));
    assert_whole(&output, &folder);
}

#[test]
fn unfinished_parts_are_not_taken_for_a_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = hostile(Manners { cut_after: Some(500_000), cuts: Some(4), ..Manners::default() });
    assert_eq!(get(&url, &folder, &["--retries", "0"]).status.code(), Some(1));
    // The partial file is as long as the whole one, and full of holes.
    let target = format!("{}/", folder.path().display());
    assert_whole(&run(&["get", &url, "-c", "-o", &target]), &folder);
}

#[test]
fn server_that_cannot_begin_in_the_middle_sends_it_in_one_part() {
    let folder = tempfile::tempdir().unwrap();
    let (server, url) =
        hostile(Manners { replies: vec![("REST", b"502 no\r\n".to_vec())], ..Manners::default() });
    let output = get(&url, &folder, &[]);
    assert_whole(&output, &folder);
    assert!(talk(&output).contains("cannot begin in the middle"), "{}", talk(&output));
    assert!(server.lines().iter().filter(|line| line.starts_with("RETR")).count() >= 1);
}

#[test]
fn parts_of_two_versions_are_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    // It changes while its parts are fetched: its time is another one afterwards.
    let once = vec![("MDTM", b"213 20190102030405\r\n".to_vec())];
    let (server, url) = hostile(Manners { once, ..Manners::default() });
    let output = get(&url, &folder, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("changed on the server while"), "{}", talk(&output));
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    let asked = || server.lines().iter().filter(|line| line.starts_with("RETR")).count();
    let before = asked();
    let target = format!("{}/", folder.path().display());
    assert_whole(&run(&["get", &url, "-c", "-o", &target]), &folder);
    assert!(asked() > before);
}

#[test]
fn few_sessions_may_send_as_much_as_many() {
    // All but the first are turned away.
    let full = b"421 too many users\r\n".to_vec();
    let greetings = [b"220 ready\r\n".to_vec()].into_iter().chain(std::iter::repeat_n(full, 3));
    let once = greetings.map(|greeting| ("GREETING", greeting)).collect();
    let (_server, url) = hostile(Manners { once, ..Manners::default() });
    let (folder, began) = (tempfile::tempdir().unwrap(), Instant::now());
    assert_whole(&get(&url, &folder, &["--limit-rate", "2M"]), &folder);
    // It takes two seconds and a half; with a quarter of the rate it would be nine.
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

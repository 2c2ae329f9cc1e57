//! With a server that means harm, or knows little.

use std::fs;
use std::process::Output;

use port21_testkit::{FtpServer, Manners};
use tempfile::TempDir;

use crate::place::{Done, PORT21, talk};

/// Mirrors a server with these manners into a new folder within another one.
fn fetch(manners: Manners, files: &[(&str, &[u8])], options: &[&str]) -> (FtpServer, TempDir, Output) {
    let server = FtpServer::start(manners, files);
    let folder = tempfile::tempdir().unwrap();
    let output = fetch_again(&server, &folder, options);
    (server, folder, output)
}

fn fetch_again(server: &FtpServer, folder: &TempDir, options: &[&str]) -> Output {
    let target = folder.path().join("in");
    let url = format!("ftp://{}/", server.address());
    let words = ["mirror", &url, target.to_str().unwrap(), "--no-netrc", "--timeout", "5"];
    PORT21.run(&[&words, options].concat())
}

fn listing(lines: &[&str]) -> Manners {
    let listing = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>().into_bytes();
    Manners { listing: Some(listing), ..Manners::default() }
}

#[test]
fn no_name_leaves_the_folder() {
    let names =
        ["../../x", "/etc/x", "a/b", "a\\b", "a\0b", "..", ".", "con", "NUL.txt", "|sh", "\x1b[2Jx", "ok"];
    let lines: Vec<String> =
        names.iter().map(|name| format!("type=file;size=1;modify=20200102030405; {name}")).collect();
    let folders =
        ["../up", "/abs", "x/../../y"].map(|name| format!("type=dir;modify=20200102030405; {name}"));
    let lines: Vec<&str> = lines.iter().chain(&folders).map(String::as_str).collect();
    let files: Vec<(&str, &[u8])> =
        names.iter().map(|name| (*name, &b"x"[..])).chain([("x", &b"x"[..])]).collect();
    let (_server, folder, output) = fetch(listing(&lines), &files, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(!talk(&output).contains('\x1b'));
    let found: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(found, ["in"]);
    let found: Vec<_> =
        fs::read_dir(folder.path().join("in")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(found, ["ok"]);
}

#[test]
fn what_the_server_has_under_a_name_that_is_refused_is_not_deleted_here() {
    let (server, folder, _) = fetch(listing(&["type=file;size=1;modify=20200102030405; con"]), &[], &[]);
    for name in ["con", "old"] {
        fs::write(folder.path().join("in").join(name), b"x").unwrap();
    }
    let output = fetch_again(&server, &folder, &["--delete"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("con is no name for a file here"), "{}", talk(&output));
    assert!(folder.path().join("in/con").exists() && !folder.path().join("in/old").exists());
}

#[test]
fn directory_that_holds_itself_ends() {
    let folders = ["a", "b", "c"].map(|name| format!("type=dir;modify=20200102030405; {name}"));
    let lines: Vec<&str> = folders.iter().map(String::as_str).collect();
    let asked = |server: &FtpServer| server.lines().iter().filter(|line| line.starts_with("MLSD")).count();
    let (server, _folder, output) = fetch(listing(&lines), &[], &[]);
    assert_eq!((output.status.code(), asked(&server)), (Some(1), 1 + 3 + 9));
    assert!(talk(&output).contains("seems to hold itself"), "{}", talk(&output));
    // A chain of folders with one name each may be meant.
    let (server, _folder, output) = fetch(listing(&lines[..1]), &[], &[]);
    assert_eq!((output.status.code(), asked(&server)), (Some(0), 64));
    assert!(talk(&output).contains("left out: folders deeper than --depth"), "{}", talk(&output));
}

#[test]
fn endless_listing_is_given_up_and_deletes_nothing() {
    let (server, folder, _) = fetch(Manners::default(), &[("a", b"a")], &[]);
    drop(server);
    let server = FtpServer::start(Manners { endless: true, ..Manners::default() }, &[]);
    let output = fetch_again(&server, &folder, &["--delete"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(talk(&output).contains("longer than"), "{}", talk(&output));
    assert!(folder.path().join("in/a").exists());
}

#[test]
fn listing_that_is_not_understood_as_a_whole_deletes_nothing() {
    let manners = listing(&["type=file;size=1;modify=20200102030405; a", "what is this"]);
    let (server, folder, _) = fetch(manners, &[("a", b"a")], &[]);
    fs::write(folder.path().join("in/precious"), b"x").unwrap();
    let output = fetch_again(&server, &folder, &["--delete"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(talk(&output).contains("nothing was deleted"), "{}", talk(&output));
    assert!(folder.path().join("in/precious").exists());
}

#[test]
fn listing_that_the_server_cut_short_deletes_nothing() {
    for closing in [
        "226-Output truncated to 1 matches\r\n226 done\r\n",
        "226 Transfer done (but failed to open directory).\r\n",
    ] {
        let manners = Manners { closing: Some(closing.into()), ..Manners::default() };
        let (server, folder, _) = fetch(manners, &[("a", b"a")], &[]);
        fs::write(folder.path().join("in/precious"), b"x").unwrap();
        let output = fetch_again(&server, &folder, &["--delete"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(talk(&output).contains("nothing was deleted"), "{}", talk(&output));
        assert!(folder.path().join("in/precious").exists());
    }
}

#[test]
fn listing_that_is_refused_or_cut_deletes_nothing() {
    for manners in [
        Manners { replies: vec![("MLSD", b"550 no\r\n".to_vec())], ..Manners::default() },
        Manners { closing: Some(b"451 disk on fire\r\n".to_vec()), ..Manners::default() },
    ] {
        let server = FtpServer::start(manners, &[]);
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in/precious"), b"x").unwrap();
        let output = fetch_again(&server, &folder, &["--delete"]);
        assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
        assert!(folder.path().join("in/precious").exists());
    }
}

#[test]
fn cut_transfer_is_resumed_and_never_passes_for_whole() {
    let content: Vec<u8> = (0..100_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let manners = Manners { cut_after: Some(70_000), cuts: Some(2), ..Manners::default() };
    // The listing counts as the first of both, and is too short to be cut.
    let (server, folder, output) = fetch(manners, &[("a", &content)], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(fs::read(folder.path().join("in/a")).unwrap() == content);
    assert!(server.lines().contains(&"REST 70000".to_owned()), "{:?}", server.lines());
    let manners = Manners { cut_after: Some(70_000), ..Manners::default() };
    let (_server, folder, output) = fetch(manners, &[("a", &content)], &["--retries", "0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("in/a").exists());
}

#[test]
fn tries_that_get_further_are_not_counted() {
    let content: Vec<u8> = (0..300_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
    // The listing is the first of those that are cut.
    let manners = Manners { cut_after: Some(70_000), cuts: Some(4), ..Manners::default() };
    let (_server, folder, output) = fetch(manners, &[("a", &content)], &["--retries", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(fs::read(folder.path().join("in/a")).unwrap() == content);
}

#[test]
fn listing_tells_all_that_is_needed_for_each_file() {
    let names: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let (server, _folder, output) = fetch(Manners::default(), &files, &["-P", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let mut verbs: Vec<String> =
        server.lines().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    verbs.sort();
    verbs.dedup();
    assert_eq!(verbs, ["AUTH", "EPSV", "FEAT", "MLSD", "PASS", "QUIT", "RETR", "TYPE", "USER"]);
    let epsv = server.lines().iter().filter(|line| *line == "EPSV").count();
    assert_eq!(epsv, 21);
}

#[test]
fn server_that_takes_no_times_is_not_sent_the_same_again() {
    let server = FtpServer::start(Manners::default(), &[]);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let url = format!("ftp://{}/", server.address());
    let send = || {
        let words =
            ["mirror", folder.path().to_str().unwrap(), &url, "--no-netrc", "--timeout", "5", "--json"];
        let output = PORT21.run(&words);
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        Done::of(&output)
    };
    let first = send();
    assert_eq!(first.transferred(), ["a", "b", "c", "d", "e"]);
    assert!(first.talk.contains("takes no times of files"), "{}", first.talk);
    assert_eq!(server.names(), ["a", "b", "c", "d", "e"]);
    for _ in 0..2 {
        assert_eq!(send().count("unchanged"), 5);
    }
    fs::write(folder.path().join("c"), "changed").unwrap();
    assert_eq!(send().transferred(), ["c"]);
    assert_eq!(server.file("c").unwrap(), b"changed");
}

#[test]
fn server_that_cannot_rename_gets_files_under_their_names() {
    let manners = Manners { replies: vec![("RNFR", b"502 no\r\n".to_vec())], ..Manners::default() };
    let server = FtpServer::start(manners, &[]);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let url = format!("ftp://{}/", server.address());
    let output = PORT21.run(&["mirror", folder.path().to_str().unwrap(), &url, "--no-netrc", "-P", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(server.names(), ["a", "b"]);
    assert!(talk(&output).contains("cannot rename"), "{}", talk(&output));
}

#[test]
fn server_without_checksums_is_told_of_and_cannot_be_compared_by_them() {
    let (server, folder, output) = fetch(Manners::default(), &[("a", b"a")], &["--verify"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(talk(&output).contains("offers no checksums"), "{}", talk(&output));
    let refused = fetch_again(&server, &folder, &["--checksum"]);
    assert_eq!(refused.status.code(), Some(2), "{}", talk(&refused));
}

#[test]
fn checksum_that_differs_is_no_success() {
    let digits = "0".repeat(64);
    let manners = Manners {
        replies: vec![
            ("FEAT", b"211-Features:\r\n MLST type*;size*;modify*;\r\n XSHA256\r\n211 End\r\n".to_vec()),
            ("XSHA256", format!("250 {digits}\r\n").into_bytes()),
        ],
        ..Manners::default()
    };
    let (server, folder, output) = fetch(manners, &[("a", b"a")], &["--verify"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("a: the checksum is not the server's, twice"), "{}", talk(&output));
    assert!(!folder.path().join("in/a").exists());
    assert_eq!(server.lines().iter().filter(|line| *line == "RETR a").count(), 2);
}

/// The seconds since 1970 of the last change of a file in the target.
fn changed(folder: &TempDir, name: &str) -> u64 {
    let modified = fs::metadata(folder.path().join("in").join(name)).unwrap().modified().unwrap();
    modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn clock_of_a_server_elsewhere_is_learnt_from_one_file() {
    // The server is three hours east of UTC, and its listing tells minutes; MDTM tells 03:04:05 UTC.
    let manners = Manners {
        replies: vec![("FEAT", b"211-Features:\r\n MDTM\r\n SIZE\r\n211 End\r\n".to_vec())],
        listing: Some(
            b"01-02-20  06:04AM                    1 a\r\n01-02-20  06:10AM                    1 b\r\n"
                .to_vec(),
        ),
        ..Manners::default()
    };
    let (server, folder, output) = fetch(manners, &[("a", b"a"), ("b", b"b")], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    // 2020-01-02 03:04:00 UTC, and six minutes more.
    assert_eq!((changed(&folder, "a"), changed(&folder, "b")), (1_577_934_240, 1_577_934_600));
    let asked = |verb: &str| server.lines().iter().filter(|line| line.starts_with(verb)).count();
    assert_eq!((asked("MDTM"), asked("SIZE")), (1, 0));
    let again = Done::of(&fetch_again(&server, &folder, &["--json"]));
    assert_eq!((again.count("transferred"), again.count("unchanged")), (0, 2));
}

#[test]
fn times_are_set_by_the_command_that_the_server_has() {
    let manners = Manners { replies: vec![("SITE", b"200 done\r\n".to_vec())], ..Manners::default() };
    let server = FtpServer::start(manners, &[]);
    let folder = tempfile::tempdir().unwrap();
    crate::place::write(folder.path(), "a b", b"x", crate::place::at(0));
    crate::place::write(folder.path(), "c", b"x", crate::place::at(1));
    let url = format!("ftp://{}/", server.address());
    let output = PORT21.run(&["mirror", folder.path().to_str().unwrap(), &url, "--no-netrc", "-P", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let times: Vec<String> = server
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("MDTM") || line.starts_with("SITE"))
        .collect();
    assert_eq!(
        times,
        [
            "MDTM 20200101000000 a b.partial",
            "SITE UTIME a b.partial 20200101000000 20200101000000 20200101000000 UTC",
            "SITE UTIME c.partial 20200101010000 20200101010000 20200101010000 UTC",
        ]
    );
}

#[test]
fn server_that_takes_no_times_of_folders_is_asked_once_and_nothing_is_said() {
    let feat = b"211-Features:\r\n SIZE\r\n MLST type*;size*;modify*;\r\n MFMT\r\n211 End\r\n".to_vec();
    let replies = vec![("FEAT", feat), ("MFMT", b"550 not a plain file\r\n".to_vec())];
    let manners = Manners { replies, listing: Some(Vec::new()), ..Manners::default() };
    let (server, folder) = (FtpServer::start(manners, &[]), tempfile::tempdir().unwrap());
    for name in ["a", "b", "c"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let url = format!("ftp://{}/", server.address());
    let output = PORT21.run(&["mirror", "--no-netrc", folder.path().to_str().unwrap(), &url]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(!talk(&output).contains("time"), "{}", talk(&output));
    let asked = server.lines().iter().filter(|line| line.starts_with("MFMT ")).count();
    assert_eq!(asked, 1, "{:?}", server.lines());
}

#[test]
fn mode_of_new_files_is_not_learnt_from_one_that_was_there() {
    use std::os::unix::fs::PermissionsExt;
    let feat = b"211-Features:\r\n MLST type*;size*;modify*;unix.mode*;\r\n211 End\r\n".to_vec();
    let told = b"250-here\r\n type=file;unix.mode=0600; x\r\n250 End\r\n".to_vec();
    let replies = vec![("FEAT", feat), ("MLST", told), ("SITE", b"200 done\r\n".to_vec())];
    let server = FtpServer::start(Manners { replies, ..Manners::default() }, &[("a", b"old")]);
    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [("a", 0o644), ("b", 0o644), ("c", 0o600)] {
        crate::place::write(folder.path(), name, b"new", crate::place::at(0));
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let url = format!("ftp://{}/", server.address());
    let words = ["mirror", folder.path().to_str().unwrap(), &url, "--no-netrc", "-P", "1", "--in-place"];
    let output = PORT21.run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let modes: Vec<String> = server
        .lines()
        .into_iter()
        .filter(|line| line.starts_with("MLST") || line.starts_with("SITE CHMOD"))
        .collect();
    assert_eq!(modes, ["SITE CHMOD 644 a", "MLST b", "SITE CHMOD 644 b"]);
}

#[test]
fn mode_of_new_files_is_learnt_from_a_listing_where_there_are_no_facts() {
    use std::os::unix::fs::PermissionsExt;
    let line = |name: &str| format!("-rw-r-----   1 joe  staff         9 Jan  2  2020 {name}\r\n");
    let replies = vec![
        ("FEAT", b"211-Features:\r\n SIZE\r\n211 End\r\n".to_vec()),
        ("MLSD", b"502 no\r\n".to_vec()),
        ("SITE", b"200 done\r\n".to_vec()),
    ];
    let listing = Some((line("a") + &line("b")).into_bytes());
    let server = FtpServer::start(Manners { replies, listing, ..Manners::default() }, &[]);
    let folder = tempfile::tempdir().unwrap();
    for (name, mode) in [("a", 0o640), ("b", 0o644)] {
        crate::place::write(folder.path(), name, b"new", crate::place::at(0));
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let url = format!("ftp://{}/", server.address());
    let output = PORT21.run(&["mirror", folder.path().to_str().unwrap(), &url, "--no-netrc", "-P", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let modes: Vec<String> =
        server.lines().into_iter().filter(|line| line.starts_with("SITE CHMOD")).collect();
    assert_eq!(modes, ["SITE CHMOD 644 b"]);
}

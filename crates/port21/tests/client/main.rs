//! The client's commands as a user runs them, with a server that keeps its word or means harm.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod failures;

use std::path::Path;
use std::process::Output;

use port21_testkit::{FtpServer, LOST, Manners, Program, pattern};
use serde_json::Value;
use tempfile::TempDir;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

const TEXT: &[u8] = b"twenty bytes of text";

/// A server with files, and a folder for what comes of them.
struct Place {
    server: FtpServer,
    folder: TempDir,
}

impl Place {
    fn new(manners: Manners) -> Self {
        let files: [(&str, &[u8]); 3] = [("a.txt", TEXT), ("b.txt", b"b"), ("c.bin", b"\0\r\n")];
        Self { server: FtpServer::start(manners, &files), folder: tempfile::tempdir().unwrap() }
    }

    fn url(&self, path: &str) -> String {
        format!("ftp://{}/{path}", self.server.address())
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the program; short waits, and no `.netrc` of whoever runs the tests.
    fn run(&self, arguments: &[&str]) -> Output {
        PORT21.run(&[arguments, &["--timeout", "5", "--no-netrc"]].concat())
    }

    /// Fetches `a.txt` into the folder.
    fn get(&self, options: &[&str]) -> Output {
        let (url, folder) = (self.url("a.txt"), self.path(""));
        self.run(&[&["get", &url, "-o", &folder], options].concat())
    }

    /// The names of what is in the folder.
    fn local(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn replying(verb: &'static str, bytes: &[u8]) -> Manners {
    Manners { replies: vec![(verb, bytes.to_vec())], ..Manners::default() }
}

#[test]
fn files_are_fetched_under_their_names_and_times() {
    let place = Place::new(Manners::default());
    let output = place.get(&[]);
    assert_eq!((code(&output), talk(&output)), (Some(0), String::new()));
    assert_eq!(std::fs::read(place.path("a.txt")).unwrap(), TEXT);
    let modified = std::fs::metadata(place.path("a.txt")).unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), 1_577_934_245);
}

#[test]
fn pattern_fetches_what_matches_and_json_tells_of_each() {
    let place = Place::new(Manners::default());
    let (url, folder) = (place.url("*.txt"), place.path("new/"));
    let output = place.run(&["get", "--json", &url, "-o", &folder]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    let lines: Vec<Value> = said(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["local"], &lines[0]["bytes"]), (2, &"a.txt".into(), &20.into()));
    assert_eq!(names(&place.folder.path().join("new")), ["a.txt", "b.txt"]);
}

#[test]
fn listing_is_sorted_and_json_has_a_line_for_each() {
    let place = Place::new(Manners::default());
    let output = place.run(&["ls", "--names", &place.url("")]);
    assert_eq!(said(&output), "a.txt\nb.txt\nc.bin\n");
    let output = place.run(&["ls", "--json", &place.url("a*")]);
    let line: Value = serde_json::from_str(&said(&output)).unwrap();
    assert_eq!((&line["size"], &line["modified"]), (&20.into(), &"2020-01-02T03:04:05Z".into()));
}

#[test]
fn cat_writes_several_files_to_standard_output() {
    let place = Place::new(Manners::default());
    let output = place.run(&["cat", &place.url("b.txt"), &place.url("c.bin")]);
    assert_eq!((code(&output), output.stdout.as_slice()), (Some(0), &b"b\0\r\n"[..]));
}

#[test]
fn second_file_of_the_same_name_does_not_replace_the_first() {
    let place = Place::new(Manners::default());
    let output = place.run(&[
        "get",
        &place.url("a.txt"),
        &place.url("x/a.txt"),
        &place.url("b.txt"),
        "-o",
        &place.path(""),
    ]);
    assert_eq!(code(&output), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("x/a.txt: a file was fetched under this name"), "{}", talk(&output));
    assert_eq!(std::fs::read(place.path("a.txt")).unwrap(), TEXT);
    assert_eq!(place.local(), ["a.txt", "b.txt"]);
}

#[test]
fn named_pipe_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let place = Place::new(Manners::default());
    let pipe = place.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    let output = place.run(&["get", &place.url("a.txt"), &place.url("b.txt"), "-o", &pipe]);
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    assert_eq!(reader.join().unwrap(), [TEXT, b"b"].concat());
    assert_eq!(place.local(), ["pipe"]);
}

#[test]
fn put_rm_mv_and_mkdir_change_the_server() {
    let place = Place::new(Manners::default());
    let local = place.path("new.txt");
    std::fs::write(&local, b"new").unwrap();
    assert_eq!(code(&place.run(&["put", &local, &place.url("")])), Some(0));
    assert_eq!(place.server.file("new.txt").as_deref(), Some(&b"new"[..]));
    assert_eq!(code(&place.run(&["mv", &place.url("new.txt"), &place.url("old.txt")])), Some(0));
    assert_eq!(code(&place.run(&["rm", &place.url("*.txt")])), Some(0));
    assert_eq!(place.server.names(), ["c.bin"]);
    assert_eq!(code(&place.run(&["mkdir", "-p", &place.url("x/y")])), Some(0));
    assert!(place.server.lines().contains(&"MKD x/y".to_owned()));
}

#[test]
fn raw_shows_replies_and_a_refusal_is_told_by_the_exit_code() {
    let place = Place::new(Manners::default());
    let output = place.run(&["raw", &place.url(""), "NOOP", "SITE x"]);
    assert_eq!((code(&output), said(&output).as_str()), (Some(1), "200 ok\n502 unknown\n"));
    assert_eq!(code(&place.run(&["raw", &place.url(""), "RETR a"])), Some(2));
}

#[test]
fn cut_transfer_is_tried_again_from_where_it_was_cut() {
    let place = Place::new(Manners { cut_after: Some(7), cuts: Some(1), ..Manners::default() });
    let output = place.get(&[]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    assert_eq!(std::fs::read(place.path("a.txt")).unwrap(), TEXT);
    assert!(place.server.lines().contains(&"REST 7".to_owned()));
}

/// Sends a file to a server that has another one's beginning under its temporary name, and tells no times.
fn put_over_what_stood_there(manners: Manners) -> (Place, Vec<u8>) {
    let replies = vec![("MDTM", b"502 no\r\n".to_vec())];
    let server = FtpServer::start(Manners { replies, ..manners }, &[("new.bin.partial", &[7; LOST / 2])]);
    let (place, content) = (Place { server, folder: tempfile::tempdir().unwrap() }, pattern(1, 3 * LOST));
    std::fs::write(place.path("new.bin"), &content).unwrap();
    let output = place.run(&["put", &place.path("new.bin"), &place.url("")]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    (place, content)
}

#[test]
fn what_stood_on_the_server_before_is_not_the_beginning_of_a_file_that_is_sent() {
    let once = vec![("STOR", b"450 not now\r\n".to_vec())];
    for manners in [Manners { once, ..Manners::default() }, Manners { lost_uploads: 1, ..Manners::default() }]
    {
        let (place, content) = put_over_what_stood_there(manners);
        assert!(place.server.file("new.bin").unwrap() == content, "it is of one version");
        assert!(!place.server.lines().iter().any(|line| line.starts_with("REST")));
    }
}

#[test]
fn cut_upload_is_tried_again_from_where_it_was_cut() {
    let (place, content) = put_over_what_stood_there(Manners { cut_uploads: 1, ..Manners::default() });
    assert!(place.server.file("new.bin").unwrap() == content);
    assert!(place.server.lines().contains(&format!("REST {LOST}")), "{:?}", place.server.lines());
}

#[test]
fn tries_that_get_further_are_not_counted() {
    let place = Place::new(Manners { cut_uploads: 3, ..replying("MDTM", b"502 no\r\n") });
    let content = pattern(1, 4 * LOST);
    std::fs::write(place.path("new.bin"), &content).unwrap();
    let output = place.run(&["put", "--retries", "1", &place.path("new.bin"), &place.url("")]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    assert!(place.server.file("new.bin").unwrap() == content);
}

#[test]
fn low_rate_is_not_taken_for_a_stalled_server() {
    let place = Place::new(Manners::default());
    let content = pattern(1, 150_000);
    std::fs::write(place.path("new.bin"), &content).unwrap();
    // A piece of 128 KiB takes two and a half seconds.
    let slowly = ["--limit-rate", "50K", "--timeout", "1", "--retries", "0", "--no-netrc"];
    let run = |words: &[&str]| PORT21.run(&[words, &slowly].concat());
    let output = run(&["put", &place.path("new.bin"), &place.url("")]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    let output = run(&["get", &place.url("new.bin"), "-o", &place.path("back.bin")]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    assert!(std::fs::read(place.path("back.bin")).unwrap() == content);
}

#[test]
fn cut_transfer_never_passes_for_a_whole_file() {
    for cut_after in [0, 1, 19] {
        let place = Place::new(Manners { cut_after: Some(cut_after), ..Manners::default() });
        let output = place.get(&["--retries", "0"]);
        assert_eq!(code(&output), Some(1));
        assert!(talk(&output).contains(&format!("the server sent only {cut_after} and calls that complete")));
        assert_eq!(place.local(), ["a.txt.partial"]);
    }
}

#[test]
fn size_that_the_server_tells_must_be_the_one_that_comes() {
    let place = Place::new(replying("SIZE", b"213 30\r\n"));
    let output = place.get(&["--retries", "0"]);
    assert_eq!(code(&output), Some(1));
    assert!(
        talk(&output).contains("the file has 30 bytes, but the server sent only 20"),
        "{}",
        talk(&output)
    );
    assert_eq!(place.local(), ["a.txt.partial"]);
}

#[test]
fn resume_takes_what_is_there_only_if_it_can_be_the_same_file() {
    let place = Place::new(Manners::default());
    std::fs::write(place.path("a.txt.partial"), &TEXT[..5]).unwrap();
    assert_eq!(code(&place.get(&["-c"])), Some(0));
    assert_eq!(std::fs::read(place.path("a.txt")).unwrap(), TEXT);
    assert!(place.server.lines().contains(&"REST 5".to_owned()));
    // Longer than the server's file: it is another one.
    let other = Place::new(Manners::default());
    std::fs::write(other.path("a.txt.partial"), [b'x'; 50]).unwrap();
    let output = other.get(&["-c"]);
    assert_eq!(code(&output), Some(0));
    assert!(talk(&output).contains("longer than the server's file"), "{}", talk(&output));
    assert_eq!(std::fs::read(other.path("a.txt")).unwrap(), TEXT);
}

#[test]
fn no_name_of_the_server_leaves_the_folder_or_makes_a_device() {
    let hostile =
        ["../../x", "/etc/x", "a\\b", "con", "NUL.txt", "|sh", "..", "x.partial", "\x1b[2Jclear", "ok"];
    let lines = |name: &&str| format!("type=file;size=20;modify=20200102030405; {name}\r\n");
    let mut listing: Vec<u8> = hostile.iter().map(lines).collect::<String>().into_bytes();
    listing.extend_from_slice(&[b"type=file;size=20; ".as_slice(), &[b'n'; 4096], b"\r\n"].concat());
    let files: Vec<(&str, &[u8])> =
        hostile.iter().map(|name| (*name, TEXT)).chain([("x", TEXT), ("etc/x", TEXT)]).collect();
    let manners = Manners { listing: Some(listing), ..Manners::default() };
    let place = Place { server: FtpServer::start(manners, &files), folder: tempfile::tempdir().unwrap() };
    let inner = place.path("in/ner/");
    let output = place.run(&["get", &place.url("*"), "-o", &inner]);
    assert_eq!(code(&output), Some(1), "{}", talk(&output));
    assert!(!talk(&output).contains('\x1b'), "{:?}", talk(&output));
    assert_eq!(place.local(), ["in"]);
    assert_eq!(names(&place.folder.path().join("in")), ["ner"]);
    let kept = names(Path::new(&inner));
    assert!(kept.iter().all(|name| matches!(name.as_str(), "ok" | "x")), "{kept:?}");
    assert!(kept.contains(&"ok".to_owned()));
}

#[test]
fn names_in_a_listing_do_not_reach_the_terminal_as_they_are() {
    let listing = b"type=file;size=1; \x1b]0;title\x07\x1b[2J\r\n".to_vec();
    let place = Place::new(Manners { listing: Some(listing), ..Manners::default() });
    let output = place.run(&["ls", &place.url("")]);
    assert!(!output.stdout.contains(&0x1b), "{:?}", said(&output));
}

#[test]
fn address_of_a_third_host_is_not_used_and_told() {
    let manners = Manners {
        replies: vec![("EPSV", b"502 no\r\n".to_vec()), ("PASV", b"227 (10,0,0,5,0,22)\r\n".to_vec())],
        ..Manners::default()
    };
    let place = Place::new(manners);
    let output = place.run(&["ls", &place.url("")]);
    assert_eq!(code(&output), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("the data connection to 127.0.0.1:22"), "{}", talk(&output));
    assert!(talk(&output).contains("the server announced 10.0.0.5"), "{}", talk(&output));
}

#[test]
fn replies_injected_behind_the_consent_to_tls_are_refused() {
    let place = Place::new(replying("AUTH", b"234 go on\r\n331 password?\r\n230 welcome\r\n"));
    let output = place.run(&["ls", "--tls", "require", &place.url("")]);
    assert_eq!(code(&output), Some(3));
    assert!(talk(&output).contains("injects replies"), "{}", talk(&output));
    assert!(!place.server.lines().iter().any(|line| line.starts_with("USER")));
}

#[test]
fn server_without_tls_is_refused_when_tls_is_required_and_told_of_otherwise() {
    let place = Place::new(Manners::default());
    let output = place.run(&["ls", &place.url("").replace("ftp://", "ftpes://")]);
    assert_eq!(code(&output), Some(3));
    assert!(talk(&output).contains("refused to protect the session (AUTH TLS): 502"), "{}", talk(&output));
}

#[test]
fn password_comes_from_a_file_and_is_never_shown() {
    let place = Place::new(Manners::default());
    let file = place.path("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let url = place.url("").replace("ftp://", "ftp://joe@");
    let output = place.run(&["ls", &url, "--password-file", &file]);
    assert_eq!(code(&output), Some(0), "{}", talk(&output));
    assert!(place.server.lines().contains(&"PASS hunter2".to_owned()));
    assert!(!(talk(&output) + &said(&output)).contains("hunter2"));
    // Without a terminal nobody can be asked.
    assert_eq!(code(&place.run(&["ls", &url])), Some(2));
}

#[test]
fn password_in_the_arguments_is_told_and_one_from_elsewhere_is_not() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new(Manners::default());
    let url = place.url("a.txt").replace("ftp://", "ftp://joe:secret@");
    let told = |output: &Output| talk(output).contains("seen in the process list");
    // A name that is not UTF-8 is no reason to fail.
    let target = place.folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9/"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_port21"));
    command.args(["get", "--no-netrc", &url, "-o"]).arg(target);
    let output = command.output().unwrap();
    assert!(code(&output) == Some(0) && told(&output), "{}", talk(&output));
    let output = place.run(&["shell", "-c", &format!("pwd; open '{url}'"), &place.url("")]);
    assert!(told(&output), "{}", talk(&output));
    let typed = format!("open {url}\n");
    let guest = place.url("").replace("ftp://", "ftp://anonymous:me@");
    let output = PORT21.run_with_input(&["shell", "--no-netrc", "--timeout", "5", &guest], typed.as_bytes());
    assert!(!told(&output), "{}", talk(&output));
}

#[test]
fn help_of_every_command_fits_one_screen() {
    for command in ["ls", "cat", "get", "put", "mirror", "rm", "mv", "mkdir", "raw"] {
        let output = PORT21.run(&[command, "-h"]);
        let lines = said(&output).lines().count();
        assert!(lines <= 60, "{command} -h has {lines} lines");
    }
}

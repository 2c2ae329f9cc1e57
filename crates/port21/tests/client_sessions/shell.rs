//! `port21 shell`: batches with their exit codes, and somebody at a terminal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::server::Server;
use super::{PORT21, run, talk};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn shell(server: &Server, commands: &str) -> Output {
    run(&["shell", "--quiet", "-c", commands, &server.url("")])
}

#[test]
fn batch_does_what_the_single_commands_do() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    fs::write(here.path().join("one.txt"), b"one").unwrap();
    fs::write(here.path().join("two words.txt"), b"two").unwrap();
    fs::write(here.path().join("other.bin"), b"\0").unwrap();
    let folder = here.path().to_str().unwrap();
    let output = shell(
        &server,
        &format!(
            "lcd '{folder}'; mkdir -p a/b\ncd a; pwd; put *.txt; cd b; put -o ../x.bin other.bin; cd ..\n\
             # a comment; !false\nls --names-only; mv x.bin b/y.bin; size one.txt; cat \"two words.txt\"; cd\n\
             pwd; get a/*.txt -o got/; rm a/two\\ words.txt; mrm a/one*; rmdir nothing-there"
        ),
    );
    let words: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    assert_eq!(
        words,
        ["/a", "b", "one.txt", "two words.txt", "x.bin", "           3 /a/one.txt", "two/"],
        "{}",
        talk(&output)
    );
    assert_eq!(output.status.code(), Some(1), "the last command fails: {}", talk(&output));
    assert_eq!(fs::read(here.path().join("got/two words.txt")).unwrap(), b"two");
    assert_eq!(fs::read(here.path().join("got/one.txt")).unwrap(), b"one");
    assert_eq!(fs::read(server.folder.path().join("a/b/y.bin")).unwrap(), b"\0");
    let left: Vec<_> = fs::read_dir(server.folder.path().join("a")).unwrap().collect();
    assert_eq!(left.len(), 1, "only b is left: {left:?}");
}

#[test]
fn batch_ends_at_the_first_command_that_fails() {
    let server = Server::start(&[]);
    server.put("keep.txt", b"keep");
    let output = shell(&server, "cd nowhere; rm keep.txt");
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(server.folder.path().join("keep.txt").exists());
    assert_eq!(shell(&server, "pwd; quit; rm keep.txt").status.code(), Some(0));
    assert_eq!(shell(&server, "frobnicate").status.code(), Some(2));
    assert_eq!(shell(&server, "get 'keep.txt").status.code(), Some(2));
    assert!(server.folder.path().join("keep.txt").exists());
    assert_eq!(run(&["shell", "-c", "pwd"]).status.code(), Some(2), "there is no session");
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(run(&["shell", "-c", "pwd", &format!("ftp://{nowhere}/")]).status.code(), Some(3));
}

#[test]
fn commands_come_from_a_pipe_or_a_file_and_names_are_escaped() {
    let server = Server::start(&[]);
    server.put("a\u{1b}[2Jb", b"");
    let piped =
        PORT21.run_with_input(&["shell", "--quiet", "--no-netrc", &server.url("")], b"ls --names-only\n");
    assert_eq!(piped.status.code(), Some(0), "{}", talk(&piped));
    assert!(said(&piped).contains("[2Jb") && !said(&piped).contains('\u{1b}'), "{:?}", said(&piped));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "ls --names-only\n").unwrap();
    let filed = run(&["shell", "--quiet", "-f", file.path().to_str().unwrap(), &server.url("")]);
    assert_eq!(said(&filed), said(&piped));
}

#[test]
fn commands_go_as_they_are_and_stars_in_quotes_are_names() {
    let server = Server::start(&[]);
    for name in ["*.c", "a.c"] {
        server.put(name, b"text");
    }
    let output = shell(&server, "quote NOOP; site help; chmod 640 a.c; rm '*.c'; ls --names-only");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(said(&output).starts_with("200 ") && said(&output).ends_with("\na.c\n"), "{}", said(&output));
    let mode = fs::metadata(server.folder.path().join("a.c")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert_eq!(shell(&server, "quote PASS x").status.code(), Some(2), "a login is not sent raw");
}

#[test]
fn pattern_of_rm_means_files_and_that_of_rmdir_directories() {
    let server = Server::start(&[]);
    let folder = server.folder.path();
    let make = || fs::create_dir(folder.join("log3")).unwrap();
    let there = |name: &str| folder.join(name).exists();
    for name in ["log1", "log2", "a[1]"] {
        server.put(name, b"kept");
    }
    make();
    let output = shell(&server, "rmdir log*");
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(there("log1") && there("log2") && !there("log3"), "{}", talk(&output));
    assert!(talk(&output).contains("/log1: it is no directory"), "{}", talk(&output));
    make();
    let output = shell(&server, "rm log*");
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(!there("log1") && !there("log2") && there("log3"), "{}", talk(&output));
    assert!(talk(&output).contains("/log3: it is a directory"), "{}", talk(&output));
    assert_eq!(shell(&server, "rmdir 'a[1]'").status.code(), Some(1));
    assert!(there("a[1]"));
    // On the command line a pattern means both.
    assert_eq!(run(&["rm", "--quiet", &server.url("*")]).status.code(), Some(0));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn quoted_characters_mean_themselves_in_every_part_of_a_name() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let (there, album) = (server.folder.path(), server.folder.path().join("photos [2020]"));
    fs::create_dir(&album).unwrap();
    for name in ["a.jpg", "b[1].jpg", "b1.jpg"] {
        fs::write(album.join(name), name).unwrap();
    }
    let inner = here.path().join("in [x]");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("u[1].txt"), b"text").unwrap();
    fs::write(inner.join("u1.txt"), b"other").unwrap();
    let output = shell(
        &server,
        &format!(
            "lcd '{}'; get \"photos [2020]/a.jpg\"; get photos\\ \\[2020]/b\\[1].jpg -o 'o[1].jpg'\n\
             ls --names-only \"photos [2020]\"; ls --names-only photos\\ \\[2020]/*1*.jpg; size 'photos [2020]/a.jpg'\n\
             put -o \"v[1].txt\" \"in [x]/u[1].txt\"; put in\\ \\[x]/*\\].txt; put 'in [x]/u1.txt' -o 'photos [2020]/'",
            here.path().display()
        ),
    );
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let words: Vec<String> = said(&output).lines().map(str::to_owned).collect();
    assert_eq!(
        words,
        ["a.jpg", "b1.jpg", "b[1].jpg", "b1.jpg", "b[1].jpg", "           5 /photos [2020]/a.jpg"],
        "{}",
        talk(&output)
    );
    assert_eq!(fs::read(here.path().join("a.jpg")).unwrap(), b"a.jpg");
    assert_eq!(fs::read(here.path().join("o[1].jpg")).unwrap(), b"b[1].jpg");
    assert_eq!(fs::read(there.join("v[1].txt")).unwrap(), b"text");
    assert_eq!(fs::read(there.join("u[1].txt")).unwrap(), b"text");
    assert_eq!(fs::read(album.join("u1.txt")).unwrap(), b"other");
}

#[test]
fn pattern_that_matches_nothing_is_a_failure() {
    let server = Server::start(&[]);
    for command in ["size nope*", "chmod 600 nope*", "cat nope*", "get nope*", "rm nope*", "more nope*"] {
        let output = shell(&server, command);
        assert_eq!(output.status.code(), Some(1), "{command}: {}", talk(&output));
        assert!(talk(&output).contains("nothing matches"), "{command}: {}", talk(&output));
    }
    let output = run(&["cat", "--quiet", &server.url("nope*")]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
}

#[test]
fn what_cannot_be_written_is_a_failure() {
    let server = Server::start(&[]);
    server.put("a.txt", b"text");
    for command in ["size a.txt", "pwd", "lpwd"] {
        let mut port21 = Command::new(env!("CARGO_BIN_EXE_port21"));
        port21.args(["shell", "--quiet", "--no-netrc", "-c", command, &server.url("")]);
        port21.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
        let output = port21.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {}", talk(&output));
    }
}

#[test]
fn wrong_command_is_told_once() {
    let server = Server::start(&[]);
    let output = run(&["shell", "--quiet", "--explain", "-c", "putt x", &server.url("")]);
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
    let said = "port21: there is no command putt; did you mean put? `help` lists all\nport21: explain: ";
    assert!(talk(&output).starts_with(said) && talk(&output).lines().count() == 2, "{}", talk(&output));
}

#[test]
fn batch_that_is_too_long_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = [vec![b'\n'; 16 << 20], b"frobnicate".to_vec()].concat();
    fs::write(file.path(), &text).unwrap();
    let filed = run(&["shell", "-f", file.path().to_str().unwrap()]);
    let piped = PORT21.run_with_input(&["shell"], &text);
    for output in [filed, piped] {
        assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
        assert!(talk(&output).contains("16 MiB"), "{}", talk(&output));
    }
}

/// A server that takes any login, refuses everything else, and never answers QUIT.
fn silent_at_the_end() -> std::net::SocketAddr {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let reader = BufReader::new(stream.try_clone().unwrap());
            let mut say = |text: &str| drop(stream.write_all(text.as_bytes()));
            say("220 ready\r\n");
            for line in reader.lines().map_while(Result::ok) {
                match line.split(' ').next().unwrap_or_default() {
                    "USER" => say("331 password?\r\n"),
                    "PASS" => say("230 welcome\r\n"),
                    "QUIT" => {}
                    _ => say("502 unknown\r\n"),
                }
            }
        }
    });
    address
}

#[test]
fn notes_are_told_however_the_shell_ends() {
    let address = silent_at_the_end();
    for (path, code) in [("", 0), ("nowhere/", 1)] {
        let output = run(&["shell", "-c", "pwd", &format!("ftp://joe:secret@{address}/{path}")]);
        assert_eq!(output.status.code(), Some(code), "{}", talk(&output));
        assert!(talk(&output).contains("note: 127.0.0.1: "), "{path}: {}", talk(&output));
    }
}

/// Types into a terminal: Tab, Ctrl-C in the middle of a transfer, a pause that the server does not wait out.
const TYPIST: &str = r#"
import os, pty, re, select, sys, time
program, url, state = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(XDG_STATE_HOME=state, TERM="vt100", PORT21_PASSWORD="a secret")
    os.execv(program, [program, "shell", "--no-netrc", url])
seen = b""
def until(text, patience=60):
    global seen
    end = time.monotonic() + patience
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            sys.exit(f"{text!r} never came: {seen!r}")
        seen += os.read(terminal, 65536)
    seen = seen.split(text, 1)[1]
def type(text):
    os.write(terminal, text)
until(b":/> ")
type(b"cd in\t\r")
until(b"/inner> ")
type(b"get bi\t--limit-rate 20k --retries 0\r")
until(b"limit-rate")
time.sleep(1)
type(b"\x03")
until(b"interrupted")
until(b"/inner> ")
# Again and again, before the shell can have noticed the first.
for _ in range(4):
    type(b"get big.bin --limit-rate 20k --retries 0\r")
    until(b"KiB/s")
    for _ in range(100):
        type(b"\x03")
    until(b"/inner> ")
type(b"size big.bin\r")
until(b"3000000 /inner/big.bin")
until(b"/inner> ")
time.sleep(3)
type(b"pwd\r")
until(b"connecting anew")
until(b"/inner\r\n")
until(b"/inner> ")
type(b"cat title\r")
until(b"^[]0;evil^G")
until(b"/inner> ")
type(b"open " + url.replace("joe@", "joe:a%20secret@").encode() + b"\r")
until(b":/> ")
type(b"nonsense\r")
until(b"there is no command nonsense")
until(b":/> ")
type(b"quit\r")
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"#;

#[test]
fn somebody_at_a_terminal_completes_interrupts_and_comes_back() {
    let server = Server::start(&["--idle-timeout", "2"]);
    let (here, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(server.folder.path().join("inner")).unwrap();
    server.put("inner/big.bin", &vec![0; 3_000_000]);
    server.put("inner/title", b"\x1b]0;evil\x07");
    let url = server.url("").replace(":a%20secret", "");
    let output = Command::new("python3")
        .args(["-c", TYPIST, env!("CARGO_BIN_EXE_port21"), &url, state.path().to_str().unwrap()])
        .current_dir(here.path())
        .output()
        .expect("python3 runs");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let history = state.path().join("port21/history");
    let lines = fs::read_to_string(&history).unwrap();
    assert!(lines.contains("size big.bin") && !lines.contains("secret"), "{lines}");
    assert_eq!(fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(Path::new(&here.path().join("big.bin.partial")).exists(), "what came is kept");
}

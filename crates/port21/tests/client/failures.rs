//! What the client's commands say, and their exit codes, when they fail.

use std::process::Output;

use port21_testkit::{FtpServer, Manners};

use super::{PORT21, Place, TEXT, code, replying, said, talk};

/// The URL of a user whose session there is something to note of: it is not protected.
fn noted(place: &Place, path: &str) -> String {
    place.url(path).replace("ftp://", "ftp://joe:secret@")
}

fn notes(output: &Output) -> usize {
    talk(output).matches("note: 127.0.0.1: the server has no TLS").count()
}

#[test]
fn what_is_not_there_is_one_sentence_and_exit_code_1() {
    let place = Place::new(Manners::default());
    let output = place.run(&["get", &place.url("gone"), "-o", &place.path("")]);
    assert_eq!(code(&output), Some(1));
    assert_eq!(talk(&output), "port21: gone: the server refused RETR gone: 550 no such file\n");
}

#[test]
fn directory_that_is_not_there_is_told_though_its_listing_is_empty() {
    let replies = |cwd: &[u8]| Manners {
        replies: vec![("FEAT", b"211-\r\n SIZE\r\n211 End\r\n".to_vec()), ("CWD", cwd.to_vec())],
        ..Manners::default()
    };
    for (cwd, expected) in [(&b"550 no such directory\r\n"[..], 1), (b"250 there\r\n", 0)] {
        let server = FtpServer::start(replies(cwd), &[]);
        let place = Place { server, ..Place::new(Manners::default()) };
        let output = place.run(&["ls", &place.url("nope/")]);
        assert_eq!(code(&output), Some(expected), "{}", talk(&output));
        assert_eq!(talk(&output).contains("CWD nope: 550"), expected == 1, "{}", talk(&output));
        assert_eq!(code(&place.run(&["ls", &place.url("")])), Some(0), "the one after login is there");
    }
}

#[test]
fn pattern_that_matches_nothing_fails_alike_with_every_command() {
    let place = Place::new(Manners::default());
    let (url, target) = (place.url("nope*"), place.path(""));
    for words in [
        &["ls", &url][..],
        &["ls", "--json", &url],
        &["cat", &url],
        &["rm", &url],
        &["get", &url, "-o", &target],
    ] {
        let output = place.run(words);
        assert_eq!(code(&output), Some(1), "{words:?}: {}", talk(&output));
        assert_eq!(talk(&output), format!("port21: {url}: nothing matches\n"), "{words:?}");
    }
    // What matches is listed all the same, and a directory without entries is none that is missing.
    let output = place.run(&["ls", "--names", &url, &place.url("b*")]);
    assert_eq!((code(&output), said(&output).as_str()), (Some(1), "b.txt\n"));
    let empty = Place { server: FtpServer::start(Manners::default(), &[]), ..place };
    assert_eq!(code(&empty.run(&["ls", &empty.url("")])), Some(0));
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let place = Place::new(replying("RNTO", b"553 it is a directory\r\n"));
    std::fs::write(place.path("file"), TEXT).unwrap();
    let (url, file, folder, gone) = (place.url(""), place.path("file"), place.path(""), place.path("gone"));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (target, closed) = (place.url("b.txt"), format!("ftp://{nobody}/"));
    for (words, exit, said) in [
        (
            &["ls", "host/pub"][..],
            2,
            "host/pub is no URL of FTP: it does not begin with ftp://, as ftp://HOST/PATH does",
        ),
        (&["ls", "web:pub"], 2, "as ftp://HOST/PATH does, nor is web a bookmark"),
        (&["put", &file], 2, "a URL is due behind the files: port21 put FILE... URL"),
        (&["put", &url], 2, "a file is due before the URL: port21 put FILE... URL"),
        // What is here is looked at before anybody is asked for anything.
        (&["put", &gone, &closed], 1, "gone: it cannot be read here: No such file or directory"),
        (&["put", &folder, &format!("{closed}x")], 1, "it is a folder, which `mirror` sends"),
        (
            &["put", &file, &target],
            1,
            "what was sent stays there as b.txt.partial; the URL of a directory ends with /",
        ),
        (&["get", &url], 1, "it is a directory, which `ls` lists and `mirror` fetches"),
        (
            &["get", &place.url("a.txt"), "-o", "/proc/x"],
            1,
            "a.txt: it cannot be read or written here: No such file",
        ),
    ] {
        let output = place.run(words);
        assert_eq!(code(&output), Some(exit), "{words:?}: {}", talk(&output));
        assert!(talk(&output).contains(said), "{words:?}: {}", talk(&output));
    }
    let help = said(&place.run(&["put", "--help"]));
    assert!(help.contains("Usage: port21 put [OPTIONS] FILE... URL\n"), "{help}");
}

#[test]
fn no_server_is_exit_code_3_and_wrong_arguments_are_2() {
    let place = Place::new(Manners::default());
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = place.run(&["ls", &format!("ftp://{closed}/")]);
    assert_eq!(code(&output), Some(3), "{}", talk(&output));
    for arguments in [&["ls", "http://host/"][..], &["get", "ftp://h:x/"], &["put", "x", "y"], &["ls"]] {
        assert_eq!(code(&place.run(arguments)), Some(2), "{arguments:?}");
    }
    let refused = Place::new(replying("PASS", b"530 no\r\n"));
    let url = refused.url("").replace("ftp://", "ftp://joe:hunter2@");
    let output = refused.run(&["ls", &url]);
    assert_eq!(code(&output), Some(3));
    assert!(!talk(&output).contains("hunter2"), "{}", talk(&output));
}

#[test]
fn login_that_comes_to_nothing_is_exit_code_3_and_leaves_nothing_here() {
    // Nothing at all is said, or nothing to the password.
    for verb in ["GREETING", "PASS"] {
        let place = Place::new(replying(verb, b""));
        std::fs::write(place.path("file"), TEXT).unwrap();
        let (url, file, target) = (place.url("a.txt"), place.path("file"), place.path("target"));
        for words in [
            &["ls", &url][..],
            &["get", &url, "-o", &target],
            &["put", &file, &url],
            &["mirror", &place.url(""), &target],
        ] {
            let output = PORT21.run(&[words, &["--timeout", "1", "--no-netrc"]].concat());
            assert_eq!(code(&output), Some(3), "{verb} {words:?}: {}", talk(&output));
            assert!(talk(&output).contains("did not answer"), "{}", talk(&output));
        }
        assert_eq!(place.local(), ["file"]);
    }
    // Somebody answers, and goes at once.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ftp://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let place = Place::new(Manners::default());
    let output = place.run(&["mirror", &url, &place.path("target")]);
    assert_eq!(code(&output), Some(3), "{}", talk(&output));
    assert!(place.local().is_empty());
}

#[test]
fn notes_are_told_and_the_session_is_ended_when_a_command_fails() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("ftp://{closed}/a.txt");
    let fails = |words: &dyn Fn(&Place) -> Vec<String>, exit: i32| {
        let place = Place::new(replying("CWD", b"550 no\r\n"));
        std::fs::write(place.path("file"), TEXT).unwrap();
        let words = words(&place);
        let output = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((code(&output), notes(&output)), (Some(exit), 1), "{words:?}: {}", talk(&output));
        let good_byes = place.server.lines().iter().filter(|line| *line == "QUIT").count();
        assert_eq!(good_byes, 1, "{words:?}: {:?}", place.server.lines());
    };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    for command in ["ls", "cat", "rm", "mkdir"] {
        fails(&|place| words(&[command, &noted(place, "b.txt"), &nobody]), 3);
    }
    fails(&|place| words(&["get", &noted(place, "b.txt"), &nobody, "-o", &place.path("")]), 3);
    fails(&|place| words(&["mv", &noted(place, "gone"), &noted(place, "new")]), 1);
    fails(&|place| words(&["raw", &noted(place, "nowhere/"), "NOOP"]), 1);
    fails(&|place| words(&["put", &place.path("file"), "..", &noted(place, "")]), 2);
}

#[test]
fn notes_of_a_login_that_fails_are_told() {
    for command in ["ls", "mirror"] {
        let place = Place::new(replying("PASS", b"530 no\r\n"));
        let (url, target) = (noted(&place, ""), place.path("target"));
        let words = [command, &url, &target];
        let output = place.run(if command == "mirror" { &words } else { &words[..2] });
        assert_eq!((code(&output), notes(&output)), (Some(3), 1), "{command}: {}", talk(&output));
    }
}

#[test]
fn mirror_of_what_is_no_directory_is_one_sentence_and_leaves_nothing_here() {
    let place = Place::new(replying("CWD", b"550 no such directory\r\n"));
    let output = place.run(&["mirror", &place.url("a/gone/"), &place.path("x/y")]);
    let said = format!(
        "port21: {} is no directory that can be mirrored: the server refused CWD a/gone: 550 no such directory; \
         `ls {}` lists what is there, and `get` fetches a file\n",
        place.url("a/gone/"),
        place.url("a/")
    );
    assert_eq!((code(&output), talk(&output)), (Some(1), said));
    assert!(place.local().is_empty());
    // One that can be entered and not listed.
    let place = Place::new(Manners {
        replies: vec![("MLSD", b"550 no\r\n".to_vec()), ("LIST", b"550 no\r\n".to_vec())],
        ..Manners::default()
    });
    let output = place.run(&["mirror", &place.url("a/gone/"), &place.path("x/y")]);
    assert_eq!(code(&output), Some(1), "{}", talk(&output));
    assert!(place.local().is_empty(), "{:?}", place.local());
}

#[test]
fn session_that_the_server_has_ended_is_not_ended_again() {
    let place = Place::new(replying("NOOP", b"421 the end\r\n"));
    let output = place.run(&["raw", &noted(&place, ""), "NOOP", "NOOP"]);
    assert_eq!((code(&output), notes(&output)), (Some(1), 1), "{}", talk(&output));
    assert!(!place.server.lines().contains(&"QUIT".to_owned()), "{:?}", place.server.lines());
}

#[test]
fn notes_are_told_when_a_signal_ends_a_command() {
    use std::os::unix::process::ExitStatusExt;
    for (silent, words) in [("NOOP", &["raw", "NOOP"][..]), ("PASS", &["ls"]), ("STOR", &["mirror"])] {
        let place = Place::new(replying(silent, b""));
        std::fs::write(place.path("file"), TEXT).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_port21"));
        command.args([words[0], "--no-netrc"]);
        if silent == "STOR" {
            command.arg(place.path(""));
        }
        command.arg(noted(&place, "")).args(&words[1..]);
        let child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let is_asked = || place.server.lines().iter().any(|line| line.starts_with(silent));
        port21_testkit::wait_until("the server is asked what it does not answer", is_asked);
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.signal(), notes(&output)), (Some(2), 1), "{words:?}: {}", talk(&output));
    }
}

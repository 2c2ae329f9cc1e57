//! The program as a server: what it says, what it refuses to start with, how it ends, how it is supervised.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

// Each of the programs that test servers uses a part of these.
#[allow(dead_code)]
mod client;
mod mistakes;
mod readme;
mod rotated;
mod scripts;
#[allow(dead_code)]
mod server;
mod supervised;
mod uploads;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use server::{PROGRAM, Server};

fn run(words: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .arg("serve")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not ask for a password does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn without_options_guests_may_read_and_not_write() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "12345").unwrap();
    let mut server = Server::start(&["--listen", "127.0.0.1:0", folder.path().to_str().unwrap()]);
    let root = folder.path().canonicalize().unwrap();
    assert!(server.said.contains(&format!("port21: serving {} on 127.0.0.1:", root.display())));
    server.hears("guests (anonymous) may read, and not write");
    let mut client = server.client();
    client.says("USER anonymous");
    assert!(client.says("PASS me@").starts_with("230"));
    assert!(client.says("TYPE I").starts_with("200"));
    assert!(client.says("SIZE file").starts_with("213 5"));
    assert!(client.says("DELE file").starts_with("550"));
    assert!(client.puts("new", b"x").starts_with('5'));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_account_writes_what_is_on_the_disk_and_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (root, log) = (folder.path().join("root"), folder.path().join("log"));
    fs::create_dir(&root).unwrap();
    let words = ["--account", "ada:secret", "--write", "--listen", "127.0.0.1:0", "--umask", "027"];
    let files = ["--log", log.to_str().unwrap(), root.to_str().unwrap()];
    let mut server = Server::start(&[&words[..], &files[..]].concat());
    assert!(server.said.contains("the list of processes shows the password"));
    let mut client = server.client();
    client.says("USER ada");
    assert!(client.says("PASS wrong").starts_with("530"));
    client.says("USER ada");
    assert!(client.says("PASS secret").starts_with("230"));
    assert!(client.puts("new", b"content").starts_with("226"));
    assert_eq!(fs::read(root.join("new")).unwrap(), b"content");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(root.join("new")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(client.says("SITE CHMOD 600 new").starts_with('2'));
    assert!(client.says("QUIT").starts_with("221"));
    server.signal("-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
    assert!(log.contains("ada") && log.contains("new") && !log.contains("secret"), "{log}");
}

#[test]
fn what_is_wrong_is_exit_code_2_and_a_port_that_is_taken_3() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("port21.toml");
    fs::write(&file, "[network]\nlisten = ['here']\n").unwrap();
    let file = file.to_str().unwrap();
    for (words, code, reason) in [
        (&["--listen", "nowhere"][..], 2, "no address with a port"),
        (&["--require-tls"], 2, "needs a certificate"),
        (&["/missing/folder"], 2, "/missing/folder"),
        (&["--config", "/missing/file"], 2, "cannot be read"),
        (&["--config", file], 2, "port21.toml:2: "),
        (&["--config", file, "--check"], 2, "port21.toml:2: "),
        (&["--user", "no-such-user-here"], 2, "--user: "),
        (&["--listen", &taken], 3, "cannot listen on"),
    ] {
        let output = run(words, "");
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", told(&output));
        assert!(told(&output).contains(reason), "{words:?}: {}", told(&output));
    }
}

#[test]
fn the_printed_configuration_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("port21.toml");
    fs::write(&file, run(&["--print-config"], "").stdout).unwrap();
    let output = run(&["--config", file.to_str().unwrap(), "--check"], "");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("the configuration is right: 0 accounts, guests who may read, no TLS"));
}

#[test]
fn accounts_are_read_anew_and_a_wrong_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, home) = (folder.path().join("accounts.toml"), folder.path().join("home"));
    fs::create_dir(&home).unwrap();
    let (file, home) = (file.to_str().unwrap(), home.to_str().unwrap());
    let set = |name: &str, password: &str| {
        let output = run(&["passwd", file, name, "--home", home], &format!("{password}\n"));
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    };
    let missing = run(&["passwd", file, "ada"], "x\n");
    assert_eq!(missing.status.code(), Some(2));
    assert!(told(&missing).contains("--home"), "{}", told(&missing));
    set("ada", "first");
    let mut server = Server::start(&["--accounts", file, "--listen", "127.0.0.1:0"]);
    let logs_in = |server: &Server, name: &str, password: &str| {
        server.client().logs_in(name, password).starts_with("230")
    };
    assert!(logs_in(&server, "ada", "first"));
    set("ada", "second");
    set("berta", "third");
    assert!(logs_in(&server, "ada", "first"), "not before it is told");
    server.signal("-HUP");
    server.hears("accounts are read anew: 2");
    assert!(!logs_in(&server, "ada", "first"));
    assert!(logs_in(&server, "ada", "second") && logs_in(&server, "berta", "third"));
    let mut text = fs::read_to_string(file).unwrap();
    text.push_str("nonsense = 1\n");
    fs::write(file, text).unwrap();
    server.signal("-HUP");
    server.hears("accounts stay as they were");
    assert!(logs_in(&server, "berta", "third"));
}

#[test]
fn the_servers_capture_is_explained_as_the_clients_saw_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let content = vec![b'x'; 300_000];
    fs::create_dir(path("root")).unwrap();
    fs::write(path("root/file"), &content).unwrap();
    let (pcap, root) = (path("pcap"), path("root"));
    let words = ["--account", "ada:secret", "--write", "--listen", "127.0.0.1:0", "--pcap", &pcap, &root];
    let mut server = Server::start(&words);
    let mut client = server.client();
    client.logs_in("ada", "secret");
    assert_eq!(client.gets("file"), content);
    assert!(client.puts("new", b"12345").starts_with("226"));
    assert!(client.says("QUIT").starts_with("221"));
    server.signal("-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(fs::metadata(&pcap).unwrap().len() < 20_000, "what crossed is not in it");
    let report = port21_testkit::Program::new(PROGRAM).explain_file(pcap.as_ref());
    let session = &report["sessions"][0];
    let transfers = session["transfers"].as_array().unwrap();
    let told: Vec<_> = transfers.iter().map(|one| [&one["verb"], &one["bytes"], &one["pairing"]]).collect();
    assert_eq!(
        serde_json::to_value(told).unwrap(),
        serde_json::json!([["RETR", 300_000, "exact"], ["STOR", 5, "exact"]])
    );
    // It does not claim to have seen the files.
    assert!(transfers.iter().all(|one| one["complete"] == false), "{transfers:#?}");
    let findings: Vec<_> =
        session["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(findings.contains(&"capture-gaps"), "{findings:?}");
    let exchanges = session["exchanges"].as_array().unwrap();
    assert_eq!(exchanges.last().unwrap()["command"]["verb"], "QUIT");
}

/// How the data connection of a session's only transfer ended, by the server's capture: in which state it is left, and whether the client
/// ended it. `play` is the client.
fn end_of_data(words: &[&str], play: impl FnOnce(&mut client::Client)) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("root")).unwrap();
    fs::write(path("root/file"), vec![b'x'; 30_000_000]).unwrap();
    let (pcap, root) = (path("pcap"), path("root"));
    let own = ["--account", "ada:secret", "--write", "--listen", "127.0.0.1:0", "--pcap", &pcap, &root];
    let mut server = Server::start(&[&own[..], words].concat());
    let mut client = server.client();
    client.logs_in("ada", "secret");
    play(&mut client);
    assert!(client.says("QUIT").starts_with("221"));
    server.signal("-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let report = port21_testkit::Program::new(PROGRAM).explain_file(pcap.as_ref());
    let data = &report["sessions"][0]["transfers"][0]["data"];
    // Data connections of EPSV are opened by the client.
    let by_client = match data["closed_by"].as_str() {
        Some("initiator") => true,
        Some("responder") => false,
        _ => panic!("{data:#}"),
    };
    (data["state"].as_str().unwrap().to_owned(), by_client)
}

#[test]
fn the_servers_capture_tells_who_ended_a_data_connection() {
    // A client that closes over what it has not read resets the connection.
    let broken = end_of_data(&[], |client| {
        let mut data = client.data();
        assert!(client.says("RETR file").starts_with("150"));
        std::io::Read::read_exact(&mut data, &mut [0; 1000]).unwrap();
        drop(data);
        assert!(client.reply().starts_with("426"));
    });
    assert_eq!(broken, ("reset".to_owned(), true));
    let stalled = end_of_data(&["--stall-timeout", "500ms"], |client| {
        let _data = client.data();
        assert!(client.says("STOR new").starts_with("150"));
        assert!(client.reply().starts_with("426"));
    });
    assert_eq!(stalled, ("reset".to_owned(), false));
    let aborted = end_of_data(&[], |client| {
        let _data = client.data();
        assert!(client.says("RETR file").starts_with("150"));
        assert!(client.says("ABOR").starts_with("426"));
        assert!(client.reply().starts_with("226"));
    });
    assert_eq!(aborted, ("closed".to_owned(), false));
}

#[test]
fn without_a_range_of_its_own_passive_ports_are_those_that_the_system_gives_away() {
    // With the shelter of the kernel on, as is the default: the server asks before it shuts itself off.
    let told = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let range: Vec<u16> = told.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--listen", "127.0.0.1:0", folder.path().to_str().unwrap()]);
    let mut client = server.client();
    client.logs_in("anonymous", "me@");
    let ports: Vec<u16> = (0..60)
        .map(|_| {
            let told = client.says("EPSV");
            told.split('|').nth(3).unwrap_or_else(|| panic!("{told}")).parse().unwrap()
        })
        .collect();
    assert!(ports.iter().all(|port| (range[0]..=range[1]).contains(port)), "{range:?}: {ports:?}");
    let middle = range[0] + (range[1] - range[0]) / 2;
    assert!(ports.iter().any(|port| *port < middle) && ports.iter().any(|port| *port >= middle), "{ports:?}");
}

#[test]
fn root_is_given_up_once_ports_are_bound() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let words = ["--user", "nobody", "--listen", "127.0.0.1:0", "--log", log.to_str().unwrap()];
    let words = [&words[..], &[folder.path().to_str().unwrap()]].concat();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    if !status.contains("\nUid:\t0\t") {
        assert_eq!(run(&words, "").status.code(), Some(2), "only root can become another user");
        return;
    }
    let server = Server::start(&words);
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let nobody = passwd.lines().find(|line| line.starts_with("nobody:")).unwrap();
    let number = nobody.split(':').nth(2).unwrap();
    // Who has to open it anew some time.
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&fs::metadata(&log).unwrap()).to_string(), number);
    for task in fs::read_dir(format!("/proc/{}/task", server.child.id())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let users = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
        assert_eq!(users, format!("Uid:\t{number}\t{number}\t{number}\t{number}"));
    }
}

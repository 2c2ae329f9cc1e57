//! `--explain` and `--pcap`: the finding that is printed is the right one, and others can read the recording.

use std::process::{Command, Output};

use port21_testkit::{FtpServer, Manners};

use super::server::Server;
use super::{PORT21, run, talk};

const TEXT: &[u8] = b"twenty bytes of text";

fn replying(replies: &[(&'static str, &str)]) -> Manners {
    let replies = replies.iter().map(|(verb, text)| (*verb, format!("{text}\r\n").into_bytes())).collect();
    Manners { replies, ..Manners::default() }
}

/// Fetches `a.txt` from a server that misbehaves, with an explanation.
fn explained(manners: Manners, options: &[&str]) -> Output {
    let server = FtpServer::start(manners, &[("a.txt", TEXT)]);
    let folder = tempfile::tempdir().unwrap();
    let (url, target) = (format!("ftp://joe:secret@{}/a.txt", server.address()), folder.path().join("a.txt"));
    let get = ["get", &url, "-o", target.to_str().unwrap(), "--explain", "--quiet", "--retries", "0"];
    run(&[&get[..], options].concat())
}

/// The codes of what was printed behind the error.
fn codes(output: &Output) -> Vec<String> {
    let talk = talk(output);
    let found = talk.lines().filter_map(|line| line.strip_prefix("port21: explain: "));
    found.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

/// A port where nobody listens any more.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn announced_address_that_cannot_be_reached_is_named() {
    let port = free_port();
    let passive = format!("227 Entering Passive Mode (127,0,0,5,{},{})", port / 256, port % 256);
    let manners = || replying(&[("EPSV", "500 unknown"), ("PASV", &passive)]);
    let output = explained(manners(), &["--use-announced-address", "--timeout", "5"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert_eq!(codes(&output), ["data-connection-refused", "passive-address-mismatch"], "{}", talk(&output));
    assert!(talk(&output).contains(&format!("announced 127.0.0.5:{port}")), "{}", talk(&output));

    // Ignored, as it is by default, it is still told.
    let output = explained(manners(), &["--timeout", "5"]);
    assert!(codes(&output).contains(&"passive-address-mismatch".to_owned()), "{}", talk(&output));
}

#[test]
fn port_where_nobody_listens_is_told_with_the_address_that_was_used() {
    let port = free_port();
    let output = explained(replying(&[("EPSV", &format!("229 here (|||{port}|)"))]), &["--timeout", "5"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(codes(&output).contains(&"data-connection-refused".to_owned()), "{}", talk(&output));
    assert!(talk(&output).contains(&format!("127.0.0.1:{port}")), "{}", talk(&output));
}

#[test]
fn refused_file_is_explained_by_the_servers_reply() {
    let output = explained(replying(&[("RETR", "550 no such file")]), &["--timeout", "5"]);
    assert_eq!(codes(&output), ["file-unavailable"], "{}", talk(&output));
    let talk = talk(&output);
    assert!(talk.find("550 no such file") < talk.find("explain:"), "the error stands first: {talk}");
}

#[test]
fn connection_that_is_cut_in_a_transfer_is_told() {
    let manners = Manners { cut_after: Some(5), closing: Some(Vec::new()), ..Manners::default() };
    let output = explained(manners, &["--timeout", "5"]);
    let codes = codes(&output);
    assert!(codes.contains(&"transfer-short".to_owned()), "{}", talk(&output));
    // Whether the data or the control connection's end is seen first is chance.
    let known = ["transfer-short", "transfer-unconfirmed", "control-lost-during-transfer"];
    assert!(codes.iter().all(|code| known.contains(&code.as_str())), "{}", talk(&output));
    assert!(talk(&output).contains("5 bytes crossed, 20 were announced"), "{}", talk(&output));
}

#[test]
fn refused_login_ends_with_the_error_and_then_its_finding() {
    let output = explained(replying(&[("PASS", "530 not you")]), &["--timeout", "5"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(codes(&output), ["login-rejected"], "{}", talk(&output));
    assert_eq!(talk(&output).matches("530 not you").count(), 1, "the error is told once: {}", talk(&output));
}

#[test]
fn nothing_is_explained_where_nothing_failed() {
    let output = explained(Manners::default(), &["--timeout", "5"]);
    assert_eq!((output.status.code(), talk(&output)), (Some(0), String::new()));
}

#[test]
fn recording_hides_the_password_and_others_read_it() {
    for (tls, options) in [("off", &[][..]), ("require", &["--tls-self-signed"][..])] {
        let server = Server::start(options);
        server.put("a.bin", &vec![b'x'; 300_000]);
        let folder = tempfile::tempdir().unwrap();
        let (file, pcap) = (folder.path().join("a.bin"), folder.path().join("a.pcapng"));
        let pcap_name = pcap.to_str().unwrap();
        let get = ["get", &server.url("a.bin"), "-o", file.to_str().unwrap(), "--pcap", pcap_name];
        let output = run(&[&get[..], &["--quiet", "--tls", tls, "--insecure"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));

        let bytes = std::fs::read(&pcap).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"a secret"), "the password is in it");
        assert!(bytes.len() < 100_000, "data is cut: {} bytes", bytes.len());

        let report = PORT21.explain_file(&pcap);
        let session = &report["sessions"][0];
        assert_eq!(session["logins"][0]["user"], "joe", "{tls}");
        assert_eq!(session["logins"][0]["outcome"], "accepted");
        let transfers = session["transfers"].as_array().unwrap();
        let transfer = transfers.iter().find(|transfer| transfer["verb"] == "RETR").unwrap();
        assert_eq!((&transfer["bytes"], &transfer["path"]), (&300_000.into(), &"a.bin".into()));
        assert_eq!(transfer["closing_reply"]["code"], 226);

        let tshark = Command::new("tshark")
            .args(["-n", "-r", pcap_name, "-Y", "ftp.request.command", "-T", "fields"])
            .args(["-e", "ftp.request.command", "-e", "ftp.request.arg"])
            .args(["-d", &format!("tcp.port=={},ftp", session["server"]["port"])])
            .output()
            .expect("tshark runs");
        let commands = String::from_utf8_lossy(&tshark.stdout);
        assert!(commands.contains("USER\tjoe") && commands.contains("PASS\t<hidden>"), "{commands}");
        assert!(commands.contains("RETR\ta.bin"), "{commands}");
    }
}

#[test]
fn recording_hides_passwords_that_are_sent_raw() {
    let once = ["200-old-word was it\r\n200 it is NEW-WORD now\r\n", "502 no help for me\r\n"];
    let once = once.map(|reply| ("SITE", reply.as_bytes().to_vec())).to_vec();
    let server = FtpServer::start(Manners { once, ..Manners::default() }, &[]);
    let url = format!("ftp://joe:secret@{}/", server.address());
    let folder = tempfile::tempdir().unwrap();
    let pcap = folder.path().join("a.pcapng");
    let output =
        run(&["raw", "--pcap", pcap.to_str().unwrap(), &url, "SITE PSWD old-word new-word", "SITE HELP me"]);
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    let bytes = std::fs::read(&pcap).unwrap();
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(!holds(b"old-word") && !holds(b"new-word"), "the passwords are in it");
    assert!(holds(b"SITE PSWD <hidden>\r\n") && holds(b"SITE HELP me\r\n"));
    // Nor are they where the server repeats them.
    assert!(!holds(b"NEW-WORD"), "a reply's are in it");
    assert!(holds(b"200-<hidden>\r\n") && holds(b"200 <hidden>\r\n") && holds(b"502 no help for me\r\n"));
}

#[test]
fn nothing_is_explained_to_who_has_read_enough() {
    let server = FtpServer::start(Manners::default(), &[("big.bin", &vec![b'x'; 4 << 20])]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_port21"))
        .args(["cat", "--explain", "--quiet", "--no-netrc", &format!("ftp://{}/big.bin", server.address())])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), talk(&output)), (Some(0), String::new()));
}

//! Whose certificates are accepted, and how a user comes to trust one.

use std::process::{Command, Output, Stdio};

use crate::server::Server;
use crate::{run, talk};

fn list(server: &Server, options: &[&str]) -> Output {
    run(&[&["ls", &server.url(""), "--tls", "require"], options].concat())
}

/// The SHA-256 of the server's certificate, by OpenSSL.
fn fingerprint(server: &Server) -> String {
    let url = server.url("");
    let place = url.rsplit_once('@').unwrap().1.trim_end_matches('/');
    let client = Command::new("openssl")
        .args(["s_client", "-starttls", "ftp", "-connect", place])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("certificate");
    std::fs::write(&file, client.stdout).unwrap();
    let printed = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(&file)
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    printed.trim().rsplit_once('=').expect("a fingerprint").1.to_owned()
}

#[test]
fn certificate_that_nobody_has_signed_is_named_and_can_be_trusted_by_that_name() {
    let server = Server::start(&["--tls-self-signed"]);
    server.put("a.txt", b"a");
    let fingerprint = fingerprint(&server);
    let refused = list(&server, &[]);
    assert_eq!(refused.status.code(), Some(3), "{}", talk(&refused));
    assert!(talk(&refused).contains("nobody that is trusted has signed"), "{}", talk(&refused));
    assert!(talk(&refused).contains(&format!("--trust {fingerprint} trusts it")), "{}", talk(&refused));
    for trusted in [fingerprint.clone(), fingerprint.replace(':', "").to_lowercase()] {
        let output = list(&server, &["--trust", &trusted]);
        assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
        assert!(!talk(&output).contains("not verified"), "{}", talk(&output));
        assert!(String::from_utf8_lossy(&output.stdout).contains("a.txt"));
    }
    let other = fingerprint.chars().rev().collect::<String>();
    let output = list(&server, &["--trust", &other]);
    assert_eq!(output.status.code(), Some(3), "{}", talk(&output));
    let said = format!("is not the one that is trusted: its SHA-256 is {fingerprint}");
    assert!(talk(&output).contains(&said), "{}", talk(&output));
}

#[test]
fn what_is_no_fingerprint_is_a_file() {
    let server = Server::start(&[]);
    let output = list(&server, &["--trust", "0C:1D"]);
    assert_eq!(output.status.code(), Some(2), "{}", talk(&output));
    assert!(talk(&output).contains("0C:1D cannot be read"), "{}", talk(&output));
}

#[test]
fn server_that_is_taken_for_another_kind_is_told_by_its_url() {
    let server = Server::start(&["--tls-self-signed"]);
    let output = run(&["ls", &server.url("").replace("ftp:", "ftps:")]);
    assert_eq!(output.status.code(), Some(3), "{}", talk(&output));
    assert!(talk(&output).contains("ftpes:// is for that"), "{}", talk(&output));
}

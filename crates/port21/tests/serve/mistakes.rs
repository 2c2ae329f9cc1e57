//! What an administrator gets wrong, and how it is told: before anybody is served, with the place and what to do.

use std::fs;
use std::process::Command;

use crate::{run, told};

#[test]
fn a_mistake_in_a_file_is_told_with_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (file, home) = (folder.path().join("file.toml"), folder.path().to_str().unwrap().to_owned());
    let ada = format!("[ada]\nhome = '{home}'\n");
    for (option, text, reason) in [
        (
            "--config",
            "[limits]\nmax-conections = 5\n".to_owned(),
            "file.toml:2: `max-conections` is no key here; did you mean `max-connections`?",
        ),
        (
            "--config",
            "[tls]\nrequire_tls = true\n".to_owned(),
            ":2: `require-tls` is no key here; it belongs into the table [tls]",
        ),
        (
            "--config",
            "listen = ['127.0.0.1:21']\n".to_owned(),
            ":1: `listen` is no key here; it belongs into the table [network]",
        ),
        (
            "--config",
            "[netwrok]\nlisten = []\n".to_owned(),
            ":1: `netwrok` is no key here; did you mean `network`?",
        ),
        (
            "--config",
            "[network]\nlisten = '127.0.0.1:21'\n".to_owned(),
            ":2: invalid type: string \"127.0.0.1:21\", expected a list in brackets",
        ),
        ("--config", "[access]\nanonymous = 'yes'\n".to_owned(), "expected true or false"),
        (
            "--accounts",
            format!("{ada}pasword = 'x'\n"),
            ":3: `pasword` is no key here; did you mean `password`?",
        ),
        ("--accounts", format!("{ada}password = 'in clear'\n"), "`port21 serve passwd` makes one"),
        ("--accounts", "ada = 'x'\n".to_owned(), "expected a table, which a line such as [name] begins"),
    ] {
        fs::write(&file, &text).unwrap();
        let output = run(&["--check", option, file.to_str().unwrap()], "");
        assert_eq!(output.status.code(), Some(2), "{text}: {}", told(&output));
        assert!(told(&output).contains(reason), "{text}: {}", told(&output));
    }
}

#[test]
fn what_is_missing_is_named_before_anybody_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("text"), "no program").unwrap();
    let root = path("");
    for (words, reason) in [
        (
            ["--accounts", &path("missing")],
            "`port21 serve passwd FILE NAME --home DIR` makes an accounts file",
        ),
        (["--upload-hook", &path("missing")], "missing cannot be run: "),
        (["--upload-hook", &path("text")], "text cannot be run: "),
        (["--log", &path("missing/log")], "missing/log cannot be opened: "),
        (["--xferlog", &root], "cannot be opened: "),
        (["--pcap", &path("missing/pcap")], "missing/pcap cannot be written: "),
        (["--tls-cert", &path("missing")], "--tls-cert: "),
    ] {
        let output = run(&[&words[..], &["--listen", "127.0.0.1:0", &root]].concat(), "");
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", told(&output));
        assert!(told(&output).contains(reason), "{words:?}: {}", told(&output));
    }
}

#[test]
fn accounts_that_have_no_home_are_named_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let (file, home) = (folder.path().join("accounts.toml"), folder.path().to_str().unwrap());
    let mut text = format!("[ada]\nhome = '{home}'\n[new]\nhome = '{home}/new'\ncreate-home = true\n");
    text.extend((0..7).map(|number| format!("[user{number}]\nhome = '{home}/{number}'\n")));
    fs::write(&file, text).unwrap();
    let output = run(&["--check", "--accounts", file.to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let named = told(&output).lines().filter(|line| line.contains("create-home = true makes it")).count();
    assert_eq!(named, 5, "{}", told(&output));
    assert!(told(&output).contains("2 more accounts have no home"), "{}", told(&output));
}

#[test]
fn a_key_of_another_certificate_is_told_with_both_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for name in ["one", "other"] {
        let (key, certificate) = (path(&format!("{name}.key")), path(&format!("{name}.pem")));
        let words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let files = ["-subj", "/CN=localhost", "-keyout", &key, "-out", &certificate];
        assert!(Command::new("openssl").args(words).args(files).output().unwrap().status.success());
    }
    let output = run(&["--check", "--tls-cert", &path("one.pem"), "--tls-key", &path("other.key")], "");
    assert_eq!(output.status.code(), Some(2));
    let reason = format!(
        "--tls-key: the private key in {} is not that of the certificate in {}",
        path("other.key"),
        path("one.pem")
    );
    assert!(told(&output).contains(&reason), "{}", told(&output));
    let right = run(&["--check", "--tls-cert", &path("one.pem"), "--tls-key", &path("one.key")], "");
    assert_eq!(right.status.code(), Some(0), "{}", told(&right));
}

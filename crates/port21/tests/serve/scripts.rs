//! nmap's scripts for FTP servers look for what is wrong with this one.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use port21_testkit::{records, wait_until};

use crate::server::Server;

/// What each script says of the server, by its name; a script that has found nothing says nothing.
fn found(server: &Server, scripts: &str, arguments: &str) -> BTreeMap<String, String> {
    let (host, port) = server.address.split_once(':').unwrap();
    // "+" has a script run on any port.
    let words = ["-Pn", "-n", "-p", port, "--script", scripts, "--script-args", arguments, "-oX", "-", host];
    let output = Command::new("nmap").args(words).output().expect("nmap is needed");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("state=\"open\""), "{output:?}");
    let attribute = |tag: &str, name: &str| {
        let (_, value) = tag.split_once(&format!("{name}=\""))?;
        Some(value.split_once('"')?.0.to_owned())
    };
    let tags = told.split("<script ").skip(1).map(|rest| rest.split_once('>').unwrap_or((rest, "")).0);
    tags.filter_map(|tag| Some((attribute(tag, "id")?, attribute(tag, "output")?))).collect()
}

#[test]
fn nmaps_scripts_find_what_is_meant_to_be_found_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("public.txt"), "public").unwrap();
    let root = folder.path().to_str().unwrap();
    for (options, intended) in [(&["--anonymous"][..], &["ftp-anon"][..]), (&[], &[])] {
        let first = ["--listen", "127.0.0.1:0", "--account", "ada:secret"];
        let server = Server::start(&[&first[..], options, &[root]].concat());
        let mut told = found(&server, "+ftp-* and not ftp-brute", "unused");
        // What SYST and STAT say.
        told.remove("ftp-syst");
        let names: Vec<&str> = told.keys().map(String::as_str).collect();
        assert_eq!(names, intended, "{told:?}");
        assert!(told.values().all(|output| output.contains("public.txt")), "{told:?}");
        assert!(server.client().logs_in("ada", "secret").starts_with("230"), "it is still there");
    }
}

#[test]
fn whoever_guesses_with_nmap_is_sent_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(path("root")).unwrap();
    fs::write(path("names"), "ada\nberta\nroot\n").unwrap();
    // The right one is the last, behind more than may be tried.
    let guesses: String = (0..40).map(|number| format!("guess{number}\n")).collect();
    fs::write(path("passwords"), guesses + "secret\n").unwrap();
    let log = path("log");
    let words = ["--listen", "127.0.0.1:0", "--account", "ada:secret", "--log", &log, &path("root")];
    let server = Server::start(&words);
    let arguments = format!(
        "userdb={},passdb={},brute.retries=1,unpwdb.timelimit=20s,brute.firstonly=true",
        path("names"),
        path("passwords")
    );
    let told = found(&server, "+ftp-brute", &arguments);
    assert!(!told.get("ftp-brute").is_some_and(|told| told.contains("Valid credentials")), "{told:?}");
    let is_refused = |record: &Value| {
        record["event"] == "refused" && record["reason"] == "the address failed to log in too often"
    };
    wait_until("it is refused", || records(log.as_ref()).iter().any(is_refused));
    assert!(records(log.as_ref()).iter().all(|record| record["event"] != "logged-in"));
}

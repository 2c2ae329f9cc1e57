//! `mirror` in the shell.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::server::Server;
use super::{run, talk};

/// Carries commands out at `place` on the server, in a folder here.
fn shell(server: &Server, place: &str, folder: &Path, commands: &str) -> Output {
    let commands = format!("lcd '{}'; {commands}", folder.display());
    run(&["shell", "--quiet", "-c", &commands, &server.url(place)])
}

/// All files below a folder but hidden ones, as paths with what they hold.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let name = name.into_string().unwrap();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|below| format!("{name}/{below}")));
        } else if !name.starts_with('.') {
            found.push(format!("{name}={}", fs::read_to_string(path).unwrap()));
        }
    }
    found.sort();
    found
}

fn make(folder: &Path, names: &[&str]) {
    for name in names {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name.rsplit('/').next().unwrap()).unwrap();
    }
}

#[test]
fn directory_is_fetched_under_its_name_or_another_or_into_a_folder() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    make(server.folder.path(), &["pub/data set/a", "pub/data set/sub/b", "pub/other"]);
    let output = shell(
        &server,
        "pub/",
        here.path(),
        "mirror 'data set'; mirror /pub/data\\ set copy; mirror 'data set' into/; pwd; mirror -X sub/ 'data set/' less",
    );
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let mut wanted = Vec::new();
    for place in ["copy", "data set", "into/data set"] {
        wanted.extend([format!("{place}/a=a"), format!("{place}/sub/b=b")]);
    }
    wanted.push("less/a=a".to_owned());
    assert_eq!(files(here.path()), wanted);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "/pub\n", "the shell is where it was");
}

#[test]
fn without_names_the_two_current_directories_become_alike() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    make(server.folder.path(), &["pub/a", "pub/sub/b", "elsewhere"]);
    make(here.path(), &["old"]);
    let output = shell(&server, "pub/", here.path(), "mirror");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(files(here.path()), ["a=a", "old=old", "sub/b=b"]);
    let dry = shell(&server, "pub/", here.path(), "mirror -e -n");
    assert!(String::from_utf8_lossy(&dry.stdout).contains("would delete old"), "{dry:?}");
    shell(&server, "pub/", here.path(), "mirror -e");
    assert_eq!(files(here.path()), ["a=a", "sub/b=b"]);
}

#[test]
fn folder_is_sent_with_reverse() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    let far = server.folder.path();
    make(here.path(), &["site/index", "site/sub/page", "site/x.tmp"]);
    make(far, &["www/site/gone", "www/kept"]);
    let output = shell(
        &server,
        "www/",
        here.path(),
        "mirror -R -c -e --exclude *.tmp site; cd; mirror -R site copies/; ls -R --names-only copies",
    );
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let wanted = [
        "copies/site/index=index",
        "copies/site/sub/page=page",
        "copies/site/x.tmp=x.tmp",
        "www/kept=kept",
        "www/site/index=index",
        "www/site/sub/page=page",
    ];
    assert_eq!(files(far), wanted, "{}", talk(&output));
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(listed.contains("site/sub/page"), "the session is there again: {listed}");
}

#[test]
fn only_session_of_a_user_is_given_up_for_it() {
    let server = Server::start(&["--max-connections", "1"]);
    let here = tempfile::tempdir().unwrap();
    make(server.folder.path(), &["a", "b", "c"]);
    let output = shell(&server, "", here.path(), "pwd; mirror; pwd");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!((files(here.path()).len(), output.stdout.as_slice()), (3, &b"/\n/\n"[..]));
}

#[test]
fn what_cannot_be_mirrored_ends_a_batch_with_its_exit_code() {
    let (server, here) = (Server::start(&[]), tempfile::tempdir().unwrap());
    make(server.folder.path(), &["a"]);
    for (commands, code) in [
        ("mirror nowhere; rm a", 1),
        ("mirror -R nowhere; rm a", 2),
        ("mirror a b c; rm a", 2),
        ("mirror --max-delete 1; rm a", 2),
    ] {
        let output = shell(&server, "", here.path(), commands);
        assert_eq!(output.status.code(), Some(code), "{commands}: {}", talk(&output));
    }
    assert_eq!(files(server.folder.path()), ["a=a"]);
    assert!(files(here.path()).is_empty() && !here.path().join("nowhere").exists());
    let help = run(&["shell", "-c", "help mirror"]);
    assert_eq!(help.status.code(), Some(0), "{}", talk(&help));
    assert!(String::from_utf8_lossy(&help.stdout).contains("--reverse"));
}

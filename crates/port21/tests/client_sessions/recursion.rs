//! `ls --recursive` and `rm --recursive`.

use std::fs;
use std::path::Path;
use std::process::Output;

use port21_testkit::{FtpServer, Manners};

use crate::server::Server;
use crate::{run, talk};

fn on(server: &Server, words: &[&str], path: &str) -> Output {
    run(&[words, &[server.url(path).as_str()]].concat())
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn plant(folder: &Path) {
    fs::create_dir_all(folder.join("tree/deep/deeper")).unwrap();
    fs::create_dir(folder.join("tree/empty")).unwrap();
    for name in ["other", "tree/a b", "tree/[x]*", "tree/deep/c", "tree/deep/deeper/.d"] {
        fs::write(folder.join(name), name).unwrap();
    }
}

#[test]
fn all_below_a_directory_is_listed_with_its_path() {
    let server = Server::start(&[]);
    plant(server.folder.path());
    let output = on(&server, &["ls", "-R", "--names"], "tree/");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    let all = ["[x]*", "a b", "deep", "empty", "deep/c", "deep/deeper", "deep/deeper/.d"];
    assert_eq!(lines(&output), all);
    let output = on(&server, &["ls", "-R", "--names"], "t*");
    assert_eq!(lines(&output)[..2], ["tree", "tree/[x]*"], "{}", talk(&output));
    let hidden = on(&server, &["ls", "-a", "--names"], "tree/deep/deeper/");
    assert_eq!(lines(&hidden), [".d"], "{}", talk(&hidden));
    let long = on(&server, &["shell", "-c", "ls -la tree/deep/c"], "");
    assert!(lines(&long)[0].ends_with("tree/deep/c"), "{}", talk(&long));
    let output = on(&server, &["shell", "-c", "cd tree; ls -R --names-only d*"], "");
    assert_eq!(lines(&output), ["deep", "deep/c", "deep/deeper", "deep/deeper/.d"], "{}", talk(&output));
}

#[test]
fn directory_is_removed_with_all_that_it_holds_and_nothing_else() {
    let server = Server::start(&[]);
    let (here, elsewhere) = (server.folder.path(), tempfile::tempdir().unwrap());
    plant(here);
    fs::create_dir(here.join("kept")).unwrap();
    fs::write(here.join("kept/file"), "").unwrap();
    fs::write(elsewhere.path().join("file"), "").unwrap();
    std::os::unix::fs::symlink("../kept", here.join("tree/link")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), here.join("tree/out")).unwrap();
    let output = on(&server, &["rm", "-r"], "tree");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert!(!here.join("tree").exists() && here.join("other").exists());
    assert!(here.join("kept/file").exists() && elsewhere.path().join("file").exists());
    let output = on(&server, &["shell", "-c", "rm -r kept oth*"], "");
    assert_eq!(output.status.code(), Some(0), "{}", talk(&output));
    assert_eq!(fs::read_dir(here).unwrap().count(), 0);
}

#[test]
fn what_is_not_there_is_told_and_all_is_never_meant_by_nothing() {
    let server = Server::start(&[]);
    plant(server.folder.path());
    let output = on(&server, &["rm", "-r"], "nothing");
    assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
    assert!(talk(&output).contains("DELE nothing: 550"), "{}", talk(&output));
    for all in ["", "%2F", ".", "..", "./"] {
        let output = on(&server, &["rm", "-r"], all);
        assert_eq!(output.status.code(), Some(2), "{all}: {}", talk(&output));
    }
    let output = on(&server, &["rm"], "tree/");
    assert_eq!(output.status.code(), Some(1), "not without the option: {}", talk(&output));
    assert!(server.folder.path().join("tree/deep/deeper/.d").exists());
}

#[test]
fn directory_that_holds_itself_ends_and_names_that_lead_elsewhere_are_left_alone() {
    let listing = b"type=dir; a\r\ntype=file; ../../b\r\ntype=dir; /c\r\ntype=pdir; ..\r\n".to_vec();
    let server = FtpServer::start(Manners { listing: Some(listing), ..Manners::default() }, &[]);
    let url = format!("ftp://{}/x", server.address());
    let listed = run(&["ls", "-R", "--names", &url]);
    let removed = run(&["rm", "-r", &url]);
    for output in [listed, removed] {
        assert_eq!(output.status.code(), Some(1), "{}", talk(&output));
        assert!(talk(&output).contains("directories deep"), "{}", talk(&output));
        assert!(talk(&output).contains("not all of its listing can be used"), "{}", talk(&output));
    }
    let sent = server.lines();
    let elsewhere = |line: &&String| line.contains("..") || line.contains("//") || line.ends_with("/c");
    assert!(!sent.iter().any(|line| elsewhere(&line)), "{:?}", sent.iter().find(elsewhere));
}

//! Logs that are moved away while the server writes them, as logrotate does.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::server::Server;

/// Uploads a file, and gives the lines of both logs once its line has come.
fn uploads(server: &Server, folder: &Path, name: &str) -> [String; 2] {
    let mut client = server.client();
    client.logs_in("anonymous", "me@");
    assert!(client.puts(name, b"12345").starts_with("226"));
    assert!(client.says("QUIT").starts_with("221"));
    let until = std::time::Instant::now() + crate::client::PATIENCE;
    loop {
        let logs = ["log", "xferlog"].map(|log| fs::read_to_string(folder.join(log)).unwrap_or_default());
        if logs.iter().all(|log| log.contains(name)) {
            return logs;
        }
        assert!(std::time::Instant::now() < until, "{logs:?}");
        std::thread::yield_now();
    }
}

#[test]
fn logs_that_were_moved_away_are_begun_anew_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("root")).unwrap();
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    let (log, xferlog, root) = (text("log"), text("xferlog"), text("root"));
    let mut server =
        Server::start(&["--write", "--listen", "127.0.0.1:0", "--log", &log, "--xferlog", &xferlog, &root]);
    uploads(&server, folder.path(), "first");
    for name in ["log", "xferlog"] {
        fs::rename(path(name), path(&format!("{name}.1"))).unwrap();
    }
    server.signal("-HUP");
    server.hears("accounts are read anew");
    for log in uploads(&server, folder.path(), "second") {
        assert!(!log.contains("first"), "{log}");
    }
    for name in ["log.1", "xferlog.1"] {
        assert!(fs::read_to_string(path(name)).unwrap().contains("first"));
    }
    // A reload that moves nothing leaves the files open.
    let before = fs::metadata(path("log")).unwrap().ino();
    server.signal("-HUP");
    server.hears("accounts are read anew");
    assert!(uploads(&server, folder.path(), "third").iter().all(|log| log.contains("second")));
    assert_eq!(fs::metadata(path("log")).unwrap().ino(), before);
    // What cannot be opened is told, and the file that was open is written on.
    fs::rename(path("log"), path("log.2")).unwrap();
    fs::create_dir(path("log")).unwrap();
    server.signal("-HUP");
    assert!(server.hears("cannot be opened anew").contains("the file that was open is written on"));
    let mut client = server.client();
    client.logs_in("anonymous", "me@");
    assert!(client.puts("fourth", b"1").starts_with("226"));
    server.signal("-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(fs::read_to_string(path("log.2")).unwrap().contains("fourth"));
}

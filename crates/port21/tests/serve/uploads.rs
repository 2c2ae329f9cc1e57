//! Large uploads, which the kernel moves from the socket into the file where the file takes that.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::client::Client;
use crate::server::Server;
use crate::{run, told};

const LENGTH: usize = 20_000_000;

/// Bytes of which no two pieces are the same.
fn content() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(LENGTH);
    while bytes.len() < LENGTH {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes
}

/// Sends as fast as it is taken. What the server says once it has had enough counts, not that it closed.
fn sends(client: &mut Client, command: &str, content: &[u8]) -> String {
    let mut data = client.data();
    assert!(client.says(command).starts_with("150"));
    let _ = data.write_all(content);
    drop(data);
    client.reply()
}

fn names(root: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn large_uploads_are_whole_also_behind_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&["--write", "--listen", "127.0.0.1:0", folder.path().to_str().unwrap()]);
    let content = content();
    let mut client = server.client();
    client.logs_in("anonymous", "me@");
    client.says("TYPE I");
    let whole = format!("226 Transfer complete: {LENGTH} bytes.\r\n");
    assert_eq!(sends(&mut client, "STOR one", &content), whole);
    assert!(fs::read(folder.path().join("one")).unwrap() == content);
    assert_eq!(sends(&mut client, "APPE one", &content), whole);
    assert!(fs::read(folder.path().join("one")).unwrap() == [&content[..], &content].concat());
    assert!(client.says("REST 1000").starts_with("350"));
    assert_eq!(sends(&mut client, "STOR one", &content), whole);
    assert!(fs::read(folder.path().join("one")).unwrap() == [&content[..1000], &content].concat());
    assert!(sends(&mut client, "STOU", &content).starts_with("226"));
    assert_eq!(names(folder.path()).len(), 2);
}

#[test]
fn a_large_upload_ends_at_the_quota_and_one_of_just_that_size_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (file, home) = (folder.path().join("accounts.toml"), folder.path().join("home"));
    fs::create_dir(&home).unwrap();
    let words = ["passwd", file.to_str().unwrap(), "ada", "--home", home.to_str().unwrap()];
    let output = run(&words, "secret\n");
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str(&format!("permissions = 'all'\nquota-bytes = {LENGTH}\n"));
    fs::write(&file, text).unwrap();
    let server = Server::start(&["--accounts", file.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let content = content();
    let mut client = server.client();
    assert!(client.logs_in("ada", "secret").starts_with("230"));
    client.says("TYPE I");
    let more = [&content[..], b"x"].concat();
    assert!(sends(&mut client, "STOR more", &more).starts_with("552"));
    assert_eq!(names(&home), [""; 0]);
    assert!(sends(&mut client, "STOR just", &content).starts_with("226"));
    assert!(sends(&mut client, "STOR more", &more[..1]).starts_with("552"));
    assert!(client.says("DELE just").starts_with("250"));
    assert!(sends(&mut client, "STOR again", &content).starts_with("226"));
    assert_eq!(names(&home), ["again"]);
}

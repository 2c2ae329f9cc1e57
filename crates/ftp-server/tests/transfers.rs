//! Transfers in clear, with other people's clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use ftp_server::record::What;
use support::{Dialogue, at, connect_from, noise, run, start};

#[test]
fn curl_gets_what_it_put() {
    let server = start(|_| {});
    let content = noise(3_000_000);
    server.write("local", &content);
    let source = server.root.join("local");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/x", server.port());
    let put = run("curl", &["-sS", "-T", source.to_str().unwrap(), &url]);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert_eq!(server.read("x"), content);
    let target = server.root.join("back");
    let got = run("curl", &["-sS", "-o", target.to_str().unwrap(), &url]);
    assert_eq!(got.code, Some(0), "{got:?}");
    assert_eq!(server.read("back"), content);
    let upload = server.log.transfer(0);
    assert_eq!((upload.bytes, upload.wire_bytes, upload.error), (3_000_000, 3_000_000, None));
    assert_eq!(upload.path, b"/x");
    let download = server.log.transfer(1);
    assert_eq!((download.bytes, download.error), (3_000_000, None));
}

#[test]
fn every_way_to_a_data_connection_serves() {
    let server = start(|setting| setting.configuration.listeners = vec![at("127.0.0.1:0"), at("[::1]:0")]);
    server.write("file", b"content");
    for (host, port) in [("127.0.0.1", server.addresses[0].port()), ("[::1]", server.addresses[1].port())] {
        let url = format!("ftp://anna:secret@{host}:{port}/file");
        for way in [&["--ftp-pasv"][..], &["--disable-epsv"], &["-P", "-"], &["-P", "-", "--disable-eprt"]] {
            if host == "[::1]" && way.last() != Some(&"--ftp-pasv") && way != ["-P", "-"] {
                // PASV and PORT have no room for IPv6.
                continue;
            }
            let mut arguments = vec!["-sS", "-g"];
            arguments.extend_from_slice(way);
            arguments.push(&url);
            let got = run("curl", &arguments);
            assert_eq!((got.code, got.output.as_str()), (Some(0), "content"), "{way:?} {got:?}");
        }
    }
    let ways: Vec<bool> = server.log.transfers().iter().map(|transfer| transfer.passive).collect();
    assert_eq!(ways, [true, true, false, false, true, false]);
}

#[test]
fn downloads_and_uploads_resume() {
    let server = start(|_| {});
    let content = noise(500_000);
    server.write("file", &content);
    server.write("half", &content[..200_000]);
    let half = server.root.join("half");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/", server.port());
    let got = run("curl", &["-sS", "-C", "-", "-o", half.to_str().unwrap(), &format!("{url}file")]);
    assert_eq!(got.code, Some(0), "{got:?}");
    assert_eq!(server.read("half"), content);
    assert_eq!(server.log.transfer(0).bytes, 300_000);
    server.write("up", &content[..100_000]);
    let source = server.root.join("file");
    let put = run("curl", &["-sS", "-C", "-", "-T", source.to_str().unwrap(), &format!("{url}up")]);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert_eq!(server.read("up"), content);
}

#[test]
fn lftp_mirrors_a_tree_both_ways() {
    let server = start(|_| {});
    let tree = server.root.join("tree");
    std::fs::create_dir_all(tree.join("a b/c")).unwrap();
    std::fs::write(tree.join("a b/c/ü"), noise(10_000)).unwrap();
    std::fs::write(tree.join("empty"), b"").unwrap();
    let local = tempfile::tempdir().unwrap();
    let script = format!(
        "set net:max-retries 1; open -u anna,secret ftp://127.0.0.1:{}; mirror tree {local}/down; mirror -R {local}/down up",
        server.port(),
        local = local.path().display()
    );
    let done = run("lftp", &["-c", &script]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(server.read("up/a b/c/ü"), noise(10_000));
    assert_eq!(server.read("up/empty"), b"");
}

#[test]
fn a_thief_gets_nothing_and_the_client_its_file() {
    let server = start(|_| {});
    server.write("file", b"for anna only");
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    let address = dialogue.passive();
    let mut thief = connect_from("127.0.0.2".parse().unwrap(), address).unwrap();
    dialogue.say(b"RETR file\r\n");
    dialogue.expect(150);
    let mut stolen = Vec::new();
    // A reset is as good as an end.
    let _ = thief.read_to_end(&mut stolen);
    assert_eq!(stolen, b"");
    let mut data = std::net::TcpStream::connect(address).unwrap();
    let mut content = Vec::new();
    data.read_to_end(&mut content).unwrap();
    dialogue.expect(226);
    assert_eq!(content, b"for anna only");
    let stranger = server.log.wait_for("a stranger", |records| {
        records.iter().find_map(|record| match record.what {
            What::Stranger { stranger, .. } => Some(stranger.ip()),
            _ => None,
        })
    });
    assert_eq!(stranger.to_string(), "127.0.0.2");
    assert!(connect_from("127.0.0.1".parse().unwrap(), address).is_err(), "the listener is closed after one");
}

#[test]
fn a_data_port_that_nobody_uses_is_closed() {
    let server = start(|setting| setting.configuration.times.passive = Duration::from_millis(200));
    server.write("file", b"x");
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    let address = dialogue.passive();
    // The second wait begins with the command.
    dialogue.ask("RETR file", 150);
    dialogue.expect(425);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(server.log.transfer(0).error.as_deref(), Some("the data connection could not be opened"));
}

#[test]
fn an_abort_in_the_middle_ends_the_transfer_and_not_the_session() {
    let server = start(|_| {});
    server.write("file", &noise(50_000_000));
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    dialogue.ask("TYPE I", 200);
    let mut data = dialogue.data();
    dialogue.ask("RETR file", 150);
    let mut some = [0; 1000];
    data.read_exact(&mut some).unwrap();
    // Telnet's interrupt and its mark, urgent as RFC 959 section 4.1.3 asks for.
    dialogue.say(b"\xff\xf4");
    rustix::net::send(&dialogue.socket, b"\xff\xf2", rustix::net::SendFlags::OOB).unwrap();
    dialogue.ask("ABOR", 426);
    dialogue.expect(226);
    dialogue.ask("NOOP", 200);
    let transfer = server.log.transfer(0);
    assert_eq!(transfer.error.as_deref(), Some("the transfer was ended by the client"));
    assert!(transfer.bytes < 50_000_000);
}

#[test]
fn stat_tells_how_far_a_transfer_is() {
    let server = start(|_| {});
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    dialogue.ask("TYPE I", 200);
    let mut data = dialogue.data();
    dialogue.ask("STOR file", 150);
    data.write_all(&[0; 1234]).unwrap();
    let told = (0..1000).find_map(|_| {
        dialogue.say(b"STAT\r\n");
        dialogue.reply().filter(|reply| reply.contains("1234"))
    });
    assert!(told.is_some());
    drop(data);
    dialogue.expect(226);
    assert_eq!(server.read("file").len(), 1234);
}

#[test]
fn a_client_that_stops_reading_is_shed() {
    let server = start(|setting| {
        setting.configuration.times.stall = Duration::from_millis(300);
        setting.configuration.times.write = Duration::from_millis(300);
    });
    server.write("file", &noise(50_000_000));
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    dialogue.ask("TYPE I", 200);
    let data = dialogue.data();
    dialogue.ask("RETR file", 150);
    dialogue.expect(426);
    drop(data);
    assert_eq!(server.log.transfer(0).error.as_deref(), Some("nothing moved for too long"));
    // Replies that nobody reads: the socket's buffers fill, then the connection is cut.
    dialogue.socket.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    while dialogue.socket.write_all(&b"HELP\r\n".repeat(1000)).is_ok() {}
    server.log.wait_for("the end", |records| {
        records
            .iter()
            .any(|record| {
                matches!(record.what, What::Disconnected { reason: ftp_server::record::Ending::NotRead, .. })
            })
            .then_some(())
    });
}

#[test]
fn a_stop_lets_the_transfer_end_then_says_421() {
    let mut server = start(|_| {});
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    let mut idle = Dialogue::log_in(server.addresses[0]);
    dialogue.ask("TYPE I", 200);
    let mut data = dialogue.data();
    dialogue.ask("STOR file", 150);
    data.write_all(b"first ").unwrap();
    server.stop();
    idle.expect(421);
    assert!(idle.reply().is_none());
    assert!(std::net::TcpStream::connect(server.addresses[0]).is_err(), "no more are taken");
    data.write_all(b"second").unwrap();
    drop(data);
    dialogue.expect(226);
    dialogue.expect(421);
    assert!(dialogue.reply().is_none());
    server.wait_for_end(Duration::from_secs(10));
    assert_eq!(server.read("file"), b"first second");
}

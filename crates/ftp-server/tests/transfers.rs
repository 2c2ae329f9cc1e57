//! Transfers in clear, with other people's clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use ftp_server::account::Rates;
use ftp_server::record::What;
use support::{Anna, Dialogue, at, connect_from, noise, run, start};

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
fn a_fast_upload_is_whole_where_the_store_takes_nothing_from_a_pipe() {
    let server = start(|_| {});
    let content = noise(20_000_000);
    server.write("local", &content);
    let source = server.root.join("local");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/x", server.port());
    let put = run("curl", &["-sS", "-T", source.to_str().unwrap(), &url]);
    assert_eq!(put.code, Some(0), "{put:?}");
    assert!(server.read("x") == content);
    assert_eq!((server.log.transfer(0).bytes, server.log.transfer(0).wire_bytes), (20_000_000, 20_000_000));
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
fn a_thief_who_is_always_first_gets_nothing_either() {
    let server = start(|_| {});
    server.write("file", b"for anna only");
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    for _ in 0..50 {
        let address = dialogue.passive();
        // Before, at the same time, and after: as many as the listener lets wait, and more.
        let thieves: Vec<_> = (2..12)
            .map(|number| {
                let source = std::net::Ipv4Addr::new(127, 0, 0, number).into();
                std::thread::spawn(move || {
                    let mut stolen = Vec::new();
                    if let Ok(mut thief) = connect_from(source, address) {
                        let _ = thief.read_to_end(&mut stolen);
                    }
                    stolen
                })
            })
            .collect();
        dialogue.ask("RETR file", 150);
        let mut content = Vec::new();
        std::net::TcpStream::connect(address).unwrap().read_to_end(&mut content).unwrap();
        dialogue.expect(226);
        assert_eq!(content, b"for anna only");
        assert!(thieves.into_iter().all(|thief| thief.join().unwrap().is_empty()));
    }
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
fn a_file_that_compresses_to_next_to_nothing_can_be_aborted_too() {
    // What crosses never fills the connection, so nothing but the file says how long the server has been at it.
    let server = start(|_| {});
    std::fs::File::create(server.root.join("zeros")).unwrap().set_len(1 << 30).unwrap();
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    dialogue.ask("TYPE I", 200);
    dialogue.ask("MODE Z", 200);
    let mut data = dialogue.data();
    let reader = std::thread::spawn(move || std::io::copy(&mut data, &mut std::io::sink()));
    dialogue.ask("RETR zeros", 150);
    dialogue.ask("ABOR", 426);
    dialogue.expect(226);
    let _ = reader.join().unwrap();
    assert!(server.log.transfer(0).bytes < 1 << 30);
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

#[test]
fn a_limited_account_is_slowed_down() {
    let server = start(|setting| {
        let rates = Rates { download: Some(1_000_000), upload: None };
        let root = setting.root.clone();
        setting.configuration.accounts = Arc::new(Anna { root, rates, may_use_other_hosts: false });
    });
    server.write("file", &noise(2_500_000));
    let url = format!("ftp://anna:secret@127.0.0.1:{}/file", server.port());
    assert_eq!(run("curl", &["-sS", "-o", "/dev/null", &url]).code, Some(0));
    let took = server.log.transfer(0).duration;
    // A second's worth may come at once.
    assert!(took >= Duration::from_millis(1000), "{took:?}");
}

#[test]
fn another_host_may_fetch_only_where_that_is_granted() {
    for granted in [false, true] {
        let server = start(|setting| {
            let root = setting.root.clone();
            let rates = Rates::default();
            setting.configuration.accounts = Arc::new(Anna { root, rates, may_use_other_hosts: granted });
            setting.configuration.times.passive = Duration::from_millis(300);
        });
        server.write("file", b"content");
        let mut dialogue = Dialogue::log_in(server.addresses[0]);
        let address = dialogue.passive();
        let mut other = connect_from("127.0.0.2".parse().unwrap(), address).unwrap();
        dialogue.ask("RETR file", 150);
        let mut content = Vec::new();
        let _ = other.read_to_end(&mut content);
        if granted {
            dialogue.expect(226);
            assert_eq!(content, b"content");
        } else {
            dialogue.expect(425);
            assert_eq!(content, b"");
        }
    }
}

#[test]
fn an_ipv4_client_of_a_listener_for_both_families_is_told_an_ipv4_address() {
    let server = start(|setting| setting.configuration.listeners = vec![at("[::]:0")]);
    server.write("file", b"content");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/file", server.port());
    let got = run("curl", &["-sSv", "--disable-epsv", &url]);
    assert_eq!(got.output, "content", "{got:?}");
    assert!(got.errors.contains("(127,0,0,1,"), "{got:?}");
    assert_eq!(server.log.records()[0].client.unwrap().ip().to_string(), "127.0.0.1");
}

#[test]
fn active_data_connections_leave_from_the_port_that_was_chosen() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = start(|setting| setting.configuration.data.active_port = Some(free));
    server.write("file", b"content");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/file", server.port());
    for _ in 0..2 {
        let got = run("curl", &["-sS", "-P", "-", &url]);
        assert_eq!(got.output, "content", "{got:?}");
    }
    let from: Vec<u16> =
        server.log.transfers().iter().filter_map(|transfer| Some(transfer.data?.0.port())).collect();
    assert_eq!(from, [free, free]);
}

#[test]
fn lines_and_compression_are_converted_on_the_way() {
    let server = start(|_| {});
    server.write("file", b"one\ntwo\n");
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    dialogue.ask("TYPE A", 200);
    let mut data = dialogue.data();
    dialogue.ask("RETR file", 150);
    let mut content = Vec::new();
    data.read_to_end(&mut content).unwrap();
    dialogue.expect(226);
    assert_eq!(content, b"one\r\ntwo\r\n");
    let download = server.log.transfer(0);
    assert_eq!((download.bytes, download.wire_bytes), (8, 10));
    let script = format!(
        "set net:max-retries 1; set ftp:use-mode-z yes; set ftp:mode-z-level 9; open -u anna,secret ftp://127.0.0.1:{}; \
         put {} -o copy; get copy -o {}",
        server.port(),
        server.root.join("large").display(),
        server.root.join("back").display()
    );
    server.write("large", &b"the same again ".repeat(20_000));
    let done = run("lftp", &["-c", &script]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(server.read("copy"), server.read("large"));
    assert_eq!(server.read("back"), server.read("large"));
    let upload = server.log.transfer(1);
    assert!(upload.deflate && upload.wire_bytes < upload.bytes / 10, "{upload:?}");
}

#[test]
fn a_command_behind_an_urgent_mark_is_read_at_once() {
    let server = start(|_| {});
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    for _ in 0..200 {
        rustix::net::send(&dialogue.socket, b"\xff\xf4\xff\xf2", rustix::net::SendFlags::OOB).unwrap();
        dialogue.ask("NOOP", 200);
    }
}

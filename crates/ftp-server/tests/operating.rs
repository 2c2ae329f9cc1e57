//! What those see who run a server: limits, proxies, hooks, metrics, captures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use ftp_server::driver::{Hook, Host};
use ftp_server::limit::{AcceptPolicy, ConnectionPolicy};
use ftp_server::record::{RefusedConnection, What, xferlog};
use support::{Dialogue, Running, connect_from, run, start};

fn wait_for_refusal(server: &Running) -> RefusedConnection {
    server.log.wait_for("a refusal", |records| {
        records.iter().find_map(|record| match record.what {
            What::Refused(reason) => Some(reason),
            _ => None,
        })
    })
}

#[test]
fn one_connection_too_many_is_told_so_and_the_others_are_served() {
    let server = start(|setting| {
        setting.configuration.limits.connections = ConnectionPolicy { total: None, per_source: Some(2) };
    });
    let mut first = Dialogue::log_in(server.addresses[0]);
    let second = Dialogue::connect(server.addresses[0]);
    let mut third = Dialogue::open(server.addresses[0]);
    let reply = third.expect(421);
    assert!(reply.contains("as many connections as it may"), "{reply}");
    assert!(third.reply().is_none());
    assert!(matches!(wait_for_refusal(&server), RefusedConnection::Full(_)));
    first.ask("NOOP", 200);
    let elsewhere = connect_from("127.0.0.2".parse().unwrap(), server.addresses[0]).unwrap();
    drop((second, elsewhere));
}

#[test]
fn an_address_that_connects_too_often_is_refused() {
    let server = start(|setting| {
        setting.configuration.limits.accept = AcceptPolicy { burst: 3, interval: Duration::from_secs(3600) };
    });
    for _ in 0..3 {
        Dialogue::connect(server.addresses[0]);
    }
    Dialogue::open(server.addresses[0]).expect(421);
    assert_eq!(wait_for_refusal(&server), RefusedConnection::TooOften);
}

#[test]
fn whoever_guesses_passwords_is_banned() {
    let server = start(|setting| {
        setting.configuration.limits.bans.failures_of_source = 1;
        setting.configuration.limits.bans.first_delay = Duration::from_secs(3600);
        setting.configuration.limits.bans.longest_delay_of_source = Duration::from_secs(3600);
    });
    let mut dialogue = Dialogue::connect(server.addresses[0]);
    for _ in 0..2 {
        dialogue.ask("USER anna", 331);
        dialogue.ask("PASS wrong", 530);
    }
    let mut again = Dialogue::open(server.addresses[0]);
    let refused = again.reply().unwrap();
    if refused.starts_with("220") {
        again.ask("USER anna", 331);
        again.ask("PASS secret", 530);
    } else {
        assert!(refused.starts_with("421"), "{refused}");
    }
}

#[test]
fn a_line_without_an_end_is_refused_once_and_kept_nowhere() {
    let server = start(|_| {});
    let mut dialogue = Dialogue::connect(server.addresses[0]);
    for _ in 0..64 {
        dialogue.say(&[b'a'; 64 << 10]);
    }
    dialogue.expect(500);
    dialogue.say(b"\r\nNOOP\r\n");
    dialogue.expect(200);
}

#[test]
fn a_proxy_speaks_for_its_client() {
    let server = start(|setting| setting.configuration.proxies = vec!["127.0.0.1".parse().unwrap()]);
    server.write("file", b"content");
    let mut dialogue = Dialogue::open(server.addresses[0]);
    dialogue.say(b"PROXY TCP4 127.0.0.5 192.0.2.1 40000 21\r\n");
    dialogue.expect(220);
    dialogue.ask("USER anna", 331);
    dialogue.ask("PASS secret", 230);
    let reply = dialogue.ask("PASV", 227);
    assert!(reply.contains("(192,0,2,1,"), "the address that the client connected to: {reply}");
    let data: SocketAddr = dialogue.passive();
    let mut direct = connect_from("127.0.0.5".parse().unwrap(), data).unwrap();
    dialogue.ask("RETR file", 150);
    let mut content = String::new();
    direct.read_to_string(&mut content).unwrap();
    dialogue.expect(226);
    assert_eq!(content, "content");
    let through = dialogue.passive();
    let mut proxied = std::net::TcpStream::connect(through).unwrap();
    proxied.write_all(b"PROXY TCP4 127.0.0.5 192.0.2.1 40001 50000\r\n").unwrap();
    dialogue.ask("RETR file", 150);
    content.clear();
    proxied.read_to_string(&mut content).unwrap();
    dialogue.expect(226);
    assert_eq!(content, "content");
    let client = server.log.records()[0].client.unwrap();
    assert_eq!(client.to_string(), "127.0.0.5:40000");
}

#[test]
fn who_is_no_named_proxy_cannot_speak_for_others() {
    let server = start(|setting| {
        setting.configuration.proxies = vec!["127.0.0.9".parse().unwrap()];
        setting.configuration.times.proxy_header = Duration::from_millis(200);
    });
    let mut dialogue = Dialogue::connect(server.addresses[0]);
    dialogue.say(b"PROXY TCP4 127.0.0.5 192.0.2.1 40000 21\r\n");
    let reply = dialogue.reply().unwrap();
    assert!(reply.starts_with('5'), "{reply}");
    // And a proxy that does not say for whom it speaks is not served.
    let mut silent = connect_from("127.0.0.9".parse().unwrap(), server.addresses[0]).unwrap();
    let mut said = String::new();
    silent.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("421"), "{said}");
    assert_eq!(wait_for_refusal(&server), RefusedConnection::Proxy);
}

#[test]
fn clients_are_told_the_configured_address() {
    let server = start(|setting| {
        setting.configuration.data.passive_address = Some(Host::Address("192.0.2.77".parse().unwrap()));
    });
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    let reply = dialogue.ask("PASV", 227);
    assert!(reply.contains("(192,0,2,77,"), "{reply}");
}

#[test]
fn a_hook_learns_of_an_upload_through_its_environment() {
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("told");
    let script = r#"printf '%s|%s|%s|%s' "$PORT21_USER" "$PORT21_PATH" "$PORT21_BYTES" "$PORT21_CLIENT" >"$0.part" && mv "$0.part" "$0""#;
    let arguments = vec!["-c".to_owned(), script.to_owned(), told.display().to_string()];
    let server = start(|setting| {
        setting.configuration.upload_hook =
            Some(Hook { program: "/bin/sh".into(), arguments, at_once: 1, time: Duration::from_secs(30) });
    });
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    let mut data = dialogue.data();
    dialogue.ask("STOR a $(touch evil); b", 150);
    data.write_all(b"12345").unwrap();
    drop(data);
    dialogue.expect(226);
    // The stop waits for no hook, so this does: until the file is there whole.
    let until = std::time::Instant::now() + support::PATIENCE;
    while !told.exists() {
        assert!(std::time::Instant::now() < until, "{:?}", server.log.records());
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read_to_string(&told).unwrap(), "anna|/a $(touch evil); b|5|127.0.0.1");
}

#[test]
fn a_hook_that_fails_is_recorded() {
    let server = start(|setting| {
        setting.configuration.upload_hook = Some(Hook {
            program: "/bin/false".into(),
            arguments: Vec::new(),
            at_once: 1,
            time: Duration::from_secs(30),
        });
    });
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    drop(dialogue.data());
    let data = dialogue.data();
    dialogue.ask("STOR x", 150);
    drop(data);
    dialogue.expect(226);
    server.log.wait_for("a failure", |records| {
        records.iter().any(|record| matches!(record.what, What::HookFailed { .. })).then_some(())
    });
}

#[test]
fn metrics_and_health_are_answered() {
    let server = start(|setting| setting.configuration.status = Some("127.0.0.1:0".parse().unwrap()));
    server.write("file", b"content");
    let url = format!("ftp://127.0.0.1:{}/file", server.port());
    assert_eq!(run("curl", &["-sS", &url]).output, "content");
    server.log.transfer(0);
    let status = server.status.unwrap();
    let metrics = run("curl", &["-sSf", &format!("http://{status}/metrics")]);
    assert!(metrics.output.contains("port21_transferred_bytes_total{kind=\"download\"} 7\n"), "{metrics:?}");
    assert_eq!(run("curl", &["-sSf", &format!("http://{status}/health")]).output, "serving\n");
}

#[test]
fn every_transfer_has_a_line_that_traffic_can_be_checked_against() {
    let server = start(|_| {});
    server.write("file", b"content");
    let mut dialogue = Dialogue::log_in(server.addresses[0]);
    let mut data = dialogue.data();
    let (ours, theirs) = (data.local_addr().unwrap(), data.peer_addr().unwrap());
    dialogue.ask("RETR file", 150);
    let mut content = Vec::new();
    data.read_to_end(&mut content).unwrap();
    dialogue.expect(226);
    assert_eq!(server.log.transfer(0).data, Some((theirs, ours)));
    let lines: Vec<String> = server.log.records().iter().filter_map(xferlog).collect();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].ends_with(" 1 127.0.0.1 7 /file a _ o r anna ftp 0 * c")
            || lines[0].ends_with(" 1 127.0.0.1 7 /file b _ o r anna ftp 0 * c"),
        "{lines:?}"
    );
}

#[test]
fn tshark_reads_the_captured_dialogue_and_finds_no_fault_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dialogue.pcapng");
    let server = start(|setting| {
        setting.configuration.tls = Some(support::tls(ftp_server::driver::Reuse::Prefer));
        setting.configuration.capture = Some(Box::new(std::fs::File::create(&path).unwrap()));
    });
    server.write("file", b"content");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/file", server.port());
    assert_eq!(run("curl", &["-sSk", "--ssl-reqd", &url]).output, "content");
    server.log.wait_for("the end", |records| {
        records.iter().any(|record| matches!(record.what, What::Disconnected { .. })).then_some(())
    });
    let decode = format!("tcp.port=={},ftp", server.port());
    let fields =
        ["-r", path.to_str().unwrap(), "-d", &decode, "-o", "tcp.check_checksum:TRUE", "-T", "fields"];
    let shown =
        [&fields[..], &["-e", "ftp.request.command", "-e", "ftp.response.code", "-e", "_ws.expert.message"]]
            .concat();
    let told = run("tshark", &shown);
    assert_eq!(told.code, Some(0), "{told:?}");
    for word in ["220", "AUTH", "PASS", "RETR", "226", "QUIT", "221"] {
        assert!(told.output.contains(word), "{word} is missing in {}", told.output);
    }
    assert!(!told.output.to_lowercase().contains("retransmission"), "{}", told.output);
    assert!(!told.output.to_lowercase().contains("checksum"), "{}", told.output);
    let comment = run("capinfos", &["-k", path.to_str().unwrap()]);
    assert!(comment.output.contains("made up"), "{comment:?}");
}

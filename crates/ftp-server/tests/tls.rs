//! Transfers protected by TLS, with other people's clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::Write as _;

use ftp_server::driver::Reuse;
use ftp_server::record::{Ending, TransferKind, What};
use ftp_server::session::Closing;
use support::{Dialogue, Outcome, Running, implicit_at, noise, run, start, tls};

fn protected(reuse: Reuse) -> Running {
    start(|setting| {
        setting.configuration.tls = Some(tls(reuse));
        setting.configuration.listeners.push(implicit_at("127.0.0.1:0"));
    })
}

fn python(server: &Running, version: &str, resumes: &str, rounds: usize) -> Outcome {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/client.py");
    let address = if version == "implicit" { server.addresses[1] } else { server.addresses[0] };
    run("python3", &[script, &address.port().to_string(), version, resumes, &rounds.to_string()])
}

#[test]
fn fifty_transfers_of_a_client_that_resumes_are_taken_where_it_must() {
    for version in ["1.2", "1.3", "implicit"] {
        let server = protected(Reuse::Require);
        let done = python(&server, version, "resume", 25);
        assert_eq!(done.code, Some(0), "{version}: {done:?}");
        assert_eq!(done.output.trim(), "resumed 50", "{version}");
        assert!(server.log.transfers().iter().all(|transfer| transfer.protected && transfer.resumed));
    }
}

#[test]
fn a_client_that_never_resumes_is_refused_where_it_must_and_served_elsewhere() {
    for version in ["1.2", "1.3"] {
        let server = protected(Reuse::Require);
        let done = python(&server, version, "anew", 1);
        assert_ne!(done.code, Some(0));
        assert!(done.errors.contains("425 The data connection must resume"), "{done:?}");
        for reuse in [Reuse::Prefer, Reuse::Off] {
            let server = protected(reuse);
            let done = python(&server, version, "anew", 2);
            assert_eq!(done.code, Some(0), "{done:?}");
            assert!(server.log.transfers().iter().all(|transfer| !transfer.resumed));
        }
    }
}

#[test]
fn curl_and_lftp_transfer_many_files_where_they_must_resume() {
    let server = protected(Reuse::Require);
    let content = noise(100_000);
    for number in 0..50 {
        server.write(&format!("f{number}"), &content);
    }
    let folder = tempfile::tempdir().unwrap();
    let into = |name: &str| folder.path().join(name).display().to_string();
    for version in ["--tls-max 1.2", "--tlsv1.3"] {
        // curl itself waits about a second before each data connection when the dialogue is protected.
        let url = format!("ftp://anna:secret@127.0.0.1:{}/f[0-11]", server.port());
        let output = into("curl-#1");
        let mut arguments = vec!["-sSk", "--ssl-reqd", "-o", &output];
        arguments.extend(version.split(' '));
        arguments.push(&url);
        let got = run("curl", &arguments);
        assert_eq!(got.code, Some(0), "{version}: {got:?}");
        assert_eq!(std::fs::read(into("curl-11")).unwrap(), content);
    }
    for priority in ["NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"] {
        let script = format!(
            "set net:max-retries 1; set ssl:verify-certificate no; set ftp:ssl-force yes; set ssl:priority {priority}; \
             set ftp:ssl-protect-data yes; open -u anna,secret ftp://127.0.0.1:{}; mirror -P 1 / {down}; mirror -R {down} up",
            server.port(),
            down = into(&priority[priority.len() - 3..])
        );
        let done = run("lftp", &["-c", &script]);
        assert_eq!(done.code, Some(0), "{priority}: {done:?}");
        assert_eq!(server.read("up/f49"), content);
    }
    let failed = server.log.transfers().into_iter().find(|transfer| transfer.error.is_some());
    assert!(failed.is_none(), "{failed:?}");
}

/// How many connections the kernel has made records for, if it can at all.
fn taken_by_the_kernel() -> Option<u64> {
    let counts = std::fs::read_to_string("/proc/net/tls_stat").ok()?;
    counts.lines().find_map(|line| line.strip_prefix("TlsTxSw")?.trim().parse().ok())
}

#[test]
fn large_downloads_are_whole_whoever_makes_their_records() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("got").display().to_string();
    for kernel in [false, true] {
        let server = start(|setting| {
            setting.configuration.tls =
                Some(ftp_server::driver::TlsSettings { kernel, ..tls(Reuse::Require) });
        });
        let content = noise(3_000_001);
        server.write("file", &content);
        let url = format!("ftp://anna:secret@127.0.0.1:{}/file", server.port());
        let get = |more: &[&str]| {
            let got = run("curl", &[&["-sSk", "--ssl-reqd", "-o", &output], more, &[&url]].concat());
            assert_eq!(got.code, Some(0), "kernel {kernel}, {more:?}: {got:?}");
            assert!(std::fs::read(&output).unwrap() == content, "kernel {kernel}, {more:?}");
            let transfer = server.log.transfers().pop().unwrap();
            assert_eq!((transfer.bytes, transfer.resumed), (3_000_001, true));
        };
        let before = taken_by_the_kernel();
        for name in ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"] {
            get(&["--tls-max", "1.2", "--ciphers", &format!("ECDHE-ECDSA-{name}")]);
        }
        for name in ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"] {
            get(&["--tlsv1.3", "--tls13-ciphers", name]);
        }
        // The end comes while the buffers are full.
        get(&["--tlsv1.3", "--limit-rate", "2M"]);
        // From the middle.
        std::fs::write(&output, &content[..1_000_001]).unwrap();
        let got = run("curl", &["-sSk", "--ssl-reqd", "-C", "-", "-o", &output, &url]);
        assert_eq!(got.code, Some(0), "{got:?}");
        assert!(std::fs::read(&output).unwrap() == content);
        if kernel {
            match (before, taken_by_the_kernel()) {
                (Some(before), Some(after)) => assert!(after >= before + 6, "{before}, {after}"),
                // Past what the test harness keeps to itself.
                _ => writeln!(std::io::stderr(), "the kernel has no TLS: rustls made all records").unwrap(),
            }
        }
    }
}

#[test]
fn curl_uploads_over_implicit_and_explicit_tls() {
    let server = protected(Reuse::Prefer);
    server.write("local", &noise(3_000_000));
    let source = server.root.join("local");
    let urls = [
        format!("ftp://anna:secret@127.0.0.1:{}/explicit", server.addresses[0].port()),
        format!("ftps://anna:secret@127.0.0.1:{}/implicit", server.addresses[1].port()),
    ];
    for url in urls {
        let put = run("curl", &["-sSk", "--ssl-reqd", "-T", source.to_str().unwrap(), &url]);
        assert_eq!(put.code, Some(0), "{put:?}");
    }
    assert_eq!(server.read("explicit"), server.read("local"));
    assert_eq!(server.read("implicit"), server.read("local"));
}

#[test]
fn an_upload_without_close_notify_is_cut_unless_such_clients_are_served() {
    for lenient in [false, true] {
        let server = start(|setting| {
            let mut tls = tls(Reuse::Prefer);
            tls.lenient_close = lenient;
            setting.configuration.tls = Some(tls);
        });
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/cut.py");
        let done = run("python3", &[script, &server.port().to_string()]);
        assert_eq!(done.code, Some(0), "{done:?}");
        let upload = server.log.transfer(0);
        assert_eq!(upload.kind, TransferKind::Upload);
        if lenient {
            assert!(done.output.contains("226"), "{done:?}");
            assert_eq!(server.read("cut").len(), 1000);
        } else {
            assert!(done.output.contains("426") || done.output.contains("451"), "{done:?}");
            assert_eq!(upload.error.as_deref(), Some("the upload ended without close_notify"));
            assert!(!server.root.join("cut").exists());
        }
    }
}

#[test]
fn what_comes_with_the_end_of_the_handshake_is_part_of_the_upload() {
    let server = protected(Reuse::Prefer);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/at_once.py");
    for version in ["1.2", "1.3"] {
        for length in [0, 1, 40_000, 3_000_000] {
            let done = run("python3", &[script, &server.port().to_string(), version, &length.to_string()]);
            assert_eq!(done.code, Some(0), "{done:?}");
            assert!(done.output.contains("226"), "{version}, {length}: {done:?}");
            let stored = server.read("once");
            assert!(stored.iter().zip((0..=250).cycle()).all(|(one, other)| *one == other));
            assert_eq!(stored.len(), length);
        }
    }
}

#[test]
fn a_record_that_was_changed_on_the_way_ends_the_upload() {
    let server = protected(Reuse::Prefer);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/at_once.py");
    for version in ["1.2", "1.3"] {
        let done = run("python3", &[script, &server.port().to_string(), version, "40000", "changed"]);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.output.contains("426"), "{version}: {done:?}");
        assert!(
            done.output.contains("alert: BAD_RECORD_MAC") || done.output.contains("bad record mac"),
            "{done:?}"
        );
        assert!(!server.root.join("once").exists());
    }
}

#[test]
fn what_is_slipped_in_behind_auth_is_never_done() {
    let server = protected(Reuse::Prefer);
    // In one segment with AUTH: the session sees it.
    let mut dialogue = Dialogue::connect(server.addresses[0]);
    dialogue.say(b"AUTH TLS\r\nUSER anna\r\nPASS secret\r\n");
    dialogue.expect(503);
    assert!(dialogue.reply().is_none());
    // Behind its reply: TLS takes it for a record, which it is not.
    let mut dialogue = Dialogue::connect(server.addresses[0]);
    dialogue.ask("AUTH TLS", 234);
    dialogue.say(b"USER anna\r\nPASS secret\r\n");
    while dialogue.reply().is_some() {}
    server.log.wait_for("both ends", |records| {
        let ends: Vec<_> = records
            .iter()
            .filter_map(|record| match record.what {
                What::Disconnected { reason, .. } => Some(reason),
                _ => None,
            })
            .collect();
        (ends == [Ending::Closed(Closing::ClearBehindAuth), Ending::Closed(Closing::TlsFailed)]).then_some(())
    });
    let tried = |what: &What| matches!(what, What::LoggedIn { .. } | What::LoginRefused { .. });
    assert!(!server.log.records().iter().any(|record| tried(&record.what)));
}

#[test]
fn another_protocol_in_alpn_is_refused() {
    let server = protected(Reuse::Prefer);
    let address = server.addresses[1].to_string();
    let http = run("openssl", &["s_client", "-connect", &address, "-alpn", "http/1.1"]);
    assert!(http.errors.contains("no application protocol"), "{http:?}");
    let ftp = run("openssl", &["s_client", "-connect", &address, "-alpn", "ftp"]);
    assert!(ftp.output.contains("ALPN protocol: ftp"), "{ftp:?}");
    let failed = server.log.records().iter().any(|record| matches!(record.what, What::NotProtected { .. }));
    assert!(failed);
}

#[test]
fn after_ccc_the_dialogue_goes_on_in_clear() {
    let server = start(|setting| {
        setting.configuration.tls = Some(tls(Reuse::Prefer));
        setting.configuration.policy.allow_clear_command_channel = true;
    });
    server.write("file", b"content");
    let url = format!("ftp://anna:secret@127.0.0.1:{}/file", server.port());
    for how in ["active", "passive"] {
        let got = run("curl", &["-sSk", "--ssl-reqd", "--ftp-ssl-ccc-mode", how, &url]);
        assert_eq!((got.code, got.output.as_str()), (Some(0), "content"), "{how}: {got:?}");
    }
}

//! The client and its driver with a server that keeps its word, or breaks it exactly as told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::future::poll_fn;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::Duration;

use ftp_client::session::Security;
use ftp_client::{Client, Connector, Error, Fetch, Store, unwatched};
use port21_testkit::{Aside, FtpServer, Manners};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TEXT: &[u8] = b"twenty bytes of text";

/// Runs `test` with a client of a server that has the file "a".
fn with<T>(manners: Manners, test: impl AsyncFnOnce(&FtpServer, &mut Client) -> T) -> T {
    let server = FtpServer::start(manners, &[("a", TEXT)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = connector(&server).connect().await.unwrap();
        test(&server, &mut client).await
    })
}

fn connector(server: &FtpServer) -> Connector {
    let mut connector = Connector::new("127.0.0.1");
    connector.port = Some(server.address().port());
    connector.security = Security::Off;
    connector.timeouts.reply = Duration::from_secs(5);
    connector.timeouts.stall = Duration::from_secs(5);
    connector.timeouts.closing = Duration::from_secs(5);
    connector
}

async fn get(client: &mut Client) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    client.download("a", Fetch::default(), &mut bytes, &mut unwatched).await.map(|_| bytes)
}

#[test]
fn file_and_listing_come_whole() {
    with(Manners::default(), async |_, client| {
        assert_eq!(get(client).await.unwrap(), TEXT);
        let listed = client.list("").await.unwrap();
        assert_eq!((listed.len(), listed[0].size, listed[0].is_file()), (1, Some(20), true));
        assert_eq!(client.notes(), []);
        client.quit().await.unwrap();
    });
}

#[test]
fn upload_appears_under_its_name_when_it_is_whole() {
    with(Manners::default(), async |server, client| {
        let mut source = Cursor::new(b"new".to_vec());
        client.upload("b", Store::default(), &mut source, &mut unwatched).await.unwrap();
        assert_eq!(server.file("b").as_deref(), Some(&b"new"[..]));
        assert!(server.lines().contains(&"STOR b.partial".to_owned()));
        assert_eq!(server.names(), ["a", "b"]);
    });
}

#[test]
fn server_that_cannot_rename_gets_the_file_under_its_name() {
    let manners = Manners { replies: vec![("RNFR", b"502 no\r\n".to_vec())], ..Manners::default() };
    with(manners, async |server, client| {
        let mut source = Cursor::new(b"new".to_vec());
        client.upload("b", Store::default(), &mut source, &mut unwatched).await.unwrap();
        assert_eq!(server.names(), ["a", "b"]);
        assert!(client.notes()[0].to_string().contains("cannot rename"), "{:?}", client.notes());
        // The next one goes there at once, and from its beginning, since nothing of it is there.
        let mut source = Cursor::new(b"newer".to_vec());
        client
            .upload("c", Store { offset: 2, ..Store::default() }, &mut source, &mut unwatched)
            .await
            .unwrap();
        assert_eq!(server.file("c").as_deref(), Some(&b"newer"[..]));
        assert!(!server.lines().contains(&"STOR c.partial".to_owned()));
        assert_eq!(client.notes().len(), 1);
    });
}

#[test]
fn refused_new_name_does_not_pass_for_a_server_that_cannot_rename() {
    let manners = Manners { replies: vec![("RNTO", b"501 no such name\r\n".to_vec())], ..Manners::default() };
    with(manners, async |server, client| {
        let mut source = Cursor::new(b"new".to_vec());
        let sent = client.upload("a", Store::default(), &mut source, &mut unwatched).await;
        assert!(matches!(sent, Err(Error::Refused { .. })), "{sent:?}");
        assert_eq!(server.file("a").as_deref(), Some(TEXT), "it is as it was");
        assert!(client.can_rename());
    });
}

#[test]
fn transfer_cut_at_any_byte_is_an_error() {
    for cut_after in 0..TEXT.len() {
        let manners = Manners { cut_after: Some(cut_after), ..Manners::default() };
        with(manners, async |_, client| match get(client).await {
            Err(Error::Short { expected: 20, received }) => assert_eq!(received, cut_after as u64),
            other => panic!("cut after {cut_after}: {other:?}"),
        });
    }
}

#[test]
fn data_without_a_closing_reply_are_an_error() {
    let manners = Manners { closing: Some(Vec::new()), ..Manners::default() };
    with(manners, async |_, client| match get(client).await {
        Err(Error::NotConfirmed { bytes: 20, .. }) => assert!(client.is_closed()),
        other => panic!("{other:?}"),
    });
}

#[test]
fn error_as_closing_reply_fails_the_transfer() {
    let manners = Manners { closing: Some(b"451 disk on fire\r\n".to_vec()), ..Manners::default() };
    with(manners, async |_, client| {
        let error = get(client).await.unwrap_err();
        assert_eq!((error.code(), error.is_transient()), (Some(451), true), "{error}");
        assert!(client.size("a").await.is_ok(), "the session goes on");
    });
}

#[test]
fn endless_reply_ends_the_session() {
    let line = b"213-more and more and more and more and more and more and more\r\n".repeat(40_000);
    let manners = Manners { replies: vec![("SIZE", line)], ..Manners::default() };
    with(manners, async |_, client| match client.size("a").await {
        Err(Error::EndlessReply(bytes)) => assert!(bytes < 2 << 20, "{bytes}"),
        other => panic!("{other:?}"),
    });
}

#[test]
fn endless_listing_is_given_up() {
    let manners = Manners { endless: true, ..Manners::default() };
    with(manners, async |_, client| match client.list("").await {
        Err(Error::EndlessListing(limit)) => assert_eq!(limit, ftp_client::MAXIMUM_LISTING),
        other => panic!("{other:?}"),
    });
}

#[test]
fn replies_before_their_command_are_passed_over() {
    let manners =
        Manners { replies: vec![("TYPE", b"200 ok\r\n213 666\r\n".to_vec())], ..Manners::default() };
    with(manners, async |_, client| {
        client.list("").await.unwrap();
        // TYPE's companion must not be taken for the answer to SIZE.
        assert_eq!(client.size("a").await.unwrap(), Some(20));
        assert!(client.notes()[0].to_string().contains("213 666"), "{:?}", client.notes());
    });
}

#[test]
fn reader_says_at_its_end_that_the_file_is_not_whole() {
    let manners = Manners { cut_after: Some(3), ..Manners::default() };
    with(manners, async |_, client| {
        let mut bytes = Vec::new();
        let error = client.retrieve("a").await.unwrap().read_to_end(&mut bytes).await.unwrap_err();
        assert!(matches!(Error::from(error), Error::Short { expected: 20, received: 3 }));
    });
}

#[test]
fn dropped_transfer_leaves_a_session_that_can_be_used() {
    with(Manners::default(), async |server, client| {
        drop(client.retrieve("a").await.unwrap());
        assert_eq!(client.size("a").await.unwrap(), Some(20));
        assert!(server.lines().contains(&"ABOR".to_owned()));
        let mut stop = |_| ControlFlow::Break(());
        let mut sink = Vec::new();
        let ended = client.download("a", Fetch::default(), &mut sink, &mut stop).await;
        assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
        assert_eq!(get(client).await.unwrap(), TEXT);
    });
}

#[test]
fn user_may_pause_for_longer_than_the_server_may() {
    let text = vec![b'x'; 1 << 20];
    let server = FtpServer::start(Manners::default(), &[("a", &text)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connector = connector(&server);
    connector.timeouts.stall = Duration::from_millis(300);
    let pause = || tokio::time::sleep(2 * connector.timeouts.stall);
    runtime.block_on(async {
        let mut client = connector.connect().await.unwrap();
        let mut download = client.retrieve("a").await.unwrap();
        let mut bytes = vec![download.read_u8().await.unwrap()];
        pause().await;
        download.read_to_end(&mut bytes).await.unwrap();
        assert!(bytes == text);
        let mut upload = client.store("b", Store::default()).await.unwrap();
        upload.write_all(b"some").await.unwrap();
        pause().await;
        upload.write_all(b"thing").await.unwrap();
        pause().await;
        upload.finish().await.unwrap();
        assert_eq!(server.file("b").as_deref(), Some(&b"something"[..]));
    });
}

#[test]
fn what_came_while_the_process_was_stopped_is_no_stall() {
    let (go, may_go) = mpsc::channel();
    let may_go = Mutex::new(may_go);
    let wait = move || may_go.lock().unwrap().recv().unwrap();
    let manners = Manners { before_data: Some(Aside(Arc::new(wait))), ..Manners::default() };
    let server = FtpServer::start(manners, &[("a", TEXT)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connector = connector(&server);
    connector.timeouts.stall = Duration::from_millis(500);
    runtime.block_on(async {
        let mut client = connector.connect().await.unwrap();
        let mut download = client.retrieve("a").await.unwrap();
        let mut bytes = Vec::new();
        let mut reading = pin!(download.read_to_end(&mut bytes));
        let waits = poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx).is_pending())).await;
        assert!(waits, "nothing was sent yet");
        go.send(()).unwrap();
        // The only thread of the runtime stands still, as all of a stopped process does.
        std::thread::sleep(2 * connector.timeouts.stall);
        reading.await.unwrap();
        assert_eq!(bytes, TEXT);
    });
}

#[test]
fn refusal_for_one_file_is_none_for_all() {
    let reply = |text: &str| ("SITE", format!("{text}\r\n").into_bytes());
    let once = ["550 not yours", "200 done", "200 done", "550 not yours", "200 done", "502 what?"].map(reply);
    with(Manners { once: once.into(), ..Manners::default() }, async |server, client| {
        let refused = client.set_mode("a", 0o600).await.unwrap_err();
        assert_eq!(refused.code(), Some(550), "{refused}");
        assert!(client.set_mode("a", 0o600).await.unwrap());
        // MDTM is read as a name here, and SITE UTIME is not.
        let time = std::time::SystemTime::UNIX_EPOCH;
        assert!(client.set_modified("a", time).await.unwrap());
        let refused = client.set_modified("a", time).await.unwrap_err();
        assert_eq!(refused.code(), Some(550), "{refused}");
        assert!(client.set_modified("a", time).await.unwrap());
        assert_eq!(server.lines().iter().filter(|line| line.starts_with("MDTM")).count(), 1);
    });
    let once = vec![reply("502 what?")];
    with(Manners { once, ..Manners::default() }, async |server, client| {
        assert!(!client.set_mode("a", 0o600).await.unwrap() && !client.set_mode("a", 0o600).await.unwrap());
        assert_eq!(server.lines().iter().filter(|line| line.starts_with("SITE")).count(), 1);
    });
}

#[test]
fn raw_refuses_what_belongs_to_transfers_and_logins() {
    with(Manners::default(), async |server, client| {
        assert_eq!(client.raw(b"noop").await.unwrap().code, Some(200));
        assert_eq!(client.raw(b"SITE x").await.unwrap().code, Some(502));
        for command in
            [&b"RETR a"[..], b"PASV", b"port 1,2,3,4,5,6", b"AUTH TLS", b"REST 5", b"USER joe", b"QUIT"]
        {
            assert!(matches!(client.raw(command).await, Err(Error::Settings(_))), "{command:?}");
        }
        assert!(matches!(client.raw(b"SITE a\r\nDELE a").await, Err(Error::Argument { .. })));
        assert_eq!(server.names(), ["a"]);
    });
}

#[test]
fn full_server_is_known_as_such() {
    let full = b"421 Too many connections from this address\r\n".to_vec();
    let server = FtpServer::start(Manners { replies: vec![("GREETING", full)], ..Manners::default() }, &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(connector(&server).connect()).unwrap_err();
    assert!(error.is_too_many_sessions() && error.is_transient() && error.is_before_login(), "{error}");
}

#[test]
fn clients_can_work_side_by_side_on_threads_of_a_runtime() {
    let server = FtpServer::start(Manners::default(), &[("a", TEXT)]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let connector = connector(&server);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let connector = connector.clone();
            runtime.spawn(async move {
                let mut client = connector.connect().await?;
                get(&mut client).await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(runtime.block_on(task).unwrap().unwrap(), TEXT);
    }
}

#[test]
fn every_address_of_a_name_is_tried() {
    let server = FtpServer::start(Manners::default(), &[("a", TEXT)]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connector = connector(&server);
    // Where it is ::1 too, nobody listens there.
    connector.host = "localhost".into();
    let bytes = runtime.block_on(async { get(&mut connector.connect().await.unwrap()).await });
    assert_eq!(bytes.unwrap(), TEXT);
    connector.host = "127.0.0.1".into();
    connector.family = ftp_client::Family::V6;
    let error = runtime.block_on(connector.connect()).unwrap_err();
    assert!(matches!(error, Error::NotResolved { .. }), "{error}");
}

//! Control and data connections through proxies.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use ftp_client::session::{DataMode, Security};
use ftp_client::{Connector, Error, Fetch, Proxy, unwatched};
use port21_testkit::{FtpServer, Manners};

/// What clients asked a proxy for, one line a connection.
type Asked = Arc<Mutex<Vec<String>>>;

/// Starts a proxy whose `greet` reads what a client wants, answers it, and gives the port to go on to.
fn proxy(greet: fn(&mut TcpStream, &Asked) -> Option<u16>) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let kept = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, asked) = (client.unwrap(), Arc::clone(&kept));
            std::thread::spawn(move || {
                let Some(port) = greet(&mut client, &asked) else { return };
                let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let other = std::thread::spawn(move || relay(back.0, back.1));
                relay(client, server);
                other.join().unwrap();
            });
        }
    });
    (address, asked)
}

fn relay(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

fn exactly(client: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

fn socks5(client: &mut TcpStream, asked: &Asked) -> Option<u16> {
    let methods = exactly(client, 2)[1];
    assert!(exactly(client, usize::from(methods)).contains(&2));
    client.write_all(&[5, 2]).unwrap();
    let user = exactly(client, 2)[1];
    let user = exactly(client, usize::from(user));
    let password = exactly(client, 1)[0];
    let password = exactly(client, usize::from(password));
    client.write_all(&[1, 0]).unwrap();
    assert_eq!(exactly(client, 4), [5, 1, 0, 3]);
    let length = exactly(client, 1)[0];
    let host = String::from_utf8(exactly(client, usize::from(length))).unwrap();
    let port = u16::from_be_bytes(exactly(client, 2).try_into().unwrap());
    let text = String::from_utf8([user, password].join(&b':')).unwrap();
    asked.lock().unwrap().push(format!("{text}@{host}"));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    Some(port)
}

fn head(client: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(exactly(client, 1)[0]));
    }
    head
}

fn http(client: &mut TcpStream, asked: &Asked) -> Option<u16> {
    let head = head(client);
    let place = head.split(' ').nth(1).unwrap();
    asked
        .lock()
        .unwrap()
        .push(head.lines().last().map(|_| place.split(':').next().unwrap().to_owned()).unwrap());
    assert!(head.contains("Proxy-Authorization: Basic am9lOnNlY3JldA=="));
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n").unwrap();
    Some(place.rsplit(':').next().unwrap().parse().unwrap())
}

fn refusing(client: &mut TcpStream, _: &Asked) -> Option<u16> {
    head(client);
    client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
    None
}

/// Fetches a file of a server that only the proxy can resolve.
fn fetch(url: &str) -> Result<Vec<u8>, Error> {
    let server = FtpServer::start(Manners::default(), &[("a", b"text")]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connector = Connector::new("ftp.example");
        connector.port = Some(server.address().port());
        connector.security = Security::Off;
        connector.proxy = Some(Proxy::parse(url).unwrap());
        let mut client = connector.connect().await?;
        let mut bytes = Vec::new();
        client.download("a", Fetch::default(), &mut bytes, &mut unwatched).await?;
        client.quit().await?;
        Ok(bytes)
    })
}

#[test]
fn both_connections_go_through_socks5_which_resolves_the_name() {
    let (address, asked) = proxy(socks5);
    assert_eq!(fetch(&format!("socks5://joe:secret@{address}")).unwrap(), b"text");
    assert_eq!(*asked.lock().unwrap(), ["joe:secret@ftp.example"; 2]);
}

#[test]
fn both_connections_go_through_http_connect() {
    let (address, asked) = proxy(http);
    assert_eq!(fetch(&format!("http://joe:secret@{address}")).unwrap(), b"text");
    assert_eq!(*asked.lock().unwrap(), ["ftp.example"; 2]);
}

#[test]
fn refusal_of_the_proxy_is_the_proxys() {
    let (address, _) = proxy(refusing);
    let error = fetch(&format!("http://{address}")).unwrap_err();
    assert!(matches!(error, Error::Proxy { .. }) && error.is_before_login());
    assert!(error.to_string().contains("it said: HTTP/1.1 403 Forbidden"), "{error}");
}

#[test]
fn active_mode_and_a_proxy_are_refused_before_anything_is_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connector = Connector::new("ftp.example");
    connector.data = DataMode::Active;
    connector.proxy = Some(Proxy::parse("socks5://127.0.0.1:1").unwrap());
    assert!(matches!(runtime.block_on(connector.connect()), Err(Error::Settings(_))));
}

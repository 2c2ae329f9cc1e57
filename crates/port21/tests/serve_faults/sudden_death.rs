//! The server dies by SIGKILL while clients upload; again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};

use port21_testkit::{note, wait_until};

use crate::client::PATIENCE;
use crate::server::Server;
use crate::watched::accounts;

const DEATHS: u64 = 50;
const CLIENTS: u64 = 4;

/// How names of uploads under way begin.
const TEMPORARY: &str = ".port21-upload-";

/// One upload that was begun.
#[derive(Debug, Clone)]
struct Upload {
    name: String,
    content: Content,
    /// The client has heard 226.
    acknowledged: bool,
}

/// Bytes that are told from all others by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Content(u64);

impl Content {
    fn next() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self(NUMBER.fetch_add(1, Ordering::Relaxed))
    }

    /// From nothing to 300 KB: smaller and larger than the buffers on the way.
    fn bytes(self) -> Vec<u8> {
        let mut state = Random(self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let length = [0, 1, 1_000, 30_000, 300_000][usize::try_from(self.0 % 5).unwrap()];
        let mut bytes = format!("{}:", self.0).into_bytes();
        bytes.resize_with(length, || state.next().to_le_bytes()[0]);
        bytes
    }
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn what_was_acknowledged_outlives_fifty_sudden_deaths() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    let accounts = accounts(folder.path(), &root);
    let start = || Server::start(&["--accounts", accounts.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut uploads: BTreeMap<String, Vec<Upload>> = BTreeMap::new();
    let mut cut = 0;
    for _ in 0..DEATHS {
        for upload in live_and_die(start(), 1 + random.next() % (CLIENTS * 4)) {
            uploads.entry(upload.name.clone()).or_default().push(upload);
        }
        cut += temporary(&root).len();
        judge(&root, &uploads);
    }
    assert!(cut > 0, "no death came in the middle of an upload");
    let last = start();
    wait_until("what was cut is removed", || temporary(&root).is_empty());
    last.kill();
    judge(&root, &uploads);
    let acknowledged = uploads.values().flatten().filter(|upload| upload.acknowledged).count();
    let begun: usize = uploads.values().map(Vec::len).sum();
    assert!(acknowledged as u64 > DEATHS, "{acknowledged} of {begun}");
    note(&format!(
        "server: killed {DEATHS} times under load, all of {acknowledged} acknowledged uploads whole, {cut} of {begun} cut"
    ));
}

/// Lets clients upload until so much has happened, then kills the server. Gives what was begun.
fn live_and_die(server: Server, happenings: u64) -> Vec<Upload> {
    let (sender, happened) = channel();
    let address = server.address.clone();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (sender, address) = (sender.clone(), address.clone());
            std::thread::spawn(move || {
                let mut begun = Vec::new();
                // It ends with the server, whatever the client was doing.
                let ended = upload_for_ever(number, &address, &sender, &mut begun).unwrap_err();
                (begun, ended)
            })
        })
        .collect();
    drop(sender);
    for number in 0..happenings {
        happened.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{number} happenings, and no more"));
    }
    server.kill();
    clients.into_iter().flat_map(|client| client.join().unwrap().0).collect()
}

/// Uploads one file after the other; every third in place of an earlier one. Tells when half of one is sent, and when one is
/// acknowledged.
fn upload_for_ever(
    number: u64,
    address: &str,
    happened: &Sender<()>,
    begun: &mut Vec<Upload>,
) -> io::Result<()> {
    let mut control = Control::log_in(address)?;
    loop {
        let content = Content::next();
        let name =
            if content.0.is_multiple_of(3) { format!("same-{number}") } else { format!("own-{}", content.0) };
        begun.push(Upload { name: name.clone(), content, acknowledged: false });
        control.upload(&name, &content.bytes(), happened)?;
        begun.last_mut().unwrap().acknowledged = true;
        let _ = happened.send(());
    }
}

struct Control(BufReader<TcpStream>);

impl Control {
    fn log_in(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut control = Self(BufReader::new(socket));
        control.hear("220")?;
        for (line, code) in [("USER ada", "331"), ("PASS secret", "230"), ("TYPE I", "200")] {
            control.ask(line, code)?;
        }
        Ok(control)
    }

    fn upload(&mut self, name: &str, content: &[u8], happened: &Sender<()>) -> io::Result<()> {
        let told = self.ask("EPSV", "229")?;
        let port: u16 = told.split('|').nth(3).unwrap().parse().unwrap();
        let mut data = TcpStream::connect((self.0.get_ref().peer_addr()?.ip(), port))?;
        self.ask(&format!("STOR {name}"), "150")?;
        let (first, second) = content.split_at(content.len() / 2);
        data.write_all(first)?;
        let _ = happened.send(());
        data.write_all(second)?;
        drop(data);
        self.hear("226").map(drop)
    }

    fn ask(&mut self, line: &str, code: &str) -> io::Result<String> {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.hear(code)
    }

    /// One reply of one line. Any other than the one that is expected is a fault of the server.
    fn hear(&mut self, code: &str) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        assert!(line.starts_with(code), "{line}");
        Ok(line)
    }
}

/// Names of files of uploads that are not over.
fn temporary(root: &Path) -> Vec<String> {
    names(root).into_iter().filter(|name| name.starts_with(TEMPORARY)).collect()
}

fn names(root: &Path) -> BTreeSet<String> {
    fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Whether each file is one that was uploaded under its name, whole: the last that was acknowledged, or one that was begun later.
fn judge(root: &Path, uploads: &BTreeMap<String, Vec<Upload>>) {
    let there = names(root);
    for name in there.iter().filter(|name| !name.starts_with(TEMPORARY)) {
        assert!(uploads.contains_key(name), "nobody has uploaded {name}");
    }
    for (name, uploads) in uploads {
        let last = uploads.iter().rposition(|upload| upload.acknowledged);
        let Ok(found) = fs::read(root.join(name)) else {
            assert!(last.is_none(), "{name} is missing, and was acknowledged: {uploads:?}");
            continue;
        };
        let may_be = &uploads[last.unwrap_or(0)..];
        let is_whole = may_be.iter().any(|upload| upload.content.bytes() == found);
        assert!(is_whole, "{name} has {} bytes, none of {may_be:?}", found.len());
    }
}

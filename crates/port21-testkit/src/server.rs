//! An FTP server for tests of clients: keeps files in memory, and misbehaves exactly as it is told to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A peer that says nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of an upload that is lost, which the server has taken before.
pub const LOST: usize = 200_000;

/// How the server misbehaves; by default not at all.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// Bytes that are sent in place of carrying a command out, by its verb. "GREETING" stands for the greeting.
    pub replies: Vec<(&'static str, Vec<u8>)>,
    /// As `replies`, but each only once; several of one verb in their order.
    pub once: Vec<(&'static str, Vec<u8>)>,
    /// The bytes of every MLSD.
    pub listing: Option<Vec<u8>>,
    /// Listings and replies to STAT never end.
    pub endless: bool,
    /// Data connections of downloads are closed after so many bytes.
    pub cut_after: Option<usize>,
    /// Only the first so many downloads are cut.
    pub cuts: Option<usize>,
    /// So many uploads, of those that are longer than [`LOST`] bytes, are broken off behind these, and nothing is kept of them.
    pub lost_uploads: usize,
    /// So many further ones are broken off there as well, and what came of them is kept.
    pub cut_uploads: usize,
    /// Done when a download's data connection is open and nothing was sent yet.
    pub before_data: Option<Aside>,
    /// Done when an upload has come and is not confirmed yet.
    pub aside: Option<Aside>,
    /// What is sent at the end of a transfer, in place of "226 …"; nothing closes the control connection.
    pub closing: Option<Vec<u8>>,
}

/// Something that is done in the middle of a transfer.
#[derive(Clone)]
pub struct Aside(pub Arc<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Aside {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Aside").finish_non_exhaustive()
    }
}

/// A running server; its user may have any name and password. It ends when it is dropped.
#[derive(Debug)]
pub struct FtpServer {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Every line that clients sent.
    lines: Mutex<Vec<String>>,
    manners: Manners,
    cuts: Mutex<usize>,
    /// Uploads that are still to be lost, and to be cut.
    broken: Mutex<(usize, usize)>,
    once: Mutex<Vec<(&'static str, Vec<u8>)>>,
    ended: AtomicBool,
}

impl FtpServer {
    /// Starts one on a free port of 127.0.0.1, with these files.
    pub fn start(manners: Manners, files: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        let cuts = Mutex::new(manners.cuts.unwrap_or(usize::MAX));
        let broken = Mutex::new((manners.lost_uploads, manners.cut_uploads));
        let once = Mutex::new(manners.once.clone());
        let (lines, ended) = (Mutex::default(), AtomicBool::new(false));
        let shared = Arc::new(Shared { files: Mutex::new(files), lines, manners, cuts, broken, once, ended });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&accepting)) else { return };
                // A client that goes away is no failure of the server's.
                std::thread::spawn(move || drop(Session::serve(stream, &shared)));
            }
        });
        Self { shared, address }
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bytes of a file, if it is there.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.shared.files.lock().expect("no panic").get(name).cloned()
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.shared.files.lock().expect("no panic").keys().cloned().collect()
    }

    /// Every line that clients sent so far.
    pub fn lines(&self) -> Vec<String> {
        self.shared.lines.lock().expect("no panic").clone()
    }
}

impl Drop for FtpServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// One control connection.
struct Session<'a> {
    control: TcpStream,
    shared: &'a Shared,
    passive: Option<TcpListener>,
    offset: usize,
    from: Option<String>,
}

impl Session<'_> {
    fn serve(control: TcpStream, shared: &Shared) -> std::io::Result<()> {
        control.set_read_timeout(Some(PATIENCE))?;
        control.set_write_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(control.try_clone()?);
        let mut session = Session { control, shared, passive: None, offset: 0, from: None };
        session.answer("GREETING", |session| session.say("220 ready"))?;
        loop {
            let mut line = Vec::new();
            if reader.read_until(b'\n', &mut line)? == 0 || shared.ended.load(Ordering::Relaxed) {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            shared.lines.lock().expect("no panic").push(line.clone());
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            session.answer(&verb, |session| session.carry_out(&verb, argument))?;
            if verb == "QUIT" {
                return Ok(());
            }
        }
    }

    fn answer(
        &mut self,
        verb: &str,
        carry_out: impl FnOnce(&mut Self) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        let told = self.once(verb);
        let always = self.shared.manners.replies.iter().find(|(wanted, _)| *wanted == verb);
        match told.as_ref().or(always.map(|(_, bytes)| bytes)) {
            Some(bytes) => self.control.write_all(bytes),
            None => carry_out(self),
        }
    }

    fn once(&self, verb: &str) -> Option<Vec<u8>> {
        let mut once = self.shared.once.lock().expect("no panic");
        let found = once.iter().position(|(wanted, _)| *wanted == verb)?;
        Some(once.remove(found).1)
    }

    fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.control.write_all(format!("{text}\r\n").as_bytes())
    }

    fn carry_out(&mut self, verb: &str, argument: &str) -> std::io::Result<()> {
        let name = argument.trim_start_matches('/').to_owned();
        let found = self.shared.files.lock().expect("no panic").get(&name).cloned();
        match (verb, found) {
            ("USER", _) => self.say("331 password?"),
            ("PASS", _) => self.say("230 welcome"),
            ("FEAT", _) => self.say(
                "211-Features:\r\n SIZE\r\n MDTM\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n211 End",
            ),
            ("PWD", _) => self.say("257 \"/\""),
            ("TYPE" | "CWD" | "NOOP" | "MKD" | "RMD", _) => self.say("200 ok"),
            ("EPSV", _) => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let port = listener.local_addr()?.port();
                self.passive = Some(listener);
                self.say(&format!("229 Entering Extended Passive Mode (|||{port}|)"))
            }
            ("REST", _) => {
                self.offset = argument.parse().unwrap_or_default();
                self.say("350 go on")
            }
            ("SIZE", Some(bytes)) => self.say(&format!("213 {}", bytes.len())),
            ("MDTM", Some(_)) => self.say("213 20200102030405"),
            ("DELE", Some(_)) => {
                self.shared.files.lock().expect("no panic").remove(&name);
                self.say("250 gone")
            }
            ("RNFR", Some(_)) => {
                self.from = Some(name);
                self.say("350 and to?")
            }
            ("RNTO", _) => {
                let mut files = self.shared.files.lock().expect("no panic");
                if let Some(bytes) = self.from.take().and_then(|from| files.remove(&from)) {
                    files.insert(name, bytes);
                }
                drop(files);
                self.say("250 renamed")
            }
            ("RETR", Some(bytes)) => self.send(bytes.get(self.offset..).unwrap_or_default()),
            ("MLSD" | "LIST" | "NLST", _) => {
                let listing = self.listing();
                self.send(&listing)
            }
            ("STOR", _) => self.receive(&name),
            ("ABOR", _) => self.say("226 nothing to abort"),
            ("QUIT", _) => self.say("221 bye"),
            ("SIZE" | "MDTM" | "DELE" | "RNFR" | "RETR" | "MLST", _) => self.say("550 no such file"),
            _ => self.say("502 unknown"),
        }
    }

    fn listing(&self) -> Vec<u8> {
        if let Some(listing) = &self.shared.manners.listing {
            return listing.clone();
        }
        let files = self.shared.files.lock().expect("no panic");
        let line = |(name, bytes): (&String, &Vec<u8>)| {
            format!("type=file;size={};modify=20200102030405; {name}\r\n", bytes.len())
        };
        files.iter().map(line).collect::<String>().into_bytes()
    }

    fn data(&mut self) -> std::io::Result<TcpStream> {
        let listener = self.passive.take().ok_or(std::io::ErrorKind::NotConnected)?;
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.say("150 here")?;
        self.offset = 0;
        let mut data = self.data()?;
        if let Some(Aside(aside)) = &self.shared.manners.before_data {
            aside();
        }
        let mut cuts = self.shared.cuts.lock().expect("no panic");
        let cut = self.shared.manners.cut_after.filter(|_| *cuts > 0);
        if cut.is_some() {
            *cuts -= 1;
        }
        drop(cuts);
        let sent = bytes.get(..cut.unwrap_or(bytes.len())).unwrap_or(bytes);
        let mut written = data.write_all(sent);
        while self.shared.manners.endless && written.is_ok() && !self.shared.ended.load(Ordering::Relaxed) {
            written = data.write_all(&b"type=file;size=1; name\r\n".repeat(1000));
        }
        drop(data);
        self.close()
    }

    fn receive(&mut self, name: &str) -> std::io::Result<()> {
        self.say("150 go on")?;
        let (mut bytes, mut data) = (Vec::new(), self.data()?);
        let begun = (&mut data).take(LOST as u64).read_to_end(&mut bytes).is_ok();
        let (lost, cut) = self.breaks(bytes.len() == LOST);
        let whole = begun && !lost && !cut && data.read_to_end(&mut bytes).is_ok();
        drop(data);
        let offset = std::mem::take(&mut self.offset);
        if !lost {
            let mut files = self.shared.files.lock().expect("no panic");
            let file = files.entry(name.to_owned()).or_default();
            file.truncate(offset);
            file.extend_from_slice(&bytes);
        }
        if let Some(Aside(aside)) = &self.shared.manners.aside {
            aside();
        }
        if whole { self.close() } else { self.say("426 broken") }
    }

    /// Whether an upload that is `long` is lost, or cut.
    fn breaks(&self, long: bool) -> (bool, bool) {
        let mut broken = self.shared.broken.lock().expect("no panic");
        let lost = long && broken.0 > 0;
        let cut = long && !lost && broken.1 > 0;
        broken.0 -= usize::from(lost);
        broken.1 -= usize::from(cut);
        (lost, cut)
    }

    fn close(&mut self) -> std::io::Result<()> {
        match self.shared.manners.closing.clone() {
            None => self.say("226 done"),
            Some(bytes) if bytes.is_empty() => Err(std::io::ErrorKind::ConnectionAborted.into()),
            Some(bytes) => self.control.write_all(&bytes),
        }
    }
}

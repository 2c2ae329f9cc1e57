//! A server on loopback for tests, and other people's clients to talk to it.

// Each test program uses a part of it.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod folder;

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ftp_server::account::{Accounts, Attempt, Login, Permissions, Rates, Refusal, Right};
use ftp_server::driver::{
    Certificate, Configuration, DataSettings, Handle, Limits, Listener, Place, Reuse, Server, Times,
    TlsSettings,
};
use ftp_server::limit::{AcceptPolicy, BanPolicy, ConnectionPolicy};
use ftp_server::record::{Observer, Record, TransferRecord, What};
use ftp_server::session::Policy;
use ftp_server::store::VirtualPath;

pub use folder::Folder;

/// Nothing in these tests takes longer, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Logs in `anna` with `secret`, and guests, to one folder.
pub struct Anna {
    pub root: PathBuf,
    pub rates: Rates,
    pub may_use_other_hosts: bool,
}

impl Accounts for Anna {
    fn authenticate(&self, attempt: &Attempt) -> Result<Login, Refusal> {
        let guest = matches!(attempt.user.as_slice(), b"anonymous" | b"ftp");
        if !guest && (attempt.user != b"anna" || attempt.password.0 != b"secret") {
            return Err(Refusal::BadCredentials);
        }
        Ok(Login {
            name: if guest { "anonymous" } else { "anna" }.to_owned(),
            guest,
            store: Arc::new(Folder(self.root.clone())),
            home: VirtualPath::root(),
            permissions: Permissions::everywhere(Right::ALL),
            rates: self.rates,
            maximum_sessions: None,
            may_use_other_hosts: self.may_use_other_hosts,
            welcome: Vec::new(),
        })
    }
}

/// Keeps all records, and lets tests wait for one.
#[derive(Default)]
pub struct Log {
    records: Mutex<Vec<Record>>,
    more: Condvar,
}

impl Observer for Log {
    fn observe(&self, record: &Record) {
        self.records.lock().unwrap().push(record.clone());
        self.more.notify_all();
    }
}

impl Log {
    /// Waits until `found` gives something of the records so far.
    pub fn wait_for<T>(&self, what: &str, mut found: impl FnMut(&[Record]) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut records = self.records.lock().unwrap();
        loop {
            if let Some(found) = found(&records) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}; there are {records:#?}");
            records = self.more.wait_timeout(records, left).unwrap().0;
        }
    }

    /// Waits for the record of transfer number `index` of all transfers.
    pub fn transfer(&self, index: usize) -> TransferRecord {
        self.wait_for("a transfer", |records| transfers(records).nth(index).cloned())
    }

    pub fn transfers(&self) -> Vec<TransferRecord> {
        transfers(&self.records.lock().unwrap()).cloned().collect()
    }

    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap().clone()
    }
}

fn transfers(records: &[Record]) -> impl Iterator<Item = &TransferRecord> {
    records.iter().filter_map(|record| match &record.what {
        What::Transferred(transfer) => Some(transfer),
        _ => None,
    })
}

/// A server that runs until it is dropped.
pub struct Running {
    pub root: PathBuf,
    pub addresses: Vec<SocketAddr>,
    pub status: Option<SocketAddr>,
    pub log: Arc<Log>,
    pub handle: Handle,
    _folder: tempfile::TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// What a test may set before a server starts.
pub struct Setting {
    pub configuration: Configuration,
    pub root: PathBuf,
}

/// Starts a server on 127.0.0.1.
pub fn start(set: impl FnOnce(&mut Setting)) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_path_buf();
    let log = Arc::new(Log::default());
    let accounts = Anna { root: root.clone(), rates: Rates::default(), may_use_other_hosts: false };
    let configuration = Configuration {
        listeners: vec![at("127.0.0.1:0")],
        policy: Policy { failure_delay: Duration::ZERO, ..Policy::default() },
        accounts: Arc::new(accounts),
        tls: None,
        data: DataSettings::default(),
        limits: Limits {
            connections: ConnectionPolicy { total: None, per_source: None },
            accept: AcceptPolicy { burst: 100_000, ..AcceptPolicy::default() },
            bans: BanPolicy::default(),
            ..Limits::default()
        },
        times: Times::default(),
        proxies: Vec::new(),
        observer: Arc::clone(&log) as Arc<dyn Observer>,
        status: None,
        upload_hook: None,
        capture: None,
    };
    let mut setting = Setting { configuration, root: root.clone() };
    set(&mut setting);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (started, ready) = channel();
    let (ending, ended) = channel();
    let thread = std::thread::spawn(move || serve(setting.configuration, stopped, &started, &ending));
    let (addresses, status, handle) = ready.recv_timeout(PATIENCE).expect("the server starts");
    Running {
        root,
        addresses,
        status,
        log,
        handle,
        _folder: folder,
        stop: Some(stop),
        ended,
        thread: Some(thread),
    }
}

type Started = (Vec<SocketAddr>, Option<SocketAddr>, Handle);

fn serve(
    configuration: Configuration,
    stopped: tokio::sync::oneshot::Receiver<()>,
    started: &Sender<Started>,
    ending: &Sender<()>,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::bind(configuration).unwrap();
        started.send((server.addresses(), server.status_address(), server.handle())).unwrap();
        server
            .run(async {
                let _ = stopped.await;
            })
            .await;
    });
    runtime.shutdown_background();
    let _ = ending.send(());
}

/// A place to listen in clear.
pub fn at(address: &str) -> Listener {
    Listener { place: Place::Address(address.parse().unwrap()), implicit_tls: false }
}

/// A place to listen with TLS.
pub fn implicit_at(address: &str) -> Listener {
    Listener { implicit_tls: true, ..at(address) }
}

/// TLS with a certificate for localhost.
pub fn tls(reuse: Reuse) -> TlsSettings {
    TlsSettings {
        certificate: Certificate::SelfSigned(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]),
        reuse,
        lenient_close: false,
        kernel: true,
    }
}

impl Running {
    pub fn port(&self) -> u16 {
        self.addresses[0].port()
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.root.join(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.root.join(name)).unwrap()
    }

    /// Asks it to stop, and does not wait.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until it has ended.
    pub fn wait_for_end(&mut self, within: Duration) {
        self.ended.recv_timeout(within).expect("the server ends in time");
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // Sessions that a failed test left open would drain for long; the process ends anyway.
            if self.ended.recv_timeout(Duration::from_secs(1)).is_ok() {
                let _ = thread.join();
            }
        }
    }
}

/// What a client said and how it ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub output: String,
    pub errors: String,
}

/// Runs a client, and kills it if it takes too long.
pub fn run(program: &str, arguments: &[&str]) -> Outcome {
    let outcome = run_in(Path::new("/"), program, arguments);
    assert!(outcome.code.is_some(), "{program} {arguments:?} took too long: {outcome:?}");
    outcome
}

fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> Outcome {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    let output = collect(child.stdout.take().unwrap());
    let errors = collect(child.stderr.take().unwrap());
    let code = wait(&mut child);
    Outcome { code, output: output.join().unwrap(), errors: errors.join().unwrap() }
}

fn collect(mut source: impl std::io::Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = source.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The exit code; `None` if it had to be killed.
fn wait(child: &mut Child) -> Option<i32> {
    let pid = rustix::process::Pid::from_child(child);
    let (ended, watchdog) = channel::<()>();
    let killer = std::thread::spawn(move || {
        if watchdog.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    });
    let status = child.wait().unwrap();
    drop(ended);
    killer.join().unwrap();
    status.code()
}

/// A dialogue by hand.
pub struct Dialogue {
    pub socket: std::net::TcpStream,
    unread: Vec<u8>,
}

impl Dialogue {
    /// Connects and reads the greeting.
    pub fn connect(address: SocketAddr) -> Self {
        let mut dialogue = Self::open(address);
        dialogue.expect(220);
        dialogue
    }

    pub fn open(address: SocketAddr) -> Self {
        let socket = std::net::TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket, unread: Vec::new() }
    }

    /// Connects and logs in.
    pub fn log_in(address: SocketAddr) -> Self {
        let mut dialogue = Self::connect(address);
        dialogue.ask("USER anna", 331);
        dialogue.ask("PASS secret", 230);
        dialogue
    }

    pub fn say(&mut self, bytes: &[u8]) {
        std::io::Write::write_all(&mut self.socket, bytes).unwrap();
    }

    /// Sends a command, and takes a reply of this code.
    pub fn ask(&mut self, command: &str, code: u16) -> String {
        self.say(format!("{command}\r\n").as_bytes());
        self.expect(code)
    }

    pub fn expect(&mut self, code: u16) -> String {
        let reply = self.reply().expect("a reply");
        assert!(reply.starts_with(&code.to_string()), "wanted {code}, got {reply}");
        reply
    }

    /// A reply with all its lines; `None` at the end.
    pub fn reply(&mut self) -> Option<String> {
        let mut text = String::new();
        loop {
            let line = self.line()?;
            let last =
                line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit);
            text.push_str(&line);
            if last {
                return Some(text);
            }
            text.push('\n');
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return Some(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            let mut bytes = [0; 1024];
            match self.socket.read(&mut bytes) {
                Ok(0) => return None,
                Ok(read) => self.unread.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Asks for a passive data connection; gives where.
    pub fn passive(&mut self) -> SocketAddr {
        let reply = self.ask("EPSV", 229);
        let port = reply.split('|').nth(3).unwrap().parse().unwrap();
        SocketAddr::new(self.socket.peer_addr().unwrap().ip(), port)
    }

    /// Opens a passive data connection.
    pub fn data(&mut self) -> std::net::TcpStream {
        let address = self.passive();
        let data = std::net::TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        data.set_read_timeout(Some(PATIENCE)).unwrap();
        data.set_write_timeout(Some(PATIENCE)).unwrap();
        data
    }
}

/// Connects from another loopback address.
pub fn connect_from(source: IpAddr, target: SocketAddr) -> std::io::Result<std::net::TcpStream> {
    let domain = socket2::Domain::for_address(target);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    socket.connect_timeout(&target.into(), PATIENCE)?;
    let socket: std::net::TcpStream = socket.into();
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Bytes that are the same each time, and do not repeat soon.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

//! A server with a log, whose use of descriptors and memory is looked at.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use port21_testkit::{records, wait_until};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::{Client, PATIENCE};
use crate::server::{PROGRAM, Server};

/// Name and password of its account.
pub const ACCOUNT: (&str, &str) = ("ada", "secret");

/// The account in a file; its hash (crypt, `$6$`) is quickly verified and, other than argon2id, in little memory.
const ACCOUNTS: &str = "[ada]\npassword = '$6$port21$h1kmQqsrY8RLXjSRhC04zvcq0iBJsSy0bPVdC/GDA1usa1RRYhxcLU8Wq4oWmBOcMutS3iYT47pbZQ/Nb6r4n.'\npermissions = 'all'\n";

/// A file that it serves.
pub const FILE: (&str, &[u8]) = ("served.txt", b"served meanwhile");

/// A server with a log, and the folder that holds its files (`root`) and its log.
pub struct Watched {
    pub server: Server,
    pub folder: TempDir,
}

impl Watched {
    /// One account, which may write.
    pub fn start(words: &[&str]) -> Self {
        Self::of(words, Command::new(PROGRAM))
    }

    /// The same on one thread: the allocator takes memory from the system for each by the 4 MiB, which would hide what sessions take.
    pub fn start_on_one_thread(words: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.env("TOKIO_WORKER_THREADS", "1");
        Self::of(words, command)
    }

    fn of(words: &[&str], mut command: Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (root, log) = (folder.path().join("root"), folder.path().join("log"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join(FILE.0), FILE.1).unwrap();
        let accounts = accounts(folder.path(), &root);
        command.args(["serve", "--listen", "127.0.0.1:0", "--accounts"]).arg(accounts);
        command.arg("--log").arg(log).args(words);
        let server = Server::of(command);
        Self { server, folder }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.address.parse().unwrap()
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Somebody who wants something, and gets it.
    pub fn serves_another(&self) {
        let mut client = self.log_in();
        assert_eq!(client.gets(FILE.0), FILE.1);
        assert!(client.says("QUIT").starts_with("221"));
    }

    /// A client that is logged in.
    pub fn log_in(&self) -> Client {
        let mut client = self.server.client();
        let told = client.logs_in(ACCOUNT.0, ACCOUNT.1);
        assert!(told.starts_with("230"), "{told}");
        client
    }

    /// What its log holds by now.
    pub fn records(&self) -> Vec<Value> {
        records(&self.folder.path().join("log"))
    }

    /// How many records of this kind the log holds whose `key` is `value`.
    pub fn count(&self, event: &str, key: &str, value: &str) -> usize {
        self.records().iter().filter(|record| record["event"] == event && record[key] == value).count()
    }

    /// Waits until the log holds so many.
    pub fn waits_for(&self, number: usize, event: &str, key: &str, value: &str) {
        let what = format!("{number} records {event} with {key} {value:?}");
        wait_until(&what, || self.count(event, key, value) >= number);
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.server.child.id())).unwrap().count()
    }

    /// The most memory that it has had resident, in KiB.
    pub fn peak_memory(&self) -> u64 {
        peak_memory(&self.server)
    }
}

/// The most memory that a server has had resident, in KiB.
pub fn peak_memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Connects from another loopback address.
pub fn connect_from(source: IpAddr, target: SocketAddr) -> TcpStream {
    let socket =
        socket2::Socket::new(socket2::Domain::for_address(target), socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
    socket.connect_timeout(&target.into(), PATIENCE).unwrap();
    socket.into()
}

/// A file of accounts in `folder`, whose home is `root`.
pub fn accounts(folder: &Path, root: &Path) -> PathBuf {
    let file = folder.join("accounts.toml");
    fs::write(&file, format!("{ACCOUNTS}home = '{}'\n", root.display())).unwrap();
    file
}

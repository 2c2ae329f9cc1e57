//! `port21 serve` on free ports of loopback, ended when the test ends.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use crate::setting::{Protection, Setting};

pub const USER: &str = "ada";
pub const PASSWORD: &str = "lovelace";

/// A running server.
pub struct Server {
    child: Child,
    root: TempDir,
    /// Explicit on IPv4, explicit on IPv6, implicit on IPv4, implicit on IPv6.
    addresses: [SocketAddr; 4],
}

impl Server {
    /// Starts it on an IPv4 address of loopback and on ::1 with further options, and waits until it says on which ports it listens.
    pub fn start(address: Ipv4Addr, options: &[&str]) -> Self {
        let root = TempDir::new().unwrap();
        let ipv4 = format!("{address}:0");
        let mut child = Command::new(env!("CARGO_BIN_EXE_port21"))
            .arg("serve")
            .arg(root.path())
            .args(["--listen", &ipv4, "--listen", "[::1]:0"])
            .args(["--implicit-tls", &ipv4, "--implicit-tls", "[::1]:0"])
            .args(["--account", &format!("{USER}:{PASSWORD}"), "--write", "--tls-self-signed"])
            // All clients come from one address here.
            .args(["--max-connections-per-address", "0", "--max-connection-rate", "0"])
            .args(options)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Read to the end, so that the server never waits for its reader.
                let _ = sender.send(line);
            }
        });
        let mut addresses = Vec::new();
        while addresses.len() < 4 {
            let line =
                receiver.recv_timeout(Duration::from_secs(20)).expect("the server says that it is ready");
            if line.starts_with("port21: serving ") {
                let address = line.rsplit_once(" on ").and_then(|(_, address)| address.parse().ok());
                addresses.push(address.expect("a ready line ends with address and port"));
            }
        }
        Self { child, root, addresses: addresses.try_into().unwrap() }
    }

    pub fn root(&self) -> PathBuf {
        self.root.path().to_owned()
    }

    pub fn address(&self, setting: Setting) -> SocketAddr {
        let implicit = usize::from(setting.protection == Protection::Implicit) * 2;
        self.addresses[implicit + usize::from(setting.ipv6)]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

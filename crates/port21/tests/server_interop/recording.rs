//! What crosses loopback to and from one address, recorded by tcpdump.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use port21_testkit::wait_until;

/// The last thing that is sent: once it is in the file, so is all that came before.
const END: &[u8] = b"the recording ends here";

/// A recording under way.
pub struct Recording {
    tcpdump: Child,
    talk: BufReader<ChildStderr>,
    address: Ipv4Addr,
    file: PathBuf,
}

impl Recording {
    /// Begins to record into `file`. Only root may, or who may become root without a password.
    pub fn start(address: Ipv4Addr, file: PathBuf) -> Self {
        let mut command = if rustix::process::geteuid().is_root() {
            Command::new("tcpdump")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "tcpdump"]);
            sudo
        };
        command.args(["-i", "lo", "-s", "0", "-B", "65536", "-U", "--immediate-mode", "-w"]).arg(&file);
        // As root it would become a user who cannot write there.
        command.args(["-Z", "root", &format!("host {address}")]);
        let mut tcpdump =
            command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("tcpdump is needed");
        let mut talk = BufReader::new(tcpdump.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on") {
            assert!(talk.read_line(&mut said).unwrap() > 0, "tcpdump ended: {said}");
        }
        Self { tcpdump, talk, address, file }
    }

    /// Ends it when everything that was sent so far is in the file.
    pub fn end(mut self) -> PathBuf {
        let socket = UdpSocket::bind((self.address, 0)).unwrap();
        socket.send_to(END, socket.local_addr().unwrap()).unwrap();
        wait_until("the end is recorded", || {
            fs::read(&self.file)
                .is_ok_and(|bytes| bytes.windows(END.len()).rev().take(4096).any(|bytes| bytes == END))
        });
        let process = self.tcpdump.id().to_string();
        assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
        let mut said = String::new();
        self.talk.read_to_string(&mut said).unwrap();
        assert!(self.tcpdump.wait().unwrap().success(), "{said}");
        assert!(said.contains("\n0 packets dropped by kernel"), "the recording has holes: {said}");
        std::mem::take(&mut self.file)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
}

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
        let mut command = as_root("tcpdump");
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
        assert!(self.interrupt());
        let mut said = String::new();
        self.talk.read_to_string(&mut said).unwrap();
        assert!(self.tcpdump.wait().unwrap().success(), "{said}");
        assert!(said.contains("\n0 packets dropped by kernel"), "the recording has holes: {said}");
        std::mem::take(&mut self.file)
    }
}

impl Recording {
    /// Tells it to end, which sudo hands on; gives whether it could be told.
    fn interrupt(&self) -> bool {
        let told = as_root("kill").args(["-INT", &self.tcpdump.id().to_string()]).status();
        told.is_ok_and(|status| status.success())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // One that cannot be told to end is not waited for.
        if matches!(self.tcpdump.try_wait(), Ok(None)) && self.interrupt() {
            let _ = self.tcpdump.wait();
        }
    }
}

/// A program that runs as root.
fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", program]);
    sudo
}

//! A client that says one thing after the other.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Nothing takes longer, on however busy a machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A client that says one thing after the other.
pub struct Client(BufReader<TcpStream>);

impl Client {
    pub fn connect(address: &str) -> Self {
        Self::greeted(TcpStream::connect(address).unwrap())
    }

    /// On a connection that was just made.
    pub fn greeted(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self(BufReader::new(socket));
        assert!(client.reply().starts_with("220"));
        client
    }

    pub fn socket(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub fn logs_in(&mut self, name: &str, password: &str) -> String {
        self.says(&format!("USER {name}"));
        self.says(&format!("PASS {password}"))
    }

    pub fn reply(&mut self) -> String {
        self.reply_if_any().unwrap_or_else(|end| panic!("the connection is closed: {end}"))
    }

    /// The next reply, or what came of it before the connection ended.
    pub fn reply_if_any(&mut self) -> Result<String, String> {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            match self.0.read_line(&mut reply) {
                Ok(1..) if reply.ends_with('\n') => {}
                Ok(_) => return Err(reply),
                Err(error) => return Err(format!("{reply}: {error}")),
            }
            if reply.as_bytes().get(start + 3) == Some(&b' ') {
                return Ok(reply);
            }
        }
    }

    pub fn says(&mut self, line: &str) -> String {
        self.sends(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    pub fn sends(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Opens a data connection (EPSV).
    pub fn data(&mut self) -> TcpStream {
        let told = self.says("EPSV");
        let port: u16 = told.split('|').nth(3).unwrap_or_else(|| panic!("{told}")).parse().unwrap();
        let host = self.socket().peer_addr().unwrap().ip();
        let data = TcpStream::connect((host, port)).unwrap();
        data.set_read_timeout(Some(PATIENCE)).unwrap();
        data.set_write_timeout(Some(PATIENCE)).unwrap();
        data
    }

    /// Sends a file.
    pub fn puts(&mut self, name: &str, content: &[u8]) -> String {
        let mut data = self.data();
        let opening = self.says(&format!("STOR {name}"));
        if !opening.starts_with('1') {
            return opening;
        }
        data.write_all(content).unwrap();
        drop(data);
        self.reply()
    }

    /// Gets a file in TYPE I.
    pub fn gets(&mut self, name: &str) -> Vec<u8> {
        self.says("TYPE I");
        let mut data = self.data();
        let opening = self.says(&format!("RETR {name}"));
        assert!(opening.starts_with('1'), "{opening}");
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut data, &mut content).unwrap();
        let closing = self.reply();
        assert!(closing.starts_with("226"), "{closing}");
        content
    }
}

//! A client that is as quick as it can be: blocking, without TLS, and trusting of replies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};

use super::LoginAt;

/// A server that is silent for longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// One control connection, logged in.
pub struct Session {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    line: String,
}

impl Session {
    fn open(at: &LoginAt) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(at.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // A reply is short: a larger buffer would only make idle sessions heavy on this side.
        let stream = BufReader::with_capacity(512, stream);
        let mut session = Self { stream, address: at.address, line: String::new() };
        session.expect(&[220])?;
        if session.command(&format!("USER {}", at.user), &[230, 331])? == 331 {
            session.command(&format!("PASS {}", at.password), &[230])?;
        }
        Ok(session)
    }

    /// Sends a command, and gives its reply's code, which must be one of `codes`.
    fn command(&mut self, line: &str, codes: &[u16]) -> anyhow::Result<u16> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes())?;
        self.expect(codes).with_context(|| line.to_owned())
    }

    /// Reads a reply, whose last line stays in `line`.
    fn expect(&mut self, codes: &[u16]) -> anyhow::Result<u16> {
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line)? == 0 {
                bail!("the server has closed the connection");
            }
            let code = self.line.get(..3).and_then(|code| code.parse().ok());
            match (code, self.line.as_bytes().get(3)) {
                (Some(code), Some(b' ')) if codes.contains(&code) => return Ok(code),
                (Some(_), Some(b' ')) => bail!("the server says {}", self.line.trim_end()),
                _ => {}
            }
        }
    }

    /// What a command sends over a new data connection: its length in bytes.
    fn receive(&mut self, line: &str, buffer: &mut [u8]) -> anyhow::Result<usize> {
        self.command("EPSV", &[229])?;
        let port =
            self.line.split("|||").nth(1).and_then(|rest| rest.split('|').next()).context("no port")?;
        let mut data = TcpStream::connect((self.address.ip(), port.parse()?))?;
        self.command(line, &[125, 150])?;
        let mut length = 0;
        loop {
            match data.read(buffer)? {
                0 => break,
                count => length += count,
            }
        }
        drop(data);
        self.expect(&[226, 250])?;
        Ok(length)
    }
}

/// Login, PWD, LIST and QUIT, `count` times on `threads` threads.
pub fn sessions(at: &LoginAt, count: usize, threads: usize) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let one = |buffer: &mut [u8]| -> anyhow::Result<()> {
        let mut session = Session::open(at)?;
        session.command("PWD", &[257])?;
        session.receive("LIST", buffer)?;
        session.command("QUIT", &[221])?;
        Ok(())
    };
    std::thread::scope(|scope| {
        let worker = || -> anyhow::Result<()> {
            let mut buffer = vec![0; 1 << 16];
            while next.fetch_add(1, Ordering::Relaxed) < count {
                one(&mut buffer)?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| bail!("a client failed")))
    })
}

/// One session that fetches `count` files.
pub fn small_files(at: &LoginAt, count: usize) -> anyhow::Result<()> {
    let mut session = Session::open(at)?;
    session.command("TYPE I", &[200])?;
    let mut buffer = vec![0; 1 << 16];
    for number in 0..count {
        let length = session.receive(&format!("RETR small/{number}"), &mut buffer)?;
        if length != super::peers::SMALL {
            bail!("small/{number} came with {length} bytes");
        }
    }
    Ok(())
}

/// Opens `count` sessions, and holds them.
pub fn idle(at: &LoginAt, count: usize) -> anyhow::Result<Vec<Session>> {
    (0..count).map(|_| Session::open(at)).collect()
}

//! A control connection's dialogue, and the data connections that it announces.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};

use crate::connection::{Connection, Side};
use crate::network::Network;

/// An FTP session under way. The client is `10.0.0.1`, the server `10.0.0.2`, unless a test says otherwise.
pub struct Ftp {
    /// The control connection; the client is its initiator.
    pub control: Connection,
    network: Network,
    client: IpAddr,
    server: SocketAddr,
    client_port: Cell<u16>,
}

/// `length` bytes without short periods, the same for the same `seed`.
pub fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut step = || {
        // xorshift64 (Marsaglia 2003)
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| step()).collect()
}

impl Network {
    /// An FTP session from 10.0.0.1:40000 to 10.0.0.2:21 up to the accepted login of alice.
    pub fn ftp(&self) -> Ftp {
        let ftp = self.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
        ftp.login("alice", "secret");
        ftp
    }

    /// An FTP session between two ends, with its greeting and without a login.
    pub fn ftp_between(&self, client: &str, server: &str) -> Ftp {
        let control = self.connect(client, server);
        control.server("220 ready\r\n");
        self.ftp_over(control, client, server)
    }

    /// An FTP session over a connection of which the test has sent the beginning itself.
    pub fn ftp_over(&self, control: Connection, client: &str, server: &str) -> Ftp {
        let client: SocketAddr = client.parse().expect("ADDRESS:PORT");
        Ftp {
            control,
            network: self.clone(),
            client: client.ip(),
            server: server.parse().expect("ADDRESS:PORT"),
            client_port: Cell::new(client.port() + 1),
        }
    }
}

impl Ftp {
    /// USER and PASS, both accepted.
    pub fn login(&self, user: &str, password: &str) -> &Self {
        self.say(&format!("USER {user}"), "331 password?").say(&format!("PASS {password}"), "230 welcome")
    }

    /// A command and the reply to it, each without its line end.
    pub fn say(&self, command: &str, reply: &str) -> &Self {
        self.ask(command).reply(reply)
    }

    /// A command, without its line end; nothing for "".
    pub fn ask(&self, command: &str) -> &Self {
        if !command.is_empty() {
            self.control.client(format!("{command}\r\n"));
        }
        self
    }

    /// A reply, without its last line end.
    pub fn reply(&self, reply: &str) -> &Self {
        self.control.server(format!("{reply}\r\n"));
        self
    }

    /// PASV, or EPSV over IPv6, answered with the server's own address and `port`.
    pub fn passive(&self, port: u16) -> &Self {
        match self.server.ip() {
            IpAddr::V4(_) => {
                let text = host_port(self.server.ip(), port);
                self.say("PASV", &format!("227 Entering Passive Mode ({text})"))
            }
            IpAddr::V6(_) => self.say("EPSV", &format!("229 Entering Extended Passive Mode (|||{port}|)")),
        }
    }

    /// PORT, or EPRT over IPv6, with the client's own address and `port`.
    pub fn active(&self, port: u16) -> &Self {
        match self.client {
            IpAddr::V4(_) => self.say(&format!("PORT {}", host_port(self.client, port)), "200 PORT done"),
            IpAddr::V6(address) => self.say(&format!("EPRT |2|{address}|{port}|"), "200 EPRT done"),
        }
    }

    /// The client's connection to the server's `port`, from a new port of its own.
    pub fn connect_to_server(&self, port: u16) -> Connection {
        let client = SocketAddr::new(self.client, self.client_port.get());
        self.client_port.set(client.port() + 1);
        self.network.connect(&client.to_string(), &SocketAddr::new(self.server.ip(), port).to_string())
    }

    /// The server's connection from its data port (one below its control port) to the client's `port`.
    pub fn connect_to_client(&self, port: u16) -> Connection {
        let server = SocketAddr::new(self.server.ip(), self.server.port() - 1);
        self.network.connect(&server.to_string(), &SocketAddr::new(self.client, port).to_string())
    }

    /// RETR in passive mode at `port`: 150, the data from the server, its close, 226.
    pub fn retrieve(&self, path: &str, port: u16, bytes: &[u8]) -> &Self {
        self.passive(port).ask(&format!("RETR {path}"));
        let data = self.connect_to_server(port);
        self.reply("150 opening");
        data.send(Side::Responder, bytes).close(Side::Responder);
        self.reply("226 done")
    }

    /// STOR in passive mode at `port`: 150, the data from the client, its close, 226.
    pub fn store(&self, path: &str, port: u16, bytes: &[u8]) -> &Self {
        self.passive(port).ask(&format!("STOR {path}"));
        let data = self.connect_to_server(port);
        self.reply("150 opening");
        data.send(Side::Initiator, bytes).close(Side::Initiator);
        self.reply("226 done")
    }

    /// QUIT, 221, and the server's close.
    pub fn quit(&self) -> &Self {
        self.say("QUIT", "221 bye");
        self.control.close(Side::Responder);
        self
    }
}

/// The host-port of PORT and PASV (RFC 959, section 4.1.2): h1,h2,h3,h4,p1,p2.
fn host_port(address: IpAddr, port: u16) -> String {
    format!("{},{},{}", address.to_string().replace('.', ","), port >> 8, port & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passive_announces_the_servers_address_and_port() {
        let network = Network::new();
        let ftp = network.ftp();
        ftp.passive(50_001);
        let said = String::from_utf8(ftp.control.stream(Side::Responder)).unwrap();
        assert!(said.ends_with("227 Entering Passive Mode (10,0,0,2,195,81)\r\n"), "{said}");
    }

    #[test]
    fn over_ipv6_the_extended_commands_announce() {
        let network = Network::new();
        let ftp = network.ftp_between("[fd00::1]:40000", "[fd00::2]:21");
        ftp.active(5001);
        let said = String::from_utf8(ftp.control.stream(Side::Initiator)).unwrap();
        assert_eq!(said, "EPRT |2|fd00::1|5001|\r\n");
    }

    #[test]
    fn patterns_of_different_seeds_differ() {
        assert_eq!(pattern(1, 100), pattern(1, 100));
        assert_ne!(pattern(1, 100), pattern(2, 100));
    }
}

//! What a server is told before it starts.

use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::passive::FreePorts;
use super::tls::TlsSettings;
use crate::account::Accounts;
use crate::limit::{AcceptPolicy, AccessList, BanPolicy, BandwidthPolicy, ConnectionPolicy, Network};
use crate::record::Observer;
use crate::session::Policy;

/// Everything that a server is told before it starts.
pub struct Configuration {
    /// Where it listens.
    pub listeners: Vec<Listener>,
    /// What sessions do and refuse. Whether TLS is offered follows from [`Configuration::tls`].
    pub policy: Policy,
    /// Who may log in.
    pub accounts: Arc<dyn Accounts>,
    /// TLS, if it is offered.
    pub tls: Option<TlsSettings>,
    /// How data connections come about.
    pub data: DataSettings,
    /// How many may come, and how fast.
    pub limits: Limits,
    /// How long things may take.
    pub times: Times,
    /// Proxies whose PROXY protocol header is asked for and believed.
    pub proxies: Vec<Network>,
    /// Who is told what happens.
    pub observer: Arc<dyn Observer>,
    /// Where `/metrics` and `/health` are answered by HTTP.
    pub status: Option<SocketAddr>,
    /// Run after each upload that is whole.
    pub upload_hook: Option<Hook>,
    /// Takes all dialogues as a capture, with the passwords in them. It is written to on the server's threads.
    pub capture: Option<Box<dyn Write + Send>>,
}

/// Where a server listens.
#[derive(Debug)]
pub struct Listener {
    /// The address, or a socket that listens already.
    pub place: Place,
    /// TLS comes first.
    pub implicit_tls: bool,
}

impl Listener {
    /// The address that it is told to listen on; `None` of a socket that was handed over.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self.place {
            Place::Address(address) => Some(address),
            Place::Inherited(_) => None,
        }
    }
}

/// Where a server listens.
#[derive(Debug)]
pub enum Place {
    /// This address; port 0 takes a free one.
    Address(SocketAddr),
    /// A socket that was handed over (socket activation).
    Inherited(TcpListener),
}

/// How data connections come about.
#[derive(Debug, Clone, Default)]
pub struct DataSettings {
    /// Ports that passive data connections come to; `None` takes any free one.
    pub passive_ports: Option<RangeInclusive<u16>>,
    /// Which those are.
    pub free_ports: FreePorts,
    /// The address that clients of other networks are told; `None` is the one that they reached the server at.
    pub passive_address: Option<Host>,
    /// Addresses for clients of these networks; the narrowest that holds the client counts.
    pub passive_address_for: Vec<(Network, Host)>,
    /// Port that active data connections come from; 20 needs the right to bind it (RFC 959 section 3.2). `None` is any.
    pub active_port: Option<u16>,
}

/// An address, or a name whose address is looked up again from time to time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name of the DNS.
    Name(String),
}

/// How many may come, and how fast.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// How many connections there may be at once.
    pub connections: ConnectionPolicy,
    /// How often an address may connect.
    pub accept: AcceptPolicy,
    /// Which addresses may connect.
    pub access: AccessList,
    /// What follows from failed logins.
    pub bans: BanPolicy,
    /// Most bytes a second.
    pub bandwidth: BandwidthPolicy,
    /// Least bytes a second of a transfer, on average over [`Times::stall`] of waiting for the client; 0 is any.
    pub least_rate: u64,
}

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Times {
    /// From PASV to the transfer command, and from there until the client connects.
    pub passive: Duration,
    /// Until an active data connection is open.
    pub connect: Duration,
    /// A TLS handshake, and its end.
    pub handshake: Duration,
    /// Until a client has read replies that wait for it.
    pub write: Duration,
    /// A transfer in which nothing moves.
    pub stall: Duration,
    /// Until a proxy's header is there.
    pub proxy_header: Duration,
    /// Transfers under way when the server is stopped.
    pub drain: Duration,
    /// Between looks at certificate files, and at the addresses of names.
    pub refresh: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            passive: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            write: Duration::from_secs(30),
            stall: Duration::from_secs(60),
            proxy_header: Duration::from_secs(5),
            drain: Duration::from_secs(30),
            refresh: Duration::from_secs(60),
        }
    }
}

/// A command that is run after each upload that is whole. It gets what it should know in its environment; no shell reads any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, the same each time.
    pub arguments: Vec<String>,
    /// How many may run at once; uploads beyond wait for one to end.
    pub at_once: usize,
    /// How long one may run before it is killed.
    pub time: Duration,
}

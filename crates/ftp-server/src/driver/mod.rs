//! The server on sockets and files.
//!
//! Takes a [`Configuration`], serves until it is told to stop, tells an observer what happens. Protocol is the session's, what may be done the
//! accounts', where files are the store's; here are only sockets, time, threads and TLS. It needs tokio's runtime with several
//! threads.
//!
//! ```text
//!  accept ──▶ conversation: one task for each control connection
//!               │  ▲
//!       perform │  │ events          session (no IO)
//!               ▼  │
//!             transfer ──▶ data: passive or active, TLS ──▶ download (sendfile, buffers) ──▶ store
//!                                                        └▶ upload
//! ```

mod accept;
mod address;
mod configuration;
mod control;
mod conversation;
mod data;
mod download;
mod form;
mod gate;
mod hook;
mod kernel;
mod lines;
mod login;
mod meter;
mod operate;
mod outgoing;
mod passive;
mod perform;
mod proxy;
mod shared;
mod socket;
mod status;
pub mod supervisor;
mod tls;
mod transfer;
mod upload;
mod walk;
mod witness;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::account::Accounts;
pub use configuration::{Configuration, DataSettings, Hook, Host, Limits, Listener, Place, Times};
pub use passive::FreePorts;
use shared::{Phase, Shared};
pub use tls::{Certificate, Reuse, Tls, TlsError, TlsSettings};

/// Control connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// How long sessions may take to say 421 once their transfers are over.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A socket that was handed over is of no use.
    #[error("the socket that was handed over cannot be used: {0}")]
    Inherited(#[source] io::Error),
    /// TLS cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is nothing to listen on, or implicit TLS without a certificate.
    #[error("{0}")]
    Configuration(&'static str),
}

/// A server that listens, and does not serve yet.
pub struct Server {
    listeners: Vec<(TcpListener, bool)>,
    status: Option<TcpListener>,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
}

/// Reaches a server that runs.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Server {
    /// Binds all addresses and reads the certificate. Must be called within a runtime.
    pub fn bind(mut configuration: Configuration) -> Result<Self, StartError> {
        let places = std::mem::take(&mut configuration.listeners);
        if places.is_empty() {
            return Err(StartError::Configuration("there is no address to listen on"));
        }
        if configuration.tls.is_none() && places.iter().any(|listener| listener.implicit_tls) {
            return Err(StartError::Configuration("implicit TLS needs a certificate"));
        }
        let places = without_those_handed_over(places);
        let mut listeners = Vec::new();
        let all: Vec<SocketAddr> = places.iter().filter_map(Listener::address).collect();
        for Listener { place, implicit_tls } in places {
            let listener = match place {
                Place::Address(address) => listen(address, is_beside_ipv4(address, &all))
                    .map_err(|source| StartError::Listen { address, source })?,
                Place::Inherited(listener) => inherit(listener).map_err(StartError::Inherited)?,
            };
            listeners.push((listener, implicit_tls));
        }
        let status = match configuration.status {
            Some(address) => {
                Some(listen(address, false).map_err(|source| StartError::Listen { address, source })?)
            }
            None => None,
        };
        let (phase, receiver) = watch::channel(Phase::Running);
        let shared = Arc::new(Shared::new(configuration, receiver)?);
        Ok(Self { listeners, status, shared, phase })
    }

    /// Where it listens, in the order of the configuration, with the ports that were chosen for port 0.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|(listener, _)| listener.local_addr().ok()).collect()
    }

    /// Where `/metrics` and `/health` are answered.
    pub fn status_address(&self) -> Option<SocketAddr> {
        self.status.as_ref()?.local_addr().ok()
    }

    /// SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` shows it.
    pub fn fingerprint(&self) -> Option<String> {
        self.shared.tls.as_ref().map(Tls::fingerprint)
    }

    /// To reach it once it runs.
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared) }
    }

    /// Serves until `shutdown`. Then takes no more connections, lets transfers under way end within the configuration's time, tells clients
    /// 421, and ends.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { listeners, status, shared, phase } = self;
        let (presence, mut gone) = mpsc::channel(1);
        let mut accepting = JoinSet::new();
        for (listener, implicit_tls) in listeners {
            accepting.spawn(accept::serve(listener, implicit_tls, Arc::clone(&shared), presence.clone()));
        }
        drop(presence);
        let mut watching = JoinSet::new();
        watching.spawn(refresh(Arc::clone(&shared)));
        watching.spawn(supervisor::keep_watchdog());
        if let Some(status) = status {
            watching.spawn(status::serve(status, Arc::clone(&shared)));
        }
        shutdown.await;
        supervisor::say_stopping(shared.times.drain + LAST_WORDS * 2);
        accepting.shutdown().await;
        let until = Instant::now() + shared.times.drain;
        // Nobody listens if no session is there.
        let _ = phase.send(Phase::Draining(until));
        if timeout_at(until + LAST_WORDS, gone.recv()).await.is_err() {
            let _ = phase.send(Phase::Over);
            let _ = timeout_at(until + LAST_WORDS * 2, gone.recv()).await;
        }
    }
}

impl Handle {
    /// Uses these accounts for logins from now on. Who is logged in stays.
    pub fn set_accounts(&self, accounts: Arc<dyn Accounts>) {
        *self.shared.accounts.write().unwrap_or_else(PoisonError::into_inner) = accounts;
    }

    /// Reads the certificate again; the old one stays in use if that fails.
    pub fn reload_certificate(&self) -> Result<(), TlsError> {
        self.shared.tls.as_ref().map_or(Ok(()), Tls::reload)
    }
}

/// Looks at files and names that may have changed.
async fn refresh(shared: Arc<Shared>) {
    let mut ticks = interval(shared.times.refresh);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for reason in shared.addresses.refresh().await {
            shared.degraded(reason);
        }
        if let Some(tls) = shared.tls.as_ref().filter(|tls| tls.is_outdated())
            && let Err(error) = tls.reload()
        {
            shared.degraded(error.to_string());
        }
    }
}

/// Whether an IPv4 address of the same port is listened on too: an IPv6 listener would otherwise take its connections.
fn is_beside_ipv4(address: SocketAddr, all: &[SocketAddr]) -> bool {
    address.port() != 0 && all.iter().any(|other| other.is_ipv4() && other.port() == address.port())
}

/// Leaves out addresses that a socket which was handed over listens on already: a configuration may name what the service manager opens.
fn without_those_handed_over(places: Vec<Listener>) -> Vec<Listener> {
    let inherited: Vec<SocketAddr> = places
        .iter()
        .filter_map(|listener| match &listener.place {
            Place::Inherited(socket) => socket.local_addr().ok(),
            Place::Address(_) => None,
        })
        .collect();
    let is_there = |address: SocketAddr| {
        inherited.iter().any(|there| {
            let ip = there.ip();
            let takes_all = ip.is_unspecified() && (ip.is_ipv6() || address.is_ipv4());
            there.port() == address.port() && (ip == address.ip() || takes_all)
        })
    };
    places
        .into_iter()
        .filter(|listener| listener.address().is_none_or(|address| !is_there(address)))
        .collect()
}

fn listen(address: SocketAddr, only_ipv6: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(only_ipv6)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn inherit(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    if !rustix::net::sockopt::socket_acceptconn(&listener)? {
        // As of Accept=yes, which starts a server for each connection.
        return Err(io::Error::other("it does not listen; a socket unit needs Accept=no"));
    }
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

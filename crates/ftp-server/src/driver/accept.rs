//! Takes control connections, and refuses those that are too many at little cost.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout};

use super::control::Control;
use super::conversation::{Conversation, Taken};
use super::proxy::{Spoken, canonical, read_header};
use super::shared::Shared;
use crate::limit::Ticket;
use crate::record::{RefusedConnection, What};

/// How long to wait when no connection can be taken, since descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// How long it is not said again that no connection can be taken.
const SAME_AGAIN: Duration = Duration::from_secs(10);

/// Connections of proxies whose header is awaited.
const MOST_HEADERS: usize = 1024;

/// Time for the reply to a connection that is refused.
const REFUSAL: Duration = Duration::from_secs(1);

/// Held by whatever has to end before the server has.
pub(super) type Presence = mpsc::Sender<()>;

/// Takes connections until it is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    implicit_tls: bool,
    shared: Arc<Shared>,
    presence: Presence,
) {
    let headers = Arc::new(Semaphore::new(MOST_HEADERS));
    let mut told = None;
    loop {
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                let now = Instant::now();
                if told.is_none_or(|told| now.saturating_duration_since(told) >= SAME_AGAIN) {
                    told = Some(now);
                    shared.degraded(format!("no connection can be taken: {error}"));
                }
                sleep(PAUSE).await;
                continue;
            }
        };
        let (Ok(local), Ok(remote)) = (socket.local_addr(), socket.peer_addr()) else { continue };
        let (local, remote) = (canonical(local), canonical(remote));
        let arrival = Arrival { implicit_tls, shared: Arc::clone(&shared), presence: presence.clone() };
        if !shared.proxies.iter().any(|network| network.contains(remote.ip())) {
            arrival.take(socket, remote, local, None);
        } else if let Ok(place) = Arc::clone(&headers).try_acquire_owned() {
            tokio::spawn(async move {
                arrival.take_from_proxy(socket, remote, local).await;
                drop(place);
            });
        } else {
            arrival.refuse(socket, remote, RefusedConnection::Proxy);
        }
    }
}

/// Whether only the connection that was to be taken is broken.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

struct Arrival {
    implicit_tls: bool,
    shared: Arc<Shared>,
    presence: Presence,
}

impl Arrival {
    async fn take_from_proxy(self, mut socket: TcpStream, proxy: SocketAddr, local: SocketAddr) {
        match timeout(self.shared.times.proxy_header, read_header(&mut socket)).await {
            Ok(Ok(Spoken::For { client, server })) => self.take(socket, client, server, Some(proxy)),
            Ok(Ok(Spoken::Itself)) => self.take(socket, proxy, local, None),
            Ok(Err(_)) | Err(_) => self.refuse(socket, proxy, RefusedConnection::Proxy),
        }
    }

    fn take(self, socket: TcpStream, client: SocketAddr, server: SocketAddr, proxy: Option<SocketAddr>) {
        let place = match self.admit(client) {
            Ok(place) => place,
            Err(reason) => return self.refuse(socket, client, reason),
        };
        // A client that is gone already needs no answer.
        let Ok(control) = Control::accepted(socket) else { return };
        let Self { implicit_tls, shared, presence } = self;
        let taken = Taken { control, client, server, proxy, implicit_tls, place };
        tokio::spawn(async move {
            Conversation::new(shared, taken).run().await;
            drop(presence);
        });
    }

    fn admit(&self, client: SocketAddr) -> Result<Ticket, RefusedConnection> {
        let (shared, address, now) = (&self.shared, client.ip(), Instant::now().into_std());
        if !shared.access.permits(address) {
            return Err(RefusedConnection::Access);
        }
        if shared.bans.source_waits(now, address).is_some() {
            return Err(RefusedConnection::Banned);
        }
        if !shared.accept_rate.admit(now, address) {
            return Err(RefusedConnection::TooOften);
        }
        Ok(shared.connections.connect(address)?)
    }

    /// Says why in one reply (RFC 959 section 5.4), and closes. A client that expects TLS could not read it.
    fn refuse(&self, mut socket: TcpStream, client: SocketAddr, reason: RefusedConnection) {
        self.shared.observe(None, Some(client), None, What::Refused(reason));
        if self.implicit_tls {
            return;
        }
        let reply = format!("421 {}; try again later.\r\n", told(reason));
        // The buffer of a new connection has room for it.
        if !matches!(socket.try_write(reply.as_bytes()), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
        {
            return;
        }
        tokio::spawn(async move {
            // Whoever is refused may go unheard.
            let _ = timeout(REFUSAL, socket.write_all(reply.as_bytes())).await;
        });
    }
}

/// The reason as a reply begins.
fn told(reason: RefusedConnection) -> String {
    let text = reason.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::Full;

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        assert_eq!(
            told(RefusedConnection::Full(Full::Server)),
            "The server has as many connections as it may"
        );
    }
}

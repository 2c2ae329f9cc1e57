//! One data connection: how it comes about, what is read and written on it, how it ends.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket as NewSocket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::configuration::Times;
use super::control::is_resumed;
use super::kernel;
use super::proxy::{Spoken, canonical, read_header};
use super::socket::{Socket, retry};
use super::tls::{Reuse, SessionKeys};
use crate::limit::Network;
use crate::session::TransferError;

/// Bytes that are taken from the socket at once on an upload with TLS; the library alone would ask for 4 KiB each time.
const READ_AHEAD: usize = 256 << 10;

/// Bytes that may wait encrypted before they are sent.
const ENCRYPTED_AHEAD: usize = 256 << 10;

/// How long a client may take to close a connection on which everything was said, before it is cut.
const LINGER: Duration = Duration::from_secs(5);

/// How a data connection comes about.
pub(super) enum Way {
    /// The client connects to this listener.
    Passive(std::net::TcpListener),
    /// The server connects, from this address, to this one.
    Active {
        /// The server's end; port 0 is any.
        from: SocketAddr,
        /// The client's.
        to: SocketAddr,
    },
}

/// Whose connection is taken.
pub(super) struct Peer {
    /// The client's address.
    pub(super) address: IpAddr,
    /// Whether any other address is as good (server to server).
    pub(super) any: bool,
    /// Proxies that may speak for the client, if the control connection came through one.
    pub(super) proxies: Vec<Network>,
}

/// TLS of a data connection.
pub(super) struct Protection {
    pub(super) keys: SessionKeys,
    pub(super) reuse: Reuse,
    pub(super) lenient_close: bool,
    /// Whether the client sends.
    pub(super) upload: bool,
    /// Whether the kernel makes the records of what is sent, if it can.
    pub(super) kernel: bool,
}

/// A data connection.
pub(super) enum Data {
    /// In clear.
    Clear(Socket),
    /// Protected by TLS.
    Protected(Box<Protected>),
    /// Protected by TLS, whose records the kernel makes of what is sent.
    Kernel { socket: Socket, resumed: bool },
}

/// A data connection that TLS protects.
pub(super) struct Protected {
    stream: TlsStream<BufReader<Socket>>,
    lenient_close: bool,
}

/// Makes the data connection; each connection that is not the client's is closed and told to `stranger`.
pub(super) async fn connect(
    way: Way,
    peer: &Peer,
    times: &Times,
    stranger: impl Fn(SocketAddr, SocketAddr),
) -> Result<Socket, TransferError> {
    match way {
        Way::Passive(listener) => {
            let until = Instant::now() + times.passive;
            let mut listener = Listener::Unwatched(listener);
            let mut strangers = 0_u32;
            loop {
                let accepted = async { recognise(listener.accept().await?, peer, times).await };
                match timeout_at(until, accepted).await {
                    Ok(Ok(Accepted::Client(socket))) => return Ok(socket),
                    Ok(Ok(Accepted::Stranger(who, whereto))) => {
                        strangers = strangers.saturating_add(1);
                        stranger(who, whereto);
                    }
                    Ok(Err(_)) => return Err(TransferError::NotOpened),
                    Err(_) if strangers > 0 => return Err(TransferError::NotThePeer),
                    Err(_) => return Err(TransferError::NotOpened),
                }
            }
        }
        Way::Active { from, to } => match timeout(times.connect, dial(from, to)).await {
            Ok(Ok(socket)) => Ok(Socket::Watched(socket)),
            Ok(Err(_)) | Err(_) => Err(TransferError::NotOpened),
        },
    }
}

enum Accepted {
    Client(Socket),
    Stranger(SocketAddr, SocketAddr),
}

/// A listener that is waited for only if nobody has connected yet, since clients mostly connect before they send the command.
enum Listener {
    Unwatched(std::net::TcpListener),
    Watched(TcpListener),
    Lost,
}

impl Listener {
    async fn accept(&mut self) -> io::Result<Socket> {
        if let Self::Unwatched(listener) = self {
            let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
            match retry(|| rustix::net::accept_with(&*listener, flags)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Ok(Socket::Unwatched(result?.into())),
            }
            if let Self::Unwatched(listener) = std::mem::replace(self, Self::Lost) {
                *self = Self::Watched(TcpListener::from_std(listener)?);
            }
        }
        match self {
            Self::Watched(listener) => Ok(Socket::Watched(listener.accept().await?.0)),
            Self::Unwatched(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Whether the connection is the client's.
async fn recognise(socket: Socket, peer: &Peer, times: &Times) -> io::Result<Accepted> {
    let (local, remote) = socket.ends()?;
    let (local, remote) = (canonical(local), canonical(remote));
    if peer.any || remote.ip() == peer.address {
        return Ok(Accepted::Client(socket));
    }
    if peer.proxies.iter().any(|network| network.contains(remote.ip())) {
        let mut socket = socket.into_watched()?;
        let header = timeout(times.proxy_header, read_header(&mut socket)).await;
        if let Ok(Ok(Spoken::For { client, .. })) = header
            && client.ip() == peer.address
        {
            return Ok(Accepted::Client(Socket::Watched(socket)));
        }
    }
    Ok(Accepted::Stranger(remote, local))
}

async fn dial(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = NewSocket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if from.port() != 0 {
        // Many connections leave from the one port.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&from.into())?;
    TcpSocket::from_std_stream(socket.into()).connect(to).await
}

impl Data {
    /// Protects the connection, and checks that it is of the control connection's TLS session if it has to be.
    pub(super) async fn protect(
        socket: Socket,
        protection: Protection,
        limit: Duration,
    ) -> Result<Self, TransferError> {
        let Protection { keys, reuse, lenient_close, upload, kernel } = protection;
        // Records are sent when they are whole; waiting for more would only delay the last one.
        socket.set_nodelay().map_err(|_| TransferError::Broken)?;
        let (configuration, capacity) =
            if upload { (keys.upload, READ_AHEAD) } else { (keys.download, READ_AHEAD >> 6) };
        let handshake = TlsAcceptor::from(configuration).accept(BufReader::with_capacity(capacity, socket));
        let mut stream = match timeout(limit, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) | Err(_) => return Err(TransferError::TlsFailed),
        };
        stream.get_mut().1.set_buffer_limit(Some(ENCRYPTED_AHEAD));
        if reuse == Reuse::Require && !is_resumed(stream.get_ref().1) {
            // The client should see an orderly end rather than a reset.
            let _ = timeout(limit, stream.shutdown()).await;
            return Err(TransferError::TlsNotResumed);
        }
        if kernel && kernel::can_take(stream.get_ref().1) {
            let resumed = is_resumed(stream.get_ref().1);
            let (socket, connection) = stream.into_inner();
            let socket = socket.into_inner();
            kernel::take(socket.descriptor().map_err(|_| TransferError::Broken)?, connection)
                .map_err(|_| TransferError::TlsFailed)?;
            return Ok(Self::Kernel { socket, resumed });
        }
        Ok(Self::Protected(Box::new(Protected { stream, lenient_close })))
    }

    /// Whether TLS resumed the control connection's session.
    pub(super) fn is_resumed(&self) -> bool {
        match self {
            Self::Clear(_) => false,
            Self::Kernel { resumed, .. } => *resumed,
            Self::Protected(protected) => is_resumed(protected.stream.get_ref().1),
        }
    }

    /// Reads some bytes; 0 is the end that the client meant.
    pub(super) async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TransferError> {
        match self {
            Self::Clear(socket) => receive_result(socket.receive(buffer).await),
            // Only of downloads.
            Self::Kernel { .. } => Err(TransferError::Broken),
            Self::Protected(protected) => match protected.stream.read(buffer).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    if protected.lenient_close {
                        Ok(0)
                    } else {
                        Err(TransferError::Truncated)
                    }
                }
                result => receive_result(result),
            },
        }
    }

    /// Writes some of the bytes.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<usize, TransferError> {
        let written = match self {
            Self::Clear(socket) | Self::Kernel { socket, .. } => {
                socket.when_writable(|descriptor| retry(|| rustix::io::write(descriptor, bytes))).await
            }
            Self::Protected(protected) => protected.stream.write(bytes).await,
        };
        written.map_err(|_| TransferError::Broken)
    }

    /// Sends what is left, and says that this was all.
    pub(super) async fn finish_writing(&mut self) -> Result<(), TransferError> {
        let ended = match self {
            Self::Clear(socket) => socket.shut_down(),
            // The client closes; the kernel may still have records behind those that are in the socket's buffer.
            Self::Kernel { socket, .. } => socket.when_writable(kernel::send_close_notify).await,
            Self::Protected(protected) => protected.stream.shutdown().await,
        };
        ended.map_err(|_| TransferError::Broken)
    }

    /// Lets the client close first, so that nothing it has not read yet is lost to a reset. Nobody has to wait for this.
    pub(super) async fn linger(self) {
        let mut rest = [0; 512];
        let closed = async {
            match self {
                Self::Clear(_) => {}
                Self::Protected(mut protected) => {
                    let socket = protected.stream.get_mut().0;
                    while matches!(socket.read(&mut rest).await, Ok(1..)) {}
                }
                Self::Kernel { mut socket, .. } => {
                    while matches!(socket.receive(&mut rest).await, Ok(1..)) {}
                }
            }
        };
        // Whether it closed or not, this is the end.
        let _ = timeout(LINGER, closed).await;
    }
}

fn receive_result(result: io::Result<usize>) -> Result<usize, TransferError> {
    result.map_err(|_| TransferError::Broken)
}

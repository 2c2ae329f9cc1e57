//! A control connection's socket, in clear or protected.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{HandshakeKind, ServerConnection};
use tokio_rustls::server::TlsStream;

use super::gate::{self, Gate};
use super::tls::SessionKeys;

/// Most bytes taken from the socket at once. Taken on the stack, so that an idle session keeps no buffer.
const READ_AT_ONCE: usize = 4096;

/// Bytes that are read and forgotten behind the last reply.
const MOST_DISCARDED: usize = 64 << 10;

/// Silence after which the kernel asks whether the client is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// The socket of a control connection.
pub(super) enum Control {
    /// In clear.
    Clear(TcpStream),
    /// Protected by TLS.
    Protected(Box<TlsStream<Gate>>),
    /// Gone, or between both.
    Closed,
}

impl Control {
    /// A connection that was just accepted. Urgent data stays in line with the rest, as the Telnet Synch of ABOR is read from the
    /// bytes (RFC 854).
    pub(super) fn accepted(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let reference = SockRef::from(&socket);
        reference.set_out_of_band_inline(true)?;
        reference.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE))?;
        Ok(Self::Clear(socket))
    }

    /// Reads once and gives what came to `take`; gives 0 at the end.
    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        take: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<usize>> {
        let mut storage = [const { MaybeUninit::<u8>::uninit() }; READ_AT_ONCE];
        let mut buffer = ReadBuf::uninit(&mut storage);
        match self {
            Self::Clear(socket) => ready!(gate::poll_read(socket, context, &mut buffer))?,
            Self::Protected(stream) => ready!(Pin::new(stream).poll_read(context, &mut buffer))?,
            Self::Closed => return Poll::Ready(Ok(0)),
        }
        take(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Writes some of `bytes`, and sends what is written.
    pub(super) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Clear(_) if bytes.is_empty() => Poll::Ready(Ok(0)),
            Self::Clear(socket) => Pin::new(socket).poll_write(context, bytes),
            Self::Protected(stream) => {
                // Nothing left still means that TLS may hold what the socket did not take.
                if bytes.is_empty() {
                    ready!(Pin::new(stream).poll_flush(context))?;
                    return Poll::Ready(Ok(0));
                }
                Pin::new(stream).poll_write(context, bytes)
            }
            Self::Closed => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Shakes hands as a TLS server.
    pub(super) async fn protect(&mut self, keys: &SessionKeys) -> io::Result<()> {
        let Self::Clear(socket) = std::mem::replace(self, Self::Closed) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let handshake = TlsAcceptor::from(keys.control.clone()).accept(Gate::open(socket));
        // Boxed: the future of a session that is idle must not have room for a handshake.
        let stream = Box::pin(handshake).await?;
        *self = Self::Protected(Box::new(stream));
        Ok(())
    }

    /// Ends TLS in both directions and goes on in clear (RFC 4217 section 6).
    pub(super) async fn unprotect(&mut self) -> io::Result<()> {
        let Self::Protected(mut stream) = std::mem::replace(self, Self::Closed) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let (gate, connection) = stream.get_mut();
        gate.narrow();
        connection.send_close_notify();
        Box::pin(async {
            stream.flush().await?;
            let mut rest = [0; 1];
            match stream.read(&mut rest).await {
                Ok(0) => Ok(()),
                Ok(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "a command behind CCC within TLS")),
                // Some clients say no close_notify of their own, and go on in clear at once.
                Err(_) if stream.get_ref().0.is_in_clear() => Ok(()),
                Err(error) => Err(error),
            }
        })
        .await?;
        *self = Self::Clear(stream.into_inner().0.into_socket());
        Ok(())
    }

    /// Closes the server's half: with TLS after a close_notify.
    pub(super) async fn shut_down(&mut self) {
        // The connection ends in either case.
        let _ = match self {
            Self::Clear(socket) => socket.shutdown().await,
            Self::Protected(stream) => stream.shutdown().await,
            Self::Closed => Ok(()),
        };
    }

    /// Reads what the client still says, if something is unread now, until it closes.
    pub(super) async fn discard(&mut self) {
        let socket = match self {
            Self::Clear(socket) => socket,
            Self::Protected(stream) => stream.get_mut().0.socket_mut(),
            Self::Closed => return,
        };
        let unread = rustix::io::ioctl_fionread(&*socket).unwrap_or(0);
        let mut rest = [0; 512];
        let mut discarded = 0;
        while unread > 0 && discarded < MOST_DISCARDED {
            match socket.read(&mut rest).await {
                Ok(read @ 1..) => discarded = discarded.saturating_add(read),
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// The socket, to ask about it.
    pub(super) fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Clear(socket) => Some(socket),
            Self::Protected(stream) => Some(stream.get_ref().0.socket()),
            Self::Closed => None,
        }
    }

    /// Version and cipher suite, if it is protected.
    pub(super) fn protection(&self) -> Option<(String, String)> {
        let Self::Protected(stream) = self else { return None };
        Some(describe(stream.get_ref().1))
    }
}

/// TLS version and cipher suite of a connection, as logs name them.
fn describe(connection: &ServerConnection) -> (String, String) {
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("?");
    let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    (version.to_owned(), suite.unwrap_or("?").to_owned())
}

/// Whether a connection resumed a TLS session; of this control connection, since the keys are its own.
pub(super) fn is_resumed(connection: &ServerConnection) -> bool {
    connection.handshake_kind() == Some(HandshakeKind::Resumed)
}

//! The data connection's socket, from the connect or the listener to the last byte.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::{ClientConfig, HandshakeKind};
use rustls_pki_types::ServerName;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{Connect, TlsConnector};

use super::attempt::Attempt;
use super::control::reason;
use super::stream::{Read, Stream, Watched};
use crate::session::Event;
use crate::tap::{Purpose, Tap};

/// Most strangers that are turned away from one listener.
const MOST_STRANGERS: u32 = 16;

/// The data connection, as far as it is.
#[derive(Default)]
pub(super) enum Data {
    #[default]
    None,
    Connecting {
        connecting: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>,
        attempt: Attempt,
    },
    Listening(TcpListener),
    Accepting {
        listener: TcpListener,
        /// Who may connect.
        peer: IpAddr,
        strangers: u32,
        tap: Option<Arc<dyn Tap>>,
    },
    Shaking(Box<Connect<TcpStream>>, Watched),
    Open(Stream),
    /// An upload was sent; the server's last TLS messages are read, so that closing does not reset what is on its way.
    Draining(Stream),
}

/// What came of a poll.
pub(super) enum Came {
    Event(Event),
    Stranger(IpAddr),
}

impl Data {
    /// Listens on `address`, where the control connection is, for one connection.
    pub(super) fn listen(address: IpAddr) -> io::Result<(Self, SocketAddr)> {
        let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::new(address, 0).into())?;
        socket.listen(4)?;
        let listener = TcpListener::from_std(socket.into())?;
        let bound = listener.local_addr()?;
        Ok((Self::Listening(listener), bound))
    }

    pub(super) fn accept(&mut self, peer: IpAddr, tap: Option<Arc<dyn Tap>>) {
        *self = match std::mem::take(self) {
            Self::Listening(listener) => Self::Accepting { listener, peer, strangers: 0, tap },
            other => other,
        };
    }

    pub(super) fn start_tls(&mut self, configuration: Arc<ClientConfig>, name: ServerName<'static>) {
        *self = match std::mem::take(self) {
            Self::Open(stream) => match stream.into_plain() {
                Ok((stream, wire)) => {
                    Self::Shaking(Box::new(TlsConnector::from(configuration).connect(name, stream)), wire)
                }
                Err(protected) => Self::Open(protected),
            },
            other => other,
        };
    }

    pub(super) fn close(&mut self, reset: bool) {
        if let (Self::Open(stream) | Self::Draining(stream), true) = (&mut *self, reset) {
            stream.reset_on_close();
        }
        *self = Self::None;
    }

    /// Goes on with what needs nobody else: connecting, accepting, shaking hands, draining.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Came> {
        match self {
            Self::Connecting { connecting, attempt } => {
                let came = match connecting.as_mut().poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(stream)) => {
                        let wire = attempt.opened(stream.local_addr());
                        *self = Self::Open(Stream::plain(stream, wire));
                        return Poll::Ready(Came::Event(Event::DataOpened));
                    }
                    Poll::Ready(Err(error)) => {
                        attempt.failed(&error);
                        Event::DataFailed(error.to_string())
                    }
                };
                *self = Self::None;
                Poll::Ready(Came::Event(came))
            }
            Self::Accepting { listener, peer, strangers, tap } => match listener.poll_accept(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok((stream, address))) => {
                    // RFC 2577 section 3: only the server may bring data.
                    if address.ip().to_canonical() != peer.to_canonical() {
                        *strangers = strangers.saturating_add(1);
                        let stranger = address.ip();
                        if *strangers > MOST_STRANGERS {
                            *self = Self::None;
                            let reason = format!("{stranger} and others connected instead");
                            return Poll::Ready(Came::Event(Event::DataFailed(reason)));
                        }
                        return Poll::Ready(Came::Stranger(stranger));
                    }
                    let mut attempt = Attempt::new(tap.take(), Purpose::Data, address).by_server();
                    let wire = attempt.opened(stream.local_addr());
                    *self = Self::Open(Stream::plain(stream, wire));
                    Poll::Ready(Came::Event(Event::DataOpened))
                }
                Poll::Ready(Err(error)) => {
                    *self = Self::None;
                    Poll::Ready(Came::Event(Event::DataFailed(error.to_string())))
                }
            },
            Self::Shaking(connecting, wire) => match Pin::new(connecting.as_mut()).poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(stream)) => {
                    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
                    *self = Self::Open(Stream::protected(stream, wire.take()));
                    Poll::Ready(Came::Event(Event::DataTlsStarted { resumed }))
                }
                Poll::Ready(Err(error)) => {
                    *self = Self::None;
                    Poll::Ready(Came::Event(Event::DataFailed(reason(&error))))
                }
            },
            Self::Draining(stream) => {
                let mut bytes = [0; 4096];
                loop {
                    match stream.poll_read(cx, &mut ReadBuf::new(&mut bytes)) {
                        Poll::Ready(Ok(Read::Bytes(_))) => {}
                        Poll::Ready(_) => {
                            *self = Self::None;
                            return Poll::Pending;
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
            }
            Self::None | Self::Listening(_) | Self::Open(_) => Poll::Pending,
        }
    }
}

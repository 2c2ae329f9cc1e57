//! The control connection's socket: bytes out and in, and TLS when the session asks for it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::{Connect, TlsConnector};

use super::stream::{Read, Stream, Watched};
use super::verifier;
use crate::session::{Event, NOT_TLS};

/// Bytes that are read at once.
const READ_SIZE: usize = 16 * 1024;

/// The control connection's socket.
pub(super) struct Control {
    state: State,
    /// What is still to be sent.
    outgoing: Vec<u8>,
    buffer: Box<[u8]>,
}

enum State {
    Open(Stream),
    Shaking(Box<Connect<TcpStream>>, Watched),
    Closed,
}

/// What came of a poll.
pub(super) enum Came {
    Event(Event),
    Bytes(usize),
}

impl Control {
    pub(super) fn new(stream: Stream) -> Self {
        let buffer = vec![0; READ_SIZE].into_boxed_slice();
        Self { state: State::Open(stream), outgoing: Vec::new(), buffer }
    }

    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.outgoing.extend_from_slice(bytes);
    }

    pub(super) fn received(&self, count: usize) -> &[u8] {
        self.buffer.get(..count).unwrap_or_default()
    }

    pub(super) fn start_tls(&mut self, configuration: Arc<ClientConfig>, name: ServerName<'static>) {
        self.state = match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(stream) => match stream.into_plain() {
                Ok((stream, wire)) => {
                    State::Shaking(Box::new(TlsConnector::from(configuration).connect(name, stream)), wire)
                }
                Err(protected) => State::Open(protected),
            },
            other => other,
        };
    }

    /// Says good-bye as far as that needs no waiting, and closes.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) {
        if let State::Open(stream) = &mut self.state {
            let _ = stream.poll_shutdown(cx);
        }
        self.state = State::Closed;
    }

    /// Sends what is queued; ready when all of it has left.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Open(stream) = &mut self.state else {
            // A handshake sends by itself, and to a closed connection there is nothing to be said.
            if matches!(self.state, State::Closed) {
                self.outgoing.clear();
            }
            return Poll::Ready(Ok(()));
        };
        while !self.outgoing.is_empty() {
            match stream.poll_write(cx, &self.outgoing) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => drop(self.outgoing.drain(..count.min(self.outgoing.len()))),
                Poll::Ready(Err(error)) => {
                    self.outgoing.clear();
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        stream.poll_flush(cx)
    }

    /// Reads, or goes on with the handshake.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Came> {
        match &mut self.state {
            State::Closed => Poll::Pending,
            State::Shaking(connecting, wire) => match Pin::new(connecting.as_mut()).poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(stream)) => {
                    self.state = State::Open(Stream::protected(stream, wire.take()));
                    Poll::Ready(Came::Event(Event::TlsStarted))
                }
                Poll::Ready(Err(error)) => {
                    self.state = State::Closed;
                    Poll::Ready(Came::Event(Event::TlsFailed(reason(&error))))
                }
            },
            State::Open(stream) => {
                let mut buffer = ReadBuf::new(&mut self.buffer);
                let came = match stream.poll_read(cx, &mut buffer) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Read::Bytes(count))) => return Poll::Ready(Came::Bytes(count)),
                    Poll::Ready(Ok(Read::End { .. })) => Event::Closed(None),
                    Poll::Ready(Err(error)) => Event::Closed(Some(error.to_string())),
                };
                self.state = State::Closed;
                Poll::Ready(Came::Event(came))
            }
        }
    }
}

/// Why a handshake failed, in words for people where rustls has none.
pub(super) fn reason(error: &io::Error) -> String {
    if let Some(said) = verifier::distrust(error) {
        return said;
    }
    let text = error.to_string();
    if text.contains("InvalidContentType") {
        return NOT_TLS.into();
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return "the server closed the connection in the handshake".into();
    }
    text
}

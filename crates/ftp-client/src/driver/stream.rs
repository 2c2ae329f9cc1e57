//! A TCP connection, with or without TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::tap::{Party, Wire};

/// A TCP connection, with or without TLS, and who is told what crosses it.
#[derive(Debug)]
pub(crate) struct Stream {
    layer: Layer,
    wire: Watched,
}

#[derive(Debug)]
enum Layer {
    Plain(TcpStream),
    Protected(Box<TlsStream<TcpStream>>),
}

/// Who is told what crosses a connection, if anybody.
pub(crate) type Watched = Option<Box<dyn Wire>>;

/// What a read gave.
pub(crate) enum Read {
    /// So many bytes.
    Bytes(usize),
    /// The end; `announced` unless TLS should have announced it (close_notify, RFC 8446 section 6.1) and did not.
    End { announced: bool },
}

impl Stream {
    pub(crate) fn plain(stream: TcpStream, wire: Watched) -> Self {
        Self { layer: Layer::Plain(stream), wire }
    }

    pub(crate) fn protected(stream: TlsStream<TcpStream>, wire: Watched) -> Self {
        Self { layer: Layer::Protected(Box::new(stream)), wire }
    }

    /// The connection for TLS to begin on, unless it has.
    pub(crate) fn into_plain(self) -> Result<(TcpStream, Watched), Self> {
        match self.layer {
            Layer::Plain(stream) => Ok((stream, self.wire)),
            layer @ Layer::Protected(_) => Err(Self { layer, wire: self.wire }),
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        match &self.layer {
            Layer::Plain(stream) => stream,
            Layer::Protected(stream) => stream.get_ref().0,
        }
    }

    /// Whether TLS is there, whose end is told by more than closing the socket.
    pub(crate) fn is_protected(&self) -> bool {
        matches!(self.layer, Layer::Protected(_))
    }

    /// Makes closing it send RST instead of FIN, so that the other end cannot mistake it for the end of a file.
    pub(crate) fn reset_on_close(&mut self) {
        self.tell_end(Party::Client, true);
        let _ = SockRef::from(self.tcp()).set_linger(Some(std::time::Duration::ZERO));
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Read>> {
        let before = buffer.filled().len();
        let result = match &mut self.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Layer::Protected(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        };
        let read = match ready!(result) {
            Ok(()) => match buffer.filled().len().saturating_sub(before) {
                0 => Read::End { announced: true },
                count => Read::Bytes(count),
            },
            // What rustls says of a connection that ends without close_notify.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Read::End { announced: false },
            Err(error) => {
                self.tell_end(Party::Server, true);
                return Poll::Ready(Err(error));
            }
        };
        match read {
            Read::Bytes(_) => self.tell(Party::Server, buffer.filled().get(before..).unwrap_or_default()),
            Read::End { .. } => self.tell_end(Party::Server, false),
        }
        Poll::Ready(Ok(read))
    }

    fn tell(&mut self, by: Party, bytes: &[u8]) {
        if let Some(wire) = &mut self.wire {
            wire.moved(by, bytes);
        }
    }

    /// Only the first end is told.
    fn tell_end(&mut self, by: Party, reset: bool) {
        if let Some(mut wire) = self.wire.take() {
            wire.ended(by, reset);
        }
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(match &mut self.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Layer::Protected(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        });
        match &written {
            Ok(count) => self.tell(Party::Client, bytes.get(..*count).unwrap_or(bytes)),
            Err(_) => self.tell_end(Party::Server, true),
        }
        Poll::Ready(written)
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Layer::Protected(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    /// Sends close_notify, if TLS is there, and FIN.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.layer {
            Layer::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Layer::Protected(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

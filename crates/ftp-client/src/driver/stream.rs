//! A TCP connection, with or without TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A TCP connection, with or without TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Protected(Box<TlsStream<TcpStream>>),
}

/// What a read gave.
pub(crate) enum Read {
    /// So many bytes.
    Bytes(usize),
    /// The end; `announced` unless TLS should have announced it (close_notify, RFC 8446 section 6.1) and did not.
    End { announced: bool },
}

impl Stream {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Protected(stream) => stream.get_ref().0,
        }
    }

    /// Makes closing it send RST instead of FIN, so that the other end cannot mistake it for the end of a file.
    pub(crate) fn reset_on_close(&self) {
        let _ = SockRef::from(self.tcp()).set_linger(Some(std::time::Duration::ZERO));
    }

    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Read>> {
        let before = buffer.filled().len();
        let result = match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Protected(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        };
        Poll::Ready(match ready!(result) {
            Ok(()) => Ok(match buffer.filled().len().saturating_sub(before) {
                0 => Read::End { announced: true },
                count => Read::Bytes(count),
            }),
            // What rustls says of a connection that ends without close_notify.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Read::End { announced: false }),
            Err(error) => Err(error),
        })
    }

    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Protected(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Protected(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    /// Sends close_notify, if TLS is there, and FIN.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Protected(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

//! The socket beneath a control connection's TLS: hands over whole TLS records once asked to.
//!
//! When TLS ends and the dialogue goes on in clear (CCC), whatever the TLS library has read beyond the client's close_notify
//! would be lost. A gate that reads no further than the record under way keeps it in the socket.

use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::socket::retry;

/// Length of the header of a TLS record (RFC 8446 section 5.1).
const HEADER: usize = 5;

/// A socket that can be told to stop at the end of a record.
pub(super) struct Gate {
    socket: TcpStream,
    record: Option<Record>,
    in_clear: bool,
}

/// Kinds of TLS records (RFC 8446 section 5.1). No command begins so.
const RECORD_KINDS: RangeInclusive<u8> = 20..=24;

/// How far the record under way is read.
#[derive(Default)]
struct Record {
    header: [u8; HEADER],
    header_read: usize,
    body_left: usize,
}

impl Gate {
    /// Reads as the socket does.
    pub(super) fn open(socket: TcpStream) -> Self {
        Self { socket, record: None, in_clear: false }
    }

    /// From here on, reads no further than the end of a record. To be called when no record is under way.
    pub(super) fn narrow(&mut self) {
        self.record = Some(Record::default());
    }

    /// Whether what is unread is no TLS record any more.
    pub(super) fn is_in_clear(&self) -> bool {
        self.in_clear
    }

    /// The socket again.
    pub(super) fn into_socket(self) -> TcpStream {
        self.socket
    }

    /// The socket, to ask about it.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The socket, to read from it beside TLS.
    pub(super) fn socket_mut(&mut self) -> &mut TcpStream {
        &mut self.socket
    }
}

/// Reads what is there. The runtime's own way takes a short read for an emptied socket, and waits for more to come; yet the kernel also reads
/// no further than Telnet's urgent mark (RFC 854), and an ABOR behind it would be left lying.
pub(super) fn poll_read(
    socket: &TcpStream,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    loop {
        ready!(socket.poll_read_ready(context))?;
        let room = buffer.initialize_unfilled();
        let read = socket.try_io(Interest::READABLE, || retry(|| rustix::io::read(socket, &mut *room)));
        match read {
            Ok(read) => {
                buffer.advance(read);
                return Poll::Ready(Ok(()));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

impl Record {
    /// Bytes that may be read before it is known how the record goes on.
    fn allowance(&self) -> usize {
        if self.header_read < HEADER { HEADER - self.header_read } else { self.body_left }
    }

    fn advance(&mut self, bytes: &[u8]) {
        if self.header_read < HEADER {
            for (place, byte) in self.header.iter_mut().skip(self.header_read).zip(bytes) {
                *place = *byte;
            }
            self.header_read = self.header_read.saturating_add(bytes.len());
            if self.header_read == HEADER {
                let [_, _, _, high, low] = self.header;
                self.body_left = usize::from(u16::from_be_bytes([high, low]));
            }
        } else {
            self.body_left = self.body_left.saturating_sub(bytes.len());
        }
        if self.header_read == HEADER && self.body_left == 0 {
            *self = Self::default();
        }
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(record) = &mut this.record else {
            return poll_read(&this.socket, context, buffer);
        };
        if record.header_read == 0 {
            let mut first = [0; 1];
            let mut peeked = ReadBuf::new(&mut first);
            ready!(this.socket.poll_peek(context, &mut peeked))?;
            if peeked.filled().first().is_some_and(|kind| !RECORD_KINDS.contains(kind)) {
                // The end of what is TLS's.
                this.in_clear = true;
                return Poll::Ready(Ok(()));
            }
        }
        let mut part = buffer.take(record.allowance());
        ready!(poll_read(&this.socket, context, &mut part))?;
        record.advance(part.filled());
        let read = part.filled().to_vec();
        buffer.put_slice(&read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_to_its_end_and_no_further() {
        let mut record = Record::default();
        assert_eq!(record.allowance(), 5);
        record.advance(&[21, 3, 3]);
        assert_eq!(record.allowance(), 2);
        record.advance(&[0, 2]);
        assert_eq!(record.allowance(), 2);
        record.advance(&[1, 0]);
        assert_eq!(record.allowance(), 5, "the next record");
    }
}

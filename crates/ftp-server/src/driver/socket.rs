//! A data connection's socket, tried before it is waited for.
//!
//! Small files fit into the socket's buffer at once. Then the socket is never made known to the runtime's poller, which would
//! cost as much as the transfer itself. While a client sends faster than it is read, the poller does not know of it either.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, TcpStream as Unwatched};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::pipe::{SpliceFlags, splice};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// Bytes that only a fast client has sent between two looks.
const MUCH: usize = 128 << 10;

/// A socket that does not block.
pub(super) enum Socket {
    /// Not waited for yet.
    Unwatched(Unwatched),
    /// Known to the runtime's poller.
    Watched(TcpStream),
    /// Being moved from one to the other, or lost on the way.
    Lost,
}

impl Socket {
    /// Reads some bytes once there are some; 0 is the end.
    pub(super) async fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| self.poll_receive(context, buffer)).await
    }

    fn poll_receive(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let received = ready!(self.poll(Interest::READABLE, context, |descriptor| {
            retry(|| rustix::io::read(descriptor, &mut *buffer))
        }))?;
        self.received(received)?;
        Poll::Ready(Ok(received))
    }

    /// Moves at most `most` bytes into a pipe, without copying them, once there are some; 0 is the end.
    pub(super) async fn receive_into(&mut self, pipe: impl AsFd, most: usize) -> io::Result<usize> {
        let moved = self.when(Interest::READABLE, |descriptor| {
            retry(|| splice(descriptor, None, &pipe, None, most, SpliceFlags::NONBLOCK | SpliceFlags::MOVE))
        });
        let received = moved.await?;
        self.received(received)?;
        Ok(received)
    }

    /// A client that sends faster than it is read has the poller, for which nothing waits, woken for each segment that arrives meanwhile:
    /// that forgets the socket until there is something to wait for again.
    fn received(&mut self, bytes: usize) -> io::Result<()> {
        if bytes >= MUCH
            && let Self::Watched(_) = self
            && let Self::Watched(socket) = std::mem::replace(self, Self::Lost)
        {
            *self = Self::Unwatched(socket.into_std()?);
        }
        Ok(())
    }

    /// Does `operation` once it does not block.
    pub(super) async fn when_writable<T>(
        &mut self,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.when(Interest::WRITABLE, operation).await
    }

    async fn when<T>(
        &mut self,
        interest: Interest,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        poll_fn(|context| self.poll(interest, context, &mut operation)).await
    }

    fn poll<T>(
        &mut self,
        interest: Interest,
        context: &mut Context<'_>,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        if let Self::Unwatched(socket) = self {
            match operation(socket.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
        let socket = self.watch()?;
        loop {
            if interest.is_readable() {
                ready!(socket.poll_read_ready(context))?;
            } else {
                ready!(socket.poll_write_ready(context))?;
            }
            match socket.try_io(interest, || operation(socket.as_fd())) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn watch(&mut self) -> io::Result<&TcpStream> {
        if let Self::Unwatched(_) = self
            && let Self::Unwatched(socket) = std::mem::replace(self, Self::Lost)
        {
            *self = Self::Watched(TcpStream::from_std(socket)?);
        }
        match self {
            Self::Watched(socket) => Ok(socket),
            Self::Unwatched(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The socket, known to the runtime's poller.
    pub(super) fn into_watched(mut self) -> io::Result<TcpStream> {
        self.watch()?;
        match self {
            Self::Watched(socket) => Ok(socket),
            Self::Unwatched(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// What it is to the kernel.
    pub(super) fn descriptor(&self) -> io::Result<BorrowedFd<'_>> {
        match self {
            Self::Unwatched(socket) => Ok(socket.as_fd()),
            Self::Watched(socket) => Ok(socket.as_fd()),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Ends what is sent.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        match self {
            Self::Unwatched(socket) => socket.shutdown(std::net::Shutdown::Write),
            Self::Watched(socket) => Ok(rustix::net::shutdown(socket, rustix::net::Shutdown::Write)?),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Has everything sent at once.
    pub(super) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Unwatched(socket) => socket.set_nodelay(true),
            Self::Watched(socket) => socket.set_nodelay(true),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The server's end and the client's.
    pub(super) fn ends(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        match self {
            Self::Unwatched(socket) => Ok((socket.local_addr()?, socket.peer_addr()?)),
            Self::Watched(socket) => Ok((socket.local_addr()?, socket.peer_addr()?)),
            Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let received = ready!(self.poll_receive(context, buffer.initialize_unfilled()))?;
        buffer.advance(received);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll(Interest::WRITABLE, context, |descriptor| retry(|| rustix::io::write(descriptor, bytes)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll(Interest::WRITABLE, context, |descriptor| retry(|| rustix::io::writev(descriptor, pieces)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shut_down())
    }
}

/// Does `operation` again when a signal came in between.
pub(super) fn retry<T>(mut operation: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    Ok(rustix::io::retry_on_intr(&mut operation)?)
}

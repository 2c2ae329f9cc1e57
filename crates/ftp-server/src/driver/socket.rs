//! A data connection's socket in clear, tried before it is waited for.
//!
//! Small files fit into the socket's buffer at once. Then the socket is never made known to the runtime's poller, which would
//! cost as much as the transfer itself.

use std::io;
use std::net::{SocketAddr, TcpStream as Unwatched};
use std::os::fd::{AsFd, BorrowedFd};

use tokio::io::Interest;
use tokio::net::TcpStream;

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
    /// Does `operation` once it does not block.
    pub(super) async fn when_readable<T>(
        &mut self,
        operation: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> io::Result<T> {
        self.when(Interest::READABLE, operation).await
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
        if let Self::Unwatched(socket) = self {
            match operation(socket.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
        let socket = self.watch()?;
        loop {
            socket.ready(interest).await?;
            match socket.try_io(interest, || operation(socket.as_fd())) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
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

    /// Ends what is sent.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        match self {
            Self::Unwatched(socket) => socket.shutdown(std::net::Shutdown::Write),
            Self::Watched(socket) => Ok(rustix::net::shutdown(socket, rustix::net::Shutdown::Write)?),
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

/// Does `operation` again when a signal came in between.
pub(super) fn retry<T>(mut operation: impl FnMut() -> rustix::io::Result<T>) -> io::Result<T> {
    Ok(rustix::io::retry_on_intr(&mut operation)?)
}

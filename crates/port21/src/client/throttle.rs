//! At most so many bytes a second.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Longest time that is made up for after a pause.
const BURST: Duration = Duration::from_millis(250);

/// So many bytes a second, for all readers and writers that have a clone of it.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Bytes a second; `None` is no limit.
    rate: Option<u64>,
    /// When all bytes so far may have crossed.
    due: Arc<Mutex<Instant>>,
}

impl Pace {
    /// A limit, or none.
    pub fn new(rate: Option<u64>) -> Self {
        Self { rate, due: Arc::new(Mutex::new(Instant::now())) }
    }

    /// So many bytes have crossed; gives when the next may, if that is later.
    fn crossed(&self, bytes: usize) -> Option<Instant> {
        let rate = self.rate?;
        let now = Instant::now();
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        #[allow(clippy::cast_precision_loss, reason = "a rate is no exact thing")]
        let takes = Duration::try_from_secs_f64(bytes as f64 / rate as f64).unwrap_or(Duration::MAX);
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *due = due.max(earliest).checked_add(takes).unwrap_or(now);
        (*due > now).then_some(*due)
    }
}

/// A reader or writer that lets at most so many bytes a second cross.
pub struct Throttle<T> {
    inner: T,
    pace: Pace,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<T> Throttle<T> {
    /// `inner`, with a limit or without.
    pub fn new(inner: T, rate: Option<u64>) -> Self {
        Self::sharing(inner, Pace::new(rate))
    }

    /// `inner`, with a limit that it shares with others.
    pub fn sharing(inner: T, pace: Pace) -> Self {
        Self { inner, pace, pause: None }
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }

    fn crossed(&mut self, bytes: usize) {
        self.pause = self.pace.crossed(bytes).map(|due| Box::pin(sleep_until(due)));
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Throttle<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_pause(cx));
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        this.crossed(buffer.filled().len().saturating_sub(before));
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Throttle<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_pause(cx));
        let count = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes))?;
        this.crossed(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

impl<T: AsyncSeek + Unpin> AsyncSeek for Throttle<T> {
    fn start_seek(self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.get_mut().inner).start_seek(position)
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.get_mut().inner).poll_complete(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_share_a_pace_wait_for_each_other() {
        let pace = Pace::new(Some(1_000));
        let other = pace.clone();
        let first = pace.crossed(1_000).unwrap();
        let second = other.crossed(500).unwrap();
        assert_eq!(second.duration_since(first), Duration::from_millis(500));
        assert_eq!(Pace::new(None).crossed(1_000), None);
    }
}

//! Replies on their way to the client.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::time::Instant;

use super::control::Control;

/// Memory that is kept between replies.
const KEPT: usize = 256;

/// Bytes that are still to be written.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
    /// TLS may hold what the socket did not take.
    unflushed: bool,
    /// Since when the client has taken nothing, although something waits for it.
    waiting_since: Option<Instant>,
}

impl Outgoing {
    /// Adds a reply.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.unflushed = true;
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.written)
    }

    /// Since when the client has taken nothing.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since
    }

    /// Writes until nothing is left.
    pub(super) fn poll_flush(
        &mut self,
        control: &mut Control,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unflushed {
            let rest = self.bytes.get(self.written..).unwrap_or_default();
            match control.poll_write(context, rest) {
                Poll::Ready(Ok(0)) if !rest.is_empty() => {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                Poll::Ready(Ok(written)) => {
                    self.unflushed = !rest.is_empty();
                    self.written = self.written.saturating_add(written);
                    self.waiting_since = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.waiting_since.get_or_insert_with(Instant::now);
                    ready!(Poll::<()>::Pending);
                }
            }
        }
        self.written = 0;
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        self.bytes.clear();
        Poll::Ready(Ok(()))
    }
}

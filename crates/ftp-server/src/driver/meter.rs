//! What a transfer counts, how fast it may go, and when it is given up.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::limit::{Direction, Pace, Throttle};
use crate::session::TransferError;

/// Bytes, of the file and of the connection together, after which a transfer lets others have the thread, however fast its client is.
const TURN: u64 = 16 << 20;

/// Counts of one transfer, read while it is under way.
#[derive(Debug, Default)]
pub(super) struct Counts {
    stored: AtomicU64,
    wire: AtomicU64,
}

impl Counts {
    /// Bytes of the file or listing so far.
    pub(super) fn stored(&self) -> u64 {
        self.stored.load(Relaxed)
    }

    /// Bytes of the data connection so far.
    pub(super) fn wire(&self) -> u64 {
        self.wire.load(Relaxed)
    }
}

/// Counts, slows down and gives up one transfer.
pub(super) struct Meter {
    counts: Arc<Counts>,
    throttle: Throttle,
    direction: Direction,
    stall: Duration,
    pace: Pace,
    turn: u64,
}

impl Meter {
    pub(super) fn new(
        counts: Arc<Counts>,
        throttle: Throttle,
        direction: Direction,
        stall: Duration,
        least_rate: u64,
    ) -> Self {
        Self { counts, throttle, direction, stall, pace: Pace::new(least_rate, stall), turn: 0 }
    }

    /// Most bytes that may cross at once, at most `wished`.
    pub(super) fn piece(&self, wished: usize) -> usize {
        let piece = self.throttle.piece(self.direction);
        piece.map_or(wished, |piece| usize::try_from(piece).unwrap_or(wished).clamp(1, wished.max(1)))
    }

    /// Waits for `step`, unless nothing moves for too long.
    pub(super) async fn watch<T, E: From<TransferError>>(
        &mut self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began = Instant::now();
        let result = timeout(self.stall, step).await;
        self.pace.wait(began.elapsed());
        result.unwrap_or_else(|_| Err(TransferError::Stalled.into()))
    }

    /// These bytes of the file or listing are done with.
    pub(super) fn stored(&mut self, bytes: usize) {
        self.counts.stored.fetch_add(widened(bytes), Relaxed);
        self.turn = self.turn.saturating_add(widened(bytes));
    }

    /// Lets others have their turn, if it is time: a file that MODE Z makes next to nothing of never waits for its client.
    pub(super) async fn take_turns(&mut self) {
        if self.turn >= TURN {
            self.turn = 0;
            tokio::task::yield_now().await;
        }
    }

    /// These bytes crossed. Waits as long as rates ask for, and lets others have their turn; fails if it goes too slowly.
    pub(super) async fn crossed(&mut self, bytes: usize) -> Result<(), TransferError> {
        let bytes = widened(bytes);
        self.counts.wire.fetch_add(bytes, Relaxed);
        let wait = self.throttle.take(Instant::now().into_std(), self.direction, bytes);
        self.turn = self.turn.saturating_add(bytes);
        if !wait.is_zero() {
            sleep(wait).await;
        }
        self.take_turns().await;
        if self.pace.keeps_up(bytes) { Ok(()) } else { Err(TransferError::TooSlow) }
    }
}

fn widened(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

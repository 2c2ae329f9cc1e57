//! Pauses in the flow of data, and whose fault they are.

use port21_capture::Timestamp;

use super::connection::{End, Stall, StallCause};

/// The flow of one end's data.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Last data segment.
    last: Option<(u64, Timestamp)>,
    /// Since when the receiver's window has been closed or full, and for how long it was before, since `last`.
    blocked_since: Option<Timestamp>,
    blocked: i64,
}

impl Pace {
    /// Takes in whether the receiver lets the sender send more.
    pub fn set_blocked(&mut self, blocked: bool, now: Timestamp) {
        match (blocked, self.blocked_since) {
            (true, None) => self.blocked_since = Some(now),
            (false, Some(since)) => {
                self.blocked = self.blocked.saturating_add(now.nanoseconds_since(since));
                self.blocked_since = None;
            }
            _ => {}
        }
    }

    /// Takes in a data segment; the stall that it ends, if it ends one.
    pub fn data(&mut self, sender: End, packet: u64, now: Timestamp, repeated: bool) -> Option<Stall> {
        let waiting = self.blocked_since.map_or(0, |since| now.nanoseconds_since(since));
        let blocked = self.blocked.saturating_add(waiting);
        self.blocked = 0;
        self.blocked_since = self.blocked_since.map(|_| now);
        let (from_packet, then) = self.last.replace((packet, now))?;
        let nanoseconds = u64::try_from(now.nanoseconds_since(then)).ok()?;
        if nanoseconds < Stall::MINIMUM_NANOSECONDS {
            return None;
        }
        let cause = if u64::try_from(blocked).unwrap_or(0) >= nanoseconds / 2 {
            StallCause::Receiver
        } else if repeated {
            StallCause::Network
        } else {
            StallCause::Sender
        };
        Some(Stall { sender, from_packet, to_packet: packet, nanoseconds, cause })
    }
}

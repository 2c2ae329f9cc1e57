//! What happens to a session besides commands: its driver's events, and time that runs out.

use std::time::{Duration, Instant};

use super::stage::{Control, Identity, Stage};
use super::{Action, Closing, Event, Session, later};

/// After the server's time to stop, a transfer that was told to end has this long to do so.
const ABORT_GRACE: Duration = Duration::from_secs(5);

impl Session {
    /// One event. What nothing awaits is passed over: it may come late, behind an abort.
    pub(super) fn occur(&mut self, now: Instant, event: Event) {
        match event {
            Event::TlsStarted => self.tls_started(),
            Event::TlsFailed => self.close(Closing::TlsFailed),
            Event::Authenticated(result) => {
                if matches!(self.stage, Stage::Authenticating) {
                    self.stage = Stage::Ready;
                    self.authenticated(now, result);
                }
            }
            Event::Done(done) => {
                if matches!(self.stage, Stage::Operating(_))
                    && let Stage::Operating(purpose) = std::mem::replace(&mut self.stage, Stage::Ready)
                {
                    self.active_at = now;
                    self.operated(purpose, done);
                }
            }
            Event::Listening(address) => {
                if let Stage::Listening(passive) = self.stage {
                    self.stage = Stage::Ready;
                    self.listening(passive, address);
                }
            }
            Event::TransferPrepared { id, metadata, path } => self.transfer_prepared(id, metadata, path),
            Event::TransferProgress { id, bytes } => {
                if let Stage::Transferring(running) = &mut self.stage
                    && running.id == id
                {
                    running.bytes = bytes;
                }
            }
            Event::TransferEnded { id, result } => self.transfer_ended(now, id, result),
            // The Telnet sequences themselves are taken out by the line reader, and ABOR is seen wherever it waits.
            Event::Closed => self.peer_has_closed(),
            Event::Stopping(grace) => self.stopping = Some(later(now, grace)),
        }
    }

    /// The time of `poll_timeout` has come.
    pub(super) fn run_out(&mut self, now: Instant) {
        if self.stopping.is_some_and(|stop| stop <= now) {
            return self.stop_now(now);
        }
        let logged_in = matches!(self.identity, Identity::Known(_));
        if !logged_in && self.login_until <= now {
            self.reply(421, "Nobody has logged in for too long; connect again.");
            return self.close(Closing::NotLoggedIn);
        }
        match self.stage {
            Stage::Delaying { close, text, .. } => {
                self.stage = Stage::Ready;
                self.reply(530, text);
                if close {
                    self.close(Closing::FailedLogins);
                }
            }
            Stage::Handshake { .. } => self.close(Closing::TlsFailed),
            _ => {
                self.reply(421, "No command for too long; connect again.");
                self.close(Closing::Idle);
            }
        }
    }

    /// The 220 greeting (RFC 959 section 5.4, connection establishment).
    pub(super) fn greet(&mut self) {
        let policy = std::sync::Arc::clone(&self.policy);
        if policy.greeting.is_empty() {
            self.reply(220, "Ready.");
        } else {
            self.reply_lines(220, &policy.greeting);
        }
    }

    fn tls_started(&mut self) {
        let Stage::Handshake { greet } = self.stage else { return };
        self.stage = Stage::Ready;
        self.protection.control = if greet { Control::Implicit } else { Control::Explicit };
        // With TLS from the beginning, FTPS clients take data connections for protected as well.
        if greet {
            self.protection.buffer_size_named = true;
            self.protection.data = true;
            self.greet();
        }
    }

    /// RFC 959 section 4.1.1, QUIT: an unexpected close acts as ABOR and QUIT. What was sent before the close is still done, so that a
    /// script may send all its commands at once.
    fn peer_has_closed(&mut self) {
        self.peer_closed = true;
        match &self.stage {
            Stage::Transferring(running) if self.input.is_empty() => {
                let id = running.id;
                self.abort_transfer(id);
            }
            // Nothing more can come, and the handshake needs more.
            Stage::Handshake { .. } => self.close(Closing::ClosedByClient),
            _ => {}
        }
    }

    fn stop_now(&mut self, now: Instant) {
        if let Stage::Transferring(running) = &self.stage
            && !running.aborting
        {
            let id = running.id;
            self.abort_transfer(id);
            self.stopping = Some(later(now, ABORT_GRACE));
            return;
        }
        // A handshake has no room for a reply.
        if !matches!(self.stage, Stage::Handshake { .. }) {
            self.reply(421, "The server is being stopped; connect again later.");
        }
        self.close(Closing::Stopping);
    }

    /// Nobody is logged in any more: the driver frees the account's place.
    pub(super) fn log_out(&mut self, now: Instant) {
        if let Identity::Known(_) = std::mem::replace(&mut self.identity, Identity::Nobody) {
            self.act(Action::LogOut);
            self.login_until = later(now, self.policy.login_deadline);
        }
    }
}

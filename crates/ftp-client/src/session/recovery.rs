//! Giving up a request without losing the session.
//!
//! A transfer that was cut leaves replies behind: the failed transfer's, ABOR's, and with some servers further ones. The answer to
//! a NOOP that was sent last shows that all of them are read.
//!
//! ```text
//! Draining ── the reply of what was sent ──▶ answered
//! Aborting ── any final reply ──▶ Settling ── NOOP's reply ──▶ answered
//! ```

use std::time::{Duration, Instant};

use ftp_protocol::sequence::is_preliminary;
use ftp_protocol::{Command, Reply, Verb};

use super::{Session, State, after};
use crate::error::Error;

/// How long the server has to settle before the session is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is waited for before the request is answered with `error`.
#[derive(Debug)]
pub(super) struct Recovery {
    phase: Phase,
    pub(super) error: Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Draining,
    Aborting,
    Settling,
}

impl Recovery {
    /// Whether a reply of this code is one that this waits for.
    pub(super) fn takes(&self, code: u16) -> bool {
        match self.phase {
            Phase::Draining | Phase::Aborting => !is_preliminary(code),
            // NOOP's own replies; others are those of the transfer.
            Phase::Settling => matches!(code, 200 | 250 | 500 | 502 | 530),
        }
    }
}

impl Session {
    pub(super) fn recover(&mut self, now: Instant, error: Error) {
        let phase = match std::mem::replace(&mut self.state, State::Idle) {
            State::Transferring(under_way) => {
                self.close_data(under_way.is_upload());
                self.unsettled = true;
                match (under_way.is_asked(), under_way.is_confirmed(), self.outstanding.is_some()) {
                    (true, false, _) => Phase::Aborting,
                    (true, true, _) => Phase::Settling,
                    (false, _, true) => Phase::Draining,
                    (false, _, false) => {
                        self.answer(Err(error));
                        return self.rest(now);
                    }
                }
            }
            State::Commands(_) => Phase::Draining,
            State::KeepingAlive => {
                self.state = State::KeepingAlive;
                self.queued = None;
                return self.answer(Err(error));
            }
            State::Idle => {
                self.answer(Err(error));
                return self.rest(now);
            }
            State::Recovering(recovery) => {
                self.state = State::Recovering(Recovery { error, ..recovery });
                return;
            }
            other => {
                self.state = other;
                return self.give_up(now, error);
            }
        };
        let sent = match phase {
            Phase::Draining => Ok(()),
            Phase::Aborting => self.send(now, Command::new(Verb::Abor, None)),
            Phase::Settling => self.send(now, Command::new(Verb::Noop, None)),
        };
        self.deadline = Some(after(now, PATIENCE));
        match sent {
            Ok(()) => self.state = State::Recovering(Recovery { phase, error }),
            Err(error) => self.give_up(now, error),
        }
    }

    pub(super) fn recovery_reply(&mut self, now: Instant, recovery: Recovery, _reply: Reply) {
        match recovery.phase {
            Phase::Draining => {
                self.answer(Err(recovery.error));
                self.rest(now);
            }
            Phase::Aborting => match self.send(now, Command::new(Verb::Noop, None)) {
                Ok(()) => {
                    self.deadline = Some(after(now, PATIENCE));
                    self.state = State::Recovering(Recovery { phase: Phase::Settling, ..recovery });
                }
                Err(error) => self.give_up(now, error),
            },
            Phase::Settling => {
                self.unsettled = false;
                self.answer(Err(recovery.error));
                self.rest(now);
            }
        }
    }
}

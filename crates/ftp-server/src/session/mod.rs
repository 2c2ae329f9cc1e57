//! One control connection, without IO.
//!
//! Takes what the client sent and what became of earlier actions, gives actions. Time is an argument.
//!
//! ```text
//! handle_bytes(now, ..)   ─┐                    ┌─▶ poll_action() -> Action   (until there is none)
//! handle_event(now, ..)   ─┼─▶  the session  ───┤
//! handle_timeout(now)     ─┘                    └─▶ poll_timeout() -> when to call handle_timeout
//! ```
//!
//! After each call the driver takes all actions and carries them out in order; an answer, where one is due, comes back as
//! an [`Event`]. Bytes are read from the socket only while [`Session::wants_bytes`].

mod action;
mod closing;
mod command;
mod event;
mod input;
mod occurrence;
mod parameters;
mod policy;
mod reply;
mod stage;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_protocol::Line;

pub use action::{Action, Answered, Connection, Content, Form, ListFormat, Operation, Transfer, TransferId};
pub use closing::Closing;
pub use command::{MOST_COMBINED, STATUS_LINES};
pub use event::{Done, Event, TransferError, Transferred};
pub use input::LONGEST_LINE;
pub use policy::Policy;

use input::Input;
use parameters::Parameters;
use stage::{Account, Identity, Protection, Stage};

/// Both ends of a control connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The server's own address.
    pub local: SocketAddr,
    /// The client's; behind a named proxy the one that the proxy told.
    pub peer: SocketAddr,
    /// TLS comes first, before the greeting.
    pub implicit_tls: bool,
}

/// The server's side of one control connection.
#[derive(Debug)]
pub struct Session {
    policy: Arc<Policy>,
    ends: Ends,
    input: Input,
    actions: VecDeque<Action>,
    stage: Stage,
    identity: Identity,
    protection: Protection,
    parameters: Parameters,
    /// HOST's argument, for the login (RFC 7151).
    host: Option<Vec<u8>>,
    /// Number of the next transfer.
    next_transfer: TransferId,
    /// What SITE IDLE set, or the policy's.
    idle_timeout: Duration,
    /// When a client that has not logged in is shed.
    login_until: Instant,
    /// When the last command came or the last transfer ended.
    active_at: Instant,
    /// When the server stops, if it does.
    stopping: Option<Instant>,
    /// The client has closed its half: what waits is still done.
    peer_closed: bool,
    /// An overlong line was answered before its end came.
    overlong_answered: bool,
    tally: Tally,
    /// The time of the last call that told it.
    now: Instant,
}

/// What brings a session to its end when there is too much of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    failed_logins: u32,
    unknown_commands: u32,
    overlong_lines: u32,
    /// Listeners in a row that no transfer used.
    unused_ports: u32,
}

impl Session {
    /// Begins with the greeting, or with TLS if that comes first.
    pub fn new(policy: Arc<Policy>, ends: Ends, now: Instant) -> Self {
        let mut session = Self {
            ends,
            input: Input::default(),
            actions: VecDeque::new(),
            stage: Stage::Ready,
            identity: Identity::Nobody,
            protection: Protection::CLEAR,
            parameters: Parameters::default(),
            host: None,
            next_transfer: 0,
            idle_timeout: policy.idle_timeout,
            login_until: later(now, policy.login_deadline),
            active_at: now,
            stopping: None,
            peer_closed: false,
            overlong_answered: false,
            tally: Tally::default(),
            now,
            policy,
        };
        if ends.implicit_tls {
            session.act(Action::StartTls);
            session.stage = Stage::Handshake { greet: true };
        } else {
            session.greet();
        }
        session
    }

    /// Takes what came from the client.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.has_ended() || bytes.is_empty() {
            return;
        }
        if matches!(self.stage, Stage::Handshake { .. }) {
            // These are in clear, and TLS has the connection: somebody puts words into the client's mouth.
            self.close(Closing::ClearBehindAuth);
            return;
        }
        self.input.push(bytes);
        self.advance(now);
    }

    /// Takes what became of an action, or of the connection. An event that nothing awaits changes nothing.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        if !self.has_ended() {
            self.occur(now, event);
            self.advance(now);
        }
    }

    /// The time of [`Session::poll_timeout`] has come. Too early a call changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.run_out(now);
            self.advance(now);
        }
    }

    /// The next thing to do. Behind [`Action::Close`] there is none.
    ///
    /// The next of several commands that wait is read only once the replies before it were taken, so that a driver which writes one
    /// before it asks for the next holds no more than one reply, however many commands a client sends without reading.
    pub fn poll_action(&mut self) -> Option<Action> {
        if self.actions.is_empty() && !self.has_ended() {
            self.advance(self.now);
        }
        let action = self.actions.pop_front();
        if self.actions.is_empty() {
            self.actions.shrink_to_fit();
        }
        action
    }

    /// When [`Session::handle_timeout`] is to be called; `None` while something else is awaited that has its own end.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let logged_in = matches!(self.identity, Identity::Known(_));
        let own = match &self.stage {
            Stage::Ended => return None,
            Stage::Delaying { until, .. } => Some((*until).min(self.login_until)),
            _ if !logged_in => Some(self.login_until),
            Stage::Ready | Stage::Handshake { .. } => Some(later(self.active_at, self.idle_timeout)),
            _ => None,
        };
        match (own, self.stopping) {
            (Some(own), Some(stop)) => Some(own.min(stop)),
            (own, stop) => own.or(stop),
        }
    }

    /// Whether the driver may read more from the control connection and give it to [`Session::handle_bytes`].
    pub fn wants_bytes(&self) -> bool {
        let reads = !matches!(self.stage, Stage::Ended | Stage::Handshake { .. });
        reads && !self.peer_closed && !self.input.is_full()
    }

    /// The name of the account that is logged in.
    pub fn account(&self) -> Option<&str> {
        match &self.identity {
            Identity::Known(account) => Some(&account.login.name),
            _ => None,
        }
    }

    /// Reads commands as long as nothing else is awaited, until there is something to do.
    fn advance(&mut self, now: Instant) {
        self.now = now;
        while self.actions.is_empty() {
            let line = match &self.stage {
                Stage::Ready if self.stopping.is_some() => {
                    self.reply(421, "The server is being stopped; connect again later.");
                    return self.close(Closing::Stopping);
                }
                Stage::Ready => self.input.next_line(),
                Stage::Transferring(_) => self.passing_line(),
                _ => return,
            };
            match line {
                Some(line) => {
                    self.active_at = now;
                    self.execute(now, line);
                }
                None => break,
            }
        }
        if matches!(self.stage, Stage::Ready) && self.actions.is_empty() {
            self.refuse_endless_line(now);
            if self.peer_closed && self.actions.is_empty() {
                self.close(Closing::ClosedByClient);
            }
        }
    }

    /// During a transfer: sees an ABOR wherever it waits, and gives what may be answered at once.
    fn passing_line(&mut self) -> Option<Line> {
        let Stage::Transferring(running) = &self.stage else { return None };
        let (opened, aborting, id) = (running.opened, running.aborting, running.id);
        // RFC 959 section 4.1.3: ABOR ends the transfer at once. Its own reply comes in its turn, behind the transfer's.
        if !aborting && self.input.any_line(command::is_abort) {
            self.abort_transfer(id);
        }
        if opened { self.input.take_first_if(command::may_pass_transfer) } else { None }
    }

    /// Answers a line that is too long before its end has come, which may be never.
    fn refuse_endless_line(&mut self, now: Instant) {
        if self.input.is_overlong() && !self.overlong_answered {
            self.overlong_answered = true;
            self.active_at = now;
            self.refuse_overlong();
        }
    }

    fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    fn abort_transfer(&mut self, id: TransferId) {
        if let Stage::Transferring(running) = &mut self.stage
            && !running.aborting
        {
            running.aborting = true;
            self.act(Action::AbortTransfer(id));
        }
    }

    /// Ends the session: nothing is read or done from here on.
    fn close(&mut self, why: Closing) {
        if let Stage::Transferring(running) = &self.stage {
            let id = running.id;
            self.abort_transfer(id);
        }
        self.stage = Stage::Ended;
        self.input.clear();
        self.act(Action::Close(why));
    }

    /// The account's part of the session, if somebody is logged in.
    fn known(&self) -> Option<&Account> {
        match &self.identity {
            Identity::Known(account) => Some(account),
            _ => None,
        }
    }

    fn known_mut(&mut self) -> Option<&mut Account> {
        match &mut self.identity {
            Identity::Known(account) => Some(account),
            _ => None,
        }
    }
}

/// `start` and `wait` later, or the farthest time that can be told.
fn later(start: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(100 * 365 * 86_400);
    start.checked_add(wait).or_else(|| start.checked_add(FAR)).unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let ends = Ends {
            local: "127.0.0.1:21".parse().unwrap(),
            peer: "127.0.0.1:40000".parse().unwrap(),
            implicit_tls: false,
        };
        Session::new(Arc::new(Policy::default()), ends, Instant::now())
    }

    #[test]
    fn an_idle_session_is_small() {
        assert!(size_of::<Session>() <= 1024, "{} bytes", size_of::<Session>());
        let mut session = session();
        while session.poll_action().is_some() {}
        session.handle_bytes(Instant::now(), &b"HELP\r\n".repeat(100));
        while session.poll_action().is_some() {}
        assert_eq!((session.actions.capacity(), session.input.is_empty()), (0, true));
    }

    #[test]
    fn a_client_that_does_not_read_its_replies_is_not_read_either() {
        let mut session = session();
        while session.poll_action().is_some() {}
        let mut taken = 0;
        while session.wants_bytes() {
            session.handle_bytes(Instant::now(), &b"HELP\r\n".repeat(100));
            taken += 600;
        }
        assert!(taken <= 20_000, "{taken} bytes");
        assert_eq!(session.actions.len(), 1, "one reply waits, whatever the client sends");
    }
}

//! One control connection, without IO.
//!
//! Takes what the server sent and what became of earlier actions, gives actions; asks for neither clock nor socket.
//!
//! ```text
//! begin(now, request)     ─┐
//! handle_bytes(now, ..)   ─┤                    ┌─▶ poll_action() -> Action   (until there is none)
//! handle_event(now, ..)   ─┼─▶  the session  ───┤
//! handle_timeout(now)     ─┤                    └─▶ poll_timeout() -> when to call handle_timeout
//! abandon(now, ..)        ─┘
//! ```
//!
//! After each call the driver takes all actions and carries them out in order. Each request is answered once, by
//! [`Action::Answer`]. The states, with what leads from one to the next:
//!
//! ```text
//! Connected ── Open ──▶ Opening ── logged in ──▶ Idle ◀── answered ── Commands, Transferring, KeepingAlive
//!                          │                      │ ▲
//!                          ▼                 QUIT │ └── settled ── Recovering ◀── abandoned, or the data failed
//!                        Closed ◀── 221 ── Quitting
//! ```

mod action;
mod commands;
mod event;
mod exchange;
mod flow;
mod opening;
mod recovery;
mod request;
mod settings;
mod transfer;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ftp_protocol::{Command, LineReader, Reply, ReplyReader, Verb};

pub use action::Action;
pub use event::{Event, NOT_TLS};
pub use request::{Answer, Credentials, Expect, Representation, Request, Step, Transfer};
pub use settings::{DataMode, Security, Settings, Timeouts};

use crate::error::{Asked, Error};
use crate::features::Features;
use crate::note::{Note, Notes};
use commands::Commands;
use opening::Opening;
use recovery::Recovery;
use transfer::Transferring;

/// Most bytes of a line that are kept.
pub const MAXIMUM_LINE: usize = 8192;

/// Most bytes of one reply; a longer one ends the session.
pub const MAXIMUM_REPLY: u64 = 1 << 20;

/// Most replies in a row that nothing had asked for.
pub const MAXIMUM_STRAYS: u32 = 32;

/// How long a reply may stay open when one of its lines looks like its end but carries another code.
const PATIENCE_WITH_OPEN_REPLY: Duration = Duration::from_secs(3);

/// A client's session on one control connection.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    lines: LineReader,
    replies: ReplyReader,
    /// Stream offset behind the last whole reply.
    replied: u64,
    actions: VecDeque<Action>,
    /// The command that waits for its reply.
    outstanding: Option<Command>,
    /// Stream offset behind all that had come when it was sent: what stands before cannot answer it.
    answers_from: u64,
    /// A request waits for its answer.
    asked: bool,
    /// What was asked for while a NOOP was under way.
    queued: Option<Request>,
    deadline: Option<Instant>,
    /// When to take an open reply for ended.
    settle_at: Option<Instant>,
    notes: Notes,
    features: Features,
    protection: Protection,
    /// The TYPE that the server has.
    representation: Option<Representation>,
    refused: RefusedCommands,
    /// A transfer was cut, so that replies to it may come late.
    unsettled: bool,
    /// Replies in a row that were passed over, and the last of them.
    strays: u32,
    passed_over: Option<Reply>,
    /// A data connection or listener is there.
    data_open: bool,
}

/// What TLS protects.
#[derive(Debug, Clone, Copy, Default)]
struct Protection {
    control: bool,
    data: bool,
}

/// Commands that the server does not have, so that they are not tried again.
#[derive(Debug, Clone, Copy)]
struct RefusedCommands {
    epsv: bool,
    eprt: bool,
}

#[derive(Debug)]
enum State {
    /// Nothing was asked for yet.
    Connected,
    Opening(Opening),
    Idle,
    Commands(Commands),
    Transferring(Box<Transferring>),
    Recovering(Recovery),
    KeepingAlive,
    Quitting,
    Closed,
}

impl Session {
    /// A session on a connection that has just been made.
    pub fn new(settings: Settings) -> Self {
        let refused = RefusedCommands { epsv: settings.without_extended, eprt: settings.without_extended };
        Self {
            settings,
            state: State::Connected,
            lines: LineReader::new(MAXIMUM_LINE),
            replies: ReplyReader::new(),
            replied: 0,
            actions: VecDeque::new(),
            outstanding: None,
            answers_from: 0,
            asked: false,
            queued: None,
            deadline: None,
            settle_at: None,
            notes: Notes::default(),
            features: Features::default(),
            protection: Protection::default(),
            representation: None,
            refused,
            unsettled: false,
            strays: 0,
            passed_over: None,
            data_open: false,
        }
    }

    /// Asks for something. The first request is [`Request::Open`]; each later one waits until the one before it is answered.
    pub fn begin(&mut self, now: Instant, request: Request) {
        self.asked = true;
        match (&self.state, request) {
            (State::Connected, Request::Open(credentials)) => self.open(now, credentials),
            (State::Idle, request) => self.start(now, request),
            (State::KeepingAlive, request) => self.queued = Some(request),
            (State::Closed, Request::Quit) => self.answer(Ok(Answer::Closed)),
            (State::Closed | State::Connected, _) => {
                self.answer(Err(Error::ConnectionClosed { command: None, reason: None }));
            }
            _ => {
                let error = Error::Settings("the session is busy with another request".into());
                self.actions.push_back(Action::Answer(Err(error)));
            }
        }
    }

    /// Takes bytes of the control connection, without TLS. Behind the end of the session they mean nothing.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.is_closed() {
            return;
        }
        if self.is_shaking_hands() {
            return self.fail(now, Error::PlaintextBehindTls(bytes.len()));
        }
        let mut lines = Vec::new();
        self.lines.push(bytes, &mut lines);
        let mut lines = lines.into_iter();
        while let Some(line) = lines.next() {
            for reply in self.replies.push(line) {
                if self.is_shaking_hands() {
                    return self.fail(now, Error::PlaintextBehindTls(reply.lines.concat().len()));
                }
                self.handle_reply(now, reply);
                if self.is_closed() {
                    return;
                }
            }
            if self.is_shaking_hands() {
                let rest =
                    lines.as_slice().iter().map(|line| line.bytes.len().saturating_add(2)).sum::<usize>();
                let rest = rest.saturating_add(self.lines.pending());
                if rest > 0 {
                    self.fail(now, Error::PlaintextBehindTls(rest));
                }
                return;
            }
        }
        let unfinished = self.lines.offset().saturating_sub(self.replied);
        if unfinished > MAXIMUM_REPLY {
            return self.fail(now, Error::EndlessReply(unfinished));
        }
        self.settle_at = self.replies.open_code().map(|_| after(now, PATIENCE_WITH_OPEN_REPLY));
    }

    /// Takes what became of an action, or of a connection.
    pub fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::TlsStarted | Event::TlsFailed(_) => self.handle_tls(now, event),
            Event::Closed(reason) => self.handle_closed(now, reason),
            Event::Listening(_)
            | Event::DataOpened
            | Event::DataTlsStarted { .. }
            | Event::DataAwaited
            | Event::DataMoved(_)
            | Event::DataEnded { .. }
            | Event::DataFailed(_) => self.handle_data(now, event),
        }
    }

    /// Tells that the time of [`Session::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.settle_at.is_some_and(|at| at <= now) {
            self.settle_at = None;
            for reply in self.replies.settle() {
                self.handle_reply(now, reply);
                if self.is_closed() {
                    return;
                }
            }
        }
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        self.deadline = None;
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {
                let next = self.send(now, Command::new(Verb::Noop, None)).map(|()| State::KeepingAlive);
                self.enter(now, next);
            }
            State::Transferring(transferring) => self.transfer_timeout(now, transferring),
            State::Recovering(recovery) => self.give_up(now, recovery.error),
            State::Quitting => self.end_quietly(),
            other => {
                self.state = other;
                self.note_silence();
                let error = self.no_reply(self.settings.timeouts.reply);
                self.fail(now, error);
            }
        }
    }

    /// The next thing to do; `None` when the session waits.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to call [`Session::handle_timeout`]; `None` is never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.deadline, self.settle_at) {
            (Some(deadline), Some(settle)) => Some(deadline.min(settle)),
            (deadline, settle) => deadline.or(settle),
        }
    }

    /// Gives up the request under way: it is answered with `error` once the session can take another one, or is closed.
    pub fn abandon(&mut self, now: Instant, error: Error) {
        self.recover(now, error);
    }

    /// What was tolerated so far, each once.
    pub fn notes(&self) -> &[Note] {
        self.notes.all()
    }

    /// Adds a note of the driver's.
    pub fn note(&mut self, note: Note) {
        self.notes.add(note);
    }

    /// What the server can.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Nothing can be asked for any more.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Nothing was asked for yet.
    pub fn is_new(&self) -> bool {
        matches!(self.state, State::Connected)
    }

    /// A request can begin at once.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Connected | State::Closed | State::KeepingAlive)
            && self.queued.is_none()
    }

    /// TLS protects control and data connections: (control, data).
    pub fn is_protected(&self) -> (bool, bool) {
        (self.protection.control, self.protection.data)
    }

    fn start(&mut self, now: Instant, request: Request) {
        let next = match request {
            Request::Open(_) => Err(Error::Settings("the session is open already".into())),
            Request::Commands(steps) => self.start_commands(now, steps),
            Request::Transfer(transfer) => self.start_transfer(now, transfer),
            Request::Quit => self.send(now, Command::new(Verb::Quit, None)).map(|()| State::Quitting),
        };
        self.enter(now, next);
    }

    /// Goes to the next state, or answers with the error.
    fn enter(&mut self, now: Instant, next: Result<State, Error>) {
        match next {
            Ok(State::Idle) => self.rest(now),
            Ok(state) => self.state = state,
            Err(error) => self.fail(now, error),
        }
    }

    /// Nothing is under way: waits for the next request, or sends a NOOP before a middlebox forgets the connection.
    fn rest(&mut self, now: Instant) {
        self.state = State::Idle;
        self.outstanding = None;
        let keep_alive = self.settings.timeouts.keep_alive;
        self.deadline = (!keep_alive.is_zero()).then(|| after(now, keep_alive));
        if let Some(request) = self.queued.take() {
            self.start(now, request);
        }
    }

    /// Answers the request under way; what fails while nothing is asked for is no answer.
    fn answer(&mut self, answer: Result<Answer, Error>) {
        if std::mem::take(&mut self.asked) {
            self.actions.push_back(Action::Answer(answer));
        }
    }

    /// Answers the request under way with `error`, and closes the connection if it is of no use any more.
    fn fail(&mut self, now: Instant, error: Error) {
        let uploading = matches!(&self.state, State::Transferring(under_way) if under_way.is_upload());
        self.close_data(uploading);
        if error.ends_session() || matches!(self.state, State::Opening(_)) {
            self.give_up(now, error);
        } else {
            self.answer(Err(error));
            self.rest(now);
        }
    }

    /// Closes the connection, and answers with `error`.
    fn give_up(&mut self, _now: Instant, error: Error) {
        // Nobody shakes hands behind what was injected.
        self.actions.retain(|action| !matches!(action, Action::StartTls));
        self.close_data(true);
        self.end();
        self.answer(Err(error));
    }

    fn end_quietly(&mut self) {
        self.end();
        self.answer(Ok(Answer::Closed));
    }

    fn end(&mut self) {
        self.state = State::Closed;
        self.outstanding = None;
        self.queued = None;
        self.deadline = None;
        self.settle_at = None;
        self.actions.push_back(Action::Close);
    }

    fn close_data(&mut self, reset: bool) {
        if std::mem::take(&mut self.data_open) {
            self.actions.push_back(Action::CloseData { reset });
        }
    }

    fn handle_closed(&mut self, now: Instant, reason: Option<String>) {
        let command = self.outstanding.clone().map(Asked);
        match &mut self.state {
            State::Closed => {}
            State::Quitting => self.end_quietly(),
            // What it was told is whole; the data may still be on their way.
            State::Transferring(transferring) if transferring.is_confirmed() => {
                transferring.control_is_gone = true
            }
            // What is still on its way is worth having, though nothing confirms it.
            State::Transferring(transferring) if transferring.awaits_data() => {
                transferring.control_is_gone = true
            }
            State::Transferring(transferring) if transferring.has_begun() => {
                let error = transferring.not_confirmed(reason);
                self.fail(now, error);
            }
            State::Idle | State::Connected => self.end(),
            _ => {
                self.note_silence();
                self.give_up(now, Error::ConnectionClosed { command, reason });
            }
        }
    }
}

/// `now` and `duration`; a sum that the clock cannot hold is now.
fn after(now: Instant, duration: Duration) -> Instant {
    now.checked_add(duration).unwrap_or(now)
}

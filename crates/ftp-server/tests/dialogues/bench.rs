//! A session with its clock, and the book of which command has had which reply.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftp_protocol::command::Command;
use ftp_protocol::line::LineReader;
use ftp_protocol::reply::{ReplyOddity, ReplyReader};
use ftp_protocol::sequence::{Fit, fit, fit_greeting};
use ftp_protocol::{Reply, Verb};
use ftp_server::session::{Action, Ends, Event, LONGEST_LINE, Policy, Session};

use super::driver;

/// Replies that no document lists for the command, with the reason why they are sent.
const UNLISTED: [(Verb, u16); 9] = [
    // RFC 1123 section 4.1.2.11 lets a server choose a code whose digits say what happened: no port, or no right.
    (Verb::Pasv, 425),
    (Verb::Epsv, 425),
    // 450, which is listed, has clients try again for what will not be there next time either.
    (Verb::List, 550),
    (Verb::Nlst, 550),
    // Each server defines SITE, and what it may fail with.
    (Verb::Site, 550),
    (Verb::Site, 504),
    (Verb::Site, 214),
    (Verb::Avbl, 553),
    // RFC 959 lists only 504 for it, which is of the command and not of the room: the same section of RFC 1123, which also asks for 4yz where
    // it may succeed later.
    (Verb::Allo, 452),
];

pub struct Bench {
    pub session: Session,
    pub now: Instant,
    /// Commands that wait for their final reply; `None` is a line that is no command.
    waiting: VecDeque<Option<Verb>>,
    lines: LineReader,
    /// The line that has not ended yet waits for its reply already.
    endless: bool,
    greeted: bool,
    pub closed: bool,
    /// What was asked of the driver and not answered.
    pub asked: VecDeque<Action>,
    /// All replies of a code below 200 that the first waiting command has had.
    begun: bool,
}

impl Bench {
    pub fn new(policy: Arc<Policy>, ends: Ends) -> Self {
        let now = Instant::now();
        Self {
            session: Session::new(policy, ends, now),
            now,
            waiting: VecDeque::new(),
            lines: LineReader::new(LONGEST_LINE),
            endless: false,
            greeted: false,
            closed: false,
            asked: VecDeque::new(),
            begun: false,
        }
    }

    /// Logs a client in, whatever the dialogue is then about.
    pub fn log_in(&mut self, words: &str) {
        self.take();
        for line in [&b"USER joe\r\n"[..], b"PASS secret\r\n"] {
            self.client(line);
            self.take();
        }
        self.asked.clear();
        self.event(driver::event(words));
        let replies = self.take();
        assert!(replies.iter().any(|action| driver::describe(action).contains("230")), "logged in");
    }

    pub fn client(&mut self, bytes: &[u8]) {
        let mut lines = Vec::new();
        self.lines.push(bytes, &mut lines);
        // After QUIT, or a close, nobody answers.
        if self.closed {
            return;
        }
        for line in lines {
            if !std::mem::take(&mut self.endless) {
                self.waiting.push_back(Command::parse(&line.bytes).0.known_verb());
            }
        }
        // A line that is too long is answered before it ends.
        if self.lines.pending() > LONGEST_LINE + 2 && !self.endless {
            self.endless = true;
            self.waiting.push_back(None);
        }
        self.session.handle_bytes(self.now, bytes);
    }

    pub fn event(&mut self, event: Event) {
        self.session.handle_event(self.now, event);
    }

    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        if self.session.poll_timeout().is_some_and(|due| due <= self.now) {
            self.session.handle_timeout(self.now);
        }
    }

    /// Lets time pass until the session wants to be woken, if it does.
    pub fn run_out(&mut self) {
        if let Some(due) = self.session.poll_timeout() {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
            let next = self.session.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timeout that was handled is not due again");
        }
    }

    /// All actions there are, with the replies among them entered in the book.
    pub fn take(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(action) = self.session.poll_action() {
            assert!(!self.closed, "nothing is done behind Close: {}", driver::describe(&action));
            match &action {
                Action::Send(bytes) => replies(bytes).iter().for_each(|reply| self.enter(reply)),
                Action::Close(_) => {
                    self.closed = true;
                    assert!(self.session.poll_timeout().is_none() && !self.session.wants_bytes());
                }
                // Only one thing is ever asked for at a time, besides the end of a transfer.
                Action::AbortTransfer(_) => self.asked.push_back(describe_again(&action)),
                other if !driver::answers(other).is_empty() => {
                    assert!(self.asked.is_empty(), "one thing at a time");
                    self.asked.push_back(describe_again(other));
                }
                _ => {}
            }
            actions.push(action);
        }
        actions
    }

    fn enter(&mut self, reply: &Reply) {
        let code = reply.code.expect("a reply has a code");
        // A byte 255 is doubled in replies too (RFC 854).
        let odd = reply.oddities.iter().find(|oddity| !matches!(oddity, ReplyOddity::Telnet));
        assert!(odd.is_none(), "{odd:?} of {code}");
        if !self.greeted && self.waiting.is_empty() {
            self.greeted = true;
            assert_ne!(fit_greeting(code), Fit::Never);
            return;
        }
        // What may be answered during a transfer is answered before it.
        let passed = matches!((self.begun, code), (true, 200 | 211)).then_some(1).unwrap_or_default();
        let Some(&verb) = self.waiting.get(passed) else {
            assert_eq!(code, 421, "no command waits for {code}");
            return;
        };
        let fits = fit(verb, code);
        let unlisted = verb.is_some_and(|verb| UNLISTED.contains(&(verb, code)));
        // Some rows of RFC 959 section 5.4 lack 530, as PWD's; there is no other code for it.
        assert!(fits >= Fit::Final || unlisted || code == 530, "{code} answers {verb:?}: {fits:?}");
        if fits == Fit::Preliminary {
            assert!(!self.begun, "one preliminary reply");
            self.begun = true;
        } else {
            self.waiting.remove(passed);
            self.begun &= passed > 0;
        }
    }

    /// How many commands still wait for their final reply.
    pub fn unanswered(&self) -> usize {
        self.waiting.len()
    }

    /// Answers everything that is still asked, as a driver that is in no trouble does.
    pub fn settle(&mut self) {
        self.take();
        while let Some(action) = self.asked.pop_front() {
            for event in driver::answers(&action) {
                self.event(event);
                self.take();
            }
            // A reply to a failed login comes later.
            if self.asked.is_empty() && self.unanswered() > 0 {
                self.run_out();
                self.take();
            }
        }
    }
}

/// Actions are not to be copied, since a driver carries each out once; a test looks at one twice.
fn describe_again(action: &Action) -> Action {
    match action {
        Action::StartTls => Action::StartTls,
        Action::Authenticate(attempt) => Action::Authenticate(attempt.clone()),
        Action::Operate(operation) => Action::Operate(operation.clone()),
        Action::Listen { ipv6 } => Action::Listen { ipv6: *ipv6 },
        Action::Transfer(transfer) => Action::Transfer(transfer.clone()),
        Action::AbortTransfer(id) => Action::AbortTransfer(*id),
        _ => unreachable!("only what is answered"),
    }
}

/// The replies in what was sent.
pub fn replies(bytes: &[u8]) -> Vec<Reply> {
    let (mut lines, mut out) = (LineReader::new(1 << 16), Vec::new());
    lines.push(bytes, &mut out);
    let mut reader = ReplyReader::new();
    let mut replies: Vec<Reply> = Vec::new();
    for line in out {
        replies.extend(reader.push(line));
    }
    replies.extend(reader.finish());
    replies
}

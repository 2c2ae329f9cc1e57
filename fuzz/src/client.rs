//! The client's session: bytes of a server, events of a driver, requests of a caller and time, in any order.
//!
//! The first byte chooses the settings. Then come happenings of a byte that says what, and a second one: bytes of the server (so many
//! follow), a reply or an event of the list, a pause of the user's, time, a request.

use std::time::{Duration, Instant};

use ftp_client::Error;
use ftp_client::session::{
    Action, Credentials, DataMode, Event, Expect, Representation, Request, Security, Session, Settings, Step,
    Transfer,
};
use ftp_protocol::Verb;

/// Replies that lead somewhere.
const REPLIES: [&str; 26] = [
    "220 ready",
    "331 password?",
    "332 account?",
    "230 in",
    "234 go",
    "200 ok",
    "211-x\r\n MLST type*;\r\n RANG STREAM\r\n REST STREAM\r\n211 end",
    "229 (|||5001|)",
    "227 (10,0,0,1,4,1)",
    "350 go on",
    "150 here (5 bytes)",
    "226 done",
    "221 bye",
    "257 \"/\"",
    "213 5",
    "120 later",
    "421 bye",
    "425 no",
    "426 cut",
    "500 what",
    "502 no",
    "522 no",
    "530 no",
    "550 no",
    "553-no",
    "226-done",
];

/// Most actions that one happening may lead to.
const MOST_ACTIONS: usize = 200;

/// Most timeouts until a session that is left alone has answered.
const MOST_TIMEOUTS: usize = 100;

/// No panic, one answer to each request, few actions and notes, an answer in the end, whatever the server does or leaves.
pub fn client(bytes: &[u8]) {
    let Some((&choices, mut rest)) = bytes.split_first() else { return };
    let mut caller = Caller::new(choices);
    while let Some(([what, second], behind)) = rest.split_first_chunk::<2>() {
        rest = behind;
        match what % 8 {
            0 | 1 => {
                let (said, behind) = rest.split_at(rest.len().min(usize::from(*second)));
                rest = behind;
                caller.session.handle_bytes(caller.now, said);
            }
            2 | 3 => {
                let reply = REPLIES.get(usize::from(*second) % REPLIES.len()).copied().unwrap_or_default();
                caller.session.handle_bytes(caller.now, format!("{reply}\r\n").as_bytes());
            }
            4 => caller.event(event(*second)),
            5 => caller.pause(Duration::from_secs(u64::from(*second) * 2)),
            6 => caller.wait(Duration::from_secs(u64::from(*second) * 2)),
            _ => caller.ask(*second),
        }
        caller.take_answers();
    }
    caller.left_alone();
}

/// Whoever uses a session: asks for one thing at a time.
struct Caller {
    session: Session,
    now: Instant,
    asked: usize,
    answered: usize,
    /// Answers that blame the server for a pause on the data connection.
    stalled: usize,
    /// The user has the data connection.
    begun: bool,
    /// The user waits for the data connection. Otherwise it does something else.
    awaited: bool,
}

impl Caller {
    fn new(choices: u8) -> Self {
        let settings = Settings {
            security: match choices & 3 {
                0 => Security::Off,
                1 => Security::Prefer,
                2 => Security::Require,
                _ => Security::Implicit,
            },
            data: if choices & 4 == 0 { DataMode::Passive } else { DataMode::Active },
            ipv6: choices & 8 != 0,
            without_extended: choices & 16 != 0,
            use_announced_address: choices & 32 != 0,
            accept_missing_close_notify: choices & 64 != 0,
            ..Settings::default()
        };
        let now = Instant::now();
        let mut session = Session::new(settings);
        session.begin(now, Request::Open(Credentials::new("joe", "secret")));
        let mut caller =
            Self { session, now, asked: 1, answered: 0, stalled: 0, begun: false, awaited: false };
        caller.take_answers();
        caller
    }

    fn ask(&mut self, what: u8) {
        if self.asked > self.answered {
            if what >= 128 {
                self.session.abandon(self.now, Error::Cancelled);
            }
            return;
        }
        (self.begun, self.awaited) = (false, false);
        self.session.begin(self.now, request(what));
        self.asked += 1;
    }

    /// Who has the data connection waits for it before anything crosses, and after that may do something else.
    fn event(&mut self, event: Event) {
        let crosses = matches!(event, Event::DataMoved(_) | Event::DataEnded { .. });
        if crosses {
            self.go_on();
        }
        self.session.handle_event(self.now, event);
        self.awaited &= !crosses;
    }

    fn go_on(&mut self) {
        if self.begun && !std::mem::replace(&mut self.awaited, true) {
            self.session.handle_event(self.now, Event::DataAwaited);
        }
    }

    /// The user does something else, and nobody looks at the clock before it comes back to the data connection.
    fn pause(&mut self, time: Duration) {
        if !self.begun || self.awaited {
            return self.wait(time);
        }
        let stalled = self.stalled;
        self.now += time;
        self.wait(Duration::ZERO);
        assert_eq!(self.stalled, stalled, "the server is not to blame for a pause of the user's");
    }

    fn wait(&mut self, time: Duration) {
        self.go_on();
        self.now += time;
        for _ in 0..MOST_TIMEOUTS {
            let Some(_) = self.session.poll_timeout().filter(|&at| at <= self.now) else { return };
            self.session.handle_timeout(self.now);
            self.take_answers();
        }
        panic!("time does not let it rest");
    }

    fn take_answers(&mut self) {
        let mut actions = 0;
        while let Some(action) = self.session.poll_action() {
            self.answered += usize::from(matches!(action, Action::Answer(_)));
            self.stalled += usize::from(matches!(action, Action::Answer(Err(Error::Stalled { .. }))));
            self.begun |= matches!(action, Action::Begin);
            if let Action::Send(bytes) = &action {
                let inner = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
                assert!(!inner.contains(&b'\n'), "one command at a time: {inner:?}");
            }
            actions += 1;
            assert!(actions < MOST_ACTIONS, "one thing that happens leads to few actions");
        }
        assert!(self.answered <= self.asked, "each request is answered once");
        assert!(self.session.notes().len() <= 64);
    }

    fn left_alone(mut self) {
        for _ in 0..MOST_TIMEOUTS {
            let Some(at) = self.session.poll_timeout().filter(|_| self.answered < self.asked) else { break };
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
            self.take_answers();
        }
        assert_eq!(self.answered, self.asked, "left alone, every request is answered in the end");
    }
}

fn request(what: u8) -> Request {
    let transfer = |verb, representation| Transfer::new(verb, b"a", representation);
    match what % 10 {
        0 => Request::Transfer(transfer(Verb::Retr, Representation::Image)),
        1 => Request::Transfer(transfer(Verb::Stor, Representation::Ascii)),
        2 => Request::Transfer(transfer(Verb::Mlsd, Representation::Ascii)),
        3 => Request::Transfer(Transfer { offset: 9, ..transfer(Verb::Retr, Representation::Image) }),
        4 => {
            let part = Transfer {
                offset: 2,
                end: Some(7),
                expected: Some(7),
                ..transfer(Verb::Retr, Representation::Image)
            };
            Request::Transfer(part)
        }
        5 => Request::Transfer(Transfer { expected: Some(5), ..transfer(Verb::Retr, Representation::Image) }),
        6 => Request::Commands(vec![
            Step::new(Verb::Rnfr, b"a", Expect::Intermediate),
            Step::new(Verb::Rnto, b"b", Expect::Completion),
        ]),
        7 => Request::Commands(vec![Step::new(Verb::Site, b"x", Expect::Any)]),
        8 => Request::Commands(Vec::new()),
        _ => Request::Quit,
    }
}

fn event(what: u8) -> Event {
    match what % 14 {
        0 => Event::DataOpened,
        1 => Event::DataMoved(5),
        2 => Event::DataEnded { announced: true },
        3 => Event::DataEnded { announced: false },
        4 => Event::DataTlsStarted { resumed: true },
        5 => Event::DataTlsStarted { resumed: false },
        6 => Event::TlsStarted,
        7 => Event::TlsFailed("no".into()),
        8 => Event::DataFailed("broken".into()),
        9 => Event::Listening(([127, 0, 0, 1], 6001).into()),
        10 => Event::Listening((std::net::Ipv6Addr::LOCALHOST, 6001).into()),
        11 => Event::DataMoved(u64::MAX),
        12 => Event::Closed(None),
        _ => Event::Closed(Some("reset".into())),
    }
}

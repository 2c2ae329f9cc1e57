//! Dialogues written down as text, played to the session in virtual time.
//!
//! A file of `tests/dialogues` has several, each under a heading `## what it shows`. A line is what happens, or what the session
//! must do; what it does must stand there in full, in order.
//!
//! ```text
//! set WORD...           a setting: prefer, require, off, implicit, active, ipv6, announced, peer ADDRESS, unannounced-end
//! open USER [PASSWORD]  a request; likewise retrieve PATH, store PATH, list PATH, machine-list PATH, text PATH (RETR in TYPE A),
//!                       with offset=N and size=N behind; ask COMMAND; steps COMMAND | COMMAND; quit; abandon
//! S: TEXT               the server sends a line; S\n: one that ends with LF; S_: bytes with \r \n \0 \xNN
//! < EVENT               what became of an action: tls, tls-failed, closed, listening ADDRESS, opened, data-tls, data-tls new, awaited,
//!                       moved N, ended, cut, failed REASON
//! wait SECONDS          time passes
//! C: TEXT               the session sends a line
//! > ACTION              the session asks: start-tls, close, connect ADDRESS, listen, accept, start-data-tls, begin, close-data, reset-data
//! = ANSWER              the request is answered: opened, done CODE, transferred N, closed, or the error's sentence
//! (what is asked for may hold the same escapes as S_)
//! note TEXT             some note holds this text; `no notes`: there is none
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use ftp_client::Error;
use ftp_client::session::{
    Action, Answer, Credentials, DataMode, Event, Expect, Representation, Request, Security, Session,
    Settings, Step, Transfer,
};
use ftp_protocol::{Command, Verb};

/// A session that is being played to.
struct Stage {
    session: Option<Session>,
    settings: Settings,
    now: Instant,
    place: String,
}

impl Stage {
    fn session(&mut self) -> &mut Session {
        let settings = self.settings.clone();
        self.session.get_or_insert_with(|| Session::new(settings))
    }

    fn set(&mut self, setting: &str) {
        match setting {
            "off" => self.settings.security = Security::Off,
            "prefer" => self.settings.security = Security::Prefer,
            "require" => self.settings.security = Security::Require,
            "implicit" => self.settings.security = Security::Implicit,
            "active" => self.settings.data = DataMode::Active,
            "ipv6" => self.settings.ipv6 = true,
            "announced" => self.settings.use_announced_address = true,
            "unannounced-end" => self.settings.accept_missing_close_notify = true,
            other => match other.strip_prefix("peer ") {
                Some(peer) => self.settings.peer = Some(peer.parse::<IpAddr>().unwrap()),
                None => panic!("{}: no setting {other}", self.place),
            },
        }
    }

    fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let now = self.now;
        match word {
            "set" => return self.set(rest),
            "C:" | ">" | "=" => {
                let found =
                    self.session().poll_action().map_or("nothing".to_owned(), |action| written(&action));
                assert_eq!(found, line, "{}", self.place);
                return;
            }
            "note" => {
                let notes: Vec<String> = self.session().notes().iter().map(ToString::to_string).collect();
                assert!(notes.iter().any(|note| note.contains(rest)), "{}: {notes:?}", self.place);
                return;
            }
            "no" => {
                let place = self.place.clone();
                return assert_eq!(self.session().notes(), [], "{place}");
            }
            _ => {}
        }
        self.expect_nothing();
        match word {
            "S:" => self.session().handle_bytes(now, format!("{rest}\r\n").as_bytes()),
            "S\\n:" => self.session().handle_bytes(now, format!("{rest}\n").as_bytes()),
            "S_:" => self.session().handle_bytes(now, &unescaped(rest)),
            "<" => {
                let event = self.event(rest);
                self.session().handle_event(now, event);
            }
            "wait" => {
                self.now = now + Duration::from_secs(rest.parse().unwrap());
                let now = self.now;
                while self.session().poll_timeout().is_some_and(|at| at <= now) {
                    self.session().handle_timeout(now);
                }
            }
            "abandon" => self.session().abandon(now, Error::Cancelled),
            _ => {
                let rest = String::from_utf8(unescaped(rest)).unwrap();
                let request = self.request(word, &rest);
                self.session().begin(now, request);
            }
        }
    }

    fn expect_nothing(&mut self) {
        if let Some(action) = self.session().poll_action() {
            panic!("{}: the session does more: {}", self.place, written(&action));
        }
    }

    fn request(&self, word: &str, rest: &str) -> Request {
        let mut words: Vec<&str> = rest.split(' ').collect();
        let mut take = |name: &str| {
            let at = words.iter().position(|word| word.starts_with(name))?;
            words.remove(at)[name.len()..].parse::<u64>().ok()
        };
        let (offset, expected) = (take("offset=").unwrap_or(0), take("size="));
        let path = words.join(" ");
        let transfer = |verb, representation| {
            let transfer = Transfer::new(verb, path.as_bytes(), representation);
            Request::Transfer(Transfer { offset, expected, ..transfer })
        };
        let step = |text: &str, expect| Step { command: Command::parse(text.as_bytes()).0, expect };
        match word {
            "open" => {
                let (user, password) = rest.split_once(' ').unwrap_or((rest, ""));
                Request::Open(Credentials::new(user, password))
            }
            "retrieve" => transfer(Verb::Retr, Representation::Image),
            "text" => transfer(Verb::Retr, Representation::Ascii),
            "store" => transfer(Verb::Stor, Representation::Image),
            "list" => transfer(Verb::List, Representation::Ascii),
            "machine-list" => transfer(Verb::Mlsd, Representation::Ascii),
            "ask" => Request::Commands(vec![step(rest, Expect::Completion)]),
            "steps" => {
                let (first, second) = rest.split_once(" | ").unwrap();
                Request::Commands(vec![step(first, Expect::Intermediate), step(second, Expect::Completion)])
            }
            "quit" => Request::Quit,
            other => panic!("{}: no line begins with {other}", self.place),
        }
    }

    fn event(&self, text: &str) -> Event {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "tls" => Event::TlsStarted,
            "tls-failed" => Event::TlsFailed(rest.into()),
            "closed" => Event::Closed(None),
            "listening" => Event::Listening(rest.parse::<SocketAddr>().unwrap()),
            "opened" => Event::DataOpened,
            "data-tls" => Event::DataTlsStarted { resumed: rest != "new" },
            "awaited" => Event::DataAwaited,
            "moved" => Event::DataMoved(rest.parse().unwrap()),
            "ended" => Event::DataEnded { announced: true },
            "cut" => Event::DataEnded { announced: false },
            "failed" => Event::DataFailed(rest.into()),
            other => panic!("{}: no event {other}", self.place),
        }
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escape = if byte == b'\\' { rest.next() } else { None };
        bytes.push(match escape {
            None => byte,
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b'0') => 0,
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => panic!("no escape {other:?}"),
        });
    }
    bytes
}

fn written(action: &Action) -> String {
    match action {
        Action::Send(bytes) => format!("C: {}", String::from_utf8_lossy(bytes).trim_end_matches("\r\n")),
        Action::StartTls => "> start-tls".into(),
        Action::Close => "> close".into(),
        Action::Connect { address: Some(address), port } => format!("> connect {address}:{port}"),
        Action::Connect { address: None, port } => format!("> connect peer:{port}"),
        Action::Listen => "> listen".into(),
        Action::Accept => "> accept".into(),
        Action::StartDataTls => "> start-data-tls".into(),
        Action::Begin => "> begin".into(),
        Action::CloseData { reset: true } => "> reset-data".into(),
        Action::CloseData { reset: false } => "> close-data".into(),
        Action::Answer(Ok(answer)) => match answer {
            Answer::Opened => "= opened".into(),
            Answer::Replied(reply) => format!("= done {}", reply.code.unwrap_or(0)),
            Answer::Transferred { bytes, .. } => format!("= transferred {bytes}"),
            Answer::Closed => "= closed".into(),
        },
        Action::Answer(Err(error)) => format!("= {error}"),
    }
}

/// Plays every dialogue of a file; gives how many.
fn play(name: &str) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut stage: Option<Stage> = None;
    let mut count = 0;
    let mut title = "";
    for (number, line) in text.lines().enumerate() {
        if let Some(next) = line.strip_prefix("## ") {
            if let Some(mut stage) = stage.take() {
                stage.expect_nothing();
            }
            title = next;
            count += 1;
            let settings = Settings { security: Security::Off, ..Settings::default() };
            stage = Some(Stage { session: None, settings, now: Instant::now(), place: String::new() });
        } else if !line.is_empty()
            && let Some(stage) = &mut stage
        {
            stage.place = format!("{name}:{} ({title})", number + 1);
            // A login that shows nothing of its own.
            if line == "logged in" {
                for line in
                    ["open joe secret", "S: 220 ready", "C: USER joe", "S: 331 password?", "C: PASS secret"]
                        .into_iter()
                        .chain(["S: 230 welcome", "C: FEAT", "S: 502 no", "= opened"])
                {
                    stage.line(line);
                }
            } else {
                stage.line(line);
            }
        }
    }
    stage.expect("a dialogue").expect_nothing();
    count
}

#[test]
fn opening() {
    assert!(play("opening.txt") >= 15);
}

#[test]
fn transfers() {
    assert!(play("transfers.txt") >= 15);
}

#[test]
fn tolerance() {
    assert!(play("tolerance.txt") >= 10);
}

#[test]
fn hostility() {
    assert!(play("hostility.txt") >= 10);
}

#[test]
fn recovery() {
    assert!(play("recovery.txt") >= 6);
}

#[test]
fn no_password_is_in_an_error_or_in_a_debug_form() {
    let credentials = Credentials::new("joe", "hunter2");
    assert!(!format!("{credentials:?}").contains("hunter2"));
    let mut session = Session::new(Settings { security: Security::Off, ..Settings::default() });
    let now = Instant::now();
    session.begin(now, Request::Open(credentials));
    for line in ["220 ready", "331 password?", "530 no"] {
        session.handle_bytes(now, format!("{line}\r\n").as_bytes());
    }
    let mut said = format!("{:?}", session.notes());
    while let Some(action) = session.poll_action() {
        if let Action::Answer(Err(error)) = action {
            said += &format!("{error} {error:?}");
        }
    }
    assert!(said.contains("PASS <hidden>") && !said.contains("hunter2"), "{said}");
}

//! Whatever a server and a network do, in whatever order: the session does not panic, answers each request once, and keeps little.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::time::{Duration, Instant};

use ftp_client::Error;
use ftp_client::session::{
    Action, Credentials, DataMode, Event, Expect, Representation, Request, Security, Session, Settings, Step,
    Transfer,
};
use ftp_protocol::Verb;
use proptest::prelude::*;

/// Something that happens to a session.
#[derive(Debug, Clone)]
enum Happening {
    Bytes(Vec<u8>),
    Event(Event),
    Wait(u64),
    Ask(u8),
    Abandon,
}

fn happening() -> impl Strategy<Value = Happening> {
    let lines = prop::sample::select(vec![
        "220 ready",
        "120 later",
        "234 go",
        "331 password?",
        "332 account?",
        "230 in",
        "230-in",
        "200 ok",
        "211-x",
        "211 y",
        "229 (|||5001|)",
        "227 (10,0,0,1,4,1)",
        "350 go on",
        "150 here (5 bytes)",
        "125 here",
        "226 done",
        "226-done",
        "250 done",
        "421 bye",
        "425 no",
        "426 cut",
        "450 no",
        "500 what",
        "502 no",
        "522 no",
        "530 no",
        "550 no",
        "553-no",
        "221 bye",
        "no code",
        "",
        "999 odd",
        "226",
        "200-",
        "\u{ff}",
    ]);
    let events = prop::sample::select(vec![
        Event::TlsStarted,
        Event::TlsFailed("no".into()),
        Event::Closed(None),
        Event::Closed(Some("reset".into())),
        Event::Listening("127.0.0.1:6001".parse().unwrap()),
        Event::Listening("[::1]:6001".parse().unwrap()),
        Event::DataOpened,
        Event::DataTlsStarted { resumed: true },
        Event::DataTlsStarted { resumed: false },
        Event::DataMoved(5),
        Event::DataMoved(u64::MAX),
        Event::DataEnded { announced: true },
        Event::DataEnded { announced: false },
        Event::DataFailed("broken".into()),
    ]);
    prop_oneof![
        8 => lines.prop_map(|line| Happening::Bytes(format!("{line}\r\n").into_bytes())),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Happening::Bytes),
        6 => events.prop_map(Happening::Event),
        1 => prop::sample::select(vec![1, 4, 11, 46, 61, 301]).prop_map(Happening::Wait),
        4 => any::<u8>().prop_map(Happening::Ask),
        1 => Just(Happening::Abandon),
    ]
}

fn request(number: u8) -> Request {
    let transfer = |verb, representation| Transfer::new(verb, b"a", representation);
    match number % 8 {
        0 => Request::Transfer(transfer(Verb::Retr, Representation::Image)),
        1 => Request::Transfer(transfer(Verb::Stor, Representation::Ascii)),
        2 => Request::Transfer(transfer(Verb::Mlsd, Representation::Ascii)),
        3 => Request::Transfer(Transfer { offset: 9, ..transfer(Verb::Retr, Representation::Image) }),
        4 => Request::Commands(vec![
            Step::new(Verb::Rnfr, b"a", Expect::Intermediate),
            Step::new(Verb::Rnto, b"b", Expect::Completion),
        ]),
        5 => Request::Commands(vec![Step::new(Verb::Site, b"x", Expect::Any)]),
        6 => Request::Commands(Vec::new()),
        _ => Request::Quit,
    }
}

fn settings(choice: u8) -> Settings {
    Settings {
        security: [Security::Off, Security::Prefer, Security::Require, Security::Implicit]
            [usize::from(choice % 4)],
        data: if choice & 4 == 0 { DataMode::Passive } else { DataMode::Active },
        ipv6: choice & 8 != 0,
        without_extended: choice & 16 != 0,
        ..Settings::default()
    }
}

/// Takes all actions; gives how many answers were among them.
fn answers(session: &mut Session) -> usize {
    let mut count = 0;
    let mut actions = 0;
    while let Some(action) = session.poll_action() {
        count += usize::from(matches!(action, Action::Answer(_)));
        actions += 1;
        assert!(actions < 200, "one thing that happens leads to few actions");
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn each_request_is_answered_once(choice in any::<u8>(), happenings in prop::collection::vec(happening(), 0..60)) {
        let mut session = Session::new(settings(choice));
        let mut now = Instant::now();
        session.begin(now, Request::Open(Credentials::new("joe", "secret")));
        // Chance alone seldom logs in.
        if choice & 32 != 0 && choice % 4 == 0 {
            for line in ["220 ready", "230 in", "502 no"] {
                session.handle_bytes(now, format!("{line}\r\n").as_bytes());
            }
        }
        let (mut asked, mut answered) = (1, answers(&mut session));
        for happening in happenings {
            match happening {
                Happening::Bytes(bytes) => session.handle_bytes(now, &bytes),
                Happening::Event(event) => session.handle_event(now, event),
                Happening::Wait(seconds) => {
                    now += Duration::from_secs(seconds);
                    while session.poll_timeout().is_some_and(|at| at <= now) {
                        session.handle_timeout(now);
                        answered += answers(&mut session);
                    }
                }
                // As the driver does: one request at a time.
                Happening::Ask(number) if asked == answered => {
                    session.begin(now, request(number));
                    asked += 1;
                }
                Happening::Abandon if asked > answered => session.abandon(now, Error::Cancelled),
                Happening::Ask(_) | Happening::Abandon => {}
            }
            answered += answers(&mut session);
            prop_assert!(answered <= asked, "{answered} answers to {asked} requests");
            prop_assert!(session.notes().len() <= 64);
        }
        // Left alone, every request is answered in the end.
        for _ in 0..100 {
            let Some(at) = session.poll_timeout().filter(|_| answered < asked) else { break };
            now = now.max(at);
            session.handle_timeout(now);
            answered += answers(&mut session);
        }
        prop_assert_eq!(answered, asked);
    }
}

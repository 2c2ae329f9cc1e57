//! Whatever a server and a network do, in whatever order: the session does not panic, answers each request once, and keeps little. What
//! must hold is what fuzzing asks for; here chance knows what servers say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "../../../fuzz/src/client.rs"]
mod entrance;

use proptest::prelude::*;

/// Something that happens to a session.
#[derive(Debug, Clone)]
enum Happening {
    /// The server says this.
    Said(Vec<u8>),
    /// The event of this number.
    Event(u8),
    /// The user does something else for twice so many seconds, and comes back to the data connection.
    Pause(u8),
    /// Twice so many seconds go by.
    Wait(u8),
    /// The request of this number is made, unless one is under way.
    Ask(u8),
    /// The request that is under way is given up.
    Abandon,
}

impl Happening {
    /// As the entrance reads it.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Said(bytes) => [&[0, u8::try_from(bytes.len()).unwrap()], bytes.as_slice()].concat(),
            Self::Event(number) => vec![4, *number],
            Self::Pause(pairs) => vec![5, *pairs],
            Self::Wait(pairs) => vec![6, *pairs],
            Self::Ask(number) => vec![7, *number],
            Self::Abandon => vec![7, u8::MAX],
        }
    }
}

fn line(text: &str) -> Happening {
    Happening::Said(format!("{text}\r\n").into_bytes())
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
    prop_oneof![
        8 => lines.prop_map(line),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Happening::Said),
        6 => any::<u8>().prop_map(Happening::Event),
        1 => prop::sample::select(vec![0, 1, 2, 6, 23, 31, 151]).prop_map(Happening::Wait),
        1 => prop::sample::select(vec![0, 29, 31, 151]).prop_map(Happening::Pause),
        // Below 128 a request that is under way goes on.
        4 => (0..128_u8).prop_map(Happening::Ask),
        1 => Just(Happening::Abandon),
    ]
}

/// How far a session is before chance has its way: chance alone seldom logs in, and hardly ever has bytes cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Connected,
    LoggedIn,
    Downloading,
    Uploading,
}

impl Reach {
    /// What leads there.
    fn happenings(self) -> Vec<Happening> {
        let mut happenings = Vec::new();
        if self != Self::Connected {
            happenings.extend(["220 ready", "230 in", "502 no"].map(line));
        }
        if let Some(request) = self.request() {
            happenings.extend([Happening::Ask(request), line("200 ok"), line("229 (|||5001|)")]);
            happenings.extend([Happening::Event(0), line("150 here")]);
        }
        happenings
    }

    /// The number of the request whose bytes may cross.
    fn request(self) -> Option<u8> {
        match self {
            Self::Connected | Self::LoggedIn => None,
            Self::Downloading => Some(0),
            Self::Uploading => Some(1),
        }
    }

    /// The choices, without those with which its happenings lead elsewhere: TLS, active mode, no EPSV.
    fn choices(self, choices: u8) -> u8 {
        match self {
            Self::Connected => choices,
            Self::LoggedIn => choices & !3,
            Self::Downloading | Self::Uploading => choices & !(3 | 4 | 16),
        }
    }
}

fn reach() -> impl Strategy<Value = Reach> {
    prop::sample::select(vec![Reach::Connected, Reach::LoggedIn, Reach::Downloading, Reach::Uploading])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn each_request_is_answered_once(
        choices in any::<u8>(),
        reach in reach(),
        happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let all = reach.happenings().into_iter().chain(happenings);
        let happenings = all.flat_map(|happening| happening.bytes());
        let bytes: Vec<u8> = [reach.choices(choices)].into_iter().chain(happenings).collect();
        entrance::client(&bytes);
    }
}

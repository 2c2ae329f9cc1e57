//! Any bytes and any events, in any order.

use std::sync::Arc;
use std::time::Duration;

use ftp_server::session::{Ends, Policy};
use proptest::prelude::*;

use crate::bench::Bench;
use crate::driver;

#[derive(Debug, Clone)]
enum Happening {
    Bytes(Vec<u8>),
    Event(&'static str),
    Answer,
    Time(u64),
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let verb = prop::sample::select(ftp_protocol::Verb::ALL);
    let argument = prop_oneof![
        Just(String::new()),
        Just(" a".to_owned()),
        Just(" TLS".to_owned()),
        Just(" 127,0,0,1,19,136".to_owned()),
        Just(" 5".to_owned()),
        " [ -~]{0,12}",
    ];
    let ended = prop::sample::select(vec!["\r\n", "\n", "", "\r"]);
    (verb, argument, ended)
        .prop_map(|(verb, argument, end)| format!("{}{argument}{end}", verb.as_str()).into_bytes())
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => line().prop_map(Happening::Bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Happening::Bytes),
        3 => prop::sample::select(driver::EVENTS.to_vec()).prop_map(Happening::Event),
        4 => Just(Happening::Answer),
        1 => (0u64..400).prop_map(Happening::Time),
    ]
}

proptest! {
    #[test]
    fn anything_may_happen_in_any_order(
        happenings in prop::collection::vec(happening(), 0..60),
        logged_in in any::<bool>(),
        implicit_tls in any::<bool>(),
    ) {
        let policy = Policy { offer_tls: true, allow_clear_command_channel: true, ..Policy::default() };
        let peer = "127.0.0.1:40000".parse().unwrap();
        let ends = Ends { local: "127.0.0.1:21".parse().unwrap(), peer, implicit_tls: implicit_tls && !logged_in };
        let mut bench = Bench::new(Arc::new(policy), ends);
        if logged_in {
            bench.log_in("Authenticated");
        }
        bench.take();
        for happening in happenings {
            match happening {
                Happening::Bytes(bytes) => bench.client(&bytes),
                Happening::Event(text) => {
                    // The book of who waits for what holds only while the driver answers what it was asked; the session holds anyway.
                    bench.asked.clear();
                    bench.event(driver::event(text));
                }
                Happening::Answer => {
                    if let Some(action) = bench.asked.pop_front() {
                        driver::answers(&action).into_iter().for_each(|event| bench.event(event));
                    }
                }
                Happening::Time(seconds) => bench.pass(Duration::from_secs(seconds)),
            }
            bench.take();
        }
    }
}

//! One conversation, cut, reordered, repeated and overlapped in random ways: what was said and transferred stays the same.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::ops::Range;

use port21_testkit::{Connection, Network, Program, Side, pattern};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Value, json};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Same cases in every run; other ones with PORT21_SEED.
const SEED: u64 = 959;
const CASES: u32 = 200;

const DOWNLOADED: usize = 9000;
const UPLOADED: usize = 5000;

/// How a stream is brought into segments. Lists are used in a circle.
#[derive(Debug, Clone)]
struct Fate {
    /// Lengths of the segments.
    cuts: Vec<usize>,
    /// By how many places each is late.
    delays: Vec<usize>,
    /// Segments sent beside these: start and length, as far as the stream goes.
    repeats: Vec<(usize, usize)>,
    /// Raw initial sequence numbers of both ends.
    initial: [u32; 2],
}

fn fate() -> impl Strategy<Value = Fate> {
    let near_the_end = prop_oneof![any::<u32>(), (u32::MAX - 9000)..u32::MAX];
    (
        prop::collection::vec(1usize..1400, 1..8),
        prop::collection::vec(0usize..6, 1..12),
        prop::collection::vec((0usize..9000, 1usize..1400), 0..12),
        [near_the_end.clone(), near_the_end],
    )
        .prop_map(|(cuts, delays, repeats, initial)| Fate { cuts, delays, repeats, initial })
}

impl Fate {
    /// The segments of a stream's part, in the order in which they pass the tap: they cover it, and may overlap.
    fn segments(&self, part: Range<usize>) -> Vec<Range<usize>> {
        let mut segments = Vec::new();
        let mut start = part.start;
        for length in self.cuts.iter().cycle() {
            if start == part.end {
                break;
            }
            let end = part.end.min(start + length);
            segments.push(start..end);
            start = end;
        }
        let overlapping = self.repeats.iter().map(|(start, length)| {
            let start = part.start + start % part.len();
            start..part.end.min(start + length)
        });
        for (index, segment) in overlapping.enumerate() {
            segments.insert((index * 7) % segments.len(), segment);
        }
        let delays = self.delays.iter().cycle();
        let mut placed: Vec<(usize, Range<usize>)> = segments
            .into_iter()
            .zip(delays)
            .enumerate()
            .map(|(at, (segment, delay))| (at + delay, segment))
            .collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, segment)| segment).collect()
    }

    fn say(&self, connection: &Connection, from: Side, bytes: &[u8]) {
        let part = connection.write(from, bytes);
        for segment in self.segments(part) {
            connection.emit(from, segment).ack(from.other());
        }
    }
}

/// A login, a download in passive mode, an upload in active mode, QUIT.
fn conversation(control_fate: &Fate, data_fate: &Fate) -> Network {
    let network = Network::new();
    let control =
        network.connection_numbered("10.0.0.1:40000", "10.0.0.2:21", control_fate.initial).handshake();
    let client = |text: &str| control_fate.say(&control, Side::Initiator, text.as_bytes());
    let server = |text: &str| control_fate.say(&control, Side::Responder, text.as_bytes());
    server("220-Welcome\r\n220 ready\r\n");
    client("USER anonymous\r\n");
    server("331 password?\r\n");
    client("PASS guest@\r\n");
    server("230 welcome\r\n");
    client("TYPE I\r\nPASV\r\n");
    server("200 ok\r\n227 Entering Passive Mode (10,0,0,2,195,81)\r\n");
    client("RETR down.bin\r\n");
    let data = network.connection_numbered("10.0.0.1:40001", "10.0.0.2:50001", data_fate.initial).handshake();
    server("150 opening\r\n");
    data_fate.say(&data, Side::Responder, &pattern(1, DOWNLOADED));
    data.close(Side::Responder);
    server("226 done\r\n");
    client("PORT 10,0,0,1,19,137\r\n");
    server("200 ok\r\n");
    client("STOR up.bin\r\n");
    let data = network.connection_numbered("10.0.0.2:20", "10.0.0.1:5001", data_fate.initial).handshake();
    server("150 opening\r\n");
    data_fate.say(&data, Side::Responder, &pattern(2, UPLOADED));
    data.close(Side::Responder);
    server("226 done\r\n");
    client("QUIT\r\n");
    server("221 bye\r\n");
    control.close(Side::Responder);
    network
}

/// What must not depend on the network: everything but numbers of packets, times, and what happened to segments.
fn substance(report: &Value) -> Value {
    let sessions = report["sessions"].as_array().unwrap();
    let session = |session: &Value| {
        let exchanges = session["exchanges"].as_array().unwrap().iter().map(|exchange| {
            let replies = exchange["replies"].as_array().unwrap();
            let replies: Vec<Value> =
                replies.iter().map(|reply| json!([reply["code"], reply["lines"]])).collect();
            json!([exchange["command"]["verb"], exchange["command"]["argument"], replies])
        });
        let transfers = session["transfers"].as_array().unwrap().iter().map(|transfer| {
            json!([
                transfer["verb"],
                transfer["path"],
                transfer["mode"],
                transfer["pairing"],
                transfer["direction"],
                transfer["bytes"],
                transfer["sha256"],
                transfer["complete"],
                transfer["missing"],
                transfer["data"]["bytes"],
                transfer["data"]["state"],
                transfer["data"]["closed_by"],
                transfer["data"]["quality"]["conflicts"],
                transfer["data"]["quality"]["gaps"],
            ])
        });
        json!({
            "exchanges": exchanges.collect::<Vec<_>>(), "transfers": transfers.collect::<Vec<_>>(),
            "greeting": session["greeting"]["lines"], "login": session["logins"][0]["outcome"],
            "control": [session["control"]["bytes"], session["control"]["state"]],
        })
    };
    sessions.iter().map(session).collect()
}

#[test]
fn report_does_not_depend_on_how_the_bytes_travelled() {
    let calm = Fate { cuts: vec![1400], delays: vec![0], repeats: vec![], initial: [1, 2] };
    let expected = substance(&PORT21.explain(&conversation(&calm, &calm)));
    assert_eq!(expected[0]["transfers"].as_array().unwrap().len(), 2);
    assert_eq!(expected[0]["exchanges"].as_array().unwrap().len(), 8);

    let seed =
        std::env::var("PORT21_SEED").map_or(SEED, |seed| seed.parse().expect("PORT21_SEED is a number"));
    println!("PORT21_SEED={seed}");
    let config = Config {
        cases: CASES,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&(fate(), fate()), |(control, data)| {
        let found = substance(&PORT21.explain(&conversation(&control, &data)));
        prop_assert_eq!(&found, &expected);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("seed {seed}: {error}");
    }
}

//! Killed at random moments: what was whole is not transferred again, and in the end both sides are the same.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::place::{Place, Way, assert_same, at, tree, write};

/// How often each way is killed.
const TIMES: u64 = 50;

/// A run is killed within so many microseconds behind one of its first so many lines.
const MOMENTS: u64 = 5_000;
const LINES: u64 = 12;

fn plant(place: &Place, way: Way) -> usize {
    let source = place.source(way);
    for number in 0..60_u64 {
        let content = vec![u8::try_from(number).unwrap(); 500 + usize::try_from(number).unwrap()];
        write(&source, &format!("{}/small {number}", number % 4), &content, at(number));
    }
    for number in 0..4_u64 {
        let content: Vec<u8> =
            (0..1_500_000_u32).map(|at| u8::try_from((at / 7 + at % 251) % 256).unwrap()).collect();
        write(&source, &format!("medium {number}"), &content, at(100 + number));
    }
    64
}

/// What is whole in the target: the same content and time as in the source.
fn whole(place: &Place, way: Way) -> BTreeSet<String> {
    let (source, target) = (tree(&place.source(way)), tree(&place.target(way)));
    let same = |(name, seen): (String, Option<_>)| {
        (seen.is_some() && source.get(&name) == Some(&seen)).then_some(name)
    };
    target.into_iter().filter_map(same).collect()
}

/// Numbers that differ from run to run of the loop, but not from test to test (Knuth's generator, MMIX).
fn random(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 33
}

fn killed_again_and_again(way: Way) {
    let place = Place::new();
    let files = plant(&place, way);
    let mut progressed = 0;
    for time in 0..TIMES {
        let before = whole(&place, way);
        if before.len() == files {
            empty(&place, way);
            continue;
        }
        run_and_kill(&place, way, time);
        let after = whole(&place, way);
        assert!(before.is_subset(&after), "killed time {time}: what was whole before is not any more");
        progressed += u64::from(after.len() > before.len());
    }
    assert!(
        progressed >= TIMES / 2,
        "only {progressed} of {TIMES} runs got anywhere before they were killed"
    );
    let before = whole(&place, way);
    let done = place.mirror(way, &["--delete"]);
    let again: Vec<_> = done.transferred().into_iter().filter(|name| before.contains(name)).collect();
    assert!(again.is_empty(), "{way:?}: {again:?} were whole, and transferred again");
    assert_same(&place.source(way), &place.target(way));
    let last = place.mirror(way, &[]);
    assert_eq!((last.count("transferred"), last.count("unchanged")), (0, files as u64));
}

/// Starts a run, and kills it at a random moment.
fn run_and_kill(place: &Place, way: Way, time: u64) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_port21"))
        .args(place.arguments(way, &["-q", "-P", "3", "--json"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = usize::try_from(random(time) % LINES).unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    // Whoever ends before cannot be killed any more.
    assert!(stdout.lines().take(lines).all(|line| line.is_ok()));
    std::thread::park_timeout(Duration::from_micros(random(time + TIMES) % MOMENTS));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn empty(place: &Place, way: Way) {
    let target = place.target(way);
    // A server that was left in the middle may still be renaming.
    port21_testkit::wait_until("the target can be emptied", || std::fs::remove_dir_all(&target).is_ok());
    std::fs::create_dir(&target).unwrap();
}

#[test]
fn fetching_goes_on_where_it_was_killed() {
    killed_again_and_again(Way::Fetch);
}

#[test]
fn sending_goes_on_where_it_was_killed() {
    killed_again_and_again(Way::Send);
}

//! Whoever tries names learns nothing: neither from what the server says, nor from how long it takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ftp_server::account::configured::{Account, ConfiguredAccounts, Sources};
use ftp_server::account::password::{Cost, PasswordHash};
use ftp_server::limit::BanPolicy;
use ftp_server::store::local::LocalOptions;
use support::{Dialogue, Running, start};

/// Far more than a reply's way takes, also on a busy machine, and little enough for hundreds of tries.
const COST: Cost = Cost { memory: 12 << 10, passes: 1 };

const TRIES: usize = 200;

/// A server with the accounts `anna` and `berta`, that answers failed logins as soon as it knows.
fn server() -> Running {
    start(|setting| {
        let account =
            Account { password: PasswordHash::new(b"secret", COST), ..Account::new(setting.root.clone()) };
        let accounts = ["anna", "berta"].map(|name| (name.to_owned(), account.clone()));
        let sources = Sources {
            file: None,
            accounts: BTreeMap::from(accounts),
            guest: None,
            store: LocalOptions::default(),
            clock: SystemTime::now,
            report: Box::new(|_| {}),
        };
        setting.configuration.accounts = Arc::new(ConfiguredAccounts::load(sources).unwrap());
        setting.configuration.policy.failed_logins = u32::MAX;
        setting.configuration.limits.bans =
            BanPolicy { failures_of_source: 0, failures_of_user: 0, ..BanPolicy::default() };
    })
}

/// What the server says to a wrong password, and how long after it was sent.
fn fail(dialogue: &mut Dialogue, user: &str) -> (Vec<String>, Duration) {
    let asked = dialogue.ask(&format!("USER {user}"), 331);
    let sent = Instant::now();
    let told = dialogue.ask("PASS wrong", 530);
    (vec![asked, told], sent.elapsed())
}

/// How often a time of `some` is longer than one of `others`, of all pairs (the Mann-Whitney U statistic, scaled to 0..=1). 0.5 where
/// both are of one distribution, whatever that is.
fn longer(some: &[Duration], others: &[Duration]) -> f64 {
    let wins: f64 = some
        .iter()
        .flat_map(|one| others.iter().map(move |other| one.cmp(other)))
        .map(|order| match order {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 1.0,
        })
        .sum();
    wins / (some.len() * others.len()) as f64
}

#[test]
fn two_hundred_tries_do_not_tell_a_user_from_nobody() {
    let server = server();
    let mut dialogue = Dialogue::connect(server.addresses[0]);
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        let nobody = format!("nobody{number}");
        // By turns, and each first as often as second, so that whatever else goes on slows both alike.
        let order = if number % 2 == 0 { ["anna", &nobody] } else { [&nobody, "anna"] };
        let [first, second] = order.map(|user| (user, fail(&mut dialogue, user)));
        assert_eq!(first.1.0, second.1.0, "the same words");
        for (user, (_, time)) in [first, second] {
            if user == "anna" { known.push(time) } else { unknown.push(time) }
        }
    }
    let rank = longer(&unknown, &known);
    // Of one distribution, 200 of each give 0.5 with a standard deviation of 0.03. Without a password to verify it would be 0.
    assert!((0.35..=0.65).contains(&rank), "an unknown user takes longer in {rank} of all pairs");
    println!("an unknown user takes longer in {rank} of all pairs");
    let [known, unknown] = [known, unknown].map(|mut times| {
        times.sort();
        times[TRIES / 2].as_secs_f64()
    });
    assert!((0.75..=1.33).contains(&(unknown / known)), "medians: {unknown} s unknown, {known} s known");
}

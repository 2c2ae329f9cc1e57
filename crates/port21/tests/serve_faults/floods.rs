//! Many at once: connections that say nothing, ports that nobody connects to.

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use port21_testkit::wait_until;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::client::{Client, PATIENCE};
use crate::server::Server;
use crate::watched::{ACCOUNT, Watched, connect_from, peak_memory};

/// Connections of a flood.
const FLOOD: usize = 5_000;

/// Connections that one address may have (`--max-connections-per-address`).
const PER_ADDRESS: usize = 50;

/// Descriptors of the server that are not connections: its listener, logs, poller, directories.
const OWN_DESCRIPTORS: usize = 64;

/// Lets this process hold a flood of sockets.
fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(
        most > 2 * FLOOD as u64,
        "this test and its server need more open files than {most} (ulimit -Hn)"
    );
}

/// An address of its own for each number.
fn source(number: usize) -> IpAddr {
    let [.., high, low] = u32::try_from(number + 1).unwrap().to_be_bytes();
    Ipv4Addr::new(127, 77, high, low).into()
}

#[test]
fn silent_connections_of_many_addresses_are_shed_in_time_and_others_are_served() {
    make_room();
    let watched = Watched::start(&["--login-timeout", "4s"]);
    watched.serves_another();
    let (descriptors, memory) = (watched.descriptors(), watched.peak_memory());
    let mut silent: Vec<TcpStream> = Vec::with_capacity(FLOOD);
    for number in 0..FLOOD {
        silent.push(connect_from(source(number / PER_ADDRESS), watched.address()));
        if number % 1000 == 999 {
            watched.serves_another();
        }
    }
    assert!(watched.descriptors() <= FLOOD + descriptors + OWN_DESCRIPTORS);
    let grown = watched.peak_memory() - memory;
    assert!(grown < 16 * FLOOD as u64, "{grown} KiB for {FLOOD} connections that say nothing");
    // Each is told why, and the log as well.
    watched.waits_for(FLOOD, "disconnected", "reason", "nobody logged in in time");
    for socket in silent {
        let mut client = Client::greeted(socket);
        assert!(client.reply().starts_with("421"));
        assert!(client.reply_if_any().is_err());
    }
    wait_until("descriptors are free again", || watched.descriptors() <= descriptors + OWN_DESCRIPTORS);
    watched.serves_another();
}

/// KiB that a verification works in, as `--account` has passwords hashed, and that the allocator takes for its thread.
const VERIFICATION: u64 = (19 + 4) * 1024;

/// KiB for all else that comes with the first sessions.
const FIRST: u64 = 16 * 1024;

#[test]
fn many_logins_take_no_more_memory_than_those_that_are_verified_at_once() {
    let root = tempfile::tempdir().unwrap();
    let words = ["--account", "ada:secret", "--listen", "127.0.0.1:0", "--max-connection-rate", "0"];
    let server = Server::start(&[&[root.path().to_str().unwrap()], &words[..]].concat());
    let before = peak_memory(&server);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let mut client = Client::connect(&server.address);
                    assert!(client.logs_in("ada", "secret").starts_with("230"));
                    client.says("QUIT");
                }
            });
        }
    });
    let at_once = std::thread::available_parallelism().unwrap().get() as u64;
    let (grown, most) = (peak_memory(&server) - before, at_once * VERIFICATION + FIRST);
    assert!(grown <= most, "{grown} KiB, of {most} KiB for {at_once} at once");
}

#[test]
fn one_address_takes_no_more_places_than_it_may_however_often_it_connects() {
    make_room();
    let watched = Watched::start(&[]);
    let descriptors = watched.descriptors();
    let flooder = source(FLOOD);
    let mut kept = Vec::new();
    for number in 0..FLOOD {
        let socket = connect_from(flooder, watched.address());
        if number % 1000 == 999 {
            watched.serves_another();
        }
        kept.push(socket);
    }
    assert!(watched.descriptors() <= descriptors + PER_ADDRESS + OWN_DESCRIPTORS);
    let reasons = ["the address connects too often", "the address has as many connections as it may"];
    for reason in reasons {
        watched.waits_for(1, "refused", "reason", reason);
    }
    let refused = || reasons.iter().map(|reason| watched.count("refused", "reason", reason)).sum::<usize>();
    wait_until("each refusal is in the log", || refused() >= FLOOD - PER_ADDRESS);
    assert_eq!(refused(), FLOOD - PER_ADDRESS, "as many as may stay");
}

#[test]
fn ten_thousand_ports_that_nobody_uses_cost_the_client_its_connection_and_nobody_else_anything() {
    let watched = Watched::start(&["--max-connection-rate", "0"]);
    watched.serves_another();
    let (descriptors, memory) = (watched.descriptors(), watched.peak_memory());
    let (mut asked, mut sessions) = (0, 0);
    while asked < 10_000 {
        let mut client = watched.log_in();
        sessions += 1;
        let told = loop {
            let told = client.says("PASV");
            if !told.starts_with("227") {
                break told;
            }
            asked += 1;
            // Its own connection and the last of its ports.
            assert!(watched.descriptors() <= descriptors + 8, "{} descriptors", watched.descriptors());
        };
        assert!(told.starts_with("421"), "{told}");
        assert!(client.reply_if_any().is_err(), "it is closed");
        if sessions % 20 == 0 {
            watched.serves_another();
        }
    }
    assert!(watched.peak_memory() - memory < 16 << 10, "{} KiB", watched.peak_memory());
    watched.waits_for(sessions, "disconnected", "reason", "too many data ports were asked for and not used");
}

/// A server with a single port for data connections, a session that has it, and another session. `None` if something else on this
/// machine took the port before.
fn one_port() -> Option<(Watched, Client, Client)> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let range = format!("{port}-{port}");
    let watched = Watched::start(&["--passive-ports", &range, "--data-timeout", "500ms"]);
    let (mut first, second) = (watched.log_in(), watched.log_in());
    first.says("PASV").starts_with("227").then_some((watched, first, second))
}

#[test]
fn a_port_that_nobody_connects_to_is_free_again() {
    // One port for all sessions: whoever has it keeps others out, but not for long.
    let (watched, _first, mut second) =
        (0..10).find_map(|_| one_port()).expect("a port that nobody else has");
    let started = std::time::Instant::now();
    let mut refused = 0;
    loop {
        let told = second.says("PASV");
        if told.starts_with("227") {
            break;
        }
        assert!(told.starts_with("425"), "{told}");
        assert!(started.elapsed() < PATIENCE, "the port is never free again");
        refused += 1;
        // A transfer command, so that these do not count as ports that are never used.
        second.says("LIST");
    }
    assert!(refused > 0 && started.elapsed() >= Duration::from_millis(400), "{refused} times refused");
    let mut third = watched.server.client();
    assert!(third.logs_in(ACCOUNT.0, ACCOUNT.1).starts_with("230"));
}

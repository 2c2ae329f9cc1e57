//! The server's session: bytes of a client and events of a driver, in any order.
//!
//! The first byte chooses the policy and the connection. Then come happenings of a byte that says what, and a second one: bytes
//! of the client (so many follow), the answer that is awaited, an event of the list, time.

use std::sync::Arc;
use std::time::Duration;

use ftp_server::session::{Action, Ends, Policy};

#[allow(dead_code, reason = "the dialogues use more of it")]
#[path = "../../crates/ftp-server/tests/dialogues/bench.rs"]
mod bench;
#[allow(dead_code, reason = "the dialogues use more of it")]
#[path = "../../crates/ftp-server/tests/dialogues/driver.rs"]
mod driver;
#[path = "../../crates/ftp-server/tests/dialogues/store.rs"]
mod store;

use bench::Bench;

/// No panic, nothing behind the close, one thing asked at a time, one final reply to each command, of the codes that are listed for it.
pub fn session(bytes: &[u8]) {
    let Some((&choices, mut rest)) = bytes.split_first() else { return };
    let mut bench = Bench::new(Arc::new(policy(choices)), ends(choices));
    if choices & 3 == 2 {
        bench.log_in("Authenticated closed=/b");
    }
    bench.take();
    while let Some(([what, second], behind)) = rest.split_first_chunk::<2>() {
        rest = behind;
        match what % 8 {
            0..4 => {
                let (line, behind) = rest.split_at(rest.len().min(usize::from(*second)));
                rest = behind;
                bench.client(line);
            }
            4 | 5 => {
                if let Some(action) = bench.asked.pop_front() {
                    // A transfer that has ended by itself needs no end.
                    if matches!(action, Action::Transfer(_)) {
                        bench.asked.retain(|asked| !matches!(asked, Action::AbortTransfer(_)));
                    }
                    driver::answers(&action).into_iter().for_each(|event| bench.event(event));
                }
            }
            6 => {
                let name = driver::EVENTS.get(usize::from(*second) % driver::EVENTS.len());
                bench.asked.clear();
                name.into_iter().for_each(|name| bench.event(driver::event(name)));
            }
            _ => bench.pass(Duration::from_secs(u64::from(*second) * 2)),
        }
        bench.take();
    }
}

fn policy(choices: u8) -> Policy {
    Policy {
        offer_tls: choices & 4 != 0,
        require_tls: choices & 12 == 12 && choices & 3 != 2,
        allow_clear_command_channel: choices & 16 != 0,
        use_default_data_port: choices & 32 != 0,
        longest_ascii_size: 4,
        ..Policy::default()
    }
}

fn ends(choices: u8) -> Ends {
    let (local, peer) = if choices & 64 == 0 {
        ("127.0.0.1:21", "127.0.0.1:40000")
    } else {
        ("[2001:db8::1]:21", "[2001:db8::2]:40000")
    };
    Ends {
        local: local.parse().expect("an address"),
        peer: peer.parse().expect("an address"),
        implicit_tls: choices & 3 == 1,
    }
}

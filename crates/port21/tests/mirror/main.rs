//! `port21 mirror` as a user runs it: with port21's own server, and with one that keeps its word only as far as it is told.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod both_ways;
mod hostile;
mod killed;
mod other_servers;
mod place;
mod rough;
#[allow(dead_code, reason = "shared with tests that ask more of servers")]
#[path = "../client_interop/servers.rs"]
mod servers;
mod unfinished;

//! What must not bring the server down: floods of connections, clients that are slow on purpose, and its own sudden death.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![cfg(target_os = "linux")]

// Each of both test programs uses a part of these.
#[allow(dead_code)]
#[path = "../serve/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "../serve/server.rs"]
mod server;

mod floods;
mod listings;
mod slow;
mod sudden_death;
mod watched;

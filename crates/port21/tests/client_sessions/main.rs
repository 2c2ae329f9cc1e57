//! What the client does beyond one transfer: records its sessions and explains failures, fetches in parts, verifies, is a shell, and
//! keeps bookmarks.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod bookmarks;
mod explain;
mod mirrored;
mod quota;
mod recursion;
mod segments;
mod server;
mod shell;
mod terminal;
mod trust;
mod verify;

use std::process::Output;

use port21_testkit::Program;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Runs the program without the `.netrc` of whoever runs the tests.
fn run(arguments: &[&str]) -> Output {
    PORT21.run(&[arguments, &["--no-netrc"]].concat())
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

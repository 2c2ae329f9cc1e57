//! The server: anything that a client sends and a driver answers, in any order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| port21_fuzz::session(bytes));

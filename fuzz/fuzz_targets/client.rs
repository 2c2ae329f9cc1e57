//! The client: anything that a server sends, a driver tells and a caller asks, in any order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| port21_fuzz::client(bytes));

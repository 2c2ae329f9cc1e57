//! TCP: any segments, in any order.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| port21_fuzz::tcp(bytes));

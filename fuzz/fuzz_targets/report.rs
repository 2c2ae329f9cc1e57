//! A whole file, from its bytes to the report.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| port21_fuzz::report(bytes));

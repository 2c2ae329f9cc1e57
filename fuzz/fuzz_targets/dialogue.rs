//! FTP: any conversation in the words of the protocol.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| port21_fuzz::dialogue(bytes));

//! Capture files: pcap and pcapng, plain or compressed.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| port21_fuzz::capture(bytes));

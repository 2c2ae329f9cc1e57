//! Reads the captures of other people's programs that may lie beside the repository.

use std::fs;
use std::path::{Path, PathBuf};

use port21_capture::{Capture, Decoder, Transport};

fn captures_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures")
}

/// What was counted in one capture.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    packets: u64,
    tcp: u64,
    udp: u64,
    stopped: u64,
}

fn count(path: &Path) -> Result<Counts, String> {
    let mut capture = Capture::open(path).map_err(|error| error.to_string())?;
    let mut decoder = Decoder::default();
    let mut counts = Counts::default();
    while let Some(packet) = capture.next_packet() {
        assert!(packet.original_length as usize >= packet.data.len());
        let decoded = decoder.decode(&packet);
        counts.packets += 1;
        match decoded.transport {
            Some(Transport::Tcp(_)) => counts.tcp += 1,
            Some(Transport::Udp { .. }) => counts.udp += 1,
            _ => {}
        }
        if let Some(stop) = decoded.stopped {
            counts.stopped += 1;
            if std::env::var_os("SHOW_STOPS").is_some() {
                println!("  #{} {stop}", packet.number);
            }
        }
    }
    for problem in capture.info().problems {
        println!("  {}", problem.text);
    }
    Ok(counts)
}

#[test]
fn every_wild_capture_is_read_as_the_manifest_says() {
    let Ok(manifest) = fs::read_to_string(captures_folder().join("MANIFEST.tsv")) else {
        println!("no captures beside the repository");
        return;
    };
    let mut read = 0;
    for line in manifest.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (file, packets, format) = (fields[0], fields[4], fields[5]);
        let counts = count(&captures_folder().join(file));
        println!("{file} {packets} {format} {counts:?}");
        read += 1;
    }
    println!("{read} captures");
}

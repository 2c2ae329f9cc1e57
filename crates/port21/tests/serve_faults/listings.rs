//! Listings that are large, deep or hard to match.

use std::fs::{self, File};
use std::io::Read;

use port21_testkit::wait_until;

use crate::client::Client;
use crate::watched::Watched;

/// Files of a directory that is far larger than what is put in order.
const FILES: usize = 50_000;

/// Asks for a listing; gives what came, and the closing reply.
fn list(client: &mut Client, command: &str) -> (Vec<u8>, String) {
    let mut data = client.data();
    let opening = client.says(command);
    assert!(opening.starts_with("150"), "{opening}");
    let mut listing = Vec::new();
    data.read_to_end(&mut listing).unwrap();
    (listing, client.reply())
}

fn lines(listing: &[u8]) -> usize {
    listing.iter().filter(|&&byte| byte == b'\n').count()
}

#[test]
fn a_huge_directory_is_listed_in_little_memory() {
    let watched = Watched::start_on_one_thread(&[]);
    let huge = watched.root().join("huge");
    fs::create_dir(&huge).unwrap();
    for number in 0..FILES {
        File::create(huge.join(format!("a file with a long name, one of very many: {number}"))).unwrap();
    }
    let mut client = watched.log_in();
    let before = watched.peak_memory();
    for command in ["LIST huge", "NLST huge", "MLSD huge", "LIST -R"] {
        let (listing, closing) = list(&mut client, command);
        assert!(closing.starts_with("226"), "{command}: {closing}");
        assert!(lines(&listing) >= FILES, "{command}: {} lines", lines(&listing));
    }
    // Its names alone are some 2.5 MB.
    let grown = watched.peak_memory() - before;
    assert!(grown < 8 << 10, "{grown} KiB");
}

#[test]
fn a_tree_without_a_floor_is_listed_as_far_as_a_listing_goes() {
    let watched = Watched::start(&[]);
    fs::create_dir_all(watched.root().join("d/".repeat(200))).unwrap();
    let mut client = watched.log_in();
    let (listing, closing) = list(&mut client, "LIST -R");
    assert!(closing.starts_with("451"), "{closing}");
    // A heading and an entry for each level.
    assert!((64..=200).contains(&lines(&listing)), "{} lines", lines(&listing));
    let why = "the listing goes too deep or too wide";
    wait_until("the log tells why", || {
        watched
            .records()
            .iter()
            .any(|record| record["error"].as_str().is_some_and(|error| error.contains(why)))
    });
}

#[test]
fn a_pattern_that_is_made_to_be_hard_takes_no_time() {
    let watched = Watched::start(&[]);
    for number in 0..200 {
        File::create(watched.root().join(format!("{number}{}", "a".repeat(200)))).unwrap();
    }
    let mut client = watched.log_in();
    // Backtracking would not end: each star could stand for each part of each name.
    for pattern in ["*a".repeat(60) + "b", "[a-z]*".repeat(40) + "b", "{a,".repeat(60) + "*"] {
        let (listing, closing) = list(&mut client, &format!("NLST {pattern}"));
        assert!(closing.starts_with("226") && listing.is_empty(), "{pattern}: {closing}");
    }
}

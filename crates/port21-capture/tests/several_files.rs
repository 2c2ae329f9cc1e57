//! Several captures as one.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{open, pcap, pcap_at};
use port21_capture::{Captures, OpenError};
use tempfile::TempDir;

/// Writes captures of one-byte packets, each file given as (second, byte) pairs.
fn files(contents: &[&[(i64, u8)]]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (index, packets) in contents.iter().enumerate() {
        let seconds: Vec<i64> = packets.iter().map(|(second, _)| *second).collect();
        let bytes: Vec<[u8; 1]> = packets.iter().map(|(_, byte)| [*byte]).collect();
        let data: Vec<&[u8]> = bytes.iter().map(|byte| &byte[..]).collect();
        let path = folder.path().join(format!("{index}.pcap"));
        fs::write(&path, pcap_at(&seconds, &data)).unwrap();
        paths.push(path);
    }
    (folder, paths)
}

fn merged(captures: &mut Captures) -> String {
    let mut text = String::new();
    let mut number = 0;
    while let Some(packet) = captures.next_packet() {
        number += 1;
        assert_eq!(packet.number, number);
        text.push(char::from(packet.data[0]));
    }
    text
}

#[test]
fn packets_come_in_time_order() {
    let (_folder, paths) = files(&[&[(1, b'a'), (4, b'd')], &[(2, b'b'), (3, b'c'), (5, b'e')]]);
    let (mut captures, errors) = Captures::open(&paths);
    assert!(errors.is_empty());
    assert_eq!(merged(&mut captures), "abcde");
    assert_eq!(captures.infos().iter().map(|info| info.packets).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn files_given_in_the_wrong_order_are_put_right() {
    let (_folder, paths) = files(&[&[(9, b'c')], &[(1, b'a')], &[], &[(5, b'b')]]);
    assert_eq!(merged(&mut Captures::open(&paths).0), "abc");
}

#[test]
fn equal_times_keep_the_order_of_the_files() {
    let (_folder, paths) = files(&[&[(1, b'a'), (1, b'b')], &[(1, b'c')], &[(1, b'd')]]);
    assert_eq!(merged(&mut Captures::open(&paths).0), "abcd");
}

#[test]
fn one_file_keeps_its_order_where_its_clock_went_back() {
    let (_folder, paths) = files(&[&[(5, b'a'), (1, b'b'), (7, b'c')], &[(6, b'z')]]);
    assert_eq!(merged(&mut Captures::open(&paths).0), "abzc");
}

#[test]
fn a_file_that_cannot_be_opened_is_named_and_the_others_are_read() {
    let (folder, mut paths) = files(&[&[(1, b'a')], &[(2, b'b')]]);
    paths.insert(1, folder.path().join("missing.pcap"));
    let (mut captures, errors) = Captures::open(&paths);
    assert!(matches!(&errors[..], [OpenError::Missing { name }] if name.ends_with("missing.pcap")));
    assert_eq!(merged(&mut captures), "ab");
}

#[test]
fn a_file_that_goes_away_is_an_error_and_the_others_are_read() {
    let (_folder, paths) = files(&[&[(1, b'a')], &[(2, b'b')], &[(3, b'c')]]);
    let (mut captures, _) = Captures::open(&paths);
    fs::remove_file(&paths[1]).unwrap();
    assert_eq!(merged(&mut captures), "ac");
    assert_eq!(captures.take_errors().len(), 1);
}

#[test]
fn problems_have_the_packet_numbers_of_the_whole() {
    let (_folder, paths) = files(&[&[(1, b'a'), (3, b'c')], &[(2, b'b'), (4, b'd')]]);
    let mut bytes = fs::read(&paths[1]).unwrap();
    // The second packet of the second file is the fourth of all; it says it had no bytes on the wire.
    bytes[24 + 17 + 12..24 + 17 + 16].fill(0);
    bytes.push(0);
    fs::write(&paths[1], bytes).unwrap();
    let (mut captures, _) = Captures::open(&paths);
    merged(&mut captures);
    let problems = &captures.infos()[1].problems;
    assert_eq!(problems.iter().map(|problem| problem.packet).collect::<Vec<_>>(), [Some(4), Some(4)]);
}

#[test]
fn progress_ends_at_the_total() {
    let (_folder, paths) = files(&[&[(1, b'a')], &[(2, b'b')], &[]]);
    let (mut captures, _) = Captures::open(&paths);
    assert_eq!(captures.progress().read, 24);
    merged(&mut captures);
    let progress = captures.progress();
    assert_eq!(progress.total, Some(progress.read));
}

#[test]
fn a_pipe_and_a_file_are_merged() {
    let (first, second) = (open(&pcap(&[b"a", b"c"])).unwrap(), open(&pcap(&[b"b"])).unwrap());
    let mut captures = Captures::from_captures([first, second]);
    assert_eq!(merged(&mut captures), "abc");
    assert_eq!(captures.progress().total, None);
}

/// Linux counts what this process has open.
#[cfg(target_os = "linux")]
#[test]
fn rotated_files_are_opened_one_at_a_time() {
    let contents: Vec<[(i64, u8); 1]> = (0..300).map(|second| [(second, b'a')]).collect();
    let (_folder, paths) = files(&contents.iter().map(|packets| &packets[..]).collect::<Vec<_>>());
    let open_files = || {
        fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .filter(|target| target.starts_with(_folder.path()))
            .count()
    };
    let (mut captures, _) = Captures::open(&paths);
    assert_eq!(open_files(), 0);
    while captures.next_packet().is_some() {
        assert!(open_files() <= 1);
    }
    assert_eq!(captures.packets(), 300);
}

//! `port21 extract`: files, names, holes, parts that belong together, and the manifest.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use port21_testkit::{Network, Program, Side, pattern};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Runs it into `folder`; fails unless the exit code is `code`. Returns the manifest.
fn extract_into(folder: &Path, capture: &[u8], arguments: &[&str], code: i32) -> Value {
    let arguments = [&["extract", "-", "-o", folder.to_str().unwrap()], arguments].concat();
    let output = PORT21.run_with_input(&arguments, capture);
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{talk}");
    assert_eq!(talk.lines().count(), 1, "{talk}");
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

fn extract(network: &Network, arguments: &[&str], code: i32) -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = extract_into(folder.path(), &network.pcap(), arguments, code);
    (folder, manifest)
}

/// Every file below `folder` but the manifest.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files.remove("manifest.json");
    files
}

fn names(folder: &TempDir) -> Vec<String> {
    files(folder.path()).into_keys().collect()
}

#[test]
fn files_are_written_with_their_folders_and_hashes() {
    let network = Network::new();
    let bytes = pattern(1, 5000);
    network.ftp().retrieve("/pub/a.bin", 50_001, &bytes).store("b.txt", 50_002, b"up").quit();
    let (folder, manifest) = extract(&network, &[], 0);
    assert_eq!(names(&folder), ["1-10.0.0.1-10.0.0.2/b.txt", "1-10.0.0.1-10.0.0.2/pub/a.bin"]);
    assert_eq!(files(folder.path())["1-10.0.0.1-10.0.0.2/pub/a.bin"], bytes);
    let file = &manifest["files"][0];
    assert_eq!((&manifest["schema"], &manifest["partial"]), (&json!("port21.manifest/1"), &json!(false)));
    assert_eq!(
        (&file["verb"], &file["argument"], &file["bytes"]),
        (&json!("RETR"), &json!("/pub/a.bin"), &json!(5000))
    );
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (&file["sha256"], &file["complete"], &file["partial"]),
        (&json!(sha256), &json!(true), &json!(false))
    );
}

#[test]
fn hostile_names_stay_below_their_folder() {
    let network = Network::new();
    let ftp = network.ftp();
    for (path, port) in
        ["../../../../tmp/evil", "/etc/passwd", "C:\\x\\..\\con.txt", "..", "-rf"].iter().zip(50_001..)
    {
        ftp.retrieve(path, port, b"x");
    }
    ftp.quit();
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("a/b/out");
    extract_into(&folder, &network.pcap(), &[], 0);
    let below = "a/b/out/1-10.0.0.1-10.0.0.2/";
    let mut all = files(outer.path()).into_keys().collect::<Vec<_>>();
    all.retain(|name| name != "a/b/out/manifest.json");
    assert_eq!(all.len(), 5, "{all:?}");
    assert!(all.iter().all(|name| name.starts_with(below)), "{all:?}");
}

#[test]
fn names_that_clash_get_a_number_and_case_does_not_make_them_differ() {
    let network = Network::new();
    network
        .ftp()
        .retrieve("a.txt", 50_001, b"1")
        .retrieve("a.txt", 50_002, b"2")
        .retrieve("A.txt", 50_003, b"3")
        .quit();
    let (folder, _) = extract(&network, &[], 0);
    let contents: Vec<Vec<u8>> = files(folder.path()).into_values().collect();
    assert_eq!(names(&folder).len(), 3);
    assert!(names(&folder).iter().any(|name| name.ends_with("/a (2).txt")), "{:?}", names(&folder));
    assert_eq!(contents.concat().len(), 3);
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let network = Network::new();
    network.ftp().retrieve("a.txt", 50_001, b"first").quit();
    let folder = tempfile::tempdir().unwrap();
    extract_into(folder.path(), &network.pcap(), &[], 0);
    let before = files(folder.path());
    let manifest = fs::read(folder.path().join("manifest.json")).unwrap();
    extract_into(folder.path(), &network.pcap(), &[], 0);
    let after = files(folder.path());
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)));
    assert_eq!(fs::read(folder.path().join("manifest.json")).unwrap(), manifest);
    assert!(after.contains_key("manifest (2).json"), "{:?}", after.keys());
    assert!(after.contains_key("1-10.0.0.1-10.0.0.2 (2)/a.txt"), "{:?}", after.keys());
}

#[cfg(unix)]
#[test]
fn symbolic_link_in_the_folder_is_not_followed() {
    let network = Network::new();
    network.ftp().retrieve("a.txt", 50_001, b"x").quit();
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), folder.path().join("1-10.0.0.1-10.0.0.2")).unwrap();
    extract_into(folder.path(), &network.pcap(), &[], 0);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

/// A download of ten bytes of which the capture misses four.
fn with_hole() -> Network {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001).ask("RETR a.txt");
    let data = ftp.connect_to_server(50_001);
    ftp.reply("150 opening");
    data.send(Side::Responder, b"abcd");
    data.write(Side::Responder, b"efgh");
    data.emit(Side::Responder, 4..8);
    network.forget_last();
    data.send(Side::Responder, b"ij").close(Side::Responder);
    ftp.reply("226 done").quit();
    network
}

#[test]
fn hole_is_zeros_listed_and_exit_code_one() {
    let (folder, manifest) = extract(&with_hole(), &[], 1);
    assert_eq!(files(folder.path()).into_values().next().unwrap(), b"abcd\0\0\0\0ij");
    assert_eq!(manifest["files"][0]["missing"], json!([{"offset": 4, "length": 4}]));
    assert_eq!(manifest["files"][0]["complete"], false);
}

#[test]
fn resumed_download_is_offered_as_one_file() {
    let network = Network::new();
    let bytes = pattern(3, 3000);
    let ftp = network.ftp();
    ftp.say("TYPE I", "200 binary").passive(50_001).ask("RETR a.bin");
    let data = ftp.connect_to_server(50_001);
    ftp.reply("150 opening");
    data.send(Side::Responder, &bytes[..1000]).reset(Side::Initiator);
    ftp.reply("426 aborted").say("REST 900", "350 ok").retrieve("a.bin", 50_002, &bytes[900..]).quit();
    let (folder, manifest) = extract(&network, &[], 1);
    let files = files(folder.path());
    let below = |name: &str| format!("1-10.0.0.1-10.0.0.2/{name}");
    assert_eq!(files[&below("a.bin")], bytes);
    assert_eq!(files[&below("a.bin.part-0")], bytes[..1000]);
    assert_eq!(files[&below("a.bin.part-900")], bytes[900..]);
    let whole = &manifest["stitched"][0];
    assert_eq!(
        (&whole["bytes"], &whole["complete"], &whole["missing"]),
        (&json!(3000), &json!(true), &json!([]))
    );
    let overlap = json!([{"offset": 900, "length": 100, "agree": true, "first_difference": null}]);
    assert_eq!(whole["overlaps"], overlap);
}

#[test]
fn appended_part_goes_where_size_says() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.store("log", 50_001, b"12345").say("SIZE log", "213 5").passive(50_002).ask("APPE log");
    let data = ftp.connect_to_server(50_002);
    ftp.reply("150 opening");
    data.send(Side::Initiator, b"678").close(Side::Initiator);
    ftp.reply("226 done").quit();
    let (folder, manifest) = extract(&network, &[], 0);
    assert_eq!(files(folder.path())["1-10.0.0.1-10.0.0.2/log"], b"12345678");
    assert_eq!(manifest["stitched"][0]["parts"][1]["offset"], 5);
}

#[test]
fn listings_are_written_only_on_demand() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001).ask("LIST /pub");
    let data = ftp.connect_to_server(50_001);
    ftp.reply("150 here");
    data.send(Side::Responder, "a\r\n").close(Side::Responder);
    ftp.reply("226 done").quit();
    assert_eq!(names(&extract(&network, &[], 0).0), [""; 0]);
    let again = tempfile::tempdir().unwrap();
    let into = again.path().to_str().unwrap();
    let output = PORT21.run_with_input(&["extract", "-", "-o", into], &network.pcap());
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(talk.contains("1 listing left out (--listings"), "{talk}");
    let (folder, _) = extract(&network, &["--listings"], 0);
    assert_eq!(names(&folder), ["1-10.0.0.1-10.0.0.2/pub.listing.txt"]);
}

#[test]
fn transfer_whose_data_the_capture_lacks_is_said_to_be_lost() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_001).ask("RETR a.txt").reply("150 opening").reply("226 done").quit();
    let (_, manifest) = extract(&network, &[], 1);
    let lost = &manifest["not_written"][0];
    assert_eq!((&lost["path"], &lost["lost"]), (&json!("a.txt"), &json!(true)));
}

#[test]
fn empty_file_is_a_file() {
    let network = Network::new();
    network.ftp().retrieve("empty", 50_001, b"").quit();
    let (folder, _) = extract(&network, &[], 0);
    assert_eq!(files(folder.path())["1-10.0.0.1-10.0.0.2/empty"], b"");
}

#[test]
fn many_transfers_at_once_need_few_open_files() {
    const COUNT: u16 = 200;
    let network = Network::new();
    let ftp = network.ftp();
    let open: Vec<_> = (0..COUNT)
        .map(|number| {
            let port = 50_001 + number;
            ftp.passive(port).ask(&format!("RETR f{number}"));
            let data = ftp.connect_to_server(port);
            ftp.reply("150 opening");
            data.send(Side::Responder, format!("begin {number} "));
            data
        })
        .collect();
    for (number, data) in open.iter().enumerate() {
        data.send(Side::Responder, format!("end {number}")).close(Side::Responder);
        ftp.reply("226 done");
    }
    let (folder, _) = extract(&network, &[], 0);
    let files = files(folder.path());
    for number in 0..COUNT {
        let name = format!("1-10.0.0.1-10.0.0.2/f{number}");
        assert_eq!(files[&name], format!("begin {number} end {number}").into_bytes());
    }
}

//! What a transfer carries: types, modes, listings.

use port21_testkit::{Network, Side, pattern};
use serde_json::{Value, json};

use crate::{assert_whole, explain, only_transfer};

/// Row 31. No peer looks at the type: bytes and hash are those of the wire, and the type stands beside them.
#[test]
fn text_types_are_hashed_as_they_crossed_the_wire() {
    for (command, name) in
        [("TYPE A", "ascii"), ("TYPE E", "ebcdic"), ("TYPE I", "image"), ("TYPE L 8", "local")]
    {
        let network = Network::new();
        let ftp = network.ftp();
        let bytes = b"line one\r\nline two\r\n";
        ftp.say(command, "200 ok").retrieve("file.txt", 50_031, bytes);
        let report = explain(&network);
        assert_eq!(only_transfer(&report)["type"], name);
        assert_eq!(only_transfer(&report)["type_seen"], true);
        assert_whole(only_transfer(&report), bytes);
    }
}

/// Row 31. RFC 959, section 3.1.1.1: without TYPE, ASCII; and the report says that it is assumed.
#[test]
fn type_that_was_never_sent_is_the_default() {
    let network = Network::new();
    network.ftp().retrieve("file.txt", 50_031, b"text\r\n");
    let report = explain(&network);
    assert_eq!(
        json!([only_transfer(&report)["type"], only_transfer(&report)["type_seen"]]),
        json!(["ascii", false])
    );
}

/// Row 31. A compressed transfer is shorter than SIZE says, and yet whole.
#[test]
fn compressed_transfer_is_not_taken_for_cut_short() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.say("TYPE I", "200 ok").say("MODE Z", "200 ok").say("SIZE file.txt", "213 100000");
    ftp.retrieve("file.txt", 50_031, b"x\x9c-compressed-bytes");
    let report = explain(&network);
    assert_whole(only_transfer(&report), b"x\x9c-compressed-bytes");
    assert_eq!(only_transfer(&report)["expected_bytes"], Value::Null, "nobody has told how many bytes cross");
}

/// Row 31. Block mode marks the end in the stream itself: again, the wire's bytes count (RFC 959, section 3.4.2).
#[test]
fn block_mode_bytes_are_those_of_the_wire() {
    let network = Network::new();
    let ftp = network.ftp();
    let blocks = b"\x00\x00\x05hello\x40\x00\x00";
    ftp.say("TYPE I", "200 ok").say("MODE B", "200 ok").say("SIZE file.txt", "213 5");
    ftp.retrieve("file.txt", 50_031, blocks);
    let report = explain(&network);
    assert_whole(only_transfer(&report), blocks);
    assert!(
        report["sessions"][0]["findings"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["code"] != "transfer-long")
    );
}

fn list(command: &str, listing: &str) -> Value {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_032).ask(command);
    let data = ftp.connect_to_server(50_032);
    ftp.reply("150 here it comes");
    data.send(Side::Responder, listing).close(Side::Responder);
    ftp.reply("226 done");
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(transfer["kind"], "listing");
    assert_whole(transfer, listing.as_bytes());
    transfer["listing"].clone()
}

/// The entries as [name, kind, size].
fn entries(listing: &Value) -> Vec<Value> {
    let entries = listing["entries"].as_array().unwrap();
    entries.iter().map(|entry| json!([entry["name"], entry["kind"], entry["size"]])).collect()
}

/// Row 32. No peer reads listings.
#[test]
fn unix_listing_is_read() {
    let listing = list(
        "LIST",
        "total 8\r\ndrwxr-xr-x   2 root  wheel     512 Jan  2  2024 pub\r\n\
         -rw-r--r--   1 alice staff   12345 Mar 14 15:09 with space.txt\r\n\
         lrwxrwxrwx   1 root  wheel       7 Jan  2  2024 latest -> pub/one\r\n",
    );
    assert_eq!(listing["format"], "unix");
    let expected = [
        json!(["pub", "directory", 512]),
        json!(["with space.txt", "file", 12345]),
        json!(["latest", "link", 7]),
    ];
    let named: Vec<Value> = entries(&listing).into_iter().filter(|entry| !entry[0].is_null()).collect();
    assert_eq!(named, expected);
    let link = listing["entries"].as_array().unwrap().iter().find(|entry| entry["name"] == "latest").unwrap();
    assert_eq!(link["target"], "pub/one");
}

/// Row 32.
#[test]
fn dos_listing_is_read() {
    let listing = list(
        "LIST",
        "02-28-24  03:15PM       <DIR>          docs\r\n02-28-24  03:16PM                 4711 a.exe\r\n",
    );
    assert_eq!(listing["format"], "dos");
    assert_eq!(entries(&listing), [json!(["docs", "directory", null]), json!(["a.exe", "file", 4711])]);
}

/// Row 32.
#[test]
fn machine_listing_is_read() {
    let listing = list(
        "MLSD",
        "type=cdir;modify=20240102030405; .\r\ntype=dir;modify=20240102030405; pub\r\ntype=file;size=99;modify=20240102030405; a b\r\n",
    );
    assert_eq!(listing["format"], "mlsd");
    let last = entries(&listing).pop().unwrap();
    assert_eq!(last, json!(["a b", "file", 99]));
}

/// Row 32.
#[test]
fn name_listing_is_read() {
    let listing = list("NLST", "one\r\ntwo words\r\n");
    assert_eq!(listing["format"], "names");
    let names: Vec<Value> = entries(&listing).iter().map(|entry| entry[0].clone()).collect();
    assert_eq!(names, ["one", "two words"]);
}

/// Row 32. What cannot be read is kept as text, and counted.
#[test]
fn line_of_a_listing_that_nobody_understands_is_kept() {
    let listing = list("LIST", "-rw-r--r--   1 alice staff   5 Mar 14 15:09 a\r\n%% what is this %%\r\n");
    assert_eq!(listing["unparsed"], 1);
    assert_eq!(listing["entries"][1]["text"], "%% what is this %%");
    assert_eq!(listing["entries"][1]["name"], Value::Null);
}

/// Beside the rows: every transfer command has its direction, whoever opens the connection.
#[test]
fn direction_follows_the_command() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.store("up.bin", 50_050, &pattern(50, 2000)).retrieve("down.bin", 50_051, &pattern(51, 2000));
    ftp.active(5052).ask("APPE log.txt");
    let data = ftp.connect_to_client(5052);
    ftp.reply("150 opening");
    data.send(Side::Responder, pattern(52, 2000)).close(Side::Responder);
    ftp.reply("226 done").quit();
    let report = explain(&network);
    let transfers = crate::only_session(&report)["transfers"].as_array().unwrap();
    for (index, (direction, seed)) in
        [("upload", 50), ("download", 51), ("upload", 52)].into_iter().enumerate()
    {
        assert_eq!(transfers[index]["direction"], direction);
        assert_whole(&transfers[index], &pattern(seed, 2000));
    }
}

//! Segments lost, repeated, reordered, overlapping, or missed by the tap.

use port21_testkit::{Connection, Ftp, Network, Side, pattern};
use serde_json::{Value, json};

use crate::{assert_whole, explain, only_transfer, sha256};

/// The length of the file in most tests here: three full segments and a bit.
const LENGTH: usize = 4600;

/// Retrieves `bytes` in passive mode; `send` decides which segments of the server cross the tap, and when.
fn retrieve(network: &Network, bytes: &[u8], send: impl FnOnce(&Connection)) -> Ftp {
    let ftp = network.ftp();
    ftp.passive(50_014).ask("RETR file.bin");
    let data = ftp.connect_to_server(50_014);
    ftp.reply("150 opening");
    data.write(Side::Responder, bytes);
    send(&data);
    data.close(Side::Responder);
    ftp.reply("226 done").quit();
    ftp
}

/// Row 14. Wireshark exports 3600 of 4600 bytes and says nothing.
#[test]
fn reordered_and_retransmitted_segments() {
    let network = Network::new();
    let bytes = pattern(14, LENGTH);
    retrieve(&network, &bytes, |data| {
        data.emit(Side::Responder, 0..1000).ack(Side::Initiator);
        data.emit(Side::Responder, 2000..3000).ack(Side::Initiator);
        data.emit(Side::Responder, 3000..LENGTH).ack(Side::Initiator);
        network.wait_milliseconds(300);
        data.emit(Side::Responder, 1000..2000).ack(Side::Initiator);
        data.emit(Side::Responder, 1000..2000).ack(Side::Initiator);
    });
    let report = explain(&network);
    assert_whole(only_transfer(&report), &bytes);
    let quality = &only_transfer(&report)["data"]["quality"];
    assert!(!quality["duplicate_acks"].as_array().unwrap().is_empty(), "{quality:#}");
    assert!(!quality["retransmissions"].as_array().unwrap().is_empty(), "{quality:#}");
    assert_eq!(quality["gaps"], json!([]));
}

/// Row 15. Wireshark exports 1000 of 1500 bytes; tcpflow lets the last bytes win: three tools, two files.
#[test]
fn first_bytes_win_a_conflict_and_both_are_named() {
    let network = Network::new();
    let bytes = pattern(15, 1500);
    let forged = pattern(16, 500);
    let mut packets = (0, 0);
    retrieve(&network, &bytes, |data| {
        data.emit(Side::Responder, 0..1000);
        packets.0 = network.last();
        data.ack(Side::Initiator);
        data.segment(Side::Responder).at(500).bytes(&forged).push().emit();
        packets.1 = network.last();
        data.emit(Side::Responder, 1000..1500).ack(Side::Initiator);
    });
    let report = explain(&network);
    assert_whole(only_transfer(&report), &bytes);
    let conflicts = only_transfer(&report)["data"]["quality"]["conflicts"].as_array().unwrap();
    assert_eq!(conflicts.len(), 1);
    // Sequence numbers count from the SYN, which has 0.
    let expected = json!({
        "from": "responder", "sequence": 501, "length": 500, "first_packet": packets.0, "second_packet": packets.1,
        "first_sha256": sha256(&bytes[500..1000]), "second_sha256": sha256(&forged),
    });
    assert_eq!(conflicts[0], expected);
    assert!(crate::finding_at(&report, packets.1).is_some());
}

/// Row 25. Wireshark closes the hole up, tcpflow fills it with zeros; both say nothing.
#[test]
fn hole_in_the_capture_is_stated_and_filled_with_zeros() {
    let network = Network::new();
    let bytes = pattern(25, LENGTH);
    retrieve(&network, &bytes, |data| {
        data.emit(Side::Responder, 0..1000).ack(Side::Initiator);
        data.emit(Side::Responder, 1000..2000);
        network.forget_last();
        data.ack(Side::Initiator);
        data.emit(Side::Responder, 2000..LENGTH).ack(Side::Initiator);
    });
    let report = explain(&network);
    let transfer = only_transfer(&report);
    let mut zeros = bytes;
    zeros[1000..2000].fill(0);
    assert_eq!(transfer["bytes"], LENGTH);
    assert_eq!(transfer["missing"], json!([{"offset": 1000, "length": 1000}]));
    assert_eq!(transfer["sha256"], sha256(&zeros));
    assert_eq!(transfer["complete"], false);
    assert!(transfer["incomplete_because"].is_string());
    let gap = json!({"from": "responder", "sequence": 1001, "length": 1000, "acknowledged": true});
    assert_eq!(transfer["data"]["quality"]["gaps"], json!([gap]));
}

/// Row 25, at the end: nothing behind the hole but the FIN, whose number tells how much is missing.
#[test]
fn hole_before_the_end_of_the_stream_counts() {
    let network = Network::new();
    let bytes = pattern(25, LENGTH);
    retrieve(&network, &bytes, |data| {
        data.emit(Side::Responder, 0..3000).ack(Side::Initiator);
        data.emit(Side::Responder, 3000..LENGTH);
        network.forget_last();
        data.ack(Side::Initiator);
    });
    let report = explain(&network);
    let transfer = only_transfer(&report);
    assert_eq!(transfer["missing"], json!([{"offset": 3000, "length": 1600}]));
    assert_eq!(transfer["bytes"], LENGTH);
    assert_eq!(transfer["complete"], false);
}

/// Row 25, by the snap length: what a packet was cut by is missing, what it holds is not.
#[test]
fn bytes_cut_by_the_snap_length_are_missing() {
    let network = Network::new();
    let bytes = pattern(26, 2000);
    retrieve(&network, &bytes, |data| {
        data.emit(Side::Responder, 0..1000);
        // 54 bytes of headers.
        network.cut_last(54 + 100);
        data.ack(Side::Initiator);
        data.emit(Side::Responder, 1000..2000).ack(Side::Initiator);
    });
    let report = explain(&network);
    assert_eq!(only_transfer(&report)["missing"], json!([{"offset": 100, "length": 900}]));
    assert_eq!(only_transfer(&report)["bytes"], 2000);
}

/// Row 26. Wireshark exports 2000 of 2500 bytes.
#[test]
fn retransmission_cut_otherwise_brings_its_new_bytes() {
    let network = Network::new();
    let bytes = pattern(26, 2500);
    retrieve(&network, &bytes, |data| {
        data.emit(Side::Responder, 0..1000).ack(Side::Initiator);
        data.emit(Side::Responder, 1000..1500).ack(Side::Initiator);
        network.wait_milliseconds(300);
        data.emit(Side::Responder, 1000..2000).ack(Side::Initiator);
        data.emit(Side::Responder, 2000..2500).ack(Side::Initiator);
    });
    assert_whole(only_transfer(&explain(&network)), &bytes);
}

/// Row 36. Zeek takes it for a gap and throws the data away; Suricata cuts the file.
#[test]
fn acknowledgement_seen_before_its_data_is_no_gap() {
    let network = Network::new();
    let bytes = pattern(36, LENGTH);
    retrieve(&network, &bytes, |data| {
        for start in (0..LENGTH).step_by(1000) {
            data.emit(Side::Responder, start..LENGTH.min(start + 1000)).ack(Side::Initiator);
            network.swap_last_two();
        }
    });
    let report = explain(&network);
    assert_whole(only_transfer(&report), &bytes);
    assert_eq!(only_transfer(&report)["data"]["quality"]["gaps"], json!([]));
}

/// Row 37. PcapPlusPlus closes the stream at the FIN and loses what follows.
#[test]
fn data_that_comes_after_the_fin_it_precedes() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.passive(50_037).ask("RETR file.bin");
    let data = ftp.connect_to_server(50_037);
    ftp.reply("150 opening");
    let bytes = pattern(37, LENGTH);
    data.write(Side::Responder, &bytes);
    data.emit(Side::Responder, 0..1000).ack(Side::Initiator);
    data.emit(Side::Responder, 3000..LENGTH).fin(Side::Responder);
    data.ack(Side::Initiator);
    network.wait_milliseconds(250);
    data.emit(Side::Responder, 1000..3000).ack(Side::Initiator).fin(Side::Initiator).ack(Side::Responder);
    ftp.reply("226 done").quit();
    let report = explain(&network);
    assert_whole(only_transfer(&report), &bytes);
    assert_eq!(only_transfer(&report)["data"]["state"], "closed");
}

/// Row 38. Retina drops the connection at 100 to 500 waiting segments.
#[test]
fn thousands_of_segments_wait_behind_one_hole() {
    let network = Network::new();
    let bytes = pattern(38, 2_000_000);
    retrieve(&network, &bytes, |data| {
        for start in (500..bytes.len()).step_by(500) {
            data.emit(Side::Responder, start..bytes.len().min(start + 500));
        }
        data.ack(Side::Initiator);
        data.emit(Side::Responder, 0..500).ack(Side::Initiator);
    });
    assert_whole(only_transfer(&explain(&network)), &bytes);
}

/// Row 38, where a bound must hold: the hole is never filled. Nothing is lost silently.
#[test]
fn flood_behind_a_hole_that_is_never_filled_is_accounted_for() {
    let network = Network::new();
    network.segment_size(1400);
    let bytes = pattern(39, 40_000_000);
    retrieve(&network, &bytes, |data| {
        for start in (1400..bytes.len()).step_by(1400) {
            data.emit(Side::Responder, start..bytes.len().min(start + 1400));
        }
    });
    let report = explain(&network);
    let transfer = only_transfer(&report);
    let missing = transfer["missing"].as_array().unwrap();
    assert_eq!(missing[0]["offset"], 0);
    assert_eq!(transfer["complete"], false);
    assert_eq!(transfer["bytes"], bytes.len());
    let mut zeros = bytes;
    for hole in missing {
        let offset = hole["offset"].as_u64().unwrap() as usize;
        zeros[offset..offset + hole["length"].as_u64().unwrap() as usize].fill(0);
    }
    assert_eq!(transfer["sha256"], sha256(&zeros));
}

/// Beside the rows: Ethernet pads short frames, and tcpflow 1.6.1 takes the padding for data.
#[test]
fn padding_of_short_frames_is_no_data() {
    let network = Network::new();
    network.pad_short_frames();
    retrieve(&network, b"abc", |data| {
        data.emit(Side::Responder, 0..1).ack(Side::Initiator);
        data.emit(Side::Responder, 1..3).ack(Side::Initiator);
    });
    assert_whole(only_transfer(&explain(&network)), b"abc");
}

/// Beside the rows: one frame captured twice is no retransmission by TCP.
#[test]
fn frame_captured_twice_counts_once() {
    let network = Network::new();
    let mut twice = 0;
    retrieve(&network, &pattern(40, 1000), |data| {
        data.emit(Side::Responder, 0..1000);
        network.repeat_last();
        twice = network.last();
        data.ack(Side::Initiator);
    });
    let report = explain(&network);
    assert_whole(only_transfer(&report), &pattern(40, 1000));
    assert_eq!(only_transfer(&report)["data"]["quality"]["duplicate_frames"], json!([twice]));
}

/// Beside the rows: the same 5-tuple on two VLANs is two connections.
#[test]
fn same_ends_on_two_vlans_do_not_mix() {
    let network = Network::new();
    let sessions: Vec<(Ftp, Vec<u8>)> = [7u16, 8]
        .into_iter()
        .map(|vlan| {
            network.vlan(&[vlan]);
            let ftp = network.ftp();
            ftp.passive(50_041).ask("RETR file.bin");
            (ftp, pattern(u64::from(vlan), 3000))
        })
        .collect();
    let data: Vec<Connection> = sessions
        .iter()
        .zip([7u16, 8])
        .map(|((ftp, bytes), vlan)| {
            network.vlan(&[vlan]);
            let data = ftp.connect_to_server(50_041);
            data.write(Side::Responder, bytes);
            data
        })
        .collect();
    for start in [0, 1000, 2000] {
        for (data, vlan) in data.iter().zip([7u16, 8]) {
            network.vlan(&[vlan]);
            data.emit(Side::Responder, start..start + 1000).ack(Side::Initiator);
        }
    }
    for ((data, vlan), (ftp, _)) in data.iter().zip([7u16, 8]).zip(&sessions) {
        network.vlan(&[vlan]);
        data.close(Side::Responder);
        ftp.reply("150 opening").reply("226 done").quit();
    }
    let report = explain(&network);
    let hashes: Vec<&Value> = report["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| &session["transfers"][0]["sha256"])
        .collect();
    assert_eq!(hashes, [&sha256(&sessions[0].1), &sha256(&sessions[1].1)]);
}

/// A closed connection is reported when it has been quiet for a moment, and what only repeats it afterwards belongs to it
/// all the same, as Wireshark numbers streams; it is counted, and nothing else is lost.
#[test]
fn late_repetition_of_a_reported_connection_opens_no_other() {
    let network = Network::new();
    let ftp = retrieve(&network, &pattern(40, LENGTH), |data| {
        data.emit(Side::Responder, 0..LENGTH).ack(Side::Initiator);
    });
    network.wait_milliseconds(10_000);
    network.udp("10.0.0.9:1000", "10.0.0.8:1000", b"time goes on");
    ftp.control.fin(Side::Responder).ack(Side::Initiator);
    network.connect("10.0.0.7:1000", "10.0.0.6:80");
    let report = explain(&network);
    assert_whole(only_transfer(&report), &pattern(40, LENGTH));
    assert_eq!(report["totals"]["connections"], 3);
    let dropped = &report["totals"]["dropped"];
    let late = "packets that repeated something of a closed connection after it was reported";
    assert_eq!(*dropped, json!([{"what": late, "count": 2}]));
}

/// New data between the same ports is a new connection, even where the capture misses its handshake.
#[test]
fn new_data_between_the_ports_of_a_reported_connection_is_kept() {
    let network = Network::new();
    let ftp = network.ftp();
    ftp.retrieve("one.bin", 50_041, &pattern(41, LENGTH));
    ftp.control.close(Side::Responder);
    network.wait_milliseconds(10_000);
    network.udp("10.0.0.9:1000", "10.0.0.8:1000", b"time goes on");
    let again = network.connection_numbered("10.0.0.1:40000", "10.0.0.2:21", [7_000_000, 8_000_000]);
    again.server("220 ready again\r\n");
    again
        .client("USER bob\r\n")
        .server("331 password?\r\n")
        .client("PASS other\r\n")
        .server("230 welcome\r\n");
    let report = explain(&network);
    let sessions = report["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    assert_eq!(sessions[1]["logins"][0]["user"], "bob");
    assert_eq!(report["totals"]["dropped"], json!([]));
}

/// A capture may begin with the last FIN of an earlier use of the same ports: it ends nothing of the new connection.
#[test]
fn an_earlier_fin_does_not_end_what_begins_with_the_next_syn() {
    let network = Network::new();
    let (client, server) = ("10.0.0.1:40000", "10.0.0.2:21");
    network.connection_numbered(client, server, [1000, 2000]).segment(Side::Responder).finish().emit();
    let again = network.connection_numbered(client, server, [7_000_000, 8_000_000]).handshake();
    again.server("220 ready\r\n").client("USER bob\r\n").server("331 password?\r\n");
    let report = explain(&network);
    let session = &report["sessions"][0];
    assert_eq!(session["greeting"]["lines"], json!(["ready"]), "{session:#}");
    assert_eq!(session["exchanges"][0]["replies"][0]["code"], 331);
}

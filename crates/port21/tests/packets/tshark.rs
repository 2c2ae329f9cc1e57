//! The list, packet by packet, against what tshark says of the same captures.

use std::path::Path;
use std::process::Command;

use port21_testkit::{manifest, note, shared};
use serde_json::Value;

use super::{recorded, rows};

/// Largest wild capture that is compared, in bytes, and how many: tshark takes its time.
const LARGEST: u64 = 40_000;
const MOST: usize = 10;

const FIELDS: [&str; 9] = [
    "frame.number",
    "frame.len",
    "tcp.stream",
    "tcp.seq",
    "tcp.ack",
    "tcp.len",
    "tcp.window_size",
    "tcp.flags.ack",
    "_ws.col.Protocol",
];

const ANALYSIS: [&str; 15] = [
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.duplicate_ack",
    "tcp.analysis.lost_segment",
    "tcp.analysis.ack_lost_segment",
    "tcp.analysis.keep_alive",
    "tcp.analysis.keep_alive_ack",
    "tcp.analysis.zero_window",
    "tcp.analysis.zero_window_probe",
    "tcp.analysis.zero_window_probe_ack",
    "tcp.analysis.window_update",
    "tcp.analysis.window_full",
    "tcp.analysis.reused_ports",
];

/// Where we differ, and why ours is right: capture, packets with the field each, reason.
const KNOWN: [(&str, &str, &str); 1] = [(
    "Ftp-fragments.pcap",
    "5:analysis 10:analysis",
    "both acknowledge bytes that are in no packet, more of them than #4 and #9 before them, where tshark says so too",
)];

fn tshark(path: &Path) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(path).args(["-T", "fields", "-E", "separator=/t", "-E", "occurrence=l"]);
    for field in FIELDS.iter().chain(&ANALYSIS) {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark runs");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// What a row says that tshark says otherwise: names of fields.
fn differences(theirs: &[String], row: &Value) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut compare = |name, theirs: &str, ours: String| {
        if theirs != ours {
            found.push(name);
        }
    };
    compare("number", &theirs[0], row["number"].to_string());
    compare("length", &theirs[1], row["length"].to_string());
    let tcp = &row["tcp"];
    if tcp.is_null() {
        return found;
    }
    compare("stream", &theirs[2], row["stream"].to_string());
    compare("seq", &theirs[3], tcp["sequence"].to_string());
    if theirs[7] == "1" || theirs[7] == "True" {
        compare("ack", &theirs[4], tcp["acknowledgement"].to_string());
    }
    compare("len", &theirs[5], tcp["length"].to_string());
    let window = if tcp["window"].is_null() { &tcp["raw_window"] } else { &tcp["window"] };
    compare("window", &theirs[6], window.to_string());
    let marks: Vec<&str> = ANALYSIS
        .iter()
        .zip(theirs.get(FIELDS.len()..).unwrap_or_default())
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, _)| *name)
        .collect();
    let listed: Vec<&str> =
        tcp["analysis"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let ours: Vec<&str> = ANALYSIS.into_iter().filter(|name| listed.contains(name)).collect();
    compare("analysis", &marks.join(" "), ours.join(" "));
    let protocol = row["protocol"].as_str().unwrap();
    if protocol_differs(&theirs[8], protocol, tcp) {
        compare("protocol", &theirs[8], protocol.to_owned());
    }
    found
}

/// Protocols that we do not take apart are TCP to us; TLS after AUTH is FTP to tshark 4.0; and it knows FTP by port 21.
fn protocol_differs(theirs: &str, ours: &str, tcp: &Value) -> bool {
    let well_known = tcp["source_port"] == 21 || tcp["destination_port"] == 21;
    match (theirs, ours) {
        ("FTP" | "FTP-DATA" | "TCP" | "DNS", _) if theirs == ours => false,
        ("FTP", protected) if protected.starts_with("TLS") => false,
        ("TCP", "FTP" | "FTP-DATA") => well_known,
        ("FTP" | "FTP-DATA" | "TCP", _) => true,
        _ => false,
    }
}

/// Compares captures; every difference must be listed, and every listed one must occur.
fn compare(paths: &[std::path::PathBuf]) -> usize {
    let (mut compared, mut unlisted) = (0, Vec::new());
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        let known = KNOWN.iter().find(|(capture, _, _)| *capture == name);
        let (theirs, ours) = (tshark(path), rows(b"", &[path.to_str().unwrap()]));
        assert_eq!(theirs.len(), ours.len(), "{name}");
        let mut found = Vec::new();
        for (theirs, row) in theirs.iter().zip(&ours) {
            compared += 1;
            found.extend(differences(theirs, row).iter().map(|field| format!("{}:{field}", row["number"])));
        }
        let listed: Vec<&str> = known.map(|(_, places, _)| places.split(' ').collect()).unwrap_or_default();
        unlisted.extend(
            found
                .iter()
                .filter(|place| !listed.contains(&place.as_str()))
                .map(|place| format!("{name} {place}")),
        );
        let gone: Vec<_> = listed.iter().filter(|place| !found.iter().any(|found| found == *place)).collect();
        assert!(gone.is_empty(), "{name}: {gone:?} no longer differ");
    }
    assert!(unlisted.is_empty(), "{} differ and are not listed: {unlisted:#?}", unlisted.len());
    compared
}

#[test]
fn rows_of_recorded_captures_say_what_tshark_says() {
    let compared = compare(&recorded());
    note(&format!("tshark, packet list: {compared} packets of recorded captures agree"));
    assert!(compared > 600, "{compared}");
}

#[test]
fn rows_of_wild_captures_say_what_tshark_says() {
    let Some(shared) = shared() else {
        note("tshark, packet list: no wild captures compared, ../shared/captures is not there");
        return;
    };
    let with_ftp = manifest(&shared).into_iter().filter(|(_, content)| content.starts_with("[ftp]"));
    let mut paths: Vec<_> = with_ftp.map(|(file, _)| shared.join("captures").join(file)).collect();
    paths.retain(|path| path.metadata().is_ok_and(|about| about.len() <= LARGEST));
    // One of each collection's neighbours, so that all collections are heard.
    let step = paths.len().div_ceil(MOST).max(1);
    let mut chosen: Vec<_> = paths.iter().step_by(step).cloned().collect();
    chosen.extend(paths.into_iter().filter(|path| path.ends_with("Ftp-fragments.pcap")));
    chosen.sort();
    chosen.dedup();
    let compared = compare(&chosen);
    note(&format!(
        "tshark, packet list: {compared} packets of {} wild captures agree, or differ as listed",
        chosen.len()
    ));
}

//! Requests and reply codes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{AGREEMENT, Case, assert_listed, cases, known};

/// Columns of tshark's file.
const FRAME: usize = 0;
const COMMAND: usize = 5;
const ARGUMENT: usize = 6;
const CODE: usize = 7;

/// Our view of one capture, by packet.
#[derive(Default)]
struct View {
    /// Verb and argument of the commands whose line this packet carries, or a part of it.
    commands: BTreeMap<u64, Vec<(String, String)>>,
    /// Codes of the replies of which this packet carries a line.
    codes: BTreeMap<u64, Vec<u64>>,
    /// Packets that bring nothing new: retransmissions and frames captured twice.
    repeated: BTreeSet<u64>,
}

fn numbers(list: &Value) -> impl Iterator<Item = u64> + '_ {
    list.as_array().into_iter().flatten().filter_map(Value::as_u64)
}

fn view(case: &Case) -> View {
    let mut view = View::default();
    for session in case.sessions() {
        let replies = session["exchanges"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|exchange| exchange["replies"].as_array().unwrap());
        for reply in replies.chain([&session["greeting"]]) {
            if let Some(code) = reply["code"].as_u64() {
                for packet in numbers(&reply["packets"]) {
                    view.codes.entry(packet).or_default().push(code);
                }
            }
        }
        for exchange in session["exchanges"].as_array().unwrap() {
            let command = &exchange["command"];
            let text = |name: &str| command[name].as_str().unwrap_or_default().to_string();
            for packet in numbers(&command["packets"]) {
                view.commands.entry(packet).or_default().push((text("verb"), text("argument")));
            }
        }
        let quality = &session["control"]["quality"];
        view.repeated
            .extend(numbers(&quality["retransmissions"]).chain(numbers(&quality["duplicate_frames"])));
    }
    view
}

fn assert_agreement((agreeing, compared): (usize, usize)) {
    assert!(agreeing * 1000 >= compared * AGREEMENT, "{agreeing} of {compared} agree");
}

/// Every piece that is listed really is a part of a line that goes over several packets.
#[test]
fn listed_pieces_are_parts_of_longer_lines() {
    let pieces = || known::DIFFERENCES.iter().filter(|difference| difference.piece);
    for case in cases() {
        for difference in pieces().filter(|difference| difference.capture == case.name) {
            let sessions = case.sessions().iter();
            let exchanges = sessions.flat_map(|session| session["exchanges"].as_array().unwrap());
            let longer: BTreeSet<String> = exchanges
                .map(|exchange| numbers(&exchange["command"]["packets"]).collect::<Vec<_>>())
                .filter(|packets| packets.len() > 1)
                .flatten()
                .map(|packet| format!("#{packet}"))
                .collect();
            for place in difference.places.split_whitespace() {
                assert!(longer.contains(place), "{}: {place}: {}", case.name, difference.reason);
            }
        }
    }
}

#[test]
fn requests_agree() {
    let (mut compared, mut different) = (0, BTreeSet::new());
    for case in cases() {
        let view = view(case);
        for row in case.lines(".ftp.tsv").unwrap() {
            let (frame, verb) = (row[FRAME].parse().unwrap(), row[COMMAND].to_ascii_uppercase());
            if verb.is_empty() || view.repeated.contains(&frame) {
                continue;
            }
            compared += 1;
            let argument = row.get(ARGUMENT).map(String::as_str).unwrap_or_default();
            let agrees = view.commands.get(&frame).is_some_and(|commands| {
                commands.iter().any(|(ours, text)| *ours == verb && text.trim_end() == argument.trim_end())
            });
            if !agrees {
                different.insert((case.name.clone(), format!("#{frame}")));
            }
        }
    }
    assert_agreement(assert_listed("requests", compared, different));
}

#[test]
fn reply_codes_agree() {
    let (mut compared, mut different) = (0, BTreeSet::new());
    for case in cases() {
        let view = view(case);
        for row in case.lines(".ftp.tsv").unwrap() {
            let frame = row[FRAME].parse().unwrap();
            let Some(code) = row.get(CODE).and_then(|code| code.parse::<u64>().ok()) else { continue };
            if view.repeated.contains(&frame) {
                continue;
            }
            compared += 1;
            if !view.codes.get(&frame).is_some_and(|codes| codes.contains(&code)) {
                different.insert((case.name.clone(), format!("#{frame}")));
            }
        }
    }
    assert_agreement(assert_listed("reply codes", compared, different));
}

/// The other way round: what we call a command, tshark shows too, where it looks at all (port 21, first line of a segment).
#[test]
fn no_command_is_invented() {
    let (mut compared, mut different) = (0, BTreeSet::new());
    for case in cases() {
        let rows = case.lines(".ftp.tsv").unwrap();
        let shown: BTreeSet<u64> = rows
            .iter()
            .filter(|row| !row[COMMAND].is_empty())
            .map(|row| row[FRAME].parse().unwrap())
            .collect();
        for session in case.sessions().iter().filter(|session| session["server"]["port"] == 21) {
            for exchange in session["exchanges"].as_array().unwrap() {
                let packets: Vec<u64> = numbers(&exchange["command"]["packets"]).collect();
                if let [packet] = packets[..] {
                    compared += 1;
                    if !shown.contains(&packet) {
                        different.insert((case.name.clone(), format!("#{packet}")));
                    }
                }
            }
        }
    }
    assert_listed("commands of ours", compared, different);
}

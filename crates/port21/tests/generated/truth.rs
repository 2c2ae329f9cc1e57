//! The comparison of one session with its truth.
//!
//! What the capture does not hold cannot be reported: a command whose `frame` is null appears as replies to no command,
//! a transfer that was under way before the first frame has an unknown beginning, one that nobody saw is not there.

use std::fmt;

use serde_json::Value;

/// How much was compared.
#[derive(Default)]
pub struct Tally {
    pub sessions: u64,
    pub commands: u64,
    pub replies: u64,
    pub transfers: u64,
    pub hashes: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { sessions, commands, replies, transfers, hashes } = self;
        write!(
            f,
            "{sessions} sessions, {commands} commands, {replies} replies, {transfers} transfers, {hashes} hashes"
        )
    }
}

/// Whether the capture holds anything by which the session can be known for FTP.
pub fn was_captured(truth: &Value) -> bool {
    let commands = truth["commands"].as_array().unwrap();
    commands.iter().any(|command| !command["frame"].is_null() || captured_replies(command).next().is_some())
}

/// Whether a report's session tells of anything said or transferred.
pub fn has_dialogue(ours: &Value) -> bool {
    ["exchanges", "transfers"].iter().any(|part| ours[part].as_array().is_some_and(|items| !items.is_empty()))
}

fn captured_replies(command: &Value) -> impl Iterator<Item = (u64, u64)> + '_ {
    let replies = command["replies"].as_array().unwrap().iter();
    replies.filter_map(|reply| Some((reply[0].as_u64()?, reply[1].as_u64()?)))
}

/// Everything in which `ours` differs from `truth`.
pub fn differences(truth: &Value, ours: &Value, tally: &mut Tally) -> Vec<String> {
    let mut wrong = dialogue_differences(truth, ours, tally);
    wrong.extend(transfer_differences(truth, ours, tally));
    wrong
}

/// Both dialogues as lines "frame verb argument" and "frame code, to verb of frame"; replies to commands that were not
/// captured name no command.
fn dialogue_differences(truth: &Value, ours: &Value, tally: &mut Tally) -> Vec<String> {
    let mut expected = Vec::new();
    for command in truth["commands"].as_array().unwrap() {
        let frame = command["frame"].as_u64();
        if let Some(frame) = frame {
            let text = [command["verb"].as_str().unwrap(), command["arg"].as_str().unwrap()].join(" ");
            expected.push((frame, text.trim_end().to_string()));
            tally.commands += 1;
        }
        for (code, at) in captured_replies(command) {
            expected.push((
                at,
                format!("{code} to {}", frame.map_or("none".into(), |frame| format!("#{frame}"))),
            ));
            tally.replies += 1;
        }
    }
    let mut found = Vec::new();
    for exchange in ours["exchanges"].as_array().unwrap() {
        let command = &exchange["command"];
        let frame = command["packets"][0].as_u64();
        if let Some(frame) = frame {
            let argument = command["argument"].as_str().unwrap_or_default();
            found.push((
                frame,
                format!("{} {argument}", command["verb"].as_str().unwrap()).trim_end().to_string(),
            ));
        }
        for reply in exchange["replies"].as_array().unwrap() {
            let to = frame.map_or("none".into(), |frame| format!("#{frame}"));
            found.push((reply["packet"].as_u64().unwrap(), format!("{} to {to}", reply["code"])));
        }
    }
    expected.sort();
    found.sort();
    let missing =
        expected.iter().filter(|line| !found.contains(line)).map(|line| format!("not found: {line:?}"));
    let invented =
        found.iter().filter(|line| !expected.contains(line)).map(|line| format!("invented: {line:?}"));
    missing.chain(invented).collect()
}

/// A transfer of the truth with its data command and the one that arranged its connection.
struct Planned<'a> {
    transfer: &'a Value,
    command: &'a Value,
    setup: &'a Value,
    restart: Option<&'a Value>,
}

fn planned(truth: &Value) -> Vec<Planned<'_>> {
    let mut transfers = truth["transfers"].as_array().unwrap().iter();
    let (mut setup, mut restart) = (None, None);
    let mut found = Vec::new();
    for command in truth["commands"].as_array().unwrap() {
        match command["verb"].as_str().unwrap() {
            "PASV" | "EPSV" | "PORT" | "EPRT" => setup = Some(command),
            "REST" => restart = Some(command),
            // One without a connection arranged for it is the one that is refused with 550.
            "RETR" | "STOR" | "LIST" => {
                if let Some(setup) = setup.take() {
                    let transfer = transfers.next().expect("a transfer for each data command");
                    found.push(Planned { transfer, command, setup, restart: restart.take() });
                }
            }
            _ => {}
        }
    }
    found
}

fn transfer_differences(truth: &Value, ours: &Value, tally: &mut Tally) -> Vec<String> {
    let mut left: Vec<&Value> = ours["transfers"].as_array().unwrap().iter().collect();
    let mut wrong = Vec::new();
    for plan in planned(truth) {
        if plan.transfer["captured"] == 0 {
            // Nothing of its data is there; its command may be, and then it is listed without bytes.
            left.retain(|transfer| {
                transfer["bytes"] != 0 || transfer["command_packet"] != plan.command["frame"]
            });
            continue;
        }
        let name = format!("{} {}", plan.transfer["command"].as_str().unwrap(), plan.transfer["path"]);
        match left.iter().position(|transfer| same_ends(plan.transfer, &transfer["data"])) {
            None => wrong.push(format!("{name}: not found: {}", plan.transfer)),
            Some(at) => {
                tally.transfers += 1;
                let differences = one_transfer(&plan, left.remove(at), tally);
                wrong.extend(differences.into_iter().map(|text| format!("{name}: {text}")));
            }
        }
    }
    wrong.extend(left.iter().map(|transfer| {
        format!(
            "invented transfer: {} {} of {} bytes",
            transfer["verb"], transfer["argument"], transfer["bytes"]
        )
    }));
    wrong
}

fn same_ends(truth: &Value, data: &Value) -> bool {
    let end = |end: &Value| format!("{}:{}", end["address"].as_str().unwrap_or_default(), end["port"]);
    let found = [end(&data["initiator"]), end(&data["responder"])];
    let expected = ["initiator", "responder"].map(|name| truth[name].as_str().unwrap().to_string());
    // Without a handshake, who opened the connection is not in the capture.
    let turned = [found[1].clone(), found[0].clone()];
    found == expected || (data["handshake"]["syn"].is_null() && turned == expected)
}

fn one_transfer(plan: &Planned<'_>, ours: &Value, tally: &mut Tally) -> Vec<String> {
    let truth = plan.transfer;
    let mut wrong = Vec::new();
    let mut check = |what: &str, expected: Value, found: &Value| {
        if &expected != found {
            wrong.push(format!("{what} is {expected}, found {found}"));
        }
    };

    if !plan.command["frame"].is_null() {
        check("verb", truth["command"].clone(), &ours["verb"]);
        let path = truth["path"].as_str().filter(|path| !path.is_empty());
        check("argument", path.into(), &ours["argument"]);
        check("command packet", plan.command["frame"].clone(), &ours["command_packet"]);
    }
    if !plan.setup["frame"].is_null() {
        let mode = match truth["mode"].as_str().unwrap() {
            "PASV" => "passive",
            "EPSV" => "extended-passive",
            "PORT" => "active",
            _ => "extended-active",
        };
        check("mode", mode.into(), &ours["mode"]);
    }
    if plan.restart.is_none_or(|restart| !restart["frame"].is_null()) {
        check(
            "restart offset",
            truth["rest"].as_u64().filter(|rest| *rest > 0).into(),
            &ours["restart_offset"],
        );
    }
    check("first packet", truth["first_frame"].clone(), &ours["data_packets"]["first"]);
    check("last packet", truth["last_frame"].clone(), &ours["data_packets"]["last"]);

    let (bytes, captured) = (truth["bytes"].as_u64().unwrap(), truth["captured"].as_u64().unwrap());
    let missing = ranges(&ours["missing"], |hole| [&hole["offset"], &hole["length"]]);
    let held = ours["bytes"].as_u64().unwrap() - missing.iter().map(|(_, length)| length).sum::<u64>();
    check("captured bytes", captured.into(), &held.into());

    let gaps = ranges(&truth["gaps"], |gap| [&gap[0], &gap[1]]);
    let initial = &ours["data"]["initial_sequence"];
    let syns_seen = !initial["initiator"].is_null() && !initial["responder"].is_null();
    let beginning_unknown = gaps.first().is_some_and(|gap| gap.0 == 0) && !syns_seen;
    // Bytes missing at the end are known of only if the FIN, or an acknowledgement, is there to tell.
    let end_unknown = gaps.last().is_some_and(|(offset, length)| offset + length == bytes);
    if !beginning_unknown && !end_unknown {
        check("gaps", format!("{gaps:?}").into(), &format!("{missing:?}").into());
        check("bytes", bytes.into(), &ours["bytes"]);
    }
    if gaps.is_empty() && !truth["sha256"].is_null() {
        tally.hashes += 1;
        check("sha256", truth["sha256"].clone(), &ours["sha256"]);
    }
    if !gaps.is_empty() || truth["aborted"] == true {
        check("complete", false.into(), &ours["complete"]);
    }
    wrong
}

fn ranges<'a>(list: &'a Value, of: impl Fn(&'a Value) -> [&'a Value; 2]) -> Vec<(u64, u64)> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| of(item).map(|number| number.as_u64().unwrap()).into())
        .collect()
}

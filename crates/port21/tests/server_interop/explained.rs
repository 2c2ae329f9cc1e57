//! What clients and server say to each other is recorded, and explained by the analyser: it must tell of the same sessions, users and
//! transfers as the server's own log, and find nothing wrong but what is meant to be so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

use port21_testkit::{Program, note, records, wait_until};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clients;
use crate::recording::Recording;
use crate::server::{Server, USER};
use crate::setting::{Protection, Setting};
use crate::task::{RESUMED_AT, Task, noise};
use crate::{Cell, work};

/// Nobody else is here.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 21, 0, 1);

/// Clients that differ most: one of each library and of each way to do things.
const CLIENTS: [&str; 4] = ["curl", "lftp", "ncftp", "ftplib"];

/// What is told of a session because it is so, and meant to be.
const INTENDED: [&str; 3] = ["password-in-clear", "files-in-clear", "non-standard-port"];

/// What is told of a machine that is too busy to read at once what loopback brings at once.
const OF_A_BUSY_MACHINE: [&str; 3] = ["zero-window", "retransmissions", "slow-server"];

#[test]
fn the_servers_own_traffic_is_explained_as_its_log_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = Server::start(ADDRESS, &["--log", log.to_str().unwrap()]);
    let recording = Recording::start(ADDRESS, folder.path().join("lo.pcap"));
    // What is protected comes last: whose its data connections are cannot be seen, and a port may be used again.
    for protected in [false, true] {
        let table = work(cells(protected), &server);
        assert!(table.failures().is_empty(), "{}", table.failures().join("\n\n"));
    }
    let of =
        |event: &str| records(&log).into_iter().filter(|record| record["event"] == event).collect::<Vec<_>>();
    wait_until("all sessions are over", || {
        let connected = of("connected").len();
        connected > 0 && of("disconnected").len() == connected
    });
    let report = Program::new(env!("CARGO_BIN_EXE_port21")).explain_file(&recording.end());
    compare(&records(&log), &report);
}

/// Everything in clear over IPv4; over TLS (`protected`), of which less can be seen, a little.
fn cells(protected: bool) -> VecDeque<Cell> {
    let mut cells = VecDeque::new();
    for client in clients::ALL.into_iter().filter(|client| CLIENTS.contains(&client.name())) {
        let settings = Setting::all().filter(|setting| !setting.ipv6 && client.speaks(*setting));
        // Implicit TLS on a port that tells nothing is not to be known for FTP.
        let wanted = |setting: &Setting| match setting.protection {
            Protection::Clear => !protected,
            Protection::Explicit12 | Protection::Explicit13 => protected,
            Protection::Implicit => false,
        };
        for setting in settings.filter(wanted) {
            for &task in Task::ALL {
                let wanted = match protected {
                    true => matches!(task, Task::List | Task::Get | Task::Put),
                    false => !task.is_large(),
                };
                if client.does(task) && wanted && !client.is_excused(setting, task) {
                    cells.push_back(Cell { client, setting, task });
                }
            }
        }
    }
    cells
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// What the log tells of one session.
#[derive(Default)]
struct Logged<'a> {
    protected: bool,
    user: Option<&'a str>,
    transfers: Vec<&'a Value>,
}

fn compare(records: &[Value], report: &Value) {
    let mut logged: BTreeMap<u64, Logged<'_>> = BTreeMap::new();
    // A client's port may come again once its session is over: then the sessions of the same ends follow each other in both.
    let mut numbers: BTreeMap<String, VecDeque<u64>> = BTreeMap::new();
    for record in records {
        let Some(number) = record["session"].as_u64() else { panic!("of no session: {record}") };
        let session = logged.entry(number).or_default();
        match record["event"].as_str().unwrap() {
            "connected" => {
                let ends = both(&record["client"], &record["server"]).to_string();
                numbers.entry(ends).or_default().push_back(number);
            }
            "protected" => session.protected = true,
            "logged-in" => session.user = record["user"].as_str(),
            "transferred" => session.transfers.push(record),
            _ => {}
        }
    }
    let mut wrong = Vec::new();
    let sessions = list(report, "sessions");
    if sessions.len() != logged.len() {
        wrong.push(format!("{} sessions seen, {} in the log", sessions.len(), logged.len()));
    }
    let (mut transfers, mut clear) = (0, 0);
    let mut in_order: Vec<&Value> = sessions.iter().collect();
    in_order.sort_by_key(|session| session["id"].as_u64());
    for session in in_order {
        let ends = both(&session["client"], &session["server"]).to_string();
        let number = numbers.get_mut(&ends).and_then(VecDeque::pop_front);
        let Some(logged) = number.map(|number| &logged[&number]) else {
            wrong.push(format!("session {}: none of the log's", session["id"]));
            continue;
        };
        let mut differences = findings(session);
        if logged.protected {
            differences.extend(compare_protected(session, logged));
        } else {
            clear += 1;
            transfers += logged.transfers.len();
            differences.extend(compare_session(session, logged));
        }
        wrong.extend(differences.into_iter().map(|what| format!("session {} {ends}: {what}", session["id"])));
    }
    wrong.extend(list(report, "findings").iter().map(|finding| format!("of no session: {}", told(finding))));
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    note(&format!(
        "server: own traffic explained as its log tells it: {} sessions, of them {clear} in clear with {transfers} transfers",
        sessions.len()
    ));
}

fn told(finding: &Value) -> String {
    format!("{}: {}", finding["code"].as_str().unwrap(), finding["detail"].as_str().unwrap())
}

fn findings(session: &Value) -> Vec<String> {
    let all = list(session, "findings").iter();
    let is_meant = |code: &str| INTENDED.contains(&code) || OF_A_BUSY_MACHINE.contains(&code);
    all.filter(|finding| !is_meant(finding["code"].as_str().unwrap())).map(told).collect()
}

/// Within TLS there is no more to see than data connections of which nobody else can be the owner.
fn compare_protected(session: &Value, logged: &Logged<'_>) -> Vec<String> {
    let transfers = list(session, "transfers").iter().map(|transfer| &transfer["data"]);
    let seen = transfers.chain(list(session, "unused_data_connections")).map(ends);
    let own: Vec<Value> = logged.transfers.iter().map(|transfer| log_ends(&transfer["data"])).collect();
    seen.filter(|ends| !own.contains(ends)).map(|ends| format!("{ends} seen, not in the log")).collect()
}

fn compare_session(session: &Value, logged: &Logged<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let user = list(session, "logins").iter().rfind(|login| login["outcome"] == "accepted");
    let user = user.and_then(|login| login["user"].as_str());
    if user != logged.user || user != Some(USER) {
        wrong.push(format!("user {user:?} seen, {:?} in the log", logged.user));
    }
    let seen = list(session, "transfers");
    if seen.len() != logged.transfers.len() {
        wrong.push(format!("{} transfers seen, {} in the log", seen.len(), logged.transfers.len()));
    }
    for (seen, logged) in seen.iter().zip(&logged.transfers) {
        let name = format!("{} {}", seen["verb"], logged["path"]);
        let mut same = |what: &str, seen: Value, logged: Value| {
            if seen != logged {
                wrong.push(format!("{name}: {what} {seen} seen, {logged} in the log"));
            }
        };
        let kind = match (seen["kind"].as_str().unwrap(), seen["direction"].as_str().unwrap()) {
            ("listing", _) => "listing",
            (_, direction) => direction,
        };
        same("kind", kind.into(), logged["kind"].clone());
        same("bytes", seen["bytes"].clone(), logged["wire_bytes"].clone());
        same("whole", seen["complete"].clone(), logged["complete"].clone());
        same("offset", seen["restart_offset"].as_u64().unwrap_or(0).into(), logged["offset"].clone());
        if kind != "listing" {
            same("type", seen["type"].clone(), logged["type"].clone());
            same("path", absolute(&seen["path"]), logged["path"].clone());
            if logged["type"] == "image" && logged["mode"] == "stream" {
                // APPE does not say where the file ends to which it adds.
                let from = if seen["verb"] == "APPE" { RESUMED_AT } else { number(logged, "offset") };
                same("hash", seen["sha256"].clone(), hash(from, number(logged, "bytes")).into());
            }
        }
        same("ends", ends(&seen["data"]), log_ends(&logged["data"]));
    }
    wrong
}

/// Clients that never ask where they are (PWD) leave open what their relative paths are relative to: here it is the root.
fn absolute(path: &Value) -> Value {
    format!("/{}", path.as_str().unwrap().trim_start_matches('/')).into()
}

/// Of what crossed, as the files of all tasks begin alike.
fn hash(from: usize, length: usize) -> String {
    Sha256::digest(&noise(from + length)[from..]).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(value: &Value, name: &str) -> usize {
    usize::try_from(value[name].as_u64().unwrap()).unwrap()
}

/// Both ends of a data connection, without telling whose is which.
fn ends(connection: &Value) -> Value {
    both(&connection["initiator"], &connection["responder"])
}

fn log_ends(data: &Value) -> Value {
    both(&data["server"], &data["client"])
}

fn both(one: &Value, other: &Value) -> Value {
    let names = [one, other].map(|end| format!("{}:{}", end["address"], end["port"]));
    names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

//! What the events say of sessions built by hand.

use port21_analysis::report::{ConnectionState, Gap, Kind, Missing, Session, Side};
use port21_capture::Timestamp;
use serde_json::{Value, json};

use super::event::Event;
use super::{data, dialogue};
use crate::render::clock::Clock;
use crate::render::fixture;

fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_159_790_400_000_000_000))
}

fn json(events: Vec<Event>) -> Vec<Value> {
    events.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

/// The session with its listing turned into an upload of a file.
fn upload() -> Session {
    let mut session = fixture::session();
    let transfer = &mut session.transfers[0];
    transfer.kind = Some(Kind::File);
    transfer.verb = Some("STOR".into());
    transfer.argument = Some("a/b.txt".into());
    let data = transfer.data.as_mut().unwrap();
    data.bytes.responder = 2111;
    session
}

#[test]
fn greeting_and_every_command_are_events_with_numbers() {
    let events = json(dialogue::events(&fixture::session(), clock()));
    let commands: Vec<&Value> = events.iter().map(|event| &event["ftp"]["command"]).collect();
    let names = [json!(null), json!("USER"), json!("PASS"), json!("PORT"), json!("LIST"), json!("QUIT")];
    assert_eq!(commands, names.iter().collect::<Vec<_>>());
    assert_eq!(events[5]["tx_id"], 5);
    assert_eq!(events[4]["pcap_cnt"], 178);
    assert_eq!(events[4]["ftp"]["completion_code"], json!(["125", "226"]));
    assert_eq!(events[3]["ftp"]["dynamic_port"], 5001);
    assert_eq!(events[3]["ftp"]["mode"], "active");
}

#[test]
fn addresses_are_those_of_client_and_server() {
    let event = &json(dialogue::events(&fixture::session(), clock()))[1];
    let ends = json!([event["src_ip"], event["src_port"], event["dest_ip"], event["dest_port"]]);
    assert_eq!(ends, json!(["192.168.1.10", 2011, "156.21.1.54", 21]));
    assert_eq!(event["timestamp"], "2006-10-02T12:00:00.000000+0000");
}

#[test]
fn preliminary_reply_alone_is_no_answer() {
    let mut session = fixture::session();
    session.exchanges[3].replies.pop();
    assert_eq!(json(dialogue::events(&session, clock()))[4]["ftp"]["reply_received"], "no");
}

#[test]
fn too_long_lines_are_anomalies() {
    let mut session = fixture::session();
    session.exchanges[1].command.as_mut().unwrap().truncated_from = Some(10_000);
    session.exchanges[2].replies[0].truncated_from = Some(10_000);
    let events = json(dialogue::events(&session, clock()));
    let anomalies: Vec<&Value> = events.iter().filter_map(|event| event["anomaly"].get("event")).collect();
    assert_eq!(anomalies, ["request_command_too_long", "response_command_too_long"]);
}

#[test]
fn listing_is_a_data_event_without_a_name_and_no_file() {
    let events = json(data::events(&fixture::session(), clock()));
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_type"], "ftp_data");
    assert_eq!(events[0]["ftp_data"], json!({"command": "LIST"}));
}

#[test]
fn file_event_runs_from_the_sender_of_the_data() {
    let events = json(data::events(&upload(), clock()));
    assert_eq!(events[0]["src_port"], 20, "data connections run from their initiator");
    let file = &events[1];
    assert_eq!((&file["src_ip"], &file["dest_port"]), (&json!("192.168.1.10"), &json!(20)));
    let expected = json!({"filename": "a/b.txt", "gaps": false, "state": "CLOSED", "sha256": "00ff",
                          "stored": false, "size": 2111, "tx_id": 0});
    assert_eq!(file["fileinfo"], expected);
    assert_eq!(file["app_proto"], "ftp-data");
}

#[test]
fn hole_in_a_file_shows_in_the_file_and_as_an_anomaly() {
    let mut session = upload();
    let transfer = &mut session.transfers[0];
    transfer.complete = false;
    transfer.missing = vec![Missing { offset: 10, length: 20 }];
    let gap = Gap { from: Side::Responder, sequence: 11, length: 20, acknowledged: true };
    transfer.data.as_mut().unwrap().quality.gaps.push(gap);
    let events = json(data::events(&session, clock()));
    assert_eq!(
        (&events[1]["fileinfo"]["gaps"], &events[1]["fileinfo"]["state"]),
        (&json!(true), &json!("TRUNCATED"))
    );
    assert_eq!(events[2]["anomaly"], json!({"type": "stream", "event": "stream.reassembly_seq_gap"}));
    assert_eq!(events[2]["src_ip"], "192.168.1.10");
}

#[test]
fn unnamed_upload_is_called_as_suricata_calls_it() {
    let mut session = upload();
    session.transfers[0].verb = Some("STOU".into());
    session.transfers[0].argument = None;
    let events = json(data::events(&session, clock()));
    assert_eq!(events[0]["ftp_data"]["filename"], "<stou>");
}

#[test]
fn transfer_that_nobody_arranged_is_an_anomaly() {
    let mut session = upload();
    session.transfers[0].setup = None;
    assert_eq!(json(data::events(&session, clock()))[0]["anomaly"]["event"], "file_before_port");
}

#[test]
fn finding_carries_its_proof() {
    let event = &json(dialogue::findings(&fixture::session(), clock()))[0];
    assert_eq!(event["anomaly"]["event"], "password-in-clear");
    assert_eq!(event["port21"]["severity"], "high");
    assert_eq!(event["port21"]["packets"], json!([149]));
}

#[test]
fn flow_says_how_it_ended() {
    let mut connection = fixture::session().control;
    let flow = |connection: &_| serde_json::to_value(data::flow(connection, clock())).unwrap();
    connection.last_time = 2.5;
    let event = flow(&connection);
    assert_eq!((&event["flow"]["state"], &event["flow"]["age"]), (&json!("closed"), &json!(2)));
    connection.state = ConnectionState::Open;
    assert_eq!(flow(&connection)["flow"]["reason"], "shutdown");
    assert!(flow(&connection)["flow_id"].as_u64().unwrap() < 1 << 53);
}

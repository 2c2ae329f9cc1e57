//! Records as JSON, one object a line.

use std::net::SocketAddr;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Record, TransferRecord, What};

/// The record as a JSON object on one line, without a line end. Times are RFC 3339 in UTC, durations seconds. Bytes of a path that are not
/// UTF-8 become U+FFFD; then `path_bytes` has all of them in hexadecimal digits.
pub fn json(record: &Record) -> String {
    let mut object = Map::new();
    object.insert("time".into(), time(record.time));
    object.insert("event".into(), name(&record.what).into());
    object.insert("session".into(), record.session.into());
    object.insert("client".into(), address(record.client));
    object.insert("user".into(), record.user.as_deref().into());
    describe(&record.what, &mut object);
    Value::Object(object).to_string()
}

fn name(what: &What) -> &'static str {
    match what {
        What::Connected { .. } => "connected",
        What::Refused(_) => "refused",
        What::Stranger { .. } => "stranger",
        What::Protected { .. } => "protected",
        What::NotProtected { .. } => "not-protected",
        What::LoggedIn { .. } => "logged-in",
        What::LoginRefused { .. } => "login-refused",
        What::Line { .. } => "line",
        What::Transferred(_) => "transferred",
        What::HookFailed { .. } => "hook-failed",
        What::Disconnected { .. } => "disconnected",
        What::Degraded { .. } => "degraded",
    }
}

fn describe(what: &What, object: &mut Map<String, Value>) {
    let mut add = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    match what {
        What::Connected { server, proxy, implicit_tls } => {
            add("server", address(Some(*server)));
            add("proxy", address(*proxy));
            add("implicit_tls", (*implicit_tls).into());
        }
        What::Refused(reason) => add("reason", reason.to_string().into()),
        What::Stranger { stranger, server } => {
            add("stranger", address(Some(*stranger)));
            add("server", address(Some(*server)));
        }
        What::Protected { version, cipher_suite } => {
            add("version", version.as_str().into());
            add("cipher_suite", cipher_suite.as_str().into());
        }
        What::LoggedIn { guest } => add("guest", (*guest).into()),
        What::LoginRefused { name, reason } => {
            add("name", name.as_str().into());
            add("reason", reason.to_string().into());
        }
        What::Line { from_client, text } => {
            add("from", if *from_client { "client" } else { "server" }.into());
            add("text", text.as_str().into());
        }
        What::Transferred(transfer) => object.append(&mut transferred(transfer)),
        What::NotProtected { reason } | What::HookFailed { reason } | What::Degraded { reason } => {
            add("reason", reason.as_str().into());
        }
        What::Disconnected { reason, duration, downloaded, uploaded } => {
            add("reason", reason.to_string().into());
            add("duration", duration.as_secs_f64().into());
            add("downloaded", (*downloaded).into());
            add("uploaded", (*uploaded).into());
        }
    }
}

fn transferred(transfer: &TransferRecord) -> Map<String, Value> {
    let (server, client) = transfer.data.unzip();
    let mut object = Map::new();
    let mut add = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    add("number", transfer.number.into());
    add("kind", transfer.kind.name().into());
    add("path", String::from_utf8_lossy(&transfer.path).into());
    if std::str::from_utf8(&transfer.path).is_err() {
        let digits: String = transfer.path.iter().map(|byte| format!("{byte:02x}")).collect();
        add("path_bytes", digits.into());
    }
    add("bytes", transfer.bytes.into());
    add("wire_bytes", transfer.wire_bytes.into());
    add("offset", transfer.offset.into());
    add("duration", transfer.duration.as_secs_f64().into());
    add("type", if transfer.ascii { "ascii" } else { "image" }.into());
    add("mode", if transfer.deflate { "deflate" } else { "stream" }.into());
    add("protected", transfer.protected.into());
    add("resumed", transfer.resumed.into());
    add("data", json!({"server": address(server), "client": address(client), "passive": transfer.passive}));
    add("complete", transfer.error.is_none().into());
    add("error", transfer.error.as_deref().into());
    object
}

fn address(address: Option<SocketAddr>) -> Value {
    match address {
        Some(address) => json!({"address": address.ip().to_string(), "port": address.port()}),
        None => Value::Null,
    }
}

fn time(time: SystemTime) -> Value {
    Timestamp::try_from(time).map_or(Value::Null, |time| format!("{time:.6}").into())
}

#[cfg(test)]
mod tests {
    use super::super::test_records::{download, record};
    use super::super::{Ending, RefusedConnection};
    use super::*;

    fn read(record: &Record) -> Value {
        serde_json::from_str(&json(record)).unwrap()
    }

    #[test]
    fn a_transfer_names_its_data_connection_and_bytes() {
        let object = read(&download(b"/pub/a\nb").0);
        assert_eq!(object["time"], "2023-11-14T22:13:20.250000Z");
        assert_eq!(object["event"], "transferred");
        assert_eq!(object["session"], 7);
        assert_eq!(object["client"], json!({"address": "192.0.2.9", "port": 40000}));
        assert_eq!(object["path"], "/pub/a\nb");
        assert_eq!(object["bytes"], 1000);
        assert_eq!(object["data"]["client"]["port"], 40001);
        assert_eq!(object["complete"], true);
        assert_eq!(object["error"], Value::Null);
        assert!(!json(&download(b"/a\nb").0).contains('\n'));
    }

    #[test]
    fn a_path_that_is_not_utf_8_keeps_its_bytes() {
        let object = read(&download(b"/caf\xe9").0);
        assert_eq!(object["path"], "/caf\u{fffd}");
        assert_eq!(object["path_bytes"], "2f636166e9");
    }

    #[test]
    fn a_refusal_says_why() {
        let object = read(&record(What::Refused(RefusedConnection::TooOften)));
        assert_eq!(object["reason"], "the address connects too often");
    }

    #[test]
    fn the_end_of_a_session_has_its_totals() {
        let what = What::Disconnected {
            reason: Ending::Closed(crate::session::Closing::NotLoggedIn),
            duration: std::time::Duration::from_millis(1500),
            downloaded: 5,
            uploaded: 6,
        };
        let object = read(&record(what));
        assert_eq!(object["reason"], "nobody logged in in time");
        assert_eq!(object["duration"], 1.5);
        assert_eq!(object["downloaded"], 5);
        assert_eq!(object["uploaded"], 6);
    }
}

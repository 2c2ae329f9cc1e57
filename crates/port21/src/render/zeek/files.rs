//! `files.log`: one line a data connection that carried something.

use port21_analysis::report::{Connection, Side, Transfer};

use super::value::Value;
use super::{conn, identifier};
use crate::render::clock::Clock;

/// Names and types of the columns.
pub const COLUMNS: &[(&str, &str)] = &[
    ("ts", "time"),
    ("fuid", "string"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("source", "string"),
    ("depth", "count"),
    ("analyzers", "set[string]"),
    ("mime_type", "string"),
    ("filename", "string"),
    ("duration", "interval"),
    ("local_orig", "bool"),
    ("is_orig", "bool"),
    ("seen_bytes", "count"),
    ("total_bytes", "count"),
    ("missing_bytes", "count"),
    ("overflow_bytes", "count"),
    ("timedout", "bool"),
    ("parent_fuid", "string"),
    ("md5", "string"),
    ("sha1", "string"),
    ("sha256", "string"),
    ("extracted", "string"),
    ("extracted_cutoff", "bool"),
    ("extracted_size", "count"),
];

/// The `fuid` of a transfer's file; `None` where no data crossed the wire.
pub fn identifier(transfer: &Transfer) -> Option<String> {
    let data = transfer.data.as_ref().filter(|_| transfer.bytes > 0)?;
    Some(identifier::file(&identifier::connection(data), transfer.index))
}

/// The line of one transfer.
pub fn row(transfer: &Transfer, clock: Clock) -> Option<Vec<Value>> {
    let data = transfer.data.as_ref()?;
    let fuid = identifier(transfer)?;
    let sender = sender(data);
    let missing = transfer.missing.iter().fold(0u64, |sum, hole| sum.saturating_add(hole.length));
    let source = match sender {
        Side::Initiator => data.initiator,
        Side::Responder => data.responder,
    };
    // The report knows how long the data flowed, not when it began: at the earliest with the connection.
    let analyzers = if transfer.sha256.is_some() { vec!["SHA256".to_owned()] } else { Vec::new() };
    Some(vec![
        Value::Time(clock.at(data.first_time)),
        Value::Text(fuid),
        Value::Text(identifier::connection(data)),
        Value::Address(data.initiator.address),
        Value::Count(data.initiator.port.into()),
        Value::Address(data.responder.address),
        Value::Count(data.responder.port.into()),
        Value::Text("FTP_DATA".into()),
        Value::Count(0),
        Value::Texts(analyzers),
        Value::Unset,
        file_name(transfer),
        transfer.duration.map_or(Value::Unset, Value::Interval),
        Value::Flag(conn::is_local(source.address)),
        Value::Flag(sender == Side::Initiator),
        Value::Count(transfer.bytes.saturating_sub(missing)),
        Value::count(transfer.expected_bytes),
        Value::Count(missing),
        Value::Count(0),
        Value::Flag(false),
        Value::Unset,
        Value::Unset,
        Value::Unset,
        Value::text(transfer.sha256.as_deref()),
        Value::Unset,
        Value::Unset,
        Value::Unset,
    ])
}

/// The end that sent the data.
fn sender(data: &Connection) -> Side {
    let sent = |side, bytes: u64| bytes.saturating_add(conn::missing(data, side));
    if sent(Side::Initiator, data.bytes.initiator) > sent(Side::Responder, data.bytes.responder) {
        Side::Initiator
    } else {
        Side::Responder
    }
}

/// The last part of the path of a file; a listing has none.
fn file_name(transfer: &Transfer) -> Value {
    if transfer.kind == Some(port21_analysis::report::Kind::Listing) {
        return Value::Unset;
    }
    match Value::wire(transfer.path.as_deref(), transfer.path_bytes.as_deref()) {
        Value::Text(path) => Value::text(path.rsplit('/').next()),
        Value::Bytes(path) => match path.rsplit(|byte| *byte == b'/').next() {
            Some(name) => Value::Bytes(name.to_vec()),
            None => Value::Unset,
        },
        other => other,
    }
}

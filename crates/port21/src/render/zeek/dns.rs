//! `dns.log`: one line a question.

use port21_analysis::analysis::DnsTransaction;
use port21_analysis::community_id::{TCP, UDP};
use port21_analysis::report::Endpoint;
use port21_capture::Timestamp;

use super::identifier;
use super::value::Value;

/// Names and types of the columns.
pub const COLUMNS: &[(&str, &str)] = &[
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("trans_id", "count"),
    ("rtt", "interval"),
    ("query", "string"),
    ("qclass", "count"),
    ("qclass_name", "string"),
    ("qtype", "count"),
    ("qtype_name", "string"),
    ("rcode", "count"),
    ("rcode_name", "string"),
    ("AA", "bool"),
    ("TC", "bool"),
    ("RD", "bool"),
    ("RA", "bool"),
    ("Z", "count"),
    ("answers", "vector[string]"),
    ("TTLs", "vector[interval]"),
    ("rejected", "bool"),
];

/// Class IN (RFC 1035, section 3.2.4): the only one that the analysis keeps.
const INTERNET: u64 = 1;

/// The line of one question.
pub fn row(transaction: &DnsTransaction) -> Vec<Value> {
    let client = Endpoint { address: transaction.client.0, port: transaction.client.1 };
    let server = Endpoint { address: transaction.server.0, port: transaction.server.1 };
    let protocol = if transaction.transport == "tcp" { TCP } else { UDP };
    let time = |event: Option<(u64, Timestamp)>| event.map(|(_, time)| time);
    let (asked, answered) = (time(transaction.asked), time(transaction.answered));
    let round_trip = asked.zip(answered).map(|(asked, answered)| answered.seconds_since(asked));
    let [authoritative, truncated, recursion_desired, recursion_available] = transaction.flags;
    let (answers, lives): (Vec<String>, Vec<f64>) = transaction
        .answers
        .iter()
        .map(|answer| (answer.data.clone(), f64::from(answer.time_to_live)))
        .unzip();
    let listed = |value| if answers.is_empty() { Value::Unset } else { value };
    vec![
        asked.or(answered).map_or(Value::Unset, Value::Time),
        Value::Text(identifier::flow(client, server, protocol)),
        Value::Address(client.address),
        Value::Count(client.port.into()),
        Value::Address(server.address),
        Value::Count(server.port.into()),
        Value::Text(transaction.transport.into()),
        Value::Count(transaction.id.into()),
        round_trip.filter(|seconds| *seconds > 0.0).map_or(Value::Unset, Value::Interval),
        Value::text(Some(&transaction.query)),
        Value::Count(INTERNET),
        Value::Text("C_INTERNET".into()),
        Value::Count(transaction.query_type_number.into()),
        Value::text(Some(&transaction.query_type)),
        Value::count(transaction.response_code.map(u64::from)),
        Value::text(transaction.response_code.map(code_name)),
        Value::Flag(authoritative),
        Value::Flag(truncated),
        Value::Flag(recursion_desired),
        Value::Flag(recursion_available),
        Value::Count(0),
        listed(Value::Texts(answers.clone())),
        listed(Value::Intervals(lives)),
        Value::Flag(false),
    ]
}

/// Names of response codes as Zeek has them (RFC 1035, section 4.1.1; RFC 2136, section 2.2).
fn code_name(code: u16) -> &'static str {
    match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        6 => "YXDOMAIN",
        7 => "YXRRSET",
        8 => "NXRRSET",
        9 => "NOTAUTH",
        10 => "NOTZONE",
        _ => "unknown",
    }
}

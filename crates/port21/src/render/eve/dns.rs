//! `dns` events: a question, and an answer in the shape that Suricata calls version 2.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use port21_analysis::analysis::{DnsAnswer, DnsTransaction};
use serde::Serialize;

use super::event::{Event, Moment};

/// A question or an answer.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Dns {
    /// A question.
    Query {
        /// Transaction identifier.
        id: u16,
        /// Name asked for.
        rrname: String,
        /// Type asked for.
        rrtype: String,
    },
    /// Its answer.
    Answer(Box<Answer>),
}

/// An answer.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Always 2.
    version: u8,
    /// Transaction identifier.
    id: u16,
    /// The header's second word in hexadecimal.
    flags: String,
    #[serde(skip_serializing_if = "is_false")]
    qr: bool,
    #[serde(skip_serializing_if = "is_false")]
    aa: bool,
    #[serde(skip_serializing_if = "is_false")]
    tc: bool,
    #[serde(skip_serializing_if = "is_false")]
    rd: bool,
    #[serde(skip_serializing_if = "is_false")]
    ra: bool,
    opcode: u16,
    /// Name asked for.
    rrname: String,
    /// Type asked for.
    rrtype: String,
    rcode: String,
    /// Every record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Record>,
    /// What the records say, by type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    grouped: BTreeMap<String, Vec<String>>,
}

/// A record of an answer.
#[derive(Debug, Clone, Serialize)]
struct Record {
    rrname: String,
    rrtype: String,
    ttl: u32,
    /// Address or name; left out of types that say something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    rdata: Option<String>,
}

/// The events of a transaction: what was seen of question and answer.
pub fn events(transaction: &DnsTransaction) -> Vec<Event> {
    let (rrname, rrtype) = (&transaction.query, &transaction.query_type);
    let query = transaction.asked.map(|asked| {
        let dns = Dns::Query { id: transaction.id, rrname: rrname.clone(), rrtype: rrtype.clone() };
        (asked, dns)
    });
    let answer = transaction.answered.map(|answered| (answered, Dns::Answer(Box::new(answer(transaction)))));
    let both = query.into_iter().chain(answer);
    both.map(|((packet, time), dns)| Event::of_dns(transaction, Moment { time, packet: Some(packet) }, dns))
        .collect()
}

fn answer(transaction: &DnsTransaction) -> Answer {
    let flags = transaction.header_flags;
    let answers: Vec<Record> = transaction.answers.iter().map(record).collect();
    let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in &answers {
        if let Some(data) = &record.rdata {
            grouped.entry(record.rrtype.clone()).or_default().push(data.clone());
        }
    }
    Answer {
        version: 2,
        id: transaction.id,
        flags: format!("{flags:x}"),
        qr: flags & 0x8000 != 0,
        aa: flags & 0x0400 != 0,
        tc: flags & 0x0200 != 0,
        rd: flags & 0x0100 != 0,
        ra: flags & 0x0080 != 0,
        opcode: flags >> 11 & 0xf,
        rrname: transaction.query.clone(),
        rrtype: transaction.query_type.clone(),
        rcode: response_code(flags & 0xf),
        answers,
        grouped,
    }
}

fn record(answer: &DnsAnswer) -> Record {
    let rdata = match answer.kind.as_str() {
        "A" => Some(answer.data.clone()),
        "AAAA" => Some(answer.data.parse().map_or_else(|_| answer.data.clone(), unabbreviated)),
        "CNAME" | "NS" | "PTR" => Some(answer.data.strip_suffix('.').unwrap_or(&answer.data).to_owned()),
        _ => None,
    };
    Record { rrname: answer.name.clone(), rrtype: answer.kind.clone(), ttl: answer.time_to_live, rdata }
}

/// All eight groups of four digits, as Suricata writes addresses of DNS.
fn unabbreviated(address: Ipv6Addr) -> String {
    address.segments().map(|group| format!("{group:04x}")).join(":")
}

/// Names of response codes (RFC 1035, section 4.1.1; RFC 2136, section 2.2); the number of others.
fn response_code(code: u16) -> String {
    const NAMES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
        "NOTAUTH", "NOTZONE",
    ];
    NAMES.get(usize::from(code)).map_or_else(|| code.to_string(), |name| (*name).to_owned())
}

// Serde hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use port21_capture::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn transaction() -> DnsTransaction {
        let answer = |name: &str, kind: &str, data: &str| DnsAnswer {
            name: name.into(),
            kind: kind.into(),
            data: data.into(),
            time_to_live: 60,
        };
        DnsTransaction {
            client: ("192.168.1.10".parse().unwrap(), 1030),
            server: ("192.168.1.1".parse().unwrap(), 53),
            transport: "udp",
            id: 7,
            query: "ftp.example.org".into(),
            query_type: "AAAA".into(),
            query_type_number: 28,
            asked: Some((77, Timestamp(1_000_000_000))),
            answered: Some((78, Timestamp(1_250_000_000))),
            response_code: Some(0),
            answers: vec![
                answer("ftp.example.org", "CNAME", "host.example.org."),
                answer("host.example.org", "AAAA", "2001:db8::1"),
                answer("host.example.org", "MX", "10 mail.example.org."),
            ],
            header_flags: 0x8580,
            flags: [true, false, true, true],
        }
    }

    fn written(transaction: &DnsTransaction) -> Vec<Value> {
        events(transaction).iter().map(|event| serde_json::to_value(event).unwrap()).collect()
    }

    #[test]
    fn question_and_answer_are_events_from_the_client() {
        let written = written(&transaction());
        for (event, packet) in written.iter().zip([77, 78]) {
            let place = json!([event["event_type"], event["src_port"], event["dest_port"], event["proto"]]);
            assert_eq!(place, json!(["dns", 1030, 53, "UDP"]));
            assert_eq!(event["pcap_cnt"], packet);
            assert_eq!(event["flow_id"], written[0]["flow_id"]);
        }
        let query = json!({"type": "query", "id": 7, "rrname": "ftp.example.org", "rrtype": "AAAA"});
        assert_eq!(written[0]["dns"], query);
    }

    #[test]
    fn answer_is_of_version_2() {
        let address = "2001:0db8:0000:0000:0000:0000:0000:0001";
        let expected = json!({
            "type": "answer", "version": 2, "id": 7, "flags": "8580", "qr": true, "aa": true, "rd": true, "ra": true,
            "opcode": 0, "rrname": "ftp.example.org", "rrtype": "AAAA", "rcode": "NOERROR",
            "answers": [
                {"rrname": "ftp.example.org", "rrtype": "CNAME", "ttl": 60, "rdata": "host.example.org"},
                {"rrname": "host.example.org", "rrtype": "AAAA", "ttl": 60, "rdata": address},
                {"rrname": "host.example.org", "rrtype": "MX", "ttl": 60},
            ],
            "grouped": {"CNAME": ["host.example.org"], "AAAA": [address]},
        });
        assert_eq!(written(&transaction())[1]["dns"], expected);
    }

    #[test]
    fn what_was_not_seen_is_no_event_and_unknown_codes_are_numbers() {
        let unanswered = DnsTransaction { answered: None, ..transaction() };
        assert_eq!(written(&unanswered).len(), 1);
        let unasked = DnsTransaction { asked: None, header_flags: 0x818c, transport: "tcp", ..transaction() };
        let written = written(&unasked);
        assert_eq!(written.len(), 1);
        assert_eq!(json!([written[0]["dns"]["rcode"], written[0]["proto"]]), json!(["12", "TCP"]));
        assert_eq!(written[0].get("flow_id"), None);
    }
}

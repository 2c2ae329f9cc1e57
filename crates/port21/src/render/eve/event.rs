//! The shape of an event, field by field as Suricata 7 writes it.

use std::net::IpAddr;

use port21_analysis::analysis::DnsTransaction;
use port21_analysis::community_id::{TCP, UDP, community_id};
use port21_analysis::report::{Connection, Endpoint};
use port21_capture::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::dns::Dns;
use crate::render::clock::calendar;

/// One line.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    event_type: &'static str,
    src_ip: IpAddr,
    src_port: u16,
    dest_ip: IpAddr,
    dest_port: u16,
    proto: &'static str,
    pkt_src: &'static str,
    community_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    #[serde(flatten)]
    body: Body,
}

/// When and where something happened.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Its time.
    pub time: Timestamp,
    /// Its packet: `pcap_cnt`.
    pub packet: Option<u64>,
}

/// What an event says beyond its addresses, under the name of its type.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// A command with its replies.
    Ftp {
        /// The object of that name.
        ftp: Ftp,
    },
    /// A data connection.
    FtpData {
        /// The object of that name.
        ftp_data: FtpData,
    },
    /// A file.
    FileInfo {
        /// The command that moved it.
        ftp_data: FtpData,
        /// The object of that name.
        fileinfo: FileInfo,
    },
    /// A connection.
    Flow {
        /// The object of that name.
        flow: Flow,
    },
    /// A question or an answer of DNS.
    Dns {
        /// The object of that name.
        dns: Dns,
    },
    /// Something odd.
    Anomaly {
        /// The object of that name.
        anomaly: Anomaly,
        /// A finding of the analysis, where it is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        port21: Option<Finding>,
    },
}

/// A command with its replies; the server's greeting has no command.
#[derive(Debug, Clone, Serialize)]
pub struct Ftp {
    /// Verb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Argument.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_data: Option<String>,
    /// The argument was longer than what is given; only beside `command_data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_truncated: Option<bool>,
    /// Codes of the replies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub completion_code: Vec<String>,
    /// Lines of the replies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reply: Vec<String>,
    /// Announced port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic_port: Option<u16>,
    /// "active" or "passive", for commands that arrange a data connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    /// "yes" or "no".
    pub reply_received: &'static str,
    /// A reply was longer than what is given.
    pub reply_truncated: bool,
}

/// What a data connection is for.
#[derive(Debug, Clone, Serialize)]
pub struct FtpData {
    /// Argument of the command; absent for listings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Verb.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A file.
#[derive(Debug, Clone, Serialize)]
pub struct FileInfo {
    /// Argument of the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The capture misses bytes of it.
    pub gaps: bool,
    /// "CLOSED", or "TRUNCATED" if it is not whole.
    pub state: &'static str,
    /// SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Always false: `extract` writes files.
    pub stored: bool,
    /// Bytes.
    pub size: u64,
    /// Always 0: one file a data connection.
    pub tx_id: u64,
}

/// A connection's totals.
#[derive(Debug, Clone, Serialize)]
pub struct Flow {
    /// Packets of the initiator.
    pub pkts_toserver: u64,
    /// Packets of the responder.
    pub pkts_toclient: u64,
    /// Time of the first packet.
    pub start: String,
    /// Time of the last packet.
    pub end: String,
    /// Whole seconds between them.
    pub age: u64,
    /// "new", "established" or "closed".
    pub state: &'static str,
    /// "timeout" for a connection that ended, "shutdown" for one that the capture ended.
    pub reason: &'static str,
    /// Always false: there are no rules.
    pub alerted: bool,
}

/// Something odd.
#[derive(Debug, Clone, Serialize)]
pub struct Anomaly {
    /// "ftp" beside type "applayer".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_proto: Option<&'static str>,
    /// "stream" or "applayer".
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Suricata's name where it has one, otherwise the finding's code.
    pub event: String,
    /// "proto_parser" beside type "applayer".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<&'static str>,
}

/// A finding in short.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// "high", "medium", "low" or "info".
    pub severity: port21_analysis::report::Severity,
    /// A few words.
    pub title: String,
    /// What happened.
    pub detail: String,
    /// Packets that prove it.
    pub packets: Vec<u64>,
}

impl Event {
    /// An event of a connection, from one end to the other.
    pub fn new(connection: &Connection, from: Endpoint, to: Endpoint, moment: Moment, body: Body) -> Event {
        Event {
            timestamp: timestamp(moment.time),
            flow_id: Some(flow_id(connection)),
            pcap_cnt: moment.packet,
            event_type: match body {
                Body::Ftp { .. } => "ftp",
                Body::FtpData { .. } => "ftp_data",
                Body::FileInfo { .. } => "fileinfo",
                Body::Flow { .. } => "flow",
                Body::Anomaly { .. } => "anomaly",
                Body::Dns { .. } => "dns",
            },
            src_ip: from.address,
            src_port: from.port,
            dest_ip: to.address,
            dest_port: to.port,
            proto: "TCP",
            pkt_src: "wire/pcap",
            community_id: connection.community_id.clone(),
            tx_id: None,
            app_proto: None,
            body,
        }
    }

    /// An event of DNS, which Suricata tells from the client to the server in both directions. What is not known is left out:
    /// of questions over TCP, which flow it was.
    pub fn of_dns(transaction: &DnsTransaction, moment: Moment, dns: Dns) -> Event {
        let (client, server) = (transaction.client, transaction.server);
        let (proto, number) = if transaction.transport == "tcp" { ("TCP", TCP) } else { ("UDP", UDP) };
        let community_id = community_id(client, server, number);
        Event {
            timestamp: timestamp(moment.time),
            flow_id: (number == UDP).then(|| identifier(&community_id)),
            pcap_cnt: moment.packet,
            event_type: "dns",
            src_ip: client.0,
            src_port: client.1,
            dest_ip: server.0,
            dest_port: server.1,
            proto,
            pkt_src: "wire/pcap",
            community_id,
            tx_id: None,
            app_proto: None,
            body: Body::Dns { dns },
        }
    }

    /// The number of the command in its connection.
    pub fn with_transaction(self, number: u64) -> Event {
        Event { tx_id: Some(number), ..self }
    }

    /// What the connection carries.
    pub fn with_app_proto(self, protocol: &'static str) -> Event {
        Event { app_proto: Some(protocol), ..self }
    }
}

/// "2024-03-14T09:26:53.589793+0000".
pub fn timestamp(time: Timestamp) -> String {
    format!("{}+0000", calendar(time).strftime("%Y-%m-%dT%H:%M:%S.%6f"))
}

/// A number for the connection. Suricata's is half random; this one follows from the capture.
fn flow_id(connection: &Connection) -> u64 {
    let Connection { community_id, stream, first_packet, .. } = connection;
    identifier(&format!("{community_id} {stream} {first_packet}"))
}

fn identifier(seed: &str) -> u64 {
    let hash = Sha256::digest(seed.as_bytes());
    let number = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    // Readers of JSON keep whole numbers exactly up to 2^53 only.
    number >> 12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_suricata_does() {
        assert_eq!(timestamp(Timestamp(1_710_408_413_589_793_999)), "2024-03-14T09:26:53.589793+0000");
    }
}

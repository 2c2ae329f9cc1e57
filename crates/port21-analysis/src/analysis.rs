//! The whole way from decoded packets to finished sessions.

use std::collections::BTreeMap;
use std::net::IpAddr;

use port21_capture::decode::Stop;
use port21_capture::{Decoded, Timestamp, Transport};

use crate::findings::{self, SessionSummary};
use crate::ftp::Stage;
use crate::names::{DNS_PORT, Envelope};
use crate::report::{Connection, Count, Finding, Session, Totals};
use crate::tcp::{Dropped, Limits, Tracker};

/// What to do beyond the sessions themselves, and how far to go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Give passwords as they were sent, instead of `<hidden>`.
    pub show_passwords: bool,
    /// Compute SHA-256 of transferred bytes.
    pub hash: bool,
    /// Keep every TCP connection, for [`Analysis::take_connections`].
    pub record_connections: bool,
    /// Keep every DNS transaction, for [`Analysis::take_dns`].
    pub record_dns: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { show_passwords: false, hash: true, record_connections: false, record_dns: false }
    }
}

/// A DNS question and what was answered.
#[derive(Debug, Clone)]
pub struct DnsTransaction {
    /// Who asked.
    pub client: (IpAddr, u16),
    /// Who was asked.
    pub server: (IpAddr, u16),
    /// "udp" or "tcp".
    pub transport: &'static str,
    /// Transaction identifier.
    pub id: u16,
    /// Name asked for, without the final dot.
    pub query: String,
    /// Type asked for, by name ("A", "AAAA").
    pub query_type: String,
    /// Its number.
    pub query_type_number: u16,
    /// Packet and time of the question.
    pub asked: Option<(u64, Timestamp)>,
    /// Packet and time of the answer.
    pub answered: Option<(u64, Timestamp)>,
    /// Response code.
    pub response_code: Option<u16>,
    /// Answers as text (addresses, names) with their time to live in seconds.
    pub answers: Vec<(String, u32)>,
    /// Flags: authoritative, truncated, recursion desired, recursion available.
    pub flags: [bool; 4],
}

/// Sessions with rejected logins that are remembered, to see whether passwords are being guessed across them.
const LOGIN_LIMIT: usize = 1 << 16;

/// Takes packets, gives sessions as they end.
#[derive(Debug)]
pub struct Analysis {
    tracker: Tracker,
    stage: Stage,
    totals: Totals,
    undecoded: BTreeMap<Stop, u64>,
    sessions: Vec<Session>,
    logins: Vec<SessionSummary>,
}

/// What is left when the input ends.
#[derive(Debug)]
pub struct Finished {
    /// Sessions that had not been taken yet, in the order in which they ended.
    pub sessions: Vec<Session>,
    /// Sums over everything.
    pub totals: Totals,
    /// Findings that belong to no session.
    pub findings: Vec<Finding>,
}

impl Analysis {
    /// Starts with nothing.
    pub fn new(options: Options) -> Self {
        Analysis {
            tracker: Tracker::new(Limits::default()),
            stage: Stage::new(&options),
            totals: Totals::default(),
            undecoded: BTreeMap::new(),
            sessions: Vec::new(),
            logins: Vec::new(),
        }
    }

    /// Takes one packet in; packets must come in the order of their numbers.
    pub fn packet(&mut self, decoded: &Decoded<'_>) {
        if self.totals.packets == 0 {
            self.stage.set_epoch(decoded.time);
        }
        self.totals.packets += 1;
        if let Some(stop) = decoded.stopped {
            self.totals.undecoded_packets += 1;
            *self.undecoded.entry(stop).or_default() += 1;
        }
        match (&decoded.transport, decoded.addresses) {
            (Some(Transport::Tcp(segment)), Some(_)) => {
                self.totals.tcp_packets += 1;
                self.tracker.segment(decoded, segment, &mut self.stage);
            }
            (
                Some(Transport::Udp { source_port, destination_port, payload }),
                Some((source, destination)),
            ) if *source_port == DNS_PORT || *destination_port == DNS_PORT => {
                let envelope = Envelope {
                    source: (source, *source_port),
                    destination: (destination, *destination_port),
                    transport: "udp",
                    packet: decoded.packet,
                    time: decoded.time,
                };
                self.stage.names.message(envelope, payload);
            }
            (Some(Transport::Unreachable { kind, code, quoted_tcp: Some(quoted) }), _) => {
                self.tracker.unreachable(decoded, *quoted, *kind, *code);
            }
            _ => {}
        }
        if !self.stage.finished.is_empty() {
            self.collect();
        }
    }

    /// The input pauses, and perhaps nothing more comes: sessions end whose connections are all closed, without waiting for
    /// late retransmissions. Only what comes late after this is missing in what they say.
    pub fn pause(&mut self) {
        self.tracker.pause(&mut self.stage);
        self.collect();
    }

    /// Sessions that have ended since the last call, in the order in which they ended.
    pub fn take_sessions(&mut self) -> Vec<Session> {
        std::mem::take(&mut self.sessions)
    }

    /// Connections that have ended since the last call, if recorded.
    pub fn take_connections(&mut self) -> Vec<Connection> {
        std::mem::take(&mut self.stage.connections)
    }

    /// DNS transactions that have ended since the last call, if recorded.
    pub fn take_dns(&mut self) -> Vec<DnsTransaction> {
        self.stage.names.take_transactions(false)
    }

    /// The input has ended: what is still open is reported as it stands. Connections and DNS transactions that
    /// are left must be taken after this.
    pub fn finish(&mut self) -> Finished {
        self.tracker.finish(&mut self.stage);
        self.stage.finish();
        self.collect();
        self.totals.connections = self.tracker.connections_seen();
        self.totals.undecoded_reasons = self
            .undecoded
            .iter()
            .map(|(stop, count)| Count { what: stop.to_string(), count: *count })
            .collect();
        self.totals.dropped = self.stage.dropped();
        self.totals.dropped.extend(dropped_by_tcp(self.tracker.dropped()));
        let mut found = findings::across_sessions(&self.logins);
        found.extend(self.stage.findings());
        Finished { sessions: self.take_sessions(), totals: std::mem::take(&mut self.totals), findings: found }
    }

    fn collect(&mut self) {
        for mut session in std::mem::take(&mut self.stage.finished) {
            session.findings = findings::findings(&session);
            if self.logins.len() < LOGIN_LIMIT {
                self.logins.extend(SessionSummary::of(&session));
            }
            self.totals.sessions += 1;
            self.totals.transfers += session.transfers.len() as u64;
            self.sessions.push(session);
        }
    }
}

fn dropped_by_tcp(dropped: &Dropped) -> Vec<Count> {
    let counts = [
        ("open connections given up, because there were too many", dropped.connections),
        ("closed connections forgotten early, because there were too many", dropped.closed_connections),
        ("holes given up early, because too much waited behind them", dropped.holes),
        ("bytes not kept for comparison with retransmissions", dropped.history_bytes),
        ("captured bytes without a place in their stream", dropped.bytes),
    ];
    let bitten = counts.into_iter().filter(|(_, count)| *count > 0);
    bitten.map(|(what, count)| Count { what: what.to_owned(), count }).collect()
}

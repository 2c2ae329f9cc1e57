//! The whole way from decoded packets to finished sessions.

use std::collections::BTreeMap;
use std::net::IpAddr;

use port21_capture::decode::Stop;
use port21_capture::{Decoded, Timestamp, Transport};

use crate::digest::Hashing;
use crate::findings::{self, SessionSummary};
use crate::ftp::{Concluded, Stage};
use crate::limits::{Dropped, Limits, Loss};
use crate::names::{DNS_PORT, Envelope};
use crate::report::{Connection, Count, Finding, Session, Totals, Transfer};
use crate::tcp::Tracker;

/// What to do beyond the sessions themselves, and how far to go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Give passwords as they were sent, instead of `<hidden>`.
    pub show_passwords: bool,
    /// Whether, and when, to compute SHA-256 of transferred bytes.
    pub hash: Hashing,
    /// Give the entries of listings. Without them, only those are read that a finding needs: the sizes of MLSD.
    pub entries: bool,
    /// Keep every TCP connection, for [`Analysis::take_connections`].
    pub record_connections: bool,
    /// Keep every DNS transaction, for [`Analysis::take_dns`].
    pub record_dns: bool,
    /// What bounds memory and work.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            show_passwords: false,
            hash: Hashing::Now,
            entries: true,
            record_connections: false,
            record_dns: false,
            limits: Limits::default(),
        }
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
    /// Answers in order.
    pub answers: Vec<DnsAnswer>,
    /// The second word of the answer's header, of the question's where there is none: kind, flags and response code
    /// (RFC 1035, section 4.1.1).
    pub header_flags: u16,
    /// Flags: authoritative, truncated, recursion desired, recursion available.
    pub flags: [bool; 4],
}

/// One record of a DNS answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsAnswer {
    /// Name that it is about, without the final dot.
    pub name: String,
    /// Type, by name.
    pub kind: String,
    /// What it says, as text: an address, a name with its final dot.
    pub data: String,
    /// Seconds that it may be remembered.
    pub time_to_live: u32,
}

/// Takes packets, gives sessions as they end.
///
/// ```text
/// packet() ──▶ take_ended() ──▶ EndedSession::write_down() ──▶ Session ──▶ Tally::add()
///  in order        in order           on any thread                          in order
/// end() ─────▶ take_ended() …                                   conclude(Tally) ──▶ Conclusion
/// ```
#[derive(Debug)]
pub struct Analysis {
    tracker: Tracker,
    stage: Stage,
    totals: Totals,
    undecoded: BTreeMap<Stop, u64>,
    ended: bool,
}

/// A session that is over but not written down yet. It holds all that it needs for that, so that writing down, which is
/// much of the work, can be done on any thread, in any order.
#[derive(Debug)]
pub struct EndedSession(Concluded);

impl EndedSession {
    /// The session as the report has it, with its findings.
    pub fn write_down(self) -> Session {
        let mut session = self.0.report();
        session.findings = findings::findings(&session);
        session
    }
}

/// What of a session counts for the report as a whole.
#[derive(Debug)]
pub struct Share {
    transfers: u64,
    logins: Option<SessionSummary>,
    cut_listings: u64,
}

impl Share {
    /// The share of a session that was written down.
    pub fn of(session: &Session) -> Share {
        let cut = |transfer: &&Transfer| transfer.listing.as_ref().is_some_and(|listing| listing.truncated);
        Share {
            transfers: session.transfers.len() as u64,
            logins: SessionSummary::of(session),
            cut_listings: session.transfers.iter().filter(cut).count() as u64,
        }
    }
}

/// Sums over the sessions that were written down.
#[derive(Debug)]
pub struct Tally {
    sessions: u64,
    transfers: u64,
    logins: Vec<SessionSummary>,
    most_logins: usize,
    dropped_logins: u64,
    cut_listings: u64,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(limits: &Limits) -> Tally {
        Tally {
            sessions: 0,
            transfers: 0,
            logins: Vec::new(),
            most_logins: limits.ftp.rejected,
            dropped_logins: 0,
            cut_listings: 0,
        }
    }

    /// Counts a session; they must come in the order in which they ended.
    pub fn add(&mut self, share: Share) {
        self.sessions += 1;
        self.transfers += share.transfers;
        self.cut_listings += share.cut_listings;
        match share.logins {
            Some(_) if self.logins.len() >= self.most_logins => self.dropped_logins += 1,
            logins => self.logins.extend(logins),
        }
    }
}

/// What is left to say when all sessions have been written down.
#[derive(Debug)]
pub struct Conclusion {
    /// Sums over everything.
    pub totals: Totals,
    /// Findings that belong to no session.
    pub findings: Vec<Finding>,
}

impl Analysis {
    /// Starts with nothing.
    pub fn new(options: Options) -> Self {
        Analysis {
            tracker: Tracker::new(options.limits.tcp),
            stage: Stage::new(&options),
            totals: Totals::default(),
            undecoded: BTreeMap::new(),
            ended: false,
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
    }

    /// Whether something has ended since the last call of the `take` functions.
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.stage.finished.is_empty()
            || !self.stage.connections.is_empty()
            || self.stage.names.has_transactions()
    }

    /// The input pauses, and perhaps nothing more comes: sessions end whose connections are all closed, without waiting for
    /// late retransmissions. Only what comes late after this is missing in what they say.
    pub fn pause(&mut self) {
        self.tracker.pause(&mut self.stage);
    }

    /// Sessions that have ended since the last call, in the order in which they ended.
    pub fn take_ended(&mut self) -> Vec<EndedSession> {
        std::mem::take(&mut self.stage.finished).into_iter().map(EndedSession).collect()
    }

    /// Connections that have ended since the last call, if recorded.
    pub fn take_connections(&mut self) -> Vec<Connection> {
        std::mem::take(&mut self.stage.connections)
    }

    /// DNS transactions that have ended since the last call, if recorded; after [`Analysis::end`] also those that nobody
    /// answered.
    pub fn take_dns(&mut self) -> Vec<DnsTransaction> {
        self.stage.names.take_transactions(self.ended)
    }

    /// The input has ended: what is still open ends as it stands. Sessions, connections and DNS transactions that are left
    /// must be taken after this.
    pub fn end(&mut self) {
        self.tracker.finish(&mut self.stage);
        self.stage.finish();
        self.ended = true;
    }

    /// Sums and findings, after [`Analysis::end`]; `tally` has counted every session.
    pub fn conclude(&mut self, tally: Tally) -> Conclusion {
        self.totals.sessions = tally.sessions;
        self.totals.transfers = tally.transfers;
        self.totals.connections = self.tracker.connections_seen();
        self.totals.undecoded_reasons = self
            .undecoded
            .iter()
            .map(|(stop, count)| Count { what: stop.to_string(), count: *count })
            .collect();
        let mut dropped = self.stage.dropped();
        dropped.add_many(Loss::ListingBytes, tally.cut_listings);
        dropped.add_many(Loss::Rejected, tally.dropped_logins);
        self.totals.dropped = self.dropped(dropped);
        let mut found = findings::across_sessions(&tally.logins);
        found.extend(self.stage.findings());
        Conclusion { totals: std::mem::take(&mut self.totals), findings: found }
    }

    /// What the limits have cost, and what else was left out.
    fn dropped(&self, mut dropped: Dropped) -> Vec<Count> {
        let by_tcp = self.tracker.dropped();
        dropped.add_many(Loss::Connections, by_tcp.connections);
        dropped.add_many(Loss::Holes, by_tcp.holes);
        dropped.add_many(Loss::History, by_tcp.history_bytes);
        let others = [
            (
                "packets that repeated something of a closed connection after it was reported",
                by_tcp.late_packets,
            ),
            ("captured bytes without a place in their stream", by_tcp.bytes),
        ];
        let others = others.into_iter().filter(|(_, count)| *count > 0);
        let others = others.map(|(what, count)| Count { what: what.to_owned(), count });
        dropped.counts().into_iter().chain(others).collect()
    }
}

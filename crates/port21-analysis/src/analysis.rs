//! The whole way from decoded packets to finished sessions.

use std::net::IpAddr;

use port21_capture::{Decoded, Timestamp};

use crate::report::{Connection, Finding, Session, Totals};

/// What to do beyond the sessions themselves, and how far to go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Give passwords as they were sent, instead of "<hidden>".
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

/// Takes packets, gives sessions as they end.
#[derive(Debug)]
pub struct Analysis {
    options: Options,
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
        Analysis { options }
    }

    /// Takes one packet in; packets must come in the order of their numbers.
    pub fn packet(&mut self, decoded: &Decoded<'_>) {
        let _ = (decoded, &self.options);
    }

    /// Sessions that have ended since the last call, in the order in which they ended.
    pub fn take_sessions(&mut self) -> Vec<Session> {
        Vec::new()
    }

    /// Connections that have ended since the last call, if recorded.
    pub fn take_connections(&mut self) -> Vec<Connection> {
        Vec::new()
    }

    /// DNS transactions that have ended since the last call, if recorded.
    pub fn take_dns(&mut self) -> Vec<DnsTransaction> {
        Vec::new()
    }

    /// The input has ended: what is still open is reported as it stands. Connections and DNS transactions that
    /// are left must be taken after this.
    pub fn finish(&mut self) -> Finished {
        Finished { sessions: Vec::new(), totals: Totals::default(), findings: Vec::new() }
    }
}

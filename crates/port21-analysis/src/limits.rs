//! What bounds the analysis: each limit by its name, and what it has cost.
//!
//! Nothing that a limit leaves out vanishes silently: [`Dropped`] counts it, and the report names the option that raises it.

use std::collections::BTreeMap;

use crate::report::Count;
use crate::tcp;

/// Named limits of all that packets can make grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Of following TCP.
    pub tcp: tcp::Limits,
    /// Of following FTP.
    pub ftp: FtpLimits,
    /// Of names from DNS.
    pub names: NameLimits,
}

/// Limits of following FTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FtpLimits {
    /// Commands with their replies, and replies to nothing, that are kept of one session.
    pub exchanges: usize,
    /// Replies that are kept of one command.
    pub replies: usize,
    /// Commands of one session that wait for an answer; the oldest is given up.
    pub unanswered: usize,
    /// Bytes that are kept of one line.
    pub line_bytes: usize,
    /// Bytes of one direction's lines that wait for the other direction; beyond, the capture's order is taken.
    pub waiting_bytes: usize,
    /// Bytes that all of one session may take up.
    pub session_bytes: usize,
    /// Bytes that all sessions under way may take up together.
    pub sessions_bytes: usize,
    /// Sessions that are over but wait for a connection that may belong to them; the oldest is told as it stands.
    pub waiting_sessions: usize,
    /// Remarks that are kept of one session.
    pub notes: usize,
    /// Sizes of files (SIZE) that are remembered in one session.
    pub sizes: usize,
    /// Data connections of one session.
    pub data_connections: usize,
    /// Bytes of one listing that are kept to read its entries.
    pub listing_bytes: usize,
    /// Entries of one listing.
    pub listing_entries: usize,
    /// Announced data connections that are remembered; the oldest is forgotten.
    pub announcements: usize,
    /// Connections that have ended without showing what they were; the oldest is forgotten.
    pub strangers: usize,
    /// Bytes kept of all connections that have not shown what they are; the oldest connection is forgotten.
    pub stranger_bytes: usize,
    /// Sessions with rejected logins that are remembered, to see whether passwords are being guessed.
    pub rejected: usize,
}

impl Default for FtpLimits {
    fn default() -> Self {
        FtpLimits {
            exchanges: 200_000,
            replies: 256,
            unanswered: 1024,
            line_bytes: 8192,
            waiting_bytes: 1 << 20,
            session_bytes: 64 << 20,
            sessions_bytes: 256 << 20,
            waiting_sessions: 1024,
            notes: 256,
            sizes: 4096,
            data_connections: 65_536,
            listing_bytes: 4 << 20,
            listing_entries: 100_000,
            announcements: 1 << 17,
            strangers: 4096,
            stranger_bytes: 32 << 20,
            rejected: 1 << 16,
        }
    }
}

/// Limits of names from DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameLimits {
    /// Names of addresses that are remembered; the oldest is forgotten.
    pub names: usize,
    /// Questions that wait for an answer; the oldest is given up.
    pub questions: usize,
    /// Bytes of all DNS messages over TCP that are not whole yet.
    pub message_bytes: usize,
}

impl Default for NameLimits {
    fn default() -> Self {
        NameLimits { names: 1 << 16, questions: 1 << 14, message_bytes: 4 << 20 }
    }
}

/// A limit as the command line offers it.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The option, without its two hyphens.
    pub option: &'static str,
    /// What it bounds, in one sentence without a final period.
    pub help: &'static str,
    /// Where it stands.
    pub place: fn(&mut Limits) -> &mut usize,
}

/// Every limit.
pub const LIMITS: [Limit; 29] = [
    limit("max-connections", "TCP connections followed at a time", |l| &mut l.tcp.connections),
    limit("max-closed-connections", "Closed connections kept for late retransmissions", |l| {
        &mut l.tcp.closed_connections
    }),
    limit("max-remembered-connections", "Reported connections whose late packets are still known", |l| {
        &mut l.tcp.remembered_connections
    }),
    limit("max-stream-waiting-bytes", "Bytes of one stream that wait behind a hole", |l| {
        &mut l.tcp.out_of_order_bytes_per_direction
    }),
    limit("max-waiting-bytes", "Bytes of all streams that wait behind holes", |l| {
        &mut l.tcp.out_of_order_bytes
    }),
    limit("max-waiting-segments", "Segments of all streams that wait behind holes", |l| {
        &mut l.tcp.out_of_order_segments
    }),
    limit("max-stream-waiting-segments", "Segments of one stream that wait behind a hole", |l| {
        &mut l.tcp.segments_per_direction
    }),
    limit("max-stream-history-bytes", "Last bytes of one stream, to compare retransmissions with", |l| {
        &mut l.tcp.history_bytes_per_direction
    }),
    limit("max-history-bytes", "Last bytes of all streams, to compare retransmissions with", |l| {
        &mut l.tcp.history_bytes
    }),
    limit("max-exchanges", "Commands and unasked replies of one session", |l| &mut l.ftp.exchanges),
    limit("max-replies", "Replies to one command", |l| &mut l.ftp.replies),
    limit("max-unanswered", "Commands of one session that wait for an answer", |l| &mut l.ftp.unanswered),
    limit("max-line-bytes", "Bytes of one line of a dialogue", |l| &mut l.ftp.line_bytes),
    limit("max-waiting-line-bytes", "Bytes of lines that wait for what the other side says", |l| {
        &mut l.ftp.waiting_bytes
    }),
    limit("max-session-bytes", "Bytes that one session takes up", |l| &mut l.ftp.session_bytes),
    limit("max-sessions-bytes", "Bytes that all sessions under way take up", |l| &mut l.ftp.sessions_bytes),
    limit("max-waiting-sessions", "Sessions that are over but wait for connections of theirs", |l| {
        &mut l.ftp.waiting_sessions
    }),
    limit("max-notes", "Remarks on one session", |l| &mut l.ftp.notes),
    limit("max-sizes", "Sizes of files remembered in one session", |l| &mut l.ftp.sizes),
    limit("max-data-connections", "Data connections of one session", |l| &mut l.ftp.data_connections),
    limit("max-listing-bytes", "Bytes of one listing whose entries are read", |l| &mut l.ftp.listing_bytes),
    limit("max-listing-entries", "Entries of one listing", |l| &mut l.ftp.listing_entries),
    limit("max-announcements", "Announced data connections remembered", |l| &mut l.ftp.announcements),
    limit("max-strangers", "Ended connections remembered that may turn out to be data", |l| {
        &mut l.ftp.strangers
    }),
    limit("max-stranger-bytes", "Bytes of connections that have not shown what they are", |l| {
        &mut l.ftp.stranger_bytes
    }),
    limit("max-rejected-sessions", "Sessions with rejected logins that are compared with one another", |l| {
        &mut l.ftp.rejected
    }),
    limit("max-names", "Names of addresses remembered from DNS", |l| &mut l.names.names),
    limit("max-questions", "DNS questions that wait for an answer", |l| &mut l.names.questions),
    limit("max-message-bytes", "Bytes of DNS messages over TCP that are not whole", |l| {
        &mut l.names.message_bytes
    }),
];

const fn limit(option: &'static str, help: &'static str, place: fn(&mut Limits) -> &mut usize) -> Limit {
    Limit { option, help, place }
}

/// What a limit can cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the sentences of ALL describe them")]
pub enum Loss {
    Connections,
    Holes,
    History,
    Exchanges,
    SessionBytes,
    SessionsBytes,
    Replies,
    Unanswered,
    LineBytes,
    WaitingBytes,
    WaitingSessions,
    Notes,
    Sizes,
    DataConnections,
    ListingBytes,
    Announcements,
    Strangers,
    StrangerBytes,
    Rejected,
    Names,
    Questions,
    MessageBytes,
}

impl Loss {
    /// Every loss, with what the report says of it; the option that bit stands behind.
    pub const ALL: [(Loss, &'static str); 22] = [
        (Loss::Connections, "open connections given up (--max-connections)"),
        (
            Loss::Holes,
            "holes given up early (--max-stream-waiting-bytes, --max-stream-waiting-segments, --max-waiting-bytes, \
             --max-waiting-segments)",
        ),
        (Loss::History, "bytes not kept for comparison with retransmissions (--max-history-bytes)"),
        (Loss::Exchanges, "commands and replies not kept (--max-exchanges)"),
        (Loss::SessionBytes, "commands and replies not kept (--max-session-bytes)"),
        (Loss::SessionsBytes, "commands and replies not kept (--max-sessions-bytes)"),
        (Loss::Replies, "further replies to a command not kept (--max-replies)"),
        (Loss::Unanswered, "commands no longer waited for (--max-unanswered)"),
        (Loss::LineBytes, "lines cut (--max-line-bytes)"),
        (Loss::WaitingBytes, "lines taken in the capture's order (--max-waiting-line-bytes)"),
        (
            Loss::WaitingSessions,
            "sessions told before all their connections had ended (--max-waiting-sessions)",
        ),
        (Loss::Notes, "remarks not kept (--max-notes)"),
        (Loss::Sizes, "sizes of files not remembered (--max-sizes)"),
        (Loss::DataConnections, "data connections not kept (--max-data-connections)"),
        (Loss::ListingBytes, "listings read in part (--max-listing-bytes, --max-listing-entries)"),
        (Loss::Announcements, "announced data connections forgotten (--max-announcements)"),
        (Loss::Strangers, "connections forgotten before anything showed what they were (--max-strangers)"),
        (
            Loss::StrangerBytes,
            "connections forgotten before anything showed what they were (--max-stranger-bytes)",
        ),
        (Loss::Rejected, "sessions with rejected logins not compared (--max-rejected-sessions)"),
        (Loss::Names, "names of addresses forgotten (--max-names)"),
        (Loss::Questions, "DNS questions forgotten before their answer (--max-questions)"),
        (Loss::MessageBytes, "streams of DNS over TCP not read (--max-message-bytes)"),
    ];
}

/// What limits have cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped(BTreeMap<Loss, u64>);

impl Dropped {
    /// Counts one loss.
    pub fn add(&mut self, loss: Loss) {
        self.add_many(loss, 1);
    }

    /// Counts so many losses of a kind.
    pub fn add_many(&mut self, loss: Loss, count: u64) {
        if count > 0 {
            let sum = self.0.entry(loss).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// Takes over the losses of another.
    pub fn take(&mut self, other: Dropped) {
        other.0.into_iter().for_each(|(loss, count)| self.add_many(loss, count));
    }

    /// What the report says.
    pub fn counts(&self) -> Vec<Count> {
        let told = Loss::ALL.iter().filter_map(|(loss, what)| Some((*what, *self.0.get(loss)?)));
        told.map(|(what, count)| Count { what: what.to_owned(), count }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_an_option_and_every_option_sets_one() {
        let mut limits = Limits::default();
        for (number, limit) in LIMITS.iter().enumerate() {
            *(limit.place)(&mut limits) = 1000 + number;
        }
        // Every field by its name: one more field does not compile without having been thought of here.
        let tcp::Limits {
            connections,
            closed_connections,
            quiet_seconds: _,
            remembered_connections,
            out_of_order_bytes_per_direction,
            out_of_order_bytes,
            segments_per_direction,
            out_of_order_segments,
            history_bytes_per_direction,
            history_bytes,
        } = limits.tcp;
        let FtpLimits {
            exchanges,
            replies,
            unanswered,
            line_bytes,
            waiting_bytes,
            session_bytes,
            sessions_bytes,
            waiting_sessions,
            notes,
            sizes,
            data_connections,
            listing_bytes,
            listing_entries,
            announcements,
            strangers,
            stranger_bytes,
            rejected,
        } = limits.ftp;
        let NameLimits { names, questions, message_bytes } = limits.names;
        let tcp = [connections, closed_connections, remembered_connections, out_of_order_bytes_per_direction];
        let buffers = [
            out_of_order_bytes,
            out_of_order_segments,
            segments_per_direction,
            history_bytes_per_direction,
            history_bytes,
        ];
        let dialogue = [
            exchanges,
            replies,
            unanswered,
            line_bytes,
            waiting_bytes,
            session_bytes,
            sessions_bytes,
            waiting_sessions,
        ];
        let rest = [notes, sizes, data_connections, listing_bytes, listing_entries, announcements, strangers];
        let all = [
            &tcp[..],
            &buffers,
            &dialogue,
            &rest,
            &[stranger_bytes, rejected, names, questions, message_bytes],
        ]
        .concat();
        assert_eq!(all, (1000..1000 + LIMITS.len()).collect::<Vec<_>>());
    }

    #[test]
    fn every_option_is_named_where_it_bites() {
        // What is older than these is forgotten in any long capture, and nothing is lost unless something comes late, which
        // is counted by itself.
        let memories = ["max-stream-history-bytes", "max-remembered-connections", "max-closed-connections"];
        for limit in LIMITS.iter().filter(|limit| !memories.contains(&limit.option)) {
            let option = format!("--{}", limit.option);
            let told = Loss::ALL
                .iter()
                .filter(|(_, what)| what.split(['(', ')', ',', ' ']).any(|word| word == option));
            assert_eq!(told.count(), 1, "{option}");
        }
    }
}

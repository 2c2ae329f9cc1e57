//! The whole way from decoded packets to finished sessions.

mod follower;
mod spread;
#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use port21_capture::{Decoded, Executor, Timestamp};

use crate::digest::Hashing;
use crate::findings::{self, SessionSummary};
use crate::ftp::{AtOnce, Concluded, Events, Stage};
use crate::limits::{Dropped, Limits, Loss};
use crate::report::{Connection, Count, Finding, Session, Totals, Transfer};
use follower::Follower;
use spread::Spread;

/// What to do beyond the sessions themselves, and how far to go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Give passwords as they were sent, instead of `<hidden>`.
    pub show_passwords: bool,
    /// Whether, and when, to compute SHA-256 of transferred bytes.
    pub hash: Hashing,
    /// Give the entries of listings. Without them, only those are read that a finding needs: the sizes of MLSD.
    pub entries: bool,
    /// Tell of every TCP connection that has ended.
    pub record_connections: bool,
    /// Tell of every DNS transaction that has ended.
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
/// packet() ──▶ take_news() ──▶ EndedSession::write_down() ──▶ Session ──▶ Tally::add()
///  in order        in order          on any thread                          in order
/// end() ─────▶ take_news() …                                   conclude(Tally) ──▶ Conclusion
/// ```
#[derive(Debug)]
pub struct Analysis {
    follower: Follower,
    /// Unless it is at work elsewhere.
    stage: Option<Box<Stage>>,
    spread: Option<Spread>,
    /// What has ended, of a stage that is at work elsewhere again.
    news: Vec<News>,
}

/// Something that has ended.
#[derive(Debug)]
pub enum News {
    /// A session.
    Session(Box<EndedSession>),
    /// A TCP connection; only with [`Options::record_connections`].
    Connection(Box<Connection>),
    /// A DNS transaction; only with [`Options::record_dns`].
    Names(Box<DnsTransaction>),
}

/// A session that is over but not written down yet. It holds all that it needs for that, so that writing down, which is
/// much of the work, can be done on any thread, in any order.
#[derive(Debug)]
pub struct EndedSession(pub(crate) Concluded);

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
            follower: Follower::new(options.limits.tcp),
            stage: Some(Box::new(Stage::new(&options))),
            spread: None,
            news: Vec::new(),
        }
    }

    /// The same, which may have `executor` understand what was said while TCP is followed further. What comes of it is the same, a
    /// few packets later.
    pub fn spread(options: Options, executor: Arc<dyn Executor>) -> Self {
        Analysis { spread: Some(Spread::new(executor)), ..Analysis::new(options) }
    }

    /// Takes one packet in; packets must come in the order of their numbers.
    pub fn packet(&mut self, decoded: &Decoded<'_>) {
        if self.follower.is_chatty()
            && let Some(spread) = &mut self.spread
        {
            if self.follower.packet(decoded, &mut spread.events) {
                self.hand_out();
            }
            return;
        }
        let promptly = !self.follower.is_chatty();
        let Some(stage) = at_home(&mut self.stage, &mut self.spread, &mut self.follower) else { return };
        if self.follower.totals.packets == 0 {
            stage.set_epoch(decoded.time);
        }
        if self.follower.packet(decoded, &mut AtOnce { stage, promptly }) {
            self.follower.note_unwanted(true, stage.take_unwanted());
            self.follower.begin_batch();
        }
    }

    /// A batch of what was told is complete: the stage is to hear it elsewhere.
    fn hand_out(&mut self) {
        let Some(spread) = &mut self.spread else { return };
        let Some(mut stage) = self.stage.take().or_else(|| spread.fetch()) else {
            // The batch before was given up, as [`Analysis::settle`] will tell.
            spread.events = Events::default();
            return;
        };
        self.follower.note_unwanted(false, stage.take_unwanted());
        self.follower.begin_batch();
        self.news.append(&mut stage.news);
        spread.send(stage);
    }

    /// Understands everything that was said so far, so that all that has ended can be taken.
    ///
    /// # Errors
    ///
    /// The executor gave up what it was asked to do before.
    pub fn settle(&mut self) -> io::Result<()> {
        let stage = at_home(&mut self.stage, &mut self.spread, &mut self.follower).ok_or_else(given_up)?;
        self.news.append(&mut stage.news);
        Ok(())
    }

    /// Whether something has ended since the last call of [`Analysis::take_news`].
    #[inline]
    pub fn has_news(&self) -> bool {
        !self.news.is_empty() || self.stage.as_deref().is_some_and(|stage| !stage.news.is_empty())
    }

    /// The input pauses, and perhaps nothing more comes: sessions end whose connections are all closed, without waiting for
    /// late retransmissions. Only what comes late after this is missing in what they say.
    pub fn pause(&mut self) {
        if let Some(stage) = at_home(&mut self.stage, &mut self.spread, &mut self.follower) {
            self.follower.tracker.pause(&mut AtOnce { stage, promptly: false });
            self.follower.note_unwanted(true, stage.take_unwanted());
        }
    }

    /// What has ended since the last call, in the order in which it ended.
    pub fn take_news(&mut self) -> Vec<News> {
        if let Some(stage) = &mut self.stage {
            self.news.append(&mut stage.news);
        }
        std::mem::take(&mut self.news)
    }

    /// The input has ended: what is still open ends as it stands. What is left of the news must be taken after this, among it DNS
    /// transactions that nobody answered.
    pub fn end(&mut self) {
        if let Some(stage) = at_home(&mut self.stage, &mut self.spread, &mut self.follower) {
            self.follower.tracker.finish(&mut AtOnce { stage, promptly: false });
            stage.finish();
            stage.tell_names(true);
        }
    }

    /// Sums and findings, after [`Analysis::end`]; `tally` has counted every session.
    pub fn conclude(&mut self, tally: Tally) -> Conclusion {
        let mut totals = std::mem::take(&mut self.follower.totals);
        totals.sessions = tally.sessions;
        totals.transfers = tally.transfers;
        totals.connections = self.follower.tracker.connections_seen();
        totals.undecoded_reasons = self
            .follower
            .undecoded
            .iter()
            .map(|(stop, count)| Count { what: stop.to_string(), count: *count })
            .collect();
        let mut found = findings::across_sessions(&tally.logins);
        let mut dropped = Dropped::default();
        if let Some(stage) = &mut self.stage {
            dropped = stage.dropped();
            found.extend(stage.findings());
        }
        dropped.add_many(Loss::ListingBytes, tally.cut_listings);
        dropped.add_many(Loss::Rejected, tally.dropped_logins);
        totals.dropped = self.dropped(dropped);
        Conclusion { totals, findings: found }
    }

    /// What the limits have cost, and what else was left out.
    fn dropped(&self, mut dropped: Dropped) -> Vec<Count> {
        let by_tcp = self.follower.tracker.dropped();
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

/// The stage, which has heard everything.
fn at_home<'a>(
    stage: &'a mut Option<Box<Stage>>,
    spread: &mut Option<Spread>,
    follower: &mut Follower,
) -> Option<&'a mut Stage> {
    if let Some(spread) = spread {
        if stage.is_none() {
            let mut fetched = spread.fetch()?;
            follower.note_unwanted(false, fetched.take_unwanted());
            *stage = Some(fetched);
        }
        if let Some(stage) = stage.as_deref_mut().filter(|_| !spread.events.is_empty()) {
            spread.events.tell(stage);
            follower.note_unwanted(true, stage.take_unwanted());
        }
    }
    stage.as_deref_mut()
}

fn given_up() -> io::Error {
    io::Error::other("the analysis was given up; this is a mistake in port21")
}

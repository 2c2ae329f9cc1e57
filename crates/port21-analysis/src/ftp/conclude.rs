//! The end of a session: what no announcement tells is paired where only one connection fits, and the session is ready
//! to be written down.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::session::{Session, Unpaired};
use super::stage::{EARLY, Role, Stage, is_opened};
use super::stranger::Stranger;
use crate::analysis::{EndedSession, News};
use crate::limits::Loss;
use crate::report::{self, Pairing};
use crate::tcp::Connection;

/// So many transfers of one session are looked for among the connections that nobody announced.
const GUESSES: usize = 4096;

/// Of so many other sessions between the same hosts it is looked at whether a connection may be theirs.
const OTHERS: usize = 16;

/// Captures show packets in another order than they were sent within so many nanoseconds.
const SWAPPED: i64 = 20_000_000;

/// A session that is over, with all that is needed to write it down: nothing else of the stage, so that it can be done
/// on any thread.
#[derive(Debug)]
pub struct Concluded {
    session: Box<Session>,
    control: Arc<Connection>,
    /// Which transfers of other sessions, by session and stream, used the same data connections.
    counterparts: BTreeMap<(u64, u64), u64>,
}

impl Concluded {
    /// Writes the session down, without findings.
    pub fn report(self) -> report::Session {
        let Concluded { session, control, counterparts } = self;
        session.report(&control, |other, stream| counterparts.get(&(other, stream)).copied())
    }
}

impl Stage {
    /// Concludes a session whose control connection has ended, unless something that may belong to it still goes on.
    pub(super) fn conclude_if_over(&mut self, id: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        if !self.controls.contains_key(&id) {
            return;
        }
        if session.waits_for_data() {
            return self.wait(id);
        }
        let may_come = self.pairs.has_alive([session.client.address, session.server.address]);
        if may_come && (session.is_partial() || !session.unpaired().is_empty()) {
            return self.wait(id);
        }
        self.conclude(id);
    }

    /// Lets a session wait; where too many do, the oldest does not any longer.
    fn wait(&mut self, id: u64) {
        self.waiting.insert(id);
        if self.waiting.len() > self.limits.waiting_sessions
            && let Some(oldest) = self.waiting.pop_first()
        {
            self.dropped.add(Loss::WaitingSessions);
            self.conclude(oldest);
        }
    }

    /// Finds data connections for what is left without one, and writes the session down.
    pub(super) fn conclude(&mut self, id: u64) {
        self.guess(id);
        let announcements = self.sessions.get(&id).map_or(0, |session| session.announcements.len());
        for index in 0..announcements {
            self.unwatch(id, index);
        }
        let Some(mut session) = self.sessions.remove(&id) else { return };
        self.waiting.remove(&id);
        self.kept = self.kept.saturating_sub(session.bytes);
        session.dropped.add_many(Loss::WaitingBytes, session.control.hurried);
        self.dropped.take(std::mem::take(&mut session.dropped));
        let Some(control) = self.controls.remove(&id) else { return };
        self.pairs.remove_session(session.client.address, session.server.address, id);
        let counterparts = self.counterparts(id, &session);
        let ended = EndedSession(Concluded { session, control, counterparts });
        self.news.push(News::Session(Box::new(ended)));
    }

    /// Which transfers of other sessions the shared data connections of a session were; what the other sessions will ask of
    /// this one is remembered until they do.
    fn counterparts(&mut self, id: u64, session: &Session) -> BTreeMap<(u64, u64), u64> {
        let shared = session.shared_streams();
        let ours: BTreeMap<u64, u64> = match shared.is_empty() {
            true => BTreeMap::new(),
            false => session.transfer_streams().into_iter().collect(),
        };
        let mut theirs: BTreeMap<u64, BTreeMap<u64, u64>> = BTreeMap::new();
        let mut found = BTreeMap::new();
        for (other, stream) in shared {
            let live = self.sessions.get(&other);
            let transfer = match live {
                Some(live) => {
                    let streams =
                        theirs.entry(other).or_insert_with(|| live.transfer_streams().into_iter().collect());
                    streams.get(&stream).copied()
                }
                None => self.shared.remove(&(other, stream)),
            };
            if let (Some(_), Some(transfer)) = (live, ours.get(&stream)) {
                self.shared.insert((id, stream), *transfer);
            }
            found.extend(transfer.map(|transfer| ((other, stream), transfer)));
        }
        found
    }

    fn has_ended(&self, stream: u64) -> bool {
        matches!(self.roles.get(&stream), Some(Role::Stranger(stranger)) if stranger.ended.is_some())
    }

    /// Pairs what no announcement tells, where only one connection fits.
    pub(super) fn guess(&mut self, id: u64) {
        let Some(session) = self.sessions.get(&id) else { return };
        let ends = [session.client.address, session.server.address];
        let owner = Owner::new(session, self.others(id, ends));
        let mut ended: Vec<u64> = self.pairs.of(ends).filter(|stream| self.has_ended(*stream)).collect();
        for unpaired in session.unpaired().into_iter().take(GUESSES) {
            let fits = |stream: u64| {
                let Some(Role::Stranger(stranger)) = self.roles.get(&stream) else { return None };
                owner.may_be(stranger, &unpaired).then(|| (stream, owner.is_only_one_for(stranger)))
            };
            let candidates: Vec<(u64, bool)> = ended.iter().copied().filter_map(fits).collect();
            if let [(stream, only_owner)] = candidates.as_slice()
                && (*only_owner || unpaired.until.is_some())
            {
                self.give(id, Some(unpaired.transfer), *stream);
                ended.retain(|left| left != stream);
            }
        }
        if owner.partial {
            self.guess_without_commands(id, ends, &owner);
        }
    }

    /// What is left between two hosts belongs to a session of which not all was seen, unless another one may have used it:
    /// then it is nobody's for certain, and stays so when that other one is over.
    fn guess_without_commands(&mut self, id: u64, ends: [IpAddr; 2], owner: &Owner) {
        let (mut orphans, mut contested) = (Vec::new(), Vec::new());
        for stream in self.pairs.of(ends) {
            match self.roles.get(&stream) {
                Some(Role::Stranger(stranger)) if !owner.is_only_one_for(stranger) => contested.push(stream),
                Some(Role::Stranger(stranger)) if owner.may_have_used(stranger) => {
                    orphans.push((stranger.first_packet, stream));
                }
                _ => {}
            }
        }
        for stream in contested {
            if let Some(Role::Stranger(stranger)) = self.roles.get_mut(&stream) {
                stranger.contested |= stranger.first_packet > owner.logged_in;
            }
        }
        orphans.sort_unstable();
        for (_, stream) in orphans {
            self.give(id, None, stream);
        }
    }

    /// The packets in which the other sessions between two hosts were logged in: none of them used a data connection
    /// before. `None`: there are too many to look at.
    fn others(&self, id: u64, ends: [IpAddr; 2]) -> Option<Vec<u64>> {
        let others: Vec<u64> =
            self.pairs.sessions_between(ends).filter(|other| *other != id).take(OTHERS + 1).collect();
        let logged_in = |other: u64| self.sessions.get(&other).map_or(0, |session| session.logged_in);
        (others.len() <= OTHERS).then(|| others.into_iter().map(logged_in).collect())
    }

    /// Gives a stranger to a session as the data connection of a transfer, or as one whose command is not in the capture.
    pub(super) fn give(&mut self, id: u64, transfer: Option<usize>, stream: u64) {
        let Some(Role::Stranger(stranger)) = self.roles.remove(&stream) else { return };
        self.pairs.remove_stranger(stream, stranger.ends, stranger.ended.is_none());
        self.strangers.remove(stream);
        let (Some(ended), Some(session)) =
            (stranger.into_ended(Pairing::Guessed), self.sessions.get_mut(&id))
        else {
            return;
        };
        match transfer {
            Some(transfer) => session.guess(transfer, ended),
            None => session.data_without_command(ended),
        }
    }
}

/// What tells whether a connection that nobody announced is a session's.
struct Owner {
    client: IpAddr,
    same_host: bool,
    began: i64,
    partial: bool,
    hidden: bool,
    /// Packet in which it was logged in, if that was seen.
    logged_in: u64,
    /// Times of the commands that began its transfers, ascending.
    commands: Vec<i64>,
    /// The same of the other sessions between its hosts, unless there are too many.
    others: Option<Vec<u64>>,
}

impl Owner {
    fn new(session: &Session, others: Option<Vec<u64>>) -> Self {
        let mut commands: Vec<i64> =
            session.transfers.iter().filter_map(|transfer| Some(transfer.command?.1)).collect();
        commands.sort_unstable();
        Owner {
            client: session.client.address,
            same_host: session.client.address == session.server.address,
            began: session.began,
            partial: session.is_partial(),
            hidden: session.is_hidden(),
            logged_in: session.logged_in,
            commands,
            others,
        }
    }

    /// Whether a connection may be that of a transfer: as to time and direction.
    fn may_be(&self, stranger: &Stranger, unpaired: &Unpaired) -> bool {
        let Some(connection) = &stranger.ended else { return false };
        let in_time = stranger.times.1 >= unpaired.from.unwrap_or(self.began).saturating_sub(EARLY)
            && unpaired.until.is_none_or(|until| stranger.times.0 <= until.saturating_add(EARLY));
        let client_is = |end: usize| stranger.ends.get(end).is_some_and(|e| e.address == self.client);
        let [a, b] = [&stranger.contents[0], &stranger.contents[1]].map(|content| content.length);
        let from_client = if self.same_host || a == b { None } else { Some(client_is(usize::from(b > a))) };
        let upload = unpaired.upload;
        let direction = upload.is_none() || from_client.is_none() || from_client == upload;
        is_opened(connection) && in_time && direction && !stranger.is_other && self.may_reach(stranger)
    }

    /// Whether it looks like data of a transfer whose command was not seen.
    fn may_have_used(&self, stranger: &Stranger) -> bool {
        let Some(connection) = &stranger.ended else { return false };
        let one_way = stranger.contents.iter().filter(|content| content.length > 0).count() == 1;
        is_opened(connection)
            && stranger.times.1 >= self.began.saturating_sub(EARLY)
            && self.may_reach(stranger)
            && (one_way || self.hidden && stranger.length() > 0)
    }

    /// Whether nothing in the dialogue speaks against the connection: it began after the login, and no transfer was asked
    /// for while it carried data, since a session has one at a time (RFC 959, section 5.1).
    fn may_reach(&self, stranger: &Stranger) -> bool {
        let times = || stranger.contents.iter().filter_map(|content| content.times);
        let first = times().map(|(first, _)| first).min();
        let last = times().map(|(_, last)| last).max();
        let during = first.zip(last).is_some_and(|(first, last)| {
            let later = self.commands.partition_point(|command| *command <= first.saturating_add(SWAPPED));
            self.commands.get(later).is_some_and(|command| *command < last)
        });
        stranger.first_packet > self.logged_in && !during
    }

    /// Whether no other session can have used the connection.
    fn is_only_one_for(&self, stranger: &Stranger) -> bool {
        let before_all = |others: &Vec<u64>| others.iter().all(|login| stranger.first_packet < *login);
        !stranger.contested && self.others.as_ref().is_some_and(before_all)
    }
}

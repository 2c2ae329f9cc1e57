//! The end of a session: what no announcement tells is paired where only one connection fits, and the session is ready
//! to be written down.

use std::collections::BTreeMap;

use super::session::{Session, Unpaired};
use super::stage::{EARLY, Role, Stage};
use crate::limits::Loss;
use crate::report::{self, Pairing};

/// So many transfers of one session are looked for among the connections that nobody announced.
const GUESSES: usize = 4096;

/// A session that is over, with all that is needed to write it down: nothing else of the stage, so that it can be done
/// on any thread.
#[derive(Debug)]
pub struct Concluded {
    session: Box<Session>,
    control: report::Connection,
    /// Which transfers of other sessions, by session and stream, used the same data connections.
    counterparts: BTreeMap<(u64, u64), u64>,
}

impl Concluded {
    /// Writes the session down, without findings.
    pub fn report(self) -> report::Session {
        let Concluded { session, control, counterparts } = self;
        session.report(control, |other, stream| counterparts.get(&(other, stream)).copied())
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
        self.finished.push(Concluded { session, control, counterparts });
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
        let alone = self.pairs.has_one_session(ends);
        let hidden = session.is_hidden();
        let partial = session.is_partial();
        let (client, began) = (session.client.address, session.began);
        let same_host = session.client.address == session.server.address;
        let mut ended: Vec<u64> = self.pairs.of(ends).filter(|stream| self.has_ended(*stream)).collect();
        for Unpaired { transfer, from, until, upload } in session.unpaired().into_iter().take(GUESSES) {
            let fits = |stream: u64| {
                let Some(Role::Stranger(s)) = self.roles.get(&stream) else { return None };
                let (_, opened, _) = s.ended.as_deref()?;
                let in_time = s.times.1 >= from.unwrap_or(began).saturating_sub(EARLY)
                    && until.is_none_or(|until| s.times.0 <= until.saturating_add(EARLY));
                let client_is = |end: usize| s.ends.get(end).is_some_and(|e| e.address == client);
                let [a, b] = [&s.contents[0], &s.contents[1]].map(|content| content.length);
                let from_client =
                    if same_host || a == b { None } else { Some(client_is(usize::from(b > a))) };
                let direction = upload.is_none() || from_client.is_none() || from_client == upload;
                (*opened && in_time && direction && !s.is_other).then_some((s.first_packet, stream))
            };
            let candidates: Vec<(u64, u64)> = ended.iter().copied().filter_map(fits).collect();
            if let ([(_, stream)], true) = (candidates.as_slice(), alone || until.is_some()) {
                self.give(id, Some(transfer), *stream);
                ended.retain(|left| left != stream);
            }
        }
        if partial && alone {
            let data = |stream: u64| {
                let Some(Role::Stranger(s)) = self.roles.get(&stream) else { return None };
                let (_, opened, _) = s.ended.as_deref()?;
                let one_way = s.contents.iter().filter(|content| content.length > 0).count() == 1;
                let fits = *opened
                    && s.times.1 >= began.saturating_sub(EARLY)
                    && (one_way || hidden && s.length() > 0);
                fits.then_some((s.first_packet, stream))
            };
            let mut orphans: Vec<(u64, u64)> = self.pairs.of(ends).filter_map(data).collect();
            orphans.sort_unstable();
            for (_, stream) in orphans {
                self.give(id, None, stream);
            }
        }
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

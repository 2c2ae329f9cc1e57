//! What becomes of connections of which it is not known what they are: remembered within bounds, or forgotten.

use std::sync::Arc;

use super::recognise::CONTROL_PORT;
use super::stage::{ATTEMPT_LIMIT, Role, Stage, is_opened};
use super::stranger::Stranger;
use crate::limits::Loss;
use crate::tcp::{self, Connection, End, Unneeded};

impl Stage {
    /// A stranger has ended; what it was may become known later.
    pub(super) fn stranger_ended(&mut self, connection: Arc<Connection>, mut stranger: Box<Stranger>) {
        let nothing = !is_opened(&connection) && stranger.length() == 0;
        if nothing && connection.end(End::Responder).port == CONTROL_PORT && connection.syn.is_some() {
            self.control_not_opened(&connection);
        }
        let (ends, stream) = (stranger.ends, connection.stream);
        stranger.ended = Some(connection);
        stranger.events = Vec::new();
        if nothing && !self.pairs.has_session(ends) {
            self.pairs.remove_stranger(stream, ends, true);
            self.strangers.remove(stream);
            return;
        }
        stranger.contents.iter_mut().for_each(|content| content.end(true, &self.hash));
        let kept = stranger.kept();
        self.roles.insert(stream, Role::Stranger(stranger));
        if let Some((stream, ends)) = self.pairs.stranger_ended(stream, ends)
            && matches!(self.roles.get(&stream), Some(Role::Stranger(stranger)) if stranger.ended.is_some())
        {
            self.pairs.remove_stranger(stream, ends, false);
            self.strangers.remove(stream);
            self.roles.remove(&stream);
        }
        self.keep_stranger(stream, kept);
        self.conclude_between(ends);
    }

    /// A stranger takes up so many bytes now: where all take up too many, the oldest are forgotten.
    pub(super) fn keep_stranger(&mut self, stream: u64, bytes: usize) {
        self.strangers.set(stream, bytes);
        while self.strangers.total > self.limits.stranger_bytes
            && let Some(oldest) = self.strangers.oldest()
        {
            self.dropped.add(Loss::StrangerBytes);
            self.forget_stranger(oldest);
        }
    }

    /// Nothing will be known of a stranger; what it sends is only counted.
    pub(super) fn forget_stranger(&mut self, stream: u64) {
        self.strangers.remove(stream);
        let Some(Role::Stranger(stranger)) = self.roles.remove(&stream) else { return };
        let alive = stranger.ended.is_none();
        self.pairs.remove_stranger(stream, stranger.ends, alive);
        if alive {
            self.roles.insert(stream, Role::Ignored);
            self.spare(stranger.scope, stranger.ends, stream, Unneeded::AllButItsEnd);
            self.conclude_between(stranger.ends);
        }
    }

    /// Concludes the sessions between two hosts that waited for a stranger, if none is left. While one goes on, whatever
    /// waits for a stranger waits for that one.
    fn conclude_between(&mut self, ends: [tcp::Endpoint; 2]) {
        if !self.pairs.has_alive(ends.map(|end| end.address)) {
            for id in self.pairs.sessions(ends) {
                self.conclude_if_over(id);
            }
        }
    }

    pub(super) fn control_not_opened(&mut self, connection: &Connection) {
        let refused = connection.closing.first();
        match refused {
            Some(_) => self.failed.refused += 1,
            None => self.failed.unanswered += 1,
        }
        let proof = connection.syn.map(|syn| syn.packet).into_iter().chain(refused.map(|reset| reset.packet));
        self.failed.packets.extend(proof);
        self.failed.packets.truncate(ATTEMPT_LIMIT);
    }
}

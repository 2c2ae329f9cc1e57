//! Commands that are sent together, each with a reply of its own: as many round trips fewer as there are commands behind the first.
//!
//! RFC 959 section 5.4 has a client wait for each reply. Most servers read their commands from a stream, one line after the other, and
//! do not notice; a few drop what has come with the line that they read. So it has to be found out first, with commands that may be
//! sent again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ftp_protocol::sequence::is_preliminary;
use ftp_protocol::{Command, Reply};

use super::request::Answer;
use super::{Action, Session, State, after};
use crate::error::{Asked, Error};

/// Commands that have been sent together.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// Those behind the one that waits for its reply.
    rest: VecDeque<Command>,
    replies: Vec<Reply>,
    /// How long the next reply may be behind the one before it, if that is to be found out.
    patience: Option<Duration>,
}

impl Pipeline {
    /// How many commands wait behind the one whose reply is awaited.
    pub(super) fn behind(&self) -> usize {
        self.rest.len()
    }

    /// What there is to answer when time is up: what came, unless nothing did or nothing was to be found out.
    pub(super) fn replies_until_now(&mut self) -> Option<Vec<Reply>> {
        let answers = self.patience.is_some() && !self.replies.is_empty();
        answers.then(|| std::mem::take(&mut self.replies))
    }
}

impl Session {
    pub(super) fn start_pipeline(
        &mut self,
        now: Instant,
        commands: Vec<Command>,
        patience: Option<Duration>,
    ) -> Result<State, Error> {
        let mut bytes = Vec::new();
        for command in &commands {
            let encoded = command.encode();
            bytes.extend(
                encoded.map_err(|reason| Error::Argument { command: Asked(command.clone()), reason })?,
            );
        }
        let mut rest = VecDeque::from(commands);
        let Some(first) = rest.pop_front() else {
            return Err(Error::Settings("no command is given".into()));
        };
        self.actions.push_back(Action::Send(bytes));
        self.sent(now, first);
        Ok(State::Pipelining(Pipeline { rest, replies: Vec::new(), patience }))
    }

    pub(super) fn pipeline_reply(
        &mut self,
        now: Instant,
        mut pipeline: Pipeline,
        reply: Reply,
    ) -> Result<State, Error> {
        if reply.code.is_some_and(is_preliminary) {
            self.deadline = Some(after(now, self.settings.timeouts.closing));
            return Ok(State::Pipelining(pipeline));
        }
        self.unsettled = false;
        pipeline.replies.push(reply);
        let Some(next) = pipeline.rest.pop_front() else {
            self.answer(Ok(Answer::Replies(pipeline.replies)));
            return Ok(State::Idle);
        };
        self.outstanding = Some(next);
        let wait = self.settings.timeouts.reply;
        self.deadline = Some(after(now, pipeline.patience.unwrap_or(wait).min(wait)));
        Ok(State::Pipelining(pipeline))
    }
}

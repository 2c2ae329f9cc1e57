//! Commands without a data connection, one after the other.

use std::collections::VecDeque;
use std::time::Instant;

use ftp_protocol::sequence::{is_completion, is_intermediate, is_preliminary};
use ftp_protocol::{Reply, Verb};

use super::request::{Answer, Expect, Representation, Step};
use super::{Session, State};
use crate::error::{Asked, Error, Said};

/// Commands that are under way.
#[derive(Debug)]
pub(super) struct Commands {
    /// What the command that was sent must get.
    expect: Expect,
    /// What the server has once it agrees to the command, if that is TYPE.
    representation: Option<Representation>,
    rest: VecDeque<Step>,
}

impl Session {
    pub(super) fn start_commands(&mut self, now: Instant, steps: Vec<Step>) -> Result<State, Error> {
        let mut rest = VecDeque::from(steps);
        match rest.pop_front() {
            Some(step) => self.send_step(now, step, rest),
            None => Err(Error::Settings("no command is given".into())),
        }
    }

    fn send_step(&mut self, now: Instant, step: Step, rest: VecDeque<Step>) -> Result<State, Error> {
        // Whatever the caller sets and is not known to hold, the session sets anew before the next transfer.
        let mut representation = None;
        if matches!(step.command.known_verb(), Some(Verb::Type | Verb::Rein)) {
            self.representation = None;
            let all = [Representation::Image, Representation::Ascii];
            let argument = step.command.argument.as_deref();
            representation = all.into_iter().find(|known| argument == Some(known.code().as_bytes()));
        }
        self.send(now, step.command)?;
        Ok(State::Commands(Commands { expect: step.expect, representation, rest }))
    }

    pub(super) fn commands_reply(
        &mut self,
        now: Instant,
        mut commands: Commands,
        reply: Reply,
    ) -> Result<State, Error> {
        let code = reply.code.unwrap_or_default();
        if is_preliminary(code) {
            self.deadline = Some(super::after(now, self.settings.timeouts.closing));
            return Ok(State::Commands(commands));
        }
        self.unsettled = false;
        let as_expected = match commands.expect {
            Expect::Completion => is_completion(code),
            Expect::Intermediate => is_intermediate(code),
            Expect::Any => true,
        };
        if !as_expected {
            let (command, reply) = (self.outstanding_asked(), Said::new(reply));
            let refused = code >= 400;
            return Err(if refused {
                Error::Refused { command, reply }
            } else {
                Error::UnexpectedReply { command, reply }
            });
        }
        if commands.representation.is_some() && is_completion(code) {
            self.representation = commands.representation;
        }
        match commands.rest.pop_front() {
            Some(step) => self.send_step(now, step, commands.rest),
            None => {
                self.answer(Ok(Answer::Replied(reply)));
                Ok(State::Idle)
            }
        }
    }

    /// The command that is under way, as it may be shown.
    pub fn under_way(&self) -> Option<Asked> {
        self.outstanding.clone().map(Asked)
    }
}

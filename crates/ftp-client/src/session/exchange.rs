//! A command and its reply: which reply answers what was sent, and which came late or unasked.

use std::time::{Duration, Instant};

use ftp_protocol::reply::ReplyOddity;
use ftp_protocol::sequence::{Fit, fit, fit_after_preliminary, fit_greeting, is_preliminary};
use ftp_protocol::{Command, Reply};

use super::{Action, MAXIMUM_STRAYS, Session, State, after};
use crate::error::{Asked, Error, Said};
use crate::note::Note;
use crate::text::shown;

impl Session {
    /// Sends a command, and waits for its reply.
    pub(super) fn send(&mut self, now: Instant, command: Command) -> Result<(), Error> {
        let bytes =
            command.encode().map_err(|reason| Error::Argument { command: Asked(command.clone()), reason })?;
        self.actions.push_back(Action::Send(bytes));
        self.outstanding = Some(command);
        self.answers_from = self.lines.offset();
        self.passed_over = None;
        self.deadline = Some(after(now, self.settings.timeouts.reply));
        Ok(())
    }

    pub(super) fn handle_reply(&mut self, now: Instant, reply: Reply) {
        self.replied = reply.end;
        self.note_oddities(&reply);
        let Some(code) = reply.code else { return self.handle_line_without_code(now, reply) };
        // RFC 959 section 5.4: 421 may come at any time, if the server knows that it must shut down.
        if code == 421 {
            return self.handle_service_closing(now, reply);
        }
        let came_before = self.outstanding.is_some() && reply.start < self.answers_from;
        if came_before || !self.fits(code) {
            return self.pass_over(now, reply);
        }
        self.strays = 0;
        let next = match std::mem::replace(&mut self.state, State::Idle) {
            State::Opening(opening) => {
                let next = self.opening_reply(now, opening, reply);
                // An error here ends the session, whatever it is.
                match next {
                    Err(error) => return self.give_up(now, error),
                    next => next,
                }
            }
            State::Commands(commands) => self.commands_reply(now, commands, reply),
            State::Transferring(transferring) => return self.transfer_reply(now, transferring, reply),
            State::Recovering(recovery) => return self.recovery_reply(now, recovery, reply),
            State::KeepingAlive if is_preliminary(code) => Ok(State::KeepingAlive),
            State::KeepingAlive => Ok(State::Idle),
            State::Quitting => return self.end_quietly(),
            other => {
                self.state = other;
                return self.pass_over(now, reply);
            }
        };
        self.enter(now, next);
    }

    /// Whether a reply of this code may answer what waits for one.
    fn fits(&self, code: u16) -> bool {
        match &self.state {
            State::Opening(opening) if opening.awaits_greeting() => fit_greeting(code) > Fit::Never,
            State::Recovering(recovery) => recovery.takes(code),
            State::Transferring(transferring) if transferring.has_begun() => {
                fit_after_preliminary(transferring.transfer.command.known_verb(), code) > Fit::Never
            }
            State::Quitting => self.outstanding.is_some() && !is_preliminary(code) && !self.is_late(code),
            _ => match &self.outstanding {
                None => false,
                // A command that is not known here may be answered with anything.
                Some(command) if command.known_verb().is_none() => !self.is_late(code),
                Some(command) => fit(command.known_verb(), code) > Fit::Never && !self.is_late(code),
            },
        }
    }

    /// Whether this looks like a reply to a transfer that was cut before, as pure-ftpd's late "150 1.002 seconds (measured here)".
    fn is_late(&self, code: u16) -> bool {
        let of_transfer = matches!(code, 100..=199 | 225 | 226 | 426);
        let asked = match &self.state {
            State::Transferring(transferring) => transferring.is_asked(),
            _ => false,
        };
        self.unsettled && of_transfer && !asked
    }

    /// Passes over a reply that answers nothing.
    pub(super) fn pass_over(&mut self, now: Instant, reply: Reply) {
        if matches!(self.state, State::Closed) {
            return;
        }
        if matches!(&self.state, State::Opening(opening) if opening.awaits_greeting()) {
            return self.fail(now, Error::NotFtp(Said::new(reply).to_string()));
        }
        self.strays = self.strays.saturating_add(1);
        if self.strays > MAXIMUM_STRAYS {
            return self.fail(now, Error::TooManyStrayReplies(self.strays));
        }
        if !matches!(self.state, State::Recovering(_)) {
            self.notes.add(Note::StrayReply(Said::new(reply.clone())));
        }
        self.passed_over = self.outstanding.is_some().then_some(reply);
    }

    fn handle_line_without_code(&mut self, now: Instant, reply: Reply) {
        let line = shown(reply.text());
        if matches!(&self.state, State::Opening(opening) if opening.awaits_greeting()) && !line.is_empty() {
            return self.fail(now, Error::NotFtp(line));
        }
        self.strays = self.strays.saturating_add(1);
        if self.strays > MAXIMUM_STRAYS {
            return self.fail(now, Error::TooManyStrayReplies(self.strays));
        }
        self.notes.add(Note::LineWithoutCode(line));
    }

    fn handle_service_closing(&mut self, now: Instant, reply: Reply) {
        let reply = Said::new(reply);
        match &self.state {
            State::Closed => {}
            State::Quitting => self.end_quietly(),
            State::Idle | State::Connected | State::KeepingAlive if !self.asked => {
                self.notes.add(Note::StrayReply(reply));
                self.end();
            }
            State::Opening(opening) if opening.awaits_greeting() => {
                self.give_up(now, Error::NotWelcome(reply))
            }
            State::Opening(opening) if opening.logs_in() => {
                let command = self.outstanding_asked();
                self.give_up(now, Error::LoginRefused { command, reply });
            }
            _ => {
                let command = self.outstanding.clone().map(Asked);
                self.fail(now, Error::ServiceClosing { command, reply });
            }
        }
    }

    /// The command that waits for its reply, to be named in an error.
    pub(super) fn outstanding_asked(&self) -> Asked {
        let nothing = || Command { verb: Vec::new(), as_sent: None, argument: None };
        Asked(self.outstanding.clone().unwrap_or_else(nothing))
    }

    /// The error when time is up: what came instead of the reply, or that nothing did.
    pub(super) fn no_reply(&mut self, waited: Duration) -> Error {
        match self.passed_over.take() {
            Some(reply) => {
                Error::UnexpectedReply { command: self.outstanding_asked(), reply: Said::new(reply) }
            }
            None => Error::NoReply { command: self.outstanding.clone().map(Asked), waited },
        }
    }

    fn note_oddities(&mut self, reply: &Reply) {
        for &oddity in &reply.oddities {
            // Common, and no trouble to anyone.
            if !matches!(oddity, ReplyOddity::RepeatedCode | ReplyOddity::BareCode | ReplyOddity::NoCode) {
                self.notes.add(Note::OddReply(oddity));
            }
        }
        if reply.code.is_some() && reply.lines.iter().all(|line| line.trim_ascii().is_empty()) {
            self.notes.add(Note::ReplyWithoutText);
        }
    }
}

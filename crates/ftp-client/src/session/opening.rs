//! From the connection to the login.
//!
//! ```text
//! Greeting ── 220 ──▶ Auth ── 234 ──▶ Shaking ──▶ User ── 331 ──▶ Pass ── 332 ──▶ Acct
//!                       └── refused, TLS preferred ──▶ │ 230          │ 230        │ 230
//!                                  Pbsz ──▶ Prot ──▶ Feat ──▶ Opts ──▶ logged in  (Pbsz and Prot with TLS only)
//! ```

use std::time::Instant;

use ftp_protocol::command::is_guest;
use ftp_protocol::sequence::{is_completion, is_intermediate, is_preliminary};
use ftp_protocol::{Command, Reply, Verb};

use super::event::NOT_TLS;
use super::request::{Answer, Credentials};
use super::settings::Security;
use super::{Action, Event, Session, State, after};
use crate::error::{Error, Said};
use crate::features::Features;
use crate::note::Note;

/// How far the opening is.
#[derive(Debug)]
pub(super) struct Opening {
    phase: Phase,
    credentials: Credentials,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Greeting,
    Auth,
    Shaking,
    User,
    Pass,
    Acct,
    Pbsz,
    Prot,
    Feat,
    Opts,
}

impl Opening {
    pub(super) fn awaits_greeting(&self) -> bool {
        self.phase == Phase::Greeting
    }

    pub(super) fn logs_in(&self) -> bool {
        matches!(self.phase, Phase::User | Phase::Pass | Phase::Acct)
    }

    fn at(self, phase: Phase) -> State {
        State::Opening(Self { phase, ..self })
    }
}

impl Session {
    pub(super) fn open(&mut self, now: Instant, credentials: Credentials) {
        let implicit = self.settings.security == Security::Implicit;
        let phase = if implicit { Phase::Shaking } else { Phase::Greeting };
        if implicit {
            self.actions.push_back(Action::StartTls);
        }
        let patience = if implicit { self.settings.timeouts.connect } else { self.settings.timeouts.reply };
        self.deadline = Some(after(now, patience));
        self.state = State::Opening(Opening { phase, credentials });
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        matches!(&self.state, State::Opening(Opening { phase: Phase::Shaking, .. }))
    }

    pub(super) fn handle_tls(&mut self, now: Instant, event: Event) {
        if !self.is_shaking_hands() {
            return;
        }
        if let Event::TlsFailed(reason) = event {
            if reason == NOT_TLS && self.settings.security == Security::Implicit {
                let text = "most servers greet in clear, and begin with TLS when they are asked to (AUTH TLS): ftpes:// is for that";
                self.notes.add(Note::Other(text.into()));
            }
            return self.give_up(now, Error::TlsFailed(reason));
        }
        self.protection.control = true;
        let State::Opening(opening) = std::mem::replace(&mut self.state, State::Idle) else { return };
        let next = if self.settings.security == Security::Implicit {
            self.deadline = Some(after(now, self.settings.timeouts.reply));
            Ok(opening.at(Phase::Greeting))
        } else {
            self.send_user(now, opening)
        };
        if let Err(error) = self.keep(next) {
            self.give_up(now, error);
        }
    }

    /// Time is up, or the server has gone: notes what may be the reason if it has not said a word.
    pub(super) fn note_silence(&mut self) {
        let awaits_greeting = matches!(&self.state, State::Opening(opening) if opening.awaits_greeting());
        if awaits_greeting && self.settings.security != Security::Implicit {
            let text =
                "a server that begins with TLS, as on port 990, says nothing before: ftps:// is for that";
            self.notes.add(Note::Other(text.into()));
        }
    }

    fn keep(&mut self, next: Result<State, Error>) -> Result<(), Error> {
        self.state = next?;
        Ok(())
    }

    pub(super) fn opening_reply(
        &mut self,
        now: Instant,
        opening: Opening,
        reply: Reply,
    ) -> Result<State, Error> {
        let code = reply.code.unwrap_or_default();
        if is_preliminary(code) {
            // RFC 959 section 5.4: 120 tells that the server will be ready in some minutes.
            self.deadline = Some(after(now, self.settings.timeouts.closing));
            return Ok(State::Opening(opening));
        }
        match opening.phase {
            Phase::Greeting => self.greeting_reply(now, opening, reply, code),
            Phase::Auth => self.auth_reply(now, opening, reply, code),
            // Bytes in clear are refused before they are read as replies.
            Phase::Shaking => Err(Error::PlaintextBehindTls(reply.text().len())),
            Phase::User | Phase::Pass | Phase::Acct => self.login_reply(now, opening, reply, code),
            Phase::Pbsz => {
                if !is_completion(code) {
                    let (command, reply) = (self.outstanding_asked(), Said::new(reply));
                    self.notes.add(Note::Fallback { command, reply, instead: "PROT was sent all the same" });
                }
                self.send(now, Command::new(Verb::Prot, Some(b"P")))?;
                Ok(opening.at(Phase::Prot))
            }
            Phase::Prot => self.prot_reply(now, opening, reply, code),
            Phase::Feat => {
                if is_completion(code) {
                    self.features = Features::from_reply(&reply);
                }
                if self.features.has("UTF8") {
                    // RFC 2640 needs no such command; servers on Windows turn UTF-8 on by it. Any answer will do.
                    self.send(now, Command::new(Verb::Opts, Some(b"UTF8 ON")))?;
                    return Ok(opening.at(Phase::Opts));
                }
                self.opened()
            }
            Phase::Opts => self.opened(),
        }
    }

    fn greeting_reply(
        &mut self,
        now: Instant,
        opening: Opening,
        reply: Reply,
        code: u16,
    ) -> Result<State, Error> {
        if !is_completion(code) {
            return Err(Error::NotWelcome(Said::new(reply)));
        }
        match self.settings.security {
            Security::Off | Security::Implicit => self.send_user(now, opening),
            // RFC 4217 section 4.
            Security::Prefer | Security::Require => {
                self.send(now, Command::new(Verb::Auth, Some(b"TLS")))?;
                Ok(opening.at(Phase::Auth))
            }
        }
    }

    fn auth_reply(
        &mut self,
        now: Instant,
        opening: Opening,
        reply: Reply,
        code: u16,
    ) -> Result<State, Error> {
        if code == 234 {
            self.actions.push_back(Action::StartTls);
            self.outstanding = None;
            self.deadline = Some(after(now, self.settings.timeouts.connect));
            return Ok(opening.at(Phase::Shaking));
        }
        if self.settings.security == Security::Require {
            return Err(Error::TlsRefused { command: self.outstanding_asked(), reply: Said::new(reply) });
        }
        // A guest's password is no secret.
        if !is_guest(opening.credentials.user.as_bytes()) {
            self.notes.add(Note::LoginInClear(Said::new(reply)));
        }
        self.send_user(now, opening)
    }

    fn send_user(&mut self, now: Instant, opening: Opening) -> Result<State, Error> {
        let user = Command::new(Verb::User, Some(opening.credentials.user.as_bytes()));
        self.send(now, user)?;
        Ok(opening.at(Phase::User))
    }

    /// RFC 959 section 6, the diagram of the login.
    fn login_reply(
        &mut self,
        now: Instant,
        opening: Opening,
        reply: Reply,
        code: u16,
    ) -> Result<State, Error> {
        match (opening.phase, code) {
            // 331, and 336 of RFC 2228 section 5.
            (Phase::User, 331 | 336) => {
                let password = Command::new(Verb::Pass, Some(opening.credentials.password.as_bytes()));
                self.send(now, password)?;
                Ok(opening.at(Phase::Pass))
            }
            (Phase::User | Phase::Pass, 332) => {
                let Some(account) = opening.credentials.account.clone() else {
                    return Err(Error::AccountNeeded(Said::new(reply)));
                };
                self.send(now, Command::new(Verb::Acct, Some(account.as_bytes())))?;
                Ok(opening.at(Phase::Acct))
            }
            _ if is_completion(code) => self.logged_in(now, opening),
            _ if is_intermediate(code) => {
                Err(Error::UnexpectedReply { command: self.outstanding_asked(), reply: Said::new(reply) })
            }
            _ => Err(Error::LoginRefused { command: self.outstanding_asked(), reply: Said::new(reply) }),
        }
    }

    fn logged_in(&mut self, now: Instant, opening: Opening) -> Result<State, Error> {
        if self.protection.control {
            // RFC 4217 section 8: PBSZ 0 comes before PROT.
            self.send(now, Command::new(Verb::Pbsz, Some(b"0")))?;
            return Ok(opening.at(Phase::Pbsz));
        }
        self.send(now, Command::new(Verb::Feat, None))?;
        Ok(opening.at(Phase::Feat))
    }

    fn prot_reply(
        &mut self,
        now: Instant,
        opening: Opening,
        reply: Reply,
        code: u16,
    ) -> Result<State, Error> {
        self.protection.data = is_completion(code);
        if !self.protection.data {
            if self.settings.security != Security::Prefer {
                return Err(Error::TlsRefused { command: self.outstanding_asked(), reply: Said::new(reply) });
            }
            self.notes.add(Note::DataInClear(Said::new(reply)));
        }
        self.send(now, Command::new(Verb::Feat, None))?;
        Ok(opening.at(Phase::Feat))
    }

    fn opened(&mut self) -> Result<State, Error> {
        self.answer(Ok(Answer::Opened));
        Ok(State::Idle)
    }
}

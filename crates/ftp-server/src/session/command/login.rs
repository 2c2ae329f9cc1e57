//! Who the client is: USER, PASS, ACCT, REIN, QUIT (RFC 959 section 4.1.1) and HOST (RFC 7151).

use std::time::{Duration, Instant};

use ftp_protocol::Verb;
use ftp_protocol::command::is_guest;

use crate::account::{Attempt, Login, Refusal};
use crate::session::parameters::Parameters;
use crate::session::stage::{Account, Control, Identity, Protection, Stage, secret};
use crate::session::{Action, Closing, Session, later};

/// Longest name of HOST in bytes (RFC 1123 section 2.1).
const LONGEST_HOST: usize = 255;

impl Session {
    /// One command of this family.
    pub(super) fn login_command(&mut self, now: Instant, verb: Verb, argument: &[u8]) {
        match verb {
            Verb::User => self.user(now, argument),
            Verb::Pass => self.pass(argument),
            Verb::Acct => self.acct(argument),
            Verb::Rein => self.rein(now),
            Verb::Host => self.host(argument),
            _ => self.quit(),
        }
    }

    /// USER (RFC 959 section 4.1.1): always 331, whoever it is, so that no name is told from another.
    fn user(&mut self, now: Instant, name: &[u8]) {
        if !self.needs(name, "USER and a name") {
            return;
        }
        // RFC 4217 section 4; the name itself is a secret that should not be sent in clear.
        if self.policy.require_tls && self.protection.control == Control::Clear {
            return self.reply(530, "This server is for TLS only: send AUTH TLS first.");
        }
        // RFC 959 section 4.1.1: another USER flushes the login; the parameters stay.
        self.log_out(now);
        self.identity = Identity::Named(name.to_vec());
        // RFC 1635 section 2.1.
        let text = if is_guest(name) {
            "Guest login: send your e-mail address with PASS."
        } else {
            "Send the password with PASS."
        };
        self.reply(331, text);
    }

    /// PASS (RFC 959 section 4.1.1).
    fn pass(&mut self, password: &[u8]) {
        let user = match &mut self.identity {
            Identity::Named(user) => std::mem::take(user),
            Identity::Nobody => return self.reply(503, "Send USER first."),
            Identity::Known(_) => return self.reply(503, "You are logged in; send USER to log in anew."),
        };
        self.identity = Identity::Nobody;
        self.act(Action::Authenticate(Attempt {
            user,
            password: secret(password),
            host: self.host.clone(),
            peer: self.ends.peer.ip().to_canonical(),
            protected: self.protection.control != Control::Clear,
        }));
        self.stage = Stage::Authenticating;
    }

    /// ACCT (RFC 959 section 4.1.1): accounts here have none.
    fn acct(&mut self, account: &[u8]) {
        if self.known().is_none() {
            return self.reply(503, "Send USER and PASS first.");
        }
        if self.needs(account, "ACCT and an account") {
            self.reply(202, "No account is needed.");
        }
    }

    /// REIN (RFC 959 section 4.1.1): as if just connected. RFC 4217 section 11: what AUTH began ends, behind the reply.
    fn rein(&mut self, now: Instant) {
        self.log_out(now);
        self.identity = Identity::Nobody;
        self.drop_data_address();
        self.parameters = Parameters::default();
        self.host = None;
        self.idle_timeout = self.policy.idle_timeout;
        self.reply(220, "Ready for a new user.");
        match self.protection.control {
            Control::Implicit => {}
            Control::Explicit => {
                self.act(Action::StopTls);
                self.protection = Protection::CLEAR;
            }
            Control::Clear | Control::Cleared => self.protection = Protection::CLEAR,
        }
    }

    /// QUIT (RFC 959 section 4.1.1). A transfer has ended before it is read.
    fn quit(&mut self) {
        self.reply(221, "Goodbye.");
        self.close(Closing::Quit);
    }

    /// HOST (RFC 7151 section 3): before USER, the name that the client connected to.
    fn host(&mut self, name: &[u8]) {
        if !matches!(self.identity, Identity::Nobody) {
            return self.reply(503, "HOST comes before USER.");
        }
        if !self.needs(name, "HOST and a name") {
            return;
        }
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(byte);
        if name.len() > LONGEST_HOST || !name.iter().all(fits) {
            return self.reply(501, "This is no host name.");
        }
        let hosts = &self.policy.hosts;
        let known = hosts.is_empty() || hosts.iter().any(|host| host.as_bytes().eq_ignore_ascii_case(name));
        if known {
            self.host = Some(name.to_ascii_lowercase());
            self.reply(220, "Host accepted.");
        } else {
            self.reply(504, "There is no such host here.");
        }
    }

    /// The accounts have answered.
    pub(in crate::session) fn authenticated(&mut self, now: Instant, result: Result<Login, Refusal>) {
        match result {
            Ok(login) => self.logged_in(login),
            Err(refusal) => self.refused(now, refusal),
        }
        self.active_at = now;
    }

    fn logged_in(&mut self, login: Login) {
        let mut lines = login.welcome.clone();
        lines.push(if login.guest { "Logged in as a guest." } else { "Logged in." }.to_owned());
        let directory = login.home.clone();
        self.identity =
            Identity::Known(Box::new(Account { login, directory, rename_from: None, umask: None }));
        self.tally.failed_logins = 0;
        self.reply_lines(230, &lines);
    }

    /// RFC 2577 section 5: the same text whoever it was, later each time, and an end to it.
    fn refused(&mut self, now: Instant, refusal: Refusal) {
        let text = match refusal {
            Refusal::BadCredentials | Refusal::NotAllowed => "Login incorrect; send USER to try again.",
            Refusal::TlsRequired => "This account is for TLS only: send AUTH TLS, then USER.",
            Refusal::Banned => {
                self.reply(421, "Too many failed logins; try again later.");
                return self.close(Closing::LoginRefused(refusal));
            }
            Refusal::TooManySessions => {
                self.reply(421, "Too many sessions; end one, or try again later.");
                return self.close(Closing::LoginRefused(refusal));
            }
            Refusal::Unavailable => {
                self.reply(421, "Nobody can log in just now; try again later.");
                return self.close(Closing::LoginRefused(refusal));
            }
        };
        self.tally.failed_logins = self.tally.failed_logins.saturating_add(1);
        let close = self.tally.failed_logins >= self.policy.failed_logins.max(1);
        self.stage = Stage::Delaying { until: later(now, self.failure_delay()), close, text };
    }

    /// Doubles with each failure, up to the policy's longest.
    fn failure_delay(&self) -> Duration {
        let doublings = self.tally.failed_logins.saturating_sub(1).min(31);
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.policy.failure_delay.saturating_mul(factor).min(self.policy.longest_failure_delay)
    }
}

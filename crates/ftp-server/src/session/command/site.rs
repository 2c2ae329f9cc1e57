//! SITE (RFC 959 section 4.1.3): CHMOD, UMASK, UTIME, IDLE and HELP, as servers have agreed on them.

use std::collections::VecDeque;
use std::time::Duration;

use ftp_protocol::Verb;

use super::Purpose;
use super::facts::octal;
use super::hash::number;
use crate::account::Right;
use crate::listing::time;
use crate::session::{Operation, Session};

/// What a new file's mode lacks when nobody has sent SITE UMASK, as most systems have it.
const USUAL_MASK: u32 = 0o022;

impl Session {
    /// SITE and its own commands.
    pub(super) fn site_command(&mut self, argument: &[u8]) {
        let space = argument.iter().position(|&byte| byte == b' ').unwrap_or(argument.len());
        let (name, rest) = argument.split_at_checked(space).unwrap_or_default();
        let rest = rest.get(1..).unwrap_or_default();
        match name.to_ascii_uppercase().as_slice() {
            b"CHMOD" => self.site_chmod(rest),
            b"UMASK" => self.site_umask(rest.trim_ascii()),
            b"UTIME" => self.site_utime(rest),
            b"IDLE" => self.site_idle(rest.trim_ascii()),
            b"HELP" => self.site_help(),
            b"" => self.reply(501, "SITE HELP lists what there is."),
            _ => self.reply(504, "SITE has no such command; SITE HELP lists what there is."),
        }
    }

    /// SITE HELP, and HELP SITE, by which clients learn what there is.
    pub(super) fn site_help(&mut self) {
        let lines = [
            "SITE knows:",
            " CHMOD mode name",
            " UMASK [mode]",
            " UTIME YYYYMMDDhhmm[ss] name",
            " UTIME name accessed modified created UTC",
            " IDLE [seconds]",
            "Modes are octal, times are UTC.",
        ];
        self.reply_lines(214, &lines);
    }

    /// `SITE CHMOD mode name`.
    fn site_chmod(&mut self, argument: &[u8]) {
        let space = argument.iter().position(|&byte| byte == b' ').unwrap_or(argument.len());
        let (mode, name) = argument.split_at_checked(space).unwrap_or_default();
        let name = name.get(1..).unwrap_or_default();
        let Some(mode) = octal(mode).filter(|_| !name.is_empty()) else {
            return self.reply(501, "Send SITE CHMOD, the mode in octal digits and a name.");
        };
        let Some(path) = self.path(Verb::Site, name) else { return };
        if self.permits(Verb::Site, &path, Right::CHMOD) {
            self.operate(Operation::SetMode(path, mode), set("The mode is changed."));
        }
    }

    /// `SITE UMASK [mode]`: which bits a new file or directory does not get.
    fn site_umask(&mut self, argument: &[u8]) {
        let Some(account) = self.known() else { return };
        let old = account.umask.unwrap_or(USUAL_MASK);
        if argument.is_empty() {
            return self.reply(200, format!("New files lack {old:03o}."));
        }
        let directory = account.directory.clone();
        let Some(mask) = octal(argument).filter(|&mask| mask <= 0o777) else {
            return self.reply(501, "Send SITE UMASK and at most three octal digits.");
        };
        if !self.permits(Verb::Site, &directory, Right::CHMOD) {
            return;
        }
        if let Some(account) = self.known_mut() {
            account.umask = Some(mask);
        }
        self.reply(200, format!("New files lack {mask:03o}; before it was {old:03o}."));
    }

    /// `SITE UTIME YYYYMMDDhhmm[ss] name`, or `SITE UTIME name accessed modified created UTC`.
    fn site_utime(&mut self, argument: &[u8]) {
        const FORM: &str = "Send SITE UTIME, the time as YYYYMMDDhhmmss (UTC) and a name.";
        let Some((digits, name)) = times_last(argument).or_else(|| time_first(argument)) else {
            return self.reply(501, FORM);
        };
        let full = if digits.len() == 12 { [digits, b"00"].concat() } else { digits.to_vec() };
        let Some(time) = time::read(&full) else { return self.reply(501, FORM) };
        let Some(path) = self.path(Verb::Site, name) else { return };
        if self.permits(Verb::Site, &path, Right::CHMOD) {
            self.operate(Operation::SetModified(path, time), set("The time is changed."));
        }
    }

    /// `SITE IDLE [seconds]`.
    fn site_idle(&mut self, argument: &[u8]) {
        let most = self.policy.longest_idle_timeout.as_secs();
        if argument.is_empty() {
            let now = self.idle_timeout.as_secs();
            return self
                .reply(200, format!("The connection closes after {now} idle seconds, at most {most}."));
        }
        match number(argument).filter(|seconds| (1..=most).contains(seconds)) {
            Some(seconds) => {
                self.idle_timeout = Duration::from_secs(seconds);
                self.reply(200, format!("The connection closes after {seconds} idle seconds."));
            }
            None => self.reply(501, format!("Send SITE IDLE and 1 to {most} seconds.")),
        }
    }
}

fn set(text: &'static str) -> Purpose {
    Purpose::Set { verb: Verb::Site, remaining: VecDeque::new(), code: 200, text: text.into() }
}

fn time_first(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = argument.iter().position(|&byte| byte == b' ')?;
    let (digits, name) = argument.split_at_checked(space)?;
    let name = name.get(1..).filter(|name| !name.is_empty())?;
    matches!(digits.len(), 12 | 14).then_some((digits, name))
}

/// The long form: the name may hold spaces, so it is read from its end.
fn times_last(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_time = |word: &[u8]| word.len() == 14 && word.iter().all(u8::is_ascii_digit);
    let (rest, zone) = last_word(argument)?;
    let (rest, created) = last_word(rest).filter(|_| zone.eq_ignore_ascii_case(b"UTC"))?;
    let (rest, modified) = last_word(rest).filter(|_| is_time(created))?;
    let (name, accessed) = last_word(rest).filter(|_| is_time(modified))?;
    (is_time(accessed) && !name.is_empty()).then_some((modified, name))
}

fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().rposition(|&byte| byte == b' ')?;
    let (front, word) = text.split_at_checked(space)?;
    Some((front, word.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_utime_are_read() {
        assert_eq!(time_first(b"202001020304 a b"), Some((&b"202001020304"[..], &b"a b"[..])));
        let long = b"a b 20200101000000 20200102030405 20200101000000 UTC";
        assert_eq!(times_last(long), Some((&b"20200102030405"[..], &b"a b"[..])));
        assert_eq!(times_last(b"202001020304 a"), None);
    }
}

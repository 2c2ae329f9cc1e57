//! Commands: which is meant, whether it may be done now, and what the store's answer to it is taken for.

mod data_address;
mod directory;
mod facts;
mod failure;
mod file;
mod hash;
mod information;
mod login;
mod parameters;
mod purpose;
mod site;
mod tls;
mod transfer;

use std::time::Instant;

use ftp_protocol::command::Command;
use ftp_protocol::{Line, Verb};

use super::reply::echo;
use super::{Action, Closing, Operation, Session, Stage};
use crate::account::Right;
use crate::store::VirtualPath;

pub use file::MOST_COMBINED;
pub use information::STATUS_LINES;
pub(super) use purpose::Purpose;

/// First words of HTTP requests, and of what follows one (ALPACA, CVE-2021-3618): who sends them before a login is no
/// FTP client, and a page in a browser may have made him send more.
const FOREIGN_WORDS: [&[u8]; 11] = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"OPTIONS",
    b"DELETE",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"HOST:",
    b"USER-AGENT:",
];

/// ABOR, which ends a transfer wherever it waits.
pub(super) fn is_abort(line: &Line) -> bool {
    Command::parse(&line.bytes).0.known_verb() == Some(Verb::Abor)
}

/// What may be answered while a transfer is under way: STAT without a path (RFC 959 section 4.1.3) and NOOP.
pub(super) fn may_pass_transfer(line: &Line) -> bool {
    let (command, _) = Command::parse(&line.bytes);
    match command.known_verb() {
        Some(Verb::Noop) => true,
        Some(Verb::Stat) => command.argument.is_none_or(|argument| argument.is_empty()),
        _ => false,
    }
}

/// What may be sent without a login.
fn needs_login(verb: Verb, argument: &[u8]) -> bool {
    use Verb::*;
    match verb {
        User | Pass | Acct | Quit | Rein | Auth | Adat | Pbsz | Prot | Ccc | Mic | Conf | Enc | Feat
        | Opts | Host | Lang | Help | Noop | Syst | Clnt | Csid | Abor => false,
        Stat => !argument.is_empty(),
        _ => true,
    }
}

impl Session {
    /// Carries one line out. It gets its one final reply now, or when what it asked for is answered.
    pub(super) fn execute(&mut self, now: Instant, line: Line) {
        if line.truncated_from.is_some() {
            if !std::mem::take(&mut self.overlong_answered) {
                self.refuse_overlong();
            }
            return;
        }
        let (command, _) = Command::parse(&line.bytes);
        let argument = command.argument.as_deref().unwrap_or_default();
        let Some(verb) = command.known_verb() else { return self.refuse_unknown(&command) };
        if line.nul || line.bytes.contains(&b'\r') {
            return self.reply(501, "NUL and CR cannot stand in a command.");
        }
        if verb != Verb::Rnto
            && let Some(account) = self.known_mut()
        {
            account.rename_from = None;
        }
        if needs_login(verb, argument) && self.known().is_none() {
            return self.reply(530, "Log in with USER and PASS first.");
        }
        self.dispatch(now, verb, argument);
    }

    fn dispatch(&mut self, now: Instant, verb: Verb, argument: &[u8]) {
        use Verb::*;
        match verb {
            User | Pass | Acct | Rein | Quit | Host => self.login_command(now, verb, argument),
            Auth | Pbsz | Prot | Ccc => self.tls_command(now, verb, argument),
            Port | Eprt | Pasv | Epsv => self.data_address_command(verb, argument),
            Retr | Stor | Stou | Appe | List | Nlst | Mlsd | Abor => self.transfer_command(verb, argument),
            Cwd | Xcwd | Cdup | Xcup | Pwd | Xpwd | Mkd | Xmkd | Rmd | Xrmd => {
                self.directory_command(verb, argument);
            }
            Dele | Rnfr | Rnto | Comb | Avbl => self.file_command(verb, argument),
            Size | Mdtm | Mlst | Mfmt | Mff => self.facts_command(verb, argument),
            Hash | Xcrc | Xmd5 | Md5 | Xsha | Xsha1 | Xsha256 | Xsha512 => self.hash_command(verb, argument),
            Site => self.site_command(argument),
            Type | Stru | Mode | Rest | Rang | Allo | Opts => self.parameter_command(verb, argument),
            Syst | Stat | Help | Noop | Feat | Lang | Clnt | Csid => self.information_command(verb, argument),
            // SMNT mounts what only an administrator may; ADAT and its kin are for other mechanisms than TLS; MFCT needs a
            // store that can set the time of a file's making.
            _ => self.reply(502, "This command is not available here; HELP lists those that are."),
        }
    }

    /// 500 for what is no command; a client that goes on with it is none of FTP's.
    fn refuse_unknown(&mut self, command: &Command) {
        let before_login = self.known().is_none();
        self.tally.unknown_commands = self.tally.unknown_commands.saturating_add(1);
        let foreign = FOREIGN_WORDS.contains(&command.verb.as_slice());
        if before_login && (foreign || self.tally.unknown_commands >= self.policy.unknown_commands.max(1)) {
            self.reply(421, "This is an FTP server; the connection is closed.");
            return self.close(Closing::NotFtp);
        }
        let word = command.as_sent.as_deref().unwrap_or(&command.verb);
        self.reply(500, format!("\"{}\" is no command here; HELP lists those that are.", echo(word)));
    }

    /// 500 for a line of more than [`LONGEST_LINE`](super::LONGEST_LINE) bytes.
    pub(super) fn refuse_overlong(&mut self) {
        self.tally.overlong_lines = self.tally.overlong_lines.saturating_add(1);
        if self.tally.overlong_lines >= self.policy.overlong_lines.max(1) {
            self.reply(421, "Too many lines that are too long; the connection is closed.");
            return self.close(Closing::OverlongLines);
        }
        self.reply(500, format!("A line has at most {} bytes; this one is not read.", super::LONGEST_LINE));
    }

    /// What an argument means as a path in the working directory; else refuses it.
    fn path(&mut self, verb: Verb, argument: &[u8]) -> Option<VirtualPath> {
        let directory = &self.known()?.directory;
        match directory.join(argument) {
            Ok(path) => Some(path),
            Err(_) => {
                let code = if failure::lists(verb, 553) { 553 } else { 501 };
                self.reply(code, "This name is too long, or holds what no name may.");
                None
            }
        }
    }

    /// Whether the account may do this there; else refuses it.
    fn permits(&mut self, verb: Verb, path: &VirtualPath, right: Right) -> bool {
        let granted = self.known().is_some_and(|account| account.login.permissions.allow(path, right));
        if !granted {
            let refused = if right == Right::LIST {
                "You may not look here."
            } else {
                "You may not do this here: your account lacks the right."
            };
            self.reply(failure::refusal(verb), refused);
        }
        granted
    }

    /// Whether an argument is there; else refuses the command with what is to be sent.
    fn needs(&mut self, argument: &[u8], form: &str) -> bool {
        if argument.is_empty() {
            self.reply(501, format!("An argument is missing: send {form}."));
        }
        !argument.is_empty()
    }

    /// Asks the store, and says what for.
    fn operate(&mut self, operation: Operation, purpose: Purpose) {
        self.act(Action::Operate(operation));
        self.stage = Stage::Operating(purpose);
    }
}

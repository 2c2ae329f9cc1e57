//! Directories: CWD, CDUP, PWD, MKD, RMD (RFC 959 section 4.1.3) and their X forms (RFC 775, RFC 1123 section 4.1.3.1).

use ftp_protocol::{Verb, path};

use super::{Purpose, failure};
use crate::account::Right;
use crate::session::{Operation, Session};
use crate::store::{Kind, Metadata, VirtualPath};

/// Mode of a new directory, of which SITE UMASK takes bits away.
const DIRECTORY_MODE: u32 = 0o777;

impl Session {
    /// One command of this family.
    pub(super) fn directory_command(&mut self, verb: Verb, argument: &[u8]) {
        match verb {
            Verb::Pwd | Verb::Xpwd => self.pwd(),
            Verb::Cdup | Verb::Xcup => self.cwd(verb, b".."),
            Verb::Cwd | Verb::Xcwd => self.cwd(verb, argument),
            Verb::Mkd | Verb::Xmkd => self.mkd(argument),
            _ => self.rmd(argument),
        }
    }

    /// PWD (RFC 959 section 4.1.3); a quote in the name is doubled (appendix II).
    fn pwd(&mut self) {
        if let Some(account) = self.known() {
            let text = [path::quote(account.directory.as_bytes()).as_slice(), b" is the working directory."]
                .concat();
            self.reply(257, text);
        }
    }

    /// CWD and CDUP (RFC 959 section 4.1.1).
    fn cwd(&mut self, verb: Verb, argument: &[u8]) {
        if !self.needs(argument, "CWD and a directory") {
            return;
        }
        // What shells take for the home directory.
        let home =
            (argument == b"~").then(|| self.known().map(|account| account.login.home.clone())).flatten();
        let Some(path) = home.or_else(|| self.path(verb, argument)) else { return };
        // Whatever may be done there, GUI clients enter first: also what only takes files.
        let any = self.known().is_some_and(|account| account.login.permissions.at(&path) != Right::NONE);
        if any {
            self.operate(Operation::Inspect(path.clone()), Purpose::ChangeDirectory(verb, path));
        } else {
            self.reply(550, "You may not look here.");
        }
    }

    /// The store knows what the wished working directory is.
    pub(super) fn directory_inspected(&mut self, verb: Verb, path: VirtualPath, metadata: &Metadata) {
        if metadata.kind != Kind::Directory {
            return self.reply(550, "This is not a directory.");
        }
        if let Some(account) = self.known_mut() {
            account.directory = path;
        }
        // RFC 959 section 5.4 has 250 for the one and 200 for the other.
        let code = if matches!(verb, Verb::Cdup | Verb::Xcup) { 200 } else { 250 };
        self.reply(code, "The working directory is changed.");
    }

    /// MKD (RFC 959 section 4.1.3).
    fn mkd(&mut self, argument: &[u8]) {
        if !self.needs(argument, "MKD and a name") {
            return;
        }
        let Some(path) = self.path(Verb::Mkd, argument) else { return };
        if self.permits(Verb::Mkd, &path, Right::MKDIR) {
            self.operate(Operation::MakeDirectory(path.clone()), Purpose::MakeDirectory(path));
        }
    }

    /// The directory is made: 257 names it (RFC 959 appendix II), after SITE UMASK has had its effect.
    pub(super) fn directory_made(&mut self, made: VirtualPath) {
        let text = [path::quote(made.as_bytes()).as_slice(), b" is made."].concat();
        match self.known().and_then(|account| account.umask) {
            Some(mask) => {
                let operation = Operation::SetMode(made, DIRECTORY_MODE & !mask);
                self.operate(operation, Purpose::AfterMask { code: 257, text });
            }
            None => self.reply(257, text),
        }
    }

    /// RMD (RFC 959 section 4.1.3).
    fn rmd(&mut self, argument: &[u8]) {
        if !self.needs(argument, "RMD and a directory") {
            return;
        }
        let Some(path) = self.path(Verb::Rmd, argument) else { return };
        if path.name().is_none() {
            return self.reply(failure::refusal(Verb::Rmd), "The root cannot be removed.");
        }
        if self.permits(Verb::Rmd, &path, Right::DELETE) {
            self.operate(
                Operation::RemoveDirectory(path),
                Purpose::Confirm(Verb::Rmd, "The directory is removed."),
            );
        }
    }
}

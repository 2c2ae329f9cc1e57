//! What is known of an entry, and what may be set: SIZE, MDTM, MLST (RFC 3659), MFMT and MFF (draft-somers-ftp-mfxx).

use std::collections::VecDeque;

use ftp_protocol::Verb;

use super::{Purpose, failure};
use crate::account::Right;
use crate::listing::{self, Fact, time};
use crate::session::parameters::Type;
use crate::session::{Operation, Session};
use crate::store::{Kind, Metadata, VirtualPath};

/// Largest mode that can be set.
pub(super) const LARGEST_MODE: u32 = 0o7777;

impl Session {
    /// One command of this family.
    pub(super) fn facts_command(&mut self, verb: Verb, argument: &[u8]) {
        match verb {
            Verb::Size => self.size(argument),
            Verb::Mdtm => self.mdtm(argument),
            Verb::Mlst => self.mlst(argument),
            Verb::Mfmt => self.mfmt(argument),
            _ => self.mff(argument),
        }
    }

    /// SIZE (RFC 3659 section 4): bytes as they would be sent.
    fn size(&mut self, argument: &[u8]) {
        if !self.needs(argument, "SIZE and a file") {
            return;
        }
        let Some(path) = self.path(Verb::Size, argument) else { return };
        if self.permits(Verb::Size, &path, Right::LIST) {
            self.operate(Operation::Inspect(path.clone()), Purpose::Size(path));
        }
    }

    /// What SIZE names is there. In TYPE A its line ends have to be counted, which is done for short files only.
    pub(super) fn size_inspected(&mut self, path: VirtualPath, metadata: &Metadata) {
        if metadata.kind != Kind::File {
            return self.reply(550, "Only files have a size.");
        }
        if self.parameters.representation != Type::Ascii {
            return self.reply(213, metadata.size.to_string());
        }
        if metadata.size > self.policy.longest_ascii_size {
            return self.reply(550, "The file is too large to count its lines: send TYPE I first.");
        }
        self.operate(Operation::AsciiSize(path), Purpose::AsciiSize);
    }

    /// MDTM (RFC 3659 section 3); with fourteen digits before the path it sets the time, as some clients have it.
    fn mdtm(&mut self, argument: &[u8]) {
        if !self.needs(argument, "MDTM and a file") {
            return;
        }
        let setting = Verb::Mdtm.path_in(argument).filter(|name| name.len() < argument.len());
        if let Some(name) = setting {
            let digits = argument.get(..14).unwrap_or_default();
            return self.set_time(Verb::Mdtm, digits, name);
        }
        let Some(path) = self.path(Verb::Mdtm, argument) else { return };
        if self.permits(Verb::Mdtm, &path, Right::LIST) {
            self.operate(Operation::Inspect(path), Purpose::ModificationTime);
        }
    }

    /// What MDTM names is there.
    pub(super) fn time_inspected(&mut self, metadata: &Metadata) {
        match metadata.modified.and_then(time::write) {
            Some(text) => self.reply(213, text),
            None => self.reply(550, "The time of its last change is not known."),
        }
    }

    /// MLST (RFC 3659 section 7.2): of the working directory without an argument.
    fn mlst(&mut self, argument: &[u8]) {
        let Some(path) = self.path(Verb::Mlst, argument) else { return };
        if self.permits(Verb::Mlst, &path, Right::LIST) {
            let facts = self.parameters.facts();
            self.operate(Operation::Inspect(path.clone()), Purpose::Facts { path, facts });
        }
    }

    /// What MLST names is there: the line of facts begins with a space (RFC 3659 section 7.2).
    pub(super) fn facts_inspected(&mut self, path: &VirtualPath, facts: &[Fact], metadata: &Metadata) {
        let Some(account) = self.known() else { return };
        let mut line = b" ".to_vec();
        listing::write_facts(&mut line, facts, metadata, path, &account.login.permissions);
        line.push(b' ');
        line.extend_from_slice(path.as_bytes());
        self.reply_lines(250, &[b"Facts:".to_vec(), line, b"End.".to_vec()]);
    }

    /// MFMT (draft-somers-ftp-mfxx section 3): `time path`.
    fn mfmt(&mut self, argument: &[u8]) {
        let space = argument.iter().position(|&byte| byte == b' ').unwrap_or(argument.len());
        let (digits, name) = argument.split_at_checked(space).unwrap_or_default();
        self.set_time(Verb::Mfmt, digits, name.get(1..).unwrap_or_default());
    }

    /// MFF (draft-somers-ftp-mfxx section 5): `fact=value;fact=value; path`.
    fn mff(&mut self, argument: &[u8]) {
        const FORM: &str = "Send MFF with Modify=YYYYMMDDHHMMSS; or UNIX.mode=0644; a space and a name.";
        let Some((given, name)) = split_facts(argument) else { return self.reply(501, FORM) };
        let Some(path) = self.path(Verb::Mff, name) else { return };
        let (mut operations, mut text) = (VecDeque::new(), Vec::new());
        for fact in given.split(|&byte| byte == b';').filter(|fact| !fact.is_empty()) {
            let equals = fact.iter().position(|&byte| byte == b'=').unwrap_or(fact.len());
            let (key, value) = fact.split_at_checked(equals).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default();
            let operation = match key.to_ascii_lowercase().as_slice() {
                b"modify" => time::read(value).map(|time| Operation::SetModified(path.clone(), time)),
                b"unix.mode" => octal(value).map(|mode| Operation::SetMode(path.clone(), mode)),
                _ => return self.reply(504, "Only Modify and UNIX.mode can be set."),
            };
            let Some(operation) = operation else { return self.reply(501, FORM) };
            let kind = std::mem::discriminant(&operation);
            if operations.iter().any(|other| std::mem::discriminant(other) == kind) {
                return self.reply(501, "Each fact is to be named once.");
            }
            operations.push_back(operation);
            text.extend_from_slice(if key.len() == 6 { b"Modify=" } else { b"UNIX.mode=" });
            text.extend_from_slice(value);
            text.push(b';');
        }
        text.push(b' ');
        text.extend_from_slice(name);
        if self.permits(Verb::Mff, &path, Right::CHMOD) {
            self.set_next(Verb::Mff, operations, 213, text);
        }
    }

    /// Sets the time of the last change; the reply repeats what is set (draft-somers-ftp-mfxx section 3.1).
    fn set_time(&mut self, verb: Verb, digits: &[u8], name: &[u8]) {
        let Some(time) = time::read(digits).filter(|_| !name.is_empty()) else {
            return self.reply(501, "Send the time as YYYYMMDDHHMMSS (UTC), a space and a name.");
        };
        let Some(path) = self.path(verb, name) else { return };
        if self.permits(verb, &path, Right::CHMOD) {
            let text = [b"Modify=", digits, b"; ", name].concat();
            self.set_next(verb, VecDeque::from([Operation::SetModified(path, time)]), 213, text);
        }
    }

    /// Carries out what is still to be set, then replies.
    pub(super) fn set_next(
        &mut self,
        verb: Verb,
        mut remaining: VecDeque<Operation>,
        code: u16,
        text: Vec<u8>,
    ) {
        match remaining.pop_front() {
            Some(operation) => self.operate(operation, Purpose::Set { verb, remaining, code, text }),
            None => self.reply(code, text),
        }
    }

    /// Refuses what cannot be read from the store's answer; here so that all commands on facts say the same.
    pub(super) fn needs_file(&mut self, verb: Verb, metadata: &Metadata) -> bool {
        let is_file = metadata.kind == Kind::File;
        if !is_file {
            self.reply(failure::refusal(verb), "This is not a regular file.");
        }
        is_file
    }
}

/// The facts of MFF, and the path behind them: the facts end with a semicolon and a space.
fn split_facts(argument: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = argument.iter().position(|&byte| byte == b' ')?;
    let (facts, name) = argument.split_at_checked(at)?;
    let name = name.get(1..).filter(|name| !name.is_empty())?;
    Some((facts.strip_suffix(b";")?, name)).filter(|(facts, _)| !facts.is_empty())
}

/// A mode of three or four, at most five, octal digits.
pub(super) fn octal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 5 || !text.iter().all(|byte| (b'0'..=b'7').contains(byte)) {
        return None;
    }
    let mode = text.iter().fold(0u32, |mode, &byte| mode << 3 | u32::from(byte & 7));
    (mode <= LARGEST_MODE).then_some(mode)
}

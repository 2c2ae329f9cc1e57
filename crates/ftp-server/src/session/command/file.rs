//! Files without a data connection: DELE, RNFR, RNTO (RFC 959 section 4.1.3), COMB and AVBL
//! (draft-peterson-streamlined-ftp-command-extensions).

use ftp_protocol::Verb;

use super::{Purpose, failure};
use crate::account::Right;
use crate::session::{Operation, Session};
use crate::store::VirtualPath;

/// Most files that one COMB puts together.
pub const MOST_COMBINED: usize = 256;

impl Session {
    /// One command of this family.
    pub(super) fn file_command(&mut self, verb: Verb, argument: &[u8]) {
        match verb {
            Verb::Dele => self.dele(argument),
            Verb::Rnfr => self.rnfr(argument),
            Verb::Rnto => self.rnto(argument),
            Verb::Comb => self.comb(argument),
            _ => self.avbl(argument),
        }
    }

    /// DELE (RFC 959 section 4.1.3).
    fn dele(&mut self, argument: &[u8]) {
        if !self.needs(argument, "DELE and a file") {
            return;
        }
        let Some(path) = self.path(Verb::Dele, argument) else { return };
        if self.permits(Verb::Dele, &path, Right::DELETE) {
            self.operate(Operation::RemoveFile(path), Purpose::Confirm(Verb::Dele, "The file is deleted."));
        }
    }

    /// RNFR (RFC 959 section 4.1.3).
    fn rnfr(&mut self, argument: &[u8]) {
        if !self.needs(argument, "RNFR and a name") {
            return;
        }
        let Some(path) = self.path(Verb::Rnfr, argument) else { return };
        if path.name().is_none() {
            return self.reply(550, "The root has no name to change.");
        }
        if !self.permits(Verb::Rnfr, &path, Right::RENAME) {
            return;
        }
        // Elsewhere other rights hold: what is closed in the tree would be open there.
        let whole = self
            .known()
            .is_some_and(|account| account.login.permissions.allow_throughout(&path, Right::RENAME));
        if whole {
            self.operate(Operation::Inspect(path.clone()), Purpose::RenameFrom(path));
        } else {
            self.reply(550, "It holds something of which you may not change the name.");
        }
    }

    /// What RNFR named is there.
    pub(super) fn rename_source_found(&mut self, path: VirtualPath) {
        if let Some(account) = self.known_mut() {
            account.rename_from = Some(path);
        }
        self.reply(350, "Send the new name with RNTO.");
    }

    /// RNTO (RFC 959 section 4.1.3): directly behind RNFR.
    fn rnto(&mut self, argument: &[u8]) {
        let Some(from) = self.known_mut().and_then(|account| account.rename_from.take()) else {
            return self.reply(503, "Send RNFR with the old name first.");
        };
        if !self.needs(argument, "RNTO and a name") {
            return;
        }
        let Some(to) = self.path(Verb::Rnto, argument) else { return };
        if to.name().is_none() || (to != from && to.is_within(&from)) {
            return self.reply(553, "A directory cannot be put into itself.");
        }
        if self.permits(Verb::Rnto, &to, Right::RENAME) {
            self.operate(
                Operation::Rename { from, to },
                Purpose::Confirm(Verb::Rnto, "The name is changed."),
            );
        }
    }

    /// COMB: `target part part …`, names with spaces in quotes. Segments of one file, sent side by side, become one.
    fn comb(&mut self, argument: &[u8]) {
        if !self.policy.offer_combine {
            return self.reply(502, "This server puts no files together.");
        }
        let names =
            words(argument).filter(|names| (2..=MOST_COMBINED.saturating_add(1)).contains(&names.len()));
        let Some(names) = names else {
            return self
                .reply(501, format!("Send COMB, the new name and 1 to {MOST_COMBINED} names of its parts."));
        };
        let mut paths = Vec::with_capacity(names.len());
        for name in &names {
            let Some(path) = self.path(Verb::Comb, name) else { return };
            let right = if paths.is_empty() { Right::WRITE } else { Right::READ | Right::DELETE };
            if !self.permits(Verb::Comb, &path, right) {
                return;
            }
            paths.push(path);
        }
        let sources = paths.split_off(1);
        let Some(target) = paths.pop() else { return };
        let distinct: std::collections::HashSet<&VirtualPath> = sources.iter().collect();
        if distinct.len() < sources.len() || sources.contains(&target) {
            return self.reply(501, "Each part is to be named once, and is not the new file.");
        }
        self.operate(
            Operation::Combine { target, sources },
            Purpose::Confirm(Verb::Comb, "The files are one."),
        );
    }

    /// AVBL: bytes that may still be written there.
    fn avbl(&mut self, argument: &[u8]) {
        let Some(path) = self.path(Verb::Avbl, argument) else { return };
        if self.permits(Verb::Avbl, &path, Right::LIST) {
            self.operate(Operation::Space(path), Purpose::Space);
        }
    }

    /// The store has told its space, or that it cannot.
    pub(super) fn space_known(&mut self, space: Option<u64>) {
        match space {
            Some(bytes) => self.reply(213, bytes.to_string()),
            None => self.reply(failure::refusal(Verb::Avbl), "The space left is not known."),
        }
    }
}

/// Words with spaces between them; quotes hold a word together, and are doubled within it. `None` for an open quote.
pub(super) fn words(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        let (word, behind) = word(rest)?;
        words.push(word);
        rest = behind.trim_ascii_start();
    }
    Some(words)
}

/// The first word, and what is behind it.
pub(super) fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|&byte| byte == b' ').unwrap_or(text.len());
        return text.split_at_checked(end).map(|(word, behind)| (word.to_vec(), behind));
    };
    let mut word = Vec::new();
    loop {
        let end = rest.iter().position(|&byte| byte == b'"')?;
        let (piece, behind) = rest.split_at_checked(end)?;
        word.extend_from_slice(piece);
        rest = behind.get(1..)?;
        match rest.strip_prefix(b"\"") {
            Some(behind) => {
                word.push(b'"');
                rest = behind;
            }
            None => return Some((word, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_name_together() {
        let parsed = words(b"a \"b c\" \"d \"\"e\"\"\"").unwrap();
        assert_eq!(parsed, [&b"a"[..], b"b c", b"d \"e\""]);
        assert_eq!(words(b"\"a"), None);
        assert_eq!(words(b"  ").unwrap(), Vec::<Vec<u8>>::new());
    }
}

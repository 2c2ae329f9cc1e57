//! Why the store was asked, and what its answer leads to.

use std::collections::VecDeque;

use ftp_protocol::Verb;

use super::failure;
use crate::session::{Answered, Done, Operation, Session};
use crate::store::VirtualPath;

/// What the session goes on with once the store has answered.
#[derive(Debug)]
pub(in crate::session) enum Purpose {
    /// CWD, CDUP: the entry must be a directory.
    ChangeDirectory(Verb, VirtualPath),
    /// MKD: 257 names it.
    MakeDirectory(VirtualPath),
    /// DELE, RMD, RNTO, COMB: 250 with this text.
    Confirm(Verb, &'static str),
    /// RNFR: the entry is there.
    RenameFrom(VirtualPath),
    /// SIZE: how long it is.
    Size(VirtualPath),
    /// SIZE in TYPE A: how long it would be on the wire.
    AsciiSize,
    /// MDTM: when it was changed.
    ModificationTime,
    /// MLST: its facts.
    Facts {
        /// What is told of.
        path: VirtualPath,
        /// Which facts.
        facts: Vec<crate::listing::Fact>,
    },
    /// MFMT, MFF, MDTM with a time, SITE CHMOD, SITE UTIME: one after the other, then the reply.
    Set {
        /// The command.
        verb: Verb,
        /// What is still to be done.
        remaining: VecDeque<Operation>,
        /// The reply.
        code: u16,
        /// Its text.
        text: Vec<u8>,
    },
    /// SITE UMASK took effect, or not; the upload or directory itself is there: its reply.
    AfterMask {
        /// The reply.
        code: u16,
        /// Its text.
        text: Vec<u8>,
    },
    /// HASH and its kin.
    Hash {
        /// The command, which says how the reply is written.
        verb: Verb,
        /// The file's name as the client wrote it.
        name: Vec<u8>,
        /// The algorithm.
        algorithm: crate::hash::Algorithm,
    },
    /// HASH of a whole file: whether it is short enough.
    HashAfterSize {
        /// The command.
        verb: Verb,
        /// The file.
        path: VirtualPath,
        /// Its name as the client wrote it.
        name: Vec<u8>,
        /// The algorithm.
        algorithm: crate::hash::Algorithm,
        /// First byte.
        start: u64,
        /// Behind the last byte.
        end: Option<u64>,
    },
    /// AVBL.
    Space,
    /// ALLO: whether so many bytes have room.
    Allocate(u64),
    /// STAT with a path: whether it is a directory.
    StatusKind {
        /// What is listed.
        operation: Operation,
    },
    /// STAT with a path: the listing.
    StatusLines {
        /// 212 of a directory, 213 of a file (RFC 959 section 4.2.2).
        code: u16,
    },
}

impl Purpose {
    /// The command that gets the reply.
    fn verb(&self) -> Verb {
        match self {
            Self::ChangeDirectory(verb, _) | Self::Confirm(verb, _) => *verb,
            Self::Set { verb, .. } | Self::Hash { verb, .. } | Self::HashAfterSize { verb, .. } => *verb,
            Self::MakeDirectory(_) => Verb::Mkd,
            Self::RenameFrom(_) => Verb::Rnfr,
            Self::Size(_) | Self::AsciiSize => Verb::Size,
            Self::ModificationTime => Verb::Mdtm,
            Self::Facts { .. } => Verb::Mlst,
            Self::AfterMask { .. } => Verb::Stor,
            Self::Space => Verb::Avbl,
            Self::Allocate(_) => Verb::Allo,
            Self::StatusKind { .. } | Self::StatusLines { .. } => Verb::Stat,
        }
    }
}

impl Session {
    /// The store has answered.
    pub(in crate::session) fn operated(&mut self, purpose: Purpose, done: Done) {
        if let Purpose::AfterMask { code, text } = purpose {
            return self.reply(code, text);
        }
        if let Purpose::Allocate(bytes) = purpose {
            let space = if let Ok(Answered::Space(space)) = done { space } else { None };
            return self.allocate(bytes, space);
        }
        let verb = purpose.verb();
        let answer = match done {
            Ok(answer) => answer,
            Err(error) => {
                let (code, text) = failure::of_store(verb, &error);
                return self.reply(code, text);
            }
        };
        match (purpose, answer) {
            (Purpose::ChangeDirectory(verb, path), Answered::Metadata(metadata)) => {
                self.directory_inspected(verb, path, &metadata);
            }
            (Purpose::MakeDirectory(path), _) => self.directory_made(path),
            (Purpose::Confirm(_, text), _) => self.reply(250, text),
            (Purpose::RenameFrom(path), _) => self.rename_source_found(path),
            (Purpose::Size(path), Answered::Metadata(metadata)) => self.size_inspected(path, &metadata),
            (Purpose::AsciiSize, Answered::Size(size)) => self.reply(213, size.to_string()),
            (Purpose::ModificationTime, Answered::Metadata(metadata)) => self.time_inspected(&metadata),
            (Purpose::Facts { path, facts }, Answered::Metadata(metadata)) => {
                self.facts_inspected(&path, &facts, &metadata);
            }
            (Purpose::Set { verb, remaining, code, text }, _) => self.set_next(verb, remaining, code, text),
            (
                Purpose::HashAfterSize { verb, path, name, algorithm, start, end },
                Answered::Metadata(metadata),
            ) => {
                self.hash_inspected(verb, path, name, algorithm, (start, end), &metadata);
            }
            (Purpose::Hash { verb, name, algorithm }, Answered::Hash { digest, start, end }) => {
                self.hashed(verb, &name, algorithm, &digest, (start, end));
            }
            (Purpose::Space, Answered::Space(space)) => self.space_known(space),
            (Purpose::StatusKind { operation }, Answered::Metadata(metadata)) => {
                self.status_inspected(operation, &metadata);
            }
            (Purpose::StatusLines { code }, Answered::Lines { lines, cut }) => {
                self.status_listed(code, lines, cut)
            }
            // A driver's mistake: the client still gets its reply.
            _ => self.reply(failure::refusal(verb), "The server could not do this; its log says why."),
        }
    }
}

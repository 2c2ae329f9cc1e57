//! What crosses a data connection: RETR, STOR, STOU, APPE, LIST, NLST and ABOR (RFC 959 section 4.1.3), MLSD (RFC 3659
//! section 7).

use std::time::Instant;

use ftp_protocol::Verb;

use super::{Purpose, failure};
use crate::account::Right;
use crate::session::parameters::{DataAddress, Part, Type};
use crate::session::stage::{Running, Stage};
use crate::session::{
    Action, Connection, Content, ListFormat, Operation, Session, Transfer, TransferError, TransferId,
    Transferred,
};
use crate::store::{Disposition, Metadata, VirtualPath};

/// Name that STOU wishes where the client names none; the store finds a free one beside it.
const UNIQUE_NAME: &[u8] = b"upload";

/// Mode of a new file, of which SITE UMASK takes bits away.
const FILE_MODE: u32 = 0o666;

impl Session {
    /// One command of this family.
    pub(super) fn transfer_command(&mut self, verb: Verb, argument: &[u8]) {
        if verb == Verb::Abor {
            return self.abor();
        }
        self.tally.unused_ports = 0;
        let part = self.parameters.part.take().unwrap_or_default();
        // RFC 4217 section 9: the server may insist on PROT P.
        if self.policy.require_protected_data && !self.protection.data {
            return self.reply(522, "Data connections are protected here: send PBSZ 0 and PROT P.");
        }
        let content = match verb {
            Verb::Retr => self.retrieve(argument, part),
            Verb::Stor | Verb::Stou | Verb::Appe => self.store(verb, argument, part),
            _ => self.list(verb, argument),
        };
        if let Some(content) = content {
            self.transfer(verb, content);
        }
    }

    /// ABOR (RFC 959 section 4.1.3). A transfer was told to end when the line was seen, and has ended before it is read.
    fn abor(&mut self) {
        self.drop_data_address();
        self.reply(226, "No transfer is under way.");
    }

    /// RETR (RFC 959 section 4.1.3).
    fn retrieve(&mut self, argument: &[u8], part: Part) -> Option<Content> {
        if !self.needs(argument, "RETR and a name") || !self.part_fits(part) {
            return None;
        }
        let path = self.path(Verb::Retr, argument)?;
        self.permits(Verb::Retr, &path, Right::READ).then_some(Content::Retrieve {
            path,
            offset: part.start,
            end: part.end,
        })
    }

    /// STOR, STOU and APPE (RFC 959 section 4.1.3).
    fn store(&mut self, verb: Verb, argument: &[u8], part: Part) -> Option<Content> {
        let announced = self.parameters.allocated.take();
        let named = match (verb, argument) {
            (Verb::Stou, b"") => UNIQUE_NAME,
            _ => argument,
        };
        if !self.needs(named, "the command and a name") || !self.part_fits(part) {
            return None;
        }
        if part.end.is_some() || (verb != Verb::Stor && part.start > 0) {
            self.reply(501, "REST goes before STOR or RETR, and RANG before RETR only.");
            return None;
        }
        let path = self.path(verb, named)?;
        let disposition = match (verb, part.start) {
            (Verb::Appe, _) => Disposition::Append,
            (Verb::Stou, _) => Disposition::Unique,
            (_, 0) => Disposition::Replace,
            (_, start) => Disposition::From(start),
        };
        if path.name().is_none() {
            self.reply(553, "This is a directory, not a file.");
            return None;
        }
        self.permits(verb, &path, Right::WRITE).then_some(Content::Store { path, disposition, announced })
    }

    /// In TYPE A the bytes on the wire are not those of the store, so that an offset would name two places.
    fn part_fits(&mut self, part: Part) -> bool {
        let fits = part == Part::default() || self.parameters.representation != Type::Ascii;
        if !fits {
            self.reply(501, "REST and RANG count bytes: send TYPE I first.");
        }
        fits
    }

    /// LIST, NLST and MLSD.
    fn list(&mut self, verb: Verb, argument: &[u8]) -> Option<Content> {
        let (path, pattern, format) = self.list_request(verb, argument)?;
        Some(Content::List { path, pattern, format })
    }

    /// What a listing command asks for: the directory or file, which names of it, and how they are written.
    pub(super) fn list_request(
        &mut self,
        verb: Verb,
        argument: &[u8],
    ) -> Option<(VirtualPath, Option<Vec<u8>>, ListFormat)> {
        // RFC 3659 section 7.1: the argument is a path and nothing else.
        let request =
            if verb == Verb::Mlsd { ListArgument::path(argument) } else { ListArgument::parse(argument) };
        let format = match verb {
            Verb::Mlsd => ListFormat::Facts(self.parameters.facts()),
            Verb::Nlst if !request.long => ListFormat::Names { all: request.all, prefix: request.prefix() },
            _ => ListFormat::Long { all: request.all, recursive: request.recursive },
        };
        let path = self.path(verb, request.directory)?;
        let pattern = request.pattern.map(<[u8]>::to_vec);
        self.permits(verb, &path, Right::LIST).then_some((path, pattern, format))
    }

    /// Asks the driver to transfer this where the client said.
    fn transfer(&mut self, verb: Verb, content: Content) {
        let connection = match self.parameters.data {
            DataAddress::Listener => Connection::Passive,
            DataAddress::Active(to) => Connection::Active(to),
            DataAddress::Unset if self.may_use_default_port() => Connection::Active(self.ends.peer),
            DataAddress::Unset => return self.reply(425, "Send PASV, EPSV, PORT or EPRT first."),
        };
        let (path, part) = match &content {
            Content::Store { path, .. } => (Some(path.clone()), Part::default()),
            Content::Retrieve { offset, end, .. } => (None, Part { start: *offset, end: *end }),
            Content::List { .. } => (None, Part::default()),
        };
        let mut form = self.parameters.form();
        // RFC 3659 section 7.2: what MLSD sends is the same in every type. Listings are lines on the wire in any case.
        form.ascii &= !verb.transfer_kind().is_some_and(ftp_protocol::verb::TransferKind::is_listing);
        let id = self.next_transfer;
        self.next_transfer = id.saturating_add(1);
        self.parameters.data = DataAddress::Unset;
        self.act(Action::Transfer(Transfer {
            id,
            connection,
            protected: self.protection.data,
            form,
            content,
        }));
        self.stage =
            Stage::Transferring(Running { id, verb, path, part, opened: false, aborting: false, bytes: 0 });
    }

    /// RFC 959 section 3.2: the client's default data port is that of its control connection.
    fn may_use_default_port(&self) -> bool {
        let policy = &self.policy;
        policy.use_default_data_port
            && policy.offer_active
            && !self.parameters.epsv_all
            && self.ends.peer.port() >= policy.lowest_active_port
    }

    /// What is to be transferred is open: the preliminary reply.
    pub(in crate::session) fn transfer_prepared(
        &mut self,
        id: TransferId,
        metadata: Option<Metadata>,
        path: Option<VirtualPath>,
    ) {
        let form = self.parameters.form();
        let Stage::Transferring(running) = &mut self.stage else { return };
        if running.id != id || running.opened || running.aborting {
            return;
        }
        running.opened = true;
        if path.is_some() && running.path.is_some() {
            running.path = path;
        }
        let verb = running.verb;
        let name = running.path.as_ref().map(|path| path.as_bytes().to_vec()).unwrap_or_default();
        if verb == Verb::Stou {
            // RFC 1123 section 4.1.2.9 fixes this form.
            return self.reply(150, [b"FILE: ", name.as_slice()].concat());
        }
        let exact = !form.ascii && form.deflate.is_none();
        let part = running.part;
        match metadata.filter(|_| exact && verb == Verb::Retr) {
            // Clients read from here how much is coming.
            Some(metadata) => {
                let end = part.end.map_or(metadata.size, |end| end.min(metadata.size));
                let length = end.saturating_sub(part.start);
                self.reply(150, format!("Opening data connection ({length} bytes)."));
            }
            None => self.reply(150, "Opening data connection."),
        }
    }

    /// A transfer is over: the reply that its command has waited for.
    pub(in crate::session) fn transfer_ended(
        &mut self,
        now: Instant,
        id: TransferId,
        result: Result<Transferred, TransferError>,
    ) {
        let Stage::Transferring(running) = &self.stage else { return };
        if running.id != id {
            return;
        }
        self.active_at = now;
        let Stage::Transferring(running) = std::mem::replace(&mut self.stage, Stage::Ready) else { return };
        match result {
            Ok(transferred) => {
                let text = format!("Transfer complete: {} bytes.", transferred.bytes);
                self.mask_upload(&running, text);
            }
            Err(error) => {
                let (code, text) = failure::of_transfer(running.verb, &error);
                self.reply(code, text);
            }
        }
    }

    /// SITE UMASK sets the mode of a new file before the client hears of it.
    fn mask_upload(&mut self, running: &Running, text: String) {
        let made = matches!(running.verb, Verb::Stor | Verb::Stou);
        let mask = self.known().filter(|_| made).and_then(|account| account.umask);
        match (mask, &running.path) {
            (Some(mask), Some(path)) => {
                let operation = Operation::SetMode(path.clone(), FILE_MODE & !mask);
                self.operate(operation, Purpose::AfterMask { code: 226, text: text.into_bytes() });
            }
            _ => self.reply(226, text),
        }
    }
}

/// The argument of LIST and NLST: words of options as `ls` has them, then a path whose last component may be a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct ListArgument<'a> {
    all: bool,
    long: bool,
    recursive: bool,
    directory: &'a [u8],
    pattern: Option<&'a [u8]>,
}

impl<'a> ListArgument<'a> {
    /// Only a path.
    fn path(directory: &'a [u8]) -> Self {
        Self { directory, ..Self::default() }
    }

    /// Other letters than `a`, `l` and `R` ask for an order or a form that no client reads, and are passed over.
    fn parse(argument: &'a [u8]) -> Self {
        let mut request = Self::default();
        let mut rest = argument;
        while let Some(options) = rest.strip_prefix(b"-") {
            let end = options.iter().position(|&byte| byte == b' ').unwrap_or(options.len());
            let (word, behind) = options.split_at_checked(end).unwrap_or((options, &[]));
            request.all |= word.iter().any(|&byte| matches!(byte, b'a' | b'A'));
            request.long |= word.contains(&b'l');
            request.recursive |= word.contains(&b'R');
            rest = behind.trim_ascii_start();
        }
        let begin = rest.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at.saturating_add(1));
        let (front, last) = rest.split_at_checked(begin).unwrap_or((rest, &[]));
        if last.iter().any(|&byte| matches!(byte, b'*' | b'?' | b'[')) {
            request.directory = front;
            request.pattern = Some(last);
        } else {
            request.directory = rest;
        }
        request
    }

    /// What stands before each name of the directory's entries, so that a client can use what it reads (RFC 1123 section 4.1.2.7).
    fn prefix(&self) -> Vec<u8> {
        let mut prefix = self.directory.to_vec();
        if !prefix.is_empty() && !prefix.ends_with(b"/") {
            prefix.push(b'/');
        }
        prefix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_before_the_path() {
        let request = ListArgument::parse(b"-la -R a b");
        assert_eq!((request.all, request.long, request.recursive), (true, true, true));
        assert_eq!(request.directory, b"a b");
        assert_eq!(
            ListArgument::parse(b"-la"),
            ListArgument { all: true, long: true, ..ListArgument::default() }
        );
        assert_eq!(ListArgument::parse(b"").directory, b"");
        assert_eq!(ListArgument::parse(b"a -l").directory, b"a -l");
    }

    #[test]
    fn only_the_last_component_is_a_pattern() {
        let request = ListArgument::parse(b"pub/*.txt");
        assert_eq!((request.directory, request.pattern), (&b"pub/"[..], Some(&b"*.txt"[..])));
        assert_eq!(request.prefix(), b"pub/");
        assert_eq!(ListArgument::parse(b"a*/b").pattern, None);
        assert_eq!(ListArgument::parse(b"pub").prefix(), b"pub/");
        assert_eq!(ListArgument::parse(b"").prefix(), b"");
    }
}

//! What commands and replies change: login, directory, type, announcements, transfers.

use ftp_protocol::command::is_guest;
use ftp_protocol::{Verb, address, path, sequence};
use port21_capture::Timestamp;

use super::control::Mark;
use super::session::{Action, HIDDEN, ServerName, Session};
use super::transfer::{Announcement, Index, Pending};
use crate::hex;
use crate::limits::Loss;
use crate::report::{Login, Mode, NameSource, Outcome, ReplyRef, Type};

impl Session {
    /// A command was sent.
    pub(super) fn begin(&mut self, index: usize, time: Timestamp) {
        let Some(memory) = self.memories.get(index) else { return };
        let (Some(verb), packet, argument) = (memory.verb, memory.packet(), memory.argument()) else {
            return;
        };
        let text = std::mem::take(&mut self.transcript.text);
        let argument = argument.map(|argument| argument.of(&text));
        match verb {
            Verb::User => self.begin_login(index, argument, packet),
            Verb::Pass => self.password(index, argument, packet),
            Verb::Acct => {
                let login = self.logins.len().checked_sub(1);
                self.set_login(index, login);
            }
            Verb::Allo => {
                self.allocated = argument.and_then(leading_number).map(|bytes| (bytes, packet));
            }
            _ if verb.arranges_data() => self.announce(index, verb, argument, packet, time),
            _ if verb.is_transfer() => self.begin_transfer(index, verb, argument, packet, time),
            _ => {}
        }
        self.transcript.text = text;
    }

    /// A reply was given to the exchange at `index`.
    pub(super) fn effect(
        &mut self,
        index: usize,
        code: Option<u16>,
        text: &[u8],
        all_text: &[u8],
        first: &Mark,
    ) {
        let (Some(code), packet) = (code, first.packet) else { return };
        let Some(memory) = self.memories.get(index) else { return };
        let (verb, argument) = (memory.verb, memory.argument());
        let kept = std::mem::take(&mut self.transcript.text);
        self.change(index, code, argument.map(|argument| argument.of(&kept)), text, packet);
        self.transcript.text = kept;
        match code {
            227..=229 if verb.is_none_or(Verb::arranges_data) => {
                self.announced(index, code, text, packet, first.time)
            }
            400.. if verb.is_some_and(Verb::arranges_data) => self.withdraw(index),
            200..=299 if verb.is_some_and(Verb::arranges_data) => self.confirm(index, packet),
            _ => {}
        }
        let is_transfer = verb.map_or(code == 150 || code == 125, Verb::is_transfer);
        if is_transfer || self.memories.get(index).is_some_and(|memory| memory.transfer.is_some()) {
            self.transfer_reply(index, code, all_text, first);
        }
    }

    /// What a reply with `code` to a command with `argument` changes of the session's state.
    fn change(&mut self, index: usize, code: u16, argument: Option<&[u8]>, text: &[u8], packet: u64) {
        let Some(memory) = self.memories.get(index) else { return };
        let positive = sequence::is_completion(code);
        match memory.verb {
            Some(Verb::User | Verb::Pass | Verb::Acct) => self.login_reply(index, code, packet),
            Some(Verb::Auth) if code == 234 => self.auth_packet = Some(memory.packet()),
            Some(Verb::Pwd | Verb::Xpwd) if code == 257 => {
                self.directory = path::parse_quoted(text).or(self.directory.take());
            }
            Some(Verb::Cwd | Verb::Xcwd) if positive => {
                let to = argument.unwrap_or_default();
                self.directory = Some(path::resolve(self.directory.as_deref(), to));
            }
            Some(Verb::Cdup | Verb::Xcup) if positive => {
                self.directory = Some(path::resolve(self.directory.as_deref(), b".."));
            }
            Some(Verb::Mode) if positive => {
                self.stream_mode = argument.is_none_or(|mode| mode.eq_ignore_ascii_case(b"S"));
            }
            Some(Verb::Mic | Verb::Conf | Verb::Enc) => self.is_enciphered = true,
            Some(Verb::Type) if positive => self.set_type(argument),
            Some(Verb::Rest) if code == 350 => self.restart = argument.and_then(leading_number),
            Some(Verb::Prot) if positive => {
                self.protected = argument.is_some_and(|level| level.eq_ignore_ascii_case(b"P"));
            }
            Some(Verb::Size) if code == 213 => self.size_reply(argument, text, packet),
            Some(Verb::Rein) if positive => {
                self.directory = None;
                self.representation = Type::Ascii;
                self.current = None;
            }
            _ => {}
        }
    }

    fn begin_login(&mut self, index: usize, user: Option<&[u8]>, packet: u64) {
        self.user_at = Some(index);
        let (text, bytes) = user.map(hex::text).unwrap_or_default();
        self.logins.push(Login {
            user: user.map(|_| text),
            user_bytes: bytes,
            user_packet: Some(packet),
            password: None,
            password_packet: None,
            guest: user.is_some_and(is_guest),
            outcome: Outcome::Unknown,
            reply_packet: None,
            reply_code: None,
        });
        self.set_login(index, self.logins.len().checked_sub(1));
    }

    fn password(&mut self, index: usize, password: Option<&[u8]>, packet: u64) {
        // Some servers accept the user already (230) and are given a password all the same.
        let open = self
            .logins
            .last()
            .is_some_and(|login| login.password_packet.is_none() && login.outcome != Outcome::Rejected);
        if !open {
            // A password without its user, or a second one for it (which RFC 959 does not provide for).
            let again = self.logins.last().filter(|login| login.password_packet.is_some());
            let (user, user_bytes, guest) = again
                .map(|login| (login.user.clone(), login.user_bytes.clone(), login.guest))
                .unwrap_or_default();
            self.logins.push(Login {
                user,
                user_bytes,
                user_packet: None,
                password: None,
                password_packet: None,
                guest,
                outcome: Outcome::Unknown,
                reply_packet: None,
                reply_code: None,
            });
        }
        let show = self.wanted.passwords;
        if let Some(login) = self.logins.last_mut() {
            login.password_packet = Some(packet);
            login.password = password.map(|bytes| match login.guest || show {
                true => hex::text(bytes).0,
                false => HIDDEN.to_owned(),
            });
        }
        self.set_login(index, self.logins.len().checked_sub(1));
    }

    fn set_login(&mut self, index: usize, login: Option<Index>) {
        if let Some(memory) = self.memories.get_mut(index) {
            memory.login = login;
        }
    }

    fn login_reply(&mut self, index: usize, code: u16, packet: u64) {
        let Some(login) = self.memories.get(index).and_then(|memory| memory.login) else { return };
        let Some(login) = self.logins.get_mut(login) else { return };
        let outcome = match code {
            // 202: not needed here, the user is logged in (RFC 959, section 5.4).
            230 | 232 | 202 => Outcome::Accepted,
            400.. => Outcome::Rejected,
            _ => return,
        };
        login.outcome = outcome;
        login.reply_packet = Some(packet);
        login.reply_code = Some(code);
        let is_first = self.logged_in == 0 && self.announcements.is_empty() && self.transfers.is_empty();
        if outcome == Outcome::Accepted && is_first {
            self.logged_in = packet;
        }
    }

    fn set_type(&mut self, argument: Option<&[u8]>) {
        self.representation = match argument.and_then(<[u8]>::first).map(u8::to_ascii_uppercase) {
            Some(b'A') => Type::Ascii,
            Some(b'I') => Type::Image,
            Some(b'E') => Type::Ebcdic,
            Some(b'L') => Type::Local,
            _ => return,
        };
        self.type_seen = true;
    }

    fn size_reply(&mut self, argument: Option<&[u8]>, text: &[u8], packet: u64) {
        // In ASCII the size is that of the converted text, which servers disagree about (RFC 3659, section 4).
        let image = self.representation == Type::Image;
        let (Some(path), Some(size), true) = (argument, leading_number(text), image) else { return };
        if self.sizes.len() >= self.limits.sizes {
            self.dropped.add(Loss::Sizes);
            return;
        }
        let path = path::resolve(self.directory.as_deref(), path);
        self.take_up(path.len());
        self.sizes.insert(path, (size, packet));
    }

    /// PORT or PASV was sent.
    fn announce(&mut self, index: usize, verb: Verb, argument: Option<&[u8]>, packet: u64, time: Timestamp) {
        // EPSV ALL announces nothing (RFC 2428, section 4).
        if verb == Verb::Epsv && argument.is_some_and(|word| word.eq_ignore_ascii_case(b"ALL")) {
            return;
        }
        let (mode, parsed) = match verb {
            Verb::Port => (Mode::Active, argument.map(address::parse_port)),
            Verb::Eprt => (Mode::ExtendedActive, argument.map(address::parse_eprt)),
            Verb::Lprt => (Mode::Active, argument.map(address::parse_lprt)),
            Verb::Epsv => (Mode::ExtendedPassive, None),
            Verb::Pasv | Verb::Lpsv | Verb::Cpsv | Verb::Spsv => (Mode::Passive, None),
            _ => return,
        };
        let mut announcement = Announcement::new(Some(verb), mode, Some(packet), time.0);
        if !announcement.is_passive() {
            announcement.text = argument.map(<[u8]>::to_vec);
        }
        let mut known = false;
        match parsed {
            Some(Ok(data)) => {
                announcement.address = data.address;
                announcement.port = Some(data.port);
                announcement.bytes = data.arithmetic;
                known = true;
            }
            Some(Err(error)) => self.note(packet, format!("{}: {error}", verb.as_str())),
            None => {}
        }
        let place = self.add_announcement(announcement);
        if let Some(memory) = self.memories.get_mut(index) {
            memory.announcement = Some(place);
        }
        if known {
            self.actions.push(Action::Announced(place));
        }
    }

    /// 227, 228 or 229: the server says where it listens.
    fn announced(&mut self, index: usize, code: u16, text: &[u8], packet: u64, time: Timestamp) {
        let parsed = match code {
            227 => address::parse_pasv_reply(text),
            228 => address::parse_lpsv_reply(text),
            // CPython and others have seen servers answer EPSV with an address of PASV's form.
            _ => address::parse_epsv_reply(text)
                .or_else(|error| address::parse_pasv_reply(text).map_err(|_| error)),
        };
        let place = match self.memories.get(index).and_then(|memory| memory.announcement) {
            Some(place) => place,
            None => {
                let mode = if code == 229 { Mode::ExtendedPassive } else { Mode::Passive };
                let place = self.add_announcement(Announcement::new(None, mode, None, time.0));
                if let Some(memory) = self.memories.get_mut(index) {
                    memory.announcement = Some(place);
                }
                place
            }
        };
        let Some(announcement) = self.announcements.get_mut(place) else { return };
        announcement.reply_packet = Some(packet);
        announcement.time = time.0;
        announcement.text = Some(text.to_vec());
        match parsed {
            Ok(data) => {
                announcement.address = data.address;
                announcement.port = Some(data.port);
                announcement.bytes = data.arithmetic;
                self.actions.push(Action::Announced(place));
            }
            Err(error) => self.note(packet, format!("{code}: {error}")),
        }
    }

    fn add_announcement(&mut self, announcement: Announcement) -> Index {
        let place = self.announcements.len();
        self.announcements.push(announcement);
        self.usable.push(place);
        self.current = Some(place);
        place
    }

    fn confirm(&mut self, index: usize, packet: u64) {
        let place = self.memories.get(index).and_then(|memory| memory.announcement);
        if let Some(announcement) = place.and_then(|place| self.announcements.get_mut(place)) {
            announcement.reply_packet.get_or_insert(packet);
        }
    }

    fn withdraw(&mut self, index: usize) {
        let Some(place) = self.memories.get(index).and_then(|memory| memory.announcement) else { return };
        if let Some(announcement) = self.announcements.get_mut(place) {
            announcement.failed = true;
        }
        if self.current == Some(place) {
            while let Some(last) = self.usable.last()
                && self.announcements.get(*last).is_some_and(|announcement| announcement.failed)
            {
                self.usable.pop();
            }
            self.current = self.usable.last().copied();
        }
        self.actions.push(Action::Withdrawn(place));
    }

    fn begin_transfer(
        &mut self,
        index: usize,
        verb: Verb,
        argument: Option<&[u8]>,
        packet: u64,
        time: Timestamp,
    ) {
        let kind = verb.transfer_kind();
        let named = argument.and_then(|argument| verb.path_in(argument));
        let listing = kind.is_some_and(|kind| kind.is_listing());
        let path = match named {
            Some(name) => Some(path::resolve(self.directory.as_deref(), name)),
            None if listing => self.directory.clone(),
            None => None,
        };
        let upload = kind.is_some_and(|kind| kind.is_upload());
        let expected = match (&path, upload) {
            (_, true) => self.allocated.take().map(|(bytes, packet)| (bytes, "ALLO", packet)),
            (Some(path), false) if self.representation == Type::Image => {
                self.sizes.get(path).map(|(bytes, packet)| (*bytes, "SIZE", *packet))
            }
            _ => None,
        };
        let argument = argument.map(<[u8]>::to_vec);
        self.add_transfer(index, Some(verb), argument, path, Some((packet, time.0)), expected);
    }

    fn add_transfer(
        &mut self,
        index: usize,
        verb: Option<Verb>,
        argument: Option<Vec<u8>>,
        path: Option<Vec<u8>>,
        command: Option<(u64, i64)>,
        expected: Option<(u64, &'static str, u64)>,
    ) {
        let announcement = self.current.filter(|place| self.is_usable(*place));
        let streams = announcement.map(|place| self.take_unused_streams(place)).unwrap_or_default();
        let place = self.transfers.len();
        if let Some(announced) = announcement.and_then(|place| self.announcements.get_mut(place)) {
            announced.transfers.push(place);
            announced.uses += 1;
        }
        self.transfers.push(Pending {
            verb,
            argument,
            path,
            announcement,
            streams,
            command,
            opening: None,
            closing: None,
            closing_time: None,
            representation: self.representation,
            type_seen: self.type_seen,
            restart: self.restart.take(),
            expected,
            protected: self.protected,
            stream_mode: self.stream_mode,
        });
        if let Some(memory) = self.memories.get_mut(index) {
            memory.transfer = Some(place);
        }
    }

    /// A server listens once for each PASV; a client's port serves until another is announced (RFC 959, section 4.1.2).
    fn is_usable(&self, place: Index) -> bool {
        let Some(announcement) = self.announcements.get(place) else { return false };
        !announcement.failed && (!announcement.is_passive() || announcement.uses == 0)
    }

    fn transfer_reply(&mut self, index: usize, code: u16, text: &[u8], first: &Mark) {
        if self.memories.get(index).is_some_and(|memory| memory.transfer.is_none()) {
            // The command is not in the capture; that the server opens a data connection shows that there was one.
            self.add_transfer(index, None, None, None, None, None);
        }
        let directory = self.directory.as_deref();
        let place = self.memories.get(index).and_then(|memory| memory.transfer);
        let Some(transfer) = place.and_then(|place| self.transfers.get_mut(place)) else { return };
        let reply = ReplyRef { packet: first.packet, code: Some(code) };
        let was_refused = transfer.is_refused();
        if sequence::is_preliminary(code) {
            transfer.opening.get_or_insert(reply);
            if let Some(bytes) = sequence::announced_size(text) {
                let name = if code == 125 { "125" } else { "150" };
                let download =
                    transfer.verb.and_then(Verb::transfer_kind).is_none_or(|kind| !kind.is_upload());
                if download {
                    transfer.expected = Some((bytes, name, first.packet));
                }
            }
        } else if transfer.closing.is_none() || transfer.closing_time.is_none() {
            transfer.closing = Some(reply);
            transfer.closing_time = Some(first.time.0);
        }
        if transfer.verb == Some(Verb::Stou) && transfer.path.is_none() {
            transfer.path = sequence::announced_path(text).map(|name| path::resolve(directory, &name));
        }
        let announced = transfer.announcement.and_then(|place| self.announcements.get_mut(place));
        match (was_refused, transfer.is_refused(), announced) {
            // What it did not use is there for the next one.
            (false, true, Some(announced)) => {
                announced.uses = announced.uses.saturating_sub(1);
                announced.unused.extend(&transfer.streams);
            }
            (true, false, Some(announced)) => announced.uses += 1,
            _ => {}
        }
    }

    pub(super) fn name_from_greeting(&mut self, text: &[u8], packet: u64) {
        if self.name.is_none() {
            self.name = sequence::greeting_host(text).map(|name| ServerName {
                name,
                packet,
                query_packet: None,
                source: NameSource::Greeting,
            });
        }
    }
}

/// The number at the beginning of text.
fn leading_number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok()
}

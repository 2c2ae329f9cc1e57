//! How and which bytes are transferred: TYPE, STRU, MODE (RFC 959 section 4.1.2), REST (RFC 3659 section 5), RANG
//! (draft-bryan-ftp-range), ALLO (RFC 959 section 4.1.3) and OPTS (RFC 2389 section 4).

use ftp_protocol::Verb;

use super::Purpose;
use super::hash::number;
use crate::account::Right;
use crate::hash::Algorithm;
use crate::listing::Fact;
use crate::session::parameters::{Part, Type};
use crate::session::{Operation, Session};

impl Session {
    /// One command of this family.
    pub(super) fn parameter_command(&mut self, verb: Verb, argument: &[u8]) {
        match verb {
            Verb::Type => self.representation_type(argument),
            Verb::Stru => self.structure(argument),
            Verb::Mode => self.mode(argument),
            Verb::Rest => self.rest(argument),
            Verb::Rang => self.rang(argument),
            Verb::Allo => self.allo(argument),
            _ => self.opts(argument),
        }
    }

    /// TYPE (RFC 959 sections 3.1.1 and 5.3.2).
    fn representation_type(&mut self, argument: &[u8]) {
        let upper = argument.to_ascii_uppercase();
        let words: Vec<&[u8]> = upper.split(|&byte| byte == b' ').filter(|word| !word.is_empty()).collect();
        let representation = match words.as_slice() {
            [b"A"] | [b"A", b"N"] => Type::Ascii,
            [b"I"] => Type::Image,
            [b"L", b"8"] | [b"L8"] => Type::Local8,
            [b"A", b"T" | b"C"] => return self.reply(504, "Only TYPE A N: there is no printer here."),
            [b"E"] | [b"E", _] => return self.reply(504, "There is no EBCDIC here: send TYPE A or TYPE I."),
            [b"L"] => return self.reply(501, "Send TYPE L 8."),
            [b"L", _] => return self.reply(504, "Bytes have eight bits here: send TYPE L 8."),
            _ => return self.reply(501, "Send TYPE A, TYPE I or TYPE L 8."),
        };
        self.parameters.representation = representation;
        let text = match representation {
            Type::Ascii => "Type is ASCII: line ends are converted.",
            Type::Image | Type::Local8 => "Type is image: bytes are sent as they are.",
        };
        self.reply(200, text);
    }

    /// STRU (RFC 959 sections 3.1.2 and 4.1.2).
    fn structure(&mut self, argument: &[u8]) {
        match argument.to_ascii_uppercase().as_slice() {
            b"F" => self.reply(200, "Files have no records or pages."),
            b"R" | b"P" => self.reply(504, "Only STRU F is known here."),
            _ => self.reply(501, "Send STRU F."),
        }
    }

    /// MODE (RFC 959 section 3.4; MODE Z: draft-preston-ftpext-deflate).
    fn mode(&mut self, argument: &[u8]) {
        match argument.to_ascii_uppercase().as_slice() {
            b"S" => {
                self.parameters.deflate = false;
                self.reply(200, "Mode is stream.");
            }
            b"Z" if self.policy.offer_deflate => {
                self.parameters.deflate = true;
                self.reply(200, "Mode is deflate: data is compressed.");
            }
            b"Z" | b"B" | b"C" => self.reply(504, "This mode is not known here: send MODE S."),
            _ => self.reply(501, "Send MODE S."),
        }
    }

    /// REST (RFC 3659 section 5): where the next transfer begins.
    fn rest(&mut self, argument: &[u8]) {
        match number(argument.trim_ascii()) {
            // The marker would count bytes on the wire, which are not those of the store.
            Some(1..) if self.parameters.representation == Type::Ascii => {
                self.reply(501, "REST counts bytes: send TYPE I first.");
            }
            Some(start) => {
                self.parameters.part = Some(Part { start, end: None });
                self.reply(350, format!("The next transfer begins at byte {start}."));
            }
            None => self.reply(501, "Send REST and the number of the byte to begin at."),
        }
    }

    /// RANG (draft-bryan-ftp-range section 3): first and last byte of the next download or hash; `1 0` takes it back.
    fn rang(&mut self, argument: &[u8]) {
        let mut words = argument.split(|&byte| byte == b' ').map(number);
        let (Some(Some(first)), Some(Some(last)), None) = (words.next(), words.next(), words.next()) else {
            return self.reply(501, "Send RANG, the first and the last byte.");
        };
        if (first, last) == (1, 0) {
            self.parameters.part = None;
            return self.reply(350, "The next transfer is of the whole file.");
        }
        if last < first {
            return self.reply(501, "The last byte comes before the first.");
        }
        if self.parameters.representation == Type::Ascii {
            return self.reply(501, "RANG counts bytes: send TYPE I first.");
        }
        self.parameters.part = Some(Part { start: first, end: Some(last.saturating_add(1)) });
        self.reply(350, format!("The next transfer is of bytes {first} to {last}."));
    }

    /// ALLO (RFC 959 section 4.1.3): `bytes [R record size]`. Whether there is room is what AVBL tells of the working directory; the store is
    /// told when the upload begins.
    fn allo(&mut self, argument: &[u8]) {
        let mut words = argument.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let bytes = words.next().and_then(number);
        let record = (words.next(), words.next().map(number), words.next());
        let fits = matches!(record, (None, None, None))
            || matches!(record, (Some(b"R" | b"r"), Some(Some(_)), None));
        let Some(bytes) = bytes.filter(|_| fits) else {
            return self.reply(501, "Send ALLO and a number of bytes.");
        };
        // Who may not write here learns nothing of it.
        let here =
            self.known().filter(|account| account.login.permissions.allow(&account.directory, Right::WRITE));
        match here.map(|account| account.directory.clone()) {
            Some(path) => self.operate(Operation::Space(path), Purpose::Allocate(bytes)),
            None => self.allocate(bytes, None),
        }
    }

    /// The store has told its space, or that it cannot.
    pub(super) fn allocate(&mut self, bytes: u64, space: Option<u64>) {
        let fits = space.is_none_or(|space| bytes <= space);
        self.parameters.allocated = Some(bytes).filter(|_| fits);
        if fits {
            self.reply(200, "Noted for the next upload.");
        } else {
            self.reply(452, "There is less room than that; AVBL tells how much. Delete something first.");
        }
    }

    /// OPTS (RFC 2389 section 4).
    fn opts(&mut self, argument: &[u8]) {
        let space = argument.iter().position(|&byte| byte == b' ').unwrap_or(argument.len());
        let (name, rest) = argument.split_at_checked(space).unwrap_or_default();
        let rest = rest.trim_ascii();
        match name.to_ascii_uppercase().as_slice() {
            b"UTF8" | b"UTF-8" => self.opts_utf8(rest),
            b"MLST" => self.opts_mlst(rest),
            b"HASH" if self.policy.offer_hashes => self.opts_hash(rest),
            b"MODE" if self.policy.offer_deflate => self.opts_mode(rest),
            _ => self.reply(501, "There is no such option; FEAT shows what there is."),
        }
    }

    /// OPTS UTF8 (draft-ietf-ftpext-utf-8-option): names are bytes here, and clients take them for UTF-8.
    fn opts_utf8(&mut self, argument: &[u8]) {
        match argument.to_ascii_uppercase().as_slice() {
            b"" | b"ON" => self.reply(200, "Names are in UTF-8."),
            _ => self.reply(501, "Names are always in UTF-8."),
        }
    }

    /// OPTS MLST (RFC 3659 section 7.9): unknown facts are passed over, and the reply names those that are sent from here on.
    fn opts_mlst(&mut self, argument: &[u8]) {
        let mut facts: Vec<Fact> = Vec::new();
        for name in argument.split(|&byte| byte == b';').map(<[u8]>::trim_ascii) {
            if let Some(fact) = Fact::from_name(name).filter(|fact| !facts.contains(fact)) {
                facts.push(fact);
            }
        }
        let mut text = "MLST OPTS ".to_owned();
        for fact in &facts {
            text.push_str(fact.name());
            text.push(';');
        }
        self.parameters.facts = Some(facts);
        self.reply(200, text.trim_end());
    }

    /// OPTS HASH (draft-bryan-ftpext-hash section 3.3): without an argument it names the algorithm.
    fn opts_hash(&mut self, argument: &[u8]) {
        if !argument.is_empty() {
            match Algorithm::from_name(argument) {
                Some(algorithm) => self.parameters.algorithm = algorithm,
                None => return self.reply(501, "This hash is not known here; FEAT shows those that are."),
            }
        }
        self.reply(200, self.parameters.algorithm.name());
    }

    /// OPTS MODE Z LEVEL (draft-preston-ftpext-deflate section 4): 1 is fastest, 9 is smallest.
    fn opts_mode(&mut self, argument: &[u8]) {
        let upper = argument.to_ascii_uppercase();
        let level = upper.strip_prefix(b"Z LEVEL ").and_then(number).filter(|level| (1..=9).contains(level));
        match level.and_then(|level| u32::try_from(level).ok()) {
            Some(level) => {
                self.parameters.level = level;
                self.reply(200, format!("MODE Z LEVEL set to {level}."));
            }
            None => self.reply(501, "Send OPTS MODE Z LEVEL and a number from 1 to 9."),
        }
    }
}

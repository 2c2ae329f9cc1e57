//! Hashes: HASH (draft-bryan-ftpext-hash section 3), MD5 (draft-twine-ftpmd5) and the X commands that servers have agreed on.

use ftp_protocol::Verb;

use super::Purpose;
use super::file::word;
use crate::account::Right;
use crate::hash::Algorithm;
use crate::session::parameters::Type;
use crate::session::{Operation, Session};
use crate::store::{Metadata, VirtualPath};

impl Session {
    /// One command of this family.
    pub(super) fn hash_command(&mut self, verb: Verb, argument: &[u8]) {
        if !self.policy.offer_hashes {
            return self.reply(502, "This server computes no hashes.");
        }
        if !self.needs(argument, "the command and a file") {
            return;
        }
        let algorithm = match verb {
            Verb::Xcrc => Algorithm::Crc32,
            Verb::Xmd5 | Verb::Md5 => Algorithm::Md5,
            Verb::Xsha | Verb::Xsha1 => Algorithm::Sha1,
            Verb::Xsha256 => Algorithm::Sha256,
            Verb::Xsha512 => Algorithm::Sha512,
            _ => self.parameters.algorithm,
        };
        if verb == Verb::Hash && self.parameters.representation == Type::Ascii {
            // draft-bryan-ftpext-hash section 3.1: what is hashed is what would be sent.
            return self.reply(504, "Send TYPE I first: bytes are hashed, not lines.");
        }
        let asked = match verb {
            Verb::Hash | Verb::Md5 => {
                let part = self.parameters.part.take().unwrap_or_default();
                Some((argument.to_vec(), part.start, part.end))
            }
            _ => named_range(argument),
        };
        let Some((name, start, end)) = asked else {
            return self.reply(
                501,
                "Send a file, or a file in quotes, the first byte and the byte behind the last.",
            );
        };
        let Some(path) = self.path(verb, &name) else { return };
        if self.permits(verb, &path, Right::READ) {
            let purpose = Purpose::HashAfterSize { verb, path: path.clone(), name, algorithm, start, end };
            self.operate(Operation::Inspect(path), purpose);
        }
    }

    /// The file is there: whether what is to be hashed is short enough.
    pub(super) fn hash_inspected(
        &mut self,
        verb: Verb,
        path: VirtualPath,
        name: Vec<u8>,
        algorithm: Algorithm,
        (start, end): (u64, Option<u64>),
        metadata: &Metadata,
    ) {
        if !self.needs_file(verb, metadata) {
            return;
        }
        let stop = end.map_or(metadata.size, |end| end.min(metadata.size));
        if start > stop {
            return self.reply(501, format!("The file has {} bytes; begin before that.", metadata.size));
        }
        if stop.saturating_sub(start) > self.policy.longest_hashed {
            let most = self.policy.longest_hashed;
            return self.reply(550, format!("At most {most} bytes are hashed at once; ask for a part."));
        }
        let operation = Operation::Hash { path, algorithm, start, end: Some(stop) };
        self.operate(operation, Purpose::Hash { verb, name, algorithm });
    }

    /// The hash is known.
    pub(super) fn hashed(
        &mut self,
        verb: Verb,
        name: &[u8],
        algorithm: Algorithm,
        digest: &str,
        range: (u64, u64),
    ) {
        match verb {
            Verb::Hash => {
                // draft-bryan-ftpext-hash section 3.2: the last byte is named, not the one behind it.
                let last = range.1.saturating_sub(1).max(range.0);
                let head = format!("{} {}-{last} {digest} ", algorithm.name(), range.0);
                self.reply(213, [head.as_bytes(), name].concat());
            }
            Verb::Md5 => self.reply(251, [name, b" ", digest.to_ascii_uppercase().as_bytes()].concat()),
            _ => self.reply(250, digest.to_ascii_uppercase()),
        }
    }
}

/// A path, or a path in quotes with the first byte and the one behind the last, as the X commands have it.
fn named_range(argument: &[u8]) -> Option<(Vec<u8>, u64, Option<u64>)> {
    if !argument.starts_with(b"\"") {
        return Some((argument.to_vec(), 0, None));
    }
    let (name, behind) = word(argument)?;
    let mut numbers = behind.split(|&byte| byte == b' ').filter(|number| !number.is_empty());
    let (start, end) = (numbers.next(), numbers.next());
    let start = start.map_or(Some(0), number)?;
    let end = match end {
        Some(end) => Some(number(end).filter(|&end| end >= start)?),
        None => None,
    };
    (numbers.next().is_none() && !name.is_empty()).then_some((name, start, end))
}

/// Decimal digits and nothing else.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stands_behind_a_quoted_name() {
        assert_eq!(named_range(b"a b"), Some((b"a b".to_vec(), 0, None)));
        assert_eq!(named_range(b"\"a b\" 1 9"), Some((b"a b".to_vec(), 1, Some(9))));
        assert_eq!(named_range(b"\"a\" 5"), Some((b"a".to_vec(), 5, None)));
        for wrong in [&b"\"a\" 9 1"[..], b"\"a\" -1 2", b"\"a", b"\"a\" 1 2 3", b"\"\""] {
            assert_eq!(named_range(wrong), None, "{}", wrong.escape_ascii());
        }
    }
}

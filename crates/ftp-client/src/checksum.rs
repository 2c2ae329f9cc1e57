//! Checksums of files that the server computes: HASH (draft-bryan-ftpext-hash) and the X commands.

use ftp_protocol::{Command, Reply, Verb};

use crate::client::{Client, not_understood};
use crate::error::Error;
use crate::session::{Expect, Step};

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1.
    Sha1,
    /// MD5.
    Md5,
    /// CRC-32 (ISO 3309).
    Crc32,
}

impl Algorithm {
    /// All of them, the first that a server has is used: the strong ones, and of those the cheapest.
    pub const ALL: [Self; 5] = [Self::Sha256, Self::Sha512, Self::Sha1, Self::Md5, Self::Crc32];

    /// The name in HASH and FEAT (draft-bryan-ftpext-hash section 3).
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
            Self::Crc32 => "CRC32",
        }
    }

    /// Hexadecimal digits of a checksum.
    pub fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
            Self::Sha1 => 40,
            Self::Md5 => 32,
            Self::Crc32 => 8,
        }
    }

    /// Commands that compute it, by their names in FEAT.
    fn commands(self) -> &'static [(Verb, &'static str)] {
        match self {
            Self::Sha256 => &[(Verb::Xsha256, "XSHA256")],
            Self::Sha512 => &[(Verb::Xsha512, "XSHA512")],
            Self::Sha1 => &[(Verb::Xsha1, "XSHA1"), (Verb::Xsha, "XSHA")],
            Self::Md5 => &[(Verb::Xmd5, "XMD5")],
            Self::Crc32 => &[(Verb::Xcrc, "XCRC")],
        }
    }
}

/// A checksum that a server has told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Its digits, in lower case and with zeros in front.
    pub digits: String,
}

impl Client {
    /// What the server says that it can compute, the best first; `None` if that is nothing.
    pub fn checksum_algorithm(&self) -> Option<Algorithm> {
        self.checksum_command().map(|(algorithm, _)| algorithm)
    }

    /// The checksum of a whole file, by HASH or an X command; `None` if FEAT tells of none of them.
    ///
    /// # Errors
    /// The server refuses, as some do for large files, or its answer holds no checksum.
    pub async fn checksum(&mut self, path: impl AsRef<[u8]>) -> Result<Option<Checksum>, Error> {
        let Some((algorithm, verb)) = self.checksum_command() else { return Ok(None) };
        let mut steps = Vec::new();
        if verb == Verb::Hash && self.hashes != Some(algorithm) {
            let choice = format!("HASH {}", algorithm.name());
            steps.push(Step::new(Verb::Opts, choice.as_bytes(), Expect::Completion));
        }
        // draft-bryan-ftpext-hash section 3.1: what is hashed is what TYPE would send.
        if self.driver.session.representation() != Some(Default::default()) {
            steps.push(Step::new(Verb::Type, b"I", Expect::Completion));
        }
        let step = Step::new(verb, path.as_ref(), Expect::Completion);
        let command = step.command.clone();
        steps.push(step);
        let reply = self.commands(steps).await?;
        if verb == Verb::Hash {
            self.hashes = Some(algorithm);
        }
        read(algorithm, command, reply).map(Some)
    }

    fn checksum_command(&self) -> Option<(Algorithm, Verb)> {
        let features = self.features();
        let hash = features.parameters("HASH").unwrap_or_default().to_ascii_uppercase();
        let offered = |algorithm: &Algorithm| {
            hash.split(';').any(|name| name.trim().trim_end_matches('*') == algorithm.name())
        };
        Algorithm::ALL.into_iter().find_map(|algorithm| {
            if offered(&algorithm) {
                return Some((algorithm, Verb::Hash));
            }
            let found = algorithm.commands().iter().find(|(_, name)| features.has(name))?;
            Some((algorithm, found.0))
        })
    }
}

/// The checksum in `213 SHA-256 0-49 ab… name`, `250 AB…`, `250 XCRC 1A2B` or the like: the first word that can be one, whatever stands
/// around it. Some servers leave out the zeros in front of a CRC, of which the last word that can be one is taken then. The file's own
/// name may look like a checksum, and is one only if there is no other.
fn read(algorithm: Algorithm, command: Command, reply: Reply) -> Result<Checksum, Error> {
    let text = String::from_utf8_lossy(reply.text()).to_ascii_lowercase();
    let path = command.argument.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let others = without_path(&text, &path.to_ascii_lowercase());
    match find(algorithm, &others).or_else(|| find(algorithm, &text)) {
        Some(digits) => Ok(Checksum { algorithm, digits }),
        None => Err(not_understood(command, reply)),
    }
}

fn find(algorithm: Algorithm, text: &str) -> Option<String> {
    let digits = algorithm.digits();
    let words = || {
        text.split_ascii_whitespace()
            .map(|word| word.trim_matches(['"', '.', ';', ':']))
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let whole = words().find(|word| word.len() == digits);
    let short = || words().rfind(|word| algorithm == Algorithm::Crc32 && (1..digits).contains(&word.len()));
    whole.or_else(short).map(|word| format!("{word:0>digits$}"))
}

/// A text without a path that stands in it between spaces or quotes, by itself or behind the directories above.
fn without_path(text: &str, path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.is_empty() {
        return text.to_owned();
    }
    let is_edge = |letter: Option<char>| letter.is_none_or(|letter| letter.is_whitespace() || letter == '"');
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(name) {
        let above = before.rfind(|letter| is_edge(Some(letter))).map_or(0, |at| at.saturating_add(1));
        let is_path = before.ends_with('/') || is_edge(before.chars().next_back());
        let ends = is_edge(after.trim_start_matches(['.', ';', ':']).chars().next());
        if is_path && ends {
            kept.push_str(before.get(..above).unwrap_or_default());
        } else {
            kept.push_str(before);
            kept.push_str(name);
        }
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use ftp_protocol::line::LineReader;
    use ftp_protocol::reply::ReplyReader;

    fn told_of(path: Option<&[u8]>, algorithm: Algorithm, text: &str) -> Option<String> {
        let (mut lines, mut found) = (LineReader::new(1000), Vec::new());
        lines.push(text.as_bytes(), &mut found);
        let mut replies = ReplyReader::new();
        let reply = found.into_iter().flat_map(|line| replies.push(line)).next().unwrap();
        read(algorithm, Command::new(Verb::Hash, path), reply).ok().map(|checksum| checksum.digits)
    }

    fn told(algorithm: Algorithm, text: &str) -> Option<String> {
        told_of(None, algorithm, text)
    }

    #[test]
    fn checksums_are_found_in_what_servers_answer() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(told(Algorithm::Md5, &format!("213 MD5 0-49 {md5} a b\r\n")).as_deref(), Some(md5));
        assert_eq!(told(Algorithm::Md5, &format!("250 {}\r\n", md5.to_uppercase())).as_deref(), Some(md5));
        assert_eq!(told(Algorithm::Md5, &format!("251 \"a b\" {md5}\r\n")).as_deref(), Some(md5));
        assert_eq!(told(Algorithm::Crc32, "250 XCRC 1A2B3C4D\r\n").as_deref(), Some("1a2b3c4d"));
        assert_eq!(told(Algorithm::Crc32, "250 1A2B\r\n").as_deref(), Some("00001a2b"));
        assert_eq!(told(Algorithm::Md5, "250 done\r\n"), None);
        assert_eq!(told(Algorithm::Sha256, &format!("250 {md5}\r\n")), None);
    }

    #[test]
    fn name_of_the_file_is_not_taken_for_its_checksum() {
        let (name, md5) = ("0cc175b9c0f1b6a831c399e269772661", "d41d8cd98f00b204e9800998ecf8427e");
        let path = format!("some dir/{name}");
        for text in [
            format!("250 \"{path}\" {md5}"),
            format!("250 \"/home/some dir/{name}\" {md5}"),
            format!("250 {name} {md5}"),
            format!("251 MD5 of {} is {md5}", path.to_uppercase()),
            format!("213 MD5 0-0 {md5} {path}"),
        ] {
            let found = told_of(Some(path.as_bytes()), Algorithm::Md5, &format!("{text}\r\n"));
            assert_eq!(found.as_deref(), Some(md5), "{text}");
        }
        // It is kept under its checksum.
        let found = told_of(Some(md5.as_bytes()), Algorithm::Md5, &format!("250 {md5}\r\n"));
        assert_eq!(found.as_deref(), Some(md5));
        for (path, text) in [
            ("a", "213 CRC32 0-49 1a2b a"),
            ("bad face", "250 \"/x/bad face\" 1a2b"),
            ("x", "250 added 1a2b"),
            ("dead.beef", "250 add DEAD.BEEF is 1A2B"),
            ("b", "250 1a2b"),
            ("dead", "250 1a2b is the CRC of dead."),
        ] {
            let found = told_of(Some(path.as_bytes()), Algorithm::Crc32, &format!("{text}\r\n"));
            assert_eq!(found.as_deref(), Some("00001a2b"), "{text}");
        }
    }
}

//! Hashes of files for HASH (draft-bryan-ftpext-hash) and the X commands.
//!
//! Takes a file's bytes in pieces, gives hexadecimal digits. Never reads a file.

use sha1::Sha1;
use sha2::digest::Digest as _;
use sha2::{Sha256, Sha512};

/// How a file is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// CRC-32 (ISO 3309), as XCRC.
    Crc32,
    /// MD5, as XMD5.
    Md5,
    /// SHA-1, as XSHA and XSHA1.
    Sha1,
    /// SHA-256, as XSHA256.
    Sha256,
    /// SHA-512, as XSHA512.
    Sha512,
}

impl Algorithm {
    /// All of them, strongest first.
    pub const ALL: [Self; 5] = [Self::Sha512, Self::Sha256, Self::Sha1, Self::Md5, Self::Crc32];

    /// The name in HASH and FEAT (draft-bryan-ftpext-hash section 3, and its registry).
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The algorithm of this name, in any case.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// A hash under way.
#[derive(Clone)]
pub struct Hasher(State);

#[derive(Clone)]
enum State {
    Crc32(crc32fast::Hasher),
    Md5(md5::Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// Begins with no bytes.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
            Algorithm::Md5 => State::Md5(md5::Md5::new()),
            Algorithm::Sha1 => State::Sha1(Sha1::new()),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha512 => State::Sha512(Sha512::new()),
        })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Crc32(state) => state.update(bytes),
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The hash of all bytes, in lower-case hexadecimal digits.
    pub fn finish(self) -> String {
        match self.0 {
            State::Crc32(state) => hexadecimal(&state.finalize().to_be_bytes()),
            State::Md5(state) => hexadecimal(&state.finalize()),
            State::Sha1(state) => hexadecimal(&state.finalize()),
            State::Sha256(state) => hexadecimal(&state.finalize()),
            State::Sha512(state) => hexadecimal(&state.finalize()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(algorithm: Algorithm, pieces: &[&[u8]]) -> String {
        let mut hasher = Hasher::new(algorithm);
        pieces.iter().for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    #[test]
    fn the_published_values_of_abc() {
        // FIPS 180-4 examples, RFC 1321 section A.5, and the check value of CRC-32.
        assert_eq!(hash(Algorithm::Md5, &[b"abc"]), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hash(Algorithm::Sha1, &[b"a", b"bc"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hash(Algorithm::Sha256, &[b"ab", b"c"]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(hash(Algorithm::Sha512, &[b"abc"]).starts_with("ddaf35a193617abacc417349ae204131"));
        assert_eq!(hash(Algorithm::Crc32, &[b"12345", b"6789"]), "cbf43926");
    }

    #[test]
    fn algorithms_are_found_by_name_in_any_case() {
        for algorithm in Algorithm::ALL {
            assert_eq!(
                Algorithm::from_name(algorithm.name().to_ascii_lowercase().as_bytes()),
                Some(algorithm)
            );
        }
        assert_eq!(Algorithm::from_name(b"SHA-3"), None);
    }
}

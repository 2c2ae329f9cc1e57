//! Hashes of files for HASH (draft-bryan-ftpext-hash) and the X commands.

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

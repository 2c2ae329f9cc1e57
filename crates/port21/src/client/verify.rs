//! Whether what is on both sides is the same, by checksums that the server computes (`--verify`).

use std::fs::File;
use std::io::{self, Read, Seek};

use ftp_client::checksum::{Algorithm, Checksum};
use ftp_client::{Client, Error};
use ftp_server::hash::Hasher;

/// Bytes that are read at once.
const PIECE: usize = 128 * 1024;

/// What could be found out.
pub enum Verdict {
    /// Both checksums are the same.
    Same(Algorithm),
    /// They differ.
    Differs(Difference),
    /// The server cannot tell, for this reason.
    Unknown(Doubt),
}

/// Two checksums that are not the same.
pub struct Difference {
    algorithm: Algorithm,
    here: String,
    there: String,
}

/// Why the server cannot tell.
pub enum Doubt {
    /// It offers no checksums.
    NoChecksums,
    /// Not the one of this file.
    Refused(Error),
}

impl From<Difference> for Error {
    fn from(Difference { algorithm, here, there }: Difference) -> Self {
        Self::ChecksumDiffers { algorithm: algorithm.name(), here, there }
    }
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("it cannot be verified: ")?;
        match self {
            Self::NoChecksums => {
                formatter.write_str("the server offers no checksums (HASH, XCRC, XMD5, XSHA)")
            }
            Self::Refused(error) => error.fmt(formatter),
        }
    }
}

/// Compares the whole file at `path` on the server with `file`, wherever that was read or written last.
///
/// # Errors
/// `file` cannot be read, or the session is over.
pub async fn compare(client: &mut Client, path: &[u8], mut file: File) -> Result<Verdict, Error> {
    let there = match client.checksum(path).await {
        Ok(Some(there)) => there,
        Ok(None) => return Ok(Verdict::Unknown(Doubt::NoChecksums)),
        Err(error @ (Error::Refused { .. } | Error::NotUnderstood { .. })) => {
            return Ok(Verdict::Unknown(Doubt::Refused(error)));
        }
        Err(error) => return Err(error),
    };
    let Checksum { algorithm, digits } = there;
    // A large file takes seconds, in which other sessions go on.
    let here = tokio::task::spawn_blocking(move || hash(&mut file, algorithm)).await;
    let here = here.map_err(io::Error::other).and_then(|here| here).map_err(Error::Local)?;
    match here == digits {
        true => Ok(Verdict::Same(algorithm)),
        false => Ok(Verdict::Differs(Difference { algorithm, here, there: digits })),
    }
}

/// Whether `file`, which an earlier run left and which is as long as the one at `path` on the server, may be another one all the same:
/// one that was not the same when it was verified is left so. Servers without checksums had none of these.
///
/// # Errors
/// As [`compare`].
pub async fn may_differ(client: &mut Client, path: &[u8], file: File) -> Result<bool, Error> {
    let verdict = compare(client, path, file).await?;
    Ok(!matches!(verdict, Verdict::Same(_) | Verdict::Unknown(Doubt::NoChecksums)))
}

/// The checksum of a whole file in lower-case hexadecimal digits.
fn hash(file: &mut File, algorithm: Algorithm) -> io::Result<String> {
    let mut hasher = Hasher::new(match algorithm {
        Algorithm::Sha256 => ftp_server::hash::Algorithm::Sha256,
        Algorithm::Sha512 => ftp_server::hash::Algorithm::Sha512,
        Algorithm::Sha1 => ftp_server::hash::Algorithm::Sha1,
        Algorithm::Md5 => ftp_server::hash::Algorithm::Md5,
        Algorithm::Crc32 => ftp_server::hash::Algorithm::Crc32,
    });
    file.rewind()?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            count => hasher.update(piece.get(..count).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn checksums_of_files_are_those_of_the_standards() {
        // The check value of CRC-32, and "abc" of FIPS 180-4 and RFC 1321.
        for (algorithm, text, begin) in [
            (Algorithm::Crc32, "123456789", "cbf43926"),
            (Algorithm::Md5, "abc", "900150983cd24fb0"),
            (Algorithm::Sha1, "abc", "a9993e364706816a"),
            (Algorithm::Sha256, "abc", "ba7816bf8f01cfea"),
            (Algorithm::Sha512, "abc", "ddaf35a193617aba"),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let found = hash(&mut file, algorithm).unwrap();
            assert!(found.starts_with(begin) && found.len() == algorithm.digits(), "{algorithm:?} {found}");
        }
    }
}

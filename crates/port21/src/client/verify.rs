//! Whether what is on both sides is the same, by checksums that the server computes (`--verify`).

use std::fs::File;
use std::io::Seek;

use ftp_client::checksum::{Algorithm, Checksum};
use ftp_client::{Client, Error};

use super::mirror::hash;

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
    let here = tokio::task::spawn_blocking(move || {
        file.rewind()?;
        hash::of(&mut file, algorithm)
    });
    let here = here.await;
    let here = here.map_err(std::io::Error::other).and_then(|here| here).map_err(Error::Local)?;
    match here == digits {
        true => Ok(Verdict::Same(algorithm)),
        false => Ok(Verdict::Differs(Difference { algorithm, here, there: digits })),
    }
}

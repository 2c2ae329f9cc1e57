//! Whether what is on both sides is the same, by checksums that the server computes (`--verify`).

use std::fs::File;

use ftp_client::checksum::{Algorithm, Checksum};
use ftp_client::{Client, Error};

use super::mirror::hash;

/// What could be found out.
pub enum Verdict {
    /// Both checksums are the same.
    Same(Algorithm),
    /// The server cannot tell, for this reason.
    Unknown(String),
}

/// Compares the whole file at `path` on the server with `file`.
///
/// # Errors
/// They differ ([`Error::ChecksumDiffers`]), `file` cannot be read, or the session is over.
pub async fn compare(client: &mut Client, path: &[u8], mut file: File) -> Result<Verdict, Error> {
    let there = match client.checksum(path).await {
        Ok(Some(there)) => there,
        Ok(None) => {
            let reason = "it cannot be verified: the server offers no checksums (HASH, XCRC, XMD5, XSHA)";
            return Ok(Verdict::Unknown(reason.to_owned()));
        }
        Err(error @ (Error::Refused { .. } | Error::NotUnderstood { .. })) => {
            return Ok(Verdict::Unknown(format!("it cannot be verified: {error}")));
        }
        Err(error) => return Err(error),
    };
    let Checksum { algorithm, digits } = there;
    let here = tokio::task::spawn_blocking(move || hash::of(&mut file, algorithm)).await;
    let here = here.map_err(std::io::Error::other).and_then(|here| here).map_err(Error::Local)?;
    match here == digits {
        true => Ok(Verdict::Same(algorithm)),
        false => Err(Error::ChecksumDiffers { algorithm: algorithm.name(), here, there: digits }),
    }
}

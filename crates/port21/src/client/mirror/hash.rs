//! Checksums of local files, to be compared with the server's.

use std::fs::File;
use std::io::{self, Read};

use ftp_client::checksum::Algorithm;
use sha2::Digest;

/// Bytes that are read at once.
const PIECE: usize = 128 * 1024;

/// The checksum of a whole file in lower-case hexadecimal digits.
pub fn of(file: &mut File, algorithm: Algorithm) -> io::Result<String> {
    match algorithm {
        Algorithm::Sha256 => digest::<sha2::Sha256>(file),
        Algorithm::Sha512 => digest::<sha2::Sha512>(file),
        Algorithm::Sha1 => digest::<sha1::Sha1>(file),
        Algorithm::Md5 => digest::<md5::Md5>(file),
        Algorithm::Crc32 => {
            let mut crc = crc32fast::Hasher::new();
            pieces(file, |piece| crc.update(piece))?;
            Ok(format!("{:08x}", crc.finalize()))
        }
    }
}

fn digest<D: Digest>(file: &mut File) -> io::Result<String> {
    let mut digest = D::new();
    pieces(file, |piece| digest.update(piece))?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn pieces(file: &mut File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(()),
            count => take(piece.get(..count).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    #[test]
    fn checksums_are_those_of_the_standards() {
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
            file.rewind().unwrap();
            let found = of(&mut file, algorithm).unwrap();
            assert!(found.starts_with(begin) && found.len() == algorithm.digits(), "{algorithm:?} {found}");
        }
    }
}

//! MODE Z (draft-preston-ftpext-deflate): a data connection carries one zlib stream (RFC 1950).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Most bytes that one call of [`Inflater::inflate`] gives. A thousand bytes of input can hold a million of output: the
/// caller writes these away before it asks for more.
pub const MOST_AT_ONCE: usize = 64 << 10;

/// Room that is made for compressed bytes at a time.
const ROOM: usize = 16 << 10;

/// Why compressed bytes are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeflateError {
    /// They are no zlib stream, or its checksum is wrong.
    #[error("the compressed bytes are damaged")]
    Damaged,
    /// They end before the stream does.
    #[error("the compressed bytes end too early")]
    Truncated,
    /// Bytes follow the end of the stream.
    #[error("bytes follow the compressed ones")]
    Trailing,
}

/// Compresses a download.
#[derive(Debug)]
pub struct Deflater(Compress);

impl Deflater {
    /// Begins a stream. `level` is 1 (fastest) to 9 (smallest); others are taken for the nearest of these.
    pub fn new(level: u32) -> Self {
        Self(Compress::new(Compression::new(level.clamp(1, 9)), true))
    }

    /// Takes all of `input`, and appends what has come of it so far.
    pub fn deflate(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), DeflateError> {
        let mut rest = input;
        while !rest.is_empty() {
            let taken = self.step(rest, out, FlushCompress::None)?.0;
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the stream, and appends what was held back. Called once, behind the last byte.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), DeflateError> {
        while self.step(&[], out, FlushCompress::Finish)?.1 != Status::StreamEnd {}
        Ok(())
    }

    /// How many bytes were taken, and whether the stream has ended.
    fn step(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        flush: FlushCompress,
    ) -> Result<(usize, Status), DeflateError> {
        out.reserve(ROOM);
        let before = self.0.total_in();
        let status = self.0.compress_vec(input, out, flush).map_err(|_| DeflateError::Damaged)?;
        Ok((usize::try_from(self.0.total_in().saturating_sub(before)).unwrap_or(input.len()), status))
    }
}

/// Decompresses an upload.
#[derive(Debug)]
pub struct Inflater {
    state: Decompress,
    ended: bool,
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Inflater {
    /// Begins a stream.
    pub fn new() -> Self {
        Self { state: Decompress::new(true), ended: false }
    }

    /// Takes from the beginning of `input` and appends at most [`MOST_AT_ONCE`] bytes; gives how many were taken. It is
    /// to be called again with the others until all are taken and nothing more was appended.
    pub fn inflate(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, DeflateError> {
        if self.ended {
            return if input.is_empty() { Ok(0) } else { Err(DeflateError::Trailing) };
        }
        let begin = out.len();
        out.resize(begin.saturating_add(MOST_AT_ONCE), 0);
        let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
        let room = out.get_mut(begin..).unwrap_or_default();
        let status = self.state.decompress(input, room, FlushDecompress::None);
        let given = usize::try_from(self.state.total_out().saturating_sub(before_out)).unwrap_or(0);
        out.truncate(begin.saturating_add(given));
        let taken = usize::try_from(self.state.total_in().saturating_sub(before_in)).unwrap_or(0);
        match status.map_err(|_| DeflateError::Damaged)? {
            Status::StreamEnd => self.ended = true,
            // Neither taken nor given: with input left and room to write, that is no zlib stream.
            _ if taken == 0 && given == 0 && !input.is_empty() => return Err(DeflateError::Damaged),
            _ => {}
        }
        Ok(taken)
    }

    /// The data connection has ended: so must the stream have.
    pub fn finish(&self) -> Result<(), DeflateError> {
        if self.ended { Ok(()) } else { Err(DeflateError::Truncated) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn deflated(level: u32, pieces: &[&[u8]]) -> Vec<u8> {
        let (mut codec, mut out) = (Deflater::new(level), Vec::new());
        pieces.iter().for_each(|piece| codec.deflate(piece, &mut out).unwrap());
        codec.finish(&mut out).unwrap();
        out
    }

    fn inflated(pieces: &[&[u8]]) -> Result<Vec<u8>, DeflateError> {
        let (mut codec, mut out) = (Inflater::new(), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
            loop {
                let before = out.len();
                let taken = codec.inflate(rest, &mut out)?;
                assert!(out.len() - before <= MOST_AT_ONCE);
                rest = &rest[taken..];
                if rest.is_empty() && out.len() == before {
                    break;
                }
            }
        }
        codec.finish()?;
        Ok(out)
    }

    #[test]
    fn a_bomb_comes_in_small_pieces() {
        let text = vec![b'a'; 20 << 20];
        let small = deflated(9, &[&text]);
        assert!(small.len() < 1 << 16);
        assert_eq!(inflated(&[&small]).unwrap(), text);
    }

    #[test]
    fn what_is_damaged_cut_or_too_long_is_refused() {
        let whole = deflated(6, &[b"some text"]);
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(inflated(&[&damaged]), Err(DeflateError::Damaged));
        assert_eq!(inflated(&[b"no zlib"]), Err(DeflateError::Damaged));
        assert_eq!(inflated(&[&whole[..whole.len() - 1]]), Err(DeflateError::Truncated));
        assert_eq!(inflated(&[]), Err(DeflateError::Truncated));
        assert_eq!(inflated(&[&whole, b"x"]), Err(DeflateError::Trailing));
    }

    #[test]
    fn every_level_gives_the_same_text() {
        let text = b"abcabcabc".repeat(5000);
        for level in [0, 1, 6, 9, 99] {
            assert_eq!(inflated(&[&deflated(level, &[&text])]).unwrap(), text, "{level}");
        }
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_does_not_matter(text in prop::collection::vec(any::<u8>(), 0..300), cut in 0usize..300) {
            let (front, back) = text.split_at(cut.min(text.len()));
            let wire = deflated(6, &[front, back]);
            let (first, second) = wire.split_at(cut.min(wire.len()));
            prop_assert_eq!(inflated(&[first, second]).unwrap(), text);
        }

        #[test]
        fn any_bytes_are_text_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = inflated(&[&bytes]);
        }
    }
}

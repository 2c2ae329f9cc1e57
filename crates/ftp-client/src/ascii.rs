//! TYPE A: lines end with CR LF on the wire and with LF here (RFC 959 section 3.1.1.1).
//!
//! Whatever the bytes are, what was encoded is decoded to the same: a CR that no LF follows stays as it is.

/// Turns LF into CR LF.
#[derive(Debug, Clone, Copy, Default)]
pub struct Encoder;

impl Encoder {
    /// Appends `bytes` to `out` as they stand on the wire.
    pub fn encode(self, bytes: &[u8], out: &mut Vec<u8>) {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(content) => {
                    out.extend_from_slice(content);
                    out.extend_from_slice(b"\r\n");
                }
                None => out.extend_from_slice(line),
            }
        }
    }
}

/// Turns CR LF into LF, also where a piece ends between them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Decoder {
    after_cr: bool,
}

impl Decoder {
    /// Appends `bytes` to `out` as they stand here.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            if std::mem::take(&mut self.after_cr) && byte != b'\n' {
                out.push(b'\r');
            }
            if byte == b'\r' { self.after_cr = true } else { out.push(byte) }
        }
    }

    /// Ends the data: a CR that was held back is given.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.after_cr) {
            out.push(b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        pieces.iter().for_each(|piece| decoder.decode(piece, &mut out));
        decoder.finish(&mut out);
        out
    }

    #[test]
    fn only_pairs_are_line_ends() {
        assert_eq!(decoded(&[b"a\r\nb\rc\nd\r\r\ne\r"]), b"a\nb\rc\nd\r\ne\r");
        assert_eq!(decoded(&[b"a\r", b"\nb\r", b"", b"c"]), b"a\nb\rc");
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            bytes in prop::collection::vec(prop::sample::select(b"\r\nab\xff".to_vec()), 0..50),
            cut in 0usize..100,
        ) {
            let mut wire = Vec::new();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            Encoder.encode(first, &mut wire);
            Encoder.encode(second, &mut wire);
            let (first, second) = wire.split_at(cut.min(wire.len()));
            prop_assert_eq!(decoded(&[first, second]), bytes);
        }
    }
}

//! What TYPE and MODE make of bytes, one step behind the other.

use crate::codec::ascii::{FromNetwork, ToNetwork};
use crate::codec::deflate::{Deflater, Inflater};
use crate::session::{Form, TransferError};

/// From the store to the wire.
pub(super) struct Encoder {
    ascii: Option<ToNetwork>,
    deflate: Option<Deflater>,
    lines: Vec<u8>,
    compressed: Vec<u8>,
}

impl Encoder {
    pub(super) fn new(form: Form) -> Self {
        Self {
            ascii: form.ascii.then(ToNetwork::new),
            deflate: form.deflate.map(Deflater::new),
            lines: Vec::new(),
            compressed: Vec::new(),
        }
    }

    /// What these bytes are on the wire, as far as they are not held back.
    pub(super) fn encode<'a>(&'a mut self, bytes: &'a [u8]) -> Result<&'a [u8], TransferError> {
        let bytes = match &mut self.ascii {
            Some(ascii) => {
                self.lines.clear();
                ascii.convert(bytes, &mut self.lines);
                self.lines.as_slice()
            }
            None => bytes,
        };
        let Some(deflate) = &mut self.deflate else { return Ok(bytes) };
        self.compressed.clear();
        deflate.deflate(bytes, &mut self.compressed).map_err(|_| TransferError::BadCompression)?;
        Ok(&self.compressed)
    }

    /// What was held back, behind the last bytes.
    pub(super) fn finish(&mut self) -> Result<&[u8], TransferError> {
        self.compressed.clear();
        if let Some(deflate) = &mut self.deflate {
            deflate.finish(&mut self.compressed).map_err(|_| TransferError::BadCompression)?;
        }
        Ok(&self.compressed)
    }
}

/// From the wire to the store.
pub(super) struct Decoder {
    ascii: Option<FromNetwork>,
    inflate: Option<Inflater>,
    inflated: Vec<u8>,
    lines: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(form: Form) -> Self {
        Self {
            ascii: form.ascii.then(FromNetwork::new),
            inflate: form.deflate.map(|_| Inflater::new()),
            inflated: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Gives `store` what these bytes of the wire are, in bounded pieces.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        mut store: impl FnMut(&[u8]) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        let Some(inflate) = &mut self.inflate else {
            return unfold(&mut self.ascii, &mut self.lines, bytes, &mut store);
        };
        let mut rest = bytes;
        loop {
            self.inflated.clear();
            let taken =
                inflate.inflate(rest, &mut self.inflated).map_err(|_| TransferError::BadCompression)?;
            rest = rest.get(taken..).unwrap_or_default();
            if rest.is_empty() && self.inflated.is_empty() {
                return Ok(());
            }
            unfold(&mut self.ascii, &mut self.lines, &self.inflated, &mut store)?;
        }
    }

    /// Gives `store` what was held back, once the client has said that this was all.
    pub(super) fn finish(
        &mut self,
        mut store: impl FnMut(&[u8]) -> Result<(), TransferError>,
    ) -> Result<(), TransferError> {
        if let Some(inflate) = &self.inflate {
            inflate.finish().map_err(|_| TransferError::BadCompression)?;
        }
        self.lines.clear();
        if let Some(ascii) = &mut self.ascii {
            ascii.finish(&mut self.lines);
        }
        if self.lines.is_empty() { Ok(()) } else { store(&self.lines) }
    }
}

fn unfold(
    ascii: &mut Option<FromNetwork>,
    lines: &mut Vec<u8>,
    bytes: &[u8],
    store: &mut impl FnMut(&[u8]) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let Some(ascii) = ascii else { return store(bytes) };
    lines.clear();
    ascii.convert(bytes, lines);
    if lines.is_empty() { Ok(()) } else { store(lines) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends `bytes` there and back in pieces of `piece`.
    fn round_trip(form: Form, bytes: &[u8], piece: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(form);
        let mut wire = Vec::new();
        for part in bytes.chunks(piece) {
            wire.extend_from_slice(encoder.encode(part).unwrap());
        }
        wire.extend_from_slice(encoder.finish().unwrap());
        let mut decoder = Decoder::new(form);
        let mut stored = Vec::new();
        let mut keep = |part: &[u8]| {
            stored.extend_from_slice(part);
            Ok(())
        };
        for part in wire.chunks(piece) {
            decoder.decode(part, &mut keep).unwrap();
        }
        decoder.finish(&mut keep).unwrap();
        stored
    }

    #[test]
    fn every_form_gives_back_what_it_took() {
        let text = b"one\ntwo\r\nthree\rfour\n\n".repeat(2000);
        for deflate in [None, Some(1), Some(9)] {
            for piece in [1, 7, 4096, 1 << 20] {
                assert_eq!(round_trip(Form { ascii: false, deflate }, &text, piece), text);
                let lines = b"one\ntwo\nthree\n".repeat(2000);
                assert_eq!(round_trip(Form { ascii: true, deflate }, &lines, piece), lines);
            }
        }
    }

    #[test]
    fn a_compressed_upload_that_is_cut_is_not_whole() {
        let form = Form { ascii: false, deflate: Some(6) };
        let mut encoder = Encoder::new(form);
        let mut wire = encoder.encode(&[b'a'; 1000]).unwrap().to_vec();
        wire.extend_from_slice(encoder.finish().unwrap());
        let mut decoder = Decoder::new(form);
        decoder.decode(&wire[..wire.len() - 1], |_| Ok(())).unwrap();
        assert!(matches!(decoder.finish(|_| Ok(())), Err(TransferError::BadCompression)));
    }
}

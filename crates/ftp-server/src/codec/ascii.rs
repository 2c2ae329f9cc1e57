//! TYPE A (RFC 959 section 3.1.1.1): lines end in CR LF on the wire, and in LF in the store.

use memchr::{memchr, memchr_iter};

const CARRIAGE_RETURN: u8 = b'\r';
const LINE_FEED: u8 = b'\n';

/// From the store to the wire: each LF gets a CR in front, unless it has one. A CR alone is sent as it is.
#[derive(Debug, Clone, Default)]
pub struct ToNetwork {
    after_cr: bool,
}

impl ToNetwork {
    /// Begins at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what the next bytes of the store are on the wire: at most twice as many.
    pub fn convert(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len().saturating_add(input.len() / 16));
        let mut copied = 0;
        for at in memchr_iter(LINE_FEED, input) {
            if self.lacks_cr(input, at) {
                out.extend_from_slice(input.get(copied..at).unwrap_or_default());
                out.push(CARRIAGE_RETURN);
                copied = at;
            }
        }
        out.extend_from_slice(input.get(copied..).unwrap_or_default());
        self.remember_end(input);
    }

    /// How many bytes the next bytes of the store are on the wire.
    pub fn length(&mut self, input: &[u8]) -> u64 {
        let added = memchr_iter(LINE_FEED, input).filter(|&at| self.lacks_cr(input, at)).count();
        self.remember_end(input);
        (input.len() as u64).saturating_add(added as u64)
    }

    /// Whether the LF at this place has no CR before it.
    fn lacks_cr(&self, input: &[u8], at: usize) -> bool {
        match at.checked_sub(1) {
            Some(before) => input.get(before) != Some(&CARRIAGE_RETURN),
            None => !self.after_cr,
        }
    }

    fn remember_end(&mut self, input: &[u8]) {
        if let Some(&last) = input.last() {
            self.after_cr = last == CARRIAGE_RETURN;
        }
    }
}

/// From the wire to the store: CR LF becomes LF. A CR alone is kept as it is, and so is an LF alone.
#[derive(Debug, Clone, Default)]
pub struct FromNetwork {
    /// The last byte was a CR, and it is not known yet whether an LF follows.
    held: bool,
}

impl FromNetwork {
    /// Begins at the beginning of an upload.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what the next bytes of the wire are in the store: at most one more than are given.
    pub fn convert(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let Some(&first) = input.first() else { return };
        out.reserve(input.len().saturating_add(1));
        if std::mem::take(&mut self.held) && first != LINE_FEED {
            out.push(CARRIAGE_RETURN);
        }
        let mut rest = input;
        while let Some(at) = memchr(CARRIAGE_RETURN, rest) {
            let (text, from_cr) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            out.extend_from_slice(text);
            match from_cr {
                [_] => {
                    self.held = true;
                    return;
                }
                [_, LINE_FEED, ..] => {}
                _ => out.push(CARRIAGE_RETURN),
            }
            rest = from_cr.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }

    /// Appends the CR that was the very last byte, if it was.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.held) {
            out.push(CARRIAGE_RETURN);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn to_network(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut codec, mut out) = (ToNetwork::new(), Vec::new());
        pieces.iter().for_each(|piece| codec.convert(piece, &mut out));
        out
    }

    fn from_network(pieces: &[&[u8]]) -> Vec<u8> {
        let (mut codec, mut out) = (FromNetwork::new(), Vec::new());
        pieces.iter().for_each(|piece| codec.convert(piece, &mut out));
        codec.finish(&mut out);
        out
    }

    #[test]
    fn line_ends_are_converted() {
        for (store, wire) in [
            ("", ""),
            ("a\nb\n", "a\r\nb\r\n"),
            ("\n\n", "\r\n\r\n"),
            ("a", "a"),
            ("a\rb", "a\rb"),
            ("a\r", "a\r"),
        ] {
            assert_eq!(to_network(&[store.as_bytes()]), wire.as_bytes());
            assert_eq!(from_network(&[wire.as_bytes()]), store.as_bytes());
        }
    }

    #[test]
    fn a_file_that_has_cr_lf_already_gets_no_second_cr() {
        assert_eq!(to_network(&[b"a\r\nb\n"]), b"a\r\nb\r\n");
        assert_eq!(to_network(&[b"a\r", b"\nb"]), b"a\r\nb");
    }

    #[test]
    fn lone_ends_of_either_kind_are_kept_in_uploads() {
        assert_eq!(from_network(&[b"a\nb\rc\r\r\nd"]), b"a\nb\rc\r\nd");
    }

    #[test]
    fn a_cr_at_the_end_of_a_piece_waits_for_the_next() {
        assert_eq!(from_network(&[b"a\r", b"\nb"]), b"a\nb");
        assert_eq!(from_network(&[b"a\r", b"b\r", b""]), b"a\rb\r");
        assert_eq!(from_network(&[b"\r", b"\r", b"\n"]), b"\r\n");
    }

    proptest! {
        #[test]
        fn how_bytes_are_cut_does_not_matter(text in "[a\r\n]{0,40}", cut in 0usize..40) {
            let bytes = text.as_bytes();
            let (front, back) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(to_network(&[front, back]), to_network(&[bytes]));
            prop_assert_eq!(from_network(&[front, back]), from_network(&[bytes]));
            let mut counter = ToNetwork::new();
            let length = counter.length(front) + counter.length(back);
            prop_assert_eq!(length, to_network(&[bytes]).len() as u64);
        }

        #[test]
        fn text_with_line_feeds_comes_back_as_it_was(text in "[a\n]{0,40}") {
            prop_assert_eq!(from_network(&[&to_network(&[text.as_bytes()])]), text.as_bytes());
        }
    }
}

//! Directories entry by entry, for whoever compares them: nothing is left out silently.

use ftp_protocol::Verb;
use ftp_protocol::listing::{self, Format, Hint, MAXIMUM_ENTRIES, MAXIMUM_LINE};
use tokio::io::AsyncReadExt;

use crate::client::Client;
use crate::download::MAXIMUM_LISTING;
use crate::entry::Entry;
use crate::error::Error;
use crate::session::{Representation, Transfer};

/// Bytes of a listing that are read at once.
const PIECE: usize = 32 * 1024;

/// What was not handed on of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scanned {
    /// Lines that have no known form, were too many, or were cut off by the server: what the directory holds is not known as a whole.
    pub unread: usize,
    /// The listing may leave out files whose names begin with a dot.
    pub without_hidden: bool,
}

impl Client {
    /// Hands on what a directory holds, as [`Client::list`] does, but each entry as it comes: a long listing takes no more memory than a
    /// short one where the server has MLSD. Without MLSD the server is asked for hidden files, too (`LIST -a`, where that is
    /// understood), and the directory is gone into and left again if `home`, the working directory's full path, is given: LIST takes
    /// some names for patterns or options, and some servers say of a directory that is not there that it is empty.
    ///
    /// # Errors
    /// As for [`Client::list`]; entries that came before are handed on all the same.
    pub async fn scan(
        &mut self,
        path: impl AsRef<[u8]>,
        home: Option<&[u8]>,
        mut each: impl FnMut(Entry),
    ) -> Result<Scanned, Error> {
        let path = path.as_ref();
        if !self.lacks(Verb::Mlsd, "MLST") || self.features().has("MLSD") {
            match self.scan_facts(path, &mut each).await {
                Err(error) if error.is_not_implemented() => self.has_not(Verb::Mlsd),
                result => return result,
            }
        }
        let Some(home) = home.filter(|_| !path.is_empty()) else {
            return self.scan_lines(path, &mut each).await;
        };
        self.change_directory(path).await?;
        let scanned = self.scan_lines(b"", &mut each).await;
        if !self.is_closed() {
            self.change_directory(home).await?;
        }
        scanned
    }

    /// Lines of facts have nothing to do with each other, so each is read as it comes (RFC 3659 section 7.2).
    async fn scan_facts(&mut self, path: &[u8], each: &mut impl FnMut(Entry)) -> Result<Scanned, Error> {
        let transfer = Transfer::new(Verb::Mlsd, path, Representation::Ascii);
        let mut download = self.begin_listing(transfer).await?;
        let mut reader = Lines::default();
        let mut buffer = Vec::with_capacity(PIECE);
        let mut bytes = 0_usize;
        loop {
            buffer.clear();
            let count = download.read_buf(&mut buffer).await?;
            bytes = bytes.saturating_add(count);
            if count == 0 {
                break;
            }
            if bytes >= MAXIMUM_LISTING {
                download.abort().await;
                return Err(Error::EndlessListing(MAXIMUM_LISTING));
            }
            reader.push(&buffer, each);
        }
        reader.finish(each);
        let unread = reader.unread.saturating_add(cut_short(download.closing()));
        Ok(Scanned { unread, without_hidden: false })
    }

    /// Listings for people are read as a whole: the order of their dates may show only in the last line.
    async fn scan_lines(&mut self, path: &[u8], each: &mut impl FnMut(Entry)) -> Result<Scanned, Error> {
        let with_option = [&b"-a"[..], if path.is_empty() { b"" } else { b" " }, path].concat();
        if self.lists_hidden != Some(false) {
            let tried = self.lists_hidden.is_none();
            match self.listing_and_closing(Verb::List, &with_option).await {
                Ok((bytes, closing)) => {
                    let listing = listing::parse_listing(&bytes, Some(Hint::List));
                    // Only who understood the option lists the directory itself.
                    let understood = listing.entries.iter().any(|entry| entry.name.as_deref() == Some(b"."));
                    if understood || !tried {
                        self.lists_hidden = Some(true);
                        return Ok(hand_on(listing, &closing, false, each));
                    }
                    self.lists_hidden = Some(false);
                }
                Err(Error::Refused { .. } | Error::TransferFailed { .. }) if tried => {
                    self.lists_hidden = Some(false)
                }
                Err(error) => return Err(error),
            }
        }
        let (bytes, closing) = self.listing_and_closing(Verb::List, path).await?;
        let listing = listing::parse_listing(&bytes, Some(Hint::List));
        let is_unix = listing.format == Some(Format::Unix);
        Ok(hand_on(listing, &closing, is_unix, each))
    }
}

fn hand_on(
    listing: listing::Listing,
    closing: &[u8],
    without_hidden: bool,
    each: &mut impl FnMut(Entry),
) -> Scanned {
    let unread = listing.unparsed.saturating_add(listing.dropped).saturating_add(cut_short(closing));
    listing.entries.into_iter().filter_map(Entry::from_listing).for_each(each);
    Scanned { unread, without_hidden }
}

/// 1 if the closing reply says that the listing is not whole, though its code says that all is well: "226-Output truncated to 10000
/// matches" of pure-ftpd, "226 Transfer done (but failed to open directory)." of vsftpd.
fn cut_short(closing: &[u8]) -> usize {
    let text = String::from_utf8_lossy(closing).to_lowercase();
    usize::from(text.contains("truncated") || text.contains("failed to open"))
}

/// Lines of facts in pieces.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
    entries: usize,
    unread: usize,
}

impl Lines {
    fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Entry)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, &[]));
            bytes = rest.get(1..).unwrap_or_default();
            if self.begun.is_empty() {
                self.line(line, each);
            } else {
                self.begin(line);
                let line = std::mem::take(&mut self.begun);
                self.line(&line, each);
            }
        }
        self.begin(bytes);
    }

    /// Keeps the beginning of a line; one that is too long is not looked into, so its length alone is kept.
    fn begin(&mut self, bytes: &[u8]) {
        let room = MAXIMUM_LINE.saturating_add(2).saturating_sub(self.begun.len());
        self.begun.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn finish(&mut self, each: &mut impl FnMut(Entry)) {
        let line = std::mem::take(&mut self.begun);
        self.line(&line, each);
    }

    fn line(&mut self, line: &[u8], each: &mut impl FnMut(Entry)) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        let parsed = listing::parse_entry(line, Some(Hint::Mlsd)).filter(|_| line.len() <= MAXIMUM_LINE);
        self.entries = self.entries.saturating_add(1);
        match parsed {
            Some(entry) if self.entries <= MAXIMUM_ENTRIES => {
                if let Some(entry) = Entry::from_listing(entry) {
                    each(entry);
                }
            }
            _ => self.unread = self.unread.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(pieces: &[&[u8]]) -> (Vec<String>, usize) {
        let mut names = Vec::new();
        let mut each = |entry: Entry| names.push(String::from_utf8_lossy(&entry.name).into_owned());
        let mut lines = Lines::default();
        pieces.iter().for_each(|piece| lines.push(piece, &mut each));
        lines.finish(&mut each);
        (names, lines.unread)
    }

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"type=file;size=1; a b\r\ntype=cdir; .\r\n\r\nnonsense\r\ntype=dir; c\ntype=file; last";
        let expected = (vec!["a b".to_owned(), "c".to_owned(), "last".to_owned()], 1);
        for cut in 0..text.len() {
            let (first, second) = text.split_at(cut);
            assert_eq!(names(&[first, second]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn line_that_is_too_long_is_counted_and_not_kept() {
        let long = [b"type=file; ".as_slice(), &vec![b'x'; MAXIMUM_LINE]].concat();
        let (names, unread) = names(&[&long, &long, b"\r\ntype=file; a\r\n"]);
        assert_eq!((names, unread), (vec!["a".to_owned()], 1));
    }
}

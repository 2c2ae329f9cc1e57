//! What crosses a data connection: counted, hashed, and its beginning kept, without keeping the rest.

use sha2::{Digest as _, Sha256};

use crate::digest::{Digest, Hashing};
use crate::report::{DataPackets, Missing};
use crate::tcp::Gap;

/// How many packet numbers of a transfer are listed.
const LISTED_PACKETS: usize = 64;

/// How much of the beginning stays when the rest is given back: enough to tell TLS from a file.
const SHORT_HEAD: usize = 512;

/// How many holes of a transfer are listed; later ones are merged into the last.
const LISTED_HOLES: usize = 4096;

/// What one end of a connection sent, as far as it matters for a transfer.
#[derive(Debug, Default)]
pub struct Content {
    /// Bytes from the first to the last, holes included.
    pub length: u64,
    /// Bytes that the capture holds.
    pub captured: u64,
    /// Holes, in order.
    pub missing: Vec<Missing>,
    /// The first bytes, holes as zeros, up to the limit in force.
    pub head: Vec<u8>,
    /// Packets with payload.
    pub packets: DataPackets,
    /// Capture time of the first and the last packet with payload.
    pub times: Option<(i64, i64)>,
    hash: Hashed,
}

#[derive(Debug, Default)]
enum Hashed {
    /// Everything so far is in `head`; hashing starts when it no longer fits, or at the end.
    #[default]
    Waiting,
    Running(Digest),
    /// Bytes went by unhashed.
    Lost,
}

impl Content {
    /// Bytes in order. Up to `head_limit` of them are kept; `hash` says whether to hash those beyond.
    pub fn take(&mut self, bytes: &[u8], head_limit: usize, hash: &Hashing) {
        self.make_room(bytes.len() as u64, head_limit, hash);
        let room = head_limit.saturating_sub(self.head.len());
        if room > 0 && self.head.len() as u64 == self.length {
            self.head.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        }
        if let Hashed::Running(hasher) = &mut self.hash {
            hasher.update(bytes);
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        self.captured = self.captured.saturating_add(bytes.len() as u64);
    }

    /// Bytes that the capture does not hold: zeros to the hash, as long as so many `zeros` may still be hashed.
    pub fn skip(&mut self, gap: Gap, head_limit: usize, hash: &Hashing, zeros: &mut u64) {
        let (here, full) = (self.length, self.missing.len() >= LISTED_HOLES);
        match self.missing.last_mut() {
            Some(last) if full || last.offset.saturating_add(last.length) == here => {
                last.length = here.saturating_add(gap.length).saturating_sub(last.offset);
            }
            _ => self.missing.push(Missing { offset: here, length: gap.length }),
        }
        const ZEROS: [u8; 8192] = [0; 8192];
        let captured = self.captured;
        let mut left = gap.length;
        while left > 0 {
            let run = left.min(ZEROS.len() as u64);
            if left > *zeros {
                self.make_room(left, head_limit, &Hashing::Off);
                self.hash = Hashed::Lost;
                self.length = self.length.saturating_add(left);
                break;
            }
            self.take(ZEROS.get(..run as usize).unwrap_or_default(), head_limit, hash);
            *zeros -= run;
            left -= run;
        }
        self.captured = captured;
    }

    /// A packet with payload, retransmission or not.
    pub fn packet(&mut self, number: u64, time: i64) {
        self.packets.first.get_or_insert(number);
        self.packets.last = Some(number);
        self.packets.count += 1;
        if self.packets.list.len() < LISTED_PACKETS {
            self.packets.list.push(number);
        }
        self.times = Some((self.times.map_or(time, |(first, _)| first), time));
    }

    /// SHA-256 of all bytes, holes as zeros; `None` where some went by unhashed.
    pub fn sha256(&self) -> Option<String> {
        let digest: [u8; 32] = match &self.hash {
            Hashed::Waiting => Sha256::digest(&self.head).into(),
            Hashed::Running(hasher) => hasher.value(),
            Hashed::Lost => return None,
        };
        Some(crate::hex::encode(&digest))
    }

    /// Gives back most of the memory of the beginning, hashing it first if that is wanted.
    pub fn shrink_head(&mut self, hash: &Hashing) {
        self.start_hashing(hash);
        self.head.truncate(SHORT_HEAD);
        self.head.shrink_to_fit();
    }

    /// Nothing follows. Unless the beginning is needed, most of its memory is given back.
    pub fn end(&mut self, needs_beginning: bool, hash: &Hashing) {
        if !needs_beginning && self.head.len() > SHORT_HEAD {
            self.shrink_head(hash);
        }
        if let Hashed::Running(digest) = &mut self.hash {
            digest.flush();
        }
    }

    /// Whether the beginning is all there is.
    pub fn head_is_whole(&self) -> bool {
        self.head.len() as u64 == self.length
    }

    /// Before bytes that do not fit into the head: from here on the hash must run.
    fn make_room(&mut self, coming: u64, head_limit: usize, hash: &Hashing) {
        if self.length.saturating_add(coming) > head_limit as u64 {
            self.start_hashing(hash);
        }
    }

    fn start_hashing(&mut self, hash: &Hashing) {
        if matches!(self.hash, Hashed::Waiting) {
            let begun = if self.head_is_whole() { Digest::new(hash, &self.head) } else { None };
            self.hash = begun.map_or(Hashed::Lost, Hashed::Running);
        }
    }
}

/// A forged sequence number makes a hole of gigabytes with one packet, so hashing zeros must stay in proportion to what a
/// capture holds: so many may be hashed in any case, and so many more for each captured byte.
pub const FREE_ZEROS: u64 = 16 << 20;
/// See [`FREE_ZEROS`].
pub const ZEROS_PER_BYTE: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(bytes: &[u8]) -> Option<String> {
        Some(crate::hex::encode(&Sha256::digest(bytes)))
    }

    fn gap(offset: u64, length: u64) -> Gap {
        Gap { offset, length, acknowledged: true }
    }

    #[test]
    fn short_content_is_hashed_from_its_head() {
        let mut content = Content::default();
        content.take(b"ab", 8, &Hashing::Now);
        content.take(b"c", 8, &Hashing::Now);
        assert_eq!((content.length, content.sha256()), (3, sha(b"abc")));
    }

    #[test]
    fn the_hash_is_the_same_when_the_head_overflows() {
        let mut content = Content::default();
        for part in [&b"abc"[..], b"defgh", b"ij"] {
            content.take(part, 4, &Hashing::Now);
        }
        assert_eq!(content.sha256(), sha(b"abcdefghij"));
        assert_eq!(content.head, b"abcd");
    }

    #[test]
    fn a_hole_counts_as_zeros_and_is_listed_once() {
        let mut content = Content::default();
        content.take(b"ab", 4, &Hashing::Now);
        content.skip(gap(2, 2), 4, &Hashing::Now, &mut FREE_ZEROS.clone());
        content.skip(gap(4, 1), 4, &Hashing::Now, &mut FREE_ZEROS.clone());
        content.take(b"c", 4, &Hashing::Now);
        assert_eq!(content.sha256(), sha(b"ab\0\0\0c"));
        assert_eq!(content.missing, [Missing { offset: 2, length: 3 }]);
        assert_eq!((content.length, content.captured), (6, 3));
    }

    #[test]
    fn unhashed_bytes_leave_no_hash() {
        let mut content = Content::default();
        content.take(b"abc", 2, &Hashing::Off);
        assert_eq!(content.sha256(), None);
    }

    #[test]
    fn a_hole_of_terabytes_is_stated_and_not_hashed() {
        let mut content = Content::default();
        content.skip(gap(0, 1 << 45), 4, &Hashing::Now, &mut FREE_ZEROS.clone());
        assert_eq!((content.length, content.sha256()), (1 << 45, None));
    }
}

//! A connection's history in letters, as Zeek's `conn.log` writes it.

use port21_capture::Flags;

use super::End;

/// Which kinds of packets were seen, in the order of their first occurrence: `ShADadFf`. Upper case: the initiator.
///
/// `S` SYN, `H` SYN/ACK, `A` pure ACK, `D` data, `F` FIN, `R` RST, `G` gap, `T` retransmission, `W` zero window,
/// `I` FIN and RST in one packet, `Q` SYN with FIN or RST. `A`, `D`, `I` and `Q` stand once for each end; `S`, `H`, `F` and
/// `R` again where the sequence number differs; `G`, `T` and `W` at the 1st, 10th, 100th time and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Letters {
    letters: [u8; Letters::LIMIT],
    length: u8,
    seen: [Seen; 2],
}

/// What decides whether one end's letter is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    once: u8,
    last_sequence: [Option<u32>; 4],
    counts: [u32; 3],
}

impl Letters {
    /// Most letters kept; what comes later is left out.
    pub const LIMIT: usize = 32;

    /// Takes a segment: its control bits, raw sequence number, and payload length on the wire.
    pub fn segment(&mut self, from: End, flags: Flags, sequence: u32, payload_length: u32) {
        let (syn, fin, rst) =
            (flags.contains(Flags::SYN), flags.contains(Flags::FIN), flags.contains(Flags::RST));
        if syn && (fin || rst) {
            self.once(from, b'Q', 0);
        }
        if fin && rst {
            self.once(from, b'I', 1);
        }
        if syn {
            let letter = if flags.contains(Flags::ACK) { (b'H', 0) } else { (b'S', 1) };
            self.by_sequence(from, letter.0, letter.1, sequence);
        }
        if payload_length > 0 {
            self.once(from, b'D', 2);
        } else if flags.contains(Flags::ACK) && !(syn || fin || rst) {
            self.once(from, b'A', 3);
        }
        if fin {
            self.by_sequence(from, b'F', 2, sequence.wrapping_add(payload_length));
        }
        if rst {
            self.by_sequence(from, b'R', 3, sequence);
        }
    }

    /// Takes a gap in the bytes of `from`.
    pub fn gap(&mut self, from: End) {
        self.counted(from, b'G', 0);
    }

    /// Takes a retransmission by `from`.
    pub fn retransmission(&mut self, from: End) {
        self.counted(from, b'T', 1);
    }

    /// Takes a segment of `from` that closes its window.
    pub fn zero_window(&mut self, from: End) {
        self.counted(from, b'W', 2);
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        let letters = self.letters.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(letters).unwrap_or_default()
    }

    /// The same connection seen with its ends swapped: a SYN has told who opened it.
    pub fn swap_ends(&mut self) {
        for letter in &mut self.letters {
            *letter = if letter.is_ascii_uppercase() {
                letter.to_ascii_lowercase()
            } else {
                letter.to_ascii_uppercase()
            };
        }
        self.seen.swap(0, 1);
    }

    fn once(&mut self, from: End, letter: u8, bit: u8) {
        let seen = self.seen_mut(from);
        let mask = 1 << bit;
        if seen.once & mask == 0 {
            seen.once |= mask;
            self.push(from, letter);
        }
    }

    fn by_sequence(&mut self, from: End, letter: u8, slot: usize, sequence: u32) {
        let Some(last) = self.seen_mut(from).last_sequence.get_mut(slot) else { return };
        if last.replace(sequence) != Some(sequence) {
            self.push(from, letter);
        }
    }

    fn counted(&mut self, from: End, letter: u8, slot: usize) {
        let Some(count) = self.seen_mut(from).counts.get_mut(slot) else { return };
        *count = count.saturating_add(1);
        let count = *count;
        if count == 10u32.saturating_pow(count.ilog10()) {
            self.push(from, letter);
        }
    }

    fn push(&mut self, from: End, letter: u8) {
        if let Some(place) = self.letters.get_mut(usize::from(self.length)) {
            *place = if from == End::Initiator { letter } else { letter.to_ascii_lowercase() };
            self.length += 1;
        }
    }

    fn seen_mut(&mut self, from: End) -> &mut Seen {
        let [initiator, responder] = &mut self.seen;
        match from {
            End::Initiator => initiator,
            End::Responder => responder,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `>S >A <D`: who sends, and which flags; every segment with its own sequence number unless one is given.
    fn letters(segments: &str) -> String {
        let mut letters = Letters::default();
        for (index, segment) in segments.split_whitespace().enumerate() {
            let from = if segment.starts_with('>') { End::Initiator } else { End::Responder };
            let mut flags = Flags::default();
            let mut payload = 0;
            let mut sequence = index as u32 * 1000;
            for letter in segment.chars().skip(1) {
                match letter {
                    'S' => flags = flags | Flags::SYN,
                    'A' => flags = flags | Flags::ACK,
                    'F' => flags = flags | Flags::FIN,
                    'R' => flags = flags | Flags::RST,
                    'D' => payload = 10,
                    '=' => sequence = 7,
                    other => panic!("{other}"),
                }
            }
            letters.segment(from, flags, sequence, payload);
        }
        letters.as_str().to_owned()
    }

    #[test]
    fn whole_conversation() {
        assert_eq!(letters(">S <SA >A <AD >A >AD <A <AD >FA <FA >A"), "ShAdDaFf");
    }

    #[test]
    fn last_bytes_come_before_the_fin_that_they_share_a_packet_with() {
        assert_eq!(letters(">S <SA >A <FAD >A"), "ShAdf");
    }

    #[test]
    fn retransmitted_syn_counts_once_and_a_new_one_again() {
        assert_eq!(letters(">S= >S= >S"), "SS");
    }

    #[test]
    fn reset_with_acknowledgment_is_no_pure_acknowledgment() {
        assert_eq!(letters(">S <RA"), "Sr");
    }

    #[test]
    fn contradictory_flags_have_letters_of_their_own() {
        assert_eq!(letters(">SF"), "QSF");
        assert_eq!(letters("<FR"), "ifr");
    }

    #[test]
    fn repeated_events_are_written_at_powers_of_ten() {
        let mut letters = Letters::default();
        for _ in 0..100 {
            letters.retransmission(End::Responder);
        }
        assert_eq!(letters.as_str(), "ttt");
    }

    #[test]
    fn length_is_bounded() {
        assert_eq!(letters(&">S ".repeat(100)), "S".repeat(Letters::LIMIT));
    }

    #[test]
    fn swapping_ends_swaps_the_case_and_what_was_seen() {
        let mut letters = Letters::default();
        letters.segment(End::Initiator, Flags::ACK, 1, 0);
        letters.swap_ends();
        letters.segment(End::Responder, Flags::ACK, 1, 0);
        letters.segment(End::Initiator, Flags::ACK, 1, 0);
        assert_eq!(letters.as_str(), "aA");
    }
}

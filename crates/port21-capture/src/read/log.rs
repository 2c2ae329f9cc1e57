//! What was odd about an input, each kind told once with its first occurrence.

/// Something odd about an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Number of the packet concerned, or of the last one before the problem; `None` before the first.
    pub packet: Option<u64>,
    /// Offset in the (decompressed) input, in bytes.
    pub offset: Option<u64>,
    /// One sentence: what, where, what follows.
    pub text: String,
}

/// How many different problems are kept of one input.
pub const MAX_PROBLEMS: usize = 64;

/// The kinds of oddity that can repeat without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Can occur only once.
    Single,
    CapturedMoreThanOriginal,
    Fraction,
    UnknownBlock(u32),
    BlockLengths,
    OptionTooLong,
    Interfaces,
    UndescribedInterface,
    PacketLongerThanBlock,
    SectionVersion,
    ShortBlock,
    LinkTypeBits,
    FrameCheckSequence,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    problem: Problem,
    repeated: u64,
}

/// The bounded list of what was odd.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    unlisted: u64,
}

impl Log {
    /// Notes an oddity; of each kind only the first is kept, and the others are counted.
    #[cold]
    pub(super) fn note(
        &mut self,
        kind: Kind,
        packet: Option<u64>,
        offset: Option<u64>,
        text: impl FnOnce() -> String,
    ) {
        let same = self.entries.iter_mut().find(|entry| entry.kind == kind && kind != Kind::Single);
        if let Some(entry) = same {
            entry.repeated = entry.repeated.saturating_add(1);
        } else if self.entries.len() < MAX_PROBLEMS {
            let packet = packet.filter(|number| *number > 0);
            self.entries.push(Entry { kind, problem: Problem { packet, offset, text: text() }, repeated: 0 });
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }

    /// Takes back what was noted about the input's end at `offset`, for a better reason that is to follow.
    pub(super) fn forget_end(&mut self, offset: u64) {
        let about_end = |entry: &Entry| entry.kind == Kind::Single && entry.problem.offset == Some(offset);
        if self.entries.last().is_some_and(about_end) {
            self.entries.pop();
        }
    }

    /// How many kinds have been noted.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Everything noted so far, in the order of first occurrence.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.entries.iter().map(Entry::told).collect();
        if self.unlisted > 0 {
            let text = format!("{} more problems of other kinds are not listed", self.unlisted);
            problems.push(Problem { packet: None, offset: None, text });
        }
        problems
    }
}

impl Entry {
    fn told(&self) -> Problem {
        let mut problem = self.problem.clone();
        if self.repeated > 0 {
            problem.text.push_str(&format!(" (and {} more like it)", self.repeated));
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_kinds_are_counted_not_listed() {
        let mut log = Log::default();
        for packet in 1..=3 {
            log.note(Kind::Fraction, Some(packet), None, || format!("packet {packet} is odd"));
        }
        let problems = log.problems();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].text, "packet 1 is odd (and 2 more like it)");
        assert_eq!(problems[0].packet, Some(1));
    }

    #[test]
    fn the_list_is_bounded() {
        let mut log = Log::default();
        for block in 0..200 {
            log.note(Kind::UnknownBlock(block), None, None, || "unknown".to_owned());
        }
        assert_eq!(log.problems().len(), MAX_PROBLEMS + 1);
    }
}

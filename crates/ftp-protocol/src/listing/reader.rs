//! Reads a listing as a whole: its headings and totals, lines that are broken in two, and the order of its dates.

use std::ops::Range;

use super::headings::{Section, Spoken, spoken};
use super::recognise::{Expectation, recognise};
use super::stamp::{Order, Stamp};
use super::votes::Votes;
use super::words::Line;
use super::{
    Date, Entry, Format, Hint, Listing, MAXIMUM_ENTRIES, MAXIMUM_LINE, data_sets, macintosh, members, unix,
    vms, without_line_end,
};

/// Length in bytes of a short line of DOS: room is made for as many entries as there can be such lines.
const SHORT_LINE: usize = 40;

/// Reads a listing from its beginning to its end.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    expected: Expectation,
    listing: Listing,
    directory: Option<Vec<u8>>,
    /// What the last heading says the lines below it are.
    section: Option<Section>,
    behind_blank: bool,
    /// The place of a line that may go on in the next one.
    begun: Option<Range<usize>>,
    votes: Votes,
    /// Dates are understood.
    dated: bool,
    /// Entries whose date can be read in more than one order.
    open_dates: Vec<(usize, Format, Stamp)>,
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8], hint: Option<Hint>) -> Self {
        let expected = Expectation::new(hint);
        let lines = bytes.len().checked_div(SHORT_LINE).unwrap_or(0).min(MAXIMUM_ENTRIES);
        Self {
            bytes,
            expected,
            listing: Listing { entries: Vec::with_capacity(lines), ..Listing::default() },
            directory: None,
            section: None,
            behind_blank: true,
            begun: None,
            votes: Votes::default(),
            dated: true,
            open_dates: Vec::new(),
        }
    }

    /// The same without understanding dates.
    pub fn undated(self) -> Self {
        Self { dated: false, ..self }
    }

    /// Reads all of it.
    pub fn read(mut self) -> Listing {
        let mut start = 0_usize;
        for line in self.bytes.split(|&byte| byte == b'\n') {
            let end = start.saturating_add(line.len());
            self.line(start..start.saturating_add(without_line_end(line).len()));
            start = end.saturating_add(1);
        }
        self.give_up_begun();
        self.settle_dates();
        self.settle_macintosh();
        self.listing
    }

    fn line(&mut self, place: Range<usize>) {
        let line = self.bytes.get(place.clone()).unwrap_or_default();
        let blank = line.trim_ascii().is_empty();
        let headed = std::mem::replace(&mut self.behind_blank, blank);
        if blank || self.expected.hint != Some(Hint::Nlst) && unix::is_total(line) {
            self.give_up_begun();
            return;
        }
        if line.len() > MAXIMUM_LINE {
            self.give_up_begun();
            if !(headed && self.take_directory(line)) {
                self.add(None, line);
            }
            return;
        }
        if let Some(begun) = self.begun.clone()
            && let Some(entry) = vms::parse_broken(self.bytes.get(begun.clone()).unwrap_or_default(), line)
        {
            self.begun = None;
            let text = self.bytes.get(begun.start..place.end).unwrap_or_default();
            self.add(Some((Format::Vms, entry)), text);
            return;
        }
        self.give_up_begun();
        if let Some(parsed) = recognise(line, &self.expected) {
            self.add(Some(parsed), line);
        } else if headed && self.take_directory(line) {
            // The lines below are of this directory.
        } else if self.expected.is_open() {
            self.unknown(line, place);
        } else {
            self.add(None, line);
        }
    }

    /// Takes a line that has no form of its own: a heading, a total, the beginning of an entry, or a name that is one
    /// only below its heading.
    fn unknown(&mut self, bytes: &[u8], place: Range<usize>) {
        let line = Line::new(bytes);
        match spoken(&line, self.section, self.listing.format) {
            Some(Spoken::Section(section)) => self.section = Some(section),
            Some(Spoken::Directory(section, directory)) => {
                self.section = Some(section);
                self.directory = Some(directory.to_vec());
            }
            Some(Spoken::Talk) => {}
            None if vms::may_go_on(&line) => self.begun = Some(place),
            None => {
                let below = match self.section {
                    Some(Section::DataSets) => {
                        data_sets::parse_below_heading(&line).map(|entry| (Format::DataSets, entry))
                    }
                    Some(Section::Members) => {
                        members::parse_name(&line).map(|entry| (Format::Members, entry))
                    }
                    _ => None,
                };
                self.add(below, bytes);
            }
        }
    }

    /// Keeps a line that seemed to go on and did not.
    fn give_up_begun(&mut self) {
        if let Some(begun) = self.begun.take() {
            let line = self.bytes.get(begun).unwrap_or_default();
            self.add(None, line);
        }
    }

    /// Whether the line is the heading of a directory in a recursive listing.
    fn take_directory(&mut self, line: &[u8]) -> bool {
        let heading = line.strip_suffix(b":");
        self.directory = heading.map(<[u8]>::to_vec).or(self.directory.take());
        heading.is_some()
    }

    fn add(&mut self, parsed: Option<(Format, Entry)>, text: &[u8]) {
        if self.listing.entries.len() >= MAXIMUM_ENTRIES {
            self.listing.dropped = self.listing.dropped.saturating_add(1);
            return;
        }
        let entry = match parsed {
            Some((format, entry)) => {
                let same = self.listing.format.is_none_or(|other| other == format);
                self.listing.format = Some(if same { format } else { Format::Mixed });
                if is_rare(format) {
                    self.expected.likely = Some(format);
                }
                let date = entry.date.or_else(|| self.date(&entry, format));
                Entry { date, ..entry }
            }
            None => {
                self.listing.unparsed = self.listing.unparsed.saturating_add(1);
                Entry::default()
            }
        };
        self.listing.entries.push(Entry { text: text.to_vec(), directory: self.directory.clone(), ..entry });
    }

    /// The date of an entry that is about to be added; `None` also for one that is settled at the end.
    fn date(&mut self, entry: &Entry, format: Format) -> Option<Date> {
        if !self.dated {
            return None;
        }
        let stamp = Stamp::read(entry.modified.as_deref()?);
        if self.votes.count(&stamp) > 1 {
            self.open_dates.push((self.listing.entries.len(), format, stamp));
            return None;
        }
        stamp.date(Order::ALL)
    }

    /// Settles the dates that can be read in several orders, now that it is known which one fits the listing.
    fn settle_dates(&mut self) {
        for (index, format, stamp) in std::mem::take(&mut self.open_dates) {
            if let Some(entry) = self.listing.entries.get_mut(index) {
                entry.date = date_in_order(&stamp, format, &self.votes);
            }
        }
    }

    /// Lines of Mac OS look like those of Unix without a group. A directory proves what they are, though it may come
    /// last; without one it is that the third number is the sum of the first two, in more than one line and in all.
    fn settle_macintosh(&mut self) {
        let Listing { format, entries, unparsed, .. } = &mut self.listing;
        if !matches!(format, Some(Format::Unix | Format::Mixed)) {
            return;
        }
        let again = |entry: &Entry| macintosh::parse(&Line::new(&entry.text));
        let is_folder = |entry: &Entry| entry.owner.as_deref() == Some(b"folder") && again(entry).is_some();
        let whole = *format == Some(Format::Unix) && *unparsed == 0 && entries.len() > 1;
        let proved =
            entries.iter().any(is_folder) || whole && entries.iter().all(|entry| again(entry).is_some());
        if !proved {
            return;
        }
        let mut others = false;
        for entry in entries.iter_mut().filter(|entry| entry.name.is_some()) {
            match again(entry) {
                Some(new) => (entry.size, entry.owner, entry.group) = (new.size, new.owner, new.group),
                None => others = true,
            }
        }
        *format = Some(if others { Format::Mixed } else { Format::Macintosh });
    }
}

/// The date of a line that is read alone.
pub(super) fn date_of(entry: &Entry, format: Format) -> Option<Date> {
    date_in_order(&Stamp::read(entry.modified.as_deref()?), format, &Votes::default())
}

/// The date, its numbers in the order that fits the listing best, or else in the likeliest one of its form.
fn date_in_order(stamp: &Stamp, format: Format, votes: &Votes) -> Option<Date> {
    let orders = stamp.separator().map_or(Order::ALL, |separator| format.orders(separator));
    stamp.date(votes.sort(orders))
}

/// Whether this form is one of those that are tried only when the common ones do not fit.
fn is_rare(format: Format) -> bool {
    !matches!(
        format,
        Format::Unix | Format::Dos | Format::Facts | Format::Eplf | Format::Names | Format::Macintosh
    )
}

//! What one run tells the next: a file of lines beside what is mirrored.
//!
//! Two things only a program that was there can know: of which version a `.partial` file is, and which files were sent although the server
//! takes no times. Lines are appended, so that a killed run loses at most its last one; the end of a run writes the file anew under
//! another name and renames it, or removes it when there is nothing to be told.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use cap_std::fs::{Dir, File, OpenOptions};
use serde::{Deserialize, Serialize};

use super::item::Stamp;

/// How names of state files begin.
pub const PREFIX: &str = ".port21-mirror";

/// Most bytes of a state file that are read.
const MAXIMUM: u64 = 64 << 20;

/// The first line's value.
const SCHEMA: &str = "port21.mirror/1";

/// A version of a file, as its source has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub size: u64,
    /// Seconds since 1970, and as how many of them it is told; without a time only the size tells versions apart.
    pub time: Option<(i64, u32)>,
}

impl Version {
    /// The version of a file of this size and time.
    pub fn new(size: u64, time: Option<Stamp>) -> Self {
        Self { size, time: time.map(|stamp| (stamp.start, stamp.width)) }
    }

    fn may_be(self, other: Self) -> bool {
        let stamp = |(start, width)| Stamp { start, width };
        let times = self.time.map(stamp).zip(other.time.map(stamp));
        self.size == other.size && times.is_some_and(|(a, b)| a.may_be(b))
    }
}

/// A file that was sent to a server that takes no times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Sent {
    version: Version,
    /// The time that the server gave it, once a listing told that.
    there: Option<(i64, u32)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// What the lines are about: the server's place and the direction.
    Head { schema: String, place: String },
    /// A transfer begins, whose beginning may be of use to the next run.
    Begun { path: String, version: Version },
    /// It is over.
    Over { path: String },
    /// A file was sent, and its time could not be set.
    Sent { path: String, version: Version, there: Option<(i64, u32)> },
}

/// Why what stands in a state file is not used.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is something else than a state file.
    Foreign(String),
    /// It is of no use.
    Void(String),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Foreign(text) | Self::Void(text)) = self;
        formatter.write_str(text)
    }
}

/// What is known, and where it is written.
#[derive(Debug)]
pub struct State {
    place: String,
    begun: HashMap<String, Version>,
    sent: HashMap<String, Sent>,
    /// `None`: nothing is kept.
    folder: Option<Dir>,
    name: String,
    journal: Option<File>,
    /// Something is in the file.
    written: bool,
}

impl State {
    /// Nothing is known, and nothing is kept.
    pub fn none() -> Self {
        let (begun, sent) = (HashMap::new(), HashMap::new());
        let (place, name) = (String::new(), String::new());
        Self { place, begun, sent, folder: None, name, journal: None, written: false }
    }

    /// Reads the file `name` in `folder`, if it is there and about `place`; and what was wrong with it.
    pub fn open(folder: Dir, name: &str, place: &str) -> (Self, Option<Problem>) {
        let mut state = Self { place: place.to_owned(), name: name.to_owned(), ..Self::none() };
        let problem = match read(&folder, name) {
            Ok(text) => {
                state.written = true;
                // Whoever wants a name that nobody else has makes an empty file.
                if text.is_empty() { None } else { state.take(&text).err() }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Problem::Foreign(format!("it cannot be read: {error}"))),
        };
        if problem.is_some() {
            (state.begun, state.sent) = (HashMap::new(), HashMap::new());
        }
        state.folder = Some(folder);
        (state, problem)
    }

    /// The same knowledge, which is not written any more.
    pub fn read_only(self) -> Self {
        Self { folder: None, ..self }
    }

    /// The usual name for what is kept about `place`: another one for each, since one folder may have several mirrors.
    pub fn name_for(place: &str) -> String {
        // FNV-1a: the name is to be the same with every build.
        let hash = place
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{PREFIX}-{hash:08x}")
    }

    fn take(&mut self, text: &str) -> Result<(), Problem> {
        let mut lines = text.split_inclusive('\n');
        let first = lines.next().unwrap_or_default();
        match serde_json::from_str(first) {
            Ok(Line::Head { schema, place }) if schema == SCHEMA && place == self.place => {}
            Ok(Line::Head { schema, .. }) if schema == SCHEMA => {
                return Err(Problem::Void("it is about another mirror".into()));
            }
            _ => return Err(Problem::Foreign("its first line is none of a state file".into())),
        }
        for (number, line) in lines.enumerate() {
            match serde_json::from_str(line) {
                Ok(line) => self.learn(line),
                // A killed run leaves half a line.
                Err(_) if !line.ends_with('\n') => {}
                Err(_) => {
                    return Err(Problem::Void(format!("it is damaged in line {}", number.saturating_add(2))));
                }
            }
        }
        Ok(())
    }

    fn learn(&mut self, line: Line) {
        match line {
            Line::Head { .. } => {}
            Line::Begun { path, version } => drop(self.begun.insert(path, version)),
            Line::Over { path } => drop(self.begun.remove(&path)),
            Line::Sent { path, version, there } => drop(self.sent.insert(path, Sent { version, there })),
        }
    }

    /// Whether what an earlier run left of the file at `path` is of this version.
    pub fn has_begun(&self, path: &[u8], version: Version) -> bool {
        key(path).and_then(|path| self.begun.get(path)).is_some_and(|begun| begun.may_be(version))
    }

    /// Whether this version of the file at `path` was sent, and is what the server has, of which a listing tells `there`.
    pub fn was_sent(&self, path: &[u8], version: Version, there: Option<Stamp>) -> bool {
        let Some(sent) = key(path).and_then(|path| self.sent.get(path)) else { return false };
        let seen = sent.there.map(|(start, width)| Stamp { start, width });
        let unchanged = seen.zip(there).is_none_or(|(before, now)| before.may_be(now));
        sent.version.may_be(version) && unchanged
    }

    /// Whether the file at `path` was sent, and the server's time of it is not known yet.
    pub fn lacks_time(&self, path: &[u8]) -> bool {
        key(path).and_then(|path| self.sent.get(path)).is_some_and(|sent| sent.there.is_none())
    }

    /// A transfer begins.
    pub fn begin(&mut self, path: &[u8], version: Version) {
        let Some(path) = key(path).map(str::to_owned) else { return };
        self.write(Line::Begun { path, version });
    }

    /// A transfer is over, in whatever way makes its beginning useless.
    pub fn end(&mut self, path: &[u8]) {
        if let Some(path) = key(path).map(str::to_owned)
            && self.begun.contains_key(&path)
        {
            self.write(Line::Over { path });
        }
    }

    /// A file was sent to a server that takes no times, and has the time `there` now, if that is known.
    pub fn sent(&mut self, path: &[u8], version: Version, there: Option<Stamp>) {
        let Some(path) = key(path).map(str::to_owned) else { return };
        let there = there.map(|stamp| (stamp.start, stamp.width));
        self.write(Line::Sent { path, version, there });
    }

    /// The server takes times of the file at `path`, or it is gone.
    pub fn forget(&mut self, path: &[u8]) {
        key(path).map(|path| self.sent.remove(path));
    }

    /// Appends a line. State that cannot be written costs the next run some work, and is no reason to fail.
    fn write(&mut self, line: Line) {
        if self.folder.is_some() {
            let _ = self.append(&line);
        }
        self.learn(line);
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        if self.journal.is_none() {
            // What an earlier run left is taken over first, so that a torn line is not written on.
            self.rewrite()?;
            let Some(folder) = &self.folder else { return Ok(()) };
            self.journal = Some(folder.open_with(&self.name, OpenOptions::new().append(true))?);
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.write_all(&encoded(line)?)
    }

    /// Ends the run: keeps what is worth it, and nothing otherwise.
    pub fn finish(mut self) -> io::Result<()> {
        self.journal = None;
        let Some(folder) = &self.folder else { return Ok(()) };
        if !self.written {
            return Ok(());
        }
        if self.begun.is_empty() && self.sent.is_empty() {
            return folder.remove_file(&self.name);
        }
        self.rewrite()
    }

    /// Writes all that is known under another name, and renames that.
    fn rewrite(&mut self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let other = format!("{}.new", self.name);
        let written = self.write_all(folder, &other).and_then(|()| folder.rename(&other, folder, &self.name));
        if let Err(error) = written {
            let _ = folder.remove_file(&other);
            return Err(error);
        }
        self.written = true;
        Ok(())
    }

    fn write_all(&self, folder: &Dir, name: &str) -> io::Result<()> {
        let mut file = io::BufWriter::new(folder.create(name)?);
        file.write_all(&encoded(&Line::Head { schema: SCHEMA.into(), place: self.place.clone() })?)?;
        let mut begun: Vec<_> = self.begun.iter().collect();
        begun.sort_by_key(|(path, _)| *path);
        for (path, &version) in begun {
            file.write_all(&encoded(&Line::Begun { path: path.clone(), version })?)?;
        }
        let mut sent: Vec<_> = self.sent.iter().collect();
        sent.sort_by_key(|(path, _)| *path);
        for (path, &Sent { version, there }) in sent {
            file.write_all(&encoded(&Line::Sent { path: path.clone(), version, there })?)?;
        }
        file.flush()
    }
}

/// A name that is no UTF-8 is not kept: it is transferred from its beginning.
fn key(path: &[u8]) -> Option<&str> {
    std::str::from_utf8(path).ok()
}

fn encoded(line: &Line) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn read(folder: &Dir, name: &str) -> io::Result<String> {
    if !folder.symlink_metadata(name)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    folder.open(name)?.take(MAXIMUM).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cap_std::ambient_authority;

    const NAME: &str = ".port21-mirror-test";
    const VERSION: Version = Version { size: 5, time: Some((100, 1)) };

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn open(&self, place: &str) -> (State, Option<Problem>) {
            State::open(Dir::open_ambient_dir(self.0.path(), ambient_authority()).unwrap(), NAME, place)
        }

        fn known(&self) -> State {
            let (state, problem) = self.open("here");
            assert_eq!(problem, None);
            state
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.0.path().join(NAME)).unwrap_or_default()
        }

        fn names(&self) -> usize {
            std::fs::read_dir(self.0.path()).unwrap().count()
        }
    }

    #[test]
    fn what_a_killed_run_began_is_known_to_the_next() {
        let place = Place::new();
        let mut state = place.known();
        state.begin(b"a", VERSION);
        state.begin(b"b", VERSION);
        state.end(b"b");
        drop(state);
        let state = place.known();
        assert!(
            state.has_begun(b"a", VERSION)
                && !state.has_begun(b"b", VERSION)
                && !state.has_begun(b"c", VERSION)
        );
        assert!(!state.has_begun(b"a", Version { size: 6, ..VERSION }));
        assert!(!state.has_begun(b"a", Version { time: Some((101, 1)), ..VERSION }));
        assert!(
            !state.has_begun(b"a", Version { time: None, ..VERSION }),
            "without a time it may be another version"
        );
        assert!(
            state.has_begun(b"a", Version { time: Some((60, 60)), ..VERSION }),
            "the minute that holds it"
        );
    }

    #[test]
    fn run_with_nothing_to_tell_leaves_no_file() {
        let place = Place::new();
        place.known().finish().unwrap();
        assert_eq!(place.names(), 0);
        let mut state = place.known();
        state.begin(b"a", VERSION);
        state.end(b"a");
        assert_eq!(place.names(), 1);
        state.finish().unwrap();
        assert_eq!(place.names(), 0);
    }

    #[test]
    fn what_was_sent_is_known_until_either_side_changes() {
        let place = Place::new();
        let mut state = place.known();
        let there = |start| Some(Stamp { start, width: 60 });
        state.sent(b"a", VERSION, None);
        state.finish().unwrap();
        let mut state = place.known();
        assert!(state.was_sent(b"a", VERSION, there(600)));
        assert!(!state.was_sent(b"a", Version { time: Some((102, 1)), ..VERSION }, there(600)));
        state.sent(b"a", VERSION, there(600));
        state.finish().unwrap();
        let mut state = place.known();
        assert!(state.was_sent(b"a", VERSION, there(600)) && !state.was_sent(b"a", VERSION, there(660)));
        state.forget(b"a");
        state.finish().unwrap();
        assert_eq!(place.names(), 0);
    }

    #[test]
    fn damaged_file_is_told_and_ignored_but_half_a_last_line_is_not() {
        let place = Place::new();
        let mut state = place.known();
        state.begin(b"a", VERSION);
        drop(state);
        let text = place.text();
        let write = |text: &str| std::fs::write(place.0.path().join(NAME), text).unwrap();
        write(&format!("{text}{{\"begun\":{{\"pa"));
        assert!(place.known().has_begun(b"a", VERSION));
        write(&format!("{text}nonsense\n{text}"));
        let (state, problem) = place.open("here");
        assert!(problem.unwrap().to_string().contains("line 3") && !state.has_begun(b"a", VERSION));
        write("\u{0}\u{0}");
        assert!(matches!(place.open("here").1.unwrap(), Problem::Foreign(_)));
        write("");
        assert_eq!(place.open("here").1, None);
        write(&text);
        assert!(place.open("elsewhere").1.unwrap().to_string().contains("another mirror"));
    }

    #[test]
    fn half_a_line_is_not_written_on() {
        let place = Place::new();
        let mut state = place.known();
        state.begin(b"a", VERSION);
        drop(state);
        let torn = place.text() + "{\"begun\":";
        std::fs::write(place.0.path().join(NAME), torn).unwrap();
        place.known().begin(b"b", VERSION);
        let state = place.known();
        assert!(state.has_begun(b"a", VERSION) && state.has_begun(b"b", VERSION));
    }
}
